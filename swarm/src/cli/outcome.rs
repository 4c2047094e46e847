//! The flags that say what a run is judged by, and where its figures go.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use url::Url;

use super::collector::Collector;
use super::values::{parse_address, parse_endpoint};
use crate::output::report_file::Format;
use crate::plan::MOST_ENDPOINTS;
use crate::threshold::Threshold;

// As they were typed.
#[derive(Debug, Args)]
pub(super) struct OutcomeFlags {
    /// Address of the Prometheus metrics; off for none
    #[arg(long, env = "HLSSWARM_METRICS", default_value = "0.0.0.0:9090", value_name = "ADDR")]
    metrics: String,
    /// Prometheus endpoint of the origin, read once per second for the report; repeatable
    #[arg(long, env = "HLSSWARM_ORIGIN_METRICS", value_name = "URL", value_delimiter = ' ')]
    origin_metrics: Vec<String>,
    /// Write a report at the end: FILE.html to look at, FILE.json, or FILE.csv for the time series; repeatable
    #[arg(long, env = "HLSSWARM_REPORT", value_name = "FILE")]
    report: Vec<PathBuf>,
    /// What must hold, as in `rebuffer_ratio<1%` or `segment_duration_p95<1s; for 10s; abort`; repeatable
    #[arg(long, env = "HLSSWARM_THRESHOLD", value_name = "EXPR", value_delimiter = '\n')]
    threshold: Vec<String>,
    /// Compare with an earlier run: its JSON report
    #[arg(long, env = "HLSSWARM_COMPARE", value_name = "FILE")]
    compare: Option<PathBuf>,
}

/// As they are meant.
pub(super) struct OutcomeRead {
    pub(super) metrics: Option<SocketAddr>,
    pub(super) origin_metrics: Vec<Url>,
    pub(super) reports: Vec<PathBuf>,
    pub(super) thresholds: Vec<Threshold>,
    pub(super) compare: Option<PathBuf>,
}

impl OutcomeFlags {
    /// `None` when there is a mistake, which is noted. With `direct` only the processes are measured.
    pub(super) fn read(self, direct: bool, take: &mut Collector<'_>) -> Option<OutcomeRead> {
        let Self { metrics, origin_metrics, report, threshold, compare } = self;
        let metrics = take.flag("metrics", parse_address(&metrics));
        let origin_metrics = read_endpoints(&origin_metrics, take);
        check_reports(&report, take);
        let thresholds = read_thresholds(&threshold, direct, take);
        Some(OutcomeRead {
            metrics: metrics?,
            origin_metrics: origin_metrics?,
            reports: report,
            thresholds: thresholds?,
            compare,
        })
    }
}

fn read_endpoints(texts: &[String], take: &mut Collector<'_>) -> Option<Vec<Url>> {
    if texts.len() > MOST_ENDPOINTS {
        take.note(&format!("-origin-metrics: at most {MOST_ENDPOINTS} endpoints can be read"));
    }
    let texts = texts.iter().filter(|text| !text.is_empty());
    let urls: Vec<_> = texts.map(|text| take.flag("origin-metrics", parse_endpoint(text))).collect();
    urls.into_iter().collect()
}

fn check_reports(files: &[PathBuf], take: &mut Collector<'_>) {
    for file in files {
        if Format::of(file).is_none() {
            take.note(&format!("-report: \"{}\" must end in {}", file.display(), Format::ENDINGS));
        }
    }
}

/// With `-direct` there is only to judge what is known of the processes.
fn read_thresholds(texts: &[String], direct: bool, take: &mut Collector<'_>) -> Option<Vec<Threshold>> {
    let read: Vec<_> = texts
        .iter()
        .map(|text| take.flag("threshold", Threshold::parse(text).map_err(|mistake| mistake.to_string())))
        .collect();
    let measured = |threshold: &&Threshold| threshold.reading.metric.needs_the_wire();
    for threshold in read.iter().flatten().filter(measured).filter(|_| direct) {
        take.note(&format!("-threshold: \"{}\" is not measured with -direct", threshold.text));
    }
    read.into_iter().collect()
}
