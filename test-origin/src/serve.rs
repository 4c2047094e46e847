//! One run: prepares, starts both processes, keeps them running, ends them. Maps what happens to events, and carries
//! out the actions that [`Origin`] answers with; decides nothing itself.

mod misbehave;

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail};
use nix::sys::signal::Signal;
use rustls::pki_types::CertificateDer;
use supervise::{ParentDeath, StopSignals};
use tokio::net::TcpSocket;
use tokio::time::MissedTickBehavior;

use crate::admin::Admin;
use crate::client::Client;
use crate::encoder::{self, Start};
use crate::faults::active::Standing;
use crate::faults::{Desk, upstream};
use crate::freshness::Freshness;
use crate::metrics::Metrics;
use crate::nginx::{self, Routing, Server, Tls, Url};
use crate::origin::{Action, Event, Origin, Part};
use crate::plan::{AccessLog, Certificate, Plan, Source};
use crate::preflight::{self, Machine};
use crate::process::Process;
use crate::profile::Profile;
use crate::readiness::Enough;
use crate::request_log::RequestLog;
use crate::room::Room;
use crate::run_dir::RunDir;
use crate::slot::{News, Slot};
use crate::{certificate, clip, master_playlist, numbering, readiness, vod};

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
    if plan.profile.has_master() {
        run_dir.write(
            PathBuf::from(RunDir::MEDIA).join(Profile::ENTRY),
            &master_playlist::text(&plan.profile),
        )?;
    }
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
    let desk = Desk::new(&plan.profile, &run_dir.media(), plan.bind, machine.build.has_proxy());
    for spec in &plan.faults {
        desk.add(spec.clone()).map_err(|refused| anyhow!("--fault {} {refused}", spec.fault))?;
    }
    let upstream = upstream::start(desk.clone(), most_upstream_connections(&machine))
        .context("start the server that misbehaves")?;
    let listener =
        TcpListener::bind(plan.admin).with_context(|| format!("listen on --admin {}", plan.admin))?;
    let told = Arc::new(OnceLock::new());
    let metrics = Metrics::new(&plan.profile).context("make the metrics")?;
    let admin = Admin {
        desk: desk.clone(),
        client: client.clone(),
        origin: Arc::clone(&told),
        profile: plan.profile.clone(),
        metrics: metrics.clone(),
    };
    let admin = admin.start(listener).context("start the admin server")?;
    tracing::info!("the admin server listens on http://{}", admin.address());
    run_dir.write(RunDir::ADMIN, &format!("{}\n", admin.address())).context("write the admin address")?;
    let requests =
        RequestLog::create(&run_dir.path().join(RunDir::REQUESTS)).context("make the request log")?;
    run_dir.write(format!("{}/{}", RunDir::PAGE_FOLDER, RunDir::PAGE), PAGE).context("write the page")?;
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
    run.write_nginx_conf()?;
    run.start(Part::Server)?;
    if plan.profile.hls.is_live() {
        run.start(Part::Encoder)?;
    }
    let outcome = run.keep(signals, announce).await;
    run.end().await;
    outcome
}

/// Writes the certificate that is made for the run, and its key. Returns what Nginx will show, if that is to be TLS.
pub fn write_certificate(plan: &Plan, run_dir: &RunDir) -> anyhow::Result<Option<CertificateDer<'static>>> {
    match &plan.tls {
        None => Ok(None),
        Some(Certificate::Made { names }) => {
            let made = certificate::make(names)?;
            run_dir
                .write_secret(RunDir::CERTIFICATE, &made.certificate_pem)
                .and_then(|()| run_dir.write_secret(RunDir::KEY, &made.key_pem))
                .context("write the certificate and its key")?;
            Ok(Some(made.certificate))
        }
        Some(Certificate::Own { certificate, key }) => match certificate::of_files(certificate, key) {
            Ok(certificate) => Ok(Some(certificate)),
            Err((flag, reason)) => Err(anyhow!("{flag}: the file {reason}")),
        },
    }
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
                    self.announced = true;
                    // Set once: the URL is told once.
                    self.told.set(self.machine.address).unwrap_or_default();
                    self.desk.begin();
                    self.follow_faults().await?;
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

    /// What is counted in the time between two looks.
    fn measure(&mut self) -> anyhow::Result<()> {
        self.metrics.set_process(Part::Encoder, self.encoder.id());
        self.metrics.set_process(Part::Server, self.server.id());
        self.metrics.set_encoder_running(self.encoder.id().is_some() && !self.standing.frozen);
        self.metrics.read_cpu();
        self.requests.follow(&self.metrics).context("read the request log")
    }

    fn set_fresh(&self, fresh: bool) -> anyhow::Result<()> {
        let cut = self.room.as_ref().is_some_and(|room| room.may_be_cut(Instant::now()));
        match (fresh, self.announced) {
            (false, _) if cut => tracing::warn!("segments may be cut off: /healthz says 503"),
            (false, _) => tracing::warn!("the playlist is stale: /healthz says 503"),
            (true, true) => tracing::info!("the playlist is fresh again"),
            (true, false) => tracing::debug!("the playlist is fresh"),
        }
        self.dir.set_fresh(fresh).context("mark whether the playlist is fresh")
    }

    /// False while segments may be cut off: without room FFmpeg goes on, with what fits. Says so once.
    fn look_at_the_disk(&mut self, now: Instant) -> bool {
        let (Some(room), Some(free)) = (&mut self.room, self.dir.free_bytes()) else { return true };
        if room.look(free, now) {
            tracing::error!(
                "the disk is full, segments may be cut off: {} kB are free for {}, and the next segments need {} kB: \
                 make room there, or choose another --dir",
                free / 1000,
                self.dir.path().display(),
                room.needed_bytes().div_ceil(1000)
            );
        }
        !room.may_be_cut(now)
    }

    fn slot(&mut self, part: Part) -> &mut Slot {
        match part {
            Part::Encoder => &mut self.encoder,
            Part::Server => &mut self.server,
        }
    }

    fn start(&mut self, part: Part) -> anyhow::Result<()> {
        let started = match part {
            Part::Encoder => self.start_encoder()?,
            // Its workers are its own children: it must live long enough to end them.
            Part::Server => {
                let command = nginx::command(&self.machine.nginx, self.dir.path());
                Process::start("nginx", &command, ParentDeath::Terminate)
            }
        };
        *self.slot(part) = started
            .map_or_else(|error| Slot::Failed(error.to_string()), |process| Slot::Running(Box::new(process)));
        if part == Part::Encoder && self.standing.frozen {
            self.encoder.notify(Signal::SIGSTOP);
        }
        Ok(())
    }

    fn start_encoder(&mut self) -> anyhow::Result<std::io::Result<Process>> {
        let profile = &self.plan.profile;
        let two_windows = 2 * profile.hls.playlist_segments();
        self.dir.keep_newest_segments(two_windows.try_into().unwrap_or(usize::MAX));
        let playlists = self.dir.read_media(&profile.media_playlists());
        let start = match playlists {
            Some(playlists) if self.announced => {
                for (index, text) in numbering::align(&playlists) {
                    self.dir
                        .replace_media(&profile.media_playlists()[index], &text)
                        .context("number a playlist on")?;
                }
                Start::Continue { restart: self.encoder_starts }
            }
            // Nobody was told the URL yet, so a whole window can be written again; or a playlist is gone.
            _ => Start::Fresh,
        };
        self.encoder_starts += 1;
        let (ffmpeg, media) = (&self.machine.ffmpeg, self.dir.media());
        let command = match &self.clip {
            Some(clip) => encoder::repeat(ffmpeg, profile, clip, &media, start),
            None => encoder::live_encode(ffmpeg, self.machine.h264, profile, &media, start),
        };
        Ok(Process::start("ffmpeg", &command, ParentDeath::Kill))
    }

    fn write_nginx_conf(&self) -> anyhow::Result<()> {
        let mut server = server(self.plan, &self.machine, self.admin);
        server.routing = self.standing.routed.then_some(Routing {
            upstream: self.upstream,
            redirect: self.standing.redirect.map(|port| SocketAddr::new(self.plan.bind, port)),
        });
        let config = server.config();
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
            if let Some(process) = slot.empty() {
                process
                    .terminate()
                    .await
                    .unwrap_or_else(|error| tracing::warn!("cannot end a process: {error}"));
            }
        };
        tokio::join!(end(&mut self.encoder), end(&mut self.server));
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

/// The server that belongs to a plan on this machine.
pub fn server<'a>(plan: &'a Plan, machine: &'a Machine, admin: SocketAddr) -> Server<'a> {
    Server {
        profile: &plan.profile,
        address: machine.address,
        build: &machine.build,
        account: machine.account.clone(),
        open_files: machine.open_files,
        access_log: match &plan.access_log {
            AccessLog::Off => None,
            AccessLog::RunDir => Some(PathBuf::from(RunDir::ACCESS_LOG)),
            AccessLog::File(file) => Some(file.clone()),
        },
        admin,
        routing: None,
        tls: plan.tls.as_ref().map(|certificate| match certificate {
            Certificate::Made { .. } => {
                Tls { certificate: RunDir::CERTIFICATE.into(), key: RunDir::KEY.into() }
            }
            Certificate::Own { certificate, key } => {
                Tls { certificate: certificate.clone(), key: key.clone() }
            }
        }),
    }
}
