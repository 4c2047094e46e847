//! The time for which an origin may be silent.

use std::pin::Pin;
use std::time::{Duration, Instant};

use tokio::time::Sleep;

/// A time-out ends at the next of so many marks per time-out, which all connections share: thousands of timers that fire
/// together wake the thread once.
const MARKS: u32 = 32;

/// One timer for all requests of a connection. It is set anew only when it fires, not whenever something was heard: each
/// setting of a timer wakes the runtime.
#[derive(Debug)]
pub struct Silence {
    timer: Pin<Box<Sleep>>,
    limit: Duration,
    since: Instant,
    /// The first mark.
    epoch: Instant,
}

impl Silence {
    /// Begins now. The marks are counted from `epoch`, which is the same for all and has passed.
    pub fn new(limit: Duration, epoch: Instant) -> Self {
        let since = Instant::now();
        let first = next_mark(epoch, limit, since + limit);
        Self { timer: Box::pin(tokio::time::sleep_until(first.into())), limit, since, epoch }
    }

    /// Begins anew: something was heard, or asked.
    pub fn restart(&mut self) {
        self.since = Instant::now();
    }

    /// Waits until it has lasted too long.
    pub async fn lasts_too_long(&mut self) {
        loop {
            self.timer.as_mut().await;
            let deadline = self.since + self.limit;
            if Instant::now() >= deadline {
                return;
            }
            self.timer.as_mut().reset(next_mark(self.epoch, self.limit, deadline).into());
        }
    }
}

/// The first mark that is not before `deadline`.
fn next_mark(epoch: Instant, limit: Duration, deadline: Instant) -> Instant {
    let distance = (limit / MARKS).as_nanos().max(1);
    let marks = deadline.saturating_duration_since(epoch).as_nanos().div_ceil(distance);
    // Beyond 584 years there is no run.
    epoch + Duration::from_nanos(u64::try_from(marks * distance).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_near_each_other_are_one() {
        let (epoch, limit) = (Instant::now(), Duration::from_secs(16));
        let mark = |ms| next_mark(epoch, limit, epoch + Duration::from_millis(ms)) - epoch;
        assert_eq!((mark(16_001), mark(16_400)), (mark(16_500), Duration::from_millis(16_500)));
        assert_eq!((mark(0), mark(16_501)), (Duration::ZERO, Duration::from_secs(17)));
    }

    #[tokio::test]
    async fn what_was_heard_puts_the_end_off() {
        let limit = Duration::from_millis(100);
        let mut silence = Silence::new(limit, Instant::now());
        for _ in 0..2 {
            // The timer of the first round has fired when the second begins.
            silence.restart();
            let began = Instant::now();
            silence.lasts_too_long().await;
            assert!(began.elapsed() >= limit, "{:?}", began.elapsed());
        }
    }
}
