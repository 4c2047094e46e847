//! What this machine allows: descriptors, processes, memory. Reads, and raises the one limit that may be raised.

use std::fs;
use std::path::{Path, PathBuf};

use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, setrlimit};

use crate::generator;
use crate::plural::viewers;

/// Descriptors per viewer: stdout, stderr, and the handle that tells of the process's end.
const DESCRIPTORS_PER_VIEWER: u64 = 3;

/// A viewer has up to 4 connections (measured, `docs/FFMPEG_HLS_REFERENCE.md`), and on the wire each of them one more to
/// the origin.
const CONNECTIONS_PER_VIEWER: u64 = 4;

/// Of each connection to the wire our own end, and that of the one to the origin.
const DESCRIPTORS_PER_VIEWER_ON_THE_WIRE: u64 = DESCRIPTORS_PER_VIEWER + 2 * CONNECTIONS_PER_VIEWER;

/// Descriptors of everything else: runtime, listener, scrapers, logs, libraries.
const DESCRIPTORS_BESIDE: u64 = 128;

/// FFmpeg 7 and later run three threads per viewer, 5.1 one (measured with 5.1.9, 7.1.5 and 9.0.2).
const TASKS_PER_VIEWER: u64 = 3;

/// Proportional memory of one viewer with a distribution's FFmpeg: 16 MB with 5.1.9, 19 MB with 7.1.5 (measured,
/// docs/SUPERVISION.md). The larger one, rounded up.
const MEMORY_PER_VIEWER_BYTES: u64 = 20_000_000;

/// What a number of viewers asks of the machine, and what it has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Open descriptors that this process may have.
    pub descriptors: Option<u64>,
    /// Further processes and threads that may be started: the least of the user's and the control group's limit.
    pub tasks: Option<u64>,
    /// Memory that is free for use, in bytes: the least of the machine's and the control group's.
    pub memory_bytes: Option<u64>,
    /// Local ports that connections from one address of this machine to one other may have.
    pub ports: Option<u64>,
}

/// How viewers reach origins, as far as it takes something of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Routes {
    /// FFmpegs fetch by themselves.
    pub direct: bool,
    /// Addresses that connections to origins come from, at least 1.
    pub sources: u64,
}

/// One thing that viewers take of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Demand {
    /// What all viewers need.
    pub needed: u64,
    /// What there is; `None` is no limit, or unknown.
    pub here: Option<u64>,
    /// What one viewer takes.
    pub each: u64,
    /// What is needed without any viewer.
    pub beside: u64,
}

impl Demand {
    fn new(viewers: u64, each: u64, beside: u64, here: Option<u64>) -> Self {
        Self { needed: viewers * each + beside, here, each, beside }
    }

    /// For how many viewers there is enough; `None` where there is no limit.
    pub fn enough_for(&self) -> Option<u64> {
        self.here.map(|here| here.saturating_sub(self.beside) / self.each)
    }

    fn is_short(&self) -> Option<u64> {
        self.here.filter(|here| *here < self.needed)
    }
}

/// What does not fit. The text is a sentence without a full stop.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Shortage {
    /// Cannot start all viewers.
    #[error(
        "{needed} open files are needed for {}, and only {limit} are allowed here: set the hard limit higher \
         (ulimit -Hn {needed} as root, LimitNOFILE={needed} in a systemd unit) or use fewer -clients",
        viewers(*clients)
    )]
    Descriptors {
        /// Asked for.
        clients: u32,
        /// Descriptors that they need.
        needed: u64,
        /// The hard limit.
        limit: u64,
    },
    /// Cannot start all viewers.
    #[error(
        "up to {needed} processes and threads are needed for {}, and only {limit} more are allowed here: raise \
         the limit (ulimit -u, TasksMax in a systemd unit, --pids-limit of a container) or use fewer -clients",
        viewers(*clients)
    )]
    Tasks {
        /// Asked for.
        clients: u32,
        /// Tasks that they need.
        needed: u64,
        /// Tasks that are left.
        limit: u64,
    },
    /// May work, with a leaner FFmpeg.
    #[error(
        "about {needed_mb} MB are needed for {} with a usual FFmpeg, and {available_mb} MB are free: the machine \
         may swap or kill viewers, which looks like a failing origin",
        viewers(*clients)
    )]
    Memory {
        /// Asked for.
        clients: u32,
        /// In 10⁶ bytes.
        needed_mb: u64,
        /// In 10⁶ bytes.
        available_mb: u64,
    },
    /// May work, with fewer connections than viewers have at most.
    #[error(
        "up to {needed} connections to one address of an origin are needed for {}, and {here} local ports are there \
         for them: widen net.ipv4.ip_local_port_range or add addresses with -source-ip",
        viewers(*clients)
    )]
    Ports {
        /// Asked for.
        clients: u32,
        /// Connections that they may open.
        needed: u64,
        /// Ports for them.
        here: u64,
    },
}

impl Shortage {
    /// Whether the run may be tried all the same.
    pub fn is_warning(&self) -> bool {
        matches!(self, Self::Memory { .. } | Self::Ports { .. })
    }
}

impl Limits {
    /// What is allowed now; the soft limit of descriptors is first raised to the hard one. Unknown is no limit.
    pub fn raise_and_read() -> Self {
        Self {
            descriptors: raise_descriptors(),
            tasks: tasks_left(),
            memory_bytes: memory_available(),
            ports: generator::local_ports(Path::new("/proc")),
        }
    }

    /// Open files.
    pub fn descriptors(&self, viewers: u64, routes: Routes) -> Demand {
        let each = if routes.direct { DESCRIPTORS_PER_VIEWER } else { DESCRIPTORS_PER_VIEWER_ON_THE_WIRE };
        Demand::new(viewers, each, DESCRIPTORS_BESIDE, self.descriptors)
    }

    /// Processes and threads.
    pub fn tasks(&self, viewers: u64) -> Demand {
        Demand::new(viewers, TASKS_PER_VIEWER, 0, self.tasks)
    }

    /// Bytes of memory, with a usual FFmpeg.
    pub fn memory(&self, viewers: u64) -> Demand {
        Demand::new(viewers, MEMORY_PER_VIEWER_BYTES, 0, self.memory_bytes)
    }

    /// Local ports towards one address of an origin.
    pub fn ports(&self, viewers: u64, routes: Routes) -> Demand {
        let here = self.ports.map(|ports| ports * routes.sources);
        Demand::new(viewers, CONNECTIONS_PER_VIEWER, 0, here)
    }

    /// What `clients` viewers lack.
    pub fn shortages(&self, clients: u32, routes: Routes) -> Vec<Shortage> {
        let viewers = u64::from(clients);
        let mut found = Vec::new();
        let descriptors = self.descriptors(viewers, routes);
        if let Some(limit) = descriptors.is_short() {
            found.push(Shortage::Descriptors { clients, needed: descriptors.needed, limit });
        }
        let tasks = self.tasks(viewers);
        if let Some(limit) = tasks.is_short() {
            found.push(Shortage::Tasks { clients, needed: tasks.needed, limit });
        }
        let memory = self.memory(viewers);
        if let Some(available) = memory.is_short() {
            let (needed_mb, available_mb) = (memory.needed / 1_000_000, available / 1_000_000);
            found.push(Shortage::Memory { clients, needed_mb, available_mb });
        }
        let ports = self.ports(viewers, routes);
        if let Some(here) = ports.is_short() {
            found.push(Shortage::Ports { clients, needed: ports.needed, here });
        }
        found
    }
}

fn raise_descriptors() -> Option<u64> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
    if soft < hard && setrlimit(Resource::RLIMIT_NOFILE, hard, hard).is_err() {
        return Some(soft);
    }
    Some(hard)
}

fn tasks_left() -> Option<u64> {
    [user_tasks_left(), control_group_left("pids.max", "pids.current")].into_iter().flatten().min()
}

/// `RLIMIT_NPROC` counts every thread of the user on the machine; root has no such limit.
#[cfg(target_os = "linux")]
fn user_tasks_left() -> Option<u64> {
    let user = nix::unistd::geteuid();
    if user.is_root() {
        return None;
    }
    let (soft, hard) = getrlimit(Resource::RLIMIT_NPROC).ok()?;
    if soft < hard {
        // A failure leaves the soft limit, which the sum below then uses.
        setrlimit(Resource::RLIMIT_NPROC, hard, hard).unwrap_or_default();
    }
    let (limit, _) = getrlimit(Resource::RLIMIT_NPROC).ok()?;
    (limit != RLIM_INFINITY).then(|| limit.saturating_sub(tasks_of(user.as_raw())))
}

#[cfg(not(target_os = "linux"))]
fn user_tasks_left() -> Option<u64> {
    None
}

#[cfg(target_os = "linux")]
fn tasks_of(user: u32) -> u64 {
    let Ok(processes) = fs::read_dir("/proc") else { return 0 };
    processes
        .flatten()
        .filter(|entry| entry.file_name().to_str().is_some_and(|name| name.parse::<u32>().is_ok()))
        .filter(|entry| entry.metadata().is_ok_and(|meta| std::os::unix::fs::MetadataExt::uid(&meta) == user))
        .map(|entry| fs::read_dir(entry.path().join("task")).map_or(1, |tasks| tasks.count() as u64))
        .sum()
}

fn memory_available() -> Option<u64> {
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| parse_available(&text));
    [machine, control_group_left("memory.max", "memory.current")].into_iter().flatten().min()
}

fn parse_available(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// What is left in our control group (v2) and in each one above it; "max" and unreadable files are no limit.
fn control_group_left(limit: &str, current: &str) -> Option<u64> {
    let own = fs::read_to_string("/proc/self/cgroup").ok()?;
    let own = own.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let folder = Path::new("/sys/fs/cgroup").join(own);
    folder
        .ancestors()
        .take_while(|folder| folder.starts_with("/sys/fs/cgroup"))
        .filter_map(|folder| {
            let read = |name: &str| -> Option<u64> {
                let file: PathBuf = folder.join(name);
                fs::read_to_string(file).ok()?.trim().parse().ok()
            };
            Some(read(limit)?.saturating_sub(read(current)?))
        })
        .min()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIRECT: Routes = Routes { direct: true, sources: 1 };
    const WIRE: Routes = Routes { direct: false, sources: 1 };

    #[test]
    fn each_shortage_is_a_sentence_with_the_number_to_set() {
        let small = Limits {
            descriptors: Some(1024),
            tasks: Some(1000),
            memory_bytes: Some(4_000_000_000),
            ports: None,
        };
        let texts: Vec<_> = small.shortages(500, DIRECT).iter().map(ToString::to_string).collect();
        assert_eq!(texts.len(), 3, "{texts:?}");
        assert!(texts[0].contains("LimitNOFILE=1628"), "{texts:?}");
        assert!(texts[1].contains("up to 1500 processes"), "{texts:?}");
        assert!(texts[2].contains("10000 MB") && texts[2].contains("4000 MB"), "{texts:?}");
    }

    #[test]
    fn memory_and_ports_are_warnings() {
        let small = Limits { descriptors: Some(1), tasks: Some(1), memory_bytes: Some(1), ports: Some(1) };
        let warnings: Vec<_> = small.shortages(10, WIRE).iter().map(Shortage::is_warning).collect();
        assert_eq!(warnings, [false, false, true, true]);
    }

    #[test]
    fn what_is_unknown_is_no_limit_and_what_fits_is_no_shortage() {
        assert!(Limits::default().shortages(100_000, WIRE).is_empty());
        let exact = Limits {
            descriptors: Some(428),
            tasks: Some(300),
            memory_bytes: Some(2_000_000_000),
            ports: Some(400),
        };
        assert!(exact.shortages(100, DIRECT).is_empty());
        assert_eq!(exact.shortages(100, WIRE).len(), 1, "connections need descriptors too");
    }

    #[test]
    fn more_addresses_give_more_ports() {
        let few = Limits { ports: Some(28_232), ..Limits::default() };
        let told = |clients, routes| -> Vec<String> {
            few.shortages(clients, routes).iter().map(ToString::to_string).collect()
        };
        assert!(told(7058, WIRE).is_empty() && told(14_116, Routes { sources: 2, ..WIRE }).is_empty());
        let short = told(7059, WIRE);
        assert_eq!(short.len(), 1);
        assert!(
            short[0].contains("28236 connections")
                && short[0].contains("7059 viewers, and 28232 local ports"),
            "{short:?}"
        );
        assert!(short[0].contains("-source-ip"), "{short:?}");
    }

    #[test]
    fn free_memory_is_read_in_bytes() {
        assert_eq!(parse_available("MemTotal: 9 kB\nMemAvailable:   2048 kB\n"), Some(2_097_152));
        assert_eq!(parse_available("MemTotal: 9 kB\n"), None);
    }
}
