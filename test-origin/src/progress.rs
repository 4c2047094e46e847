//! How far an encode is, and how long it will take: a bar on a terminal, a few lines elsewhere, all on stderr. Measures
//! nothing itself.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// The progress of encoding one clip.
#[derive(Debug)]
pub struct Progress {
    began: Instant,
    done: u64,
    total: u64,
    display: Display,
}

#[derive(Debug)]
enum Display {
    Bar(ProgressBar),
    /// The next step to be told, in per cent.
    Lines(u64),
}

impl Progress {
    /// Per cent between two lines: enough to see that it goes on.
    const LINE_STEP: u64 = 25;

    /// Says that the profile's clip of this length is being encoded, which is `total` work of any unit.
    pub fn start(profile: &str, clip_seconds: u32, total: u64) -> Self {
        tracing::info!("encoding {clip_seconds} s of profile {profile}, once for all later runs");
        let display = if std::io::stderr().is_terminal() {
            let style = ProgressStyle::with_template("{bar:40} {percent:>3} %  {eta} left");
            let bar = ProgressBar::new(total);
            Display::Bar(bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())))
        } else {
            Display::Lines(Self::LINE_STEP)
        };
        Self { began: Instant::now(), done: 0, total, display }
    }

    /// This much more is done.
    pub fn add(&mut self, work: u64) {
        self.done += work;
        let percent = per_cent(self.done, self.total);
        match &mut self.display {
            Display::Bar(bar) => bar.set_position(self.done),
            Display::Lines(next) => {
                if percent >= *next && percent < 100 {
                    let left = left(self.began.elapsed(), self.done, self.total).as_secs_f64();
                    tracing::info!("encoded {percent} %, about {left:.0} s left");
                    *next = percent / Self::LINE_STEP * Self::LINE_STEP + Self::LINE_STEP;
                }
            }
        }
    }

    /// Says that it is done.
    pub fn finish(self) {
        if let Display::Bar(bar) = &self.display {
            bar.finish_and_clear();
        }
        tracing::info!("encoded in {:.1} s", self.began.elapsed().as_secs_f64());
    }
}

/// Whole per cent, rounded down.
fn per_cent(done: u64, total: u64) -> u64 {
    u128::from(done)
        .checked_mul(100)
        .and_then(|done| done.checked_div(total.into()))
        .map_or(100, |per_cent| u64::try_from(per_cent.min(100)).unwrap_or(100))
}

/// How long the rest takes when it goes on as until now.
fn left(passed: Duration, done: u64, total: u64) -> Duration {
    let rest = total.saturating_sub(done) as f64 / done.max(1) as f64;
    Duration::try_from_secs_f64(passed.as_secs_f64() * rest).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_between_nothing_and_all() {
        let cases = [(0, 0), (159, 0), (160, 1), (8_000, 50), (15_999, 99), (16_000, 100), (17_000, 100)];
        for (done, expected) in cases {
            assert_eq!(per_cent(done, 16_000), expected);
        }
        assert_eq!(per_cent(1, 0), 100);
        assert_eq!(per_cent(u64::MAX, u64::MAX), 100);
    }

    #[test]
    fn what_is_left_follows_from_what_passed() {
        let passed = Duration::from_secs(10);
        assert_eq!(left(passed, 25, 100), Duration::from_secs(30));
        assert_eq!(left(passed, 100, 100), Duration::ZERO);
        assert_eq!(left(passed, 0, 100), Duration::from_secs(1000));
    }
}
