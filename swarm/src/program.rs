//! The program: from what was asked for to the exit code.

mod apparatus;
mod play;

use anyhow::Context as _;
use supervise::StopSignals;

use crate::cli::{Invocation, Mode};
use crate::console;
use crate::estimate::{Estimate, Here, Load};
use crate::exit_code::ExitCode;
use crate::generator::Machine;
use crate::limits::Limits;
use crate::output::terminal::Terminal;
use crate::plan::{CHECK_DURATION, Course, Plan};
use crate::preflight::{self, Problem};
use crate::redact;
use play::play;

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
        tracing::error!("{}", redact::passwords(&problem.to_string()));
    }
    ExitCode::Preflight
}
