//! How long to wait before a process may start again: a pure, endless iterator of delays.

use std::time::Duration;

/// Delays that grow by a factor up to a bound, each spread by a random share so that many waiters do not return
/// in step.
#[derive(Clone, Debug)]
pub struct Backoff {
    next: Duration,
    random: fastrand::Rng,
}

impl Backoff {
    /// First delay: long enough that a viewer that dies on start cannot spin, short enough that a player's user
    /// would not notice.
    pub const FIRST: Duration = Duration::from_millis(250);
    /// Growth per failure: 250 ms reaches the bound after six.
    pub const FACTOR: f64 = 1.7;
    /// Longest delay before jitter: after an outage the last viewer is back within this time.
    pub const LONGEST: Duration = Duration::from_secs(5);
    /// Each delay is multiplied by a random number in 1 ± this.
    pub const JITTER: f64 = 0.2;

    /// Starts at [`Self::FIRST`]; the same seed gives the same delays.
    pub fn new(seed: u64) -> Self {
        Self { next: Self::FIRST, random: fastrand::Rng::with_seed(seed) }
    }

    /// Back to [`Self::FIRST`], once the process has proven itself. The random sequence goes on.
    pub fn reset(&mut self) {
        self.next = Self::FIRST;
    }
}

impl Iterator for Backoff {
    type Item = Duration;

    /// Never `None`.
    fn next(&mut self) -> Option<Duration> {
        let delay = self.next;
        self.next = delay.mul_f64(Self::FACTOR).min(Self::LONGEST);
        let spread = 1.0 + Self::JITTER * (2.0 * self.random.f64() - 1.0);
        Some(delay.mul_f64(spread))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_the_bound_and_stay_within_the_jitter() {
        let mut nominal = Backoff::FIRST;
        for delay in Backoff::new(7).take(20) {
            let ratio = delay.as_secs_f64() / nominal.as_secs_f64();
            assert!((0.8..=1.2).contains(&ratio), "{delay:?} for nominal {nominal:?}");
            nominal = nominal.mul_f64(1.7).min(Duration::from_secs(5));
        }
        assert_eq!(nominal, Duration::from_secs(5));
    }

    #[test]
    fn the_same_seed_gives_the_same_delays_and_another_does_not() {
        let delays = |seed| Backoff::new(seed).take(8).collect::<Vec<_>>();
        assert_eq!(delays(3), delays(3));
        assert_ne!(delays(3), delays(4));
    }

    #[test]
    fn a_reset_starts_from_the_first_delay() {
        let mut backoff = Backoff::new(1);
        backoff.by_ref().take(9).for_each(drop);
        backoff.reset();
        assert!(backoff.next().unwrap() <= Backoff::FIRST.mul_f64(1.2));
    }
}
