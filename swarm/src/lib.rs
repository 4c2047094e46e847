//! `swarm`: load-tests HLS with real FFmpeg viewers.
//!
//! # Theory of operation
//!
//! FFmpeg's HLS demuxer decides what to fetch and when: that is the fidelity. Everything around it is here.
//!
//! 1. [`cli`] turns flags and environment into a [`plan::Plan`] of validated, plain values; [`program`] does what it says.
//! 2. [`preflight`] finds everything that can be known to fail, all at once: the FFmpeg ([`ffmpeg::capabilities`]), the
//!    machine ([`limits`], and [`estimate`] before a run), the ports and files, and the URL itself ([`upstream`], [`playlist`]). What is left is a
//!    command line per stream ([`ffmpeg::command`]).
//! 3. [`dispatcher`] starts viewers as the [`ramp`] says, holds them, and drains them. Who wants another number of
//!    viewers during the run asks it for one: [`stages`], and the search for the limit ([`limit_search`]).
//! 4. Each [`viewer`] keeps one FFmpeg running, as `supervise` lets processes live and die, and reports what happens.
//! 5. [`stats`] adds the reports up, [`generator`] watches the machine that all this runs on, [`origin_metrics`] reads what the
//!    origin says of itself, and [`output`] shows it all: metrics, status, summary, report.
//!
//! Data runs one way: a later stage never reaches back into an earlier one. The run's processes are started and
//! waited for on the main thread, on a single-threaded runtime; the wire, the metrics and the watch over the load box
//! have threads of their own.

#![forbid(unsafe_code)]

pub mod cli;
pub mod compare;
pub mod console;
pub mod dispatcher;
pub mod estimate;
pub mod exit_code;
pub mod ffmpeg;
pub mod generator;
pub mod go_duration;
pub mod health;
pub mod judge;
mod labels;
pub mod limit_run;
pub mod limit_search;
pub mod limits;
pub mod observation;
pub mod origin_metrics;
pub mod output;
pub mod plan;
pub mod playlist;
pub mod plural;
pub mod preflight;
pub mod program;
pub mod proxy;
pub mod ramp;
pub mod redact;
pub mod report_command;
pub mod stages;
pub mod stats;
pub mod threshold;
pub mod upstream;
pub mod verdict;
pub mod viewer;
