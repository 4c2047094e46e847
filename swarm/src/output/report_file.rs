//! A report as a file: which kinds there are, and that a reader never sees half of one.

use std::fs::Permissions;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::csv;
use super::html;
use super::report::Report;

/// How a report is written; the end of the file's name tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Everything.
    Json,
    /// The time series.
    Csv,
    /// A page to look at.
    Html,
}

impl Format {
    /// As users read them.
    pub const ENDINGS: &str = ".json, .html or .csv";

    /// By the end of the name; `None` of any other.
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "json" => Some(Self::Json),
            "csv" => Some(Self::Csv),
            "html" => Some(Self::Html),
            _ => None,
        }
    }

    /// The whole file.
    ///
    /// # Errors
    /// None that should happen: a report has no value that JSON has not, and no plot that cannot be drawn.
    pub fn text(self, report: &Report) -> io::Result<String> {
        Ok(match self {
            Self::Json => serde_json::to_string_pretty(report)? + "\n",
            Self::Csv => csv::text(report),
            Self::Html => html::page(report).map_err(io::Error::other)?,
        })
    }
}

/// Writes the whole file or nothing.
///
/// # Errors
/// When the folder cannot be written to, the disk is full, or the name says no format.
pub fn write(report: &Report, path: &Path) -> io::Result<()> {
    let format = Format::of(path).ok_or(io::ErrorKind::InvalidFilename)?;
    let mut file = tempfile::NamedTempFile::new_in(folder_of(path))?;
    file.write_all(format.text(report)?.as_bytes())?;
    file.as_file().sync_all()?;
    // Temporary files are private; a report is as readable as any file that the user makes.
    file.as_file().set_permissions(Permissions::from_mode(0o644))?;
    file.persist(path)?;
    Ok(())
}

/// The folder that a report is written to.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
