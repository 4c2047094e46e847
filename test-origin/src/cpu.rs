//! CPU time of a process and of those that it started, by what `/proc` says. `None` where there is no `/proc`.

use std::fs;
use std::time::Duration;

/// The unit of times in `/proc`: `USER_HZ`, which is 100 on every Linux that FFmpeg and Nginx are packaged for.
const TICKS_PER_SECOND: u64 = 100;

/// Adds up the CPU time of one process after the other in the same place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Meter {
    current: Option<(i32, Duration)>,
    before: Duration,
}

impl Meter {
    /// Takes note of what the process `pid` and its children have used so far.
    pub fn note(&mut self, pid: i32, used: Duration) {
        match self.current {
            Some((known, last)) if known == pid => {
                // What a child that has just ended used is between the two tables for a moment.
                self.current = Some((pid, used.max(last)));
            }
            _ => {
                self.before = self.total();
                self.current = Some((pid, used));
            }
        }
    }

    /// Of all processes so far; never falls.
    pub fn total(&self) -> Duration {
        self.before + self.current.map_or(Duration::ZERO, |(_, used)| used)
    }
}

/// CPU time of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Used {
    /// By its own threads.
    pub own: Duration,
    /// By the children whose end it waited for, and theirs.
    pub waited: Duration,
}

/// What a process, the children that it waited for, and those that live have used.
pub fn used_by_family(pid: i32) -> Option<Duration> {
    let both = |pid| used(pid).map(|used| used.own + used.waited);
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let of_children = children.split_whitespace().filter_map(|child| both(child.parse().ok()?));
    Some(both(pid)? + of_children.sum::<Duration>())
}

/// What a process has used.
pub fn used(pid: i32) -> Option<Used> {
    parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Of `/proc/PID/stat` (see proc(5)), the fields utime, stime, cutime and cstime.
fn parse(stat: &str) -> Option<Used> {
    // The name may hold anything, parentheses too; it is the second field, and utime the fourteenth.
    let mut fields = stat.get(stat.rfind(')')? + 1..)?.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    let (user, system, waited_user, waited_system) = (ticks()?, ticks()?, ticks()?, ticks()?);
    let time = |ticks: u64| Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND);
    Some(Used { own: time(user + system), waited: time(waited_user + waited_system) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_a_process_is_read_whatever_its_name() {
        let line = "7 (a) b (c) S 1 7 7 0 -1 4194560 900 0 0 0 150 50 7 3 20 0 1 0 100 0 0";
        let used = Used { own: Duration::from_secs(2), waited: Duration::from_millis(100) };
        assert_eq!(parse(line), Some(used));
        for line in ["", "7 (a) S 1", "7 (a) S 1 7 7 0 -1 0 0 0 0 0 x 1 1 1 1"] {
            assert_eq!(parse(line), None, "{line}");
        }
    }

    #[test]
    fn a_restarted_process_adds_to_its_predecessor_and_nothing_ever_falls() {
        let mut meter = Meter::default();
        let mut totals = Vec::new();
        for (pid, used) in [(7, 10), (7, 30), (7, 29), (9, 5), (9, 8)] {
            meter.note(pid, Duration::from_secs(used));
            totals.push(meter.total().as_secs());
        }
        assert_eq!(totals, [10, 30, 30, 35, 38]);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_busy_process_uses_time() {
        let id = i32::try_from(std::process::id()).unwrap();
        let before = used_by_family(id).unwrap();
        let began = std::time::Instant::now();
        while used_by_family(id).unwrap() <= before {
            assert!(began.elapsed() < Duration::from_secs(60), "no time was used");
        }
    }
}
