//! Brings the two processes into the state that the faults in force ask for. Decides about no request.

use std::net::SocketAddr;

use anyhow::Context as _;
use nix::sys::signal::Signal;
use tokio::net::TcpSocket;

use super::Run;
use crate::origin::Part;

impl Run<'_> {
    /// Their time counts from now on: the URL is about to be told.
    pub(super) async fn begin_faults(&mut self) -> anyhow::Result<()> {
        self.announced = true;
        // Set once: the URL is told once.
        self.told.set(self.machine.address).unwrap_or_default();
        self.desk.begin();
        self.follow_faults().await
    }

    /// Brings both processes into the state that the faults in force ask for.
    pub(super) async fn follow_faults(&mut self) -> anyhow::Result<()> {
        let (standing, anew) = self.desk.settle();
        let before = std::mem::replace(&mut self.standing, standing);
        if (standing.routed, standing.redirect) != (before.routed, before.redirect) {
            self.write_nginx_conf()?;
            // Workers with the old configuration close their idle connections and end with the busy ones.
            self.server.notify(Signal::SIGHUP);
        }
        match (before.out, standing.out) {
            (false, true) => {
                if let Some(server) = self.server.empty() {
                    server.terminate().await.context("end nginx")?;
                }
                self.held_port = hold(self.machine.address);
            }
            (true, false) => self.start(Part::Server)?,
            _ => {}
        }
        match (before.frozen, standing.frozen) {
            (false, true) => self.encoder.notify(Signal::SIGSTOP),
            (true, false) => self.encoder.notify(Signal::SIGCONT),
            _ => {}
        }
        if anew && let Some(encoder) = self.encoder.empty() {
            // Asked to end in good order it would write that the stream has ended.
            encoder.kill().await.context("end ffmpeg")?;
            self.start(Part::Encoder)?;
        }
        if standing != before || anew {
            self.say_faults(anew);
        }
        Ok(())
    }

    fn say_faults(&self, anew: bool) {
        let in_force = self.desk.list().into_iter().filter(|(_, active)| *active);
        let faults: Vec<String> = in_force.map(|(entry, _)| entry.fault.to_string()).collect();
        match (anew, faults.is_empty()) {
            (true, _) => tracing::info!("fault: the encoder was started anew"),
            (false, true) => tracing::info!("faults: none, the origin is as it should be"),
            (false, false) => tracing::info!("faults in force: {}", faults.join(", ")),
        }
    }
}

/// Keeps the port from being given to somebody else while nobody listens on it. Connections are refused, as no socket
/// listens; Nginx may bind it meanwhile, as both sockets allow it.
fn hold(address: SocketAddr) -> Option<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() };
    let held = socket.and_then(|socket| {
        socket.set_reuseaddr(true)?;
        socket.bind(address).map(|()| socket)
    });
    held.map_err(|error| tracing::debug!("port {} cannot be held: {error}", address.port())).ok()
}
