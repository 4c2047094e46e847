//! The load box: whether this machine still kept up, second by second. A second in which it did not says nothing about
//! the origin.
//!
//! [`Machine`] reads `/proc`, `/sys` and the control group once per second on a thread of its own ([`Watch`]);
//! two readings make a [`Sample`], a pure value; [`rules`] judge it. Everything that a machine does not have is `None`,
//! never zero: elsewhere than on Linux nearly all of it.
//!
//! Owns no part of the run: it never slows, stops or steers it.

pub mod rules;

mod control_group;
mod cpu;
mod lag;
mod living;
mod machine;
mod memory;
mod neighbour;
mod network;
mod processes;
mod resource;
mod sample;
mod snapshot;
mod sockets;
mod starts;
mod watch;

pub use lag::Lag;
pub use machine::Machine;
pub use neighbour::shares_machine;
pub use resource::Resource;
pub use sample::Sample;
pub use snapshot::{GeneratorSnapshot, Saturated};
pub use sockets::local_ports;
pub use starts::Starts;
pub use watch::{Sources, Watch};
