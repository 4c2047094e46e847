//! The time for which an origin may be silent.

use std::pin::Pin;
use std::time::{Duration, Instant};

use tokio::time::Sleep;

/// One timer for all requests of a connection. It is set anew only when it fires, not whenever something was heard: each
/// setting of a timer wakes the runtime.
#[derive(Debug)]
pub struct Silence {
    timer: Pin<Box<Sleep>>,
    limit: Duration,
    since: Instant,
}

impl Silence {
    /// Begins now.
    pub fn new(limit: Duration) -> Self {
        Self { timer: Box::pin(tokio::time::sleep(limit)), limit, since: Instant::now() }
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
            self.timer.as_mut().reset(deadline.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_heard_puts_the_end_off() {
        let limit = Duration::from_millis(100);
        let mut silence = Silence::new(limit);
        for _ in 0..2 {
            // The timer of the first round has fired when the second begins.
            silence.restart();
            let began = Instant::now();
            silence.lasts_too_long().await;
            assert!(began.elapsed() >= limit, "{:?}", began.elapsed());
        }
    }
}
