//! One viewer's life as a table of requests, and what a player would have shown.

mod properties;
mod tracks;

use std::sync::Arc;

use super::*;
use crate::observation::{Cache, ErrorClass, Kind, Outcome, PlaylistView};

const VIDEO: PlaylistId = PlaylistId(0);
const AUDIO: PlaylistId = PlaylistId(1);
const OK: Outcome = Outcome::Status(200);

fn s(s: f64) -> Duration {
    Duration::from_secs_f64(s)
}

/// A viewer whose first process starts at zero; all times in seconds, segments 2 s long unless said otherwise.
struct Lab {
    began: Instant,
    viewer: Playback,
    session: u32,
}

impl Lab {
    fn new() -> Self {
        let began = Instant::now();
        let mut viewer = Playback::new(began);
        viewer.process_started(0, began);
        Self { began, viewer, session: 0 }
    }

    fn at(&self, after: f64) -> Instant {
        self.began + s(after)
    }

    /// A request that ends at `end` and took `took`.
    fn request(&self, kind: Kind, end: f64, took: f64) -> Observation {
        Observation {
            viewer: 0,
            session: self.session,
            kind,
            url: Arc::from("http://h/x"),
            started: self.at(end - took),
            connect: None,
            tls: None,
            ttfb: None,
            duration: s(took),
            bytes: 1000,
            outcome: OK,
            segment: None,
            playlist: None,
            cache: Cache::Unknown,
        }
    }

    fn segment_of(&self, playlist: PlaylistId, end: f64, sequence: u64, media: f64) -> Observation {
        let segment = Segment { playlist, sequence, media: s(media), discontinuity: false, merged: 0 };
        Observation { segment: Some(segment), ..self.request(Kind::Segment, end, 0.0) }
    }

    fn gets(&mut self, end: f64, sequence: u64) -> Effects {
        let seen = self.segment_of(VIDEO, end, sequence, 2.0);
        self.viewer.observe(&seen)
    }

    fn gets_of(&mut self, playlist: PlaylistId, end: f64, sequence: u64, media: f64) {
        let seen = self.segment_of(playlist, end, sequence, media);
        let _ = self.viewer.observe(&seen);
    }

    /// The viewer sees a playlist of 2 s segments.
    fn sees(&mut self, playlist: PlaylistId, end: f64, first: u64, segments: u32, ended: bool) -> Effects {
        let view = PlaylistView {
            playlist,
            target_duration: s(2.0),
            first_sequence: first,
            segments: u64::from(segments),
            media: s(2.0) * segments,
            ended,
            age: Duration::ZERO,
        };
        let seen = Observation { playlist: Some(view), ..self.request(Kind::Playlist, end, 0.0) };
        self.viewer.observe(&seen)
    }

    /// Its process fails.
    fn ends(&mut self, at: f64) {
        self.viewer.process_ended(self.session, SessionEnd::Failed, self.at(at));
    }

    fn starts(&mut self, at: f64) {
        self.session += 1;
        self.viewer.process_started(self.session, self.at(at));
    }

    fn view(&mut self, now: f64) -> PlaybackView {
        self.viewer.advance(self.at(now));
        self.viewer.view()
    }

    fn stalls(&mut self, now: f64) -> (u64, Duration) {
        let totals = self.view(now).totals;
        (totals.stalls, totals.stalled)
    }
}

#[test]
fn steady_live_play_has_a_startup_and_no_stall() {
    let mut lab = Lab::new();
    for sequence in 7..10 {
        let startup = lab.gets(0.5, sequence).startup;
        assert_eq!(startup, (sequence == 7).then_some(s(0.5)), "only the first");
    }
    for n in 0..50_u32 {
        lab.gets(2.0 + 2.0 * f64::from(n), 10 + u64::from(n));
    }
    let view = lab.view(100.5);
    assert_eq!((view.state, view.buffer), (PlaybackState::Playing, s(6.0)));
    let totals = view.totals;
    assert_eq!((totals.stalls, totals.stalled), (0, Duration::ZERO));
    assert_eq!((totals.startup, totals.playing, totals.played), (s(0.5), s(100.0), s(100.0)));
    assert_eq!(totals.received, s(106.0));
}

#[test]
fn a_gap_counts_as_a_stall_from_a_quarter_of_a_second_on_and_then_all_of_it() {
    for (gap, stalls, stalled) in
        [(0.0, 0, 0.0), (0.2, 0, 0.0), (0.249_999, 0, 0.0), (0.25, 1, 0.25), (0.3, 1, 0.3), (30.0, 1, 30.0)]
    {
        let mut lab = Lab::new();
        lab.gets(1.0, 1);
        lab.gets(3.0 + gap, 2);
        let view = lab.view(4.0 + gap);
        assert_eq!((view.totals.stalls, view.totals.stalled), (stalls, s(stalled)), "a gap of {gap} s");
        let played = if stalls == 0 { s(3.0 + gap) } else { s(3.0) };
        assert_eq!((view.totals.playing, view.totals.played), (played, s(3.0)), "a gap of {gap} s");
    }
}

#[test]
fn a_stall_is_seen_while_it_lasts() {
    let mut lab = Lab::new();
    lab.gets(1.0, 1);
    let view = lab.view(3.2);
    assert_eq!((view.state, view.undecided), (PlaybackState::Playing, lab.at(3.2) - lab.at(3.0)));
    assert_eq!(lab.view(3.25).state, PlaybackState::Stalled);
    assert_eq!(lab.stalls(3.5), (1, s(0.5)));
    assert_eq!(lab.stalls(9.0), (1, s(6.0)));
    lab.gets(9.0, 2);
    assert_eq!(lab.view(9.0).state, PlaybackState::Playing);
    assert_eq!(lab.stalls(11.0), (1, s(6.0)));
    assert_eq!(lab.stalls(12.0), (2, s(7.0)));
}

#[test]
fn only_segments_that_came_whole_are_media() {
    let mut lab = Lab::new();
    for outcome in
        [Outcome::Aborted, Outcome::Failed(ErrorClass::Short), Outcome::Status(404), Outcome::Status(302)]
    {
        let seen = Observation { outcome, ..lab.segment_of(VIDEO, 1.0, 1, 2.0) };
        assert_eq!(lab.viewer.observe(&seen), Effects::default(), "{outcome:?}");
    }
    let empty = Observation { bytes: 0, ..lab.segment_of(VIDEO, 1.0, 1, 2.0) };
    assert_eq!(lab.viewer.observe(&empty).startup, None);
    for kind in [Kind::Init, Kind::Key, Kind::Playlist, Kind::Master] {
        let seen = lab.request(kind, 1.0, 0.1);
        assert_eq!(lab.viewer.observe(&seen), Effects::default(), "{kind:?}");
    }
    let view = lab.view(2.0);
    assert_eq!((view.state, view.totals.received), (PlaybackState::Starting, Duration::ZERO));
    assert_eq!((view.totals.startup, view.starting_for), (s(2.0), Some(s(2.0))));
    assert_eq!((view.totals.duplicate_segments, view.totals.late_segments), (0, 0));
    assert_eq!(lab.gets(3.0, 1).startup, Some(s(3.0)), "the segment that failed is fetched again");
}

#[test]
fn segments_that_were_asked_for_at_once_are_media_and_numbers_of_all() {
    let mut lab = Lab::new();
    lab.sees(VIDEO, 0.0, 1, 5, true);
    let mut seen = lab.segment_of(VIDEO, 1.0, 1, 10.0);
    seen.segment.as_mut().unwrap().merged = 4;
    lab.viewer.observe(&seen);
    assert_eq!(lab.viewer.left_to_play(0), Some(s(10.0)), "all of it was fetched");
    let view = lab.view(20.0);
    assert_eq!((view.state, view.totals.received), (PlaybackState::Finished, s(10.0)));
    assert_eq!((view.totals.stalls, view.totals.skipped_segments), (0, 0));
}

#[test]
fn a_segment_received_twice_is_media_once() {
    let mut lab = Lab::new();
    for sequence in [1, 1, 2, 1] {
        lab.gets(1.0, sequence);
    }
    let totals = lab.view(1.0).totals;
    assert_eq!((totals.received, totals.duplicate_segments), (s(4.0), 2));
}

#[test]
fn segments_that_overtake_each_other_are_neither_skipped_nor_lost() {
    let mut lab = Lab::new();
    lab.sees(VIDEO, 0.5, 1, 5, false);
    for sequence in [1, 3, 2, 5, 4] {
        lab.gets(1.0, sequence);
    }
    lab.sees(VIDEO, 2.0, 6, 5, false);
    let totals = lab.view(2.0).totals;
    assert_eq!((totals.received, totals.skipped_segments), (s(10.0), 0));
}

#[test]
fn segments_that_fell_out_of_the_playlist_unasked_are_skipped() {
    let mut lab = Lab::new();
    lab.sees(VIDEO, 0.5, 1, 5, false);
    lab.gets(1.0, 3);
    lab.sees(VIDEO, 20.0, 9, 5, false);
    assert_eq!(lab.view(20.0).totals.skipped_segments, 0, "a viewer that has not gone on may have stopped");
    lab.gets(20.5, 9);
    assert_eq!(lab.view(21.0).totals.skipped_segments, 5, "4 to 8");
    let failed = Observation { outcome: Outcome::Status(404), ..lab.segment_of(VIDEO, 21.0, 10, 2.0) };
    lab.viewer.observe(&failed);
    lab.gets(22.0, 11);
    lab.gets(23.0, 14);
    lab.sees(VIDEO, 24.0, 13, 5, false);
    assert_eq!(
        lab.view(24.0).totals.skipped_segments,
        6,
        "12, not 10, which failed, nor 13, which may yet come"
    );
}

#[test]
fn a_segment_that_takes_longer_than_its_media_is_late() {
    let mut lab = Lab::new();
    for (sequence, took) in [(1, 0.5), (2, 2.0), (3, 2.1), (4, 5.0)] {
        let seen = Observation {
            duration: s(took),
            started: lab.at(1.0),
            ..lab.segment_of(VIDEO, 1.0, sequence, 2.0)
        };
        lab.viewer.observe(&seen);
    }
    let totals = lab.view(6.0).totals;
    assert_eq!((totals.late_segments, totals.worst_lateness), (2, 2.5));
}

#[test]
fn discontinuities_are_counted_once_each() {
    let mut lab = Lab::new();
    for sequence in [1, 2, 2, 3] {
        let mut seen = lab.segment_of(VIDEO, 1.0, sequence, 2.0);
        seen.segment.as_mut().unwrap().discontinuity = sequence == 2;
        lab.viewer.observe(&seen);
    }
    assert_eq!(lab.view(1.0).totals.discontinuities, 1);
}

#[test]
fn the_end_of_a_vod_is_no_stall() {
    let mut lab = Lab::new();
    lab.sees(VIDEO, 0.0, 0, 2, true);
    lab.gets(1.0, 0);
    lab.gets(1.0, 1);
    let view = lab.view(60.0);
    assert_eq!((view.state, view.totals.stalls), (PlaybackState::Finished, 0));
    assert_eq!((view.totals.playing, view.totals.idle), (s(4.0), s(55.0)));
}

#[test]
fn an_end_that_is_announced_in_a_gap_ends_the_gap() {
    let mut lab = Lab::new();
    lab.sees(VIDEO, 0.0, 0, 2, false);
    lab.gets(1.0, 0);
    lab.gets(1.0, 1);
    lab.sees(VIDEO, 5.2, 0, 2, true);
    let view = lab.view(60.0);
    assert_eq!((view.state, view.totals.stalls), (PlaybackState::Finished, 0));
    assert_eq!(view.totals.playing, s(4.2));
}

#[test]
fn a_vod_that_lacks_its_last_segment_stalls() {
    let mut lab = Lab::new();
    lab.sees(VIDEO, 0.0, 0, 3, true);
    lab.gets(1.0, 0);
    lab.gets(1.0, 1);
    assert_eq!(lab.stalls(10.0), (1, s(5.0)));
}

#[test]
fn a_download_at_full_pace_fills_the_buffer() {
    let mut lab = Lab::new();
    lab.sees(VIDEO, 0.0, 0, 300, true);
    for sequence in 0..300 {
        lab.gets(1.0, sequence);
    }
    assert_eq!(lab.view(1.0).buffer, s(600.0));
    assert_eq!(lab.view(101.0).buffer, s(500.0));
    assert_eq!(lab.view(101.0).live_latency, None, "it is not live");
}

#[test]
fn a_restart_is_a_new_session_with_a_startup_of_its_own() {
    let mut lab = Lab::new();
    lab.gets(1.0, 1);
    lab.gets(1.0, 2);
    lab.ends(3.0);
    assert_eq!(lab.view(7.0).state, PlaybackState::Interrupted);
    let late = lab.segment_of(VIDEO, 7.0, 3, 2.0);
    assert_eq!(lab.viewer.observe(&late), Effects::default(), "its process is gone");
    lab.viewer.process_started(1, lab.at(8.0));
    assert_eq!(lab.viewer.observe(&late), Effects::default(), "of the process before");
    lab.session = 1;
    assert_eq!(lab.gets(9.5, 2).startup, Some(s(1.5)), "a sequence number that the last session had, too");
    let view = lab.view(10.0);
    assert_eq!((view.state, view.buffer), (PlaybackState::Playing, s(1.5)));
    let totals = view.totals;
    assert_eq!((totals.startup, totals.playing, totals.interrupted), (s(1.0), s(2.5), s(6.5)));
    assert_eq!((totals.received, totals.played, totals.discarded), (s(6.0), s(2.5), s(2.0)));
    assert_eq!((totals.stalls, totals.starts_without_media), (0, 0));
}

#[test]
fn a_failure_interrupts_until_the_next_segment_however_many_processes_that_takes() {
    let mut lab = Lab::new();
    lab.gets(1.0, 1);
    lab.ends(2.0);
    for start in [3.0, 5.0] {
        lab.starts(start);
        lab.ends(start + 1.0);
    }
    lab.starts(8.0);
    let down = lab.view(9.0);
    assert_eq!((down.state, down.starting_for), (PlaybackState::Interrupted, Some(s(1.0))));
    assert_eq!(lab.viewer.nothing_since(), Some(lab.at(2.0)));
    assert_eq!(lab.gets(10.0, 1).startup, Some(s(2.0)), "the start of the process that made it");
    assert_eq!(lab.viewer.nothing_since(), None);
    let totals = lab.view(11.0).totals;
    assert_eq!((totals.interruptions, totals.interrupted), (1, s(8.0)));
    assert_eq!((totals.startup, totals.playing, totals.idle), (s(1.0), s(2.0), Duration::ZERO));
}

#[test]
fn a_view_that_was_complete_or_stopped_or_never_began_is_not_interrupted() {
    let mut lab = Lab::new();
    lab.ends(1.0);
    assert_eq!(lab.view(2.0).state, PlaybackState::Idle, "it has not played");
    lab.starts(2.0);
    lab.gets(3.0, 1);
    lab.viewer.process_ended(lab.session, SessionEnd::Over, lab.at(4.0));
    assert_eq!(lab.view(5.0).state, PlaybackState::Idle);
    lab.starts(5.0);
    assert_eq!(lab.view(6.0).state, PlaybackState::Starting, "the next view");
    lab.gets(6.0, 1);
    lab.ends(7.0);
    lab.starts(8.0);
    lab.viewer.process_ended(lab.session, SessionEnd::Over, lab.at(9.0));
    assert_eq!(lab.view(10.0).state, PlaybackState::Idle, "stopped while it was interrupted");
    lab.sees(VIDEO, 10.0, 0, 2, true);
    let totals = lab.view(11.0).totals;
    assert_eq!((totals.interruptions, totals.interrupted), (1, s(2.0)));
}

#[test]
fn a_process_that_fails_in_a_stall_makes_the_stall_an_interruption_from_its_end_on() {
    let mut lab = Lab::new();
    lab.gets(1.0, 1);
    lab.ends(5.0);
    lab.starts(6.0);
    assert_eq!(lab.viewer.nothing_since(), Some(lab.at(3.0)), "nothing was played since");
    lab.gets(7.0, 1);
    let totals = lab.view(7.0).totals;
    assert_eq!((totals.stalls, totals.stalled), (1, s(2.0)));
    assert_eq!((totals.interruptions, totals.interrupted), (1, s(2.0)));
}

#[test]
fn the_end_of_a_process_that_another_one_has_followed_is_no_news() {
    let mut lab = Lab::new();
    lab.gets(1.0, 1);
    lab.session = 1;
    lab.gets(1.5, 1);
    lab.viewer.process_ended(0, SessionEnd::Over, lab.at(1.6));
    assert_eq!(lab.view(2.0).state, PlaybackState::Playing);
}

#[test]
fn an_interrupted_viewer_still_needs_what_it_played() {
    let mut lab = Lab::new();
    lab.sees(VIDEO, 0.0, 0, 5, false);
    lab.gets(1.0, 3);
    lab.gets(1.0, 4);
    lab.ends(2.0);
    lab.starts(3.0);
    assert_eq!(lab.viewer.watches().collect::<Vec<_>>(), [VIDEO]);
    lab.gets(4.0, 3);
    assert_eq!(lab.viewer.watches().count(), 0);
}

#[test]
fn what_is_left_of_a_stream_that_ended_is_known_once_all_of_it_was_fetched() {
    let mut lab = Lab::new();
    assert_eq!(lab.viewer.left_to_play(0), None);
    lab.sees(VIDEO, 0.0, 0, 2, false);
    lab.gets(1.0, 0);
    lab.gets(1.0, 1);
    assert_eq!(lab.viewer.left_to_play(0), None, "it may go on");
    lab.sees(VIDEO, 2.0, 0, 3, true);
    assert_eq!(lab.viewer.left_to_play(0), None, "there is more");
    lab.gets(2.0, 2);
    assert_eq!((lab.viewer.left_to_play(0), lab.viewer.left_to_play(1)), (Some(s(5.0)), None));
}

#[test]
fn a_session_without_a_segment_has_no_startup_and_is_counted() {
    let mut lab = Lab::new();
    lab.ends(2.0);
    lab.ends(3.0);
    let totals = lab.view(4.0).totals;
    assert_eq!((totals.startup, totals.idle, totals.starts_without_media), (s(2.0), s(2.0), 1));
}

#[test]
fn an_observation_may_be_the_first_news_of_its_process() {
    let mut lab = Lab::new();
    lab.gets(1.0, 1);
    lab.session = 1;
    let seen = Observation { duration: s(0.5), ..lab.segment_of(VIDEO, 4.0, 1, 2.0) };
    assert_eq!(lab.viewer.observe(&seen).startup, Some(s(0.5)));
    lab.viewer.process_started(1, lab.at(5.0));
    assert_eq!(lab.view(5.0).state, PlaybackState::Playing);
}

#[test]
fn a_stall_that_a_process_does_not_survive_counts_up_to_its_end() {
    for (end, stalls, stalled) in [(3.2, 0, 0.0), (4.0, 1, 1.0)] {
        let mut lab = Lab::new();
        lab.gets(1.0, 1);
        lab.ends(end);
        assert_eq!(lab.stalls(20.0), (stalls, s(stalled)));
    }
}

#[test]
fn live_latency_is_what_lies_between_playhead_and_the_end_of_the_playlist() {
    let mut lab = Lab::new();
    lab.sees(VIDEO, 0.0, 10, 6, false);
    assert_eq!(lab.view(0.5).live_latency, None, "nothing is played yet");
    lab.gets(1.0, 13);
    assert_eq!(lab.view(1.0).live_latency, Some(s(6.0)), "the buffer, and two segments listed after it");
    lab.gets(1.5, 14);
    assert_eq!(lab.view(2.0).live_latency, Some(s(5.0)));
    lab.sees(VIDEO, 2.0, 11, 6, false);
    assert_eq!(lab.view(2.0).live_latency, Some(s(7.0)));
    lab.sees(VIDEO, 2.0, 10, 6, false);
    assert_eq!(lab.view(2.0).live_latency, Some(s(7.0)), "an older playlist changes nothing");
}

#[test]
fn a_playlist_goes_backwards_when_the_same_session_saw_more() {
    let mut lab = Lab::new();
    for (first, segments, backwards) in [
        (10, 5, false),
        (10, 5, false),
        (11, 5, false),
        (10, 6, true),
        (10, 5, true),
        (10, 5, false),
        (12, 5, false),
    ] {
        let effects = lab.sees(VIDEO, 1.0, first, segments, false);
        assert_eq!(effects.playlist_went_backwards, backwards, "{first} +{segments}");
    }
    lab.viewer.process_started(1, lab.at(2.0));
    lab.session = 1;
    assert!(!lab.sees(VIDEO, 3.0, 0, 5, false).playlist_went_backwards);
}

#[test]
fn a_numbering_that_begins_anew_is_new_media() {
    let mut lab = Lab::new();
    lab.sees(VIDEO, 0.0, 0, 5, false);
    lab.gets(1.0, 4);
    lab.sees(VIDEO, 2.0, 20, 5, false);
    lab.gets(2.0, 20);
    assert!(lab.sees(VIDEO, 4.0, 0, 3, false).playlist_went_backwards);
    lab.gets(4.0, 4);
    let totals = lab.view(4.0).totals;
    assert_eq!((totals.received, totals.duplicate_segments), (s(6.0), 0));
}

#[test]
fn a_viewer_is_small() {
    let (viewer, track) = (size_of::<Playback>(), size_of::<Track>());
    assert!(viewer <= 328 && track <= 152, "{viewer} {track}");
    let mut lab = Lab::new();
    for id in 0..1000 {
        lab.gets_of(PlaylistId(id), 1.0, 0, 2.0);
    }
    assert!(lab.viewer.tracks.len() <= MOST_TRACKS);
}

#[test]
fn numbers_beyond_reason_do_no_harm() {
    let mut lab = Lab::new();
    lab.sees(VIDEO, 0.0, u64::MAX, 5, false);
    for sequence in [u64::MAX, 0, u64::MAX - 1, 1, 2] {
        let mut seen = lab.segment_of(VIDEO, 1.0, sequence, 2.0);
        seen.segment.as_mut().unwrap().media = Duration::MAX;
        lab.viewer.observe(&seen);
    }
    lab.sees(VIDEO, 1.0, 0, u32::MAX, false);
    let view = lab.view(2.0);
    assert_eq!((view.state, view.totals.skipped_segments), (PlaybackState::Playing, 0));
}

#[test]
fn what_becomes_of_a_viewer_that_was_removed_counts_no_more() {
    let mut lab = Lab::new();
    lab.gets(1.0, 7);
    lab.viewer.removed(lab.at(2.0));
    // Its process waits for the playlist, ignores the first signal, and gets one more segment.
    lab.gets(9.0, 8);
    lab.ends(10.0);
    let totals = lab.view(12.0).totals;
    assert_eq!((totals.stalls, totals.playing, totals.idle), (0, s(1.0), s(10.0)));

    let mut lab = Lab::new();
    lab.viewer.removed(lab.at(1.0));
    lab.ends(2.0);
    assert_eq!(lab.view(3.0).totals.starts_without_media, 0);
}
