//! One viewer: an FFmpeg that is started, listened to, restarted after a pause, and stopped. What to do after an end
//! is decided by its [`history`], a pure function; [`play`] carries it out. Never counts anything beyond its own life.

mod attend;
mod history;

use std::sync::Arc;
use std::time::{Duration, Instant};

use supervise::{Child, Exit, ParentDeath, Streams};
use tokio::sync::{mpsc, watch};

use attend::{Attended, attend};
use history::{History, looked_too_short};

use crate::ffmpeg::{Launcher, Stream};
use crate::proxy::recorder::Recorder;
use crate::proxy::ticket::Ticket;

/// A process that played this long has proven itself: its next failure starts the backoff anew.
pub const PROVEN_AFTER: Duration = Duration::from_secs(30);

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

/// Plays until the target falls to this viewer's number or below, or nobody listens to its reports any more.
pub async fn play(seat: Seat) -> Gone {
    let Seat { number, session, first_start, stream, launcher, seed, wire, mut target, reports } = seat;
    let mut history = History::new(stream.can_complete, first_start, seed);
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
                if !voice.tell(started, Happening::Started(history.next_start)).await {
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
                    history.judge(exit, media, left, &said)
                };
                if ending == Ending::LookedTooShort && launcher.look_longer() {
                    tracing::warn!(
                        viewer = number,
                        "FFmpeg did not know {} after a short look: viewers look longer from now on",
                        stream.url
                    );
                }
                let pause = history.ended(&ending, played, left);
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
                history.not_started()
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
