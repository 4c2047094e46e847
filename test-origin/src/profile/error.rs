//! Why a file is no profile: with file, key and reason, for whoever wrote it.

use std::fmt;
use std::path::{Path, PathBuf};

/// One value that cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Where it stands, as `hls.segment_seconds`.
    pub key: String,
    /// Why it cannot be.
    pub reason: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.reason)
    }
}

/// Why a file is no profile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    /// It could not be read.
    #[error("profile {}: {reason}", file.display())]
    Unreadable {
        /// Which file.
        file: PathBuf,
        /// What the operating system says.
        reason: String,
    },
    /// It is no TOML, a key is unknown or missing, or a value is of the wrong kind.
    #[error("profile {}, line {line}: {key}: {reason}", file.display())]
    NotToml {
        /// Which file.
        file: PathBuf,
        /// Counted from 1.
        line: usize,
        /// The key, or the table, on that line.
        key: String,
        /// What the parser says.
        reason: String,
    },
    /// A `--set` that does not fit the file.
    #[error("--set {setting}: {reason}")]
    Setting {
        /// As it was given.
        setting: String,
        /// Why it does not fit.
        reason: String,
    },
    /// Every value that cannot be.
    #[error("{}", invalid(file, mistakes))]
    Invalid {
        /// Which file.
        file: PathBuf,
        /// At least one.
        mistakes: Vec<Mistake>,
    },
}

impl ProfileError {
    pub(super) fn not_toml(file: &Path, text: &str, error: &toml::de::Error) -> Self {
        let at = error.span().map_or(0, |span| span.start).min(text.len());
        let before = text.get(..at).unwrap_or_default();
        let line_text = text.lines().nth(before.matches('\n').count()).unwrap_or_default();
        let key = line_text.split('=').next().unwrap_or_default().trim();
        Self::NotToml {
            file: file.to_owned(),
            line: before.matches('\n').count() + 1,
            key: if key.is_empty() { "file".to_owned() } else { key.to_owned() },
            reason: error.message().replace('\n', ", "),
        }
    }
}

fn invalid(file: &Path, mistakes: &[Mistake]) -> String {
    let lines: Vec<String> =
        mistakes.iter().map(|mistake| format!("profile {}: {mistake}", file.display())).collect();
    lines.join("\n")
}
