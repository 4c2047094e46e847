//! One child process: its group, its death with ours, its end. The only file that sends signals.

use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::{ChildStderr, ChildStdout, Command};

use crate::CommandLine;

/// Which of the child's streams we read; the others are `/dev/null`. Its stdin always is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Streams {
    /// Pipe stdout to [`Child::stdout`].
    pub stdout: bool,
    /// Pipe stderr to [`Child::stderr`].
    pub stderr: bool,
}

/// The signal that the kernel sends to the child when we die, however we die (Linux; elsewhere none).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParentDeath {
    /// SIGKILL: for a child without children.
    Kill,
    /// SIGTERM: for a child that must end children of its own (the nginx master).
    Terminate,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Exit {
    /// It ended by itself with this code (0 – 255).
    Code(i32),
    /// This signal ended it.
    Signal(i32),
}

impl Exit {
    /// Short and bounded, for metrics and reports: `1`, or `signal_9`.
    pub fn label(self) -> String {
        match self {
            Self::Code(code) => code.to_string(),
            Self::Signal(number) => format!("signal_{number}"),
        }
    }
}

impl From<ExitStatus> for Exit {
    fn from(status: ExitStatus) -> Self {
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Code(code),
            (None, signal) => Self::Signal(signal.unwrap_or_default()),
        }
    }
}

/// `exit code 1`, or `killed by SIGKILL`.
impl std::fmt::Display for Exit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(number) => match Signal::try_from(number) {
                Ok(signal) => write!(f, "killed by {signal}"),
                Err(_) => write!(f, "killed by signal {number}"),
            },
        }
    }
}

/// How a child is brought to an end: SIGTERM at once, then the rungs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ladder {
    /// Time from the first SIGTERM to the second.
    pub second_term_after: Duration,
    /// Time from the second SIGTERM to SIGKILL.
    pub kill_after: Duration,
}

impl Default for Ladder {
    /// FFmpeg ignores one SIGTERM while it waits on a playlist and ends 0.1 s after the second; a busy machine may
    /// need ten times that. Together they stay under the three seconds within which everything must be gone.
    fn default() -> Self {
        Self { second_term_after: Duration::from_millis(300), kill_after: Duration::from_millis(1700) }
    }
}

/// What it took to end a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Termination {
    /// It followed a SIGTERM, or had ended before.
    Exited(Exit),
    /// It had to be killed.
    Killed,
}

/// A running process that leads its own group. Dropping it kills the group.
#[derive(Debug)]
pub struct Child {
    process: tokio::process::Child,
    group: Pid,
    /// There when [`Streams::stdout`] asked for it, until taken. Whoever takes it must read it, or the child blocks.
    pub stdout: Option<ChildStdout>,
    /// As [`Self::stdout`].
    pub stderr: Option<ChildStderr>,
}

impl Child {
    /// Starts a process. Call it from a thread that lives as long as the program (the main thread): the kernel takes
    /// the end of the *thread* that spawned for the death of the parent.
    ///
    /// # Errors
    /// When the program is not there or not executable, or a process or descriptor limit is reached.
    pub fn spawn(command: &CommandLine, streams: Streams, on_our_death: ParentDeath) -> io::Result<Self> {
        let piped = |wanted: bool| if wanted { Stdio::piped() } else { Stdio::null() };
        let mut builder = Command::new(&command.program);
        builder
            .args(&command.args)
            .stdin(Stdio::null())
            .stdout(piped(streams.stdout))
            .stderr(piped(streams.stderr))
            .process_group(0);
        for name in &command.without_env {
            builder.env_remove(name);
        }
        tie_to_our_life(&mut builder, on_our_death);
        let mut process = builder.spawn()?;
        let id = process.id().and_then(|id| i32::try_from(id).ok());
        let group = Pid::from_raw(id.ok_or_else(|| io::Error::other("the new process has no id"))?);
        Ok(Self { group, stdout: process.stdout.take(), stderr: process.stderr.take(), process })
    }

    /// The process id, which is also the group's.
    pub fn id(&self) -> i32 {
        self.group.as_raw()
    }

    /// Waits for the end; what is left of its group is killed then. Cancel-safe, and returns the same again later.
    pub async fn wait(&mut self) -> io::Result<Exit> {
        let first_time = self.process.id().is_some();
        let status = self.process.wait().await?;
        if first_time {
            // The leader is reaped; as long as others are left the number stays theirs, and when none is left it
            // is free only since a moment ago, so nobody else can have been given it yet.
            self.signal(Signal::SIGKILL);
        }
        Ok(status.into())
    }

    /// Ends the process and its group: SIGTERM, SIGTERM, SIGKILL. Read or drop its streams meanwhile.
    ///
    /// # Errors
    /// When the operating system cannot say how the process ended.
    pub async fn terminate(&mut self, ladder: Ladder) -> io::Result<Termination> {
        for patience in [ladder.second_term_after, ladder.kill_after] {
            if self.process.id().is_some() {
                self.signal(Signal::SIGTERM);
            }
            if let Ok(exit) = tokio::time::timeout(patience, self.wait()).await {
                return exit.map(Termination::Exited);
            }
        }
        self.kill().await.map(|_| Termination::Killed)
    }

    /// Ends the process and its group with SIGKILL.
    ///
    /// # Errors
    /// As [`Self::terminate`].
    pub async fn kill(&mut self) -> io::Result<Exit> {
        if self.process.id().is_some() {
            self.signal(Signal::SIGKILL);
        }
        self.wait().await
    }

    /// Sends the group a signal that is not meant to end it, such as SIGHUP to reload.
    pub fn notify(&self, signal: Signal) {
        if self.process.id().is_some() {
            self.signal(signal);
        }
    }

    fn signal(&self, signal: Signal) {
        // The only possible failure is that nobody is left to receive it, which is what the caller wants anyway.
        killpg(self.group, signal).unwrap_or_default();
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if self.process.id().is_some() {
            self.signal(Signal::SIGKILL);
        }
    }
}

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "code between fork and exec is unsafe by nature; this is the only such place")]
fn tie_to_our_life(builder: &mut Command, on_our_death: ParentDeath) {
    let signal = match on_our_death {
        ParentDeath::Kill => Signal::SIGKILL,
        ParentDeath::Terminate => Signal::SIGTERM,
    };
    let parent = Pid::this();
    let before_exec = move || {
        nix::sys::prctl::set_pdeathsig(signal)?;
        // We may have died between fork and prctl: then nobody would ever signal this child.
        if nix::unistd::getppid() == parent { Ok(()) } else { Err(io::ErrorKind::Interrupted.into()) }
    };
    // SAFETY: the closure makes two system calls, and neither allocates nor takes a lock.
    unsafe { builder.pre_exec(before_exec) };
}

#[cfg(not(target_os = "linux"))]
fn tie_to_our_life(_: &mut Command, _: ParentDeath) {}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};

    use super::*;

    fn shell(script: &str) -> Child {
        let command = CommandLine::new("/bin/sh").args(["-c", script]);
        Child::spawn(&command, Streams { stdout: true, stderr: false }, ParentDeath::Kill).unwrap()
    }

    /// Waits until the script says that its traps are set.
    async fn ready(child: &mut Child) -> BufReader<ChildStdout> {
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).await.unwrap();
        assert_eq!(line, "ready\n");
        out
    }

    #[tokio::test]
    async fn exit_codes_and_signals_are_told_apart() {
        assert_eq!(shell("exit 7").wait().await.unwrap(), Exit::Code(7));
        let killed = shell("kill -9 $$").wait().await.unwrap();
        assert_eq!((killed, killed.to_string().as_str()), (Exit::Signal(9), "killed by SIGKILL"));
    }

    #[tokio::test]
    async fn a_process_that_ignores_the_first_sigterm_gets_a_second() {
        let mut child = shell("trap 'trap \"exit 3\" TERM' TERM; echo ready; while :; do sleep 0.01; done");
        let _out = ready(&mut child).await;
        let ended = child.terminate(Ladder::default()).await.unwrap();
        assert_eq!(ended, Termination::Exited(Exit::Code(3)));
    }

    #[tokio::test]
    async fn a_process_that_ignores_every_sigterm_is_killed_in_time() {
        let mut child = shell("trap '' TERM; echo ready; while :; do sleep 0.01; done");
        let _out = ready(&mut child).await;
        let began = Instant::now();
        assert_eq!(child.terminate(Ladder::default()).await.unwrap(), Termination::Killed);
        assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    }

    #[tokio::test]
    async fn what_the_process_forked_ends_with_it() {
        // The grandchild holds the pipe open: its end is seen only when the grandchild is gone too.
        let mut child = shell("sleep 600 & echo ready; exit 0");
        let mut out = ready(&mut child).await;
        assert_eq!(child.wait().await.unwrap(), Exit::Code(0));
        let mut rest = String::new();
        tokio::time::timeout(Duration::from_secs(5), out.read_to_string(&mut rest)).await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_dropped_child_is_killed() {
        let mut child = shell("echo ready; exec sleep 600");
        let mut out = ready(&mut child).await;
        drop(child);
        let mut rest = String::new();
        tokio::time::timeout(Duration::from_secs(5), out.read_to_string(&mut rest)).await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_missing_program_is_an_error_and_not_a_process() {
        let command = CommandLine::new("/nowhere/program");
        let streams = Streams { stdout: false, stderr: false };
        let error = Child::spawn(&command, streams, ParentDeath::Kill).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
