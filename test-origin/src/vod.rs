//! A stream that ends: its clip cut into segments, once. Starts FFmpeg, waits for it, and leaves nothing running.

use std::path::Path;

use anyhow::{Context as _, bail};
use supervise::{Exit, ParentDeath};

use crate::encoder;
use crate::process::Process;
use crate::profile::Profile;

/// Writes every segment and playlist of the profile into `media`.
///
/// # Errors
/// When FFmpeg fails: with its last words.
pub async fn cut(ffmpeg: &Path, profile: &Profile, clip: &Path, media: &Path) -> anyhow::Result<()> {
    let command = encoder::cut(ffmpeg, profile, clip, media);
    let mut process = Process::start("ffmpeg", &command, ParentDeath::Kill).context("start ffmpeg")?;
    let ended = process.ended().await?;
    if ended.exit != Exit::Code(0) {
        bail!("ffmpeg could not cut the clip into segments: {ended}");
    }
    Ok(())
}
