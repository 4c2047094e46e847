//! A URL of the server. Pure.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// A URL of the server for a client on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Url<'a> {
    /// HTTPS.
    pub tls: bool,
    /// Where the server listens.
    pub server: SocketAddr,
    /// Begins without a slash.
    pub path: &'a str,
}

impl Url<'_> {
    /// Where to connect to.
    pub fn address(&self) -> SocketAddr {
        let ip = match self.server.ip() {
            ip if !ip.is_unspecified() => ip,
            IpAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        };
        SocketAddr::new(ip, self.server.port())
    }
}

impl fmt::Display for Url<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        write!(f, "{scheme}://{}/{}", self.address(), self.path)
    }
}
