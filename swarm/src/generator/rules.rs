//! When a second of the load box does not count: each rule with its threshold and the reason for it. Pure.

use super::{Resource, Sample};

/// At 95 % no CPU is left within a second for a burst, such as a segment that all viewers fetch at once.
const CPU_BUSY_FROM: f64 = 0.95;

/// A CPU may be busy with less urgent work and harm nobody. Our tasks are kept from running when each of their turns
/// waits for about a time slice of others (the kernel's is 3 ms). Measured with a task that woke every 10 ms on two full
/// CPUs: 0.8 to 1.4 ms beside busy loops of `nice` 10, 4.5 ms and more beside equal ones. A request takes several
/// turns, of FFmpeg and of the wire.
const RUN_QUEUE_WAIT_FROM_S: f64 = 0.003;

/// Where the kernel does not tell how long our tasks wait: some task of the machine waited half of the time.
const CPU_PRESSURE_FROM: f64 = 0.5;

/// A quota stops every thread at once, for up to 100 ms (the usual period). One tenth of the time is one stop per
/// second.
const THROTTLED_FROM: f64 = 0.1;

/// One tenth of what is measured then waits for another guest.
const STEAL_FROM: f64 = 0.1;

/// Below 2 % the kernel is about to reclaim in earnest: what it counts as available begins above its own reserve.
const MEMORY_LEFT_BELOW: f64 = 0.02;

/// 1 MiB per second is 256 waits for a disk.
const SWAP_IN_FROM_BYTES_PER_S: f64 = 1_048_576.0;

/// Connections come in bursts: a mass reconnection takes the last twentieth at once.
const DESCRIPTORS_FROM: f64 = 0.95;

/// The kernel tries ports at random and in steps: above this it searches long, and the next burst finds none.
const PORTS_FROM: f64 = 0.9;

/// Gaps between frames, preambles and the headers of packets leave about 95 % of a link's speed.
const NETWORK_FROM: f64 = 0.9;

/// A timer that is 250 ms late can make a stall, which begins at 250 ms ([`crate::stats::STALL_FROM`]).
const LAG_FROM_S: f64 = 0.25;

/// An FFmpeg takes 0.1 to 0.2 s of CPU to begin (measured, docs/OPERATIONS.md); ten times that is a full machine.
const START_FROM_S: f64 = 2.0;

/// What was used up in this second; the deeper cause where there are several. `memory_bytes` is what there is in all.
pub fn judge(sample: &Sample, memory_bytes: Option<u64>) -> Option<Resource> {
    Resource::ALL.into_iter().find(|resource| is_used_up(*resource, sample, memory_bytes))
}

fn is_used_up(resource: Resource, sample: &Sample, memory_bytes: Option<u64>) -> bool {
    let from = |value: Option<f64>, threshold: f64| value.is_some_and(|value| value >= threshold);
    match resource {
        Resource::Steal => from(sample.steal_ratio, STEAL_FROM),
        Resource::Memory => {
            let left = sample.memory_available_bytes.zip(memory_bytes);
            left.is_some_and(|(left, all)| (left as f64) < MEMORY_LEFT_BELOW * all as f64)
                || from(sample.swap_in_bytes_per_s, SWAP_IN_FROM_BYTES_PER_S)
                || sample.out_of_memory_kills.is_some_and(|kills| kills > 0)
        }
        Resource::Cpu => {
            let waits = match (sample.run_queue_wait_s, sample.cpu_pressure_ratio) {
                (Some(wait_s), _) => wait_s >= RUN_QUEUE_WAIT_FROM_S,
                (None, Some(pressure)) => pressure >= CPU_PRESSURE_FROM,
                (None, None) => true,
            };
            (from(sample.cpu_ratio, CPU_BUSY_FROM) && waits) || from(sample.throttled_ratio, THROTTLED_FROM)
        }
        Resource::Descriptors => from(sample.descriptors_ratio, DESCRIPTORS_FROM),
        Resource::Ports => from(sample.ports_ratio, PORTS_FROM),
        Resource::Network => from(sample.network_ratio, NETWORK_FROM),
        Resource::Lag => sample.lag_s >= LAG_FROM_S,
        Resource::Start => from(sample.start_s, START_FROM_S),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GB: u64 = 1_000_000_000;

    fn quiet() -> Sample {
        Sample {
            cpu_ratio: Some(0.5),
            own_cpu_ratio: Some(0.2),
            steal_ratio: Some(0.01),
            throttled_ratio: Some(0.0),
            cpu_pressure_ratio: Some(0.3),
            run_queue_wait_s: Some(0.0005),
            memory_available_bytes: Some(2 * GB),
            swap_in_bytes_per_s: Some(0.0),
            out_of_memory_kills: Some(0),
            descriptors_ratio: Some(0.5),
            ports_ratio: Some(0.5),
            network_ratio: Some(0.5),
            lag_s: 0.01,
            start_s: Some(0.3),
            ..Sample::default()
        }
    }

    fn judged(change: impl FnOnce(&mut Sample)) -> Option<Resource> {
        let mut sample = quiet();
        change(&mut sample);
        judge(&sample, Some(4 * GB))
    }

    #[test]
    fn a_second_with_room_in_everything_counts() {
        assert_eq!(judged(|_| {}), None);
        assert_eq!(judge(&Sample::default(), None), None, "what is not known is not used up");
    }

    #[test]
    fn each_resource_is_named_when_it_is_used_up() {
        assert_eq!(judged(|s| s.steal_ratio = Some(0.1)), Some(Resource::Steal));
        assert_eq!(judged(|s| s.memory_available_bytes = Some(GB / 20)), Some(Resource::Memory));
        assert_eq!(judged(|s| s.swap_in_bytes_per_s = Some(2e6)), Some(Resource::Memory));
        assert_eq!(judged(|s| s.out_of_memory_kills = Some(1)), Some(Resource::Memory));
        assert_eq!(judged(|s| s.throttled_ratio = Some(0.2)), Some(Resource::Cpu));
        assert_eq!(judged(|s| s.descriptors_ratio = Some(0.96)), Some(Resource::Descriptors));
        assert_eq!(judged(|s| s.ports_ratio = Some(0.91)), Some(Resource::Ports));
        assert_eq!(judged(|s| s.network_ratio = Some(0.93)), Some(Resource::Network));
        assert_eq!(judged(|s| s.lag_s = 0.3), Some(Resource::Lag));
        assert_eq!(judged(|s| s.start_s = Some(2.5)), Some(Resource::Start));
    }

    #[test]
    fn a_busy_cpu_counts_only_when_our_tasks_wait_for_it() {
        let busy = |wait: Option<f64>, pressure: Option<f64>| {
            judged(|s| {
                (s.cpu_ratio, s.run_queue_wait_s, s.cpu_pressure_ratio) = (Some(0.99), wait, pressure);
            })
        };
        assert_eq!(busy(Some(0.001), Some(1.0)), None, "busy with less urgent work");
        assert_eq!(busy(Some(0.005), Some(1.0)), Some(Resource::Cpu));
        assert_eq!(busy(None, Some(0.2)), None);
        assert_eq!(busy(None, Some(0.9)), Some(Resource::Cpu));
        assert_eq!(busy(None, None), Some(Resource::Cpu), "nothing else is known");
        assert_eq!(judged(|s| s.run_queue_wait_s = Some(0.005)), None, "waits, but half of the CPU is idle");
    }

    #[test]
    fn the_deeper_cause_comes_before_its_symptoms() {
        let all = judged(|s| {
            (s.steal_ratio, s.lag_s, s.start_s) = (Some(0.5), 1.0, Some(9.0));
        });
        assert_eq!(all, Some(Resource::Steal));
        let starved = judged(|s| {
            (s.cpu_ratio, s.run_queue_wait_s, s.lag_s) = (Some(1.0), Some(0.02), 0.4);
        });
        assert_eq!(starved, Some(Resource::Cpu));
    }
}
