//! The binary: parse, log, run, exit.

#![forbid(unsafe_code)]

use std::ffi::OsString;
use std::process::ExitCode as Process;

use manual::Dashes;
use swarm::cli::{self, Log};
use swarm::console;
use swarm::exit_code::ExitCode;
use swarm::health;
use swarm::output::terminal::Terminal;
use swarm::program;
use swarm::report_command;
use tracing_subscriber::filter::{EnvFilter, LevelFilter};

fn main() -> Process {
    let args: Vec<OsString> = std::env::args_os().collect();
    if let Some(code) = side_question(&args) {
        return code.into();
    }
    let invocation = match cli::parse(args) {
        Ok(invocation) => invocation,
        Err(no_run) => return no_run.report().into(),
    };
    let terminal = match Terminal::open(&invocation) {
        Ok(terminal) => terminal,
        Err(problem) => {
            return console::complain(problem, ExitCode::Preflight).into();
        }
    };
    log_to(&terminal, &invocation.log);
    // One thread: starting and listening to processes needs no more, and the kernel ties each process's life to the
    // thread that started it.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(program::run(invocation, terminal)),
        Err(error) => Err(error.into()),
    };
    match result {
        Ok(code) => code.into(),
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::Internal.into()
        }
    }
}

/// What is no run: its first argument is a word that no URL can be.
fn side_question(args: &[OsString]) -> Option<ExitCode> {
    match args.get(1).and_then(|word| word.to_str()) {
        Some("health") => return Some(health::ask(&args[2..])),
        Some("report") => return Some(report_command::run(&args[2..])),
        Some("check-flags") => return Some(check_flags(args)),
        _ => {}
    }
    Some(match manual::asked(args, cli::command, Dashes::OneOrTwo)? {
        Ok(text) => console::answer(text),
        Err(mistake) => console::complain(mistake, ExitCode::Usage),
    })
}

/// Reads flags and environment as a run would, and touches nothing: for settings that are made on another machine.
fn check_flags(args: &[OsString]) -> ExitCode {
    let without_the_word = args.iter().take(1).chain(&args[2..]).cloned();
    match cli::parse(without_the_word) {
        Ok(_) => console::answer("ok\n"),
        Err(no_run) => no_run.report(),
    }
}

/// `RUST_LOG` decides where it is set, `-v` otherwise.
fn log_to(terminal: &Terminal, log: &Log) {
    let level = if log.debug { LevelFilter::DEBUG } else { LevelFilter::INFO };
    let filter = EnvFilter::builder().with_default_directive(level.into()).from_env_lossy();
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(terminal.clone());
    // A log that cannot be written is told to stderr by a panic, and shall not end a run.
    let builder = builder.log_internal_errors(false);
    if log.json {
        builder.json().init();
    } else {
        builder.with_target(log.debug).with_ansi(terminal.takes_colours()).init();
    }
}
