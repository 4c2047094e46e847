//! The run as plain values: what each kind of report is written from, and what `swarm report` reads again. The schema is
//! versioned and described in docs/CONFIGURATION.md.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::environment::Environment;
use super::limit_section::LimitSection;
use super::summary;
use crate::compare::{Comparison, Earlier};
use crate::dispatcher::{EndedBy, Outcome};
use crate::generator::GeneratorSnapshot;
use crate::judge::{Evidence, JudgedThreshold};
use crate::origin_metrics::OriginSnapshot;
use crate::plan::{Course, Pace, Plan, VariantMode};
use crate::redact;
use crate::stats::{FailureKind, Row, Snapshot, WireSnapshot};
use crate::verdict::Verdict;

/// Tells a report from other JSON.
const SCHEMA: &str = "ffmpeg-hls-swarm.report";

/// Rises when a field changes its meaning or goes away; new fields do not raise it.
const SCHEMA_VERSION: u32 = 2;

/// A whole report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub(crate) schema: String,
    pub(crate) schema_version: u32,
    pub(crate) swarm_version: String,
    pub(crate) ffmpeg_version: String,
    pub(crate) started_at: String,
    pub(crate) ended_at: String,
    #[serde(default)]
    pub(crate) environment: Environment,
    #[serde(default)]
    pub(crate) boxes: Vec<BoxSection>,
    pub(crate) configuration: Configuration,
    pub(crate) outcome: OutcomeSection,
    pub(crate) viewers: Viewers,
    pub(crate) processes: Processes,
    pub(crate) failures: Vec<FailureKind>,
    pub(crate) other_failures: u64,
    /// None of a search: its levels are meant to fail.
    pub(crate) verdict: Option<Verdict>,
    pub(crate) judgement: JudgementSection,
    pub(crate) limit: Option<LimitSection>,
    pub(crate) wire: Option<WireSnapshot>,
    pub(crate) generator: GeneratorSnapshot,
    pub(crate) origin_metrics: Option<OriginSnapshot>,
    pub(crate) series: Vec<Row>,
    #[serde(default)]
    pub(crate) comparison: Option<Comparison>,
}

/// One of the reports that this one was put together from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct BoxSection {
    pub(crate) name: String,
    pub(crate) started_at: String,
    pub(crate) peak_active: u32,
    pub(crate) sentence: String,
    #[serde(default)]
    pub(crate) command_line: String,
}

/// What makes the run repeatable. Values of headers are left out: they may be secrets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Configuration {
    pub(crate) urls: Vec<String>,
    pub(crate) clients: u32,
    pub(crate) ramp_rate_per_s: f64,
    pub(crate) ramp_jitter: f64,
    pub(crate) duration_s: Option<f64>,
    pub(crate) stages: Option<String>,
    pub(crate) variant: VariantMode,
    pub(crate) pace: Pace,
    pub(crate) header_names: Vec<String>,
    pub(crate) tls_verified: bool,
    pub(crate) resolve: Option<IpAddr>,
    pub(crate) source_ips: Vec<IpAddr>,
    pub(crate) timeout_s: f64,
    pub(crate) direct: bool,
    pub(crate) seed: u64,
    #[serde(default)]
    pub(crate) flags: Vec<String>,
}

/// What was judged, and what of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct JudgementSection {
    #[serde(flatten)]
    pub(crate) evidence: Evidence,
    pub(crate) thresholds: Vec<JudgedThreshold>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct OutcomeSection {
    pub(crate) sentence: String,
    pub(crate) ended_by: EndedBy,
    pub(crate) exit_code: u8,
    pub(crate) elapsed_s: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Viewers {
    pub(crate) target: u32,
    pub(crate) peak_target: u32,
    pub(crate) active_at_end: u32,
    pub(crate) peak_active: u32,
    pub(crate) have_played: u32,
    pub(crate) target_reached_after_s: Option<f64>,
    pub(crate) all_active_for_s: f64,
    pub(crate) least_active: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Processes {
    pub(crate) started: u64,
    pub(crate) restarted: u64,
    pub(crate) completed_views: u64,
    pub(crate) short_looks: u64,
    pub(crate) stopped: u64,
    pub(crate) exits: BTreeMap<String, u64>,
}

/// When a run took place, by the wall clock.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// First start.
    pub started: SystemTime,
    /// Everything stopped.
    pub ended: SystemTime,
}

/// What is no report of ours.
#[derive(Debug, thiserror::Error)]
pub enum NoReport {
    /// Another file.
    #[error("is no report of swarm's: {0}")]
    Other(serde_json::Error),
    /// A report that means something else by its fields.
    #[error(
        "is a report of version {0} of the schema, and this swarm reads version {SCHEMA_VERSION} only: use the swarm that wrote it"
    )]
    Version(u64),
}

impl Report {
    /// Reads what was written as JSON.
    ///
    /// # Errors
    /// When it is something else, or has another version of the schema.
    pub fn parse(json: &[u8]) -> Result<Self, NoReport> {
        #[derive(Deserialize)]
        struct Head {
            schema: String,
            schema_version: u64,
        }
        let head: Head = serde_json::from_slice(json).map_err(NoReport::Other)?;
        if head.schema == SCHEMA && head.schema_version != u64::from(SCHEMA_VERSION) {
            return Err(NoReport::Version(head.schema_version));
        }
        serde_json::from_slice(json).map_err(NoReport::Other)
    }

    /// When its first second began, by the wall clock; `None` where the report was changed by hand.
    pub fn started(&self) -> Option<SystemTime> {
        humantime::parse_rfc3339(&self.started_at).ok()
    }

    /// How it went: the verdict, or what a search found.
    pub fn sentence(&self) -> &str {
        self.verdict.as_ref().map_or(&self.outcome.sentence, |verdict| &verdict.sentence)
    }

    /// Of a run that has ended.
    pub fn new(plan: &Plan, ffmpeg_version: &str, times: Times, outcome: &Outcome, exit_code: u8) -> Self {
        let Outcome { ended_by, at_end, after, wire, generator, origin, judgement, verdict, limit } = outcome;
        Self {
            schema: SCHEMA.to_owned(),
            schema_version: SCHEMA_VERSION,
            swarm_version: env!("CARGO_PKG_VERSION").to_owned(),
            ffmpeg_version: ffmpeg_version.to_owned(),
            started_at: humantime::format_rfc3339_millis(times.started).to_string(),
            ended_at: humantime::format_rfc3339_millis(times.ended).to_string(),
            environment: Environment::here(),
            boxes: Vec::new(),
            configuration: Configuration::of(plan),
            outcome: OutcomeSection {
                sentence: summary::sentence(outcome),
                ended_by: *ended_by,
                exit_code,
                elapsed_s: at_end.elapsed.as_secs_f64(),
            },
            viewers: Viewers::of(at_end, after),
            processes: Processes::of(at_end, after),
            failures: after.failures.clone(),
            other_failures: after.other_failures,
            verdict: limit.is_none().then(|| verdict.clone()),
            judgement: JudgementSection {
                evidence: judgement.evidence.clone(),
                thresholds: judgement.thresholds.clone(),
            },
            limit: limit.as_ref().map(LimitSection::from),
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
}

impl Configuration {
    fn of(plan: &Plan) -> Self {
        Self {
            urls: plan.urls.iter().map(|url| redact::passwords(url.as_str()).into_owned()).collect(),
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
            flags: plan.flags.clone(),
        }
    }
}

impl Viewers {
    fn of(at_end: &Snapshot, after: &Snapshot) -> Self {
        Self {
            target: at_end.target,
            peak_target: at_end.peak_target,
            active_at_end: at_end.totals.active,
            peak_active: at_end.totals.peak_active,
            have_played: after.totals.have_played,
            target_reached_after_s: at_end.target_reached_after.map(|after| after.as_secs_f64()),
            all_active_for_s: at_end.all_ran_for.as_secs_f64(),
            least_active: at_end.least_active,
        }
    }
}

impl Processes {
    fn of(at_end: &Snapshot, after: &Snapshot) -> Self {
        let exits = at_end.exits.iter().map(|(exit, count)| (exit.label(), *count));
        Self {
            started: at_end.totals.started,
            restarted: at_end.totals.restarted,
            completed_views: at_end.totals.completed_views,
            short_looks: at_end.totals.short_looks,
            stopped: after.totals.stopped,
            exits: exits.collect(),
        }
    }
}

impl JudgementSection {
    /// All times, as seen from a run that began so much earlier.
    pub(crate) fn shift(&mut self, later_s: f64) {
        let Evidence { steady_from_s, first_signs, trouble, .. } = &mut self.evidence;
        let crossings = self.thresholds.iter_mut().map(|judged| &mut judged.crossed_after_s);
        let times = [steady_from_s, &mut trouble.last_from_s, &mut trouble.last_until_s];
        times.into_iter().chain(crossings).flatten().for_each(|at| *at += later_s);
        for seen in first_signs {
            seen.after_s += later_s;
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
