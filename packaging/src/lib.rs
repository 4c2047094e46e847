//! Nothing but tests, in `tests/integration`: whether Nix files, images, workflows and the Makefile say what the programs
//! know, and whether the pages for contributors name what is in the tree. A wrapper that passes a flag of yesterday is
//! found here, without Nix.

#![forbid(unsafe_code)]
