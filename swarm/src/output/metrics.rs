//! The Prometheus metrics of a run: names and meaning are a contract, kept in docs/OBSERVABILITY.md.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

use super::generator_metrics::GeneratorMetrics;
use super::wire_metrics::WireMetrics;
use crate::verdict::State;
use crate::viewer::{Ending, Happening, Report, StartKind};

/// How FFmpegs usually end, at zero from the start: the first count of a series that begins with 1 is no increase. 0 is a
/// completed view, or a stream that froze. 5.1 says 1 of nearly every failure; 7 and later say 8 of an HTTP status, 145 of a
/// refused connection, 251 of a playlist that they cannot open. 183 is invalid data, 255 a signal from elsewhere.
const USUAL_EXITS: [&str; 9] = ["0", "1", "8", "145", "183", "251", "255", "signal_9", "signal_15"];

/// The run's metrics. Cloning shares them.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Registry,
    /// FFmpeg processes running now
    clients_active: IntGauge,
    /// Viewers that should run now: 0 once the run is ending
    clients_target: IntGauge,
    /// Viewers started: first processes, not restarts
    clients_started_total: IntCounter,
    /// Processes started to replace one that failed; the next view of a complete VOD is none
    clients_restarted_total: IntCounter,
    /// Processes that ended without being stopped by swarm, by exit code or `signal_N`
    process_exits_total: IntCounterVec,
    /// VODs played to their end
    views_completed_total: IntCounter,
    /// What is said of the run so far: 1 for the state that holds, 0 for the others
    verdict: IntGaugeVec,
    /// Viewers of the level that a search for the limit tries now: 0 when none does
    limit_level: IntGauge,
    /// Most viewers that held in the search so far
    limit_held: IntGauge,
    /// Fewest viewers that failed in the search so far: 0 while none has
    limit_failed: IntGauge,
    /// Every viewer of the ramp was started: no metric, it is `/readyz`
    ready: Arc<AtomicBool>,
}

impl Metrics {
    /// Registers everything in a registry of its own.
    ///
    /// # Errors
    /// When a name is registered twice, which a test excludes.
    pub fn new(ffmpeg_version: &str) -> prometheus::Result<Self> {
        let registry = Registry::new();
        let add = |collector: Box<dyn prometheus::core::Collector>| registry.register(collector);
        let gauge = |name: &str, help: &str| -> prometheus::Result<IntGauge> {
            let gauge = IntGauge::new(format!("hlsswarm_{name}"), help)?;
            add(Box::new(gauge.clone()))?;
            Ok(gauge)
        };
        let counter = |name: &str, help: &str| -> prometheus::Result<IntCounter> {
            let counter = IntCounter::new(format!("hlsswarm_{name}"), help)?;
            add(Box::new(counter.clone()))?;
            Ok(counter)
        };
        let exits = Opts::new(
            "hlsswarm_process_exits_total",
            "FFmpeg processes that ended without being stopped by swarm, by exit code or signal_N.",
        );
        let exits = IntCounterVec::new(exits, &["code"])?;
        for code in USUAL_EXITS {
            exits.with_label_values(&[code]);
        }
        add(Box::new(exits.clone()))?;
        let verdict = Opts::new(
            "hlsswarm_verdict",
            "What is said of the run so far: 1 for the state that holds, 0 for the others; all 0 until it is known.",
        );
        let verdict = IntGaugeVec::new(verdict, &["state"])?;
        for state in State::ALL {
            verdict.with_label_values(&[state.label()]);
        }
        add(Box::new(verdict.clone()))?;
        let build = Opts::new("hlsswarm_build_info", "Always 1; the labels name the versions.");
        let build = IntGaugeVec::new(build, &["version", "ffmpeg"])?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION"), ffmpeg_version]).set(1);
        add(Box::new(build))?;
        #[cfg(target_os = "linux")]
        add(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;
        Ok(Self {
            clients_active: gauge("clients_active", "FFmpeg processes running now.")?,
            clients_target: gauge(
                "clients_target",
                "Viewers that should run now; 0 once the run is ending.",
            )?,
            clients_started_total: counter(
                "clients_started_total",
                "Viewers started: first processes, not restarts.",
            )?,
            clients_restarted_total: counter(
                "clients_restarted_total",
                "FFmpeg processes started to replace one that failed.",
            )?,
            limit_level: gauge("limit_level", "Viewers of the level that a search for the limit tries now.")?,
            limit_held: gauge("limit_held", "Most viewers that held in the search for the limit so far.")?,
            limit_failed: gauge(
                "limit_failed",
                "Fewest viewers that failed in the search for the limit so far; 0 while none has.",
            )?,
            process_exits_total: exits,
            verdict,
            views_completed_total: counter("views_completed_total", "VODs played to their end.")?,
            ready: Arc::default(),
            registry,
        })
    }

    /// Counts one report, when it arrives.
    pub fn record(&self, report: &Report) {
        match &report.what {
            Happening::Started(kind) => {
                self.clients_active.inc();
                match kind {
                    StartKind::First => self.clients_started_total.inc(),
                    StartKind::Restart => self.clients_restarted_total.inc(),
                    StartKind::NextView | StartKind::LongerLook => {}
                }
            }
            Happening::Ended(ended) => {
                self.clients_active.dec();
                if ended.ending == Ending::Completed {
                    self.views_completed_total.inc();
                }
                if !matches!(ended.ending, Ending::Stopped | Ending::LookedTooShort) {
                    self.process_exits_total.with_label_values(&[&ended.exit.label()]).inc();
                }
            }
            Happening::Lost { ran: true, .. } => self.clients_active.dec(),
            Happening::Lost { ran: false, .. } | Happening::NotStarted { .. } | Happening::Playing => {}
        }
    }

    /// The metrics of the wire, in the same registry. Call it once, in a run that measures.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn wire(&self) -> prometheus::Result<WireMetrics> {
        WireMetrics::register(&self.registry)
    }

    /// The metrics of the load box, in the same registry. Call it once.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn generator(&self) -> prometheus::Result<GeneratorMetrics> {
        GeneratorMetrics::register(&self.registry)
    }

    /// How many viewers should run now.
    pub fn set_target(&self, target: u32) {
        self.clients_target.set(target.into());
    }

    /// What is said of the run so far.
    pub fn set_verdict(&self, now: State) {
        for state in State::ALL {
            self.verdict.with_label_values(&[state.label()]).set((state == now).into());
        }
    }

    /// Where the search for the limit stands: viewers of the level, most that held, fewest that failed.
    pub fn set_limit(&self, level: u32, held: u32, failed: Option<u32>) {
        self.limit_level.set(level.into());
        self.limit_held.set(held.into());
        self.limit_failed.set(failed.unwrap_or_default().into());
    }

    /// The ramp is complete; stays so.
    pub fn set_ready(&self) {
        self.ready.store(true, Ordering::Relaxed);
    }

    /// Whether the ramp is complete.
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }

    /// Everything in Prometheus's text format.
    ///
    /// # Errors
    /// When a metric family is inconsistent, which the library excludes.
    pub fn render(&self) -> prometheus::Result<String> {
        prometheus::TextEncoder::new().encode_to_string(&self.registry.gather())
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use supervise::Exit;

    use super::*;
    use crate::viewer::Ended;

    fn ended(exit: Exit, ending: Ending) -> Happening {
        Happening::Ended(Ended { exit, ending, ran: Duration::ZERO, media: Duration::ZERO, said: Vec::new() })
    }

    fn failed() -> Ending {
        Ending::Failed { reason: String::new() }
    }

    #[test]
    fn each_metric_counts_what_its_help_says() {
        let metrics = Metrics::new("ffmpeg version 7").unwrap();
        metrics.set_target(5);
        for what in [
            Happening::Started(StartKind::First),
            Happening::Started(StartKind::First),
            ended(Exit::Code(1), failed()),
            Happening::Started(StartKind::Restart),
            ended(Exit::Signal(9), failed()),
            Happening::Started(StartKind::NextView),
            ended(Exit::Code(0), Ending::Completed),
            Happening::Started(StartKind::First),
            ended(Exit::Code(255), Ending::Stopped),
            Happening::Started(StartKind::First),
        ] {
            metrics.record(&Report { viewer: 0, session: 0, at: Instant::now(), what });
        }
        let text = metrics.render().unwrap();
        for line in [
            "hlsswarm_clients_active 2",
            "hlsswarm_clients_target 5",
            "hlsswarm_clients_started_total 4",
            "hlsswarm_clients_restarted_total 1",
            "hlsswarm_process_exits_total{code=\"0\"} 1",
            "hlsswarm_process_exits_total{code=\"1\"} 1",
            "hlsswarm_process_exits_total{code=\"signal_9\"} 1",
            "hlsswarm_views_completed_total 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
        assert!(text.contains("{code=\"255\"} 0\n"), "a process that we stopped is no exit\n{text}");
    }

    #[test]
    fn readiness_is_a_latch_and_no_metric() {
        let metrics = Metrics::new("ffmpeg").unwrap();
        assert!(!metrics.is_ready());
        metrics.set_ready();
        metrics.set_target(0);
        assert!(metrics.is_ready());
        assert!(!metrics.render().unwrap().contains("ready"));
    }
}
