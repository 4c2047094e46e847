//! A child that runs on, and whose last words are kept. All spawning and signalling is `supervise`'s.

use std::io;

use nix::sys::signal::Signal;
use supervise::{Child, CommandLine, Exit, Ladder, ParentDeath, Streams, Tail};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::task::JoinHandle;

/// A process that runs on, and the last lines of its stderr.
#[derive(Debug)]
pub struct Process {
    child: Child,
    log: JoinHandle<Tail>,
}

/// How a process ended, and the last it said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Code or signal.
    pub exit: Exit,
    /// The last lines of its stderr, oldest first.
    pub last_words: Vec<String>,
}

impl Process {
    /// Starts the command; `name` marks its lines in our log.
    ///
    /// # Errors
    /// As [`Child::spawn`].
    pub fn start(name: &'static str, command: &CommandLine, on_our_death: ParentDeath) -> io::Result<Self> {
        tracing::debug!("starting {command}");
        let mut child = Child::spawn(command, Streams { stdout: false, stderr: true }, on_our_death)?;
        let log = tokio::spawn(keep_log(name, child.stderr.take()));
        Ok(Self { child, log })
    }

    /// Waits for the end. Cancel-safe; not to be called again once it has returned.
    ///
    /// # Errors
    /// When the operating system cannot say how the process ended.
    pub async fn ended(&mut self) -> io::Result<Ended> {
        let exit = self.child.wait().await?;
        let last_words = (&mut self.log).await.unwrap_or_default().into_lines();
        Ok(Ended { exit, last_words })
    }

    /// Its process id.
    pub fn id(&self) -> i32 {
        self.child.id()
    }

    /// Sends it a signal that is not meant to end it.
    pub fn notify(&self, signal: Signal) {
        self.child.notify(signal);
    }

    /// Ends it without a chance to finish anything.
    ///
    /// # Errors
    /// As [`Child::kill`].
    pub async fn kill(mut self) -> io::Result<()> {
        self.child.kill().await.map(drop)
    }

    /// Ends it.
    ///
    /// # Errors
    /// As [`Child::terminate`].
    pub async fn terminate(mut self) -> io::Result<()> {
        self.child.terminate(Ladder::default()).await.map(drop)
    }
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.exit)?;
        if self.last_words.is_empty() {
            return write!(f, ", without a word");
        }
        self.last_words.iter().try_for_each(|line| write!(f, "\n    {line}"))
    }
}

/// Reads to the end, so that the process never blocks on a full pipe.
pub async fn keep_log(name: &'static str, stderr: Option<impl AsyncRead + Unpin>) -> Tail {
    let mut tail = Tail::default();
    let Some(mut stderr) = stderr else { return tail };
    let mut buffer = [0; 4096];
    while let Ok(size @ 1..) = stderr.read(&mut buffer).await {
        tracing::debug!("{name}: {}", String::from_utf8_lossy(&buffer[..size]).trim_end());
        tail.push(&buffer[..size]);
    }
    tail
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> CommandLine {
        CommandLine::new("/bin/sh").args(["-c", script])
    }

    #[tokio::test]
    async fn the_last_words_of_a_process_are_told() {
        let mut process = Process::start("test", &shell("echo why >&2; exit 1"), ParentDeath::Kill).unwrap();
        assert_eq!(process.ended().await.unwrap().to_string(), "exit code 1\n    why");
        let mut silent = Process::start("test", &shell("exit 1"), ParentDeath::Kill).unwrap();
        assert_eq!(silent.ended().await.unwrap().to_string(), "exit code 1, without a word");
    }
}
