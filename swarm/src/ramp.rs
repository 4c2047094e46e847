//! When each viewer starts: a pure function of rate, jitter and seed. Sleeps never, starts nothing.

use std::time::Duration;

/// An endless sequence of start times, as offsets from the ramp's begin. The nth lies at n / rate plus a random
/// share of the gap, so that jitter never changes the average rate and the order of starts is kept.
#[derive(Clone, Debug)]
pub struct Ramp {
    gap: Duration,
    jitter: f64,
    started: u32,
    random: fastrand::Rng,
}

impl Ramp {
    /// `rate` in viewers per second, above 0; `jitter` from 0 to 1 in gaps between two starts. The same seed gives
    /// the same times.
    pub fn new(rate: f64, jitter: f64, seed: u64) -> Self {
        Self {
            gap: Duration::from_secs_f64(1.0 / rate),
            jitter,
            started: 0,
            random: fastrand::Rng::with_seed(seed),
        }
    }
}

impl Iterator for Ramp {
    type Item = Duration;

    /// Never `None`. The first is zero: a run begins with its first viewer.
    fn next(&mut self) -> Option<Duration> {
        let nominal = self.gap * self.started;
        let offset = if self.started == 0 { 0.0 } else { self.jitter * self.random.f64() };
        self.started += 1;
        Some(nominal + self.gap.mul_f64(offset))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_real_rate_is_the_nominal_rate() {
        for rate in [0.5, 5.0, 50.0, 200.0] {
            let last = Ramp::new(rate, 0.2, 1).nth(1000).unwrap().as_secs_f64();
            let nominal = 1000.0 / rate;
            assert!((nominal..=nominal + 0.2 / rate + 1e-6).contains(&last), "{rate}: {last} s");
        }
    }

    #[test]
    fn starts_keep_their_order_even_with_full_jitter() {
        let starts: Vec<_> = Ramp::new(10.0, 1.0, 42).take(500).collect();
        assert!(starts.is_sorted());
        assert_eq!(starts[0], Duration::ZERO);
    }

    #[test]
    fn without_jitter_starts_are_even_and_with_it_the_seed_decides() {
        let starts = |jitter, seed| Ramp::new(4.0, jitter, seed).take(5).collect::<Vec<_>>();
        assert_eq!(starts(0.0, 1), [0, 250, 500, 750, 1000].map(Duration::from_millis));
        assert_eq!(starts(0.2, 1), starts(0.2, 1));
        assert_ne!(starts(0.2, 1), starts(0.2, 2));
    }
}
