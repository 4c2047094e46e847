//! The rules of the verdict: what must hold for a run to be healthy, and for it not to be failing. Each is written as a
//! threshold, so that anybody can use it as one.

use crate::threshold::Threshold;

/// One rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Degraded where it does not hold.
    pub healthy: &'static str,
    /// Failing where it does not hold; `None` where it alone fails nothing.
    pub holding: Option<&'static str>,
    /// Why these numbers.
    pub why: &'static str,
}

/// All rules, those that viewers feel most first: of equally bad findings the first is named first.
pub const RULES: [Rule; 8] = [
    Rule {
        healthy: "rebuffer_ratio<0.2%",
        holding: Some("rebuffer_ratio<1%"),
        why: "viewers who see nothing for 1 % of the time watch 5 % less (Krishnan and Sitaraman, IMC 2012); 0.2 % is a second in eight minutes",
    },
    Rule {
        healthy: "stalled_viewers<5%",
        holding: None,
        why: "one short stall of everybody is small in the ratio, and everybody saw it",
    },
    Rule {
        healthy: "lateness_p95<0.7",
        holding: Some("lateness_p95<1"),
        why: "from 1 on buffers run empty; ExoPlayer plans with 0.7 of the bandwidth that it sees, so an adaptive player goes to a lower variant there",
    },
    Rule {
        healthy: "error_ratio<0.1%",
        holding: Some("error_ratio<1%"),
        why: "a player repeats a request that failed; at 1 % a viewer of 2 s segments meets an error every two minutes",
    },
    Rule {
        healthy: "playlist_age<=1.5td",
        holding: Some("playlist_age<3.5td"),
        why: "a live playlist must gain a segment within 1.5 target durations (RFC 8216bis 6.2.1); ExoPlayer gives up after 3.5",
    },
    Rule {
        healthy: "clients_active_mean>=99%",
        holding: Some("clients_active_mean>=95%"),
        why: "who is missing sees nothing; of a hundred viewers one may be between two processes",
    },
    Rule {
        healthy: "startup_p95<4s",
        holding: Some("startup_p95<10s"),
        why: "from 2 s on viewers leave, 6 % more with each second (Krishnan and Sitaraman, IMC 2012); start-up includes that of FFmpeg",
    },
    Rule { healthy: "restarts<1", holding: None, why: "a player that ended has shown an error" },
];

/// What must hold for a run not to be failing: a search for the limit judges by it when nothing else is given.
pub fn holding() -> Vec<Threshold> {
    let rules = RULES.iter().filter_map(|rule| rule.holding);
    rules.filter_map(|text| Threshold::parse(text).ok()).collect()
}
