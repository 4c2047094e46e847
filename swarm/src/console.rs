//! What is said beside the log: answers and the summary of a run on stdout, mistakes on stderr. The only place that writes
//! there, but for the log and the dashboard. `print!` and `eprint!` would panic where nobody reads on or a disk is full.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write as _};

use crate::exit_code::ExitCode;

/// Writes all of it to stdout. Whoever has closed the pipe (`| head`) wants no more, which is no error.
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

/// Writes what was asked for to stdout, and says how to exit.
pub fn answer(text: impl Display) -> ExitCode {
    match write(text) {
        Ok(()) => ExitCode::Finished,
        Err(error) => complain(format!("cannot write to stdout: {error}"), ExitCode::Internal),
    }
}

/// Tells a mistake on stderr, and how to exit.
pub fn complain(sentence: impl Display, code: ExitCode) -> ExitCode {
    tell(format!("swarm: {sentence}"));
    code
}

/// A line on stderr. Where nobody can be told, nobody is.
pub fn tell(line: impl Display) {
    writeln!(io::stderr(), "{line}").unwrap_or_default();
}
