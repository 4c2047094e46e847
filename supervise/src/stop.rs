//! Being asked to stop: SIGINT, SIGTERM or SIGHUP, first and later times. Reacts to nothing itself.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// How urgently we were asked. The urgency is a type, so that no caller counts signals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The first signal: end in good order, and report.
    Gracefully,
    /// Any later one: end at once.
    AtOnce,
}

/// The stream of requests to stop.
#[derive(Debug)]
pub struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
    asked_before: bool,
}

impl StopSignals {
    /// From now on these signals no longer end the process by themselves.
    ///
    /// # Errors
    /// When the operating system refuses a handler, or outside a Tokio runtime with I/O.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            asked_before: false,
        })
    }

    /// Waits for the next request. Cancel-safe.
    pub async fn next(&mut self) -> Stop {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hangup.recv() => {}
        }
        let urgency = if self.asked_before { Stop::AtOnce } else { Stop::Gracefully };
        self.asked_before = true;
        urgency
    }
}
