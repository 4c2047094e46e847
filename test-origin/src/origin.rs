//! What to do about what happened: restart, give up, say it is fresh, stop. Pure: no process, no clock, no file.

use std::time::{Duration, Instant};

use supervise::{Backoff, Stop};

/// The two processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// FFmpeg.
    Encoder,
    /// Nginx.
    Server,
}

impl Part {
    /// For messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Encoder => "ffmpeg",
            Self::Server => "nginx",
        }
    }
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A process ended, or could not even be started.
    Ended(Part),
    /// Its time to be started again has come.
    RestartDue(Part),
    /// The playlists were looked at.
    Looked {
        /// All of them changed lately.
        fresh: bool,
    },
    /// Three segments of every variant came through the server.
    Played,
    /// Somebody wants us to end.
    Asked(Stop),
}

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Action {
    /// Nothing.
    Wait,
    /// Start this process.
    Start(Part),
    /// Start this process after a while.
    StartAfter(Part, Duration),
    /// Say that the playlist is fresh, or that it is not.
    SetFresh(bool),
    /// Tell the URL.
    Announce,
    /// End everything: this process cannot be kept running.
    GiveUp(Part),
    /// End everything in good order.
    Stop,
}

/// The state of both processes, as far as it decides anything.
#[derive(Debug)]
pub struct Origin {
    encoder: Life,
    server: Life,
    fresh: bool,
}

#[derive(Debug)]
struct Life {
    started: Instant,
    failures: u32,
    backoff: Backoff,
}

impl Origin {
    /// Restarts in a row, none of which held. With the delays between them this is about 6 s: a short shortage of
    /// memory or disk passes in that time, a wrong configuration never does, and nobody waits long to be told.
    pub const MOST_RESTARTS: u32 = 5;
    /// Running this long is proof: whatever ends the process later is a new trouble.
    pub const PROOF: Duration = Duration::from_secs(10);

    /// Both processes start `now`.
    pub fn new(now: Instant, seed: u64) -> Self {
        let life = |seed| Life { started: now, failures: 0, backoff: Backoff::new(seed) };
        Self { encoder: life(seed), server: life(seed.wrapping_add(1)), fresh: false }
    }

    /// Takes note of an event, and says what to do.
    pub fn handle(&mut self, event: Event, now: Instant) -> Action {
        match event {
            Event::Ended(part) => self.life(part).ended(part, now),
            Event::RestartDue(part) => {
                self.life(part).started = now;
                Action::Start(part)
            }
            Event::Looked { fresh } if fresh == self.fresh => Action::Wait,
            Event::Looked { fresh } => {
                self.fresh = fresh;
                Action::SetFresh(fresh)
            }
            Event::Played => Action::Announce,
            Event::Asked(Stop::Gracefully(_) | Stop::AtOnce) => Action::Stop,
        }
    }

    fn life(&mut self, part: Part) -> &mut Life {
        match part {
            Part::Encoder => &mut self.encoder,
            Part::Server => &mut self.server,
        }
    }
}

impl Life {
    fn ended(&mut self, part: Part, now: Instant) -> Action {
        if now.duration_since(self.started) >= Origin::PROOF {
            self.failures = 0;
            self.backoff.reset();
        }
        self.failures += 1;
        match self.backoff.next() {
            Some(delay) if self.failures <= Origin::MOST_RESTARTS => Action::StartAfter(part, delay),
            _ => Action::GiveUp(part),
        }
    }
}

#[cfg(test)]
mod tests {
    use supervise::By;

    use super::*;

    fn origin() -> (Origin, Instant) {
        let now = Instant::now();
        (Origin::new(now, 1), now)
    }

    fn restart(origin: &mut Origin, part: Part, now: Instant) {
        let Action::StartAfter(which, delay) = origin.handle(Event::Ended(part), now) else {
            panic!("no restart")
        };
        assert_eq!(which, part);
        assert_eq!(origin.handle(Event::RestartDue(part), now + delay), Action::Start(part));
    }

    #[test]
    fn a_process_that_never_holds_is_given_up_after_five_restarts() {
        for part in [Part::Encoder, Part::Server] {
            let (mut origin, now) = origin();
            for _ in 0..Origin::MOST_RESTARTS {
                restart(&mut origin, part, now);
            }
            assert_eq!(origin.handle(Event::Ended(part), now), Action::GiveUp(part));
        }
    }

    #[test]
    fn a_process_that_held_for_a_while_has_all_its_restarts_again() {
        let (mut origin, mut now) = origin();
        for _ in 0..100 {
            now += Origin::PROOF + Duration::from_secs(6);
            restart(&mut origin, Part::Encoder, now);
        }
    }

    #[test]
    fn time_spent_waiting_is_no_proof() {
        let (mut origin, now) = origin();
        let _ = origin.handle(Event::Ended(Part::Encoder), now);
        let later = now + Origin::PROOF;
        let _ = origin.handle(Event::RestartDue(Part::Encoder), later);
        for _ in 1..Origin::MOST_RESTARTS {
            restart(&mut origin, Part::Encoder, later);
        }
        assert_eq!(origin.handle(Event::Ended(Part::Encoder), later), Action::GiveUp(Part::Encoder));
    }

    #[test]
    fn the_troubles_of_one_do_not_count_for_the_other() {
        let (mut origin, now) = origin();
        for _ in 0..Origin::MOST_RESTARTS {
            restart(&mut origin, Part::Encoder, now);
        }
        restart(&mut origin, Part::Server, now);
    }

    #[test]
    fn freshness_is_said_only_when_it_changes() {
        let (mut origin, now) = origin();
        let mut look = |fresh| origin.handle(Event::Looked { fresh }, now);
        assert_eq!(
            [look(false), look(true), look(true)],
            [Action::Wait, Action::SetFresh(true), Action::Wait]
        );
        assert_eq!([look(false), look(false)], [Action::SetFresh(false), Action::Wait]);
    }

    #[test]
    fn every_request_to_stop_stops() {
        let (mut origin, now) = origin();
        assert_eq!(origin.handle(Event::Asked(Stop::Gracefully(By::Signal)), now), Action::Stop);
        assert_eq!(origin.handle(Event::Asked(Stop::AtOnce), now), Action::Stop);
    }
}
