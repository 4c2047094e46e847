//! Carries out a recipe: encodes the pieces side by side, then joins them. Dropped half-way, it ends what it started.

use std::cell::RefCell;
use std::fs;
use std::future::poll_fn;
use std::num::NonZero;
use std::path::Path;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use anyhow::{Context as _, bail};
use supervise::{Child, CommandLine, Exit, ParentDeath, Streams};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::codec::H264;
use crate::process::keep_log;
use crate::profile::Profile;
use crate::progress::Progress;
use crate::recipe::{self, Piece};

/// Makes the profile's clip as `clip`; `folder` is there, and is where the pieces go.
///
/// # Errors
/// When FFmpeg fails: with its last words.
pub async fn encode(
    ffmpeg: &Path,
    h264: H264,
    profile: &Profile,
    folder: &Path,
    clip: &Path,
) -> anyhow::Result<()> {
    for (name, text) in recipe::lists(profile) {
        fs::write(folder.join(name), text).context("write a list of pieces")?;
    }
    let pieces = recipe::pieces(ffmpeg, h264, profile, folder);
    let seconds = recipe::clip_seconds(profile);
    let total = pieces.iter().map(|piece| piece.weight).sum();
    let progress = RefCell::new(Progress::start(&profile.name, seconds, total));
    let failed = || format!("ffmpeg could not encode the clip of profile {}", profile.name);
    side_by_side(pieces.iter().map(|piece| make(piece, &progress))).await.with_context(failed)?;
    run(&recipe::join(ffmpeg, profile, folder, clip), |_| ()).await.with_context(failed)?;
    progress.into_inner().finish();
    Ok(())
}

/// Runs as many at a time as there are cores, in their order, up to the first that fails.
async fn side_by_side(
    work: impl Iterator<Item = impl Future<Output = anyhow::Result<()>>>,
) -> anyhow::Result<()> {
    let most = std::thread::available_parallelism().map_or(1, NonZero::get);
    let mut waiting = work.map(Box::pin);
    let mut running: Vec<Pin<Box<_>>> = waiting.by_ref().take(most).collect();
    while !running.is_empty() {
        let (index, ended) = poll_fn(|context| {
            let ready = running.iter_mut().enumerate().find_map(|(index, future)| {
                match future.as_mut().poll(context) {
                    Poll::Ready(ended) => Some((index, ended)),
                    Poll::Pending => None,
                }
            });
            ready.map_or(Poll::Pending, Poll::Ready)
        })
        .await;
        ended?;
        drop(running.swap_remove(index));
        running.extend(waiting.next());
    }
    Ok(())
}

async fn make(piece: &Piece, progress: &RefCell<Progress>) -> anyhow::Result<()> {
    let length = Duration::from_secs(piece.seconds.into());
    let mut told = 0;
    let mut tell = |done: Duration| {
        let part = done.min(length).as_millis() * u128::from(piece.weight) / length.as_millis();
        let part = u64::try_from(part).unwrap_or(piece.weight).max(told);
        progress.borrow_mut().add(part - told);
        told = part;
    };
    run(&piece.command, &mut tell).await?;
    tell(length);
    Ok(())
}

/// Runs FFmpeg to its end, and tells how far it is.
async fn run(command: &CommandLine, mut reached: impl FnMut(Duration)) -> anyhow::Result<()> {
    tracing::debug!("encoding: {command}");
    let mut child = Child::spawn(command, Streams { stdout: true, stderr: true }, ParentDeath::Kill)
        .context("start ffmpeg")?;
    let log = tokio::spawn(keep_log("ffmpeg", child.stderr.take()));
    if let Some(stdout) = child.stdout.take() {
        let mut lines = BufReader::new(stdout).lines();
        while let Some(line) = lines.next_line().await? {
            if let Some(micros) = line.strip_prefix("out_time_us=").and_then(|number| number.parse().ok()) {
                reached(Duration::from_micros(micros));
            }
        }
    }
    let exit = child.wait().await?;
    let last_words = log.await?.into_lines().join("\n    ");
    if exit != Exit::Code(0) {
        bail!("{exit}\n    {last_words}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn all_work_is_done_and_never_more_at_a_time_than_there_are_cores() {
        let most = std::thread::available_parallelism().map_or(1, NonZero::get);
        let (now, peak, done) = (Cell::new(0), Cell::new(0), Cell::new(0));
        let job = |_| async {
            now.set(now.get() + 1);
            peak.set(peak.get().max(now.get()));
            tokio::task::yield_now().await;
            now.set(now.get() - 1);
            done.set(done.get() + 1);
            Ok(())
        };
        side_by_side((0..3 * most).map(job)).await.unwrap();
        assert_eq!((done.get(), peak.get()), (3 * most, most));
    }

    #[tokio::test]
    async fn the_first_failure_ends_the_work() {
        let done = Cell::new(0);
        let job = |n: usize| {
            let done = &done;
            async move {
                tokio::task::yield_now().await;
                done.set(done.get() + 1);
                anyhow::ensure!(n > 0, "no luck");
                Ok(())
            }
        };
        let error = side_by_side((0..1000).map(job)).await.unwrap_err();
        assert_eq!(error.to_string(), "no luck");
        assert!(done.get() < 1000);
    }
}
