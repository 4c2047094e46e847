//! The proxy alone, for measuring what it costs: prints its address and the header that a client must send, and runs
//! until its standard input ends. Used by bench/wire.py.

#![forbid(unsafe_code)]

use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use swarm::output::metrics::Metrics;
use swarm::plan::VariantMode;
use swarm::proxy::catalog::Catalog;
use swarm::proxy::connection::Shared;
use swarm::proxy::recorder::Recorder;
use swarm::proxy::server::Server;
use swarm::proxy::ticket::{HEADER, Ticket, Token};
use swarm::upstream::{Connector, client_config};

fn main() -> anyhow::Result<()> {
    let token = Token::random()?;
    let stamp = token.stamp(Ticket { viewer: 0, session: 0 });
    let recorder = Arc::new(Recorder::new(1, Metrics::new("none")?.wire()?));
    let connector = Connector {
        address: None,
        sources: Arc::default(),
        tls: client_config(true)?,
        timeout: Duration::from_secs(15),
    };
    let catalog = Catalog::new(VariantMode::All);
    let server = Server::start(Shared { token, catalog, recorder, connector }, 1)?;
    println!("{}", server.addresses().of(0));
    println!("{HEADER}: {stamp}");
    std::io::stdin().read_to_end(&mut Vec::new()).context("failed to wait for the end of the input")?;
    Ok(())
}
