//! Whose a run directory is, and whether that run still lives: its marker is locked as long as it does. Removes only
//! what is ours and dead.

use std::fs::{self, File};
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};

use super::{RunDir, entries};

/// The marker gets its name only when its lock is held: nobody ever sees it unlocked while we live.
pub(super) fn mark(root: &Path) -> io::Result<Flock<File>> {
    let unnamed = root.join(".new");
    let owner = Flock::lock(File::create(&unnamed)?, FlockArg::LockExclusiveNonblock)
        .map_err(|(_, errno)| io::Error::from(errno))?;
    fs::rename(unnamed, root.join(RunDir::MARKER))?;
    Ok(owner)
}

/// Removes what killed runs left below `parent`, and says so.
pub(super) fn remove_dead(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for path in entries.flatten().map(|entry| entry.path()).filter(|path| is_dead(path)) {
        match fs::remove_dir_all(&path) {
            Ok(()) => tracing::info!("removed {}, which a killed test-origin left behind", path.display()),
            Err(error) => tracing::warn!("cannot remove {} of a killed test-origin: {error}", path.display()),
        }
    }
}

/// The admin addresses of our living runs below `parent`; to root, those of everybody, as of a service with an account of
/// its own.
pub fn admins(parent: &Path) -> Vec<SocketAddr> {
    let root = nix::unistd::geteuid().is_root();
    let ours = |path: &PathBuf| is_run(path) && (root || is_owned(path));
    let living = entries(parent).filter(|path| ours(path) && !is_unlocked(path));
    let address = |path: PathBuf| fs::read_to_string(path.join(RunDir::ADMIN)).ok()?.trim().parse().ok();
    living.filter_map(address).collect()
}

fn is_run(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(RunDir::PREFIX))
        && path.symlink_metadata().is_ok_and(|meta| meta.is_dir())
}

fn is_owned(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|meta| meta.uid() == nix::unistd::geteuid().as_raw())
}

/// Of ours only: what others left behind is theirs to remove.
fn is_dead(path: &Path) -> bool {
    is_run(path) && is_owned(path) && is_unlocked(path)
}

fn is_unlocked(path: &Path) -> bool {
    File::open(path.join(RunDir::MARKER))
        .is_ok_and(|marker| Flock::lock(marker, FlockArg::LockExclusiveNonblock).is_ok())
}
