//! A live HLS origin on one machine: FFmpeg makes the stream, Nginx serves it, one command starts and stops both.
//!
//! # Theory of operation
//!
//! A [`profile`] says as data what the stream looks like. From it follow, by pure functions, the command lines of
//! [`encoder`], the text of [`nginx`]'s configuration and of the [`master_playlist`]. Every variant is encoded once
//! into a [`clip`] in a cache, and the clip is then repeated with stream copy: a real stream at next to no cost. The
//! clip is so long that whole AAC frames and whole segments fill it, so that time stamps run on over the seam. Of a
//! stream that ends the clip is all there is: it is cut into segments once ([`vod`]), and FFmpeg is not needed again.
//!
//! A run happens in a [`run_dir`] of its own: FFmpeg writes segments there, Nginx serves them from there, and the
//! directory goes when the run ends. On the healthy path a request touches Nginx and the file only. What the program
//! itself does meanwhile is: look whether the playlists still grow and the disk has room ([`freshness`], [`room`];
//! `/healthz` follows from a marker file), restart what died, and wait to be asked to stop. Which of these is due is decided by [`origin`], a pure
//! state machine from events to actions; [`serve`] collects the events and carries out the actions.
//!
//! The URL is told only when the stream was played through Nginx ([`readiness`]), over HTTPS where that is served:
//! [`client`] then trusts exactly the [`certificate`] that Nginx was given.
//!
//! On request the origin misbehaves ([`faults`]): a process is stopped, or Nginx asks a small server of ours about every
//! request for the stream. Faults are asked for on the command line, and at run time through the [`admin`] server, to
//! which [`asking`] is the client.
//!
//! All processes are [`supervise`]'s: they lead their own groups, end by a ladder of signals, and die with us even
//! when we are killed.
//!
//! Modules in reading order: [`profile`], [`catalog`], [`plan`], [`cli`], [`h264_level`], [`codec`], [`encoder`],
//! [`recipe`], [`master_playlist`], [`sizes`], [`nginx`], [`certificate`], [`run_dir`], [`process`], [`encoding`],
//! [`seal`], [`clip`], [`vod`], [`progress`], [`neighbour`], [`preflight`], [`freshness`], [`room`], [`client`], [`readiness`], [`numbering`],
//! [`faults`], [`origin`], [`slot`], [`serve`], [`answer`], [`request_log`],
//! [`cpu`], [`metrics`], [`state`], [`admin`], [`asking`], [`questions`], [`account`],
//! [`log`], [`exit_code`].
#![forbid(unsafe_code)]

pub mod account;
pub mod admin;
pub mod answer;
pub mod asking;
pub mod catalog;
pub mod certificate;
pub mod cli;
pub mod client;
pub mod clip;
pub mod codec;
pub mod cpu;
pub mod encoder;
pub mod encoding;
pub mod exit_code;
pub mod faults;
pub mod freshness;
pub mod h264_level;
pub mod log;
pub mod master_playlist;
pub mod metrics;
pub mod neighbour;
pub mod nginx;
pub mod numbering;
pub mod origin;
pub mod plan;
pub mod preflight;
pub mod process;
pub mod profile;
pub mod progress;
pub mod questions;
pub mod readiness;
pub mod recipe;
pub mod request_log;
pub mod room;
pub mod run_dir;
pub mod seal;
pub mod serve;
pub mod sizes;
pub mod slot;
pub mod state;
pub mod vod;
