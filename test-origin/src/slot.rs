//! A place that a process has in the run, whether it runs or not. Starts and ends none.

use std::time::Instant;

use nix::sys::signal::Signal;

use crate::process::Process;

/// A place for a process.
#[derive(Debug)]
pub enum Slot {
    /// It runs.
    Running(Box<Process>),
    /// It could not be started.
    Failed(String),
    /// It is to start then.
    Due(Instant),
    /// None is to run: its work is done, or a fault forbids it.
    Empty,
}

/// What a slot has to tell.
#[derive(Debug)]
pub enum News {
    /// How its process ended, or why it could not even be started.
    Ended(String),
    /// Its time to be started has come.
    Due,
}

impl Slot {
    /// Takes the process out, if one runs. Nothing is due in the slot after that.
    pub fn empty(&mut self) -> Option<Process> {
        match std::mem::replace(self, Self::Empty) {
            Self::Running(process) => Some(*process),
            Self::Failed(_) | Self::Due(_) | Self::Empty => None,
        }
    }

    /// The process' id, if one runs.
    pub fn id(&self) -> Option<i32> {
        if let Self::Running(process) = self { Some(process.id()) } else { None }
    }

    /// Sends the process a signal that is not meant to end it, if one runs.
    pub fn notify(&self, signal: Signal) {
        if let Self::Running(process) = self {
            process.notify(signal);
        }
    }

    /// Waits for the next news. Cancel-safe; the slot must be refilled after each.
    pub async fn news(&mut self) -> News {
        match self {
            Self::Running(process) => News::Ended(match process.ended().await {
                Ok(ended) => ended.to_string(),
                Err(error) => error.to_string(),
            }),
            Self::Failed(reason) => News::Ended(format!("it cannot be started: {reason}")),
            Self::Due(at) => {
                tokio::time::sleep_until((*at).into()).await;
                News::Due
            }
            Self::Empty => std::future::pending().await,
        }
    }
}
