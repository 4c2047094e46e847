//! Where a run took place, for its report.

use std::fs;

use serde::{Deserialize, Serialize};

use crate::limits::Limits;

/// The machine, and what it lets `swarm` have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    /// Its name for itself, which tells load boxes apart.
    pub host: Option<String>,
    /// Release of its kernel.
    pub kernel: Option<String>,
    /// Files that `swarm` may have open; null without a limit.
    pub descriptors: Option<u64>,
    /// Processes and threads that its user may have; null without a limit.
    pub tasks: Option<u64>,
}

impl Environment {
    /// Of this machine.
    pub fn here() -> Self {
        let line = |path| fs::read_to_string(path).ok().map(|text: String| text.trim().to_owned());
        let Limits { descriptors, tasks, .. } = Limits::raise_and_read();
        Self {
            host: line("/proc/sys/kernel/hostname"),
            kernel: line("/proc/sys/kernel/osrelease"),
            descriptors,
            tasks,
        }
    }
}
