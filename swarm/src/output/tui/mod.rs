//! The dashboard on the terminal. What it looks like is [`mod@draw`], a function of plain values; what keys do is
//! [`Controls`]. Here is the thread that joins both with a terminal.
//!
//! It cannot disturb the run: the run leaves the newest moment in a slot and goes on, whoever looks; keys ask the run
//! through a channel and never wait. When the terminal is gone, the thread ends and the run goes on with log lines.

mod controls;
mod draw;
mod history;
mod keys;
mod machines;
mod pages;
mod palette;
mod run;
mod screen;
mod state;
#[cfg(test)]
mod tests;
mod troubles;

use std::io::{self, Stdout};
use std::mem::ManuallyDrop;
use std::os::fd::AsFd as _;
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use ratatui::backend::CrosstermBackend;
use supervise::StopButton;
use tokio::sync::mpsc::Sender;

pub use controls::{Command, Controls, Page};
pub use draw::{SMALLEST, View, draw};
pub use history::History;
pub use keys::Key;
pub use palette::Palette;

use screen::Screen;

use super::moment::Moment;
use super::terminal::Terminal;
use crate::dispatcher::Request;
use crate::plan::Plan;

/// How long the thread waits for a key before it looks for news: nobody sees a tenth of a second.
const GLANCE_MS: u16 = 100;

/// Bytes that are read at a time: more than fingers type meanwhile.
const TYPED_AT_ONCE: usize = 64;

/// How long the end of the run waits for the thread. One that hangs in a terminal that takes nothing is left behind.
const PATIENCE: Duration = Duration::from_secs(2);

/// A dashboard that is shown. Dropping it gives the screen back.
#[derive(Debug)]
pub struct Dashboard {
    slot: Arc<Slot>,
    terminal: Terminal,
    /// Nothing is ever sent: the thread's end shows.
    ended: mpsc::Receiver<()>,
}

/// What the run leaves for the dashboard, and what the dashboard wants from it.
#[derive(Debug, Default)]
struct Slot {
    newest: Mutex<Option<Moment>>,
    wants_viewers: AtomicBool,
    stopping: AtomicBool,
    over: AtomicBool,
}

/// What the thread has.
struct Desk {
    slot: Arc<Slot>,
    terminal: Terminal,
    requests: Sender<Request>,
    stop: StopButton,
    duration: Option<Duration>,
    controls: Controls,
    moment: Moment,
    history: History,
    palette: Palette,
}

impl Dashboard {
    /// Takes the screen; `None` when it cannot be had, and the run goes on without.
    pub fn open(
        plan: &Plan,
        terminal: &Terminal,
        requests: Sender<Request>,
        stop: StopButton,
    ) -> Option<Self> {
        match Self::start(plan, terminal, requests, stop) {
            Ok(dashboard) => Some(dashboard),
            Err(error) => {
                terminal.show_log();
                tracing::warn!("there is no dashboard: {error}");
                None
            }
        }
    }

    fn start(
        plan: &Plan,
        terminal: &Terminal,
        requests: Sender<Request>,
        stop: StopButton,
    ) -> io::Result<Self> {
        let slot = Arc::new(Slot::default());
        let desk = Desk {
            slot: Arc::clone(&slot),
            terminal: terminal.clone(),
            requests,
            stop,
            duration: plan.duration,
            controls: Controls::of(&plan.course),
            moment: Moment::default(),
            history: History::default(),
            palette: Palette::of(|name| std::env::var(name).ok()),
        };
        terminal.hide_log();
        keep_panics_off_the_screen(terminal);
        let screen = Screen::take(io::stdout())?;
        let (ends, ended) = mpsc::channel::<()>();
        thread::Builder::new().name("dashboard".to_owned()).spawn(move || {
            // Dropped when the thread ends, however it does.
            let _ends = ends;
            desk.serve(screen);
        })?;
        Ok(Self { slot, terminal: terminal.clone(), ended })
    }

    /// Shows this from now on.
    pub fn show(&self, moment: Moment) {
        *self.slot.newest.lock().unwrap_or_else(PoisonError::into_inner) = Some(moment);
    }

    /// The viewers are being stopped.
    pub fn stopping(&self) {
        self.slot.stopping.store(true, Ordering::Relaxed);
    }

    /// Whether each viewer is shown.
    pub fn wants_viewers(&self) -> bool {
        self.slot.wants_viewers.load(Ordering::Relaxed)
    }
}

impl Drop for Dashboard {
    fn drop(&mut self) {
        self.slot.over.store(true, Ordering::Relaxed);
        if self.ended.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            tracing::debug!("the terminal takes nothing: the dashboard was left to itself");
        }
        self.terminal.show_log();
    }
}

/// What a panic says would be lost with the other screen, and spoil it: it goes to the log, and is said again later.
fn keep_panics_off_the_screen(terminal: &Terminal) {
    let before = panic::take_hook();
    let terminal = terminal.clone();
    panic::set_hook(Box::new(move |panic| {
        if terminal.is_log_hidden() {
            terminal.keep_panic(panic.to_string());
        } else {
            before(panic);
        }
    }));
}

impl Desk {
    fn serve(mut self, screen: Screen<Stdout>) {
        let result = self.show_until_over();
        drop(screen);
        self.terminal.show_log();
        if let Err(error) = result {
            tracing::warn!("the dashboard has ended, the run goes on: {error}");
        }
    }

    /// Until the run is over, or the terminal gone.
    fn show_until_over(&mut self) -> io::Result<()> {
        // Never dropped: it would show the cursor, as the screen does, and panic where the terminal is gone.
        let mut terminal = ManuallyDrop::new(ratatui::Terminal::new(CrosstermBackend::new(io::stdout()))?);
        let mut size = terminal.size()?;
        let mut is_new = true;
        while !self.slot.over.load(Ordering::Relaxed) {
            is_new |= self.look() || terminal.size()? != size;
            if std::mem::take(&mut is_new) {
                size = terminal.size()?;
                let log = self.terminal.recent_lines();
                terminal.draw(|frame| draw(frame, &self.view(&log)))?;
            }
            for key in typed(GLANCE_MS)? {
                is_new = true;
                if self.press(key) == Command::Redraw {
                    terminal.clear()?;
                }
            }
        }
        Ok(())
    }

    fn view<'a>(&'a self, log: &'a [String]) -> View<'a> {
        View {
            moment: &self.moment,
            history: &self.history,
            duration: self.duration,
            controls: &self.controls,
            log,
            palette: self.palette,
        }
    }

    /// Whether there is something new to show.
    fn look(&mut self) -> bool {
        let is_stopping = self.slot.stopping.load(Ordering::Relaxed) && !self.controls.stopping;
        self.controls.stopping |= is_stopping;
        let newest = self.slot.newest.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(newest) = newest else { return is_stopping };
        self.history.push(&newest);
        self.controls.moment_has_come();
        self.moment = newest;
        true
    }

    /// Takes a key, and asks the run for what it means.
    fn press(&mut self, key: Key) -> Command {
        let command = self.controls.press(key, &self.moment);
        match command {
            Command::None | Command::Redraw => {}
            Command::Stop => self.stop.press(),
            Command::Ask(request) => {
                if self.requests.try_send(request).is_err() {
                    self.controls.notice = Some("the run is busy: press again".to_owned());
                }
            }
        }
        self.slot.wants_viewers.store(self.controls.page == Page::Viewers, Ordering::Relaxed);
        command
    }
}

/// Keys that are typed within this time. An error when the terminal is gone.
fn typed(patience_ms: u16) -> io::Result<Vec<Key>> {
    let stdin = io::stdin();
    let mut watched = [PollFd::new(stdin.as_fd(), PollFlags::POLLIN)];
    match poll(&mut watched, PollTimeout::from(patience_ms)) {
        Ok(0) | Err(Errno::EINTR) => return Ok(Vec::new()),
        Ok(_) => {}
        Err(error) => return Err(error.into()),
    }
    let mut bytes = [0; TYPED_AT_ONCE];
    match nix::unistd::read(&stdin, &mut bytes) {
        Ok(0) => Err(io::Error::other("the terminal is gone")),
        Ok(length) => Ok(keys::keys(&bytes[..length])),
        Err(Errno::EINTR | Errno::EAGAIN) => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}
