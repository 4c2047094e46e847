//! Requests that have not ended yet: what is in flight now, and how old.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::observation::Kind;
use crate::stats::StillOpen;

/// All open requests of the run. As many as there are connections, which the listener's descriptors bound.
#[derive(Debug, Default)]
pub struct OpenRequests {
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    requests: HashMap<u64, OpenRequest>,
}

#[derive(Debug)]
struct OpenRequest {
    kind: Kind,
    since: Instant,
    ttfb: Option<Duration>,
    media: Option<Duration>,
}

/// One open request's place in the list.
#[derive(Debug, PartialEq, Eq)]
pub struct Place(u64);

impl OpenRequests {
    /// A request has arrived, for a segment of this length if it is for one.
    pub fn enter(&self, kind: Kind, media: Option<Duration>, since: Instant) -> Place {
        let mut open = self.lock();
        let number = open.next;
        open.next += 1;
        open.requests.insert(number, OpenRequest { kind, since, ttfb: None, media });
        Place(number)
    }

    /// The head of its answer came.
    pub fn answered(&self, place: &Place, ttfb: Duration) {
        if let Some(request) = self.lock().requests.get_mut(&place.0) {
            request.ttfb = Some(ttfb);
        }
    }

    /// It has ended. Twice does no harm.
    pub fn leave(&self, place: &Place) {
        self.lock().requests.remove(&place.0);
    }

    /// How many are open.
    pub fn count(&self) -> usize {
        self.lock().requests.len()
    }

    /// Each of them.
    pub fn all(&self, now: Instant) -> Vec<StillOpen> {
        let open = self.lock();
        let still_open = |request: &OpenRequest| StillOpen {
            kind: request.kind,
            age: now.saturating_duration_since(request.since),
            ttfb: request.ttfb,
            media: request.media,
        };
        open.requests.values().map(still_open).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        // No call in here can leave the list half changed.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_while_they_are_open() {
        let requests = OpenRequests::default();
        let now = Instant::now();
        let first = requests.enter(Kind::Segment, Some(Duration::from_secs(2)), now);
        let second = requests.enter(Kind::Key, None, now);
        requests.leave(&first);
        requests.leave(&first);
        assert_eq!(requests.count(), 1);
        requests.answered(&second, Duration::from_secs(1));
        let open = requests.all(now + Duration::from_secs(2));
        let second_open = (open[0].kind, open[0].age, open[0].ttfb);
        assert_eq!(second_open, (Kind::Key, Duration::from_secs(2), Some(Duration::from_secs(1))));
        requests.leave(&second);
        assert_eq!(requests.count(), 0);
    }
}
