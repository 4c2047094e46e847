//! An HTTP server on a thread of its own, so that it answers while the run's thread waits for processes, and the other
//! way round: `swarm`'s metrics, `test-origin`'s page and faults. What it answers is a function that it is given; it
//! knows no path and no header.

#![forbid(unsafe_code)]

use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::{Semaphore, oneshot};

/// Pause after a connection that could not be accepted: descriptors may be short for a moment, and without it the loop
/// would spin until they are not.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What it is, and what it bears.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Of its thread, and in its log.
    pub name: &'static str,
    /// At the same time; who comes after waits.
    pub most_connections: usize,
    /// Who connects and asks nothing for this long is gone.
    pub header_timeout: Duration,
}

/// A running server. Dropping it ends it.
#[derive(Debug)]
pub struct HttpServer {
    address: SocketAddr,
    thread: Option<thread::JoinHandle<()>>,
    stop: Option<oneshot::Sender<()>>,
}

impl HttpServer {
    /// Serves on a listener that is bound already, so that a taken port was found before anything started.
    ///
    /// # Errors
    /// When the thread or its runtime cannot be made.
    pub fn start<F, R, B>(settings: Settings, listener: TcpListener, answer: F) -> io::Result<Self>
    where
        F: Fn(Request<Incoming>) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Response<B>> + Send + 'static,
        B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
    {
        let address = listener.local_addr()?;
        listener.set_nonblocking(true)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = thread::Builder::new().name(settings.name.to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    // An error means that the server was dropped, which says the same.
                    _ = stopped => {}
                    served = serve(settings, listener, answer) => if let Err(error) = served {
                        tracing::error!("the {} server ended: {error}", settings.name);
                    },
                }
            });
        })?;
        Ok(Self { address, thread: Some(thread), stop: Some(stop) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic there was printed by its own thread, and must not hide the run's result.
            thread.join().unwrap_or_default();
        }
    }
}

async fn serve<F, R, B>(settings: Settings, listener: TcpListener, answer: F) -> io::Result<()>
where
    F: Fn(Request<Incoming>) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let places = Arc::new(Semaphore::new(settings.most_connections));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return Ok(()) };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::debug!("{}: a connection was not accepted: {error}", settings.name);
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let answer = answer.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let answer = answer(request);
                async { Ok::<_, Infallible>(answer.await) }
            });
            let served = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(settings.header_timeout)
                .serve_connection(TokioIo::new(stream), service)
                .await;
            if let Err(error) = served {
                tracing::debug!("{}: a connection broke off: {error}", settings.name);
            }
            drop(place);
        });
    }
}
