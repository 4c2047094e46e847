//! The encoded clip of a profile in the cache: made once, never half. Owns the cache directory; nothing else
//! writes there.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use nix::fcntl::{Flock, FlockArg};

use crate::codec::H264;
use crate::profile::Profile;
use crate::{encoding, recipe, seal};

/// Where the clip of this profile is, or will be. Everything that determines its content is in its name.
pub fn path(cache_dir: &Path, h264: H264, profile: &Profile) -> PathBuf {
    // With no place in them, the command lines are exactly what determines the content. Profiles that differ in
    // something else share their clip.
    let (ffmpeg, folder) = (Path::new("ffmpeg"), Path::new("pieces"));
    let pieces = recipe::pieces(ffmpeg, h264, profile, folder).into_iter().map(|piece| piece.command);
    let commands = pieces.chain([recipe::join(ffmpeg, profile, folder, Path::new("clip"))]);
    let recipe = commands.map(|command| command.to_string()).collect::<Vec<_>>().join("\n");
    let best = profile.variants.first();
    let size = best.map_or(String::new(), |best| format!("{}x{}", best.width, best.height));
    cache_dir.join(format!("{size}-{:016x}.mp4", fnv1a(recipe.as_bytes())))
}

/// The clip that is in the cache and whole, whichever encoder made it; the preferred one first.
pub fn cached(cache_dir: &Path, profile: &Profile) -> Option<PathBuf> {
    let paths = H264::ALL.into_iter().map(|h264| path(cache_dir, h264, profile));
    paths.into_iter().find(|clip| seal::is_whole(clip))
}

/// The path of the profile's clip, which is encoded first if it is not there yet.
///
/// Two programs that need the same clip at once take turns; the later one finds it made. What an interrupted
/// encode left is never used, and removed.
pub async fn prepare(
    ffmpeg: &Path,
    h264: H264,
    cache_dir: &Path,
    profile: &Profile,
) -> anyhow::Result<PathBuf> {
    if let Some(clip) = cached(cache_dir, profile) {
        return Ok(clip);
    }
    let clip = path(cache_dir, h264, profile);
    if clip.exists() {
        tracing::warn!("{} is damaged: encoding it again", clip.display());
    }
    fs::create_dir_all(cache_dir).with_context(|| format!("make {}", cache_dir.display()))?;
    remove_leftovers(cache_dir);
    let unfinished = Unfinished::claim(clip.with_extension(Unfinished::EXTENSION)).await?;
    // Somebody else may have made it while we waited for our turn.
    if !seal::is_whole(&clip) {
        let pieces = unfinished.make_pieces_folder().context("make a folder for the pieces of the clip")?;
        encoding::encode(ffmpeg, h264, profile, &pieces, unfinished.path()).await?;
        unfinished.finish(&clip).context("keep the clip")?;
    }
    Ok(clip)
}

/// A clip that is being made. Dropping it removes the file and its pieces; who holds its lock may write them.
struct Unfinished {
    path: PathBuf,
    file: Flock<File>,
}

impl Unfinished {
    const EXTENSION: &str = "unfinished";
    /// How often to ask whether it is our turn. Only who came second to an encode of seconds waits at all.
    const TURN_INTERVAL: Duration = Duration::from_millis(100);

    async fn claim(path: PathBuf) -> io::Result<Self> {
        loop {
            if let Some(file) = try_lock(&path)? {
                return Ok(Self { path, file });
            }
            tokio::time::sleep(Self::TURN_INTERVAL).await;
        }
    }

    fn path(&self) -> &Path {
        &self.path
    }

    fn pieces_folder(path: &Path) -> PathBuf {
        path.with_extension("pieces")
    }

    fn make_pieces_folder(&self) -> io::Result<PathBuf> {
        let folder = Self::pieces_folder(&self.path);
        fs::create_dir(&folder)?;
        Ok(folder)
    }

    /// Seals the file and gives it its name, once it is surely on the disk.
    fn finish(self, clip: &Path) -> io::Result<()> {
        seal::seal(&self.path)?;
        self.file.sync_all()?;
        fs::rename(&self.path, clip)
    }

    /// Removes what there is of it: nothing when it was finished.
    fn remove(path: &Path) {
        // Nobody has use for what cannot be removed either.
        fs::remove_dir_all(Self::pieces_folder(path)).unwrap_or_default();
        fs::remove_file(path).unwrap_or_default();
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        Self::remove(&self.path);
    }
}

/// Opens and locks the file, unless somebody else holds it or moved it away while we did.
fn try_lock(path: &Path) -> io::Result<Option<Flock<File>>> {
    let file = File::options().create(true).append(true).open(path)?;
    let opened = file.metadata()?.ino();
    match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(lock) => Ok(fs::metadata(path).is_ok_and(|meta| meta.ino() == opened).then_some(lock)),
        Err((_, nix::errno::Errno::EWOULDBLOCK)) => Ok(None),
        Err((_, errno)) => Err(errno.into()),
    }
}

/// Removes what killed programs left: files whose lock nobody holds.
fn remove_leftovers(cache_dir: &Path) {
    let Ok(entries) = fs::read_dir(cache_dir) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.extension().is_some_and(|extension| extension == Unfinished::EXTENSION)
            && let Ok(Some(_lock)) = try_lock(&path)
        {
            Unfinished::remove(&path);
        }
    }
}

/// FNV-1a, 64 bit (RFC 9923): the same in every release, unlike the standard library's hash.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog;
    use crate::profile::Playlist;

    #[test]
    fn the_hash_is_fnv_1a() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn a_clip_is_named_by_what_determines_its_content() {
        let profile = catalog::find("default").unwrap().unwrap();
        let name = |profile: &Profile| path(Path::new("/c"), H264::X264, profile);
        let mut described_otherwise = profile.clone();
        described_otherwise.description = "other words".into();
        described_otherwise.hls.playlist = Playlist::Live { segments: 3 };
        assert_eq!(name(&profile), name(&described_otherwise), "neither is in the clip");
        let mut slower = profile.clone();
        slower.variants[0].video_bitrate_kbps -= 1;
        assert_ne!(name(&profile), name(&slower));
        let logged = catalog::find("logged").unwrap().unwrap();
        assert_eq!(name(&profile), name(&logged), "the log is not in it either");
        assert_ne!(name(&profile), path(Path::new("/c"), H264::OpenH264, &profile));
    }

    #[tokio::test]
    async fn a_claim_waits_for_the_one_before_and_removes_what_is_not_finished() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.unfinished");
        let first = Unfinished::claim(path.clone()).await.unwrap();
        let pieces = first.make_pieces_folder().unwrap();
        fs::write(pieces.join("piece"), "half").unwrap();
        let short = Duration::from_millis(250);
        assert!(tokio::time::timeout(short, Unfinished::claim(path.clone())).await.is_err());
        remove_leftovers(folder.path());
        assert!(path.exists() && pieces.exists(), "its owner lives");
        drop(first);
        assert!(!path.exists() && !pieces.exists());
        let second = Unfinished::claim(path.clone()).await.unwrap();
        second.finish(&folder.path().join("x.mp4")).unwrap();
        assert!(folder.path().join("x.mp4").exists() && !path.exists());
    }

    #[test]
    fn a_dead_programs_leftover_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let left = folder.path().join("default-0.unfinished");
        fs::write(&left, "half").unwrap();
        let pieces = folder.path().join("default-0.pieces");
        fs::create_dir(&pieces).unwrap();
        remove_leftovers(folder.path());
        assert!(!left.exists() && !pieces.exists());
    }
}
