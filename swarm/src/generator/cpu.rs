//! The CPUs that `swarm` may use, from `/proc/stat`. Reads text only.

use std::path::Path;

/// `/proc` counts in hundredths of a second on every architecture that Rust's standard library supports (`USER_HZ`).
pub(super) const TICKS_PER_S: f64 = 100.0;

/// Ticks since the machine started, over the CPUs that we may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct CpuTicks {
    total: u64,
    idle: u64,
    iowait: u64,
    steal: u64,
}

/// Shares between two readings, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct CpuShares {
    /// Not idle: stolen time counts, because it could not be had.
    pub(super) busy: f64,
    pub(super) steal: f64,
    pub(super) iowait: f64,
}

impl CpuTicks {
    /// Of the CPUs that `may_use`; `None` where there is no such file.
    pub(super) fn read(proc: &Path, may_use: impl Fn(usize) -> bool) -> Option<Self> {
        Self::parse(&std::fs::read_to_string(proc.join("stat")).ok()?, may_use)
    }

    fn parse(stat: &str, may_use: impl Fn(usize) -> bool) -> Option<Self> {
        let mut sum = None;
        for line in stat.lines().take_while(|line| line.starts_with("cpu")) {
            let (name, fields) = line.split_once(' ')?;
            // The first line, "cpu", is the sum over all.
            let Ok(number) = name["cpu".len()..].parse() else { continue };
            if !may_use(number) {
                continue;
            }
            // user nice system idle iowait irq softirq steal; guest time is in user already.
            let fields: Vec<u64> =
                fields.split_whitespace().take(8).filter_map(|field| field.parse().ok()).collect();
            let [.., idle, iowait, _, _, steal] = fields[..] else { return None };
            let Self { total, idle: idle_sum, iowait: iowait_sum, steal: steal_sum } =
                sum.get_or_insert_with(Self::default);
            *total += fields.iter().sum::<u64>();
            *idle_sum += idle;
            *iowait_sum += iowait;
            *steal_sum += steal;
        }
        sum
    }

    /// Shares since an earlier reading; `None` when no tick has passed.
    pub(super) fn since(self, before: Self) -> Option<CpuShares> {
        let total = self.total.checked_sub(before.total).filter(|total| *total > 0)? as f64;
        // Idle and I/O wait are known to run backwards by a tick now and then.
        let share = |after: u64, before: u64| (after.saturating_sub(before) as f64 / total).min(1.0);
        let iowait = share(self.iowait, before.iowait);
        let idle = share(self.idle, before.idle) + iowait;
        Some(CpuShares { busy: (1.0 - idle).max(0.0), steal: share(self.steal, before.steal), iowait })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str =
        "cpu  0 0 0 0 0 0 0 0 0 0\ncpu0 100 0 100 700 50 10 20 20 0 0\ncpu1 0 0 0 1000 0 0 0 0 0 0\nintr 1\n";
    const AFTER: &str =
        "cpu  0 0 0 0 0 0 0 0 0 0\ncpu0 150 0 110 720 55 10 25 30 0 0\ncpu1 0 0 0 1100 0 0 0 0 0 0\nintr 1\n";

    fn shares(may_use: impl Fn(usize) -> bool + Copy) -> CpuShares {
        let ticks = |text| CpuTicks::parse(text, may_use).unwrap();
        ticks(AFTER).since(ticks(BEFORE)).unwrap()
    }

    #[test]
    fn only_the_cpus_that_we_may_use_count() {
        assert_eq!(shares(|cpu| cpu == 0), CpuShares { busy: 0.75, steal: 0.1, iowait: 0.05 });
        assert_eq!(shares(|_| true), CpuShares { busy: 0.375, steal: 0.05, iowait: 0.025 });
        assert_eq!(CpuTicks::parse(AFTER, |_| false), None);
    }

    #[test]
    fn no_time_and_nonsense_give_nothing() {
        let ticks = CpuTicks::parse(AFTER, |_| true).unwrap();
        assert_eq!(ticks.since(ticks), None);
        assert_eq!(CpuTicks::parse("cpu0 1 2\n", |_| true), None);
        assert_eq!(CpuTicks::parse("", |_| true), None);
    }
}
