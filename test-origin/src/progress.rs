//! How far an encode is: a bar on a terminal, a few lines elsewhere, all on stderr. Measures nothing itself.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// The progress of encoding one clip.
#[derive(Debug)]
pub struct Progress {
    began: Instant,
    total: Duration,
    display: Display,
}

#[derive(Debug)]
enum Display {
    Bar(ProgressBar),
    /// The next quarter to be told, in per cent.
    Lines(u32),
}

impl Progress {
    /// Per cent between two lines: enough to see that it goes on.
    const LINE_STEP: u32 = 25;

    /// Says that the profile's clip of this length is being encoded.
    pub fn start(profile: &str, total: Duration) -> Self {
        tracing::info!("encoding {} s of profile {profile}, once for all later runs", total.as_secs());
        let display = if std::io::stderr().is_terminal() {
            let style = ProgressStyle::with_template("{bar:40} {percent:>3} %  {eta} left");
            let bar = ProgressBar::new(100);
            Display::Bar(bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())))
        } else {
            Display::Lines(Self::LINE_STEP)
        };
        Self { began: Instant::now(), total, display }
    }

    /// This much of the clip is encoded.
    pub fn reached(&mut self, done: Duration) {
        let percent = per_cent(done, self.total);
        match &mut self.display {
            Display::Bar(bar) => bar.set_position(percent.into()),
            Display::Lines(next) => {
                if percent >= *next && percent < 100 {
                    tracing::info!("encoded {percent} %");
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
fn per_cent(done: Duration, total: Duration) -> u32 {
    let per_cent = (100 * done.as_millis()).checked_div(total.as_millis()).unwrap_or(100);
    u32::try_from(per_cent.min(100)).unwrap_or(100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_between_nothing_and_all() {
        let total = Duration::from_secs(16);
        let cases = [(0, 0), (159, 0), (160, 1), (8_000, 50), (15_999, 99), (16_000, 100), (17_000, 100)];
        for (millis, expected) in cases {
            assert_eq!(per_cent(Duration::from_millis(millis), total), expected);
        }
        assert_eq!(per_cent(total, Duration::ZERO), 100);
    }
}
