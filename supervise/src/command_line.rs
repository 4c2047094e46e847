//! A program and its arguments as a plain value. Never runs anything.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::PathBuf;

/// What to run. Two command lines are equal when they would start the same process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandLine {
    /// A path, or a name to be found in `PATH`.
    pub program: PathBuf,
    /// Arguments after the program's name.
    pub args: Vec<OsString>,
    /// Environment variables that the process does not inherit.
    pub without_env: Vec<&'static str>,
}

impl CommandLine {
    /// A command without arguments.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self { program: program.into(), args: Vec::new(), without_env: Vec::new() }
    }

    /// Adds one argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Keeps an environment variable of ours from the process.
    #[must_use]
    pub fn without_env(mut self, name: &'static str) -> Self {
        self.without_env.push(name);
        self
    }

    /// Adds several arguments.
    #[must_use]
    pub fn args<I, S>(mut self, args: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }
}

/// One line that a POSIX shell reads back as the same command.
impl fmt::Display for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.without_env.is_empty() {
            f.write_str("env ")?;
            self.without_env.iter().try_for_each(|name| write!(f, "-u {name} "))?;
        }
        f.write_str(&quoted(self.program.as_os_str()))?;
        self.args.iter().try_for_each(|arg| write!(f, " {}", quoted(arg)))
    }
}

fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    // Only a NUL byte cannot be quoted, and no argument that reached a process can hold one.
    shlex::try_quote(&word).map_or_else(|_| word.to_string(), std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_prints_as_a_shell_would_read_it() {
        let command =
            CommandLine::new("ffmpeg").arg("-i").arg("http://h/a b.m3u8?x=1&y=2").args(["-map", "0"]);
        let line = command.to_string();
        assert_eq!(
            shlex::split(&line).unwrap(),
            ["ffmpeg", "-i", "http://h/a b.m3u8?x=1&y=2", "-map", "0"],
            "{line}"
        );
        let without = CommandLine::new("ffmpeg").without_env("no_proxy").to_string();
        assert_eq!(without, "env -u no_proxy ffmpeg");
    }
}
