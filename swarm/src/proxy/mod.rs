//! The wire: a forward proxy on the loopback address through which every FFmpeg fetches, and that measures each request.
//!
//! FFmpeg decides what to fetch and when; one connection of an FFmpeg is one connection to an origin, with the same
//! life. [`server`] accepts, [`connection`] answers: the [`ticket`] says who asks, [`mapping`] which URL is meant, the
//! [`catalog`] what kind of thing it is. Playlists are read and rewritten ([`rewrite`]) so that what they name stays on
//! the wire; [`body`] lets everything else stream. Each request is one [`exchange`], which ends as one Observation
//! in the [`recorder`].

pub mod body;
pub mod caching;
pub mod catalog;
pub mod connection;
pub mod cookies;
pub mod exchange;
pub mod mapping;
pub mod open_requests;
pub mod recorder;
pub mod rewrite;
pub mod server;
pub mod ticket;
