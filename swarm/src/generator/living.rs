//! CPU time of the FFmpegs that live, with a bound on how many are looked at in one second. Reads `/proc` only.

use std::collections::HashMap;
use std::path::Path;

use super::processes::stat_ticks;

/// FFmpegs that are read at once, new ones left out. Each costs 15 µs or so: to read 1500 every second took as
/// much CPU as 30 of them play with.
const MOST_READ: usize = 256;

/// What each is known to have taken, in ticks. The sum follows the truth as many seconds later as it takes to go round;
/// its average is the true one, because whoever ends is counted by its parent in full.
#[derive(Debug, Default)]
pub(super) struct Living {
    known: HashMap<u32, u64>,
    next: usize,
}

impl Living {
    /// Ticks of all `children`, as far as they are known: the new ones are read, and the next of the others.
    pub(super) fn ticks(&mut self, proc: &Path, children: &[u32]) -> u64 {
        let due = |place: usize| {
            let turn = (place + children.len() - self.next % children.len()) % children.len();
            turn < MOST_READ
        };
        let known = children.iter().enumerate().filter_map(|(place, pid)| {
            let before = self.known.get(pid).copied().filter(|_| !due(place));
            Some((*pid, before.or_else(|| stat_ticks(proc, &pid.to_string()))?))
        });
        self.known = known.collect();
        self.next = (self.next + MOST_READ) % children.len().max(1);
        self.known.values().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_ones_are_read_at_once_and_the_others_in_turn() {
        let proc = tempfile::tempdir().unwrap();
        let took = |pid: u32, ticks: u32| {
            let folder = proc.path().join(pid.to_string());
            std::fs::create_dir_all(&folder).unwrap();
            let text =
                format!("{pid} (ffmpeg) S 1 7 7 0 -1 4194304 99 0 0 0 {ticks} 0 0 0 20 0 1 0 84965 1 2");
            std::fs::write(folder.join("stat"), text).unwrap();
        };
        let all: Vec<u32> = (1..=512).collect();
        let everyone_took = |ticks| all.iter().for_each(|pid| took(*pid, ticks));
        let mut living = Living::default();
        everyone_took(1);
        assert_eq!(living.ticks(proc.path(), &all), 512);
        everyone_took(3);
        assert_eq!(living.ticks(proc.path(), &all), 256 + 3 * 256, "half of them");
        assert_eq!(living.ticks(proc.path(), &all), 3 * 512, "and the other half");
        assert_eq!(
            living.ticks(proc.path(), &all[..2]),
            6,
            "those that have ended are no longer counted here"
        );
        assert_eq!(living.ticks(proc.path(), &[]), 0);
    }
}
