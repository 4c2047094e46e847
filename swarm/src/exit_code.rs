//! What the process's exit code tells the caller. The only place that knows the numbers.

/// Exit codes, as scripts and CI rely on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// The run finished, also after a first SIGINT or SIGTERM, which drains and reports.
    Finished = 0,
    /// A fault in `swarm` itself.
    Internal = 1,
    /// The command line or environment is wrong; nothing was started.
    Usage = 2,
    /// The machine, FFmpeg or the URL cannot carry the run; nothing was started.
    Preflight = 3,
    /// The run took place, but no viewer ever received media.
    NothingPlayed = 4,
    /// The run took place, and crossed a threshold.
    ThresholdCrossed = 99,
    /// A second signal ended the run at once.
    Killed = 130,
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        (code as u8).into()
    }
}
