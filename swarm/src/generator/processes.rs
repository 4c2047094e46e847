//! What `swarm` and its FFmpegs take and wait for: CPU time, and turns on a CPU. Reads `/proc` only.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::cpu::TICKS_PER_S;
use super::living::Living;

/// FFmpegs whose waiting is read: enough for an average, and a bound on the work.
const MOST_WATCHED: usize = 32;

/// CPU time in seconds of this process, of the FFmpegs that live, and of those that have ended.
///
/// Only direct children are seen: what a wrapper script starts without `exec` is counted when it has ended.
pub(super) fn own_cpu_s(proc: &Path, children: &[u32], living: &mut Living) -> Option<f64> {
    let own = stat_ticks(proc, "self")?;
    Some((own + living.ticks(proc, children)) as f64 / TICKS_PER_S)
}

/// What a process and its children that have ended took.
pub(super) fn stat_ticks(proc: &Path, process: &str) -> Option<u64> {
    stat(proc, process).map(|stat| stat.own + stat.of_children)
}

/// Direct children of this process. All are started by its main thread, whose number is that of the process.
pub(super) fn children(proc: &Path) -> Vec<u32> {
    let path = proc.join(format!("self/task/{}/children", std::process::id()));
    let text = fs::read_to_string(path).unwrap_or_default();
    text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

struct Stat {
    own: u64,
    of_children: u64,
}

fn stat(proc: &Path, process: &str) -> Option<Stat> {
    parse_stat(&short_text(&proc.join(process).join("stat"))?)
}

/// Of a file of some hundred bytes that the kernel writes while it is read: all of it at once, where `fs::read_to_string`
/// begins with little and asks five times. There are hundreds of them every second.
fn short_text(path: &Path) -> Option<String> {
    let mut bytes = [0; 1024];
    let length = File::open(path).ok()?.read(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes[..length]).into_owned())
}

/// Fields 14 to 17 of `/proc/PID/stat`, in ticks. The name may hold spaces and parentheses; they end at the last one.
fn parse_stat(text: &str) -> Option<Stat> {
    let after_name = &text[text.rfind(')')? + 1..];
    let mut ticks = after_name.split_whitespace().skip(11).map(str::parse::<u64>);
    let mut next = || ticks.next()?.ok();
    Some(Stat { own: next()? + next()?, of_children: next()? + next()? })
}

/// For each watched thread: how long it has waited for a CPU in all, and how often it then ran.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Turns {
    by_thread: BTreeMap<u32, (u64, u64)>,
}

impl Turns {
    /// Of our own threads, and of some FFmpegs' first threads.
    pub(super) fn read(proc: &Path, children: &[u32]) -> Self {
        let own = fs::read_dir(proc.join("self/task")).into_iter().flatten().flatten();
        let own = own.filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path())));
        let theirs = children.iter().take(MOST_WATCHED).map(|pid| (*pid, proc.join(pid.to_string())));
        let read = |(thread, folder): (u32, PathBuf)| {
            Some((thread, parse_schedstat(&short_text(&folder.join("schedstat"))?)?))
        };
        Self { by_thread: own.chain(theirs).filter_map(read).collect() }
    }

    /// Average wait in seconds before a turn, over threads that both readings have; `None` when none had a turn.
    pub(super) fn wait_since(&self, before: &Self) -> Option<f64> {
        let (mut waited_ns, mut turns) = (0, 0);
        for (thread, after) in &self.by_thread {
            let Some(before) = before.by_thread.get(thread) else { continue };
            waited_ns += after.0.saturating_sub(before.0);
            turns += after.1.saturating_sub(before.1);
        }
        (turns > 0).then(|| waited_ns as f64 / turns as f64 / 1e9)
    }
}

/// Nanoseconds run, nanoseconds waited, and turns. Kernels without these statistics say zero or have no such file.
fn parse_schedstat(text: &str) -> Option<(u64, u64)> {
    let mut fields = text.split_whitespace().map(str::parse);
    let mut next = || fields.next()?.ok();
    let (_run_ns, waited_ns, turns) = (next()?, next()?, next()?);
    (turns > 0).then_some((waited_ns, turns))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_read_behind_any_name() {
        let stat =
            parse_stat("7 (a) b) (c) S 1 7 7 0 -1 4194304 99 0 0 0 11 22 33 44 20 0 1 0 84965 1 2").unwrap();
        assert_eq!((stat.own, stat.of_children), (33, 77));
        assert!(parse_stat("7 (cut").is_none());
    }

    #[test]
    fn waits_are_averaged_over_threads_that_stayed() {
        let turns = |threads: &[(u32, (u64, u64))]| Turns { by_thread: threads.iter().copied().collect() };
        let before = turns(&[(1, (1_000_000, 10)), (2, (0, 5))]);
        let after = turns(&[(1, (7_000_000, 12)), (2, (0, 6)), (3, (9_000_000_000, 1))]);
        assert_eq!(after.wait_since(&before), Some(0.002));
        assert_eq!(before.wait_since(&before), None);
        assert_eq!(parse_schedstat("0 0 0\n"), None, "a kernel without these statistics");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn own_work_and_that_of_a_child_that_ended_are_seen() {
        let proc = Path::new("/proc");
        let mut living = Living::default();
        let before = own_cpu_s(proc, &children(proc), &mut living).unwrap();
        let burn = "i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done";
        assert!(std::process::Command::new("sh").args(["-c", burn]).status().unwrap().success());
        let after = own_cpu_s(proc, &children(proc), &mut living).unwrap();
        assert!(after > before, "{before} {after}");
        assert!(!Turns::read(proc, &[]).by_thread.is_empty());
    }
}
