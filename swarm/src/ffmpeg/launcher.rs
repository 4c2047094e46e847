//! Everything about a viewer's FFmpeg that stays the same over a run; what differs is the stream and whose it is.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use supervise::CommandLine;
use url::Url;

use super::command::{Route, View, command};
use super::{Analysis, Capabilities};
use crate::observation::Kind;
use crate::plan::{Pace, Request};
use crate::proxy::server::Addresses;
use crate::proxy::ticket::{Ticket, Token};

/// Makes the command line of each process.
#[derive(Debug)]
pub struct Launcher {
    /// The program.
    pub ffmpeg: Capabilities,
    /// Headers of every request.
    pub request: Request,
    /// How fast viewers read.
    pub pace: Pace,
    /// Whether certificates are checked, where FFmpeg does it.
    pub verify_tls: bool,
    /// How long a viewer waits for a connection, or on a silent one.
    pub timeout: Duration,
    /// Further options of every FFmpeg, before its input.
    pub options: Vec<String>,
    /// A short look at the streams turned out to be too short.
    pub looks_longer: AtomicBool,
    /// The proxy's addresses and secret; `None` where FFmpegs fetch by themselves.
    pub wire: Option<(Addresses, Token)>,
}

/// One thing to play.
#[derive(Clone, Debug, PartialEq)]
pub struct Stream {
    /// Its playlist.
    pub url: Url,
    /// Whether that is a master or a media playlist.
    pub kind: Kind,
    /// FFmpeg's program number; `None` plays everything.
    pub program: Option<usize>,
    /// In seconds.
    pub target_duration_s: f64,
    /// It is a VOD: exit code 0 is a complete view.
    pub can_complete: bool,
}

impl Launcher {
    /// How far a process that starts now looks at its stream.
    pub fn analysis(&self) -> Analysis {
        if self.looks_longer.load(Ordering::Relaxed) { Analysis::Full } else { Analysis::Short }
    }

    /// A short look did not tell what is in a stream: all processes that start from now on look longer. True the first
    /// time.
    pub fn look_longer(&self) -> bool {
        !self.looks_longer.swap(true, Ordering::Relaxed)
    }

    /// The command of one process of one viewer.
    pub fn command(&self, stream: &Stream, ticket: Ticket, analysis: Analysis) -> CommandLine {
        let stamp = self.wire.as_ref().map(|(_, token)| token.stamp(ticket));
        let route = match (&self.wire, &stamp) {
            (Some((proxies, _)), Some(stamp)) => Route::Wire { proxy: proxies.of(ticket.viewer), stamp },
            _ => Route::Direct { verify_tls: self.verify_tls },
        };
        let view = View {
            url: &stream.url,
            program: stream.program,
            target_duration_s: stream.target_duration_s,
            request: &self.request,
            pace: self.pace,
            timeout: self.timeout,
            analysis,
            options: &self.options,
            route,
        };
        command(&self.ffmpeg, &view)
    }
}
