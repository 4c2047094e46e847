//! `swarm`: load-tests HLS with real FFmpeg viewers.
//!
//! # Theory of operation
//!
//! FFmpeg's HLS demuxer decides what to fetch and when: that is the fidelity. Everything around it is here.
//!
//! 1. [`cli`] turns flags and environment into a [`plan::Plan`] of validated, plain values.
//! 2. [`preflight`] finds everything that can be known to fail, all at once: the FFmpeg ([`ffmpeg::capabilities`]), the
//!    machine ([`limits`], and [`estimate`] before a run), the ports and files, and the URL itself ([`upstream`], [`playlist`]). What is left is a
//!    command line per stream ([`ffmpeg::command`]).
//! 3. [`dispatcher`] starts viewers as the [`ramp`] says, holds them, and drains them. Who wants another number of
//!    viewers during the run asks it for one: [`stages`], and the search for the limit ([`limit_search`]).
//! 4. Each [`viewer`] keeps one FFmpeg running, as `supervise` lets processes live and die, and reports what happens.
//! 5. [`stats`] adds the reports up, [`generator`] watches the machine that all this runs on, [`origin_metrics`] reads what the
//!    origin says of itself, and [`output`] shows it all: metrics, status, summary, report.
//!
//! Data runs one way: a later stage never reaches back into an earlier one. The run's processes are started and
//! waited for on the main thread, on a single-threaded runtime; the wire, the metrics and the watch over the load box
//! have threads of their own.

#![forbid(unsafe_code)]

pub mod cli;
pub mod compare;
pub mod console;
pub mod dispatcher;
pub mod estimate;
pub mod exit_code;
pub mod ffmpeg;
pub mod generator;
pub mod go_duration;
pub mod health;
pub mod judge;
mod labels;
pub mod limit_run;
pub mod limit_search;
pub mod limits;
pub mod observation;
pub mod origin_metrics;
pub mod output;
pub mod plan;
pub mod playlist;
pub mod plural;
pub mod preflight;
pub mod proxy;
pub mod ramp;
pub mod report_command;
pub mod stages;
pub mod stats;
pub mod threshold;
pub mod upstream;
pub mod verdict;
pub mod viewer;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use anyhow::Context as _;
use http_server::HttpServer;
use supervise::StopSignals;

use cli::{Invocation, Mode};
use dispatcher::{EndedBy, Outcome, Run};
use estimate::{Estimate, Here, Load};
use exit_code::ExitCode;
use ffmpeg::Stream;
use generator::{Lag, Machine, Sources, Watch, shares_machine};
use limit_run::Finding;
use limits::Limits;
use origin_metrics::Scraper;
use output::admin;
use output::metrics::Metrics;
use output::report::{Report, Times};
use output::report_file;
use output::status::Status;
use output::summary;
use output::terminal::Terminal;
use output::tui::Dashboard;
use plan::{CHECK_DURATION, Course, Plan};
use preflight::{Problem, Ready};
use proxy::catalog::Catalog;
use proxy::connection::Shared;
use proxy::recorder::Recorder;
use proxy::server::Server;
use proxy::ticket::Token;
use ramp::Ramp;
use upstream::Connector;

/// Does what was asked for, and says how to exit. Call it on the main thread, on a single-threaded runtime.
///
/// # Errors
/// Only faults of `swarm` itself: everything that users or origins cause has its own exit code.
pub async fn run(invocation: Invocation, terminal: Terminal) -> anyhow::Result<ExitCode> {
    let Invocation { mut plan, mode, log: _, tui: _ } = invocation;
    let mut stop = StopSignals::listen().context("failed to listen for signals")?;
    match mode {
        Mode::PrintCommand => return print_commands(&plan).await,
        Mode::Estimate => return print_estimate(&plan).await,
        Mode::Check => {
            plan.clients = 1;
            plan.course = Course::Hold;
            plan.duration = Some(CHECK_DURATION);
            plan.reports.clear();
            plan.thresholds.clear();
            plan.compare = None;
        }
        Mode::Run => {}
    }
    // A preflight may wait for a dead host: a signal ends it at once, with nothing to drain.
    let checked = tokio::select! {
        checked = preflight::check(&plan) => checked,
        _ = stop.next() => return Ok(ExitCode::Finished),
    };
    match checked {
        // The future of a whole run is large: not all of it on the stack.
        Ok(ready) => Box::pin(play(&plan, mode, ready, stop, terminal)).await,
        Err(problems) => Ok(refuse(&problems)),
    }
}

async fn print_commands(plan: &Plan) -> anyhow::Result<ExitCode> {
    match preflight::commands(plan).await {
        Ok(commands) => {
            let commands: Vec<_> = commands.iter().map(ToString::to_string).collect();
            Ok(console::answer(commands.join("\n") + "\n"))
        }
        Err(problems) => Ok(refuse(&problems)),
    }
}

async fn print_estimate(plan: &Plan) -> anyhow::Result<ExitCode> {
    let bandwidths = match preflight::bandwidths(plan).await {
        Ok(bandwidths) => bandwidths,
        Err(problems) => return Ok(refuse(&problems)),
    };
    // Viewers are spread evenly.
    let sum: Option<u64> = bandwidths.iter().copied().sum();
    let load = Load {
        clients: plan.clients,
        ramp_rate: plan.ramp_rate,
        routes: plan.routes(),
        bits_per_s: sum.map(|sum| sum as f64 / bandwidths.len() as f64),
    };
    let here = Here { cores: Machine::this().cores(), limits: Limits::raise_and_read() };
    Ok(console::answer(Estimate::new(load, here)))
}

fn refuse(problems: &[Problem]) -> ExitCode {
    for problem in problems {
        tracing::error!("{problem}");
    }
    ExitCode::Preflight
}

async fn play(
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

/// A proxy that measures, while it lives.
struct RunningWire {
    server: Server,
    token: Token,
    recorder: Arc<Recorder>,
}

fn start_wire(
    plan: &Plan,
    connector: Connector,
    streams: &[Stream],
    metrics: &Metrics,
) -> anyhow::Result<RunningWire> {
    let token = Token::random().context("failed to make a secret for the wire")?;
    let recorder =
        Arc::new(Recorder::new(plan.clients, metrics.wire().context("failed to register metrics")?));
    let catalog = Catalog::new(plan.variant);
    for stream in streams {
        catalog.expect(&stream.url, stream.kind);
    }
    let shared = Shared { token: token.clone(), catalog, recorder: Arc::clone(&recorder), connector };
    let server = Server::start(shared, plan.clients).context("failed to start the wire")?;
    tracing::debug!("the wire listens on {:?}", server.addresses());
    Ok(RunningWire { server, token, recorder })
}

/// Reads the origin's own metrics from now on, where they were asked for.
fn scrape_origin(plan: &Plan, connector: &Connector) -> anyhow::Result<Option<Scraper>> {
    let urls = plan.origin_metrics.clone();
    let scraper = (!urls.is_empty()).then(|| Scraper::start(urls, connector));
    scraper.transpose().context("failed to start the reading of the origin's metrics")
}

/// Watches the load box from now on.
async fn watch_generator(
    plan: &Plan,
    metrics: &Metrics,
    wire: Option<&RunningWire>,
) -> anyhow::Result<Arc<Watch>> {
    let lag = Lag::default();
    lag.watch(&tokio::runtime::Handle::current());
    if let Some(wire) = wire {
        lag.watch(wire.server.runtime());
    }
    let watch = Watch::start(Sources {
        machine: Machine::this(),
        lag,
        starts: wire.map(|wire| Arc::clone(&wire.recorder.starts)),
        shared_with_origin: shares_machine(&plan.urls, plan.resolve).await,
        metrics: metrics.generator().context("failed to register metrics")?,
    });
    watch.map(Arc::new).context("failed to watch the load box")
}

fn announce(plan: &Plan, ffmpeg_version: &str, admin: Option<&HttpServer>) {
    let urls = plan.urls.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
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
