//! A run: from a preflight that found nothing wrong to its summary, its reports and its exit code.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use anyhow::Context as _;
use http_server::HttpServer;
use supervise::StopSignals;

use super::apparatus::{scrape_origin, start_wire, watch_generator};
use crate::cli::Mode;
use crate::console;
use crate::dispatcher::{self, EndedBy, Outcome, Run};
use crate::exit_code::ExitCode;
use crate::go_duration;
use crate::limit_run::Finding;
use crate::limit_search;
use crate::output::admin;
use crate::output::metrics::Metrics;
use crate::output::report::{Report, Times};
use crate::output::report_file;
use crate::output::status::Status;
use crate::output::summary;
use crate::output::terminal::Terminal;
use crate::output::tui::Dashboard;
use crate::plan::{Course, Plan};
use crate::plural;
use crate::preflight::{self, Ready};
use crate::ramp::Ramp;
use crate::redact;
use crate::stages;

/// Plays, and says how to exit.
///
/// # Errors
/// Only faults of `swarm` itself, and what cannot be written.
pub(super) async fn play(
    plan: &Plan,
    mode: Mode,
    ready: Ready,
    stop: StopSignals,
    terminal: Terminal,
) -> anyhow::Result<ExitCode> {
    let Ready { streams, connector, ffmpeg, metrics: listener, warnings, earlier } = ready;
    for warning in &warnings {
        tracing::warn!("{warning}");
    }
    let metrics = Metrics::new(&ffmpeg.version).context("failed to register the metrics")?;
    let admin = listener.map(|listener| admin::start(listener, metrics.clone()));
    let admin = admin.transpose().context("failed to start the metrics server")?;
    announce(plan, &ffmpeg.version, admin.as_ref());
    let version = ffmpeg.version.clone();
    let origin = scrape_origin(plan, &connector)?;
    let wire = if plan.direct { None } else { Some(start_wire(plan, connector, &streams, &metrics)?) };
    let access = wire.as_ref().map(|wire| (wire.server.addresses().clone(), wire.token.clone()));
    let generator = watch_generator(plan, &metrics, wire.as_ref()).await?;
    let run = Run {
        streams,
        launcher: Arc::new(preflight::launcher(plan, ffmpeg, access)),
        recorder: wire.as_ref().map(|wire| Arc::clone(&wire.recorder)),
        generator,
        origin,
        clients: match plan.course {
            Course::Hold => plan.clients,
            Course::Stages(_) => stages::FIRST_VIEWERS,
            Course::FindLimit(_) => limit_search::FIRST_VIEWERS,
        },
        ramp: Ramp::new(plan.ramp_rate, plan.ramp_jitter, plan.seed),
        began: Instant::now(),
        duration: plan.duration,
        thresholds: plan.thresholds.clone(),
        search: match &plan.course {
            Course::FindLimit(search) => Some(search.clone()),
            Course::Hold | Course::Stages(_) => None,
        },
        seed: plan.seed,
    };
    let started = SystemTime::now();
    let outcome = steered(plan, run, stop, &metrics, &terminal).await;
    let times = Times { started, ended: SystemTime::now() };
    terminal.clear();
    let exit_code = exit_code_of(&outcome);
    let mut summary = match mode {
        Mode::Check => format!("{}\n", check_sentence(&outcome)),
        _ => summary::text(&outcome),
    };
    let mut report = Report::new(plan, &version, times, &outcome, exit_code as u8);
    let compared = match earlier {
        Some(earlier) => report.compare_with(&earlier).map(|found| summary += &summary::comparison(found)),
        None => Ok(()),
    };
    // A stdout that is full shall not cost the reports.
    let said = console::write(summary);
    write_reports(&report, &plan.reports)?;
    said.context("failed to write the summary to stdout")?;
    compared.context("failed to compare the runs")?;
    Ok(exit_code)
}

/// All that can be written: a full disk under one shall not cost the others. Fails with the first that cannot.
fn write_reports(report: &Report, paths: &[PathBuf]) -> anyhow::Result<()> {
    let mut written = Ok(());
    for path in paths {
        match report_file::write(report, path) {
            Ok(()) => tracing::info!("report written to {}", path.display()),
            Err(error) => {
                let error = anyhow::Error::new(error);
                written =
                    written.and(Err(error.context(format!("failed to write the report {}", path.display()))));
            }
        }
    }
    written
}

/// The run, with whoever changes its number of viewers beside it.
async fn steered(
    plan: &Plan,
    run: Run,
    stop: StopSignals,
    metrics: &Metrics,
    terminal: &Terminal,
) -> Outcome {
    let began = run.began;
    let (helm, requests) = dispatcher::requests();
    let dashboard = if terminal.may_show_dashboard() {
        Dashboard::open(plan, terminal, helm.clone(), stop.button())
    } else {
        None
    };
    // The screen is given back when it is dropped, with this function.
    let mut status = Status::new(terminal.clone(), dashboard, plan.duration);
    let run = dispatcher::run(run, stop, requests, metrics, &mut status);
    match &plan.course {
        Course::Hold | Course::FindLimit(_) => run.await,
        Course::Stages(stages) => tokio::select! {
            outcome = run => outcome,
            never = stages::follow(stages, began, helm) => match never {},
        },
    }
}

fn announce(plan: &Plan, ffmpeg_version: &str, admin: Option<&HttpServer>) {
    let urls = plan.urls.iter().map(|url| redact::passwords(url.as_str())).collect::<Vec<_>>().join(" ");
    let duration = plan
        .duration
        .map_or_else(|| "until stopped".to_owned(), |d| format!("for {}", go_duration::format(d)));
    let viewers = plural::viewers(plan.clients);
    match &plan.course {
        Course::Hold => tracing::info!("{viewers} at {} per second, {duration}, on {urls}", plan.ramp_rate),
        Course::FindLimit(_) => tracing::info!(
            "searching for the limit, up to {viewers} at {} per second, on {urls}",
            plan.ramp_rate
        ),
        Course::Stages(stages) => {
            tracing::info!("stages {stages}, at most {viewers}, {duration}, on {urls}");
        }
    }
    tracing::info!("FFmpeg {ffmpeg_version}, seed {}", plan.seed);
    if let Some(admin) = admin {
        tracing::info!("metrics on http://{}/metrics", admin.address());
    }
}

fn exit_code_of(outcome: &Outcome) -> ExitCode {
    match outcome.ended_by {
        EndedBy::SecondSignal => ExitCode::Killed,
        _ if outcome.after.totals.have_played == 0 => ExitCode::NothingPlayed,
        _ if outcome.judgement.crossed().next().is_some() => ExitCode::ThresholdCrossed,
        _ if outcome.limit.as_ref().is_some_and(Finding::is_no_answer) => ExitCode::ThresholdCrossed,
        _ => ExitCode::Finished,
    }
}

fn check_sentence(outcome: &Outcome) -> String {
    if outcome.after.totals.have_played > 0 {
        let restarts = outcome.at_end.totals.restarted;
        let again = if restarts > 0 {
            format!(", with {}", plural::count(restarts, "restart"))
        } else {
            String::new()
        };
        format!("It plays: one viewer received media{again}.")
    } else {
        format!("It does not play. {}.", summary::sentence(outcome))
    }
}
