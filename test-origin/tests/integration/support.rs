//! The origin of this package, with profiles that are ready in no time. What is not about it is in `testkit`.

use std::fs::Permissions;
use std::ops::{Deref, DerefMut};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub(crate) use testkit::origin::open_dir;
pub(crate) use testkit::{descendants, is_alive, request, send, wait_until};

const PROGRAM: &str = env!("CARGO_BIN_EXE_test-origin");

/// The program with the flags that every test needs; all media go to one cache.
pub(crate) fn command(parent_dir: &Path) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(["--port", "0", "--dir"]).arg(parent_dir).arg("--cache-dir").arg(cache_dir());
    command.stdin(Stdio::null());
    command
}

pub(crate) fn cache_dir() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("media")
}

/// Encodes the clip of a built-in profile, unless it is there: that of a 4K ladder takes longer than an origin is
/// waited for.
#[track_caller]
pub(crate) fn prepare(profile: &str) {
    let output = command(open_dir().path()).args(["--prepare", "--profile", profile]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// A profile of `tests/integration/profiles`.
pub(crate) fn profile_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/integration/profiles").join(name).with_extension("toml")
}

/// A script in the place of a program.
pub(crate) fn stand_in(folder: &Path, name: &str, script: &str) -> PathBuf {
    let file = folder.join(name);
    std::fs::write(&file, format!("#!/bin/sh\n{script}")).unwrap();
    std::fs::set_permissions(&file, Permissions::from_mode(0o755)).unwrap();
    file
}

/// The real FFmpeg for every question and for a clip, but not for a stream.
pub(crate) fn ffmpeg_without_luck(folder: &Path) -> PathBuf {
    let script = "case \"$*\" in *hls_time*) echo 'no such luck' >&2; exit 7;; esac\nexec ffmpeg \"$@\"\n";
    stand_in(folder, "ffmpeg", script)
}

/// The page of this program.
pub(crate) fn documentation() -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/TEST_ORIGIN.md");
    std::fs::read_to_string(page).unwrap()
}

/// A running origin of this package.
pub(crate) struct Origin(testkit::Origin);

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
        Self(testkit::Origin::start(Path::new(PROGRAM), &cache_dir(), flags))
    }

    /// Where the admin server said that it listens: `http://…`.
    pub(crate) fn admin(&self) -> String {
        let said = self.program.stderr();
        let line = said.lines().find(|line| line.contains("the admin server listens on")).unwrap();
        line.split("listens on ").last().unwrap().trim().to_owned()
    }

    /// Begins a fault, and returns its number.
    #[track_caller]
    pub(crate) fn begin_fault(&self, spec: &str) -> u64 {
        let response = self.ask_admin("POST", "faults", spec);
        assert_eq!(response.status, 201, "{spec}: {}", response.text());
        serde_json::from_slice::<serde_json::Value>(&response.body).unwrap()["id"].as_u64().unwrap()
    }

    /// A request of the admin server with a body.
    pub(crate) fn ask_admin(&self, method: &str, path: &str, body: &str) -> testkit::Response {
        let length = format!("Content-Length: {}", body.len());
        let end = format!("X-End: 1\r\n\r\n{body}");
        request(method, &format!("{}/{path}", self.admin()), &[&length, &end])
    }

    pub(crate) fn playlist(&self, path: &str) -> m3u8_rs::MediaPlaylist {
        let response = self.get(path);
        m3u8_rs::parse_media_playlist_res(&response.body).unwrap_or_else(|_| panic!("{path}: {response:?}"))
    }
}

impl Deref for Origin {
    type Target = testkit::Origin;

    fn deref(&self) -> &testkit::Origin {
        &self.0
    }
}

impl DerefMut for Origin {
    fn deref_mut(&mut self) -> &mut testkit::Origin {
        &mut self.0
    }
}
