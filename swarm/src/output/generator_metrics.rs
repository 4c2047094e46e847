//! The metrics of the load box. A figure that this machine cannot tell is not there at all, rather than zero.

use std::sync::{Arc, Mutex, PoisonError};

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{CounterVec, Gauge, IntGaugeVec, Opts, Registry};

use crate::generator::{Resource, Sample};

/// Name, HELP text, and where the figure is.
type Figure = (&'static str, &'static str, fn(&Sample) -> Option<f64>);

const FIGURES: [Figure; 15] = [
    ("cpu_ratio", "Share of the CPUs that swarm may use which was not idle, whoever used it.", |s| {
        s.cpu_ratio
    }),
    ("own_cpu_ratio", "Share of the CPUs that swarm and its FFmpegs used.", |s| s.own_cpu_ratio),
    ("steal_ratio", "Share of the CPUs that the hypervisor gave to other guests.", |s| s.steal_ratio),
    ("iowait_ratio", "Share of the CPUs that was idle because of a disk.", |s| s.iowait_ratio),
    ("throttled_ratio", "Share of the time in which a CPU quota kept swarm from running.", |s| {
        s.throttled_ratio
    }),
    ("cpu_pressure_ratio", "Share of the time in which some task waited for a CPU (PSI).", |s| {
        s.cpu_pressure_ratio
    }),
    ("run_queue_wait_seconds", "Average wait for a CPU of swarm's threads and FFmpegs.", |s| {
        s.run_queue_wait_s
    }),
    ("memory_bytes", "Memory in use, whoever uses it.", |s| s.memory_bytes.map(|bytes| bytes as f64)),
    ("memory_available_bytes", "Memory that can be had without swapping.", |s| {
        s.memory_available_bytes.map(|bytes| bytes as f64)
    }),
    ("swap_in_bytes_per_second", "Read back from swap.", |s| s.swap_in_bytes_per_s),
    ("descriptors_ratio", "Open descriptors of swarm, as a share of its limit.", |s| s.descriptors_ratio),
    ("ports_ratio", "Local TCP ports in use, as a share of the range.", |s| s.ports_ratio),
    ("network_ratio", "Load of the busiest network card whose speed is known.", |s| s.network_ratio),
    ("lag_seconds", "How late the worst timer of swarm's own threads was.", |s| Some(s.lag_s)),
    ("start_seconds", "Slowest way of an FFmpeg from its start to its first request.", |s| s.start_s),
];

/// Registered once. Cloning shares it.
#[derive(Clone, Debug)]
pub struct GeneratorMetrics {
    latest: Arc<Mutex<Option<Sample>>>,
    saturated: IntGaugeVec,
    saturated_seconds_total: CounterVec,
}

/// Shows what the latest sample has.
#[derive(Debug)]
struct Figures {
    latest: Arc<Mutex<Option<Sample>>>,
    gauges: Vec<(Gauge, Figure)>,
}

impl GeneratorMetrics {
    /// Registers everything; each resource is there from the beginning, at zero.
    ///
    /// # Errors
    /// When a name is registered twice, which a test excludes.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let latest = Arc::default();
        let gauge = |figure: Figure| Ok((Gauge::new(name(figure.0), figure.1)?, figure));
        let gauges = FIGURES.into_iter().map(gauge).collect::<prometheus::Result<_>>()?;
        registry.register(Box::new(Figures { latest: Arc::clone(&latest), gauges }))?;
        let opts = |short: &str, help: &str| Opts::new(name(short), help);
        let saturated = IntGaugeVec::new(
            opts("saturated", "1 for the resource that was used up in the last second."),
            &["resource"],
        )?;
        registry.register(Box::new(saturated.clone()))?;
        let saturated_seconds_total = CounterVec::new(
            opts("saturated_seconds_total", "Time in which a resource of the load box was used up."),
            &["resource"],
        )?;
        registry.register(Box::new(saturated_seconds_total.clone()))?;
        for resource in Resource::ALL {
            saturated.with_label_values(&[resource.label()]);
            saturated_seconds_total.with_label_values(&[resource.label()]);
        }
        Ok(Self { latest, saturated, saturated_seconds_total })
    }

    /// Takes in one second.
    pub fn show(&self, sample: &Sample) {
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(*sample);
        for resource in Resource::ALL {
            let is_it = sample.saturated == Some(resource);
            self.saturated.with_label_values(&[resource.label()]).set(is_it.into());
        }
        if let Some(resource) = sample.saturated {
            let seconds = sample.until_s - sample.from_s;
            self.saturated_seconds_total.with_label_values(&[resource.label()]).inc_by(seconds);
        }
    }
}

fn name(short: &str) -> String {
    format!("hlsswarm_generator_{short}")
}

impl Collector for Figures {
    fn desc(&self) -> Vec<&Desc> {
        self.gauges.iter().flat_map(|(gauge, _)| gauge.desc()).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let latest = *self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(sample) = latest else { return Vec::new() };
        let known = self.gauges.iter().filter_map(|(gauge, (.., figure))| {
            gauge.set(figure(&sample)?);
            Some(gauge.collect())
        });
        known.flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_not_there_and_the_rest_is() {
        let registry = Registry::new();
        let metrics = GeneratorMetrics::register(&registry).unwrap();
        let text = || prometheus::TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
        assert!(!text().contains("generator_cpu_ratio"), "before the first second");
        let sample = Sample {
            from_s: 1.0,
            until_s: 2.0,
            cpu_ratio: Some(0.5),
            saturated: Some(Resource::Ports),
            ..Sample::default()
        };
        metrics.show(&sample);
        let shown = text();
        assert!(shown.contains("hlsswarm_generator_cpu_ratio 0.5\n"), "{shown}");
        assert!(!shown.contains("network_ratio"), "{shown}");
        assert!(shown.contains("hlsswarm_generator_saturated{resource=\"ports\"} 1\n"), "{shown}");
        metrics.show(&Sample { saturated: None, cpu_ratio: None, ..sample });
        let shown = text();
        assert!(!shown.contains("cpu_ratio"), "gone again: {shown}");
        assert!(shown.contains("hlsswarm_generator_saturated{resource=\"ports\"} 0\n"), "{shown}");
        assert!(shown.contains("saturated_seconds_total{resource=\"ports\"} 1\n"), "{shown}");
    }
}
