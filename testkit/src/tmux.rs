//! A real terminal for programs that draw on one: tmux keeps the screen, and says what is on it.

use std::ffi::OsStr;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::wait_until;

/// A terminal with a shell command in it. Dropped, it and what runs in it are gone, whatever happens.
#[derive(Debug)]
pub struct Tmux {
    socket: String,
}

impl Tmux {
    /// Columns and rows, and what to run, as a shell reads it. The terminal stays when that has ended.
    #[track_caller]
    pub fn start((columns, rows): (u16, u16), command: &str) -> Self {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let terminal = Self { socket: format!("test-{}-{number}", std::process::id()) };
        let (columns, rows) = (columns.to_string(), rows.to_string());
        let session = ["new-session", "-d", "-x", &columns, "-y", &rows, command];
        let options = ["set-option", "-g", "default-terminal", "screen-256color", ";"];
        let stays = ["set-option", "-g", "remain-on-exit", "on", ";"];
        terminal.tmux([&["start-server", ";"], &options[..], &stays, &session].concat());
        terminal
    }

    /// What is on the screen.
    #[track_caller]
    pub fn screen(&self) -> String {
        self.tmux(["capture-pane", "-p"])
    }

    /// The same with the sequences that colour it.
    #[track_caller]
    pub fn coloured_screen(&self) -> String {
        self.tmux(["capture-pane", "-p", "-e"])
    }

    /// Types keys, by tmux's names.
    #[track_caller]
    pub fn press(&self, key: &str) {
        self.tmux(["send-keys", key]);
    }

    /// Another size.
    #[track_caller]
    pub fn resize(&self, columns: u16, rows: u16) {
        self.tmux(["resize-window", "-x", &columns.to_string(), "-y", &rows.to_string()]);
    }

    /// Waits until the screen has all of these on it.
    #[track_caller]
    pub fn wait_for(&self, texts: &[&str]) {
        let what = format!("the screen shows {texts:?}");
        wait_until(&what, || {
            let screen = self.screen();
            texts.iter().all(|text| screen.contains(text))
        });
    }

    /// Takes the terminal away from what runs in it.
    pub fn close(self) {
        drop(self);
    }

    #[track_caller]
    fn tmux(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> String {
        let output = self.command().args(args).output().expect("tmux can be run: install it");
        assert!(output.status.success(), "tmux: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn command(&self) -> Command {
        let mut command = Command::new("tmux");
        command.args(["-L", &self.socket, "-f", "/dev/null"]).env_remove("TMUX");
        command
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let shown = self.command().args(["capture-pane", "-p"]).output();
            let shown = shown.map(|shown| String::from_utf8_lossy(&shown.stdout).into_owned());
            eprintln!("the screen was:\n{}", shown.unwrap_or_default());
        }
        // One that is gone already is what is wanted.
        self.command().arg("kill-server").output().map(drop).unwrap_or_default();
    }
}
