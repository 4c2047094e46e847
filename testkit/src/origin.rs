//! A running test origin.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::{Response, Running, descendants, get, wait_until};

/// A live stream on a free port.
#[derive(Debug)]
pub struct Origin {
    /// The program.
    pub program: Running,
    /// The line on its stdout.
    pub url: String,
    /// In which its run directory is.
    pub parent_dir: TempDir,
}

/// A folder that Nginx's workers may enter, also when they are another account.
pub fn open_dir() -> TempDir {
    tempfile::Builder::new().permissions(Permissions::from_mode(0o755)).tempdir().unwrap()
}

impl Origin {
    /// Runs the `test-origin` at `program` with clips in `cache_dir`, and returns when it has told its URL.
    #[track_caller]
    pub fn start(program: &Path, cache_dir: &Path, flags: impl FnOnce(&mut Command) -> &mut Command) -> Self {
        let parent_dir = open_dir();
        let mut command = Command::new(program);
        command.args(["--port", "0", "--dir"]).arg(parent_dir.path()).arg("--cache-dir").arg(cache_dir);
        let mut program = Running::start(flags(&mut command));
        wait_until("the origin has told its URL", || {
            assert!(!program.has_ended(), "the origin ended: {}", program.stderr());
            program.stdout().ends_with('\n')
        });
        let url = program.stdout().trim_end().to_owned();
        Self { program, url, parent_dir }
    }

    /// Another URL of this origin.
    pub fn at(&self, path: &str) -> String {
        self.url.replace("stream.m3u8", path.trim_start_matches('/'))
    }

    /// GET of [`Self::at`].
    pub fn get(&self, path: &str) -> Response {
        get(&self.at(path))
    }

    /// What `/healthz` says.
    pub fn is_healthy(&self) -> bool {
        self.get("healthz").status == 200
    }

    /// Its child of that name: `ffmpeg` or `nginx`.
    pub fn process(&self, name: &str) -> Option<u32> {
        descendants(self.program.pid()).into_iter().find(|(_, known)| known == name).map(|(pid, _)| pid)
    }
}
