//! What a load box can run out of, and what its user can do about it.

use serde::{Deserialize, Serialize};

use crate::labels::labels;

/// A resource of the load box. A bounded set: it is a label. The deeper cause stands before its symptoms: where several are
/// used up, the first is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// The hypervisor ran other guests on our CPUs.
    Steal,
    /// Too little memory, or swapping.
    Memory,
    /// All CPUs busy, and our processes wait for one; or a container's quota is used up.
    Cpu,
    /// Open files of `swarm`.
    Descriptors,
    /// Local TCP ports.
    Ports,
    /// A network card.
    Network,
    /// `swarm`'s own timers come late.
    Lag,
    /// FFmpegs need long to begin.
    Start,
}

labels!(Resource {
    Steal => "steal",
    Memory => "memory",
    Cpu => "cpu",
    Descriptors => "descriptors",
    Ports => "ports",
    Network => "network",
    Lag => "lag",
    Start => "start",
});

impl Resource {
    /// For a sentence: "the load box was short of …".
    pub fn name(self) -> &'static str {
        match self {
            Self::Steal => "CPU time (its host ran other guests)",
            Self::Memory => "memory",
            Self::Cpu => "CPU",
            Self::Descriptors => "open files",
            Self::Ports => "local ports",
            Self::Network => "network bandwidth",
            Self::Lag => "CPU time for swarm itself (its timers came late)",
            Self::Start => "CPU time for starting FFmpegs",
        }
    }

    /// What a user can do, in one sentence without a full stop.
    pub fn what_to_do(self) -> &'static str {
        match self {
            Self::Steal => "use a machine or an instance type whose CPUs are not shared with other guests",
            Self::Memory => "use fewer -clients, more memory, or an FFmpeg built with only what HLS needs",
            Self::Cpu => {
                "use fewer -clients or more cores, stop what else runs on this machine, or spread the viewers over \
                 several load boxes"
            }
            Self::Descriptors => {
                "raise the limit of open files (ulimit -Hn as root, LimitNOFILE in a systemd unit) or use fewer -clients"
            }
            Self::Ports => {
                "widen net.ipv4.ip_local_port_range, use several -source-ip, or spread the viewers over several load boxes"
            }
            Self::Network => {
                "use fewer -clients, a lower -variant, a faster network card, or several load boxes"
            }
            Self::Lag => "use fewer -clients or more cores, and stop what else runs on this machine",
            Self::Start => "use a lower -ramp-rate, fewer -clients or more cores",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_what_reports_say() {
        for resource in Resource::ALL {
            assert_eq!(serde_json::to_value(resource).unwrap(), resource.label());
        }
    }
}
