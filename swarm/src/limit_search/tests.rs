//! The search against systems whose limit is known, and against some that have none.

use proptest::prelude::*;

use super::*;

/// Runs a search to its end: `judge` is the system.
fn search(most: u32, tolerance: f64, mut judge: impl FnMut(Level) -> Judgement) -> (Answer, LimitSearch) {
    let mut search = LimitSearch::new(most, tolerance);
    loop {
        match search.next() {
            Next::Try(level) => {
                assert!(search.levels().len() < MOST_LEVELS, "{:?}", search.levels());
                assert!((1..=most).contains(&level.viewers), "{level:?}");
                search.judged(level, judge(level));
            }
            Next::Done(answer) => return (answer, search),
        }
    }
}

/// Up to `limit` viewers hold.
fn holds_up_to(limit: u32) -> impl FnMut(Level) -> Judgement {
    move |level| if level.viewers <= limit { Judgement::Held } else { Judgement::Failed }
}

fn tried(search: &LimitSearch) -> Vec<(u32, Length)> {
    search.levels().iter().map(|(level, _)| (level.viewers, level.length)).collect()
}

#[test]
fn a_known_limit_is_found_by_doubling_bisection_and_confirmation() {
    use Length::{Full, Trial};
    let (answer, search) = search(64, 0.05, holds_up_to(20));
    assert_eq!(answer, Answer::Found { held: 20, failed: 21 });
    let trials = [1, 4, 8, 16, 32, 24, 20, 22, 21].map(|viewers| (viewers, Trial));
    assert_eq!(tried(&search), [&trials[..], &[(20, Full), (21, Full)]].concat());
}

#[test]
fn when_all_hold_the_limit_is_higher() {
    let (answer, search) = search(50, 0.05, holds_up_to(50));
    assert_eq!(answer, Answer::AllHeld { held: 50 });
    assert_eq!(tried(&search).last(), Some(&(50, Length::Full)));
}

#[test]
fn when_not_even_one_holds_the_stream_is_broken() {
    let (answer, search) = search(64, 0.05, holds_up_to(0));
    assert_eq!(answer, Answer::NoneHeld);
    assert_eq!(tried(&search), [(1, Length::Trial), (1, Length::Full)]);
}

#[test]
fn a_saturated_load_box_ends_the_search_with_what_held() {
    let judge = |level: Level| if level.viewers > 30 { Judgement::Saturated } else { Judgement::Held };
    assert_eq!(search(64, 0.05, judge).0, Answer::LoadBox { held: 16, saturated: 32 });
}

#[test]
fn a_level_that_holds_only_for_a_short_time_is_not_the_answer() {
    let judge = |level: Level| {
        let limit = if level.length == Length::Full { 17 } else { 20 };
        holds_up_to(limit)(level)
    };
    let (answer, search) = search(64, 0.05, judge);
    assert_eq!(answer, Answer::Found { held: 17, failed: 18 });
    let after = tried(&search).into_iter().skip_while(|level| *level != (20, Length::Full));
    assert!(after.clone().all(|(_, length)| length == Length::Full), "{:?}", after.collect::<Vec<_>>());
}

#[test]
fn a_level_that_failed_by_chance_does_not_hide_the_limit() {
    let mut chance = true;
    let judge = |level: Level| {
        let fails_by_chance = level.viewers == 8 && std::mem::take(&mut chance);
        if fails_by_chance { Judgement::Failed } else { holds_up_to(40)(level) }
    };
    let (answer, _) = search(64, 0.0, judge);
    assert_eq!(answer, Answer::Found { held: 40, failed: 41 });
}

#[test]
fn a_system_that_never_holds_for_long_is_called_unsteady() {
    let judge = |level: Level| match level.length {
        Length::Trial => holds_up_to(500)(level),
        Length::Full => Judgement::Failed,
    };
    let (answer, search) = search(1000, 0.05, judge);
    assert!(
        matches!(answer, Answer::Unsteady { held, failed } if held < failed && failed < 500),
        "{answer:?}"
    );
    assert_eq!(search.contradictions(), MOST_CONTRADICTIONS + 1);
}

proptest! {
    #[test]
    fn the_limit_of_every_monotone_system_is_found_in_few_levels(
        most in 1_u32..=100_000,
        limit in 0_u32..=120_000,
        tolerance in prop_oneof![Just(0.0), 0.0..0.5_f64],
    ) {
        let (answer, search) = search(most, tolerance, holds_up_to(limit));
        match answer {
            Answer::Found { held, failed } => {
                prop_assert!(held <= limit && limit < failed && failed <= most);
                let allowed = (f64::from(failed) * tolerance).max(1.0);
                prop_assert!(f64::from(failed - held) <= allowed, "{held} {failed}");
            }
            Answer::AllHeld { held } => prop_assert!(held == most && limit >= most),
            Answer::NoneHeld => prop_assert_eq!(limit, 0),
            other => prop_assert!(false, "{:?}", other),
        }
        // One step up for each binary digit, one down, and both ends again.
        let digits = most.ilog2() as usize + 1;
        prop_assert!(search.levels().len() <= 2 * digits + 3, "{:?}", search.levels());
    }

    #[test]
    fn every_search_ends_and_says_nothing_that_was_not_seen(
        most in 1_u32..=100_000,
        tolerance in 0.0..0.3_f64,
        limit in 1_u32..=100_000,
        lies in 0.0..1.0_f64,
        saturates in 0.0..0.05_f64,
        seed: u64,
    ) {
        let mut random = fastrand::Rng::with_seed(seed);
        let judge = |level| {
            if random.f64() < saturates {
                return Judgement::Saturated;
            }
            match (holds_up_to(limit)(level), random.f64() < lies) {
                (Judgement::Held, true) => Judgement::Failed,
                (Judgement::Failed, true) => Judgement::Held,
                (judgement, _) => judgement,
            }
        };
        let (answer, search) = search(most, tolerance, judge);
        let was = |viewers, judgement| {
            search.levels().iter().any(|&(level, judged)| level.viewers == viewers && judged == judgement)
        };
        let full = |viewers| search.levels().iter().any(|&(level, _)| level == Level { viewers, length: Length::Full });
        match answer {
            Answer::Found { held, failed } => {
                prop_assert!(was(held, Judgement::Held) && full(held), "{:?}", search.levels());
                prop_assert!(was(failed, Judgement::Failed) && full(failed), "{:?}", search.levels());
            }
            Answer::AllHeld { held } => prop_assert!(held == most && was(held, Judgement::Held) && full(held)),
            Answer::NoneHeld => prop_assert!(was(1, Judgement::Failed) && full(1)),
            Answer::LoadBox { held, saturated } => {
                prop_assert!(was(saturated, Judgement::Saturated) && (held == 0 || was(held, Judgement::Held)));
            }
            Answer::Unsteady { held, failed } => {
                prop_assert!(held < failed && was(failed, Judgement::Failed));
                prop_assert!(held == 0 || was(held, Judgement::Held));
            }
        }
    }
}
