//! The encoded clip of a profile in the cache: made once, never half. Owns the cache directory; nothing else
//! writes there.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use nix::fcntl::{Flock, FlockArg};
use supervise::{Child, Exit, ParentDeath, Streams};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::encoder;
use crate::process::keep_log;
use crate::profile::Profile;
use crate::progress::Progress;

/// Where the clip of this profile is, or will be. Everything that determines its content is in its name.
pub fn path(cache_dir: &Path, profile: &Profile) -> PathBuf {
    // With neither the program nor the file in it, the command line is exactly what determines the content. Profiles
    // that differ in something else share their clip.
    let recipe = encoder::prepare(Path::new("ffmpeg"), profile, Path::new("clip")).to_string();
    let best = profile.variants.first();
    let size = best.map_or(String::new(), |best| format!("{}x{}", best.width, best.height));
    cache_dir.join(format!("{size}-{:016x}.mp4", fnv1a(recipe.as_bytes())))
}

/// Whether the file is an MP4 file from end to end: boxes that follow each other up to the last byte, one of which is
/// the index (ISO/IEC 14496-12 4.2). FFmpeg writes the index last, so what was cut off is not whole.
pub fn is_whole(clip: &Path) -> bool {
    File::open(clip).and_then(|file| has_whole_boxes(&file)).unwrap_or(false)
}

fn has_whole_boxes(mut file: &File) -> io::Result<bool> {
    let length = file.metadata()?.len();
    let (mut at, mut has_index) = (0, false);
    while at < length {
        let mut header = [0; 16];
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut header[..8])?;
        let (size, kind) = header[..8].split_at(4);
        has_index |= kind == b"moov";
        let size = match u32::from_be_bytes([size[0], size[1], size[2], size[3]]) {
            1 => {
                file.read_exact(&mut header[8..])?;
                header[8..].iter().fold(0, |size, byte| size << 8 | u64::from(*byte))
            }
            size => u64::from(size),
        };
        // Zero would mean "to the end", which FFmpeg never writes into a finished file.
        let end = at.checked_add(size).filter(|end| size >= 8 && *end <= length);
        let Some(end) = end else { return Ok(false) };
        at = end;
    }
    Ok(has_index)
}

/// The path of the profile's clip, which is encoded first if it is not there yet.
///
/// Two programs that need the same clip at once take turns; the later one finds it made. What an interrupted
/// encode left is never used, and removed.
pub async fn prepare(ffmpeg: &Path, cache_dir: &Path, profile: &Profile) -> anyhow::Result<PathBuf> {
    let clip = path(cache_dir, profile);
    if is_whole(&clip) {
        return Ok(clip);
    }
    if clip.exists() {
        tracing::warn!("{} is damaged: encoding it again", clip.display());
    }
    fs::create_dir_all(cache_dir).with_context(|| format!("make {}", cache_dir.display()))?;
    remove_leftovers(cache_dir);
    let unfinished = Unfinished::claim(clip.with_extension(Unfinished::EXTENSION)).await?;
    // Somebody else may have made it while we waited for our turn.
    if !is_whole(&clip) {
        encode(ffmpeg, profile, unfinished.path()).await?;
        unfinished.finish(&clip).context("keep the clip")?;
    }
    Ok(clip)
}

async fn encode(ffmpeg: &Path, profile: &Profile, file: &Path) -> anyhow::Result<()> {
    let command = encoder::prepare(ffmpeg, profile, file);
    tracing::debug!("encoding: {command}");
    let mut child = Child::spawn(&command, Streams { stdout: true, stderr: true }, ParentDeath::Kill)
        .context("start ffmpeg to encode the clip")?;
    let log = tokio::spawn(keep_log("ffmpeg", child.stderr.take()));
    let seconds = encoder::clip_seconds(profile);
    let mut progress = Progress::start(&profile.name, Duration::from_secs(seconds.into()));
    if let Some(stdout) = child.stdout.take() {
        let mut lines = BufReader::new(stdout).lines();
        while let Some(line) = lines.next_line().await? {
            if let Some(micros) = line.strip_prefix("out_time_us=").and_then(|number| number.parse().ok()) {
                progress.reached(Duration::from_micros(micros));
            }
        }
    }
    let exit = child.wait().await?;
    let last_words = log.await?.into_lines().join("\n    ");
    if exit != Exit::Code(0) {
        bail!("ffmpeg could not encode the clip of profile {}: {exit}\n    {last_words}", profile.name);
    }
    progress.finish();
    Ok(())
}

/// A clip that is being made. Dropping it removes the file; who holds its lock may write it.
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

    /// Gives the file its name, once it is surely on the disk.
    fn finish(self, clip: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.path, clip)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // Not there any more when it was finished; otherwise nobody has use for it.
        fs::remove_file(&self.path).unwrap_or_default();
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
            fs::remove_file(&path).unwrap_or_default();
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
        let name = |profile: &Profile| path(Path::new("/c"), profile);
        let mut described_otherwise = profile.clone();
        described_otherwise.description = "other words".into();
        described_otherwise.hls.playlist = Playlist::Live { segments: 3 };
        assert_eq!(name(&profile), name(&described_otherwise), "neither is in the clip");
        let mut slower = profile.clone();
        slower.variants[0].video_bitrate_kbps -= 1;
        assert_ne!(name(&profile), name(&slower));
        let logged = catalog::find("logged").unwrap().unwrap();
        assert_eq!(name(&profile), name(&logged), "the log is not in it either");
    }

    #[test]
    fn a_file_is_whole_when_its_boxes_fill_it_and_one_is_the_index() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("clip.mp4");
        let whole = |bytes: &[u8]| {
            fs::write(&file, bytes).unwrap();
            is_whole(&file)
        };
        let good = b"\0\0\0\x0cftypisom\0\0\0\x01mdat\0\0\0\0\0\0\0\x12..\0\0\0\x08moov";
        assert!(whole(good));
        for length in 0..good.len() {
            assert!(!whole(&good[..length]), "cut at {length}");
        }
        assert!(!whole(&[good.as_slice(), b"x"].concat()), "one byte too many");
        assert!(!whole(b"\0\0\0\0moov"), "a box without a size");
        assert!(!whole(b"\0\0\0\x01moov\xff\xff\xff\xff\xff\xff\xff\xff"), "a box without end");
        assert!(!is_whole(&folder.path().join("none")));
    }

    #[tokio::test]
    async fn a_claim_waits_for_the_one_before_and_removes_what_is_not_finished() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.unfinished");
        let first = Unfinished::claim(path.clone()).await.unwrap();
        let short = Duration::from_millis(250);
        assert!(tokio::time::timeout(short, Unfinished::claim(path.clone())).await.is_err());
        remove_leftovers(folder.path());
        assert!(path.exists(), "its owner lives");
        drop(first);
        assert!(!path.exists());
        let second = Unfinished::claim(path.clone()).await.unwrap();
        second.finish(&folder.path().join("x.mp4")).unwrap();
        assert!(folder.path().join("x.mp4").exists() && !path.exists());
    }

    #[test]
    fn a_dead_programs_leftover_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let left = folder.path().join("default-0.unfinished");
        fs::write(&left, "half").unwrap();
        remove_leftovers(folder.path());
        assert!(!left.exists());
    }
}
