//! What a number of viewers needs and what this machine has, before a run: the reckoning of `-estimate`. Starts nothing.

use std::fmt;

use crate::limits::{Demand, Limits, Routes};
use crate::plural::{count, viewers};

/// CPU time that a viewer of a usual FFmpeg and its share of `swarm` take while they play 0.9 Mbit/s in segments of 2 s, in
/// milliseconds per second (measured, docs/BENCHMARKS.md; rounded up).
const CPU_MS_PER_VIEWER_S: f64 = 1.2;

/// CPU time that a usual FFmpeg takes to start, in seconds (72 to 80 ms, the same).
const CPU_S_PER_START: f64 = 0.08;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Load {
    /// Viewers.
    pub clients: u32,
    /// Of them started per second.
    pub ramp_rate: f64,
    /// How they reach the origin.
    pub routes: Routes,
    /// What one of them plays, in bits per second at most; `None` where no playlist says it.
    pub bits_per_s: Option<f64>,
}

/// What this machine has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Here {
    /// CPUs that may be used.
    pub cores: f64,
    /// Everything else.
    pub limits: Limits,
}

/// The answer. Its text is a table, and a sentence with what ends first.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    load: Load,
    rows: Vec<Row>,
}

#[derive(Clone, Debug, PartialEq)]
struct Row {
    name: &'static str,
    needed: String,
    here: String,
    enough_for: Option<u64>,
}

impl Estimate {
    /// Reckons.
    pub fn new(load: Load, here: Here) -> Self {
        let viewers = u64::from(load.clients);
        let limits = here.limits;
        let rows = vec![
            row("memory", limits.memory(viewers), gigabytes),
            cpu(viewers, here.cores),
            row("open files", limits.descriptors(viewers, load.routes), whole),
            row("processes", limits.tasks(viewers), whole),
            row("ports", limits.ports(viewers, load.routes), whole),
        ];
        Self { load, rows }
    }

    /// The resource that ends first, and for how many viewers there is enough of it.
    fn ends_first(&self) -> Option<(&'static str, u64)> {
        let limited = self.rows.iter().filter_map(|row| Some((row.name, row.enough_for?)));
        limited.min_by_key(|(_, viewers)| *viewers)
    }
}

fn row(name: &'static str, demand: Demand, show: fn(u64) -> String) -> Row {
    let here = demand.here.map_or_else(|| "no limit".to_owned(), show);
    Row { name, needed: show(demand.needed), here, enough_for: demand.enough_for() }
}

fn cpu(viewers: u64, cores: f64) -> Row {
    let each = CPU_MS_PER_VIEWER_S / 1000.0;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "viewers, not negative")]
    let enough_for = (cores / each) as u64;
    Row {
        name: "CPU, cores",
        needed: format!("{:.2}", viewers as f64 * each),
        here: format!("{cores:.2}"),
        enough_for: Some(enough_for),
    }
}

fn gigabytes(bytes: u64) -> String {
    format!("{:.2} GB", bytes as f64 / 1e9)
}

fn whole(count: u64) -> String {
    count.to_string()
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Load { clients, ramp_rate, bits_per_s, .. } = self.load;
        let title = format!("{} with a usual FFmpeg", viewers(clients));
        writeln!(f, "{title:<34}{:>12}{:>12}  enough for", "needed", "here")?;
        for Row { name, needed, here, enough_for } in &self.rows {
            let enough = enough_for.map_or_else(|| "any number".to_owned(), |enough| count(enough, "viewer"));
            writeln!(f, "  {name:<32}{needed:>12}{here:>12}  {enough}")?;
        }
        let starting = ramp_rate * CPU_S_PER_START;
        writeln!(
            f,
            "  {:<32}{starting:>12.2}{:>12}  while they start, at {ramp_rate} per second",
            "CPU, cores", ""
        )?;
        match bits_per_s {
            Some(each) => {
                let all_mbit = f64::from(clients) * each / 1e6;
                writeln!(
                    f,
                    "  {:<32}{:>12}{:>12}  at most, by BANDWIDTH",
                    "network",
                    format!("{all_mbit:.0} Mbit/s"),
                    ""
                )?;
            }
            None => writeln!(
                f,
                "  {:<32}{:>12}{:>12}  the playlist does not say what it takes",
                "network", "unknown", ""
            )?,
        }
        let all = viewers(clients);
        let (fit, do_not) = if clients == 1 { ("fits", "does not") } else { ("fit", "do not") };
        match self.ends_first() {
            Some((name, enough)) if enough < u64::from(clients) => {
                writeln!(f, "{all} {do_not} fit: {name} ends first, at {enough}.")
            }
            Some((name, enough)) => {
                writeln!(f, "{all} {fit}: {name} would end first, at {enough}.")
            }
            None => writeln!(f, "{all} {fit}."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOAD: Load = Load {
        clients: 1000,
        ramp_rate: 20.0,
        routes: Routes { direct: false, sources: 1 },
        bits_per_s: Some(2_000_000.0),
    };

    fn here(memory_gb: u64) -> Here {
        let limits = Limits {
            descriptors: Some(1_000_000),
            tasks: None,
            memory_bytes: Some(memory_gb * 1_000_000_000),
            ports: Some(28_232),
        };
        Here { cores: 8.0, limits }
    }

    #[test]
    fn what_is_needed_and_what_is_there_stand_side_by_side() {
        let text = Estimate::new(LOAD, here(30)).to_string();
        let words: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        for line in [
            "memory 20.00 GB 30.00 GB 1500 viewers",
            "open files 11128 1000000 90897 viewers",
            "processes 3000 no limit any number",
            "ports 4000 28232 7058 viewers",
            "network 2000 Mbit/s at most, by BANDWIDTH",
            "1000 viewers fit: memory would end first, at 1500.",
        ] {
            assert!(words.contains(&line.split(' ').collect()), "{line} in {text}");
        }
    }

    #[test]
    fn what_does_not_fit_is_said_with_the_number_that_does() {
        let text = Estimate::new(Load { bits_per_s: None, ..LOAD }, here(10)).to_string();
        assert!(text.ends_with("1000 viewers do not fit: memory ends first, at 500.\n"), "{text}");
        assert!(text.contains("the playlist does not say"), "{text}");
    }
}
