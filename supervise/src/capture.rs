//! Running a program to its end for what it prints, bounded in time and memory.

use std::io;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;

use crate::{Child, CommandLine, Exit, ParentDeath, Streams};

/// FFmpeg's longest help is about 1 MB.
const MOST_OUTPUT_BYTES: u64 = 8 << 20;

/// What a program printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Captured {
    /// How it ended.
    pub exit: Exit,
    /// Standard output, cut to 8 MiB; bytes that are no UTF-8 are replaced.
    pub stdout: String,
    /// Standard error, likewise.
    pub stderr: String,
}

/// Runs `command` and collects its output; after `limit` it is killed.
///
/// # Errors
/// When it cannot be started or waited for, or does not end within `limit` ([`io::ErrorKind::TimedOut`]).
pub async fn capture(command: &CommandLine, limit: Duration) -> io::Result<Captured> {
    let mut child = Child::spawn(command, Streams { stdout: true, stderr: true }, ParentDeath::Kill)?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let work = async {
        let (stdout, stderr) = tokio::join!(read_all(stdout), read_all(stderr));
        Ok(Captured { exit: child.wait().await?, stdout: stdout?, stderr: stderr? })
    };
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

async fn read_all<R: tokio::io::AsyncRead + Unpin>(stream: Option<R>) -> io::Result<String> {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        stream.take(MOST_OUTPUT_BYTES).read_to_end(&mut bytes).await?;
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> CommandLine {
        CommandLine::new("/bin/sh").args(["-c", script])
    }

    #[tokio::test]
    async fn both_streams_and_the_exit_code_are_captured() {
        let captured =
            capture(&shell("echo out; echo err >&2; exit 3"), Duration::from_secs(10)).await.unwrap();
        let expected =
            Captured { exit: Exit::Code(3), stdout: "out\n".to_owned(), stderr: "err\n".to_owned() };
        assert_eq!(captured, expected);
    }

    #[tokio::test]
    async fn a_program_that_hangs_is_killed() {
        let error = capture(&shell("sleep 600"), Duration::from_millis(50)).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
