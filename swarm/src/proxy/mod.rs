//! The wire: what stands between FFmpeg and the origin. Pure modules first; nothing here decides what is fetched.

pub mod mapping;
pub mod rewrite;
