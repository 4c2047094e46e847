//! Answers without serving: the configuration, the commands, and whether it would work.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context as _, ensure};
use supervise::program::{self, Program};
use supervise::{CommandLine, Exit, capture};

use crate::account::{PlanAccount, ProfileAccount};
use crate::codec::H264;
use crate::encoder::Start;
use crate::plan::{Form, Plan, Source};
use crate::preflight::{self, Machine, Problem};
use crate::profile::Playlist;
use crate::run_dir::RunDir;
use crate::{account, catalog, clip, encoder, nginx, recipe, serve};

/// The built-in profiles.
///
/// # Errors
/// Never for a released binary.
pub fn profiles(form: Form) -> anyhow::Result<String> {
    let profiles = catalog::all()?;
    Ok(match form {
        Form::Text => account::table(&profiles),
        Form::Json => {
            let accounts: Vec<_> = profiles.iter().map(ProfileAccount::of).collect();
            serde_json::to_string_pretty(&accounts)?
        }
    })
}

/// What the plan comes to.
///
/// # Errors
/// Never: everything can be written.
pub fn plan(plan: &Plan, form: Form) -> anyhow::Result<String> {
    let account = PlanAccount::of(plan);
    Ok(match form {
        Form::Text => account.text(),
        Form::Json => account.json()?,
    })
}

/// Nginx's configuration as the plan's run would have it.
///
/// # Errors
/// When there is no Nginx to ask what it can do, or it does not run.
pub async fn nginx_conf(plan: &Plan) -> Result<String, Problem> {
    let nginx = program::find(Program::Nginx, &plan.nginx)?;
    let address = match plan.port {
        0 => preflight::free_address(plan)?,
        port => SocketAddr::new(plan.bind, port),
    };
    let machine = Machine {
        build: preflight::build(&nginx, plan).await?,
        nginx,
        address,
        account: preflight::account()?,
        open_files: preflight::open_files(),
        // None of them is in the configuration.
        ffmpeg: plan.ffmpeg.clone(),
        h264: H264::default(),
        parent_dir: plan.parent_dir.clone().unwrap_or_default(),
    };
    let admin = match plan.admin.port() {
        0 => preflight::free_admin(plan.admin)?,
        _ => plan.admin,
    };
    Ok(serve::server(plan, &machine, admin).config())
}

/// The commands that the plan's run would start, one a line, for a POSIX shell. `RUN_DIR` stands for the run's own
/// directory, which has no name yet, and `PIECES` for the folder of what is joined to the clip.
pub fn commands(plan: &Plan) -> String {
    let run_dir = Path::new("RUN_DIR");
    let h264 = H264::default();
    let clip = clip::path(&plan.cache_dir, h264, &plan.profile);
    let mut commands = Vec::new();
    if plan.source == Source::Clip {
        let pieces = Path::new("PIECES");
        let recipe = recipe::pieces(&plan.ffmpeg, h264, &plan.profile, pieces);
        commands.extend(recipe.into_iter().map(|piece| piece.command));
        commands.push(recipe::join(&plan.ffmpeg, &plan.profile, pieces, &clip));
    }
    let media = run_dir.join(RunDir::MEDIA);
    commands.push(match (plan.source, plan.profile.hls.playlist) {
        (Source::LiveEncode, _) => {
            encoder::live_encode(&plan.ffmpeg, h264, &plan.profile, &media, Start::Fresh)
        }
        (Source::Clip, Playlist::Live { .. }) => {
            encoder::repeat(&plan.ffmpeg, &plan.profile, &clip, &media, Start::Fresh)
        }
        (Source::Clip, Playlist::Vod { .. }) => encoder::cut(&plan.ffmpeg, &plan.profile, &clip, &media),
    });
    commands.push(nginx::command(&plan.nginx, run_dir));
    commands.iter().map(CommandLine::to_string).collect::<Vec<_>>().join("\n")
}

/// Lets Nginx test its configuration in a run directory of its own. The rest of `--check` is [`preflight::check`].
pub async fn check(plan: &Plan, machine: &Machine) -> anyhow::Result<()> {
    let run_dir = RunDir::create(&machine.parent_dir, &plan.profile)?;
    serve::write_certificate(plan, &run_dir)?;
    run_dir.write(
        RunDir::NGINX_CONF,
        &serve::server(plan, machine, preflight::free_admin(plan.admin)?).config(),
    )?;
    let command = nginx::test_command(&machine.nginx, run_dir.path());
    let answer = capture(&command, preflight::ANSWER_LIMIT).await.context("run nginx -t")?;
    ensure!(answer.exit == Exit::Code(0), "nginx refuses its configuration: {}", answer.stderr.trim());
    Ok(())
}
