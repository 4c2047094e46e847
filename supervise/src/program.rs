//! Finding a program before it is needed, and saying how to get it when it is missing. Starts nothing.

use std::fmt;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Programs that the lab needs from outside, with the names of their packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// The viewer, and the encoder.
    Ffmpeg,
    /// The origin's server.
    Nginx,
}

impl Program {
    /// The command's usual name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ffmpeg => "ffmpeg",
            Self::Nginx => "nginx",
        }
    }

    fn flag(self) -> &'static str {
        match self {
            Self::Ffmpeg => "-ffmpeg",
            Self::Nginx => "--nginx",
        }
    }
}

/// A program that could not be found. Its message is one sentence that says how to install it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    program: Program,
    asked: PathBuf,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.program.name();
        write!(
            f,
            "{name} was not found as \"{asked}\": install it (Debian/Ubuntu: apt install {name}; Nix: nix profile \
             install nixpkgs#{name}; macOS: brew install {name}) or say where it is with {flag} PATH",
            asked = self.asked.display(),
            flag = self.program.flag(),
        )
    }
}

impl std::error::Error for Missing {}

/// The full path of `asked`: a path as given, or a name looked up in `PATH` and then where Debian keeps servers
/// (`/usr/sbin` is in no ordinary user's `PATH`).
///
/// # Errors
/// [`Missing`] when there is no executable file.
pub fn find(program: Program, asked: &Path) -> Result<PathBuf, Missing> {
    let missing = || Missing { program, asked: asked.to_owned() };
    if asked.components().count() > 1 {
        return is_executable(asked).then(|| asked.to_owned()).ok_or_else(missing);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(asked))
        .find(|candidate| is_executable(candidate))
        .ok_or_else(missing)
}

fn is_executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_in_path_and_a_path_is_taken_as_it_is() {
        assert!(find(Program::Ffmpeg, Path::new("sh")).unwrap().is_absolute());
        assert_eq!(find(Program::Ffmpeg, Path::new("/bin/sh")).unwrap(), Path::new("/bin/sh"));
    }

    #[test]
    fn a_missing_program_is_one_sentence_with_the_install_commands() {
        for asked in ["no-such-program", "/etc/passwd", "/nowhere/ffmpeg"] {
            let text = find(Program::Ffmpeg, Path::new(asked)).unwrap_err().to_string();
            for part in [asked, "apt install ffmpeg", "nixpkgs#ffmpeg", "brew install ffmpeg"] {
                assert!(text.contains(part), "{part} in {text}");
            }
        }
    }
}
