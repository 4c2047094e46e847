//! What stands beside the viewers of a run: the wire that measures, the watch over the load box, the origin's own figures.

use std::sync::Arc;

use anyhow::Context as _;

use crate::ffmpeg::Stream;
use crate::generator::{Lag, Machine, Sources, Watch, shares_machine};
use crate::origin_metrics::Scraper;
use crate::output::metrics::Metrics;
use crate::plan::Plan;
use crate::proxy::catalog::Catalog;
use crate::proxy::connection::Shared;
use crate::proxy::recorder::Recorder;
use crate::proxy::server::Server;
use crate::proxy::ticket::Token;
use crate::upstream::Connector;

/// A proxy that measures, while it lives.
pub(super) struct RunningWire {
    pub(super) server: Server,
    pub(super) token: Token,
    pub(super) recorder: Arc<Recorder>,
}

pub(super) fn start_wire(
    plan: &Plan,
    connector: Connector,
    streams: &[Stream],
    metrics: &Metrics,
) -> anyhow::Result<RunningWire> {
    let token = Token::random().context("failed to make a secret for the wire")?;
    let recorder =
        Arc::new(Recorder::new(plan.clients, metrics.wire().context("failed to register metrics")?));
    let catalog = Catalog::new(plan.variant);
    for stream in streams {
        catalog.expect(&stream.url, stream.kind);
    }
    let shared = Shared { token: token.clone(), catalog, recorder: Arc::clone(&recorder), connector };
    let server = Server::start(shared, plan.clients).context("failed to start the wire")?;
    tracing::debug!("the wire listens on {:?}", server.addresses());
    Ok(RunningWire { server, token, recorder })
}

/// Reads the origin's own metrics from now on, where they were asked for.
pub(super) fn scrape_origin(plan: &Plan, connector: &Connector) -> anyhow::Result<Option<Scraper>> {
    let urls = plan.origin_metrics.clone();
    let scraper = (!urls.is_empty()).then(|| Scraper::start(urls, connector));
    scraper.transpose().context("failed to start the reading of the origin's metrics")
}

/// Watches the load box from now on.
pub(super) async fn watch_generator(
    plan: &Plan,
    metrics: &Metrics,
    wire: Option<&RunningWire>,
) -> anyhow::Result<Arc<Watch>> {
    let lag = Lag::default();
    lag.watch(&tokio::runtime::Handle::current());
    if let Some(wire) = wire {
        lag.watch(wire.server.runtime());
    }
    let watch = Watch::start(Sources {
        machine: Machine::this(),
        lag,
        starts: wire.map(|wire| Arc::clone(&wire.recorder.starts)),
        shared_with_origin: shares_machine(&plan.urls, plan.resolve).await,
        metrics: metrics.generator().context("failed to register metrics")?,
    });
    watch.map(Arc::new).context("failed to watch the load box")
}
