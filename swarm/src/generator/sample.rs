//! One second of the load box: the difference of two readings. Pure.

use serde::Serialize;

use super::Resource;
use super::machine::Reading;
use super::rules;

/// One second. What the machine cannot tell is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Sample {
    /// When the second began, since the run did.
    pub from_s: f64,
    /// When it ended; later than a second when the machine stood still.
    pub until_s: f64,
    /// Share of the CPUs that `swarm` may use which was not idle, whoever used it, 0 to 1.
    pub cpu_ratio: Option<f64>,
    /// Share that `swarm` and its FFmpegs used.
    pub own_cpu_ratio: Option<f64>,
    /// Share that the hypervisor gave to other guests.
    pub steal_ratio: Option<f64>,
    /// Share in which a CPU was idle because of a disk.
    pub iowait_ratio: Option<f64>,
    /// Share of the time in which a control group's quota kept us from running.
    pub throttled_ratio: Option<f64>,
    /// Share of the time in which at least one task of the machine waited for a CPU (PSI).
    pub cpu_pressure_ratio: Option<f64>,
    /// How long our threads and FFmpegs waited for a CPU each time before they ran, on average.
    pub run_queue_wait_s: Option<f64>,
    /// Memory in use, whoever uses it.
    pub memory_bytes: Option<u64>,
    /// Memory that can still be had without swapping.
    pub memory_available_bytes: Option<u64>,
    /// Read back from swap.
    pub swap_in_bytes_per_s: Option<f64>,
    /// Processes that the kernel killed for want of memory.
    pub out_of_memory_kills: Option<u64>,
    /// Open descriptors of `swarm`, as a share of its limit.
    pub descriptors_ratio: Option<f64>,
    /// Local ports in use towards one address, `TIME_WAIT` included, as a share of the range.
    pub ports_ratio: Option<f64>,
    /// Load of the busiest network card with a known speed, in its busier direction.
    pub network_ratio: Option<f64>,
    /// How late the worst timer of `swarm`'s own threads was.
    pub lag_s: f64,
    /// Slowest way of an FFmpeg from its start to its first request; one that still has not asked counts with its age.
    pub start_s: Option<f64>,
    /// What was used up.
    pub saturated: Option<Resource>,
}

impl Sample {
    /// What happened between two readings; `began_s` is when the earlier one was, since the run began.
    pub(super) fn between(before: &Reading, after: &Reading, began_s: f64) -> Self {
        let elapsed_s = after.at.saturating_duration_since(before.at).as_secs_f64().max(f64::MIN_POSITIVE);
        let per_s =
            |before: Option<u64>, after: Option<u64>| Some(after?.saturating_sub(before?) as f64 / elapsed_s);
        let cpu = after.cpu.zip(before.cpu).and_then(|(after, before)| after.since(before));
        let quota = after.quota.zip(before.quota).map(|(after, before)| after.since(before, elapsed_s));
        let own_s = after.own_cpu_s.zip(before.own_cpu_s).map(|(after, before)| (after - before).max(0.0));
        let own = own_s.map(|own_s| (own_s / (elapsed_s * after.cores)).min(1.0));
        let memory = after.memory;
        let mut sample = Self {
            from_s: began_s,
            until_s: began_s + elapsed_s,
            cpu_ratio: [cpu.map(|cpu| cpu.busy), quota.map(|quota| quota.used)]
                .into_iter()
                .flatten()
                .reduce(f64::max),
            own_cpu_ratio: own,
            steal_ratio: cpu.map(|cpu| cpu.steal),
            iowait_ratio: cpu.map(|cpu| cpu.iowait),
            throttled_ratio: quota.map(|quota| quota.throttled),
            cpu_pressure_ratio: per_s(before.cpu_pressure_us, after.cpu_pressure_us)
                .map(|us| (us / 1e6).min(1.0)),
            run_queue_wait_s: after.turns.wait_since(&before.turns),
            memory_bytes: memory.map(|memory| memory.limit_bytes.saturating_sub(memory.available_bytes)),
            memory_available_bytes: memory.map(|memory| memory.available_bytes),
            swap_in_bytes_per_s: per_s(before.swapped_in_bytes, after.swapped_in_bytes),
            out_of_memory_kills: after
                .out_of_memory_kills
                .zip(before.out_of_memory_kills)
                .map(|(after, before)| after.saturating_sub(before)),
            descriptors_ratio: after.descriptors_ratio,
            ports_ratio: after.ports_ratio,
            network_ratio: after.network.ratio_since(&before.network, elapsed_s),
            lag_s: after.lag.as_secs_f64(),
            start_s: after.start.map(|start| start.as_secs_f64()),
            saturated: None,
        };
        sample.saturated = rules::judge(&sample, memory.map(|memory| memory.limit_bytes));
        sample
    }

    /// Share of the CPUs that others than `swarm` and its FFmpegs used: the origin, where it is here too.
    pub fn other_cpu_ratio(&self) -> Option<f64> {
        Some((self.cpu_ratio? - self.own_cpu_ratio? - self.steal_ratio.unwrap_or(0.0)).max(0.0))
    }
}
