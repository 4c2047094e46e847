//! The viewers' tasks, each with its number, which a task that a panic ended cannot tell any more. Decides nothing.

use std::collections::HashMap;

use tokio::task::{Id, JoinError, JoinSet};

use crate::viewer::Gone;

/// All tasks that have not been joined.
#[derive(Debug, Default)]
pub(super) struct Crew {
    tasks: JoinSet<Gone>,
    numbers: HashMap<Id, u32>,
}

/// A task that is over.
#[derive(Debug)]
pub(super) enum Over {
    /// It said so itself.
    Gone(Gone),
    /// The viewer of this number panicked with this text.
    Lost(u32, String),
}

impl Crew {
    pub(super) fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    pub(super) fn spawn(&mut self, number: u32, viewer: impl Future<Output = Gone> + Send + 'static) {
        let task = self.tasks.spawn(viewer);
        self.numbers.insert(task.id(), number);
    }

    /// The next one that is over; `None` when there is none. Cancel-safe.
    pub(super) async fn next_over(&mut self) -> Option<Over> {
        match self.tasks.join_next_with_id().await? {
            Ok((task, gone)) => {
                self.numbers.remove(&task);
                Some(Over::Gone(gone))
            }
            Err(lost) => {
                let number = self.numbers.remove(&lost.id())?;
                Some(Over::Lost(number, panic_text(lost)))
            }
        }
    }

    /// Ends all of them at once, and with them their processes.
    pub(super) async fn shutdown(&mut self) {
        self.tasks.shutdown().await;
    }
}

fn panic_text(lost: JoinError) -> String {
    match lost.try_into_panic() {
        Ok(panic) => match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
            (Some(text), _) => (*text).to_owned(),
            (None, Some(text)) => text.clone(),
            (None, None) => "it does not say what".to_owned(),
        },
        Err(cancelled) => cancelled.to_string(),
    }
}
