//! How late timers come on `swarm`'s own threads: a task on each wakes ten times per second and notes by how much it was
//! late. What is late there is late in every measurement.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

/// Often enough to catch a hold-up that is long enough to matter ([`super::rules`]), and too rarely to cost anything.
const PERIOD: Duration = Duration::from_millis(100);

/// The timers of a run.
#[derive(Debug)]
pub struct Lag {
    epoch: Instant,
    beats: Mutex<Vec<Arc<Beat>>>,
}

/// One thread's timer, in microseconds since the epoch.
#[derive(Debug, Default)]
struct Beat {
    worst_us: AtomicU64,
    due_us: AtomicU64,
}

impl Default for Lag {
    fn default() -> Self {
        Self { epoch: Instant::now(), beats: Mutex::default() }
    }
}

impl Lag {
    /// Watches the thread that drives this runtime, until the runtime or this value ends.
    pub fn watch(&self, runtime: &Handle) {
        let beat = Arc::new(Beat::default());
        beat.due_us.store(self.micros(Instant::now() + PERIOD), Ordering::Relaxed);
        runtime.spawn(keep_beating(self.epoch, Arc::downgrade(&beat)));
        self.beats.lock().unwrap_or_else(PoisonError::into_inner).push(beat);
    }

    /// The worst since this was last asked; a timer that is overdue counts with what it is late already.
    pub(super) fn take(&self, now: Instant) -> Duration {
        let now_us = self.micros(now);
        let beats = self.beats.lock().unwrap_or_else(PoisonError::into_inner);
        let worst = beats.iter().map(|beat| {
            let overdue = now_us.saturating_sub(beat.due_us.load(Ordering::Relaxed));
            beat.worst_us.swap(0, Ordering::Relaxed).max(overdue)
        });
        Duration::from_micros(worst.max().unwrap_or(0))
    }

    fn micros(&self, at: Instant) -> u64 {
        micros(self.epoch, at)
    }
}

fn micros(epoch: Instant, at: Instant) -> u64 {
    u64::try_from(at.saturating_duration_since(epoch).as_micros()).unwrap_or(u64::MAX)
}

async fn keep_beating(epoch: Instant, beat: Weak<Beat>) {
    loop {
        let due = Instant::now() + PERIOD;
        match beat.upgrade() {
            Some(beat) => beat.due_us.store(micros(epoch, due), Ordering::Relaxed),
            None => return,
        }
        tokio::time::sleep_until(due.into()).await;
        let late_us = micros(due, Instant::now());
        if let Some(beat) = beat.upgrade() {
            beat.worst_us.fetch_max(late_us, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_thread_that_is_held_up_is_late_and_only_once() {
        let lag = Lag::default();
        lag.watch(&Handle::current());
        // Lets the task set its timer.
        tokio::task::yield_now().await;
        std::thread::sleep(PERIOD + Duration::from_millis(300));
        let overdue = lag.take(Instant::now());
        assert!(overdue >= Duration::from_millis(300), "seen while it lasts: {overdue:?}");
        tokio::time::sleep(Duration::from_millis(1)).await;
        let noted = lag.take(Instant::now());
        assert!(noted >= Duration::from_millis(300), "seen afterwards: {noted:?}");
        assert!(lag.take(Instant::now()) < Duration::from_millis(300), "and no third time");
    }
}
