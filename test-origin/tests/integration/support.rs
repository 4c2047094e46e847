//! Starts the program, talks to it, and ends it whatever happens.

use std::fs::Permissions;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

/// Longer than anything takes on a busy machine: waiting for it is a failure.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The program with the flags that every test needs; all media go to one cache.
pub(crate) fn command(parent_dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_test-origin"));
    command.args(["--port", "0", "--dir"]).arg(parent_dir).arg("--cache-dir").arg(cache_dir());
    command.stdin(Stdio::null());
    command
}

pub(crate) fn cache_dir() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("media")
}

/// A profile of `tests/integration/profiles`.
pub(crate) fn profile_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/integration/profiles").join(name).with_extension("toml")
}

/// A folder that Nginx's workers may enter, also when they are another account.
pub(crate) fn open_dir() -> TempDir {
    tempfile::Builder::new().permissions(Permissions::from_mode(0o755)).tempdir().unwrap()
}

pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub(crate) fn send(pid: u32, signal: Signal) {
    kill(Pid::from_raw(pid.try_into().unwrap()), signal).unwrap();
}

/// A running origin. Dropped, it is asked to end, waited for, and killed if need be.
pub(crate) struct Origin {
    child: Child,
    /// The line on stdout.
    pub(crate) url: String,
    stderr: Arc<Mutex<String>>,
    /// In which the run directory is.
    pub(crate) parent_dir: TempDir,
}

impl Origin {
    /// A small stream that is ready in no time.
    pub(crate) fn tiny() -> Self {
        Self::of_file("tiny", &[])
    }

    pub(crate) fn of_file(name: &str, flags: &[&str]) -> Self {
        let file = profile_file(name);
        Self::start(|command| command.arg("--profile-file").arg(file).args(flags))
    }

    /// Returns when the URL is told.
    pub(crate) fn start(flags: impl FnOnce(&mut Command) -> &mut Command) -> Self {
        let parent_dir = open_dir();
        let mut command = command(parent_dir.path());
        flags(&mut command).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stderr = Arc::new(Mutex::new(String::new()));
        let (lines, said) = (BufReader::new(child.stderr.take().unwrap()).lines(), Arc::clone(&stderr));
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                said.lock().unwrap().push_str(&(line + "\n"));
            }
        });
        let (sender, first_line) = mpsc::channel();
        let stdout = child.stdout.take().unwrap();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                sender.send(line).unwrap_or_default();
            }
        });
        let mut origin = Self { child, url: String::new(), stderr, parent_dir };
        let url = first_line.recv_timeout(PATIENCE);
        origin.url = url.unwrap_or_else(|_| panic!("no URL; it said: {}", origin.stderr()));
        origin
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn stderr(&self) -> String {
        self.stderr.lock().unwrap().clone()
    }

    pub(crate) fn get(&self, path: &str) -> Response {
        request("GET", &self.at(path))
    }

    /// A URL of this origin.
    pub(crate) fn at(&self, path: &str) -> String {
        self.url.replace("stream.m3u8", path.trim_start_matches('/'))
    }

    pub(crate) fn playlist(&self, path: &str) -> m3u8_rs::MediaPlaylist {
        let response = self.get(path);
        m3u8_rs::parse_media_playlist_res(&response.body).unwrap_or_else(|_| panic!("{path}: {response:?}"))
    }

    pub(crate) fn is_healthy(&self) -> bool {
        self.get("healthz").status == 200
    }

    /// Its child of that name.
    pub(crate) fn process(&self, name: &str) -> Option<u32> {
        descendants(self.pid()).into_iter().find(|(_, known)| known == name).map(|(pid, _)| pid)
    }

    pub(crate) fn wait_for_exit(&mut self) -> ExitStatus {
        let mut status = None;
        wait_until("the program has ended", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }
}

impl Drop for Origin {
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
            eprintln!("test-origin said:\n{}", self.stderr());
        }
    }
}

/// Process id and name of everything that descends from `pid`.
pub(crate) fn descendants(pid: u32) -> Vec<(u32, String)> {
    let mut known: Vec<(u32, u32, String)> = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
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

pub(crate) fn is_alive(pid: u32) -> bool {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    !stat[stat.rfind(')').unwrap()..].starts_with(") Z")
}

#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// Status 0 when nobody answers.
pub(crate) fn request(method: &str, url: &str) -> Response {
    request_with(method, url, &[])
}

pub(crate) fn request_with(method: &str, url: &str, headers: &[&str]) -> Response {
    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut bytes = Vec::new();
    if let Ok(mut stream) = TcpStream::connect(host) {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let (first, host) = (format!("{method} /{path} HTTP/1.1"), format!("Host: {host}"));
        let lines = [&[first.as_str(), &host, "Connection: close"], headers, &["", ""]].concat();
        let text = lines.join("\r\n");
        stream.write_all(text.as_bytes()).unwrap_or_default();
        stream.read_to_end(&mut bytes).unwrap_or_default();
    }
    let end = bytes.windows(4).position(|part| part == b"\r\n\r\n");
    let Some(end) = end else { return Response { status: 0, headers: Vec::new(), body: Vec::new() } };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers =
        lines.filter_map(|line| line.split_once(": ")).map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
    Response { status, headers, body: bytes[end + 4..].to_owned() }
}
