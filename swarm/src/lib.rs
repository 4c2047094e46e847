//! `swarm`: load-tests HLS with real FFmpeg viewers.
//!
//! # Theory of operation
//!
//! FFmpeg's HLS demuxer decides what to fetch and when: that is the fidelity. Everything around it is here.
//!
//! 1. [`cli`] turns flags and environment into a [`plan::Plan`] of validated, plain values.
//! 2. [`preflight`] finds everything that can be known to fail, all at once: the FFmpeg ([`ffmpeg::capabilities`]), the
//!    machine ([`limits`]), the ports and files, and the URL itself ([`upstream`], [`playlist`]). What is left is a
//!    command line per stream ([`ffmpeg::command`]).
//! 3. [`dispatcher`] starts viewers as the [`ramp`] says, holds them, and drains them.
//! 4. Each [`viewer`] keeps one FFmpeg running, as `supervise` lets processes live and die, and reports what happens.
//! 5. [`stats`] adds the reports up, and [`output`] shows them: metrics, status, summary, report.
//!
//! Data runs one way: a later stage never reaches back into an earlier one. The run's processes are started and
//! waited for on the main thread, on a single-threaded runtime; only the metrics are served from a thread of their
//! own.

#![forbid(unsafe_code)]

pub mod cli;
pub mod dispatcher;
pub mod exit_code;
pub mod ffmpeg;
pub mod go_duration;
pub mod limits;
pub mod observation;
pub mod output;
pub mod plan;
pub mod playlist;
pub mod preflight;
pub mod proxy;
pub mod ramp;
pub mod stats;
pub mod upstream;
pub mod viewer;

use std::time::SystemTime;

use anyhow::Context as _;
use supervise::StopSignals;

use cli::{Invocation, Mode};
use dispatcher::{EndedBy, Outcome, Run};
use exit_code::ExitCode;
use output::admin::AdminServer;
use output::metrics::Metrics;
use output::report::{Report, Times};
use output::status::{Status, Terminal};
use output::summary;
use plan::{CHECK_DURATION, Plan};
use preflight::{Problem, Ready};
use ramp::Ramp;

/// Does what was asked for, and says how to exit. Call it on the main thread, on a single-threaded runtime.
///
/// # Errors
/// Only faults of `swarm` itself: everything that users or origins cause has its own exit code.
pub async fn run(invocation: Invocation, terminal: Terminal) -> anyhow::Result<ExitCode> {
    let Invocation { mut plan, mode, log: _ } = invocation;
    let stop = StopSignals::listen().context("failed to listen for signals")?;
    match mode {
        Mode::PrintCommand => return print_commands(&plan).await,
        Mode::Check => {
            plan.clients = 1;
            plan.duration = Some(CHECK_DURATION);
            plan.reports.clear();
        }
        Mode::Run => {}
    }
    let ready = match interruptible(stop, preflight::check(&plan)).await {
        Checked::Ready(ready, stop) => (ready, stop),
        Checked::Problems(problems) => return Ok(refuse(&problems)),
        Checked::Interrupted => return Ok(ExitCode::Finished),
    };
    play(&plan, mode, ready.0, ready.1, terminal).await
}

enum Checked {
    Ready(Ready, StopSignals),
    Problems(Vec<Problem>),
    Interrupted,
}

/// A preflight may wait for a dead host: a signal ends it at once, with nothing to drain.
async fn interruptible(
    mut stop: StopSignals,
    check: impl Future<Output = Result<Ready, Vec<Problem>>>,
) -> Checked {
    tokio::select! {
        checked = check => match checked {
            Ok(ready) => Checked::Ready(ready, stop),
            Err(problems) => Checked::Problems(problems),
        },
        _ = stop.next() => Checked::Interrupted,
    }
}

async fn print_commands(plan: &Plan) -> anyhow::Result<ExitCode> {
    match preflight::commands(plan).await {
        Ok(streams) => {
            for stream in streams {
                println!("{}", stream.command);
            }
            Ok(ExitCode::Finished)
        }
        Err(problems) => Ok(refuse(&problems)),
    }
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
    let Ready { streams, ffmpeg, metrics: listener, warnings } = ready;
    for warning in &warnings {
        tracing::warn!("{warning}");
    }
    let metrics = Metrics::new(&ffmpeg.version).context("failed to register the metrics")?;
    let admin = listener.map(|listener| AdminServer::start(listener, metrics.clone()));
    let admin = admin.transpose().context("failed to start the metrics server")?;
    announce(plan, &ffmpeg.version, admin.as_ref());
    let mut status = Status::new(terminal.clone(), plan.duration);
    let run = Run {
        streams,
        clients: plan.clients,
        ramp: Ramp::new(plan.ramp_rate, plan.ramp_jitter, plan.seed),
        duration: plan.duration,
        seed: plan.seed,
    };
    let started = SystemTime::now();
    let outcome = dispatcher::run(run, stop, &metrics, &mut status).await;
    let times = Times { started, ended: SystemTime::now() };
    terminal.clear();
    let exit_code = exit_code_of(&outcome);
    match mode {
        Mode::Check => println!("{}", check_sentence(&outcome)),
        _ => print!("{}", summary::text(&outcome)),
    }
    let report = Report::new(plan, &ffmpeg.version, times, &outcome, exit_code as u8);
    for path in &plan.reports {
        report.write(path).with_context(|| format!("failed to write the report {}", path.display()))?;
        tracing::info!("report written to {}", path.display());
    }
    Ok(exit_code)
}

fn announce(plan: &Plan, ffmpeg_version: &str, admin: Option<&AdminServer>) {
    let urls = plan.urls.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let duration = plan
        .duration
        .map_or_else(|| "until stopped".to_owned(), |d| format!("for {}", go_duration::format(d)));
    let viewers = summary::count(plan.clients.into(), "viewer");
    tracing::info!("{viewers} at {} per second, {duration}, on {urls}", plan.ramp_rate);
    tracing::info!("FFmpeg {ffmpeg_version}, seed {}", plan.seed);
    if let Some(admin) = admin {
        tracing::info!("metrics on http://{}/metrics", admin.address());
    }
}

fn exit_code_of(outcome: &Outcome) -> ExitCode {
    match outcome.ended_by {
        EndedBy::SecondSignal => ExitCode::Killed,
        _ if outcome.after.totals.have_played == 0 => ExitCode::NothingPlayed,
        EndedBy::Duration | EndedBy::Signal => ExitCode::Finished,
    }
}

fn check_sentence(outcome: &Outcome) -> String {
    if outcome.after.totals.have_played > 0 {
        let restarts = outcome.at_end.totals.restarted;
        let again = if restarts > 0 {
            format!(", with {}", summary::count(restarts, "restart"))
        } else {
            String::new()
        };
        format!("It plays: one viewer received media{again}.")
    } else {
        format!("It does not play. {}.", summary::sentence(outcome))
    }
}
