//! Whether an origin is on this machine, so that both share its CPUs. Sends nothing.

use std::net::{IpAddr, UdpSocket};
use std::time::Duration;

use tokio::time::timeout;
use url::{Host, Url};

/// A look-up that takes longer says nothing: the run begins without an answer.
const LOOK_UP: Duration = Duration::from_secs(2);

/// True when one of the URLs leads to this machine, or `instead`, where it is given, does. An origin in a container or
/// network namespace of this machine has an address of its own and is not recognized.
pub async fn shares_machine(urls: &[Url], instead: Option<IpAddr>) -> bool {
    if let Some(address) = instead {
        return is_ours(address);
    }
    for url in urls {
        let addresses = match url.host() {
            Some(Host::Ipv4(ip)) => vec![ip.into()],
            Some(Host::Ipv6(ip)) => vec![ip.into()],
            Some(Host::Domain(name)) => look_up(name).await,
            None => Vec::new(),
        };
        if addresses.into_iter().any(is_ours) {
            return true;
        }
    }
    false
}

async fn look_up(name: &str) -> Vec<IpAddr> {
    match timeout(LOOK_UP, tokio::net::lookup_host((name, 0))).await {
        Ok(Ok(addresses)) => addresses.map(|address| address.ip()).collect(),
        _ => Vec::new(),
    }
}

/// Only an address of this machine can be bound.
fn is_ours(address: IpAddr) -> bool {
    address.is_loopback() || UdpSocket::bind((address, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn this_machine_is_recognized_and_others_are_not() {
        let shares = async |url: &str| shares_machine(&[Url::parse(url).unwrap()], None).await;
        assert!(shares("http://127.0.0.1:8080/s.m3u8").await);
        assert!(shares("http://localhost/s.m3u8").await);
        assert!(!shares("http://192.0.2.7/s.m3u8").await);
        let edge = [Url::parse("http://localhost/s.m3u8").unwrap()];
        assert!(!shares_machine(&edge, Some("192.0.2.7".parse().unwrap())).await);
    }
}
