//! Makes metrics and registers them, with the prefix that all have.

use prometheus::core::Collector;
use prometheus::{HistogramOpts, Opts, Registry};

/// A registry that is being filled.
pub(super) struct Registrar<'a>(pub(super) &'a Registry);

impl Registrar<'_> {
    /// Registers a metric as soon as it is made; the copy that is returned is the same metric.
    ///
    /// # Errors
    /// When its name is registered already, which a test excludes.
    pub(super) fn add<M: Collector + Clone + 'static>(
        &self,
        made: prometheus::Result<M>,
    ) -> prometheus::Result<M> {
        let metric = made?;
        self.0.register(Box::new(metric.clone()))?;
        Ok(metric)
    }
}

/// Name, without the prefix, and HELP text.
pub(super) fn opts(name: &str, help: &str) -> Opts {
    Opts::new(format!("hlsswarm_{name}"), help)
}

/// The same for a histogram with these upper bounds.
pub(super) fn histogram(name: &str, help: &str, bounds: &[f64]) -> HistogramOpts {
    HistogramOpts::from(opts(name, help)).buckets(bounds.to_vec())
}
