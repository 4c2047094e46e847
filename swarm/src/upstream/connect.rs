//! From a URL to an open, possibly encrypted, connection; each way to fail has its own name. Sends no request.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::{Host, Url};

/// Opens connections to origins.
#[derive(Clone, Debug)]
pub struct Connector {
    /// Connect to this address whatever the host name; the port, the Host header and SNI stay those of the URL.
    pub address: Option<IpAddr>,
    /// Whom to trust.
    pub tls: Arc<ClientConfig>,
    /// For the name, for each address, and for the handshake.
    pub timeout: Duration,
}

/// Why there is no connection. The text is a full sentence without a full stop.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The name has no address.
    #[error(
        "the host name {host} could not be resolved ({reason}): check its spelling and this machine's DNS"
    )]
    Dns {
        /// As in the URL.
        host: String,
        /// The resolver's words.
        reason: String,
    },
    /// Something at the address said no.
    #[error("{address} refused the connection: nothing listens on that port there, or a firewall rejects it")]
    Refused {
        /// The last one that was tried.
        address: SocketAddr,
    },
    /// No answer in time.
    #[error("{host} did not answer within {seconds} s: it is down, or a firewall drops the packets")]
    Timeout {
        /// As in the URL.
        host: String,
        /// The time that was allowed, per attempt.
        seconds: u64,
    },
    /// No trust, or no common language.
    #[error("TLS to {host} failed ({reason}){}", tls_hint(reason))]
    Tls {
        /// As in the URL.
        host: String,
        /// The TLS library's words.
        reason: String,
    },
    /// Anything else that the operating system says, such as an unreachable network.
    #[error("connecting to {address} failed: {reason}")]
    Other {
        /// The last one that was tried.
        address: SocketAddr,
        /// The operating system's words.
        reason: io::Error,
    },
}

fn tls_hint(reason: &str) -> &'static str {
    if reason.contains("certificate") {
        "; if the certificate is wrong on purpose, --dangerous accepts it"
    } else {
        ": does the server speak TLS on that port? If not, use http://"
    }
}

/// An open connection, and what opening it took.
pub struct Connected {
    /// TCP, or TLS over it.
    pub stream: Box<dyn Stream>,
    /// Name and TCP.
    pub connect: Duration,
    /// TLS handshake; `None` without TLS.
    pub tls: Option<Duration>,
}

/// Whatever carries HTTP: TCP, or TLS over it.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl Connector {
    /// Connects to the host and port of `url`, which is http or https.
    pub async fn connect(&self, url: &Url) -> Result<Connected, ConnectError> {
        let began = Instant::now();
        let tcp = self.connect_tcp(url).await?;
        let connect = began.elapsed();
        // Requests are small and answered at once: waiting to fill packets only adds latency to what is measured.
        // A socket that cannot be told so works all the same.
        tcp.set_nodelay(true).unwrap_or_default();
        if url.scheme() != "https" {
            return Ok(Connected { stream: Box::new(tcp), connect, tls: None });
        }
        let failed = |reason: String| ConnectError::Tls { host: host_of(url), reason };
        let name = match url.host() {
            Some(Host::Ipv4(ip)) => ServerName::from(IpAddr::from(ip)),
            Some(Host::Ipv6(ip)) => ServerName::from(IpAddr::from(ip)),
            _ => ServerName::try_from(host_of(url)).map_err(|error| failed(error.to_string()))?,
        };
        let handshake = TlsConnector::from(Arc::clone(&self.tls)).connect(name, tcp);
        let stream = timeout(self.timeout, handshake).await.map_err(|_| self.timed_out(url))?;
        let stream = stream.map_err(|error| failed(error.to_string()))?;
        Ok(Connected {
            stream: Box::new(stream),
            connect,
            tls: Some(began.elapsed().saturating_sub(connect)),
        })
    }

    async fn connect_tcp(&self, url: &Url) -> Result<TcpStream, ConnectError> {
        let mut last_failure = None;
        for address in self.resolve(url).await? {
            last_failure = Some(match timeout(self.timeout, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
                    ConnectError::Refused { address }
                }
                Ok(Err(reason)) => ConnectError::Other { address, reason },
                Err(_) => self.timed_out(url),
            });
        }
        Err(last_failure
            .unwrap_or_else(|| ConnectError::Dns { host: host_of(url), reason: "no address".to_owned() }))
    }

    async fn resolve(&self, url: &Url) -> Result<Vec<SocketAddr>, ConnectError> {
        let port = url.port_or_known_default().unwrap_or(80);
        if let Some(address) = self.address {
            return Ok(vec![(address, port).into()]);
        }
        match url.host() {
            Some(Host::Ipv4(ip)) => Ok(vec![(ip, port).into()]),
            Some(Host::Ipv6(ip)) => Ok(vec![(ip, port).into()]),
            _ => {
                let host = host_of(url);
                let lookup = timeout(self.timeout, tokio::net::lookup_host((host.as_str(), port)));
                let failure = match lookup.await {
                    Ok(Ok(addresses)) => return Ok(addresses.collect()),
                    Ok(Err(error)) => error.to_string(),
                    Err(_) => "the resolver did not answer".to_owned(),
                };
                Err(ConnectError::Dns { host, reason: failure })
            }
        }
    }

    fn timed_out(&self, url: &Url) -> ConnectError {
        ConnectError::Timeout { host: host_of(url), seconds: self.timeout.as_secs() }
    }
}

fn host_of(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}
