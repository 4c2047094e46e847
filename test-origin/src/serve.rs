//! One run: prepares, starts both processes, keeps them running, ends them. Maps what happens to events, and carries
//! out the actions that [`Origin`] answers with; decides nothing itself.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use supervise::{CommandLine, ParentDeath, StopSignals};
use tokio::time::MissedTickBehavior;

use crate::encoder::{self, Start};
use crate::freshness::Freshness;
use crate::nginx::{self, Server};
use crate::origin::{Action, Event, Origin, Part};
use crate::plan::{Plan, Source};
use crate::preflight::{self, Machine};
use crate::process::Process;
use crate::profile::Profile;
use crate::readiness;
use crate::run_dir::RunDir;
use crate::{clip, master_playlist};

/// Serves the plan's stream until a stop signal. Call it on the main thread: the children live as long as the
/// thread that started them.
///
/// # Errors
/// When a process cannot be kept running, or the operating system refuses something. Everything is ended and removed
/// by then.
pub async fn serve(
    plan: &Plan,
    machine: Machine,
    signals: &mut StopSignals,
    announce: impl Fn(&str),
) -> anyhow::Result<()> {
    let clip = match plan.source {
        Source::LiveEncode => None,
        Source::Clip => tokio::select! {
            clip = clip::prepare(&machine.ffmpeg, &plan.cache_dir, &plan.profile) => Some(clip?),
            _ = signals.next() => return Ok(()),
        },
    };
    let run_dir = RunDir::create(&machine.parent_dir, &plan.profile)?;
    if plan.profile.has_master() {
        run_dir.write(
            PathBuf::from(RunDir::MEDIA).join(Profile::ENTRY),
            &master_playlist::text(&plan.profile),
        )?;
    }
    let mut run = Run {
        plan,
        machine,
        clip,
        dir: run_dir,
        encoder: Slot::Due(Instant::now()),
        server: Slot::Due(Instant::now()),
    };
    run.write_nginx_conf()?;
    run.start(Part::Server);
    run.start(Part::Encoder);
    let outcome = run.keep(signals, announce).await;
    run.end().await;
    outcome
}

/// Both processes and what they stand on.
struct Run<'a> {
    plan: &'a Plan,
    machine: Machine,
    clip: Option<PathBuf>,
    dir: RunDir,
    encoder: Slot,
    server: Slot,
}

/// A place for a process.
enum Slot {
    /// It runs.
    Running(Box<Process>),
    /// It could not be started.
    Failed(String),
    /// It is to start then.
    Due(Instant),
}

/// What a slot has to tell.
enum News {
    Ended(String),
    Due,
}

impl Slot {
    /// Waits for the next news. Cancel-safe; the slot must be refilled after each.
    async fn news(&mut self) -> News {
        match self {
            Self::Running(process) => News::Ended(match process.ended().await {
                Ok(ended) => ended.to_string(),
                Err(error) => error.to_string(),
            }),
            Self::Failed(reason) => News::Ended(format!("it cannot be started: {reason}")),
            Self::Due(at) => {
                tokio::time::sleep_until((*at).into()).await;
                News::Due
            }
        }
    }
}

impl Run<'_> {
    async fn keep(&mut self, signals: &mut StopSignals, announce: impl Fn(&str)) -> anyhow::Result<()> {
        let profile = &self.plan.profile;
        let segment = Duration::from_secs(profile.hls.segment_seconds.into());
        let playlists = profile.media_playlists().into_iter().map(|path| self.dir.media().join(path));
        let mut freshness = Freshness::new(playlists.collect(), segment);
        let mut looks = tokio::time::interval(Freshness::INTERVAL);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut origin = Origin::new(Instant::now(), fastrand::u64(..));
        // Enough for all restarts there can be before we give up, and for three segments in real time behind them.
        let patience = Duration::from_secs(30) + 6 * segment;
        let mut readiness = Box::pin(readiness::wait(self.machine.address, profile, patience));
        let mut ready = false;

        loop {
            let event = tokio::select! {
                stop = signals.next() => Event::Asked(stop),
                news = self.encoder.news() => tell(Part::Encoder, news),
                news = self.server.news() => tell(Part::Server, news),
                _ = looks.tick() => Event::Looked { fresh: freshness.look(Instant::now()) },
                played = &mut readiness, if !ready => { played?; Event::Played }
            };
            match origin.handle(event, Instant::now()) {
                Action::Wait => {}
                Action::Start(part) => self.start(part),
                Action::StartAfter(part, delay) => {
                    tracing::warn!("{} starts again in {:.1} s", part.name(), delay.as_secs_f64());
                    *self.slot(part) = Slot::Due(Instant::now() + delay);
                    if part == Part::Server && !ready && self.take_another_port()? {
                        readiness.set(readiness::wait(self.machine.address, profile, patience));
                    }
                }
                Action::SetFresh(fresh) => self.set_fresh(fresh, ready)?,
                Action::Announce => {
                    ready = true;
                    announce(&nginx::url(self.machine.address, Profile::ENTRY));
                }
                Action::GiveUp(part) => bail!(
                    "{} does not keep running: gave up after {} restarts",
                    part.name(),
                    Origin::MOST_RESTARTS
                ),
                Action::Stop => return Ok(()),
            }
        }
    }

    fn set_fresh(&self, fresh: bool, ready: bool) -> anyhow::Result<()> {
        match (fresh, ready) {
            (false, _) => tracing::warn!("the playlist is stale: /healthz says 503"),
            (true, true) => tracing::info!("the playlist is fresh again"),
            (true, false) => tracing::debug!("the playlist is fresh"),
        }
        self.dir.set_fresh(fresh).context("mark whether the playlist is fresh")
    }

    fn slot(&mut self, part: Part) -> &mut Slot {
        match part {
            Part::Encoder => &mut self.encoder,
            Part::Server => &mut self.server,
        }
    }

    fn start(&mut self, part: Part) {
        let started = match part {
            Part::Encoder => {
                let hls = &self.plan.profile.hls;
                let two_windows = 2 * hls.playlist_segments * hls.segment_seconds;
                self.dir.remove_segments_older_than(Duration::from_secs(two_windows.into()));
                let command =
                    encoder_command(self.plan, &self.machine.ffmpeg, self.clip.as_deref(), &self.dir.media());
                Process::start("ffmpeg", &command, ParentDeath::Kill)
            }
            // Its workers are its own children: it must live long enough to end them.
            Part::Server => {
                let command = nginx::command(&self.machine.nginx, self.dir.path());
                Process::start("nginx", &command, ParentDeath::Terminate)
            }
        };
        *self.slot(part) = started
            .map_or_else(|error| Slot::Failed(error.to_string()), |process| Slot::Running(Box::new(process)));
    }

    fn write_nginx_conf(&self) -> anyhow::Result<()> {
        let config = server(self.plan, &self.machine).config();
        self.dir.write(RunDir::NGINX_CONF, &config).context("write nginx.conf")
    }

    /// Between picking a free port and Nginx's start somebody else may take it: for port 0, pick again.
    fn take_another_port(&mut self) -> anyhow::Result<bool> {
        if self.plan.port != 0 || std::net::TcpListener::bind(self.machine.address).is_ok() {
            return Ok(false);
        }
        self.machine.address = preflight::free_address(self.plan)?;
        self.write_nginx_conf()?;
        Ok(true)
    }

    async fn end(&mut self) {
        let end = async |slot: &mut Slot| {
            if let Slot::Running(process) = std::mem::replace(slot, Slot::Due(Instant::now())) {
                process
                    .terminate()
                    .await
                    .unwrap_or_else(|error| tracing::warn!("cannot end a process: {error}"));
            }
        };
        tokio::join!(end(&mut self.encoder), end(&mut self.server));
    }
}

fn tell(part: Part, news: News) -> Event {
    match news {
        News::Due => Event::RestartDue(part),
        News::Ended(how) => {
            tracing::warn!("{} ended: {how}", part.name());
            Event::Ended(part)
        }
    }
}

/// The encoder that belongs to a plan; `clip` is `None` to encode live.
pub fn encoder_command(plan: &Plan, ffmpeg: &Path, clip: Option<&Path>, media: &Path) -> CommandLine {
    let playlists = plan.profile.media_playlists();
    let start =
        if playlists.iter().any(|path| media.join(path).exists()) { Start::Continue } else { Start::Fresh };
    match clip {
        Some(clip) => encoder::repeat(ffmpeg, &plan.profile, clip, media, start),
        None => encoder::live_encode(ffmpeg, &plan.profile, media, start),
    }
}

/// The server that belongs to a plan on this machine.
pub fn server<'a>(plan: &'a Plan, machine: &'a Machine) -> Server<'a> {
    Server {
        profile: &plan.profile,
        address: machine.address,
        build: &machine.build,
        account: machine.account.clone(),
        open_files: machine.open_files,
        access_log: plan.access_log.clone(),
    }
}
