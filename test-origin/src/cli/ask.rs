//! The commands that ask an origin that runs: `fault` and `health`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::asking::{Asking, Question};

/// Ask an origin that runs.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make an origin that runs misbehave, and stop it
    Fault {
        /// What to do.
        #[command(subcommand)]
        what: Fault,
    },
    /// Exit with 0 when the origin that runs is healthy, else with 1: for containers
    Health {
        /// Which one.
        #[command(flatten)]
        which: Which,
    },
}

/// What to do about faults.
#[derive(Debug, Subcommand)]
pub(super) enum Fault {
    /// Begin faults; their times count from now
    Add {
        /// KIND[=VALUE][@BEGIN[+LENGTH]], such as errors=20%:503@0s+10s
        #[arg(required = true, value_name = "SPEC")]
        specs: Vec<String>,
        /// Which one.
        #[command(flatten)]
        which: Which,
    },
    /// List the faults that are not over
    List {
        /// Which one.
        #[command(flatten)]
        which: Which,
    },
    /// End all faults, or those of these numbers
    Clear {
        /// As `fault list` tells them
        #[arg(value_name = "ID")]
        ids: Vec<u32>,
        /// Which one.
        #[command(flatten)]
        which: Which,
    },
}

/// Which origin.
#[derive(Debug, Args)]
pub(super) struct Which {
    /// Its admin address [default: that of the only one that runs here]
    #[arg(long, value_name = "ADDR", env = "HLSORIGIN_ADMIN")]
    admin: Option<SocketAddr>,

    /// Where its run directory is [default: looked for in /dev/shm and the temporary folder]
    #[arg(long, value_name = "DIR", env = "HLSORIGIN_DIR")]
    dir: Option<PathBuf>,
}

impl Command {
    /// What is asked of whom.
    pub(super) fn into_asking(self) -> Asking {
        let (question, which) = match self {
            Self::Health { which } => (Question::Health, which),
            Self::Fault { what: Fault::Add { specs, which } } => (Question::AddFaults(specs), which),
            Self::Fault { what: Fault::List { which } } => (Question::ListFaults, which),
            Self::Fault { what: Fault::Clear { ids, which } } => (Question::ClearFaults(ids), which),
        };
        // Port 0 asks the origin to pick one, and tells nobody which.
        Asking { question, admin: which.admin.filter(|admin| admin.port() != 0), dir: which.dir }
    }
}
