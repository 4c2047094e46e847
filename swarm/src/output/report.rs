//! The run as JSON. The schema is versioned and described in docs/CONFIGURATION.md.

use std::collections::BTreeMap;
use std::fs::Permissions;
use std::io::{self, Write as _};
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::SystemTime;

use serde::Serialize;

use super::summary;
use crate::compare::{Comparison, Earlier};
use crate::dispatcher::{EndedBy, Outcome};
use crate::generator::GeneratorSnapshot;
use crate::judge::{Evidence, JudgedThreshold};
use crate::limit_run::Finding;
use crate::origin_metrics::OriginSnapshot;
use crate::plan::{Course, Pace, Plan, VariantMode};
use crate::stats::{FailureKind, Row, WireSnapshot};
use crate::verdict::Verdict;

/// Rises when a field changes its meaning or goes away; new fields do not raise it.
const SCHEMA_VERSION: u32 = 2;

/// A whole report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    schema: &'static str,
    schema_version: u32,
    swarm_version: &'static str,
    ffmpeg_version: String,
    started_at: String,
    ended_at: String,
    configuration: Configuration,
    outcome: OutcomeSection,
    viewers: Viewers,
    processes: Processes,
    failures: Vec<FailureKind>,
    other_failures: u64,
    /// None of a search: its levels are meant to fail.
    verdict: Option<Verdict>,
    judgement: JudgementSection,
    limit: Option<Finding>,
    wire: Option<WireSnapshot>,
    generator: GeneratorSnapshot,
    origin_metrics: Option<OriginSnapshot>,
    series: Vec<Row>,
    comparison: Option<Comparison>,
}

/// What makes the run repeatable. Values of headers are left out: they may be secrets.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Configuration {
    urls: Vec<String>,
    clients: u32,
    ramp_rate_per_s: f64,
    ramp_jitter: f64,
    duration_s: Option<f64>,
    stages: Option<String>,
    variant: VariantMode,
    pace: Pace,
    header_names: Vec<String>,
    tls_verified: bool,
    resolve: Option<IpAddr>,
    source_ips: Vec<IpAddr>,
    timeout_s: f64,
    direct: bool,
    seed: u64,
}

/// What was judged, and what of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct JudgementSection {
    #[serde(flatten)]
    evidence: Evidence,
    thresholds: Vec<JudgedThreshold>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct OutcomeSection {
    sentence: String,
    ended_by: EndedBy,
    exit_code: u8,
    elapsed_s: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Viewers {
    target: u32,
    peak_target: u32,
    active_at_end: u32,
    peak_active: u32,
    have_played: u32,
    target_reached_after_s: Option<f64>,
    all_active_for_s: f64,
    least_active: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Processes {
    started: u64,
    restarted: u64,
    completed_views: u64,
    short_looks: u64,
    stopped: u64,
    exits: BTreeMap<String, u64>,
}

/// When a run took place, by the wall clock.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// First start.
    pub started: SystemTime,
    /// Everything stopped.
    pub ended: SystemTime,
}

impl Report {
    /// Of a run that has ended.
    pub fn new(plan: &Plan, ffmpeg_version: &str, times: Times, outcome: &Outcome, exit_code: u8) -> Self {
        let Outcome { ended_by, at_end, after, wire, generator, origin, judgement, verdict, limit } = outcome;
        let exits = at_end.exits.iter().map(|(exit, count)| (exit.label(), *count));
        Self {
            schema: "ffmpeg-hls-swarm.report",
            schema_version: SCHEMA_VERSION,
            swarm_version: env!("CARGO_PKG_VERSION"),
            ffmpeg_version: ffmpeg_version.to_owned(),
            started_at: humantime::format_rfc3339_millis(times.started).to_string(),
            ended_at: humantime::format_rfc3339_millis(times.ended).to_string(),
            configuration: Configuration {
                urls: plan.urls.iter().map(ToString::to_string).collect(),
                clients: plan.clients,
                ramp_rate_per_s: plan.ramp_rate,
                ramp_jitter: plan.ramp_jitter,
                duration_s: plan.duration.map(|duration| duration.as_secs_f64()),
                stages: match &plan.course {
                    Course::Stages(stages) => Some(stages.to_string()),
                    Course::Hold | Course::FindLimit(_) => None,
                },
                variant: plan.variant,
                pace: plan.pace,
                header_names: plan.request.headers.keys().map(ToString::to_string).collect(),
                tls_verified: plan.verify_tls,
                resolve: plan.resolve,
                source_ips: plan.source_ips.clone(),
                timeout_s: plan.timeout.as_secs_f64(),
                direct: plan.direct,
                seed: plan.seed,
            },
            outcome: OutcomeSection {
                sentence: summary::sentence(outcome),
                ended_by: *ended_by,
                exit_code,
                elapsed_s: at_end.elapsed.as_secs_f64(),
            },
            viewers: Viewers {
                target: at_end.target,
                peak_target: at_end.peak_target,
                active_at_end: at_end.totals.active,
                peak_active: at_end.totals.peak_active,
                have_played: after.totals.have_played,
                target_reached_after_s: at_end.target_reached_after.map(|after| after.as_secs_f64()),
                all_active_for_s: at_end.all_ran_for.as_secs_f64(),
                least_active: at_end.least_active,
            },
            processes: Processes {
                started: at_end.totals.started,
                restarted: at_end.totals.restarted,
                completed_views: at_end.totals.completed_views,
                short_looks: at_end.totals.short_looks,
                stopped: after.totals.stopped,
                exits: exits.collect(),
            },
            failures: after.failures.clone(),
            other_failures: after.other_failures,
            verdict: limit.is_none().then(|| verdict.clone()),
            judgement: JudgementSection {
                evidence: judgement.evidence.clone(),
                thresholds: judgement.thresholds.clone(),
            },
            limit: limit.clone(),
            wire: wire.clone(),
            generator: generator.clone(),
            origin_metrics: origin.clone(),
            series: judgement.series.clone(),
            comparison: None,
        }
    }

    /// Sets it beside an earlier run.
    ///
    /// # Errors
    /// When the report cannot be written as JSON, which its types exclude.
    pub fn compare_with(&mut self, earlier: &Earlier) -> serde_json::Result<&Comparison> {
        let now = serde_json::to_value(&*self)?;
        Ok(self.comparison.insert(earlier.compare(&now)))
    }

    /// Writes the whole file or nothing: a reader never sees half a report.
    ///
    /// # Errors
    /// When the folder cannot be written to, or the disk is full.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let folder = folder_of(path);
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        serde_json::to_writer_pretty(&mut file, self)?;
        file.write_all(b"\n")?;
        file.as_file().sync_all()?;
        // Temporary files are private; a report is as readable as any file that the user makes.
        file.as_file().set_permissions(Permissions::from_mode(0o644))?;
        file.persist(path)?;
        Ok(())
    }
}

/// The folder that a report is written to.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
