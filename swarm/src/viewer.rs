//! One viewer: an FFmpeg that is started, listened to, restarted after a pause, and stopped. What to do after an end
//! is decided by [`Viewer::ended`], a pure function of the viewer's history; [`play`] carries it out. Never counts
//! anything beyond its own life, and never logs: it reports.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use supervise::{Backoff, Child, Exit, Ladder, ParentDeath, Streams, Tail};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{ChildStderr, ChildStdout};
use tokio::sync::{mpsc, watch};

use crate::ffmpeg::failure;
use crate::ffmpeg::progress::Progress;
use crate::ffmpeg::{Analysis, Launcher, Stream};
use crate::proxy::recorder::Recorder;
use crate::proxy::ticket::Ticket;

/// A process that played this long has proven itself: its next failure starts the backoff anew.
pub const PROVEN_AFTER: Duration = Duration::from_secs(30);

/// After a process has ended its last words are still in the pipe. They are read until the pipe closes, but no
/// longer than this: a program that a wrapper script left running may hold it open.
const LAST_WORDS_LIMIT: Duration = Duration::from_millis(200);

/// Piece read at once from a process; it lies in each viewer's task, so it is small.
const PIECE_BYTES: usize = 1024;

/// What happened to a viewer, told to the dispatcher.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The viewer's number, from 0.
    pub viewer: u32,
    /// Its process, from 0.
    pub session: u32,
    /// When it happened.
    pub at: Instant,
    /// What happened.
    pub what: Happening,
}

/// The events of a viewer's life.
#[derive(Clone, Debug, PartialEq)]
pub enum Happening {
    /// A process runs.
    Started(StartKind),
    /// A process could not be started at all.
    NotStarted {
        /// The operating system's words.
        reason: String,
    },
    /// The first media went through this process.
    Playing,
    /// The process is gone.
    Ended(Ended),
    /// A fault in `swarm` itself has ended the viewer, and its process if one ran.
    Lost {
        /// What the fault says of itself; equal for equal faults.
        reason: String,
        /// A process ran.
        ran: bool,
    },
}

/// Why a process was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartKind {
    /// The viewer's first.
    First,
    /// After a failure.
    Restart,
    /// After a complete view of a VOD.
    NextView,
    /// After a look at the stream that was too short to tell what is in it.
    LongerLook,
}

/// A process's end.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    /// How it ended.
    pub exit: Exit,
    /// What that means.
    pub ending: Ending,
    /// From start to end.
    pub ran: Duration,
    /// Media that went through it.
    pub media: Duration,
    /// Its last words on stderr.
    pub said: Vec<String>,
}

/// What the end of a process means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// We stopped it.
    Stopped,
    /// A VOD, or a live stream that ended, was played to its end.
    Completed,
    /// The short look that we made it take did not tell what is in the stream. Nothing that the origin did.
    LookedTooShort,
    /// Anything else, exit code 0 of a live stream included.
    Failed {
        /// For humans; equal for equal failures.
        reason: String,
    },
}

/// What the dispatcher wants of all viewers: those below the target run, the others stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target(pub u32);

/// Everything that a viewer needs to play.
#[derive(Debug)]
pub struct Seat {
    /// The viewer's number, from 0.
    pub number: u32,
    /// The number of its first process: above those of the viewers that had this seat before.
    pub session: u32,
    /// As what that one is started: the first of a viewer that takes another's place is a restart.
    pub first_start: StartKind,
    /// What it plays.
    pub stream: Stream,
    /// How its FFmpegs are started.
    pub launcher: Arc<Launcher>,
    /// For the backoff's jitter.
    pub seed: u64,
    /// Which knows whether a stream was played to its end; `None` where FFmpegs fetch by themselves.
    pub wire: Option<Arc<Recorder>>,
    /// Whether it shall run.
    pub target: watch::Receiver<Target>,
    /// Where it tells what happens.
    pub reports: mpsc::Sender<Report>,
}

/// A viewer that plays no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone {
    /// Its number.
    pub viewer: u32,
    /// Above the numbers of all its processes.
    pub next_session: u32,
}

/// A viewer's history, as far as it decides what comes next.
#[derive(Debug)]
struct Viewer {
    /// The preflight saw a VOD.
    is_vod: bool,
    backoff: Backoff,
    next_start: StartKind,
}

impl Viewer {
    fn new(is_vod: bool, first_start: StartKind, seed: u64) -> Self {
        Self { is_vod, backoff: Backoff::new(seed), next_start: first_start }
    }

    /// What the end of a process means. `left` is what the wire knows to be left to play of a stream that has ended
    /// and was fetched to its end. Only a process that played can complete a view: one that ends at once with code 0
    /// would spin.
    fn judge(&self, exit: Exit, media: Duration, left: Option<Duration>, said: &[String]) -> Ending {
        let has_ended = self.is_vod || left.is_some();
        if has_ended && exit == Exit::Code(0) && media > Duration::ZERO {
            Ending::Completed
        } else {
            Ending::Failed { reason: failure::reason(said, exit) }
        }
    }

    /// How long to wait before the next process; `None` for never. The last seconds of a live stream are played before
    /// it is viewed again, as the VOD that it has become: otherwise all viewers would fetch them over and over.
    #[must_use]
    fn ended(&mut self, ending: &Ending, played: Duration, left: Option<Duration>) -> Option<Duration> {
        if played >= PROVEN_AFTER {
            self.backoff.reset();
        }
        match ending {
            Ending::Stopped => None,
            Ending::Completed => {
                self.backoff.reset();
                self.next_start = StartKind::NextView;
                Some(left.filter(|_| !self.is_vod).unwrap_or_default())
            }
            // At once, and once only: the next look is not short.
            Ending::LookedTooShort => {
                self.next_start = StartKind::LongerLook;
                Some(Duration::ZERO)
            }
            Ending::Failed { .. } => {
                self.next_start = StartKind::Restart;
                self.backoff.next()
            }
        }
    }
}

/// Whether a process ended because the short look at its stream did not tell what is in it.
fn looked_too_short(analysis: Analysis, media: Duration, said: &[String]) -> bool {
    analysis == Analysis::Short && media.is_zero() && failure::did_not_identify(said)
}

/// Plays until the target falls to this viewer's number or below, or nobody listens to its reports any more.
pub async fn play(seat: Seat) -> Gone {
    let Seat { number, session, first_start, stream, launcher, seed, wire, mut target, reports } = seat;
    let mut viewer = Viewer::new(stream.can_complete, first_start, seed);
    let mut voice = Voice { viewer: number, session, reports };
    let gone = |session| Gone { viewer: number, next_session: session + 1 };
    loop {
        let analysis = launcher.analysis();
        let ticket = Ticket { viewer: number, session: voice.session };
        let command = launcher.command(&stream, ticket, analysis);
        let started = Instant::now();
        let streams = Streams { stdout: true, stderr: true };
        let pause = match Child::spawn(&command, streams, ParentDeath::Kill) {
            Ok(child) => {
                if !voice.tell(started, Happening::Started(viewer.next_start)).await {
                    return gone(voice.session);
                }
                let attended = attend(child, unwanted(&mut target, number), &voice).await;
                let Attended { exit, stopped, media, played, said } = attended;
                let left = wire
                    .as_ref()
                    .and_then(|wire| wire.wire().left_to_play(number, voice.session, Instant::now()));
                let ending = if stopped {
                    Ending::Stopped
                } else if looked_too_short(analysis, media, &said) {
                    Ending::LookedTooShort
                } else {
                    viewer.judge(exit, media, left, &said)
                };
                if ending == Ending::LookedTooShort && launcher.look_longer() {
                    tracing::warn!(
                        viewer = number,
                        "FFmpeg did not know {} after a short look: viewers look longer from now on",
                        stream.url
                    );
                }
                let pause = viewer.ended(&ending, played, left);
                let ended = Ended { exit, ending, ran: started.elapsed(), media, said };
                if !voice.tell(Instant::now(), Happening::Ended(ended)).await {
                    return gone(voice.session);
                }
                pause
            }
            Err(error) => {
                if !voice.tell(started, Happening::NotStarted { reason: error.to_string() }).await {
                    return gone(voice.session);
                }
                viewer.backoff.next()
            }
        };
        let Some(pause) = pause else { return gone(voice.session) };
        voice.session += 1;
        tokio::select! {
            biased;
            () = unwanted(&mut target, number) => return gone(voice.session),
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// How a viewer tells what happens.
struct Voice {
    viewer: u32,
    session: u32,
    reports: mpsc::Sender<Report>,
}

impl Voice {
    /// False when nobody listens any more.
    async fn tell(&self, at: Instant, what: Happening) -> bool {
        let Self { viewer, session, reports } = self;
        let report = Report { viewer: *viewer, session: *session, at, what };
        reports.send(report).await.is_ok()
    }
}

/// Returns when this viewer shall not run: also when the dispatcher is gone.
async fn unwanted(target: &mut watch::Receiver<Target>, number: u32) {
    // An error means that the sender is gone, which is as good as a target of zero.
    drop(target.wait_for(|target| target.0 <= number).await);
}

struct Attended {
    exit: Exit,
    stopped: bool,
    media: Duration,
    played: Duration,
    said: Vec<String>,
}

/// Listens to a process until it has ended, by itself or because it is `unwanted`.
async fn attend(mut child: Child, unwanted: impl Future<Output = ()>, voice: &Voice) -> Attended {
    let mut ears = Ears::new(&mut child);
    let mut playing_since: Option<Instant> = None;
    let mut unwanted = pin!(unwanted);
    let (exit, stopped) = loop {
        tokio::select! {
            exit = child.wait() => break (exit.unwrap_or(Exit::Code(-1)), false),
            () = &mut unwanted => {
                let termination = tokio::select! {
                    termination = child.terminate(Ladder::default()) => termination,
                    never = ears.listen_on() => match never {},
                };
                let exit = match termination {
                    Ok(supervise::Termination::Exited(exit)) => exit,
                    _ => Exit::Signal(9),
                };
                break (exit, true);
            }
            () = ears.listen() => {
                if playing_since.is_none() && !ears.progress.media().is_zero() {
                    playing_since = Some(Instant::now());
                    if !voice.tell(Instant::now(), Happening::Playing).await {
                        // Nobody is interested any more: dropping the child ends it.
                        break (Exit::Signal(9), true);
                    }
                }
            }
        }
    };
    ears.hear_last_words().await;
    let (progress, tail) = (ears.progress, ears.tail);
    if playing_since.is_none() && !progress.media().is_zero() {
        voice.tell(Instant::now(), Happening::Playing).await;
    }
    Attended {
        exit,
        stopped,
        media: progress.media(),
        played: playing_since.map_or(Duration::ZERO, |since| since.elapsed()),
        said: tail.into_lines(),
    }
}

/// Both of a process's streams, and what was understood of them.
struct Ears {
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    progress: Progress,
    tail: Tail,
}

impl Ears {
    fn new(child: &mut Child) -> Self {
        Self {
            stdout: child.stdout.take(),
            stderr: child.stderr.take(),
            progress: Progress::default(),
            tail: Tail::default(),
        }
    }

    /// Takes in one piece; never returns once both streams have ended. Cancel-safe.
    async fn listen(&mut self) {
        let (mut heard, mut said) = ([0; PIECE_BYTES], [0; PIECE_BYTES]);
        tokio::select! {
            count = read_some(&mut self.stdout, &mut heard) => self.progress.push(&heard[..count]),
            count = read_some(&mut self.stderr, &mut said) => self.tail.push(&said[..count]),
        }
    }

    async fn listen_on(&mut self) -> std::convert::Infallible {
        loop {
            self.listen().await;
        }
    }

    async fn hear_last_words(&mut self) {
        let all = async {
            while self.stdout.is_some() || self.stderr.is_some() {
                self.listen().await;
            }
        };
        // Too late is as good as nothing more to hear.
        tokio::time::timeout(LAST_WORDS_LIMIT, all).await.unwrap_or_default();
    }
}

/// Reads once; a stream that has ended becomes `None` and is never ready again.
async fn read_some<R: AsyncRead + Unpin>(stream: &mut Option<R>, piece: &mut [u8]) -> usize {
    match stream {
        None => std::future::pending().await,
        Some(open) => {
            let count = open.read(piece).await.unwrap_or_default();
            if count == 0 {
                *stream = None;
            }
            count
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEDIA: Duration = Duration::from_secs(12);

    fn failed() -> Ending {
        Ending::Failed { reason: "gone".to_owned() }
    }

    #[test]
    fn only_a_stream_with_an_end_that_played_and_exited_with_zero_completes() {
        let known = Some(Duration::from_secs(6));
        for (is_vod, exit, media, left, completes) in [
            (true, Exit::Code(0), MEDIA, None, true),
            (true, Exit::Code(0), Duration::ZERO, known, false),
            (true, Exit::Code(1), MEDIA, known, false),
            (true, Exit::Signal(9), MEDIA, None, false),
            (false, Exit::Code(0), MEDIA, None, false),
            (false, Exit::Code(0), MEDIA, known, true),
            (false, Exit::Code(1), MEDIA, known, false),
        ] {
            let ending = Viewer::new(is_vod, StartKind::First, 1).judge(exit, media, left, &[]);
            assert_eq!(ending == Ending::Completed, completes, "{is_vod} {exit} {media:?} {left:?}");
        }
    }

    #[test]
    fn a_short_look_that_told_nothing_is_followed_by_a_longer_one_at_once() {
        let unknown =
            ["[hls @ 0x1] [warning] Could not find codec parameters for stream 1 (Audio: aac)".to_owned()];
        assert!(looked_too_short(Analysis::Short, Duration::ZERO, &unknown));
        assert!(!looked_too_short(Analysis::Full, Duration::ZERO, &unknown), "once only");
        assert!(!looked_too_short(Analysis::Short, MEDIA, &unknown), "it played");
        assert!(!looked_too_short(Analysis::Short, Duration::ZERO, &["[error] 404".to_owned()]));
        let mut viewer = Viewer::new(false, StartKind::First, 1);
        assert_eq!(viewer.ended(&Ending::LookedTooShort, Duration::ZERO, None), Some(Duration::ZERO));
        assert_eq!(viewer.next_start, StartKind::LongerLook);
    }

    #[test]
    fn a_completed_view_is_followed_at_once_and_is_no_restart() {
        let mut viewer = Viewer::new(true, StartKind::First, 1);
        assert_eq!(viewer.ended(&Ending::Completed, MEDIA, Some(MEDIA)), Some(Duration::ZERO));
        assert_eq!(viewer.next_start, StartKind::NextView);
    }

    #[test]
    fn the_last_seconds_of_a_live_stream_are_played_before_it_is_viewed_again() {
        let mut viewer = Viewer::new(false, StartKind::First, 1);
        assert_eq!(viewer.ended(&Ending::Completed, MEDIA, Some(MEDIA)), Some(MEDIA));
        assert_eq!(viewer.next_start, StartKind::NextView);
    }

    #[test]
    fn failures_wait_longer_and_longer_until_a_process_has_proven_itself() {
        let mut viewer = Viewer::new(false, StartKind::First, 1);
        let first = viewer.ended(&failed(), Duration::ZERO, None).unwrap();
        let fifth = (0..4).filter_map(|_| viewer.ended(&failed(), Duration::ZERO, None)).last().unwrap();
        assert!(fifth > 4 * first, "{first:?} {fifth:?}");
        assert_eq!(viewer.next_start, StartKind::Restart);
        let short_lived = viewer.ended(&failed(), PROVEN_AFTER / 2, None).unwrap();
        assert!(short_lived > 4 * first, "{short_lived:?}");
        let proven = viewer.ended(&failed(), PROVEN_AFTER, None).unwrap();
        assert!(proven <= Backoff::FIRST.mul_f64(1.2), "{proven:?}");
    }

    #[test]
    fn a_stopped_viewer_stays_stopped() {
        assert_eq!(Viewer::new(false, StartKind::First, 1).ended(&Ending::Stopped, MEDIA, None), None);
    }
}
