//! A running swarm, the origins it plays from, and the fake FFmpegs for what a real one cannot be brought to.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use testkit::{Finished, Origin, Running, get, processes_with, wait_until};

/// The program, with the flags of a test.
pub(crate) fn swarm(flags: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_swarm"));
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("HLSSWARM_") && text != "HLSSWARM_FFMPEG" {
            command.env_remove(name);
        }
    }
    command.args(flags);
    command
}

/// Runs it to its end.
pub(crate) fn run(flags: &[&str]) -> Finished {
    Running::start(&mut swarm(flags)).wait()
}

/// A swarm that runs, with its metrics on a free port.
pub(crate) struct Swarm {
    pub(crate) program: Running,
    /// In the command line of each of its FFmpegs, and of no other process.
    marker: String,
    metrics: String,
}

impl Swarm {
    /// Returns when the metrics can be read.
    #[track_caller]
    pub(crate) fn start(flags: &[&str]) -> Self {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let marker = format!("swarm-test-{}-{}", std::process::id(), STARTED.fetch_add(1, Ordering::Relaxed));
        let mut command = swarm(&["-metrics", "127.0.0.1:0", "-header", &format!("X-Test: {marker}")]);
        let mut program = Running::start(command.args(flags));
        let mut metrics = None;
        wait_until("the swarm says where its metrics are", || {
            assert!(!program.has_ended(), "it ended: {}", program.stderr());
            let said = program.stderr();
            let address = said.lines().find_map(|line| line.split_once("metrics on ")).map(|(_, url)| url);
            metrics = address.map(str::to_owned);
            metrics.is_some()
        });
        // The value of a header is in the swarm's own command line too: its processes are told apart by FFmpeg's flag.
        Self { program, marker: format!("x-test: {marker}"), metrics: metrics.unwrap() }
    }

    /// A count; 0 when it is not there, as for a counter that was never counted.
    pub(crate) fn metric(&self, name: &str) -> u64 {
        let text = get(&self.metrics).text();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.map_or(0, |value| value.parse().unwrap())
    }

    /// `host:port` of its metrics.
    pub(crate) fn address(&self) -> &str {
        self.metrics.split('/').nth(2).unwrap()
    }

    pub(crate) fn admin(&self, path: &str) -> testkit::Response {
        get(&self.metrics.replace("/metrics", path))
    }

    #[track_caller]
    pub(crate) fn wait_for_metric(&self, name: &str, is_so: impl Fn(u64) -> bool) {
        wait_until(name, || is_so(self.metric(name)));
    }

    /// Its FFmpegs that live, also when it does not any more.
    pub(crate) fn ffmpegs(&self) -> Vec<u32> {
        processes_with(&self.marker)
    }

    /// The address of the wire, and the private header of a viewer, from the command line of an FFmpeg.
    #[track_caller]
    pub(crate) fn proxy(&self) -> (String, String) {
        let mut found = None;
        wait_until("an FFmpeg runs", || {
            // VOD views are short: the process may be gone before its command line is read.
            let line =
                self.ffmpegs().first().and_then(|pid| std::fs::read(format!("/proc/{pid}/cmdline")).ok());
            let command = String::from_utf8(line.unwrap_or_default()).unwrap();
            let proxy = command.split('\0').skip_while(|arg| *arg != "-http_proxy").nth(1).map(str::to_owned);
            let stamp = command.lines().find_map(|line| line.split_once("x-swarm-viewer: "));
            found = proxy.zip(stamp.map(|(_, stamp)| stamp.trim().to_owned()));
            found.is_some()
        });
        found.unwrap()
    }

    #[track_caller]
    pub(crate) fn wait_until_no_ffmpeg_is_left(&self) {
        wait_until("no FFmpeg is left", || self.ffmpegs().is_empty());
    }
}

/// A live origin of a profile in `tests/fixtures/profiles`.
#[track_caller]
pub(crate) fn origin(profile: &str, flags: &[&str]) -> Origin {
    let program = Path::new(env!("CARGO_BIN_EXE_swarm")).with_file_name("test-origin");
    assert!(program.exists(), "{} is not built: run the tests with --workspace", program.display());
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("media");
    let file = fixture("profiles").join(profile).with_extension("toml");
    Origin::start(&program, &cache, |command| {
        if file.exists() {
            command.arg("--profile-file").arg(file)
        } else {
            command.args(["--profile", profile])
        }
        .args(flags)
    })
}

pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

pub(crate) fn fake_ffmpeg(name: &str) -> String {
    fixture("fake-ffmpeg").join(name).with_extension("sh").display().to_string()
}

/// A site that answers exactly what a test says, one request per connection.
pub(crate) struct Site {
    pub(crate) address: String,
    answers: Answers,
    requests: Arc<Mutex<Vec<String>>>,
}

/// Status line and headers, and the body.
pub(crate) type Answer = (&'static str, Vec<u8>);

/// By path.
type Answers = Arc<Mutex<HashMap<String, Answer>>>;

impl Site {
    pub(crate) fn serve<P: Into<String>>(answers: impl IntoIterator<Item = (P, Answer)>) -> Self {
        Self::serve_on(TcpListener::bind("127.0.0.1:0").unwrap(), answers)
    }

    pub(crate) fn serve_on<P: Into<String>>(
        listener: TcpListener,
        answers: impl IntoIterator<Item = (P, Answer)>,
    ) -> Self {
        let answers = answers.into_iter().map(|(path, answer)| (path.into(), answer)).collect();
        let address = listener.local_addr().unwrap().to_string();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&requests);
        let answers: Answers = Arc::new(Mutex::new(answers));
        let served = Arc::clone(&answers);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (answers, heard) = (Arc::clone(&served), Arc::clone(&heard));
                std::thread::spawn(move || answer(&stream, &answers, &heard));
            }
        });
        Self { address, answers, requests }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The body that is served at `path`, as text.
    pub(crate) fn playlist(&self, path: &str) -> String {
        String::from_utf8(self.answers.lock().unwrap()[path].1.clone()).unwrap()
    }

    /// From now on it answers otherwise.
    pub(crate) fn change(&self, path: &str, change: impl FnOnce(&mut Answer)) {
        change(self.answers.lock().unwrap().get_mut(path).unwrap());
    }

    /// Requests for `path` so far, with their headers.
    pub(crate) fn requests(&self, path: &str) -> Vec<String> {
        let requests = self.requests.lock().unwrap();
        requests.iter().filter(|text| text.starts_with(&format!("GET {path} "))).cloned().collect()
    }
}

fn answer(stream: &TcpStream, answers: &Mutex<HashMap<String, Answer>>, log: &Mutex<Vec<String>>) {
    let lines = BufReader::new(stream).lines().map_while(Result::ok);
    let head = lines.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join("\n");
    let path = head.split(' ').nth(1).unwrap_or_default();
    let missing = ("404 Not Found\r\nContent-Type: text/plain", b"no\n".to_vec());
    let (start, body) = answers.lock().unwrap().get(path).unwrap_or(&missing).clone();
    log.lock().unwrap().push(head.clone());
    let bytes = in_http(&head, start, &body);
    // FFmpeg may hang up on purpose.
    let mut out = stream;
    out.write_all(&bytes).unwrap_or_default();
}

/// The answer to a request with this head: a part of the body where one with an end is asked for, else all of it.
pub(crate) fn in_http(head: &str, start: &str, body: &[u8]) -> Vec<u8> {
    let range = head.lines().find_map(|line| line.strip_prefix("Range: bytes=")?.split_once('-'));
    let number = |text: &str| text.trim().parse::<usize>().ok();
    let part = range.and_then(|(first, last)| body.get(number(first)?..=number(last)?));
    let (status, part) = match (part, start.split_once("\r\n")) {
        (Some(part), Some((_, headers))) => (format!("206 Partial Content\r\n{headers}"), part),
        _ => (start.to_owned(), body),
    };
    let length = part.len();
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    [head.as_bytes(), part].concat()
}

/// A VOD with segments of a second, served at `/vod.m3u8`, `/vod0.ts` and so on.
pub(crate) fn vod(seconds: u32) -> Site {
    Site::serve(vod_answers(seconds))
}

/// A VOD of which `/vod1.ts` is missing.
pub(crate) fn vod_without_its_second_segment() -> Site {
    Site::serve(vod_answers(3).into_iter().filter(|(path, _)| path != "/vod1.ts"))
}

pub(crate) fn vod_answers(seconds: u32) -> Vec<(String, Answer)> {
    vod_answers_with(seconds, &[], &[])
}

/// Made with more of the muxer's options, from files in its folder.
pub(crate) fn vod_answers_with(
    seconds: u32,
    options: &[&str],
    files: &[(&str, &[u8])],
) -> Vec<(String, Answer)> {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    let made = Command::new("ffmpeg")
        .current_dir(folder.path())
        .args(["-v", "error", "-f", "lavfi", "-i", "testsrc2=s=160x90:r=10", "-t", &seconds.to_string()])
        .args(["-g", "10", "-c:v", "libx264", "-preset", "ultrafast", "-f", "hls", "-hls_time", "1"])
        .args(options)
        .args(["-hls_playlist_type", "vod", "vod.m3u8"])
        .status()
        .unwrap();
    assert!(made.success());
    let answer = |entry: std::fs::DirEntry| {
        let name = entry.file_name().into_string().unwrap();
        let start = match name.rsplit_once('.').map(|(_, extension)| extension) {
            Some("m3u8") => "200 OK\r\nContent-Type: application/vnd.apple.mpegurl",
            Some("ts") => "200 OK\r\nContent-Type: video/mp2t",
            _ => "200 OK\r\nContent-Type: application/octet-stream",
        };
        (format!("/{name}"), (start, std::fs::read(entry.path()).unwrap()))
    };
    std::fs::read_dir(folder.path()).unwrap().map(|entry| answer(entry.unwrap())).collect()
}
