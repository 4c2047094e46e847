//! When viewers began to ask for what they are being redirected to: the way there is part of what they wait for.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::ticket::Ticket;

/// FFmpeg follows at once. What is asked for later than this is asked for anew.
const AT_ONCE: Duration = Duration::from_secs(1);

/// Redirects that are remembered at a time. Each is followed within milliseconds, so these are of very many viewers at
/// once; of those beyond, the way there is not counted.
const MOST: usize = 4096;

/// Redirects that have not been followed yet.
#[derive(Debug, Default)]
pub struct Redirects {
    open: Mutex<HashMap<(Ticket, String), Redirect>>,
}

#[derive(Debug)]
struct Redirect {
    asked: Instant,
    told: Instant,
}

impl Redirects {
    /// The viewer, that had first asked for it at `asked`, is told to ask for `target`.
    pub fn told(&self, ticket: Ticket, target: &str, asked: Instant, now: Instant) {
        let mut open = self.lock();
        if open.len() >= MOST {
            open.retain(|_, redirect| redirect.is_fresh(now));
        }
        if open.len() < MOST {
            open.insert((ticket, target.to_owned()), Redirect { asked, told: now });
        }
    }

    /// The viewer asks for `target`: when it had first asked, if it was redirected there just now.
    pub fn follow(&self, ticket: Ticket, target: &str, now: Instant) -> Option<Instant> {
        let mut open = self.lock();
        if open.is_empty() {
            return None;
        }
        let redirect = open.remove(&(ticket, target.to_owned()))?;
        redirect.is_fresh(now).then_some(redirect.asked)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(Ticket, String), Redirect>> {
        // No call in here can leave the map half changed.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Redirect {
    fn is_fresh(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.told) <= AT_ONCE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Ticket = Ticket { viewer: 1, session: 0 };
    const TWO: Ticket = Ticket { viewer: 2, session: 0 };

    #[test]
    fn who_follows_has_asked_since_the_first_request_and_only_once() {
        let redirects = Redirects::default();
        let asked = Instant::now();
        let told = asked + Duration::from_secs(9);
        redirects.told(ONE, "http://h/x", asked, told);
        let soon = told + Duration::from_millis(2);
        assert_eq!(redirects.follow(TWO, "http://h/x", soon), None);
        assert_eq!(redirects.follow(ONE, "http://h/y", soon), None);
        assert_eq!(redirects.follow(ONE, "http://h/x", soon), Some(asked));
        assert_eq!(redirects.follow(ONE, "http://h/x", soon), None);
    }

    #[test]
    fn who_asks_much_later_does_not_follow() {
        let redirects = Redirects::default();
        let now = Instant::now();
        redirects.told(ONE, "http://h/x", now, now);
        assert_eq!(redirects.follow(ONE, "http://h/x", now + Duration::from_secs(2)), None);
    }

    #[test]
    fn those_that_nobody_follows_make_room() {
        let redirects = Redirects::default();
        let now = Instant::now();
        let told = |number: usize, now| redirects.told(ONE, &number.to_string(), now, now);
        (0..=MOST).for_each(|number| told(number, now));
        assert_eq!(redirects.follow(ONE, &MOST.to_string(), now), None, "one too many");
        let later = now + Duration::from_secs(2);
        told(MOST, later);
        assert_eq!(redirects.follow(ONE, &MOST.to_string(), later), Some(later));
    }
}
