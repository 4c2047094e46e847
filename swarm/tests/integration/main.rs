//! The real program with real FFmpeg and Nginx, one file per topic. `HLSSWARM_FFMPEG` chooses another FFmpeg.

mod documentation;
mod interface;
mod playing;
mod preflight;
mod restarting;
mod stopping;
mod support;
