//! The real program with real FFmpeg and Nginx, one file per topic.
#![expect(clippy::unwrap_used, reason = "in a test it is the failure")]

mod clips;
mod cmaf;
mod conformance;
mod faults;
mod life;
mod metrics;
mod page;
mod preflight;
mod questions;
mod robustness;
mod seam;
mod serving;
mod support;
mod tls;
mod vod;
