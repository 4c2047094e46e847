//! Real programs, and what the process table says of them.

use std::fs;
use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::{PATIENCE, wait_within};

/// What a stream has said so far.
#[derive(Debug)]
struct Heard {
    text: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Heard {
    fn listen(stream: impl Read + Send + 'static) -> Self {
        let text = Arc::new(Mutex::new(String::new()));
        let heard = Arc::clone(&text);
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                heard.lock().unwrap().push_str(&(line + "\n"));
            }
        });
        Self { text, reader: Some(reader) }
    }

    fn so_far(&self) -> String {
        self.text.lock().unwrap().clone()
    }

    fn everything(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        self.so_far()
    }
}

/// A running program, listened to. Dropped, it is asked to end, waited for, and killed if need be.
#[derive(Debug)]
pub struct Running {
    child: Child,
    stdout: Heard,
    stderr: Heard,
}

/// A program that has ended.
#[derive(Clone, Debug)]
pub struct Finished {
    /// `None` when a signal ended it.
    pub code: Option<i32>,
    /// Everything it said.
    pub stdout: String,
    /// Everything it complained of.
    pub stderr: String,
}

impl Running {
    /// Starts it with no input.
    pub fn start(command: &mut Command) -> Self {
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let stdout = Heard::listen(child.stdout.take().unwrap());
        let stderr = Heard::listen(child.stderr.take().unwrap());
        Self { child, stdout, stderr }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has said so far.
    pub fn stdout(&self) -> String {
        self.stdout.so_far()
    }

    /// What it has complained of so far.
    pub fn stderr(&self) -> String {
        self.stderr.so_far()
    }

    /// Sends it a signal.
    pub fn send(&self, signal: Signal) {
        send(self.pid(), signal);
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for its end.
    #[track_caller]
    pub fn wait(&mut self) -> Finished {
        self.wait_within(PATIENCE)
    }

    /// Waits for the end of one that takes its time.
    #[track_caller]
    pub fn wait_within(&mut self, patience: Duration) -> Finished {
        let mut status = None;
        wait_within(patience, "the program has ended", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        let code = status.unwrap().code();
        Finished { code, stdout: self.stdout.everything(), stderr: self.stderr.everything() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            send(self.child.id(), Signal::SIGTERM);
            let began = Instant::now();
            while self.child.try_wait().is_ok_and(|status| status.is_none()) {
                if began.elapsed() > Duration::from_secs(5) {
                    self.child.kill().unwrap_or_default();
                }
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        if std::thread::panicking() {
            eprintln!("process {} said:\n{}{}", self.pid(), self.stdout(), self.stderr());
        }
    }
}

/// Sends a signal to a process that must exist.
#[track_caller]
pub fn send(pid: u32, signal: Signal) {
    kill(Pid::from_raw(pid.try_into().unwrap()), signal).unwrap();
}

/// Whether it exists and is no zombie.
pub fn is_alive(pid: u32) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    !stat[stat.rfind(')').unwrap()..].starts_with(") Z")
}

/// Process id and name of everything that descends from `pid`, zombies left out.
pub fn descendants(pid: u32) -> Vec<(u32, String)> {
    let mut known: Vec<(u32, u32, String)> = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        let (Some(open), Some(close)) = (stat.find('('), stat.rfind(')')) else { continue };
        let mut rest = stat[close + 1..].split_whitespace();
        if rest.next() == Some("Z") {
            continue;
        }
        let parent = rest.next().unwrap().parse().unwrap();
        known.push((stat[..open].trim().parse().unwrap(), parent, stat[open + 1..close].to_owned()));
    }
    let mut family = vec![pid];
    let mut found = Vec::new();
    while let Some(parent) = family.pop() {
        for (pid, _, name) in known.iter().filter(|(_, its_parent, _)| *its_parent == parent) {
            family.push(*pid);
            found.push((*pid, name.clone()));
        }
    }
    found
}

/// Processes that have `marker` in their command line, wherever they descend from: how orphans are found.
pub fn processes_with(marker: &str) -> Vec<u32> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let Ok(command) = fs::read(entry.path().join("cmdline")) else { continue };
        if String::from_utf8_lossy(&command).contains(marker) && is_alive(pid) {
            found.push(pid);
        }
    }
    found
}
