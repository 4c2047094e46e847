//! The listener: one task per connection, on a thread of its own, so that a busy run does not slow what is measured.
//! One thread carries gigabytes per second (docs/BENCHMARKS.md); with more, each request would wake several of them,
//! which costs more than it gains and takes the time from the FFmpegs.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::connection::{Connection, Shared};
use super::pipe::Pipes;

/// Connections that wait to be accepted: a mass reconnection of thousands of viewers comes within a moment.
const BACKLOG: u32 = 4096;

/// Viewers that share one port of ours. A connection takes one of their local ports towards it: four for each viewer, and
/// twice as many after a mass reconnection. 8000 are there on every machine; Linux gives 28 232.
const VIEWERS_PER_PORT: u32 = 1000;

/// Where the wire listens: on so many ports that no viewer lacks a local port towards its own.
#[derive(Clone, Debug)]
pub struct Addresses(Vec<SocketAddr>);

impl Addresses {
    /// The one for this viewer.
    pub fn of(&self, viewer: u32) -> SocketAddr {
        self.0[viewer as usize % self.0.len()]
    }
}

/// A running proxy. Dropping it cuts every connection.
#[derive(Debug)]
pub struct Server {
    addresses: Addresses,
    runtime: tokio::runtime::Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Server {
    /// Listens on free ports of the loopback address, for so many viewers.
    ///
    /// # Errors
    /// When no port or thread is to be had.
    pub fn start(shared: Shared, viewers: u32) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let guard = runtime.enter();
        let ports = viewers.div_ceil(VIEWERS_PER_PORT).max(1);
        let listeners: Vec<_> = (0..ports).map(|_| listen()).collect::<io::Result<_>>()?;
        drop(guard);
        let addresses = Addresses(listeners.iter().map(TcpListener::local_addr).collect::<io::Result<_>>()?);
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = thread::Builder::new().name("wire".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    // An error means that the server was dropped, which says the same.
                    _ = stopped => {}
                    () = accept_all(listeners, Arc::new(shared)) => {}
                }
            });
            // Dropping the runtime drops its connections.
        })?;
        Ok(Self { addresses, runtime: handle, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Of the wire's thread.
    pub fn runtime(&self) -> &tokio::runtime::Handle {
        &self.runtime
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic there was printed by its own thread, and must not hide the run's result.
            thread.join().unwrap_or_default();
        }
    }
}

fn listen() -> io::Result<TcpListener> {
    let socket = tokio::net::TcpSocket::new_v4()?;
    socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
    socket.listen(BACKLOG)
}

async fn accept_all(listeners: Vec<TcpListener>, shared: Arc<Shared>) {
    let (pipes, epoch) = (Arc::new(Pipes::default()), Instant::now());
    let mut accepting = JoinSet::new();
    for listener in listeners {
        accepting.spawn(accept(listener, Arc::clone(&shared), Arc::clone(&pipes), epoch));
    }
    accepting.join_all().await;
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, pipes: Arc<Pipes>, epoch: Instant) {
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Descriptors may be short for a moment; the pause keeps this from spinning until they are not.
                tracing::warn!("the wire could not accept a connection: {error}");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        // As upstream: latency is what is measured. A socket that cannot be told so works all the same.
        stream.set_nodelay(true).unwrap_or_default();
        tokio::spawn(Connection::new(Arc::clone(&shared), Arc::clone(&pipes), epoch, stream).serve());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn viewers_are_spread_over_the_ports() {
        let addresses = Addresses([1, 2].map(|port| (Ipv4Addr::LOCALHOST, port).into()).to_vec());
        assert_eq!([0, 1, 2, 3].map(|viewer| addresses.of(viewer).port()), [1, 2, 1, 2]);
    }
}
