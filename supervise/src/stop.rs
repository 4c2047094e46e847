//! Being asked to stop: SIGINT, SIGTERM, SIGHUP or a [`StopButton`], first and later times. Reacts to nothing itself.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

/// Presses that are kept until they are looked at. Two say all there is to say: gracefully, then at once.
const MOST_PRESSES: usize = 2;

/// How urgently we were asked. The urgency is a type, so that no caller counts signals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The first request: end in good order, and report.
    Gracefully(By),
    /// Any later one: end at once.
    AtOnce,
}

/// Who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// A signal.
    Signal,
    /// A [`StopButton`].
    Button,
}

/// The stream of requests to stop.
#[derive(Debug)]
pub struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
    button: StopButton,
    presses: mpsc::Receiver<()>,
    asked_before: bool,
}

/// Asks to stop as a signal does, for who reads keys. Cloning shares it.
#[derive(Clone, Debug)]
pub struct StopButton(mpsc::Sender<()>);

impl StopButton {
    /// Asks once. Never waits.
    pub fn press(&self) {
        // Full, it has been pressed as often as matters; closed, nobody is left who could stop.
        self.0.try_send(()).unwrap_or_default();
    }
}

impl StopSignals {
    /// From now on these signals no longer end the process by themselves.
    ///
    /// # Errors
    /// When the operating system refuses a handler, or outside a Tokio runtime with I/O.
    pub fn listen() -> io::Result<Self> {
        let (sender, presses) = mpsc::channel(MOST_PRESSES);
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            button: StopButton(sender),
            presses,
            asked_before: false,
        })
    }

    /// What asks to stop without a signal.
    pub fn button(&self) -> StopButton {
        self.button.clone()
    }

    /// Waits for the next request. Cancel-safe.
    pub async fn next(&mut self) -> Stop {
        let by = tokio::select! {
            _ = self.interrupt.recv() => By::Signal,
            _ = self.terminate.recv() => By::Signal,
            _ = self.hangup.recv() => By::Signal,
            _ = self.presses.recv() => By::Button,
        };
        let urgency = if self.asked_before { Stop::AtOnce } else { Stop::Gracefully(by) };
        self.asked_before = true;
        urgency
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_button_asks_as_signals_do_first_gracefully_then_at_once() {
        let mut stop = StopSignals::listen().unwrap();
        let button = stop.button();
        for _ in 0..5 {
            button.press();
        }
        assert_eq!([stop.next().await, stop.next().await], [Stop::Gracefully(By::Button), Stop::AtOnce]);
    }
}
