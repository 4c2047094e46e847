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

use super::connection::{Connection, Shared};
use super::pipe::Pipes;

/// Connections that wait to be accepted: a mass reconnection of thousands of viewers comes within a moment.
const BACKLOG: u32 = 4096;

/// A running proxy. Dropping it cuts every connection.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    runtime: tokio::runtime::Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Server {
    /// Listens on a free port of the loopback address.
    ///
    /// # Errors
    /// When no port or thread is to be had.
    pub fn start(shared: Shared) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let guard = runtime.enter();
        let socket = tokio::net::TcpSocket::new_v4()?;
        socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
        let listener = socket.listen(BACKLOG)?;
        drop(guard);
        let address = listener.local_addr()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = thread::Builder::new().name("wire".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    // An error means that the server was dropped, which says the same.
                    _ = stopped => {}
                    () = accept(listener, Arc::new(shared)) => {}
                }
            });
            // Dropping the runtime drops its connections.
        })?;
        Ok(Self { address, runtime: handle, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
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

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let (pipes, epoch) = (Arc::new(Pipes::default()), Instant::now());
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
