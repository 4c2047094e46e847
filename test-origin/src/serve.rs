//! One run: prepares, starts both processes, keeps them running, ends them. Maps what happens to events, and carries
//! out the actions that [`Origin`] answers with; decides nothing itself.

mod looks;
mod misbehave;
mod processes;
mod server;

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail};
use http_server::HttpServer;
use supervise::StopSignals;
use tokio::net::TcpSocket;
use tokio::time::MissedTickBehavior;

use crate::admin::Admin;
use crate::client::Client;
use crate::faults::active::Standing;
use crate::faults::{Desk, upstream};
use crate::freshness::Freshness;
use crate::metrics::Metrics;
use crate::nginx::Url;
use crate::origin::{Action, Event, Origin, Part};
use crate::plan::{AccessLog, Certificate, Plan, Source};
use crate::preflight::Machine;
use crate::profile::Profile;
use crate::readiness::Enough;
use crate::request_log::RequestLog;
use crate::room::Room;
use crate::run_dir::RunDir;
use crate::slot::{News, Slot};
use crate::{certificate, clip, master_playlist, readiness, vod};

pub use server::{server, write_certificate};

/// For people.
const PAGE: &str = include_str!("page.html");

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
            clip = clip::prepare(&machine.ffmpeg, machine.h264, &plan.cache_dir, &plan.profile) => Some(clip?),
            _ = signals.next() => return Ok(()),
        },
    };
    let run_dir = RunDir::create(&machine.parent_dir, &plan.profile)?;
    write_what_stays(plan, &run_dir)?;
    // Of a stream that ends, all segments are there before anybody can ask for one.
    let encoder = match &clip {
        Some(clip) if !plan.profile.hls.is_live() => {
            let media = run_dir.media();
            tokio::select! {
                cut = vod::cut(&machine.ffmpeg, &plan.profile, clip, &media) => cut?,
                _ = signals.next() => return Ok(()),
            }
            Slot::Empty
        }
        _ => Slot::Due(Instant::now()),
    };
    let client = Client::new(write_certificate(plan, &run_dir)?.as_ref())?;
    say_where(plan, &machine, &run_dir);
    let desk = desk(plan, &machine, &run_dir)?;
    let upstream = upstream::start(desk.clone(), most_upstream_connections(&machine))
        .context("start the server that misbehaves")?;
    let told = Arc::new(OnceLock::new());
    let metrics = Metrics::new(&plan.profile).context("make the metrics")?;
    let admin = Admin {
        desk: desk.clone(),
        client: client.clone(),
        origin: Arc::clone(&told),
        profile: plan.profile.clone(),
        metrics: metrics.clone(),
    };
    let admin = start_admin(admin, plan.admin, &run_dir)?;
    let requests =
        RequestLog::create(&run_dir.path().join(RunDir::REQUESTS)).context("make the request log")?;
    let (standing, _) = desk.settle();
    let mut run = Run {
        plan,
        machine,
        clip,
        dir: run_dir,
        client,
        encoder,
        encoder_starts: 0,
        announced: false,
        room: Room::of(&plan.profile),
        server: Slot::Due(Instant::now()),
        told,
        metrics,
        requests,
        admin: admin.address(),
        desk,
        upstream: upstream.address(),
        standing,
        held_port: None,
    };
    run.begin()?;
    let outcome = run.keep(signals, announce).await;
    run.end().await;
    outcome
}

/// Writes the files that are the same for the whole run.
fn write_what_stays(plan: &Plan, run_dir: &RunDir) -> anyhow::Result<()> {
    if plan.profile.has_master() {
        run_dir.write(
            PathBuf::from(RunDir::MEDIA).join(Profile::ENTRY),
            &master_playlist::text(&plan.profile),
        )?;
    }
    run_dir.write(format!("{}/{}", RunDir::PAGE_FOLDER, RunDir::PAGE), PAGE).context("write the page")
}

/// With the faults that the plan asks for.
fn desk(plan: &Plan, machine: &Machine, run_dir: &RunDir) -> anyhow::Result<Desk> {
    let desk = Desk::new(&plan.profile, &run_dir.media(), plan.bind, machine.build.has_proxy());
    for spec in &plan.faults {
        desk.add(spec.clone()).map_err(|refused| anyhow!("--fault {} {refused}", spec.fault))?;
    }
    Ok(desk)
}

/// Starts the admin server, and writes down where commands find it.
fn start_admin(admin: Admin, address: SocketAddr, run_dir: &RunDir) -> anyhow::Result<HttpServer> {
    let listener = TcpListener::bind(address).with_context(|| format!("listen on --admin {address}"))?;
    let admin = admin.start(listener).context("start the admin server")?;
    tracing::info!("the admin server listens on http://{}", admin.address());
    run_dir.write(RunDir::ADMIN, &format!("{}\n", admin.address())).context("write the admin address")?;
    Ok(admin)
}

/// Says where the files are that somebody may want to use meanwhile.
fn say_where(plan: &Plan, machine: &Machine, run_dir: &RunDir) {
    if let Some(Certificate::Made { names }) = &plan.tls {
        let names: Vec<&str> =
            certificate::NAMES.into_iter().chain(names.iter().map(String::as_str)).collect();
        let file = run_dir.path().join(RunDir::CERTIFICATE);
        tracing::info!("the certificate for {} is {}", names.join(", "), file.display());
    }
    match &plan.access_log {
        AccessLog::Off => {}
        AccessLog::RunDir => {
            let file = run_dir.path().join(RunDir::ACCESS_LOG);
            tracing::info!("requests are logged in {} until the end of the run", file.display());
        }
        AccessLog::File(file) => tracing::info!("requests are logged in {}", file.display()),
    }
    if plan.profile.server.debug_log {
        let file = run_dir.path().join(RunDir::DEBUG_LOG);
        tracing::info!("what nginx does is logged in {} until the end of the run", file.display());
        if !machine.build.debug {
            tracing::warn!("this nginx was built without --with-debug: its log says little");
        }
    }
}

/// Both processes and what they stand on.
struct Run<'a> {
    plan: &'a Plan,
    machine: Machine,
    clip: Option<PathBuf>,
    dir: RunDir,
    client: Client,
    encoder: Slot,
    encoder_starts: u32,
    /// The URL was told.
    announced: bool,
    /// `None` when no more segments come.
    room: Option<Room>,
    server: Slot,
    /// Where Nginx listens, as soon as the URL is told.
    told: Arc<OnceLock<SocketAddr>>,
    metrics: Metrics,
    requests: RequestLog,
    /// Where the admin server listens.
    admin: SocketAddr,
    desk: Desk,
    /// Who answers under a fault.
    upstream: SocketAddr,
    /// What the faults asked for so far, and what is so.
    standing: Standing,
    /// Bound during an outage, so that the port is nobody else's.
    held_port: Option<TcpSocket>,
}

impl Run<'_> {
    async fn keep(&mut self, signals: &mut StopSignals, announce: impl Fn(&str)) -> anyhow::Result<()> {
        let profile = &self.plan.profile;
        let segment = Duration::from_secs(profile.hls.segment_seconds.into());
        let playlists = profile.media_playlists().into_iter().map(|path| self.dir.media().join(path));
        let mut freshness = Freshness::new(playlists.collect(), &profile.hls);
        let mut looks = tokio::time::interval(Freshness::INTERVAL);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut origin = Origin::new(Instant::now(), fastrand::u64(..));
        // Enough for all restarts there can be before we give up, and for three segments in real time behind them.
        let patience = Duration::from_secs(30) + 6 * segment;
        let client = self.client.clone();
        let desk = self.desk.clone();
        let enough = match self.plan.source {
            Source::Clip => Enough::Window,
            Source::LiveEncode => Enough::Beginning,
        };
        let mut readiness =
            Box::pin(readiness::wait(&client, self.machine.address, profile, enough, patience));

        loop {
            let event = tokio::select! {
                stop = signals.next() => Event::Asked(stop),
                news = self.encoder.news() => tell(Part::Encoder, news),
                news = self.server.news() => tell(Part::Server, news),
                () = desk.changed() => { self.follow_faults().await?; continue }
                _ = looks.tick() => {
                    let now = Instant::now();
                    let fresh = freshness.look(now);
                    self.metrics.set_playlist_age(freshness.age(now));
                    self.measure()?;
                    let fresh = self.look_at_the_disk(now) && fresh;
                    Event::Looked { fresh }
                }
                played = &mut readiness, if !self.announced => { played?; Event::Played }
            };
            match origin.handle(event, Instant::now()) {
                Action::Wait => {}
                Action::Start(part) => {
                    self.metrics.restarted(part);
                    self.start(part)?;
                }
                Action::StartAfter(part, delay) => {
                    tracing::warn!("{} starts again in {:.1} s", part.name(), delay.as_secs_f64());
                    *self.slot(part) = Slot::Due(Instant::now() + delay);
                    if part == Part::Server && !self.announced && self.take_another_port()? {
                        readiness.set(readiness::wait(
                            &client,
                            self.machine.address,
                            profile,
                            enough,
                            patience,
                        ));
                    }
                }
                Action::SetFresh(fresh) => self.set_fresh(fresh)?,
                Action::Announce => {
                    self.begin_faults().await?;
                    let tls = self.plan.tls.is_some();
                    announce(&Url { tls, server: self.machine.address, path: Profile::ENTRY }.to_string());
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
}

/// Each takes a socket and a file; the rest is for everything else that is open.
fn most_upstream_connections(machine: &Machine) -> usize {
    usize::try_from(machine.open_files.saturating_sub(64) / 2).unwrap_or(usize::MAX).clamp(16, 32_768)
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
