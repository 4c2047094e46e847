//! What packages the programs, against the programs.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod deploy;
mod lab;
mod makefile;
mod nix_files;
mod sandbox;
mod support;
