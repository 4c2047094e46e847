//! What the integration tests of both programs share: start a real program, talk to it, end it whatever happens.
//!
//! Everything here panics when something is not as it should be, because a panic is how a test fails. Nothing sleeps
//! to be lucky: [`wait_until`] waits for a condition, and fails when it never comes.

#![forbid(unsafe_code)]
#![expect(
    clippy::missing_panics_doc,
    reason = "a panic is how a test fails, and every function here may fail one"
)]
#![expect(clippy::unwrap_used, reason = "see above")]

pub mod browser;
pub mod http;
pub mod origin;
pub mod process;
pub mod tmux;

use std::io::Write as _;
use std::time::{Duration, Instant};

pub use browser::Browser;
pub use http::{Response, get, get_through, request};
pub use origin::Origin;
pub use process::{Finished, Running, descendants, is_alive, processes_with, send};
pub use tmux::Tmux;

/// Longer than anything takes on a busy machine: having waited for it is a failure.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for a condition.
#[track_caller]
pub fn wait_until(what: &str, is_so: impl FnMut() -> bool) {
    wait_within(PATIENCE, what, is_so);
}

/// Waits for a condition that takes its time.
#[track_caller]
pub fn wait_within(patience: Duration, what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < patience, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Says that a test, or the rest of it, is left out because this machine lacks something. Past the test harness, which
/// hides what passing tests print: a check that was skipped must not read as a pass.
pub fn skipped(why: &str) {
    // In one write: lines of other tests come between.
    std::io::stderr().write_all(format!("skipped: {why}\n").as_bytes()).unwrap();
}
