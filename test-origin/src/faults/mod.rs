//! Misbehaviour on request. What a fault is ([`spec`]), which of them are in force ([`table`], [`active`]), what they
//! do to a request ([`decision`], [`capacity`]), and the small server that answers while there are any ([`upstream`]).
//! A [`desk`] is where all of it comes together.
//!
//! Nginx asks that server only while a fault is in force that concerns requests. It answers with a body of its own
//! where the fault needs one, and else tells Nginx to serve the file as ever (`X-Accel-Redirect`).

pub mod active;
pub mod body;
pub mod capacity;
pub mod decision;
pub mod desk;
pub mod spec;
pub mod table;
pub mod upstream;

pub use active::Active;
pub use desk::Desk;
pub use spec::{Fault, Spec};
