//! The wire: a forward proxy on the loopback address through which every FFmpeg fetches, and that measures each request.
//!
//! FFmpeg decides what to fetch and when; one connection of an FFmpeg is one connection to an origin, with the same
//! life. [`server`] accepts, [`connection`] answers: the [`ticket`] says who asks, [`mapping`] which URL is meant, the
//! [`catalog`] what kind of thing it is. Playlists are read and rewritten ([`rewrite`]) so that what they name stays on
//! the wire; a [`relay`] passes everything else on. Each request is one [`exchange`], which ends as one Observation
//! in the [`recorder`].
//!
//! HTTP/1.1 is spoken here and not in a library: [`client`] and [`origin`] are the two ends; [`head`], [`body_length`] and
//! [`chunked`] are pure. So a body can be moved by the kernel ([`pipe`]), and a connection is one task.

pub mod body;
pub mod body_length;
pub mod caching;
pub mod catalog;
pub mod chunked;
pub mod client;
pub mod connection;
pub mod content;
pub mod cookies;
pub mod exchange;
pub mod fetch;
pub mod fields;
pub mod head;
pub mod mapping;
pub mod open_requests;
pub mod origin;
#[cfg_attr(not(target_os = "linux"), path = "no_pipe.rs")]
pub mod pipe;
pub mod recorder;
pub mod redirects;
pub mod relay;
pub mod rewrite;
pub mod server;
pub mod silence;
pub mod ticket;
