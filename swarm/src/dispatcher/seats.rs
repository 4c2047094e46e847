//! Which numbers of viewers are taken. A number is free again only when its last viewer is gone, process and all, and
//! its next viewer counts its processes on, so that nothing of the one is taken for the other's.

/// All seats that were ever taken; at most as many as there are viewers at the same time.
#[derive(Debug, Default)]
pub(super) struct Seats {
    seats: Vec<Seat>,
}

#[derive(Clone, Copy, Debug)]
enum Seat {
    Free { next_session: u32 },
    Taken,
}

impl Seats {
    /// Whether a viewer of this number is still there.
    pub(super) fn is_taken(&self, number: u32) -> bool {
        matches!(self.seats.get(number as usize), Some(Seat::Taken))
    }

    /// A viewer takes it; the number of its first process.
    pub(super) fn take(&mut self, number: u32) -> u32 {
        let index = number as usize;
        if index >= self.seats.len() {
            self.seats.resize(index + 1, Seat::Free { next_session: 0 });
        }
        match std::mem::replace(&mut self.seats[index], Seat::Taken) {
            Seat::Free { next_session } => next_session,
            Seat::Taken => 0,
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
        assert_eq!(seats.take(2), 0);
        assert!(seats.is_taken(2) && !seats.is_taken(0) && !seats.is_taken(3));
        seats.free(2, 4);
        assert!(!seats.is_taken(2));
        assert_eq!(seats.take(2), 4);
    }
}
