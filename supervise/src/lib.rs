//! How the child processes of `swarm` and `test-origin` live and die.
//!
//! # Theory of operation
//!
//! A [`CommandLine`] is a plain, comparable value: it can be built by a pure function, printed for a human and
//! tested without running anything. [`Child::spawn`] is the one place that turns it into a process, and
//! [`Child`] is the one place that sends signals:
//!
//! - every child leads its own process group, so that a Ctrl-C on the terminal reaches only us, and what a child
//!   forked (nginx workers, a wrapper script's program) ends with it;
//! - every child asks the kernel to be signalled when we die ([`ParentDeath`]), so that even a SIGKILL of ours
//!   leaves no orphan (Linux);
//! - a child is ended by a [`Ladder`]: SIGTERM, SIGTERM again, SIGKILL.
//!
//! What a child says on stderr is kept in a bounded [`Tail`], for telling a human why it died; nothing is ever
//! measured from it. When it may start again is a [`Backoff`], a pure iterator of delays. When we ourselves are
//! asked to stop, [`StopSignals`] says so, first and second time.
//!
//! Modules in reading order: [`command_line`], [`child`], [`tail`], [`backoff`], [`capture`](mod@capture), [`stop`],
//! [`program`].

pub mod backoff;
pub mod capture;
pub mod child;
pub mod command_line;
pub mod program;
pub mod stop;
pub mod tail;

pub use backoff::Backoff;
pub use capture::{Captured, capture};
pub use child::{Child, Exit, Ladder, ParentDeath, Streams, Termination};
pub use command_line::CommandLine;
pub use stop::{By, Stop, StopButton, StopSignals};
pub use tail::Tail;
