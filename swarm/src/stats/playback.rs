//! The playback model of one viewer: what a player would have shown, judged from its requests alone.
//!
//! Media that was received whole fills a buffer; the playhead empties it at the pace of the clock; an empty buffer is
//! a stall. A session is one process. When the process of a viewer that has played fails, its watcher sees nothing
//! until the next process has a segment: that is an interruption, however the time is spent. Pure: it is told what was
//! seen and what time it is, and its results do not depend on how often it is told the time.
//!
//! Of several playlists (audio beside video, all variants) each is a track, and the slowest one decides. A track
//! joins at the playhead when its first segment is complete: it can not be behind before it was there. It decides
//! from its second segment on, unless it is all there is, because FFmpeg fetches one segment of playlists that it
//! does not play; and no longer once it has fallen silent ([`Track::is_silent`]).

mod track;
mod view;

use std::time::{Duration, Instant};

pub use view::{PlaybackState, PlaybackTotals, PlaybackView};

use track::Track;

use crate::observation::{Observation, PlaylistId, Segment};

/// A buffer that is empty for this long is a stall, and its whole length counts; a shorter gap is part of playing.
/// hls.js counts from 250 ms too.
pub const STALL_FROM: Duration = Duration::from_millis(250);

/// Playlists that one viewer plays at the same time: a ladder of ten variants with audio and subtitles. More are
/// not modelled.
const MOST_TRACKS: usize = 16;

/// No segment is longer, whatever its `EXTINF` says: sums stay far from their type's end.
const LONGEST_MEDIA: Duration = Duration::from_secs(86_400);

/// One viewer. Takes 328 bytes, and 152 for each playlist that it plays: with audio beside video 632, at most 2.8 KB.
#[derive(Clone, Debug)]
pub struct Playback {
    /// All before is accounted for.
    clock: Instant,
    phase: Phase,
    /// The newest one seen; it has ended when the phase is `Idle`.
    session: Option<u32>,
    tracks: Vec<Track>,
    /// Media played since the session began.
    playhead: Duration,
    /// Where the media of the track that reaches furthest ends.
    front: Duration,
    /// While its watcher is interrupted.
    interruption: Option<Interruption>,
    totals: PlaybackTotals,
}

/// A viewer that has played, whose process failed, and that has no segment since.
#[derive(Clone, Debug)]
struct Interruption {
    /// Since when nothing is played: a stall that its process did not survive is the beginning of it.
    nothing_since: Instant,
    /// What it would watch.
    playlists: Box<[PlaylistId]>,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionEnd {
    /// It was stopped, or it played a stream to its end.
    Over,
    /// Any other way.
    Failed,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    Idle,
    Starting { since: Instant },
    Playing,
    Starved { lasted: Duration },
    Finished,
}

/// What an observation meant, for those who keep count over all viewers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// The session's first segment is complete, so long after its process was started.
    pub startup: Option<Duration>,
    /// The playlist listed less than, or began before, what this viewer had seen of it in this session.
    pub playlist_went_backwards: bool,
}

impl Playback {
    /// A viewer without a process.
    pub fn new(now: Instant) -> Self {
        Self {
            clock: now,
            phase: Phase::Idle,
            session: None,
            tracks: Vec::new(),
            playhead: Duration::ZERO,
            front: Duration::ZERO,
            interruption: None,
            totals: PlaybackTotals::default(),
        }
    }

    /// A process was started. Of a session that is known already it is no news: its first observation may come
    /// before.
    pub fn process_started(&mut self, session: u32, at: Instant) {
        if self.session.is_none_or(|known| session > known) {
            // A failure is followed by a pause, and told before its end: what is not told yet was a complete view.
            let end = if self.interruption.is_some() { SessionEnd::Failed } else { SessionEnd::Over };
            self.end(end, at);
            self.session = Some(session);
            self.phase = Phase::Starting { since: at };
        }
    }

    /// The process is gone, and its buffer with it. Of a session that another one has followed it is no news.
    pub fn process_ended(&mut self, session: u32, end: SessionEnd, at: Instant) {
        if self.session == Some(session) {
            self.totals.starts_without_media += u64::from(matches!(self.phase, Phase::Starting { .. }));
            self.end(end, at);
        }
    }

    /// The viewer was told to go. What its process does until it is gone counts no more; that it had no media yet is
    /// nobody's fault.
    pub fn removed(&mut self, at: Instant) {
        self.end(SessionEnd::Over, at);
    }

    fn end(&mut self, end: SessionEnd, at: Instant) {
        self.advance(at);
        let nothing_since = self.nothing_since().unwrap_or(self.clock);
        self.close_gap();
        let played = matches!(self.phase, Phase::Playing | Phase::Starved { .. });
        if end == SessionEnd::Over {
            self.interruption = None;
        } else if played {
            let playlists = self.deciding().map(|track| track.id).collect();
            self.interruption = Some(Interruption { nothing_since, playlists });
            self.totals.interruptions += 1;
        }
        self.totals.discarded += self.buffer();
        self.tracks.clear();
        self.playhead = Duration::ZERO;
        self.front = Duration::ZERO;
        self.phase = Phase::Idle;
    }

    /// Takes in a request at the time of its end. One of an earlier session, or of a process that has ended, changes
    /// nothing.
    pub fn observe(&mut self, seen: &Observation) -> Effects {
        self.process_started(seen.session, seen.started);
        if self.session != Some(seen.session) || self.phase == Phase::Idle {
            return Effects::default();
        }
        let at = seen.started + seen.duration;
        self.advance(at);
        let mut effects = Effects::default();
        if let Some(view) = seen.playlist.filter(|_| seen.outcome.is_success())
            && let Some(index) = self.track(view.playlist)
        {
            let (skipped, backwards) = self.tracks[index].view(&view);
            self.totals.skipped_segments += skipped;
            effects.playlist_went_backwards = backwards;
        }
        let media = seen.segment.is_some_and(|segment| self.take(seen, segment));
        effects.startup = self.settle(at, media);
        effects
    }

    /// The clock says `now`. A time that has been is no news.
    pub fn advance(&mut self, now: Instant) {
        let mut left = now.saturating_duration_since(self.clock);
        self.clock += left;
        if self.phase == Phase::Playing {
            let buffer = self.buffer();
            let step = left.min(buffer);
            self.playhead += step;
            self.totals.played += step;
            self.totals.playing += step;
            left -= step;
            if step == buffer {
                self.phase = self.empty();
            }
        }
        match &mut self.phase {
            Phase::Playing => {}
            Phase::Idle | Phase::Starting { .. } if self.interruption.is_some() => {
                self.totals.interrupted += left;
            }
            Phase::Idle | Phase::Finished => self.totals.idle += left,
            Phase::Starting { .. } => self.totals.startup += left,
            Phase::Starved { lasted } => {
                let was_stall = *lasted >= STALL_FROM;
                *lasted += left;
                if was_stall {
                    self.totals.stalled += left;
                } else if *lasted >= STALL_FROM {
                    self.totals.stalled += *lasted;
                    self.totals.stalls += 1;
                }
            }
        }
    }

    /// The viewer as it was when it was last told the time.
    pub fn view(&self) -> PlaybackView {
        let (state, undecided) = match self.phase {
            Phase::Idle | Phase::Starting { .. } if self.interruption.is_some() => {
                (PlaybackState::Interrupted, Duration::ZERO)
            }
            Phase::Idle => (PlaybackState::Idle, Duration::ZERO),
            Phase::Starting { .. } => (PlaybackState::Starting, Duration::ZERO),
            Phase::Playing => (PlaybackState::Playing, Duration::ZERO),
            Phase::Starved { lasted } if lasted < STALL_FROM => (PlaybackState::Playing, lasted),
            Phase::Starved { .. } => (PlaybackState::Stalled, Duration::ZERO),
            Phase::Finished => (PlaybackState::Finished, Duration::ZERO),
        };
        let starting_for = match self.phase {
            Phase::Starting { since } => Some(self.clock.saturating_duration_since(since)),
            _ => None,
        };
        PlaybackView {
            state,
            buffer: self.buffer(),
            live_latency: self.live_latency(),
            starting_for,
            undecided,
            totals: self.totals,
        }
    }

    /// The playlists of which it needs more: live ones whose every listed segment was asked for. It would be seen
    /// if they went on. One that still fetches listed segments does not ask for the playlist meanwhile. One that is
    /// interrupted needs all that it played.
    pub fn watches(&self) -> impl Iterator<Item = PlaylistId> {
        let needs_more = |track: &&Track| track.listed_ahead() == Some(Duration::ZERO);
        let lost = self.interruption.iter().flat_map(|interruption| interruption.playlists.iter().copied());
        self.deciding().filter(needs_more).map(|track| track.id).chain(lost)
    }

    /// Since when its watcher sees nothing, after having seen something: it is stalled or interrupted.
    pub fn nothing_since(&self) -> Option<Instant> {
        match (&self.interruption, self.phase) {
            (Some(interruption), _) => Some(interruption.nothing_since),
            (None, Phase::Starved { lasted }) if lasted >= STALL_FROM => self.clock.checked_sub(lasted),
            _ => None,
        }
    }

    /// Whether media ever arrived.
    pub fn has_media(&self) -> bool {
        !self.totals.received.is_zero()
    }

    /// Of a session that has fetched all of a stream that has ended: what is left to play of it.
    pub fn left_to_play(&self, session: u32) -> Option<Duration> {
        let mut deciding = self.deciding().peekable();
        let complete = deciding.peek().is_some() && deciding.all(Track::is_complete);
        (complete && self.session == Some(session)).then(|| self.buffer())
    }

    /// The track's place, made when there is none; its viewer asks for it.
    fn track(&mut self, id: PlaylistId) -> Option<usize> {
        let known = self.tracks.iter().position(|track| track.id == id);
        let index = match known {
            Some(index) => index,
            None if self.tracks.len() < MOST_TRACKS => {
                // Most viewers have one or two: no room for four, which is what `push` would make.
                self.tracks.reserve_exact(1);
                self.tracks.push(Track::new(id));
                self.tracks.len() - 1
            }
            None => {
                let silent = self.tracks.iter().position(|track| !track.active)?;
                self.tracks[silent] = Track::new(id);
                silent
            }
        };
        self.tracks[index].asked(self.front);
        Some(index)
    }

    /// Takes in a request for a segment; whether it brought media.
    fn take(&mut self, seen: &Observation, segment: Segment) -> bool {
        let got = seen.outcome.is_success() && seen.bytes > 0;
        if got && seen.duration > segment.media {
            self.totals.late_segments += 1;
        }
        if got && !segment.media.is_zero() {
            let lateness = seen.duration.div_duration_f64(segment.media);
            self.totals.worst_lateness = self.totals.worst_lateness.max(lateness);
        }
        let Some(index) = self.track(segment.playlist) else { return false };
        let track = &mut self.tracks[index];
        let taken = track.segment(&segment, got);
        self.totals.skipped_segments += taken.skipped;
        self.totals.duplicate_segments += u64::from(got && !taken.new);
        if taken.new {
            let media = segment.media.min(LONGEST_MEDIA);
            track.end = track.end.max(self.playhead) + media;
            self.front = self.front.max(track.end);
            track.asked(self.front);
            self.totals.received += media;
            self.totals.discontinuities += u64::from(segment.discontinuity);
            self.silence_the_silent();
        }
        taken.new
    }

    fn silence_the_silent(&mut self) {
        let target = self.tracks.iter().filter(|track| track.active).map(Track::target).max();
        for track in &mut self.tracks {
            track.active &= !track.is_silent(self.front, target.unwrap_or_default());
        }
    }

    /// What follows from what was just taken in; the startup time, when `media` is the session's first.
    fn settle(&mut self, at: Instant, media: bool) -> Option<Duration> {
        match self.phase {
            Phase::Starting { since } if media => {
                self.phase = Phase::Playing;
                self.interruption = None;
                return Some(at.saturating_duration_since(since));
            }
            Phase::Starved { .. } | Phase::Finished => {
                let next = if self.buffer().is_zero() { self.empty() } else { Phase::Playing };
                if matches!(next, Phase::Playing | Phase::Finished) {
                    self.close_gap();
                    self.phase = next;
                }
            }
            Phase::Idle | Phase::Starting { .. } | Phase::Playing => {}
        }
        None
    }

    /// The phase that an empty buffer means.
    fn empty(&self) -> Phase {
        if self.deciding().all(Track::is_complete) {
            Phase::Finished
        } else {
            Phase::Starved { lasted: Duration::ZERO }
        }
    }

    /// The present gap ends. Whether it was a stall is known then.
    fn close_gap(&mut self) {
        if let Phase::Starved { lasted } = self.phase
            && lasted < STALL_FROM
        {
            self.totals.playing += lasted;
            self.phase = Phase::Playing;
        }
    }

    /// The tracks that the viewer plays, as far as is known.
    fn deciding(&self) -> impl Iterator<Item = &Track> {
        let active = || self.tracks.iter().filter(|track| track.active);
        let some_proven = active().any(Track::is_proven);
        active()
            .filter(move |track| if some_proven { track.is_proven() } else { track.has_asked_for_segments() })
    }

    /// Media that can be played from now on without anything more. A track that is complete holds nobody up.
    fn buffer(&self) -> Duration {
        let slowest = self.deciding().filter(|track| !track.is_complete()).map(|track| track.end).min();
        let end = slowest.or_else(|| self.deciding().map(|track| track.end).max());
        end.unwrap_or_default().saturating_sub(self.playhead)
    }

    fn live_latency(&self) -> Option<Duration> {
        let behind = |track: &Track| Some(track.end.saturating_sub(self.playhead) + track.listed_ahead()?);
        self.deciding().filter_map(behind).max()
    }
}

#[cfg(test)]
mod tests;
