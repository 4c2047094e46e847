//! How a fault and its times are written: `errors=20%:503@30s+10s`. Reads it, tells what is wrong with it, and writes it
//! again. Pure.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::{Fault, Share, Spec};

/// Why a text is no fault: a sentence without its subject.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Misspelt(String);

impl FromStr for Spec {
    type Err = Misspelt;

    fn from_str(text: &str) -> Result<Self, Misspelt> {
        let (fault, schedule) = parted(text, '@');
        let fault: Fault = fault.parse()?;
        let (begins, lasts) = match schedule {
            None => (Duration::ZERO, None),
            Some(schedule) => self::schedule(schedule)?,
        };
        if fault == Fault::Discontinuity && lasts.is_some() {
            return Err(wrong("happens at one moment: leave the +DURATION out"));
        }
        Ok(Self { fault, begins, lasts })
    }
}

/// What stands before a mark, and what stands behind it where there is one.
fn parted(text: &str, mark: char) -> (&str, Option<&str>) {
    text.split_once(mark).map_or((text, None), |(before, behind)| (before, Some(behind)))
}

fn schedule(text: &str) -> Result<(Duration, Option<Duration>), Misspelt> {
    let (begins, lasts) = parted(text, '+');
    let lasts = lasts.map(duration).transpose()?;
    if lasts == Some(Duration::ZERO) {
        return Err(wrong("lasts no time: give more than 0s behind the +"));
    }
    Ok((duration(begins)?, lasts))
}

impl FromStr for Fault {
    type Err = Misspelt;

    fn from_str(text: &str) -> Result<Self, Misspelt> {
        let (kind, value) = parted(text, '=');
        // One that is not in the list would have no metric and no row in the documentation.
        let is_none = || {
            let kinds = Self::KINDS.join(", ");
            wrong(&format!(
                "is none of the faults: write KIND or KIND=VALUE, and choose the kind from {kinds}"
            ))
        };
        if !Self::KINDS.contains(&kind) {
            return Err(is_none());
        }
        let needed = |example: &str| value.ok_or_else(|| wrong(&format!("needs a value: {kind}={example}")));
        let fault = match kind {
            "freeze" => Self::Freeze,
            "outage" => Self::Outage,
            "discontinuity" => Self::Discontinuity,
            "errors" => {
                let (share, status) = needed("20%:503")?
                    .split_once(':')
                    .ok_or_else(|| wrong("needs a share and a status: errors=20%:503"))?;
                Self::Errors { share: self::share(share)?, status: number(status, 400, 599, "status")? }
            }
            "missing" => Self::Missing { share: share(needed("10%")?)? },
            "truncate" => Self::Truncate { share: share(needed("5%")?)? },
            "slow" => Self::Slow { bytes_per_second: rate(needed("500kB/s")?)? },
            "latency" => Self::Latency { pause: pause(needed("300ms")?)? },
            "stale-variant" => Self::StaleVariant { name: needed("NAME")?.to_owned() },
            "sequence-jump" => {
                let value = needed("+5")?;
                Self::SequenceJump { by: number(value.strip_prefix('+').unwrap_or(value), 1, 1000, "jump")? }
            }
            "redirect" => {
                Self::Redirect { port: value.map(|port| number(port, 1, u16::MAX, "port")).transpose()? }
            }
            "capacity" => {
                let value = needed("20viewers")?;
                let count = value.strip_suffix("viewers").or_else(|| value.strip_suffix("viewer"));
                Self::Capacity { viewers: number(count.unwrap_or(value), 1, 1_000_000, "number of viewers")? }
            }
            _ => return Err(is_none()),
        };
        match (&fault, value) {
            (Self::Freeze | Self::Outage | Self::Discontinuity, Some(_)) => {
                Err(wrong(&format!("takes no value: write {kind}")))
            }
            _ => Ok(fault),
        }
    }
}

fn wrong(reason: &str) -> Misspelt {
    Misspelt(reason.to_owned())
}

fn number<T: Copy + FromStr + PartialOrd + fmt::Display>(
    text: &str,
    least: T,
    most: T,
    what: &str,
) -> Result<T, Misspelt> {
    let number = text.parse().ok().filter(|number| (&least..=&most).contains(&number));
    number.ok_or_else(|| wrong(&format!("has {text:?} for its {what}: give a number from {least} to {most}")))
}

fn share(text: &str) -> Result<Share, Misspelt> {
    let percent: Option<f64> = text.strip_suffix('%').and_then(|number| number.parse().ok());
    percent.filter(|percent| (0.0001..=100.0).contains(percent)).map_or_else(
        || Err(wrong(&format!("has {text:?} for its share: give more than 0% and at most 100%"))),
        |percent| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "the range was looked at"
            )]
            let millionths = (percent * 10_000.0).round() as u32;
            Ok(Share { millionths })
        },
    )
}

/// Units of a rate, in bytes per second.
const UNITS: [(&str, f64); 6] =
    [("kbit/s", 125.0), ("Mbit/s", 125_000.0), ("kB/s", 1e3), ("MB/s", 1e6), ("GB/s", 1e9), ("B/s", 1.0)];

fn rate(text: &str) -> Result<u64, Misspelt> {
    let split = UNITS.iter().find_map(|(unit, bytes)| Some((text.strip_suffix(unit)?, *bytes)));
    let rate = split.and_then(|(number, bytes)| Some(number.trim().parse::<f64>().ok()? * bytes));
    match rate {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the range was looked at"
        )]
        Some(rate) if (1e3..=1e9).contains(&rate) => Ok(rate as u64),
        _ => Err(wrong(&format!(
            "has {text:?} for its rate: give 1kB/s to 1GB/s, in B/s, kB/s, MB/s, kbit/s or Mbit/s"
        ))),
    }
}

fn pause(text: &str) -> Result<Duration, Misspelt> {
    let pause = duration(text)?;
    if pause.is_zero() || pause > Fault::LONGEST_LATENCY {
        let longest = Fault::LONGEST_LATENCY.as_secs();
        return Err(wrong(&format!("pauses for {text}: give more than 0s and at most {longest}s")));
    }
    Ok(pause)
}

fn duration(text: &str) -> Result<Duration, Misspelt> {
    let duration = if text == "0" { Ok(Duration::ZERO) } else { humantime::parse_duration(text) };
    // A year is longer than any run, and far from what a clock cannot add.
    duration
        .ok()
        .filter(|duration| duration.as_secs() < 366 * 24 * 3600)
        .ok_or_else(|| wrong(&format!("has {text:?} for a duration: write 30s, 1m30s or 500ms")))
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", f64::from(self.millionths) / 10_000.0)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind();
        match self {
            Self::Freeze | Self::Outage | Self::Discontinuity | Self::Redirect { port: None } => {
                write!(f, "{kind}")
            }
            Self::Errors { share, status } => write!(f, "{kind}={share}:{status}"),
            Self::Missing { share } | Self::Truncate { share } => write!(f, "{kind}={share}"),
            Self::Slow { bytes_per_second } => {
                #[expect(clippy::cast_precision_loss, reason = "at most 10^9")]
                let kilo = *bytes_per_second as f64 / 1e3;
                write!(f, "{kind}={kilo}kB/s")
            }
            Self::Latency { pause } => write!(f, "{kind}={}", humantime::format_duration(*pause)),
            Self::StaleVariant { name } => write!(f, "{kind}={name}"),
            Self::SequenceJump { by } => write!(f, "{kind}=+{by}"),
            Self::Redirect { port: Some(port) } => write!(f, "{kind}={port}"),
            Self::Capacity { viewers } => write!(f, "{kind}={viewers}viewers"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLES: [&str; 14] = [
        "freeze",
        "outage",
        "errors=20%:503",
        "errors=0.5%:404",
        "missing=10%",
        "slow=500kB/s",
        "latency=300ms",
        "truncate=5%",
        "stale-variant=240p",
        "sequence-jump=+5",
        "discontinuity",
        "redirect",
        "redirect=8081",
        "capacity=20viewers",
    ];

    #[test]
    fn what_is_written_is_read_and_written_alike() {
        for text in EXAMPLES {
            let spec: Spec = text.parse().unwrap();
            assert_eq!(spec.fault.to_string(), text);
            assert_eq!((spec.begins, spec.lasts), (Duration::ZERO, None));
            assert_eq!(spec.fault.kind(), parted(text, '=').0);
        }
    }

    #[test]
    fn each_kind_has_an_example() {
        for kind in Fault::KINDS {
            let is_of_it = |text: &&str| parted(text, '=').0 == kind;
            assert!(EXAMPLES.iter().any(is_of_it), "add an example of {kind} to EXAMPLES");
        }
    }

    #[test]
    fn rates_and_numbers_have_several_spellings() {
        let fault = |text: &str| text.parse::<Fault>().unwrap();
        assert_eq!(fault("slow=4Mbit/s"), fault("slow=500kB/s"));
        assert_eq!(fault("slow=0.5MB/s"), Fault::Slow { bytes_per_second: 500_000 });
        assert_eq!(fault("slow=2000B/s"), Fault::Slow { bytes_per_second: 2000 });
        assert_eq!(fault("capacity=20"), fault("capacity=20viewers"));
        assert_eq!(fault("capacity=1viewer"), Fault::Capacity { viewers: 1 });
        assert_eq!(fault("sequence-jump=7"), Fault::SequenceJump { by: 7 });
    }

    #[test]
    fn a_schedule_has_a_beginning_and_perhaps_a_length() {
        let times = |text: &str| {
            let spec: Spec = text.parse().unwrap();
            (spec.begins.as_millis(), spec.lasts.map(|lasts| lasts.as_millis()))
        };
        assert_eq!(times("errors=20%:503@30s+10s"), (30_000, Some(10_000)));
        assert_eq!(times("outage@1m30s"), (90_000, None));
        assert_eq!(times("sequence-jump=+5@0+500ms"), (0, Some(500)));
        assert_eq!(times("discontinuity@2s"), (2000, None));
    }

    #[test]
    fn what_is_no_fault_is_told_what_to_write() {
        for (text, expected) in [
            ("fire", "choose the kind from freeze, outage, errors"),
            ("errors", "needs a value: errors=20%:503"),
            ("errors=20%", "needs a share and a status"),
            ("errors=20%:200", "has \"200\" for its status: give a number from 400 to 599"),
            ("errors=0%:503", "more than 0% and at most 100%"),
            ("missing=101%", "more than 0% and at most 100%"),
            ("missing=NaN%", "more than 0% and at most 100%"),
            ("truncate=5", "has \"5\" for its share"),
            ("slow=500", "has \"500\" for its rate"),
            ("slow=1B/s", "give 1kB/s to 1GB/s"),
            ("latency=31s", "at most 30s"),
            ("latency=0s", "more than 0s"),
            ("freeze=1", "takes no value"),
            ("sequence-jump=-5", "give a number from 1 to 1000"),
            ("redirect=0", "give a number from 1 to 65535"),
            ("capacity=0viewers", "give a number from 1 to 1000000"),
            ("outage@8", "has \"8\" for a duration: write 30s"),
            ("outage@1s+0s", "lasts no time"),
            ("discontinuity@1s+1s", "happens at one moment"),
        ] {
            let error = text.parse::<Spec>().unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
