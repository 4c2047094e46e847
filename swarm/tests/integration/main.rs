//! The real program with real FFmpeg and Nginx, one file per topic. `HLSSWARM_FFMPEG` chooses another FFmpeg.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod certificates;
mod dashboard;
mod documentation;
mod formats;
mod generator;
mod interface;
mod judging;
mod limit;
mod observing;
mod origin_metrics;
mod page;
mod playing;
mod preflight;
mod prometheus;
mod reports;
mod restarting;
mod rogues;
mod same_numbers;
mod same_story;
mod shapes;
mod steering;
mod stopping;
mod support;
mod tls;
mod wire;
