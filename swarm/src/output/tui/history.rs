//! What the sparklines show: the last moments, remembered.

use std::collections::VecDeque;

use crate::output::moment::Moment;

/// Moments that are kept, a second apart: no terminal has more columns.
const MOST_MOMENTS: usize = 512;

/// The last moments, the newest last.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// Viewers that played, or FFmpegs that ran where nothing is measured.
    playing: VecDeque<u64>,
    /// Bytes per second.
    throughput: VecDeque<u64>,
}

impl History {
    /// Remembers one more.
    pub fn push(&mut self, moment: &Moment) {
        let wire = moment.wire.as_ref();
        let playing = wire.map_or(moment.totals.active, |wire| wire.playback.playing);
        // A rate is finite and not negative: the cast only drops the fraction.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "see above")]
        let bytes_per_s = wire.map_or(0, |wire| wire.throughput_bytes_per_s as u64);
        for (row, value) in [(&mut self.playing, playing.into()), (&mut self.throughput, bytes_per_s)] {
            if row.len() == MOST_MOMENTS {
                row.pop_front();
            }
            row.push_back(value);
        }
    }

    /// Viewers that played in the last `width` moments.
    pub fn playing(&self, width: u16) -> Vec<u64> {
        last(&self.playing, width)
    }

    /// Bytes per second in the last `width` moments.
    pub fn throughput(&self, width: u16) -> Vec<u64> {
        last(&self.throughput, width)
    }
}

fn last(row: &VecDeque<u64>, width: u16) -> Vec<u64> {
    row.iter().skip(row.len().saturating_sub(width.into())).copied().collect()
}
