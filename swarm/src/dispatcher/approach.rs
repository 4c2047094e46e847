//! How the number of viewers gets from where it is to where it shall be, one step at a time. Pure: it is told the time.

use std::time::{Duration, Instant};

use crate::ramp::{Ramp, Steps};

/// How the number of viewers shall move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Upwards at the ramp's rate, downwards at once.
    Ramp,
    /// Evenly over this time, upwards and downwards.
    Over(Duration),
}

/// The number of viewers, on its way.
#[derive(Debug)]
pub(super) struct Approach {
    ramp: Ramp,
    position: u32,
    aim: u32,
    began: Instant,
    steps: Steps,
    /// A rise at the ramp's rate begins no sooner: the last start lies less than a gap before it.
    rested: Option<Instant>,
}

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The viewer of this number is wanted from now on.
    Up(u32),
    /// This one is no longer.
    Down(u32),
}

impl Approach {
    /// Nobody runs, and nobody shall.
    pub(super) fn new(ramp: Ramp, now: Instant) -> Self {
        Self { ramp, position: 0, aim: 0, began: now, steps: ramp.steps(), rested: None }
    }

    /// So many viewers shall run, from now on; where they are fewer than now and the fall is at once, it has happened
    /// on return.
    pub(super) fn aim_at(&mut self, aim: u32, pace: Pace, now: Instant) {
        self.aim = aim;
        match pace {
            Pace::Over(time) if !time.is_zero() => {
                self.began = now;
                self.steps = self.ramp.spread(aim.abs_diff(self.position), time);
                self.rested = None;
            }
            Pace::Over(_) | Pace::Ramp => {
                self.position = self.position.min(aim);
                self.began = self.rested.map_or(now, |rested| rested.max(now));
                self.steps = self.ramp.steps();
            }
        }
    }

    /// How many shall run in the end.
    pub(super) fn aim(&self) -> u32 {
        self.aim
    }

    /// How many shall run now: those with a lower number.
    pub(super) fn position(&self) -> u32 {
        self.position
    }

    /// The viewer that the next step would start.
    pub(super) fn next_up(&self) -> Option<u32> {
        (self.position < self.aim).then_some(self.position)
    }

    /// When the next step is due; `None` at the aim.
    pub(super) fn next_step(&self) -> Option<Instant> {
        (self.position != self.aim).then(|| self.began + self.steps.next_at())
    }

    /// The next step is taken.
    pub(super) fn step(&mut self) -> Option<Step> {
        let up = self.next_up();
        if self.position == self.aim {
            return None;
        }
        self.steps.take();
        if let Some(number) = up {
            self.position += 1;
            self.rested = Some(self.began + self.steps.nominal());
            return Some(Step::Up(number));
        }
        self.position -= 1;
        Some(Step::Down(self.position))
    }

    /// What could not be done until now is not made up for in a burst: the remaining steps move with the next one.
    pub(super) fn postpone(&mut self, now: Instant) {
        if let Some(due) = self.next_step() {
            self.began += now.saturating_duration_since(due);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GAP: Duration = Duration::from_millis(100);

    fn approach(now: Instant) -> Approach {
        Approach::new(Ramp::new(10.0, 0.0, 1), now)
    }

    /// Takes all steps, each when it is due.
    fn steps(approach: &mut Approach, began: Instant) -> Vec<(Duration, Step)> {
        let mut taken = Vec::new();
        while let Some(due) = approach.next_step() {
            taken.push((due - began, approach.step().unwrap()));
        }
        taken
    }

    #[test]
    fn each_rise_goes_at_the_rate_and_each_fall_at_once() {
        let began = Instant::now();
        let mut approach = approach(began);
        approach.aim_at(2, Pace::Ramp, began);
        assert_eq!(steps(&mut approach, began), [(Duration::ZERO, Step::Up(0)), (GAP, Step::Up(1))]);
        approach.aim_at(1, Pace::Ramp, began + 5 * GAP);
        assert_eq!((approach.position(), approach.next_step()), (1, None));
        approach.aim_at(3, Pace::Ramp, began + 9 * GAP);
        assert_eq!(steps(&mut approach, began), [(9 * GAP, Step::Up(1)), (10 * GAP, Step::Up(2))]);
    }

    #[test]
    fn rises_in_quick_succession_are_no_faster_than_the_rate() {
        let began = Instant::now();
        let mut approach = approach(began);
        let mut starts = Vec::new();
        for aim in 1..=5 {
            approach.aim_at(aim, Pace::Ramp, began);
            starts.extend(steps(&mut approach, began).into_iter().map(|(at, _)| at));
        }
        assert_eq!(starts, [0, 1, 2, 3, 4].map(|gaps| GAP * gaps));
    }

    #[test]
    fn a_spread_goes_evenly_both_ways_and_ends_in_time() {
        let began = Instant::now();
        let mut approach = approach(began);
        approach.aim_at(2, Pace::Over(Duration::from_secs(6)), began);
        let seconds = Duration::from_secs;
        assert_eq!(steps(&mut approach, began), [(seconds(3), Step::Up(0)), (seconds(6), Step::Up(1))]);
        approach.aim_at(0, Pace::Over(seconds(2)), began + seconds(6));
        assert_eq!(steps(&mut approach, began), [(seconds(7), Step::Down(1)), (seconds(8), Step::Down(0))]);
    }

    #[test]
    fn a_new_aim_within_a_rise_counts_from_where_the_number_stands() {
        let began = Instant::now();
        let mut approach = approach(began);
        approach.aim_at(100, Pace::Ramp, began);
        for _ in 0..10 {
            approach.step();
        }
        approach.aim_at(12, Pace::Over(Duration::from_secs(2)), began + 10 * GAP);
        assert_eq!(steps(&mut approach, began).len(), 2);
        assert_eq!(approach.position(), 12);
    }

    #[test]
    fn what_was_held_up_goes_on_at_the_rate() {
        let began = Instant::now();
        let mut approach = approach(began);
        approach.aim_at(3, Pace::Ramp, began);
        approach.postpone(began + 7 * GAP);
        let at: Vec<_> = steps(&mut approach, began).into_iter().map(|(at, _)| at).collect();
        assert_eq!(at, [7, 8, 9].map(|gaps| GAP * gaps));
    }
}
