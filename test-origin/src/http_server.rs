//! An HTTP server on a thread of its own, so that it answers while the run's thread waits for processes, and the other
//! way round. What it answers is a function that it is given.

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::{Semaphore, oneshot};

/// What is sent back.
pub type Answer = Response<BoxBody<Bytes, io::Error>>;

/// Who connects and asks nothing for this long is gone. Nginx keeps unused connections for 60 s.
const HEADER_TIMEOUT: Duration = Duration::from_secs(90);

/// A running server. Dropping it ends it.
#[derive(Debug)]
pub struct HttpServer {
    address: SocketAddr,
    thread: Option<thread::JoinHandle<()>>,
    stop: Option<oneshot::Sender<()>>,
}

impl HttpServer {
    /// Serves on a listener that is bound already, at most so many connections at a time.
    ///
    /// # Errors
    /// When the thread or its runtime cannot be made.
    pub fn start<F, R>(
        name: &'static str,
        listener: TcpListener,
        most_connections: usize,
        answer: F,
    ) -> io::Result<Self>
    where
        F: Fn(Request<Incoming>) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Answer> + Send + 'static,
    {
        let address = listener.local_addr()?;
        listener.set_nonblocking(true)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = thread::Builder::new().name(name.to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    // An error means that the server was dropped, which says the same.
                    _ = stopped => {}
                    served = serve(listener, most_connections, answer) => if let Err(error) = served {
                        tracing::error!("the {name} server ended: {error}");
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

async fn serve<F, R>(listener: TcpListener, most_connections: usize, answer: F) -> io::Result<()>
where
    F: Fn(Request<Incoming>) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Answer> + Send + 'static,
{
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let places = Arc::new(Semaphore::new(most_connections));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return Ok(()) };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Descriptors may be short for a moment; the pause keeps this from spinning until they are not.
                tracing::debug!("a connection was not accepted: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
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
                .header_read_timeout(HEADER_TIMEOUT)
                .serve_connection(TokioIo::new(stream), service)
                .await;
            if let Err(error) = served {
                tracing::debug!("a connection broke off: {error}");
            }
            drop(place);
        });
    }
}

/// An answer that no cache keeps.
pub fn answer(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Answer {
    let body = Full::new(body.into()).map_err(|never| match never {}).boxed();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A sentence for people.
pub fn plain(status: StatusCode, text: impl Into<Bytes>) -> Answer {
    answer(status, "text/plain", text)
}
