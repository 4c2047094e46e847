//! Nothing but tests, in `tests/integration`: whether Nix files, images, workflows and the Makefile say what the programs
//! know. A wrapper that passes a flag of yesterday is found here, without Nix.

#![forbid(unsafe_code)]
