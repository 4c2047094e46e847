//! The directory of one run: made at the start, removed at the end, and those of dead runs with it. Removes only
//! directories that bear our marker and whose owner is dead.

mod owner;

use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use nix::fcntl::Flock;
use tempfile::TempDir;

use crate::profile::Profile;

pub use owner::admins;

/// An existing run directory. Dropping it removes it with all that is in it.
#[derive(Debug)]
pub struct RunDir {
    root: TempDir,
    /// Held as long as we live: whoever can take it knows that we are dead.
    _owner: Flock<File>,
}

impl RunDir {
    /// The configuration, relative to the run directory.
    pub const NGINX_CONF: &str = "nginx.conf";
    /// What is served.
    pub const MEDIA: &str = "media";
    /// Nginx's temporary files.
    pub const TEMP: &str = "temp";
    /// The folder of the [`Self::FRESH`] marker.
    pub const HEALTH: &str = "health";
    /// Exists exactly while the playlist is fresh; its text is the answer of `/healthz`.
    pub const FRESH: &str = "fresh";

    /// What Nginx writes about each request, for counting.
    pub const REQUESTS: &str = "requests.log";
    /// The page for people.
    pub const PAGE: &str = "index.html";
    /// Its folder.
    pub const PAGE_FOLDER: &str = "page";
    /// The address of the admin server, for commands that ask this origin.
    pub const ADMIN: &str = "admin";

    /// The certificate that was made for this run, with [`Self::KEY`] in a folder that only we may enter.
    pub const CERTIFICATE: &str = "tls/certificate.pem";
    /// Its private key.
    pub const KEY: &str = "tls/key.pem";
    /// The access log, unless it was asked for elsewhere.
    pub const ACCESS_LOG: &str = "access.jsonl";
    /// What Nginx does step by step, where the profile wants it.
    pub const DEBUG_LOG: &str = "debug.log";

    const PREFIX: &str = "test-origin-";
    const MARKER: &str = ".test-origin-owner";

    /// Makes a run directory below `parent` for the profile, and removes those that dead runs left there.
    pub fn create(parent: &Path, profile: &Profile) -> anyhow::Result<Self> {
        owner::remove_dead(parent);
        // Nginx's workers may be another account: they must pass. What is secret has a folder of its own.
        let root = tempfile::Builder::new()
            .prefix(Self::PREFIX)
            .permissions(Permissions::from_mode(0o755))
            .tempdir_in(parent)
            .with_context(|| format!("make a run directory in {}", parent.display()))?;
        let owner = owner::mark(root.path()).context("mark the run directory")?;
        let run_dir = Self { root, _owner: owner };
        for folder in [Self::MEDIA, Self::TEMP, Self::HEALTH, Self::PAGE_FOLDER] {
            make_folder(&run_dir.path().join(folder))?;
        }
        for folder in profile.folders() {
            make_folder(&run_dir.media().join(folder))?;
        }
        Ok(run_dir)
    }

    /// The directory itself, absolute.
    pub fn path(&self) -> &Path {
        self.root.path()
    }

    /// Where the encoder writes.
    pub fn media(&self) -> PathBuf {
        self.path().join(Self::MEDIA)
    }

    /// Says whether the playlist is fresh, by the marker that Nginx looks for.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn set_fresh(&self, fresh: bool) -> io::Result<()> {
        let marker = self.path().join(Self::HEALTH).join(Self::FRESH);
        if fresh {
            return write(&marker, "ok\n");
        }
        match fs::remove_file(&marker) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Removes all but the newest `count` segments of each playlist, by their numbers: clocks may jump. A restarted
    /// encoder no longer knows of the segments that its predecessor meant to delete.
    pub fn keep_newest_segments(&self, count: usize) {
        let folders = entries(&self.media()).filter(|path| path.is_dir()).collect::<Vec<_>>();
        for folder in std::iter::once(self.media()).chain(folders) {
            let is_segment = |path: &PathBuf| {
                path.is_file()
                    && path.extension().is_some_and(|extension| extension == "ts" || extension == "m4s")
            };
            let mut segments: Vec<PathBuf> = entries(&folder).filter(is_segment).collect();
            // Beyond a million the numbers become longer.
            segments.sort_by_cached_key(|path| (path.as_os_str().len(), path.clone()));
            for old in segments.iter().rev().skip(count) {
                // Gone already is as good.
                fs::remove_file(old).unwrap_or_default();
            }
        }
    }

    /// Bytes that are free where the run directory is, when the file system says.
    pub fn free_bytes(&self) -> Option<u64> {
        free_bytes(self.path())
    }

    /// Writes a file that Nginx may read, whatever our umask.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn write(&self, relative: impl AsRef<Path>, text: &str) -> io::Result<()> {
        write(&self.path().join(relative), text)
    }

    /// The text of these playlists, when all of them are there.
    pub fn read_media(&self, playlists: &[PathBuf]) -> Option<Vec<String>> {
        playlists.iter().map(|playlist| fs::read_to_string(self.media().join(playlist)).ok()).collect()
    }

    /// Puts a new text in the place of a playlist, at one go.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn replace_media(&self, playlist: &Path, text: &str) -> io::Result<()> {
        let playlist = self.media().join(playlist);
        let new = playlist.with_extension("new");
        write(&new, text)?;
        fs::rename(new, playlist)
    }

    /// Writes a file that nobody but us may read, in a folder that nobody but us may enter.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn write_secret(&self, relative: &str, text: &str) -> io::Result<()> {
        let file = self.path().join(relative);
        if let Some(folder) = file.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        let options = File::options().write(true).create_new(true).mode(0o600).open(file);
        options.and_then(|mut file| file.write_all(text.as_bytes()))
    }
}

/// Bytes that are free where the folder is, when the file system says.
pub fn free_bytes(folder: &Path) -> Option<u64> {
    let stat = nix::sys::statvfs::statvfs(folder).ok()?;
    #[expect(clippy::useless_conversion, reason = "the field is 32 bits wide on some systems")]
    let blocks = u64::from(stat.blocks_available());
    Some(blocks * stat.fragment_size())
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path())
}

fn write(file: &Path, text: &str) -> io::Result<()> {
    fs::write(file, text)?;
    fs::set_permissions(file, Permissions::from_mode(0o644))
}

fn make_folder(folder: &Path) -> anyhow::Result<()> {
    fs::create_dir(folder)
        .and_then(|()| fs::set_permissions(folder, Permissions::from_mode(0o755)))
        .with_context(|| format!("make {}", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog;

    fn create(parent: &Path) -> RunDir {
        RunDir::create(parent, &catalog::find("mini-abr").unwrap().unwrap()).unwrap()
    }

    #[test]
    fn a_run_directory_vanishes_with_its_run_and_nothing_else_does() {
        let parent = tempfile::tempdir().unwrap();
        fs::create_dir(parent.path().join("test-origin-of-somebody")).unwrap();
        let run_dir = create(parent.path());
        assert!(run_dir.media().join("360p").is_dir());
        drop(run_dir);
        let left: Vec<_> =
            fs::read_dir(parent.path()).unwrap().flatten().map(|entry| entry.file_name()).collect();
        assert_eq!(left, ["test-origin-of-somebody"]);
    }

    #[test]
    fn the_directory_of_a_dead_run_is_removed_and_that_of_a_living_one_is_not() {
        let parent = tempfile::tempdir().unwrap();
        let living = create(parent.path());
        let dead = parent.path().join("test-origin-dead");
        fs::create_dir(&dead).unwrap();
        fs::write(dead.join(RunDir::MARKER), "").unwrap();
        fs::write(dead.join(RunDir::ADMIN), "127.0.0.1:9\n").unwrap();
        living.write(RunDir::ADMIN, "127.0.0.1:8\n").unwrap();
        assert_eq!(admins(parent.path()), ["127.0.0.1:8".parse().unwrap()]);
        let second = create(parent.path());
        assert!(!dead.exists());
        assert!(living.path().exists() && second.path().exists());
    }

    #[test]
    fn root_reaches_the_runs_of_other_accounts_and_removes_none_of_theirs() {
        if !nix::unistd::geteuid().is_root() {
            testkit::skipped("only root can give a folder away");
            return;
        }
        let parent = tempfile::tempdir().unwrap();
        let living = create(parent.path());
        living.write(RunDir::ADMIN, "127.0.0.1:8\n").unwrap();
        let dead = parent.path().join("test-origin-dead");
        fs::create_dir(&dead).unwrap();
        fs::write(dead.join(RunDir::MARKER), "").unwrap();
        for path in [living.path(), &dead] {
            std::os::unix::fs::chown(path, Some(65534), None).unwrap();
        }
        assert_eq!(admins(parent.path()), ["127.0.0.1:8".parse().unwrap()]);
        drop(create(parent.path()));
        assert!(dead.exists());
    }

    #[test]
    fn the_newest_segments_stay_whatever_the_clock_says() {
        let parent = tempfile::tempdir().unwrap();
        let run_dir = create(parent.path());
        let make = |name: &str, age: u64| {
            let path = run_dir.media().join(name);
            let at = std::time::SystemTime::now() - std::time::Duration::from_secs(age);
            File::create(&path).unwrap().set_modified(at).unwrap();
            path
        };
        let old = [make("segment000007.ts", 0), make("360p/segment999998.m4s", 0)];
        let kept = [
            make("segment000008.ts", 10_000),
            make("segment000009.ts", 10_000),
            make("360p/segment999999.m4s", 10_000),
            make("360p/segment1000000.m4s", 10_000),
            make("stream.m3u8", 10_000),
            make("360p/init-360p-0.mp4", 10_000),
        ];
        run_dir.keep_newest_segments(2);
        assert_eq!((old.map(|path| path.exists()), kept.map(|path| path.exists())), ([false; 2], [true; 6]));
    }

    #[test]
    fn a_secret_is_nobody_elses() {
        let parent = tempfile::tempdir().unwrap();
        let run_dir = create(parent.path());
        run_dir.write_secret(RunDir::KEY, "secret").unwrap();
        let mode = |path: &str| run_dir.path().join(path).metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(RunDir::KEY), mode("tls")), (0o600, 0o700));
    }

    #[test]
    fn freshness_can_be_said_twice_and_taken_back_twice() {
        let parent = tempfile::tempdir().unwrap();
        let run_dir = create(parent.path());
        for fresh in [true, true, false, false] {
            run_dir.set_fresh(fresh).unwrap();
            assert_eq!(run_dir.path().join("health/fresh").exists(), fresh);
        }
    }
}
