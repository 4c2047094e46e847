//! What is looked at every so often: how the processes do, whether the playlist is fresh, how much room the disk has.
//! Starts and ends nothing.

use std::time::Instant;

use anyhow::Context as _;

use super::Run;
use crate::origin::Part;

impl Run<'_> {
    /// What is counted in the time between two looks.
    pub(super) fn measure(&mut self) -> anyhow::Result<()> {
        self.metrics.set_process(Part::Encoder, self.encoder.id());
        self.metrics.set_process(Part::Server, self.server.id());
        self.metrics.set_encoder_running(self.encoder.id().is_some() && !self.standing.frozen);
        self.metrics.read_cpu();
        self.requests.follow(&self.metrics).context("read the request log")
    }

    pub(super) fn set_fresh(&self, fresh: bool) -> anyhow::Result<()> {
        let cut = self.room.as_ref().is_some_and(|room| room.may_be_cut(Instant::now()));
        match (fresh, self.announced) {
            (false, _) if cut => tracing::warn!("segments may be cut off: /healthz says 503"),
            (false, _) => tracing::warn!("the playlist is stale: /healthz says 503"),
            (true, true) => tracing::info!("the playlist is fresh again"),
            (true, false) => tracing::debug!("the playlist is fresh"),
        }
        self.dir.set_fresh(fresh).context("mark whether the playlist is fresh")
    }

    /// False while segments may be cut off: without room FFmpeg goes on, with what fits. Says so once.
    pub(super) fn look_at_the_disk(&mut self, now: Instant) -> bool {
        let (Some(room), Some(free)) = (&mut self.room, self.dir.free_bytes()) else { return true };
        if room.look(free, now) {
            tracing::error!(
                "the disk is full, segments may be cut off: {} kB are free for {}, and the next segments need {} kB: \
                 make room there, or choose another --dir",
                free / 1000,
                self.dir.path().display(),
                room.needed_bytes().div_ceil(1000)
            );
        }
        !room.may_be_cut(now)
    }
}
