//! The control groups (version 2) that `swarm` is in, which make the machine smaller than it is: CPU quota and memory
//! limit. Version 1 is not read.

use std::fs;
use std::path::{Path, PathBuf};

/// Own group first, then each one above it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ControlGroup {
    folders: Vec<PathBuf>,
}

/// CPU time of the group with the smallest quota.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Quota {
    /// In cores.
    pub(super) cores: f64,
    used_us: u64,
    throttled_us: u64,
}

/// Shares between two readings, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct QuotaShares {
    /// Of the quota.
    pub(super) used: f64,
    /// Of the time.
    pub(super) throttled: f64,
}

impl ControlGroup {
    /// Finds it; empty where there is none.
    pub(super) fn find(proc: &Path, sys: &Path) -> Self {
        let Ok(own) = fs::read_to_string(proc.join("self/cgroup")) else { return Self::default() };
        let Some(own) = own.lines().find_map(|line| line.strip_prefix("0::/")) else {
            return Self::default();
        };
        // Where version 1 is mounted as well, version 2 is one folder deeper.
        let root = sys.join("fs/cgroup");
        let deeper = root.join("unified");
        let root = if deeper.is_dir() { deeper } else { root };
        let folder = root.join(own);
        let folders = folder.ancestors().take_while(|folder| folder.starts_with(&root));
        Self { folders: folders.map(Path::to_owned).collect() }
    }

    /// The smallest quota, and what was used of it.
    pub(super) fn quota(&self) -> Option<Quota> {
        let quotas = self.folders.iter().filter_map(|folder| {
            let cores = parse_quota(&fs::read_to_string(folder.join("cpu.max")).ok()?)?;
            let stat = fs::read_to_string(folder.join("cpu.stat")).ok()?;
            Some(Quota {
                cores,
                used_us: field(&stat, "usage_usec")?,
                throttled_us: field(&stat, "throttled_usec").unwrap_or(0),
            })
        });
        quotas.min_by(|a, b| a.cores.total_cmp(&b.cores))
    }

    /// Limit and what is left of it, in bytes, of the group with the least left. Files that were read and could be
    /// forgotten count as left.
    pub(super) fn memory(&self) -> Option<(u64, u64)> {
        let limits = self.folders.iter().filter_map(|folder| {
            let read = |name: &str| fs::read_to_string(folder.join(name)).ok();
            let number = |name: &str| -> Option<u64> { read(name)?.trim().parse().ok() };
            let (limit, current) = (number("memory.max")?, number("memory.current")?);
            let cache = read("memory.stat").and_then(|stat| field(&stat, "inactive_file")).unwrap_or(0);
            Some((limit, limit.saturating_sub(current.saturating_sub(cache))))
        });
        limits.min_by_key(|(_, left)| *left)
    }
}

impl Quota {
    pub(super) fn since(self, before: Self, elapsed_s: f64) -> QuotaShares {
        let share = |after: u64, before: u64, of_s: f64| {
            (after.saturating_sub(before) as f64 / 1e6 / of_s).clamp(0.0, 1.0)
        };
        QuotaShares {
            used: share(self.used_us, before.used_us, elapsed_s * self.cores),
            throttled: share(self.throttled_us, before.throttled_us, elapsed_s),
        }
    }
}

/// `max 100000`, or `150000 100000` for one and a half cores.
fn parse_quota(text: &str) -> Option<f64> {
    let (quota, period) = text.trim().split_once(' ')?;
    let (quota, period): (f64, f64) = (quota.parse().ok()?, period.parse().ok()?);
    (period > 0.0).then_some(quota / period)
}

/// The number behind `name` in a file of `name number` lines.
fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine whose `swarm` is in group `outer/inner`.
    fn group(files: &[(&str, &str)]) -> (tempfile::TempDir, ControlGroup) {
        let root = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("proc/self/cgroup", "9:cpu:/x\n0::/outer/inner\n");
        for (name, text) in files {
            write(&format!("sys/fs/cgroup/{name}"), text);
        }
        let found = ControlGroup::find(&root.path().join("proc"), &root.path().join("sys"));
        (root, found)
    }

    #[test]
    fn the_smallest_quota_counts_as_the_machines_size() {
        let (_root, group) = group(&[
            ("outer/cpu.max", "150000 100000\n"),
            ("outer/cpu.stat", "usage_usec 3000000\nthrottled_usec 500000\n"),
            ("outer/inner/cpu.max", "max 100000\n"),
            ("outer/inner/cpu.stat", "usage_usec 1\n"),
        ]);
        let after = group.quota().unwrap();
        assert!((after.cores - 1.5).abs() < 1e-9);
        let before = Quota { used_us: 1_500_000, throttled_us: 250_000, ..after };
        let shares = after.since(before, 1.0);
        assert!((shares.used - 1.0).abs() < 1e-9 && (shares.throttled - 0.25).abs() < 1e-9, "{shares:?}");
    }

    #[test]
    fn the_least_memory_left_counts_and_caches_are_left() {
        let (_root, group) = group(&[
            ("outer/memory.max", "1000\n"),
            ("outer/memory.current", "900\n"),
            ("outer/memory.stat", "anon 1\ninactive_file 300\n"),
            ("outer/inner/memory.max", "max\n"),
            ("outer/inner/memory.current", "900\n"),
        ]);
        assert_eq!(group.memory(), Some((1000, 400)));
    }

    #[test]
    fn without_a_limit_there_is_none() {
        let (root, group) = group(&[("outer/inner/cpu.max", "max 100000\n")]);
        assert_eq!((group.quota(), group.memory()), (None, None));
        let nowhere = ControlGroup::find(&root.path().join("nowhere"), root.path());
        assert_eq!(nowhere, ControlGroup::default());
    }
}
