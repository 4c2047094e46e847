//! What one page of metrics says of an origin, as far as its names are known. Pure.

use super::exposition::{self, Series};

/// Counters and gauges at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Page {
    /// CPU time that the origin's processes have used, in seconds.
    pub(super) cpu_s: Option<f64>,
    /// CPU time of its machine: in all, and not idle, over all CPUs.
    pub(super) machine_cpu_s: Option<(f64, f64)>,
    pub(super) connections: Option<f64>,
    pub(super) requests: Option<f64>,
    pub(super) bytes: Option<f64>,
    pub(super) errors_5xx: Option<f64>,
    /// Faults that it makes on purpose, in force now.
    pub(super) faults: Option<f64>,
}

/// A name that is understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Of the metric.
    pub name: &'static str,
    /// Who serves it.
    pub from: &'static str,
    /// What is made of it.
    pub figures: &'static str,
}

/// Every name that is understood, as in docs/OBSERVABILITY.md.
pub const KNOWN: [Known; 10] = [
    known("hlsorigin_cpu_seconds_total", "test-origin", "cpu_cores"),
    known("hlsorigin_connections", "test-origin", "connections"),
    known("hlsorigin_fault_active", "test-origin", "faults"),
    known("hlsorigin_requests_total", "test-origin", "requests_per_s, errors_5xx_per_s"),
    known("hlsorigin_response_bytes_total", "test-origin", "bytes_per_s"),
    known("nginx_connections_active", "nginx-prometheus-exporter", "connections"),
    known("nginx_http_requests_total", "nginx-prometheus-exporter", "requests_per_s"),
    known("node_cpu_seconds_total", "node_exporter", "cpu_ratio"),
    known("node_network_transmit_bytes_total", "node_exporter", "bytes_per_s"),
    known("process_cpu_seconds_total", "any program that is no exporter", "cpu_cores"),
];

const fn known(name: &'static str, from: &'static str, figures: &'static str) -> Known {
    Known { name, from, figures }
}

impl Page {
    /// Reads a page. Where several sources tell the same, the one that is nearest to the stream counts.
    pub fn read(text: &str) -> Self {
        let mut sums = Sums::default();
        for series in exposition::parse(text) {
            sums.add(&series);
        }
        let is_exporter = sums.node_cpu_s.is_some() || sums.nginx_connections.is_some();
        Self {
            // An exporter tells its own CPU time under this name, which is not the origin's.
            cpu_s: sums.origin_cpu_s.or(sums.process_cpu_s.filter(|_| !is_exporter)),
            machine_cpu_s: sums.node_cpu_s.map(|all| (all, sums.node_busy_s)),
            connections: sums.origin_connections.or(sums.nginx_connections),
            requests: sums.origin_requests.or(sums.nginx_requests),
            bytes: sums.origin_bytes.or(sums.node_bytes),
            errors_5xx: sums.origin_requests.map(|_| sums.origin_5xx),
            faults: sums.origin_faults,
        }
    }

    /// Whether nothing on it was understood.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[derive(Debug, Default)]
struct Sums {
    origin_cpu_s: Option<f64>,
    origin_connections: Option<f64>,
    origin_requests: Option<f64>,
    origin_5xx: f64,
    origin_bytes: Option<f64>,
    origin_faults: Option<f64>,
    nginx_connections: Option<f64>,
    nginx_requests: Option<f64>,
    node_cpu_s: Option<f64>,
    node_busy_s: f64,
    node_bytes: Option<f64>,
    process_cpu_s: Option<f64>,
}

impl Sums {
    fn add(&mut self, series: &Series<'_>) {
        let value = series.value;
        let sum = match series.name {
            "hlsorigin_cpu_seconds_total" => &mut self.origin_cpu_s,
            "hlsorigin_connections" => &mut self.origin_connections,
            "hlsorigin_fault_active" => &mut self.origin_faults,
            "hlsorigin_requests_total" => {
                if series.label("status").is_some_and(|status| status.starts_with('5')) {
                    self.origin_5xx += value;
                }
                &mut self.origin_requests
            }
            "hlsorigin_response_bytes_total" => &mut self.origin_bytes,
            "nginx_connections_active" => &mut self.nginx_connections,
            "nginx_http_requests_total" => &mut self.nginx_requests,
            "node_cpu_seconds_total" => {
                // As on the load box: a CPU that waits for a disk is idle, one that was stolen is not.
                if !matches!(series.label("mode"), Some("idle" | "iowait")) {
                    self.node_busy_s += value;
                }
                &mut self.node_cpu_s
            }
            "node_network_transmit_bytes_total" if series.label("device") != Some("lo") => {
                &mut self.node_bytes
            }
            "process_cpu_seconds_total" => &mut self.process_cpu_s,
            _ => return,
        };
        *sum = Some(sum.unwrap_or(0.0) + value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_test_origins_page_is_understood() {
        let page = Page::read(
            "hlsorigin_cpu_seconds_total{program=\"nginx\"} 2\nhlsorigin_cpu_seconds_total{program=\"ffmpeg\"} 3\n\
             hlsorigin_connections 7\nhlsorigin_fault_active{fault=\"freeze\"} 0\n\
             hlsorigin_fault_active{fault=\"outage\"} 1\nprocess_cpu_seconds_total 9\n\
             hlsorigin_requests_total{kind=\"segment\",status=\"206\"} 40\n\
             hlsorigin_requests_total{kind=\"segment\",status=\"503\"} 4\n\
             hlsorigin_requests_total{kind=\"playlist\",status=\"500\"} 1\n\
             hlsorigin_response_bytes_total{kind=\"segment\"} 1000\n",
        );
        let expected = Page {
            cpu_s: Some(5.0),
            connections: Some(7.0),
            requests: Some(45.0),
            errors_5xx: Some(5.0),
            bytes: Some(1000.0),
            machine_cpu_s: None,
            faults: Some(1.0),
        };
        assert_eq!(page, expected);
    }

    #[test]
    fn an_exporters_own_cpu_time_is_not_the_origins() {
        let node = Page::read(
            "node_cpu_seconds_total{cpu=\"0\",mode=\"idle\"} 70\nnode_cpu_seconds_total{cpu=\"0\",mode=\"iowait\"} 5\n\
             node_cpu_seconds_total{cpu=\"0\",mode=\"user\"} 20\nnode_cpu_seconds_total{cpu=\"0\",mode=\"steal\"} 5\n\
             node_network_transmit_bytes_total{device=\"lo\"} 99\nnode_network_transmit_bytes_total{device=\"eth0\"} 11\n\
             process_cpu_seconds_total 3\n",
        );
        let expected = Page { machine_cpu_s: Some((100.0, 25.0)), bytes: Some(11.0), ..Page::default() };
        assert_eq!(node, expected);
        let nginx = Page::read(
            "nginx_connections_active 12\nnginx_http_requests_total 345\nprocess_cpu_seconds_total 3\n",
        );
        let expected = Page { connections: Some(12.0), requests: Some(345.0), ..Page::default() };
        assert_eq!(nginx, expected, "and no errors: it does not tell them");
        assert_eq!(Page::read("process_cpu_seconds_total 3\n").cpu_s, Some(3.0));
    }

    #[test]
    fn each_known_name_gives_something_and_others_nothing() {
        for known in KNOWN {
            let page = Page::read(&format!("{} 1\n", known.name));
            assert!(!page.is_empty(), "{}", known.name);
        }
        assert!(Page::read("go_goroutines 9\n<html>\n").is_empty());
    }
}
