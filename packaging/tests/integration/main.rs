//! What packages the programs against the programs, and the pages for contributors against the tree.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod deploy;
mod lab;
mod makefile;
mod nix_files;
mod pages;
mod sandbox;
mod support;
