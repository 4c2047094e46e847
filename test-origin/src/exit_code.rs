//! What the exit code says. The only place where the numbers stand.

/// Asked to stop, and everything was ended in good order; or the question (`--check`, `--print-…`) was answered.
pub const OK: u8 = 0;
/// Something failed that should not: a program could not be kept running, or a bug.
pub const INTERNAL: u8 = 1;
/// A flag or a profile is wrong. The same number that clap uses.
pub const USAGE: u8 = 2;
/// This machine is not ready: a program is missing, the port is taken, a directory cannot be written.
pub const PREFLIGHT: u8 = 3;
