//! Where log lines and the state go: to a live line or a dashboard on the terminal, to stderr, to a file. Decides once,
//! at the start, what the terminal can show; draws nothing itself.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tracing_subscriber::fmt::MakeWriter;

use crate::cli::{Invocation, Mode, Tui};
use crate::console;

/// Log lines that the dashboard can show: as many as its tallest panel has room for.
const RECENT_LINES: usize = 16;

/// Longest line that is kept for the dashboard, in bytes: no terminal is wider.
const LONGEST_LINE: usize = 512;

/// Panics that are told at the end. The first is the cause; a fault that hits each viewer would fill the screen.
const MOST_PANICS: usize = 4;

/// The way to the user. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Terminal {
    line: Option<ProgressBar>,
    /// Why there is no dashboard; `None` where there may be one.
    no_dashboard: Option<&'static str>,
    /// Somebody asked for one.
    wanted: bool,
    log: Arc<LogOutput>,
}

#[derive(Debug)]
struct LogOutput {
    stderr_is_terminal: bool,
    /// The dashboard has the screen: nothing else may write on it.
    dashboard: AtomicBool,
    file: Mutex<Option<LogFile>>,
    recent: Mutex<VecDeque<String>>,
    /// What panics said while the dashboard had the screen.
    panics: Mutex<Vec<String>>,
}

#[derive(Debug)]
struct LogFile {
    file: File,
    path: PathBuf,
    /// Nobody asked for it: told at the end, and gone when it is empty.
    is_makeshift: bool,
    is_empty: bool,
}

impl Terminal {
    /// What the terminal can show of what was asked for. The log file is opened, where one is named.
    ///
    /// # Errors
    /// A sentence without a full stop, when the file cannot be written.
    pub fn open(asked: &Invocation) -> Result<Self, String> {
        let file = asked.log.file.as_deref().map(open_log).transpose()?;
        let no_dashboard = match (asked.tui, asked.mode) {
            (Tui::Off, _) => Some("-tui off"),
            (_, Mode::Check | Mode::PrintCommand | Mode::Estimate) => Some("only a run has one"),
            (Tui::Auto | Tui::On, Mode::Run) => why_no_dashboard(),
        };
        let stderr_is_terminal = io::stderr().is_terminal();
        let line = (stderr_is_terminal && no_dashboard.is_some()).then(|| {
            let line = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            line.with_style(
                ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_bar()),
            )
        });
        let log = LogOutput {
            stderr_is_terminal,
            dashboard: AtomicBool::new(false),
            file: Mutex::new(file),
            recent: Mutex::default(),
            panics: Mutex::default(),
        };
        Ok(Self { line, no_dashboard, wanted: asked.tui == Tui::On, log: Arc::new(log) })
    }

    /// Whether log lines go to nothing but a terminal that shows colours.
    pub fn takes_colours(&self) -> bool {
        self.line.is_some() && self.log.file().is_none()
    }

    /// Whether a dashboard may have the screen. Where one was asked for and cannot be, the log says why.
    pub fn may_show_dashboard(&self) -> bool {
        if let (Some(why), true) = (self.no_dashboard, self.wanted) {
            tracing::warn!("there is no dashboard: {why}");
        }
        self.no_dashboard.is_none()
    }

    /// The live line, where there is one.
    pub(super) fn line(&self) -> Option<&ProgressBar> {
        self.line.as_ref()
    }

    /// Removes the live line; what was printed above it stays.
    pub fn clear(&self) {
        if let Some(line) = &self.line {
            line.finish_and_clear();
        }
    }

    /// From now on the screen is the dashboard's: log lines that would go to it go to a file.
    pub(super) fn hide_log(&self) {
        let mut file = self.log.file();
        if file.is_none() && self.log.stderr_is_terminal {
            // Without a temporary folder the last lines are still in the dashboard.
            *file = makeshift_log().ok();
        }
        drop(file);
        self.log.dashboard.store(true, Ordering::Relaxed);
    }

    /// The dashboard is gone.
    pub(super) fn show_log(&self) {
        if !self.log.dashboard.swap(false, Ordering::Relaxed) {
            return;
        }
        for panic in std::mem::take(&mut *self.log.panics()) {
            console::tell(panic);
        }
        let file = self.log.file().take_if(|file| file.is_makeshift);
        match file {
            Some(LogFile { path, is_empty: true, .. }) => {
                // An empty file that cannot be removed harms nobody.
                std::fs::remove_file(path).unwrap_or_default();
            }
            Some(file) => tracing::info!("what was logged meanwhile: {}", file.path.display()),
            None => {}
        }
    }

    /// A panic has something to say: now to the log, and to stderr when the screen is free.
    pub(super) fn keep_panic(&self, text: String) {
        tracing::error!("{text}");
        let mut panics = self.log.panics();
        if panics.len() < MOST_PANICS {
            panics.push(text);
        }
    }

    /// Whether the dashboard has the screen.
    pub(super) fn is_log_hidden(&self) -> bool {
        self.log.dashboard.load(Ordering::Relaxed)
    }

    /// The last lines of the log, the newest last.
    pub(super) fn recent_lines(&self) -> Vec<String> {
        self.log.recent().iter().cloned().collect()
    }
}

/// Why the terminal cannot show a dashboard, or take keys for one.
fn why_no_dashboard() -> Option<&'static str> {
    let is_dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
    if !io::stdout().is_terminal() {
        Some("stdout is no terminal")
    } else if !io::stdin().is_terminal() {
        Some("stdin is no terminal that keys could come from")
    } else if is_dumb {
        Some("the terminal, by TERM, cannot move its cursor")
    } else if nix::unistd::tcgetpgrp(io::stdin()).ok() != Some(nix::unistd::getpgrp()) {
        // Who touches the terminal from the background is stopped by it.
        Some("swarm runs in the background of its terminal")
    } else {
        None
    }
}

fn open_log(path: &Path) -> Result<LogFile, String> {
    let file = OpenOptions::new().create(true).append(true).open(path);
    let file = file.map_err(|error| format!("the log file {} cannot be written: {error}", path.display()))?;
    Ok(LogFile { file, path: path.to_owned(), is_makeshift: false, is_empty: true })
}

fn makeshift_log() -> io::Result<LogFile> {
    let made = tempfile::Builder::new().prefix("swarm-").suffix(".log").tempfile()?;
    let (file, path) = made.keep().map_err(|error| error.error)?;
    Ok(LogFile { file, path, is_makeshift: true, is_empty: true })
}

impl LogOutput {
    fn file(&self) -> MutexGuard<'_, Option<LogFile>> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn recent(&self) -> MutexGuard<'_, VecDeque<String>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn panics(&self) -> MutexGuard<'_, Vec<String>> {
        self.panics.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, bytes: &[u8]) {
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(LONGEST_LINE)]);
        let mut recent = self.recent();
        if recent.len() == RECENT_LINES {
            recent.pop_front();
        }
        recent.push_back(text.trim_end().to_owned());
    }
}

/// Log lines go above the live line.
impl<'a> MakeWriter<'a> for Terminal {
    type Writer = LogWriter<'a>;

    fn make_writer(&'a self) -> Self::Writer {
        LogWriter { terminal: self }
    }
}

/// Writes whole log lines.
#[derive(Debug)]
pub struct LogWriter<'a> {
    terminal: &'a Terminal,
}

impl Write for LogWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Terminal { line, log, .. } = self.terminal;
        log.keep(bytes);
        if let Some(file) = log.file().as_mut() {
            // A full disk must not cost the other way.
            file.is_empty &= file.file.write_all(bytes).is_err();
        }
        if log.stderr_is_terminal && self.terminal.is_log_hidden() {
            return Ok(bytes.len());
        }
        match line {
            Some(line) => line.suspend(|| io::stderr().write_all(bytes)),
            None => io::stderr().write_all(bytes),
        }?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
