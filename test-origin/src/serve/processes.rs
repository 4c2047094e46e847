//! Starts and ends the two processes, and writes what each stands on. Decides nothing about when.

use std::net::SocketAddr;

use anyhow::Context as _;
use nix::sys::signal::Signal;
use supervise::ParentDeath;

use super::{Run, server};
use crate::encoder::{self, Start};
use crate::nginx::{self, Routing};
use crate::origin::Part;
use crate::process::Process;
use crate::run_dir::RunDir;
use crate::slot::Slot;
use crate::{numbering, preflight};

impl Run<'_> {
    /// Starts both; of a stream that ends, only Nginx.
    pub(super) fn begin(&mut self) -> anyhow::Result<()> {
        self.write_nginx_conf()?;
        self.start(Part::Server)?;
        if self.plan.profile.hls.is_live() {
            self.start(Part::Encoder)?;
        }
        Ok(())
    }

    pub(super) fn slot(&mut self, part: Part) -> &mut Slot {
        match part {
            Part::Encoder => &mut self.encoder,
            Part::Server => &mut self.server,
        }
    }

    pub(super) fn start(&mut self, part: Part) -> anyhow::Result<()> {
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

    pub(super) fn write_nginx_conf(&self) -> anyhow::Result<()> {
        let mut server = server(self.plan, &self.machine, self.admin);
        server.routing = self.standing.routed.then_some(Routing {
            upstream: self.upstream,
            redirect: self.standing.redirect.map(|port| SocketAddr::new(self.plan.bind, port)),
        });
        let config = server.config();
        self.dir.write(RunDir::NGINX_CONF, &config).context("write nginx.conf")
    }

    /// Between picking a free port and Nginx's start somebody else may take it: for port 0, pick again.
    pub(super) fn take_another_port(&mut self) -> anyhow::Result<bool> {
        if self.plan.port != 0 || std::net::TcpListener::bind(self.machine.address).is_ok() {
            return Ok(false);
        }
        self.machine.address = preflight::free_address(self.plan)?;
        self.write_nginx_conf()?;
        Ok(true)
    }

    pub(super) async fn end(&mut self) {
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
