//! The faults that are in force at a moment, and what they ask of the two processes. Pure.

use std::time::Duration;

use super::spec::{Fault, Share};

/// The faults in force: of each kind at most one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Active {
    /// The encoder stands still.
    pub freeze: bool,
    /// Nobody listens.
    pub outage: bool,
    /// Share of requests, and their status.
    pub errors: Option<(Share, u16)>,
    /// Share of segments.
    pub missing: Option<Share>,
    /// Bytes per second of a body.
    pub slow: Option<u64>,
    /// Before the first byte.
    pub latency: Option<Duration>,
    /// Share of segments' bodies.
    pub truncate: Option<Share>,
    /// The variant's folder.
    pub stale_variant: Option<String>,
    /// Segments more.
    pub sequence_jump: Option<u32>,
    /// The other port.
    pub redirect: Option<u16>,
    /// Viewers.
    pub capacity: Option<u32>,
}

/// What Nginx's configuration and both processes must be like under the faults in force.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The encoder is stopped.
    pub frozen: bool,
    /// Nginx does not run.
    pub out: bool,
    /// Nginx asks our own server about every request for the stream.
    pub routed: bool,
    /// Nginx listens on this port, too.
    pub redirect: Option<u16>,
}

impl Active {
    /// Adds one more.
    pub fn add(&mut self, fault: &Fault) {
        match fault {
            Fault::Freeze => self.freeze = true,
            Fault::Outage => self.outage = true,
            Fault::Errors { share, status } => self.errors = Some((*share, *status)),
            Fault::Missing { share } => self.missing = Some(*share),
            Fault::Slow { bytes_per_second } => self.slow = Some(*bytes_per_second),
            Fault::Latency { pause } => self.latency = Some(*pause),
            Fault::Truncate { share } => self.truncate = Some(*share),
            Fault::StaleVariant { name } => self.stale_variant = Some(name.clone()),
            Fault::SequenceJump { by } => self.sequence_jump = Some(*by),
            // A moment, and never in force.
            Fault::Discontinuity => {}
            Fault::Redirect { port } => self.redirect = *port,
            Fault::Capacity { viewers } => self.capacity = Some(*viewers),
        }
    }

    /// What has to be so now.
    pub fn standing(&self) -> Standing {
        let processes_only = Self { freeze: self.freeze, outage: self.outage, ..Self::default() };
        Standing {
            frozen: self.freeze,
            out: self.outage,
            routed: *self != processes_only,
            redirect: self.redirect,
        }
    }
}

impl Fault {
    /// Whether Nginx has to ask our own server for it.
    pub fn is_routed(&self) -> bool {
        let mut alone = Active::default();
        alone.add(self);
        // That of a redirect whose port is not picked yet cannot be told from none.
        alone.standing().routed || matches!(self, Self::Redirect { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_go_astray_only_for_faults_that_concern_them() {
        let standing = |specs: &[&str]| {
            let mut active = Active::default();
            for spec in specs {
                active.add(&spec.parse().unwrap());
            }
            active.standing()
        };
        assert_eq!(standing(&[]), Standing::default());
        assert_eq!(
            standing(&["freeze", "outage", "discontinuity"]),
            Standing { frozen: true, out: true, ..Standing::default() }
        );
        for spec in [
            "errors=1%:500",
            "missing=1%",
            "slow=1kB/s",
            "latency=1s",
            "truncate=1%",
            "stale-variant=a",
            "sequence-jump=1",
            "capacity=1",
        ] {
            assert_eq!(standing(&[spec]), Standing { routed: true, ..Standing::default() }, "{spec}");
        }
        let redirect = Standing { routed: true, redirect: Some(99), ..Standing::default() };
        assert_eq!(standing(&["redirect=99"]), redirect);
    }
}
