//! When viewers start, or go one by one: a pure function of rate, jitter and seed. Sleeps never, starts nothing.

use std::time::Duration;

/// How a rise is paced. Times are offsets from the begin of the rise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ramp {
    gap: Duration,
    jitter: f64,
    seed: u64,
}

impl Ramp {
    /// `rate` in viewers per second, above 0; `jitter` from 0 to 1 in gaps between two starts. The same seed gives
    /// the same times.
    pub fn new(rate: f64, jitter: f64, seed: u64) -> Self {
        Self { gap: Duration::from_secs_f64(1.0 / rate), jitter, seed }
    }

    /// An endless sequence at the ramp's rate. The nth step lies at n / rate plus a random share of the gap, so that
    /// jitter never changes the average rate and the order is kept; the first lies at zero.
    pub fn steps(&self) -> Steps {
        Steps::new(self.gap, self.jitter, self.seed, Lean::After)
    }

    /// `count` steps spread evenly over a time, the last of them at its end. Jitter makes a step earlier by a random
    /// share of the gap.
    pub fn spread(&self, count: u32, over: Duration) -> Steps {
        Steps::new(over / count.max(1), self.jitter, self.seed, Lean::Before)
    }
}

/// The times of steps, as offsets.
#[derive(Clone, Debug)]
pub struct Steps {
    gap: Duration,
    jitter: f64,
    lean: Lean,
    taken: u32,
    random: fastrand::Rng,
    next: Duration,
}

/// On which side of its nominal time a step may lie.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Lean {
    /// The first step has no gap before it.
    After,
    /// The first step has a gap before it.
    Before,
}

impl Steps {
    fn new(gap: Duration, jitter: f64, seed: u64, lean: Lean) -> Self {
        let random = fastrand::Rng::with_seed(seed);
        let mut steps = Self { gap, jitter, lean, taken: 0, random, next: Duration::ZERO };
        if lean == Lean::Before {
            steps.draw();
        }
        steps
    }

    /// When the next one is due.
    pub fn next_at(&self) -> Duration {
        self.next
    }

    /// It was taken.
    pub fn take(&mut self) {
        self.taken += 1;
        self.draw();
    }

    /// The nominal time of the step after all that were taken.
    pub fn nominal(&self) -> Duration {
        self.gap * self.taken
    }

    fn draw(&mut self) {
        let share = self.jitter * self.random.f64();
        let share = if self.lean == Lean::After { share } else { 1.0 - share };
        self.next = self.nominal() + self.gap.mul_f64(share);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(count: usize, mut steps: Steps) -> Vec<Duration> {
        let next = |_| {
            let at = steps.next_at();
            steps.take();
            at
        };
        (0..count).map(next).collect()
    }

    #[test]
    fn the_real_rate_is_the_nominal_rate() {
        for rate in [0.5, 5.0, 50.0, 200.0] {
            let last = first(1001, Ramp::new(rate, 0.2, 1).steps())[1000].as_secs_f64();
            let nominal = 1000.0 / rate;
            assert!((nominal..=nominal + 0.2 / rate + 1e-6).contains(&last), "{rate}: {last} s");
        }
    }

    #[test]
    fn steps_keep_their_order_even_with_full_jitter() {
        let ramp = Ramp::new(10.0, 1.0, 42);
        let starts = first(500, ramp.steps());
        assert!(starts.is_sorted());
        assert_eq!(starts[0], Duration::ZERO);
        assert!(first(500, ramp.spread(500, Duration::from_secs(50))).is_sorted());
    }

    #[test]
    fn without_jitter_steps_are_even_and_with_it_the_seed_decides() {
        let starts = |jitter, seed| first(5, Ramp::new(4.0, jitter, seed).steps());
        assert_eq!(starts(0.0, 1), [0, 250, 500, 750, 1000].map(Duration::from_millis));
        assert_eq!(starts(0.2, 1), starts(0.2, 1));
        assert_ne!(starts(0.2, 1), starts(0.2, 2));
    }

    #[test]
    fn a_spread_ends_with_its_time_and_jitter_only_makes_it_earlier() {
        let spread = |jitter| first(4, Ramp::new(1.0, jitter, 7).spread(4, Duration::from_secs(8)));
        assert_eq!(spread(0.0), [2, 4, 6, 8].map(Duration::from_secs));
        for (early, nominal) in spread(0.5).into_iter().zip(spread(0.0)) {
            assert!(early <= nominal && early >= nominal.saturating_sub(Duration::from_secs(1)), "{early:?}");
        }
    }
}
