//! Which numbers of viewers are taken. A number is free again only when its last viewer is gone, process and all, and
//! its next viewer counts its processes on, so that nothing of the one is taken for the other's.

use crate::viewer::{Happening, Report, StartKind};

/// All seats that were ever taken; at most as many as there are viewers at the same time.
#[derive(Debug, Default)]
pub(super) struct Seats {
    seats: Vec<Seat>,
}

#[derive(Clone, Copy, Debug)]
enum Seat {
    Free { next_session: u32 },
    Taken(Told),
}

/// What a viewer has told of its processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Told {
    /// The newest of which it told; before that the number of its first.
    pub(super) session: u32,
    /// As what another viewer in its place would start: only the first process that was told of is a viewer's start.
    pub(super) next: StartKind,
    /// The newest runs.
    pub(super) runs: bool,
}

impl Seats {
    /// Whether a viewer of this number is still there.
    pub(super) fn is_taken(&self, number: u32) -> bool {
        matches!(self.seats.get(number as usize), Some(Seat::Taken(_)))
    }

    /// A viewer takes it, whose first process starts as this; the number of that process.
    pub(super) fn take(&mut self, number: u32, kind: StartKind) -> u32 {
        let index = number as usize;
        if index >= self.seats.len() {
            self.seats.resize(index + 1, Seat::Free { next_session: 0 });
        }
        let session = match self.seats[index] {
            Seat::Free { next_session } => next_session,
            Seat::Taken(_) => 0,
        };
        self.seats[index] = Seat::Taken(Told { session, next: kind, runs: false });
        session
    }

    /// Its viewer tells something.
    pub(super) fn note(&mut self, report: &Report) {
        let Some(Seat::Taken(told)) = self.seats.get_mut(report.viewer as usize) else { return };
        told.session = report.session;
        match report.what {
            Happening::Started(_) => (told.next, told.runs) = (StartKind::Restart, true),
            Happening::Ended(_) | Happening::Lost { .. } => told.runs = false,
            Happening::NotStarted { .. } | Happening::Playing => {}
        }
    }

    /// What the viewer that has it told so far.
    pub(super) fn told(&self, number: u32) -> Option<Told> {
        match self.seats.get(number as usize) {
            Some(Seat::Taken(told)) => Some(*told),
            Some(Seat::Free { .. }) | None => None,
        }
    }

    /// Its viewer is gone.
    pub(super) fn free(&mut self, number: u32, next_session: u32) {
        if let Some(seat) = self.seats.get_mut(number as usize) {
            *seat = Seat::Free { next_session };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seat_that_is_used_again_counts_its_processes_on() {
        let mut seats = Seats::default();
        assert_eq!(seats.take(2, StartKind::First), 0);
        assert!(seats.is_taken(2) && !seats.is_taken(0) && !seats.is_taken(3));
        seats.free(2, 4);
        assert!(!seats.is_taken(2));
        assert_eq!(seats.take(2, StartKind::First), 4);
    }
}
