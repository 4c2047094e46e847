//! From a URL to an open, possibly encrypted, connection; each way to fail has its own name. Sends no request.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use url::{Host, Url};

/// Opens connections to origins.
#[derive(Clone, Debug)]
pub struct Connector {
    /// Connect to this address whatever the host name; the port, the Host header and SNI stay those of the URL.
    pub address: Option<IpAddr>,
    /// Addresses of this machine to connect from; where there is none the system chooses.
    pub sources: Arc<[IpAddr]>,
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
#[derive(Debug)]
pub struct Connected {
    /// TCP, or TLS over it.
    pub stream: OriginStream,
    /// Name and TCP.
    pub connect: Duration,
    /// TLS handshake; `None` without TLS.
    pub tls: Option<Duration>,
}

/// What carries HTTP.
#[derive(Debug)]
pub enum OriginStream {
    /// TCP: what the socket carries is what the origin wrote.
    Plain(TcpStream),
    /// TLS over TCP; boxed, because it is many times larger.
    Tls(Box<TlsStream<TcpStream>>),
}

impl OriginStream {
    /// The socket, if nothing is between it and HTTP.
    pub fn plain(&self) -> Option<&TcpStream> {
        match self {
            Self::Plain(stream) => Some(stream),
            Self::Tls(_) => None,
        }
    }
}

impl AsyncRead for OriginStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for OriginStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

impl Connector {
    /// Connects to the host and port of `url`, which is http or https, for `swarm` itself.
    pub async fn connect(&self, url: &Url) -> Result<Connected, ConnectError> {
        self.connect_as(0, url).await
    }

    /// The same for a viewer, who always comes from the same one of the source addresses: an origin may tie a token to
    /// it.
    pub async fn connect_as(&self, viewer: u32, url: &Url) -> Result<Connected, ConnectError> {
        let began = Instant::now();
        let tcp = self.connect_tcp(viewer, url).await?;
        let connect = began.elapsed();
        // Requests are small and answered at once: waiting to fill packets only adds latency to what is measured.
        // A socket that cannot be told so works all the same.
        tcp.set_nodelay(true).unwrap_or_default();
        if url.scheme() != "https" {
            return Ok(Connected { stream: OriginStream::Plain(tcp), connect, tls: None });
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
            stream: OriginStream::Tls(Box::new(stream)),
            connect,
            tls: Some(began.elapsed().saturating_sub(connect)),
        })
    }

    async fn connect_tcp(&self, viewer: u32, url: &Url) -> Result<TcpStream, ConnectError> {
        let mut last_failure = None;
        for address in self.resolve(url).await? {
            last_failure = Some(match timeout(self.timeout, self.open(viewer, address)).await {
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

    async fn open(&self, viewer: u32, address: SocketAddr) -> io::Result<TcpStream> {
        if self.sources.is_empty() {
            return TcpStream::connect(address).await;
        }
        let usable = self.sources.iter().filter(|source| source.is_ipv4() == address.is_ipv4());
        let usable: Vec<_> = usable.copied().collect();
        if usable.is_empty() {
            let family = if address.is_ipv4() { "IPv4" } else { "IPv6" };
            return Err(io::Error::other(format!("no -source-ip is an {family} address")));
        }
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.bind((usable[viewer as usize % usable.len()], 0).into())?;
        socket.connect(address).await
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upstream::client_config;

    fn connector(sources: &[&str]) -> Connector {
        let sources = sources.iter().map(|source| source.parse().unwrap()).collect();
        let tls = client_config(true).unwrap();
        Connector { address: None, sources, tls, timeout: Duration::from_secs(5) }
    }

    // Elsewhere 127.0.0.2 is no address.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn viewers_are_spread_over_the_source_addresses_and_each_keeps_its_own() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        let connector = connector(&["127.0.0.2", "::1", "127.0.0.3"]);
        let mut seen = Vec::new();
        for viewer in [0, 1, 2, 1] {
            let connected = connector.connect_as(viewer, &url).await.unwrap();
            seen.push(listener.accept().await.unwrap().1.ip().to_string());
            drop(connected);
        }
        assert_eq!(seen, ["127.0.0.2", "127.0.0.3", "127.0.0.2", "127.0.0.3"]);
    }

    #[tokio::test]
    async fn a_source_of_the_other_family_cannot_be_used() {
        let url = Url::parse("http://127.0.0.1:9/").unwrap();
        let failed = connector(&["::1"]).connect(&url).await.err().unwrap();
        assert!(failed.to_string().contains("no -source-ip is an IPv4 address"), "{failed}");
    }
}
