//! What is said on stdout: answers, and the summary of a run. The only place that writes there, but for the dashboard.
//! `print!` would panic where nobody reads on or a disk is full.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write as _};

use crate::exit_code::ExitCode;

/// Writes all of it. Whoever has closed the pipe (`| head`) wants no more, which is no error.
///
/// # Errors
/// When it cannot be written for another reason, such as a full disk.
pub fn write(text: impl Display) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match write!(stdout, "{text}").and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Writes what was asked for, and says how to exit.
pub fn answer(text: impl Display) -> ExitCode {
    match write(text) {
        Ok(()) => ExitCode::Finished,
        Err(error) => {
            eprintln!("swarm: cannot write to stdout: {error}");
            ExitCode::Internal
        }
    }
}
