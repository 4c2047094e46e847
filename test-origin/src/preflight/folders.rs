//! Where the run's files may go: folders that are there, let us write and Nginx's workers pass, and have room. Makes
//! only the cache directory, and the access log.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::Problem;
use crate::nginx::Account;
use crate::plan::Plan;
use crate::run_dir::free_bytes;
use crate::sizes;

/// Where the run directory goes, memory first.
pub(super) fn parent_dir(plan: &Plan, account: Option<&Account>) -> Result<PathBuf, Problem> {
    let needed = sizes::media_bytes(&plan.profile);
    let folder = match &plan.parent_dir {
        Some(folder) => folder.clone(),
        // Segments that live for a minute need not reach a disk.
        None => [PathBuf::from("/dev/shm")]
            .into_iter()
            .find(|tmpfs| {
                writable(tmpfs, "--dir", false).is_ok() && free_bytes(tmpfs).is_none_or(|free| free > needed)
            })
            .unwrap_or_else(std::env::temp_dir),
    };
    writable(&folder, "--dir", false)?;
    has_room(&folder, needed, "--dir")?;
    let closed = |folder: &&Path| folder.metadata().is_ok_and(|meta| meta.permissions().mode() & 0o001 == 0);
    match (account, folder.ancestors().find(closed)) {
        (Some(Account { user, .. }), Some(closed)) => {
            Err(Problem::Impassable { folder: closed.to_owned(), user: user.clone() })
        }
        _ => Ok(folder),
    }
}

/// Whether a clip can be made there.
pub(super) fn cache_dir(plan: &Plan) -> Result<(), Problem> {
    writable(&plan.cache_dir, "--cache-dir", true)?;
    has_room(&plan.cache_dir, sizes::while_encoding_bytes(&plan.profile), "--cache-dir")
}

fn has_room(folder: &Path, needed: u64, flag: &'static str) -> Result<(), Problem> {
    let Some(free) = free_bytes(folder).filter(|free| *free <= needed) else { return Ok(()) };
    let (folder, free_mb, needed_mb) = (folder.to_owned(), free / 1_000_000, needed.div_ceil(1_000_000));
    Err(Problem::NoRoom { folder, free_mb, needed_mb, flag })
}

fn writable(folder: &Path, flag: &'static str, make: bool) -> Result<(), Problem> {
    let folder_there = if make { fs::create_dir_all(folder) } else { Ok(()) };
    folder_there.and_then(|()| tempfile::tempfile_in(folder)).map(drop).map_err(|error| {
        // Without the random name that tempfile adds.
        let reason = error.raw_os_error().map_or(error, io::Error::from_raw_os_error).to_string();
        Problem::Unwritable { folder: folder.to_owned(), reason, flag }
    })
}

/// Whether an access log can go there.
pub(super) fn appendable(file: &Path) -> Result<(), Problem> {
    fs::File::options().create(true).append(true).open(file).map(drop).map_err(|error| Problem::Unwritable {
        folder: file.to_owned(),
        reason: error.to_string(),
        flag: "--access-log",
    })
}
