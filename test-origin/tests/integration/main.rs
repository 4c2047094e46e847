//! The real program with real FFmpeg and Nginx, one file per topic.

mod clips;
mod life;
mod preflight;
mod questions;
mod seam;
mod serving;
mod support;
