//! The binary: parse, log, run, exit.

#![forbid(unsafe_code)]

use std::process::ExitCode as Process;

use swarm::cli::{self, Log};
use swarm::exit_code::ExitCode;
use swarm::output::status::Terminal;
use tracing_subscriber::filter::{EnvFilter, LevelFilter};

fn main() -> Process {
    let invocation = match cli::parse(std::env::args_os()) {
        Ok(invocation) => invocation,
        Err(no_run) => return no_run.report().into(),
    };
    let terminal = Terminal::detect();
    log_to(&terminal, invocation.log);
    // One thread: starting and listening to processes needs no more, and the kernel ties each process's life to the
    // thread that started it.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(swarm::run(invocation, terminal)),
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

/// `RUST_LOG` decides where it is set, `-v` otherwise.
fn log_to(terminal: &Terminal, log: Log) {
    let level = if log.debug { LevelFilter::DEBUG } else { LevelFilter::INFO };
    let filter = EnvFilter::builder().with_default_directive(level.into()).from_env_lossy();
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(terminal.clone());
    if log.json {
        builder.json().init();
    } else {
        builder.with_target(log.debug).with_ansi(terminal.is_live()).init();
    }
}
