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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_becomes_a_url_that_works_on_this_machine() {
        for (address, expected) in [
            ("127.0.0.1:8080", "127.0.0.1:8080/a"),
            ("0.0.0.0:80", "127.0.0.1:80/a"),
            ("[::1]:8080", "[::1]:8080/a"),
            ("[::]:8080", "[::1]:8080/a"),
            ("192.0.2.7:99", "192.0.2.7:99/a"),
        ] {
            let url = |tls| Url { tls, server: address.parse().unwrap(), path: "a" }.to_string();
            assert_eq!(
                (url(false), url(true)),
                (format!("http://{expected}"), format!("https://{expected}"))
            );
        }
    }
}
