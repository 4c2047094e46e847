//! The Prometheus metrics of an origin: names and meaning are a contract, kept in `docs/TEST_ORIGIN.md`. Asks nobody;
//! what is not counted where it happens is set before each scrape.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus::core::Collector;
use prometheus::proto::MetricFamily;
use prometheus::{
    Counter, CounterVec, Gauge, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
};

use crate::cpu::{self, Meter};
use crate::faults::Fault;
use crate::origin::Part;
use crate::profile::Profile;
use crate::request_log::Line;

/// Kinds of requests.
const KINDS: [&str; 5] = ["master", "playlist", "segment", "init", "other"];

/// The run's metrics. Cloning shares them.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Registry,
    has_master: bool,
    requests_total: IntCounterVec,
    response_bytes_total: IntCounterVec,
    log_lines_unread_total: IntCounter,
    connections: IntGauge,
    playlist_age_seconds: Gauge,
    encoder_running: IntGauge,
    restarts_total: IntCounterVec,
    fault_active: IntGaugeVec,
    cpu_seconds_total: CounterVec,
    processes: Arc<Mutex<Processes>>,
}

/// Whose CPU time is told.
#[derive(Debug, Default)]
struct Processes {
    encoder: (Option<i32>, Meter),
    server: (Option<i32>, Meter),
    ourselves: Meter,
}

impl Metrics {
    /// Registers everything in a registry of its own.
    ///
    /// # Errors
    /// When a name is registered twice, which a test excludes.
    pub fn new(profile: &Profile) -> prometheus::Result<Self> {
        let registry = Registry::new();
        let r = Registrar(&registry);
        let build = r.add(IntGaugeVec::new(
            opts("build_info", "Always 1; the labels name the version and the profile."),
            &["version", "profile"],
        ))?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION"), &profile.name]).set(1);
        let counters = |name, help, labels: &[&str]| r.add(IntCounterVec::new(opts(name, help), labels));
        let metrics = Self {
            has_master: profile.has_master(),
            requests_total: counters(
                "requests_total",
                "Requests that were answered, by kind and HTTP status; told within 1.2 s.",
                &["kind", "status"],
            )?,
            response_bytes_total: counters("response_bytes_total", "Bytes of bodies that were sent.", &["kind"])?,
            log_lines_unread_total: r.add(IntCounter::with_opts(opts(
                "log_lines_unread_total",
                "Requests that could not be counted, as what Nginx wrote about them could not be read.",
            )))?,
            connections: r.add(IntGauge::with_opts(opts(
                "connections",
                "Open connections of clients, that of a scrape through Nginx included; 0 when Nginx cannot tell.",
            )))?,
            playlist_age_seconds: r.add(Gauge::with_opts(opts(
                "playlist_age_seconds",
                "Since the media playlist that changed longest ago has changed.",
            )))?,
            encoder_running: r.add(IntGauge::with_opts(opts(
                "encoder_running",
                "1 while FFmpeg runs and is not frozen.",
            )))?,
            restarts_total: counters(
                "restarts_total",
                "Processes started again after they had ended by themselves.",
                &["process"],
            )?,
            fault_active: r.add(IntGaugeVec::new(
                opts("fault_active", "1 while a fault of the kind is in force."),
                &["fault"],
            ))?,
            cpu_seconds_total: r.add(CounterVec::new(
                opts("cpu_seconds_total", "CPU time that the processes have used, with their children."),
                &["process"],
            ))?,
            processes: Arc::default(),
            registry,
        };
        metrics.begin_at_zero();
        Ok(metrics)
    }

    fn begin_at_zero(&self) {
        for kind in KINDS {
            self.requests_total.with_label_values(&[kind, "200"]);
            self.response_bytes_total.with_label_values(&[kind]);
        }
        for part in [Part::Encoder, Part::Server] {
            self.restarts_total.with_label_values(&[part.name()]);
        }
        for fault in Fault::KINDS {
            self.fault_active.with_label_values(&[fault]);
        }
    }

    /// Counts a request, or one that could not be read.
    pub fn count(&self, line: Option<Line<'_>>) {
        let Some(Line { status, bytes, path }) = line else { return self.log_lines_unread_total.inc() };
        let kind = match path.rsplit_once('.').map(|(_, extension)| extension) {
            Some("m3u8") if self.has_master && path.rfind('/') == Some(0) => "master",
            Some("m3u8") => "playlist",
            Some("ts" | "m4s") => "segment",
            Some("mp4") => "init",
            _ => "other",
        };
        self.requests_total.with_label_values(&[kind, &status.to_string()]).inc();
        self.response_bytes_total.with_label_values(&[kind]).inc_by(bytes);
    }

    /// Requests of a kind with a status so far.
    pub fn requests(&self, kind: &str, status: &str) -> u64 {
        self.requests_total.with_label_values(&[kind, status]).get()
    }

    /// Requests for the stream so far, and bytes that were sent for them.
    pub fn totals(&self) -> (u64, u64) {
        let of_stream = KINDS.iter().filter(|kind| **kind != "other");
        let bytes = of_stream.map(|kind| self.response_bytes_total.with_label_values(&[*kind]).get()).sum();
        let families = self.requests_total.collect();
        let metrics = families.iter().flat_map(MetricFamily::get_metric);
        let requests = metrics
            .filter(|metric| metric.get_label().iter().all(|label| label.value() != "other"))
            .map(|metric| metric.get_counter().get_value());
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
        (requests.sum::<f64>() as u64, bytes)
    }

    /// How many connections Nginx has.
    pub fn set_connections(&self, connections: u32) {
        self.connections.set(connections.into());
    }

    /// How many connections Nginx had.
    pub fn connections(&self) -> i64 {
        self.connections.get()
    }

    /// How old the oldest media playlist is.
    pub fn set_playlist_age(&self, age: Duration) {
        self.playlist_age_seconds.set(age.as_secs_f64());
    }

    /// In seconds.
    pub fn playlist_age(&self) -> f64 {
        self.playlist_age_seconds.get()
    }

    /// Whether the encoder works.
    pub fn set_encoder_running(&self, running: bool) {
        self.encoder_running.set(running.into());
    }

    /// Whether the encoder works.
    pub fn encoder_running(&self) -> bool {
        self.encoder_running.get() == 1
    }

    /// A process is started again after it had ended by itself.
    pub fn restarted(&self, part: Part) {
        self.restarts_total.with_label_values(&[part.name()]).inc();
    }

    /// Which kinds of faults are in force.
    pub fn set_faults<'a>(&self, active: impl Iterator<Item = &'a str>) {
        let active: Vec<&str> = active.collect();
        for fault in Fault::KINDS {
            self.fault_active.with_label_values(&[fault]).set(active.contains(&fault).into());
        }
    }

    /// Which process runs in a place now, if any.
    pub fn set_process(&self, part: Part, pid: Option<i32>) {
        let mut processes = self.processes.lock().unwrap_or_else(PoisonError::into_inner);
        match part {
            Part::Encoder => processes.encoder.0 = pid,
            Part::Server => processes.server.0 = pid,
        }
    }

    /// Reads the CPU times. What a process used between the last reading and its end is not told.
    pub fn read_cpu(&self) {
        let mut processes = self.processes.lock().unwrap_or_else(PoisonError::into_inner);
        let Processes { encoder, server, ourselves } = &mut *processes;
        for (name, (pid, meter)) in [("ffmpeg", encoder), ("nginx", server)] {
            if let Some((pid, used)) = pid.and_then(|pid| Some((pid, cpu::used_by_family(pid)?))) {
                meter.note(pid, used);
            }
            raise(&self.cpu_seconds_total.with_label_values(&[name]), meter.total());
        }
        let own = i32::try_from(std::process::id()).ok();
        if let Some((pid, used)) = own.and_then(|pid| Some((pid, cpu::used(pid)?.own))) {
            ourselves.note(pid, used);
        }
        raise(&self.cpu_seconds_total.with_label_values(&["test-origin"]), ourselves.total());
    }

    /// All of them in Prometheus' text format.
    ///
    /// # Errors
    /// When two metrics cannot be told apart, which a test excludes.
    pub fn render(&self) -> prometheus::Result<String> {
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }
}

/// Counters rise only.
fn raise(counter: &Counter, to: Duration) {
    counter.inc_by((to.as_secs_f64() - counter.get()).max(0.0));
}

/// A registry that is being filled.
struct Registrar<'a>(&'a Registry);

impl Registrar<'_> {
    /// Registers a metric as soon as it is made; the copy that is returned is the same metric.
    fn add<M: Collector + Clone + 'static>(&self, made: prometheus::Result<M>) -> prometheus::Result<M> {
        let metric = made?;
        self.0.register(Box::new(metric.clone()))?;
        Ok(metric)
    }
}

/// Name, without the prefix, and HELP text.
fn opts(name: &str, help: &str) -> Opts {
    Opts::new(format!("hlsorigin_{name}"), help)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog;

    #[test]
    fn everything_is_there_from_the_beginning() {
        let metrics = Metrics::new(&catalog::find("mini-abr").unwrap().unwrap()).unwrap();
        metrics.read_cpu();
        let text = metrics.render().unwrap();
        for line in [
            "hlsorigin_requests_total{kind=\"master\",status=\"200\"} 0",
            "hlsorigin_restarts_total{process=\"ffmpeg\"} 0",
            "hlsorigin_fault_active{fault=\"sequence-jump\"} 0",
            "hlsorigin_cpu_seconds_total{process=\"nginx\"} 0",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
    }

    #[test]
    fn requests_for_the_stream_are_told_from_the_rest() {
        let metrics = Metrics::new(&catalog::find("mini-abr").unwrap().unwrap()).unwrap();
        for path in ["/stream.m3u8", "/360p/index.m3u8", "/360p/a.ts", "/metrics", "/nginx_status"] {
            metrics.count(Some(Line { status: 200, bytes: 10, path }));
        }
        assert_eq!(metrics.totals(), (3, 30));
        let of = |kind| metrics.requests(kind, "200");
        assert_eq!(["master", "playlist", "segment", "other"].map(of), [1, 1, 1, 2]);
    }
}
