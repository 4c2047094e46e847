//! What we know of FFmpeg: what this build can do, how it is called, what it tells us while it runs and when it dies.

pub mod analysis;
pub mod capabilities;
pub mod command;
pub mod failure;
pub mod launcher;
pub mod progress;

pub use analysis::Analysis;
pub use capabilities::Capabilities;
pub use launcher::{Launcher, Stream};
