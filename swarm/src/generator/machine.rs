//! Reads the load box: everything at one moment. The only file here that knows where things are.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::control_group::{ControlGroup, Quota};
use super::cpu::CpuTicks;
use super::living::Living;
use super::memory::{Memory, Shortages};
use super::network::{Network, Speeds};
use super::processes::{self, Turns};
use super::sockets::{self, Ports};

/// This machine, as far as we may use it.
#[derive(Debug)]
pub struct Machine {
    proc: PathBuf,
    group: ControlGroup,
    speeds: Speeds,
    /// Numbers of the CPUs that we may run on; `None` for all.
    cpus: Option<Vec<usize>>,
    /// A quota makes it smaller, and need not be a whole number.
    cores: f64,
    living: Living,
    ports: Ports,
}

/// Everything at one moment. Counts go on from the machine's start, shares are those of the moment.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    pub(super) at: Instant,
    pub(super) cores: f64,
    pub(super) cpu: Option<CpuTicks>,
    pub(super) quota: Option<Quota>,
    pub(super) own_cpu_s: Option<f64>,
    pub(super) turns: Turns,
    pub(super) cpu_pressure_us: Option<u64>,
    pub(super) memory: Option<Memory>,
    pub(super) swapped_in_bytes: Option<u64>,
    pub(super) out_of_memory_kills: Option<u64>,
    pub(super) descriptors_ratio: Option<f64>,
    pub(super) ports_ratio: Option<f64>,
    pub(super) network: Network,
    pub(super) lag: Duration,
    pub(super) start: Option<Duration>,
}

impl Machine {
    /// The one that this runs on.
    pub fn this() -> Self {
        let (proc, sys) = (Path::new("/proc"), Path::new("/sys"));
        let group = ControlGroup::find(proc, sys);
        let cpus = std::fs::read_to_string(proc.join("self/status")).ok().and_then(|text| allowed(&text));
        let all = std::thread::available_parallelism().map_or(1, std::num::NonZero::get) as f64;
        let cores = group.quota().map_or(all, |quota| {
            cpus.as_ref().map_or(quota.cores, |cpus| quota.cores.min(cpus.len() as f64))
        });
        Self {
            proc: proc.to_owned(),
            speeds: Speeds::read(sys),
            group,
            cpus,
            cores,
            living: Living::default(),
            ports: Ports::default(),
        }
    }

    /// CPUs that we may use, as a quota has it.
    pub fn cores(&self) -> f64 {
        self.cores
    }

    /// Everything but the lag and the starts, which are the run's own.
    pub(super) fn read(&mut self) -> Reading {
        let proc = &self.proc;
        let children = processes::children(proc);
        let shortages = Shortages::read(proc);
        let may_use = |cpu: usize| self.cpus.as_ref().is_none_or(|cpus| cpus.contains(&cpu));
        let pressure = std::fs::read_to_string(proc.join("pressure/cpu")).ok();
        Reading {
            cores: self.cores,
            cpu: CpuTicks::read(proc, may_use),
            quota: self.group.quota(),
            own_cpu_s: processes::own_cpu_s(proc, &children, &mut self.living),
            turns: Turns::read(proc, &children),
            cpu_pressure_us: pressure.and_then(|text| parse_pressure(&text)),
            memory: Memory::read(proc, &self.group),
            swapped_in_bytes: shortages.swapped_in_bytes,
            out_of_memory_kills: shortages.out_of_memory_kills,
            descriptors_ratio: sockets::descriptors_ratio(proc),
            ports_ratio: self.ports.ratio(proc),
            network: Network::read(proc, &self.speeds),
            lag: Duration::ZERO,
            start: None,
            // Last: what was read belongs to the time before.
            at: Instant::now(),
        }
    }
}

/// Microseconds in which some task waited: `some avg10=0.10 avg60=1.86 avg300=4.92 total=50558637`.
fn parse_pressure(text: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.starts_with("some"))?;
    line.split_whitespace().find_map(|field| field.strip_prefix("total="))?.parse().ok()
}

/// CPUs of the line `Cpus_allowed_list: 0-3,8`. What cannot be read allows all.
fn allowed(status: &str) -> Option<Vec<usize>> {
    let allowed = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
    let mut cpus = Vec::new();
    for range in allowed.trim().split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        cpus.extend(first.parse::<usize>().ok()?..=last.parse().ok()?);
    }
    Some(cpus)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pressure_and_allowed_cpus_are_read() {
        let text = "some avg10=0.10 avg60=1.86 total=50558637\nfull avg10=0.00 total=7\n";
        assert_eq!(parse_pressure(text), Some(50_558_637));
        assert_eq!(allowed("Name:\tx\nCpus_allowed_list:\t0-2,7\n"), Some(vec![0, 1, 2, 7]));
        assert_eq!(allowed("Name:\tx\n"), None);
    }
}
