//! Listens to one process until it is gone: its progress, its words, its end.

use std::pin::pin;
use std::time::{Duration, Instant};

use supervise::{Child, Exit, Ladder, Tail};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{ChildStderr, ChildStdout};

use super::{Happening, Voice};
use crate::ffmpeg::progress::Progress;
use crate::redact;

/// After a process has ended its last words are still in the pipe. They are read until the pipe closes, but no
/// longer than this: a program that a wrapper script left running may hold it open.
const LAST_WORDS_LIMIT: Duration = Duration::from_millis(200);

/// Piece read at once from a process; it lies in each viewer's task, so it is small.
const PIECE_BYTES: usize = 1024;

/// A process from its start to its end.
#[derive(Debug)]
pub(super) struct Attended {
    pub(super) exit: Exit,
    /// We ended it.
    pub(super) stopped: bool,
    /// That went through it.
    pub(super) media: Duration,
    /// Since the first media.
    pub(super) played: Duration,
    /// Its last words on stderr.
    pub(super) said: Vec<String>,
}

/// Listens to a process until it has ended, by itself or because it is `unwanted`.
pub(super) async fn attend(mut child: Child, unwanted: impl Future<Output = ()>, voice: &Voice) -> Attended {
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
        said: tail.into_lines().iter().map(|line| redact::passwords(line).into_owned()).collect(),
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
