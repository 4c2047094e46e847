//! `swarm health`: asks the swarm that runs beside it whether it is well, for containers that have no curl. Never looks
//! at what the answer says: its status is the answer.

use std::ffi::OsString;
use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use crate::cli;
use crate::console;
use crate::exit_code::ExitCode;

/// The server has a thread of its own and answers from memory: what takes longer than this hangs.
const PATIENCE: Duration = Duration::from_secs(5);

/// `HTTP/1.1 200` is 12 bytes, and all that counts.
const STATUS_LINE_START: usize = 12;

/// Prints a word, and says how to exit: 0 when a swarm answers that it is well, 1 when not. `args` may be one address,
/// as `-metrics` takes it; else the variable of that flag counts, and then the flag's default.
pub fn ask(args: &[OsString]) -> ExitCode {
    let text = match args {
        [] => cli::metrics_default(),
        [address] => address.to_string_lossy().into_owned(),
        _ => return console::complain("health: at most one address may follow", ExitCode::Usage),
    };
    let address = match cli::parse_address(&text) {
        Ok(Some(address)) => to_reach(address),
        Ok(None) => {
            return console::complain("health: the metrics are off, so nobody can be asked", ExitCode::Usage);
        }
        Err(mistake) => return console::complain(format!("health: {mistake}"), ExitCode::Usage),
    };
    match is_well(address) {
        Ok(true) => console::answer("ok\n"),
        Ok(false) => console::complain(format!("what listens on {address} is not well"), ExitCode::Internal),
        Err(error) => {
            console::complain(format!("no swarm answers on {address}: {error}"), ExitCode::Internal)
        }
    }
}

/// "Every address" is one to listen on, not one to call.
fn to_reach(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

fn is_well(address: SocketAddr) -> io::Result<bool> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(stream, "GET /healthz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
    let mut start = [0; STATUS_LINE_START];
    stream.read_exact(&mut start)?;
    Ok(start.ends_with(b" 200"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_is_asked_on_this_machine() {
        assert_eq!(to_reach("0.0.0.0:9".parse().unwrap()), "127.0.0.1:9".parse().unwrap());
        assert_eq!(to_reach("[::]:9".parse().unwrap()), "[::1]:9".parse().unwrap());
        assert_eq!(to_reach("192.0.2.1:9".parse().unwrap()), "192.0.2.1:9".parse().unwrap());
    }
}
