//! The `test-origin` program: parse, log, run, exit code.
#![forbid(unsafe_code)]

use std::fmt::Display;
use std::io::{ErrorKind, Write as _};
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};
use manual::Dashes;
use supervise::StopSignals;
use test_origin::cli::{Args, Request};
use test_origin::plan::{Plan, Task};
use test_origin::{clip, exit_code, log, preflight, questions, serve};

/// First argument that asks whether the flags behind it are right.
const CHECK_FLAGS: &str = "check-flags";

// One thread: the kernel ends the children of a thread with it, and there is little to do.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut words: Vec<_> = std::env::args_os().collect();
    if let Some(answer) = manual::asked(&words, Args::command, Dashes::Two) {
        return ExitCode::from(match answer {
            Ok(text) => say(text.trim_end()),
            Err(mistake) => complain([mistake], exit_code::USAGE),
        });
    }
    // Reads flags and environment as a run would, and touches nothing: for settings that are made on another machine.
    let only_flags = words.get(1).is_some_and(|word| word == CHECK_FLAGS);
    if only_flags {
        words.remove(1);
    }
    let args = Args::parse_from(words);
    log::start(args.verbose, args.log_format);
    let code = match args.into_request() {
        Err(mistakes) => complain(mistakes, exit_code::USAGE),
        Ok(Request::ListProfiles(form)) => match questions::profiles(form) {
            Ok(list) => say(list.trim_end()),
            Err(error) => complain([format!("{error:#}")], exit_code::INTERNAL),
        },
        Ok(Request::Run(_)) if only_flags => say("ok"),
        Ok(Request::Ask(asking)) => match asking.ask().await {
            Ok(answer) => say(&answer),
            Err(error) => complain([format!("{error:#}")], exit_code::INTERNAL),
        },
        Ok(Request::Run(plan)) => match StopSignals::listen() {
            Ok(signals) => run(&plan, signals).await,
            Err(error) => complain([error], exit_code::INTERNAL),
        },
    };
    ExitCode::from(code)
}

async fn run(plan: &Plan, mut signals: StopSignals) -> u8 {
    match plan.task {
        Task::PrintCommands => return say(questions::commands(plan).trim_end()),
        Task::PrintNginxConf => {
            return match questions::nginx_conf(plan).await {
                Ok(config) => say(config.trim_end()),
                Err(problem) => complain([problem], exit_code::PREFLIGHT),
            };
        }
        Task::PrintPlan(form) => {
            return match questions::plan(plan, form) {
                Ok(account) => say(account.trim_end()),
                Err(error) => complain([format!("{error:#}")], exit_code::INTERNAL),
            };
        }
        Task::Prepare => return prepare(plan, &mut signals).await,
        Task::Serve | Task::Check => {}
    }
    let machine = match preflight::check(plan).await {
        Ok(machine) => machine,
        Err(problems) => return complain(problems, exit_code::PREFLIGHT),
    };
    if plan.task == Task::Check {
        return match questions::check(plan, &machine).await {
            Ok(()) => say("ok"),
            Err(error) => complain([format!("{error:#}")], exit_code::PREFLIGHT),
        };
    }
    let announce = |url: &str| {
        tracing::info!("profile {} can be played", plan.profile.name);
        say(url);
    };
    match serve::serve(plan, machine, &mut signals, announce).await {
        Ok(()) => exit_code::OK,
        Err(error) => complain([format!("{error:#}")], exit_code::INTERNAL),
    }
}

/// Makes the clip and tells its path. Needs neither Nginx nor a port.
async fn prepare(plan: &Plan, signals: &mut StopSignals) -> u8 {
    let (ffmpeg, h264) = match preflight::check_encoder(plan).await {
        Ok(found) => found,
        Err(problems) => return complain(problems, exit_code::PREFLIGHT),
    };
    let made = tokio::select! {
        made = clip::prepare(&ffmpeg, h264, &plan.cache_dir, &plan.profile) => made,
        // Whoever waits for the clip must not take this for its being there.
        _ = signals.next() => return complain(["stopped before the clip was made"], exit_code::INTERNAL),
    };
    match made {
        Ok(clip) => say(&clip.display().to_string()),
        Err(error) => complain([format!("{error:#}")], exit_code::INTERNAL),
    }
}

/// Writes to stdout. A reader that went away, as `head` does, is no failure of ours; a full disk is.
fn say(text: &str) -> u8 {
    let mut stdout = std::io::stdout();
    match writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            complain([format!("cannot write to stdout: {error}")], exit_code::INTERNAL)
        }
        _ => exit_code::OK,
    }
}

fn complain(mistakes: impl IntoIterator<Item: Display>, code: u8) -> u8 {
    for mistake in mistakes {
        tracing::error!("{mistake}");
    }
    code
}
