//! Memory of the machine, or of the control group where that has less left. Reads text only.

use std::fs;
use std::path::Path;

use super::control_group::ControlGroup;

/// In bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Memory {
    pub(super) limit_bytes: u64,
    pub(super) available_bytes: u64,
}

/// What the kernel did for want of memory, since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Shortages {
    pub(super) swapped_in_bytes: Option<u64>,
    pub(super) out_of_memory_kills: Option<u64>,
}

/// The kernel counts swapped pages; they have this size on nearly every machine that runs a load test. Where they
/// are larger the rule for swapping is a little less strict.
const PAGE_BYTES: u64 = 4096;

impl Memory {
    pub(super) fn read(proc: &Path, group: &ControlGroup) -> Option<Self> {
        let machine = fs::read_to_string(proc.join("meminfo")).ok().and_then(|text| parse_meminfo(&text));
        let group =
            group.memory().map(|(limit_bytes, available_bytes)| Self { limit_bytes, available_bytes });
        [machine, group].into_iter().flatten().min_by_key(|memory| memory.available_bytes)
    }
}

impl Shortages {
    pub(super) fn read(proc: &Path) -> Self {
        fs::read_to_string(proc.join("vmstat")).map_or_else(|_| Self::default(), |text| Self::parse(&text))
    }

    fn parse(vmstat: &str) -> Self {
        let field = |name: &str| -> Option<u64> {
            vmstat.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
        };
        Self {
            swapped_in_bytes: field("pswpin").map(|pages| pages * PAGE_BYTES),
            out_of_memory_kills: field("oom_kill"),
        }
    }
}

fn parse_meminfo(text: &str) -> Option<Memory> {
    let field = |name: &str| -> Option<u64> {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kibibytes * 1024)
    };
    Some(Memory { limit_bytes: field("MemTotal")?, available_bytes: field("MemAvailable")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_in_bytes() {
        let text = "MemTotal:       4096 kB\nMemFree:  1 kB\nMemAvailable:   2048 kB\n";
        let expected = Memory { limit_bytes: 4_194_304, available_bytes: 2_097_152 };
        assert_eq!(parse_meminfo(text), Some(expected));
        assert_eq!(parse_meminfo("MemTotal: 9 kB\n"), None);
    }

    #[test]
    fn swapping_and_kills_are_read_and_absent_where_the_kernel_has_none() {
        let shortages = Shortages::parse("pswpin 2\npswpout 5\noom_kill 1\n");
        let expected = Shortages { swapped_in_bytes: Some(8192), out_of_memory_kills: Some(1) };
        assert_eq!(shortages, expected);
        assert_eq!(Shortages::parse("nr_free_pages 7\n"), Shortages::default());
    }
}
