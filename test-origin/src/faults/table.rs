//! The faults that were asked for and are not over: which may stand beside each other, and which are in force. Pure;
//! times are counted from the moment at which the URL is told.

use std::time::Duration;

use super::active::Active;
use super::spec::{Fault, Share, Spec};
use crate::profile::Profile;

/// A fault that is not over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Counted from 1; never used twice.
    pub id: u32,
    /// What goes wrong.
    pub fault: Fault,
    /// When it begins.
    pub begins: Duration,
    /// When it ends; `None` for never.
    pub ends: Option<Duration>,
}

/// Why a fault is refused: a sentence without its subject.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub(super) String);

impl Refused {
    /// Nginx cannot ask the server that misbehaves.
    pub fn no_proxy() -> Self {
        Self(
            "needs an nginx that can ask another server, and this one was built --without-http_proxy_module: install \
             another build (Debian/Ubuntu: apt install nginx; Nix: nixpkgs#nginx) and say where it is with --nginx PATH"
                .to_owned(),
        )
    }
}

/// What the faults can happen to.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stream {
    profile: String,
    live: bool,
    /// Empty when there is one media playlist only.
    variants: Vec<String>,
}

/// All of them.
#[derive(Clone, Debug)]
pub struct Table {
    stream: Stream,
    entries: Vec<Entry>,
    last_id: u32,
}

/// Far more than anybody can keep in mind; each costs a comparison per request.
const MOST_FAULTS: usize = 64;

impl Table {
    /// No fault yet.
    pub fn new(profile: &Profile) -> Self {
        let variants = if profile.has_master() {
            profile.variants.iter().map(|variant| variant.name.clone()).collect()
        } else {
            Vec::new()
        };
        let stream = Stream { profile: profile.name.clone(), live: profile.hls.is_live(), variants };
        Self { stream, entries: Vec::new(), last_id: 0 }
    }

    /// Adds a fault whose times count from `now`, and returns it with its number.
    ///
    /// # Errors
    /// When it cannot happen to this stream, or not beside the others.
    pub fn add(&mut self, spec: Spec, now: Duration) -> Result<Entry, Refused> {
        self.stream.check(&spec.fault)?;
        let begins = now + spec.begins;
        let ends = spec.lasts.map(|lasts| begins + lasts);
        let entry = Entry { id: self.last_id + 1, fault: spec.fault, begins, ends };
        if self.entries.len() >= MOST_FAULTS {
            return Err(Refused(format!("is one too many: end some of the {MOST_FAULTS} that there are")));
        }
        for other in &self.entries {
            entry.check_beside(other)?;
        }
        self.last_id += 1;
        self.entries.push(entry.clone());
        Ok(entry)
    }

    /// Ends the fault of that number. False when there is none.
    pub fn remove(&mut self, id: u32) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| entry.id != id);
        self.entries.len() < before
    }

    /// Ends all of them.
    pub fn clear(&mut self) {
        self.entries.clear();
    }

    /// Those that are not over.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Those in force.
    pub fn active(&self, now: Duration) -> Active {
        let mut active = Active::default();
        self.entries.iter().filter(|entry| entry.is_active(now)).for_each(|entry| active.add(&entry.fault));
        active
    }

    /// Forgets those that are over; true when an encoder is to be started anew.
    pub fn pass(&mut self, now: Duration) -> bool {
        let is_due = |entry: &Entry| entry.fault == Fault::Discontinuity && entry.begins <= now;
        let due = self.entries.iter().any(is_due);
        self.entries.retain(|entry| !is_due(entry) && entry.ends.is_none_or(|ends| now < ends));
        due
    }

    /// When the next one begins or ends.
    pub fn next_change(&self, now: Duration) -> Option<Duration> {
        let times = self.entries.iter().flat_map(|entry| [Some(entry.begins), entry.ends]).flatten();
        times.filter(|time| *time > now).min()
    }
}

impl Stream {
    fn check(&self, fault: &Fault) -> Result<(), Refused> {
        let kind = fault.kind();
        let needs_live = match fault {
            Fault::Freeze | Fault::Discontinuity => "needs an encoder that runs",
            Fault::StaleVariant { .. } | Fault::SequenceJump { .. } => "needs a playlist that goes on",
            Fault::Capacity { .. } => "counts viewers by segments that come one after the other",
            _ => "",
        };
        if !self.live && !needs_live.is_empty() {
            return Err(Refused(format!(
                "{needs_live}, and profile {} is no live stream: choose a live profile",
                self.profile
            )));
        }
        match fault {
            Fault::StaleVariant { .. } if self.variants.is_empty() => Err(Refused(format!(
                "{kind} needs several variants, and profile {} has one playlist: use freeze",
                self.profile
            ))),
            Fault::StaleVariant { name } if !self.variants.contains(name) => {
                Err(Refused(format!("{name:?} is no variant: choose one of {}", self.variants.join(", "))))
            }
            _ => Ok(()),
        }
    }
}

impl Entry {
    /// Whether it is in force.
    pub fn is_active(&self, now: Duration) -> bool {
        self.begins <= now && self.ends.is_none_or(|ends| now < ends)
    }

    fn check_beside(&self, other: &Self) -> Result<(), Refused> {
        if self.fault.kind() == other.fault.kind()
            && self.overlaps(other)
            && self.fault != Fault::Discontinuity
        {
            return Err(Refused(format!(
                "would meet {} (number {}), and of a kind only one can be in force: end that one first",
                other.fault, other.id
            )));
        }
        for (hidden, hiding) in [(self, other), (other, self)] {
            if hiding.fault.hides(&hidden.fault) && hiding.spans(hidden) {
                return Err(Refused(format!(
                    "and {} (number {}) cannot be together: nobody would ever see {} under {}",
                    other.fault,
                    other.id,
                    hidden.fault.kind(),
                    hiding.fault
                )));
            }
        }
        Ok(())
    }

    fn overlaps(&self, other: &Self) -> bool {
        let before = |one: &Self, other: &Self| one.ends.is_some_and(|ends| ends <= other.begins);
        !before(self, other) && !before(other, self)
    }

    /// Whether `other` is in force only while this one is.
    fn spans(&self, other: &Self) -> bool {
        // A moment ends as it begins.
        let others_end = if other.fault == Fault::Discontinuity { Some(other.begins) } else { other.ends };
        self.begins <= other.begins
            && self.ends.is_none_or(|ends| others_end.is_some_and(|others| others <= ends))
    }
}

impl Fault {
    /// Whether nothing of `other` can be seen while this one is in force.
    fn hides(&self, other: &Self) -> bool {
        let of_requests = !matches!(other, Self::Outage | Self::Freeze | Self::Discontinuity);
        match self {
            Self::Outage => of_requests,
            Self::Freeze => matches!(other, Self::StaleVariant { .. } | Self::Discontinuity),
            Self::Errors { share: Share::ALL, .. } => {
                of_requests
                    && !matches!(other, Self::Latency { .. } | Self::Redirect { .. } | Self::Errors { .. })
            }
            Self::Missing { share: Share::ALL } => {
                matches!(other, Self::Truncate { .. } | Self::Capacity { .. })
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog;

    fn table(profile: &str) -> Table {
        Table::new(&catalog::find(profile).unwrap().unwrap())
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// Adds all, the last of which may be refused.
    fn add(profile: &str, specs: &[&str]) -> Result<Entry, String> {
        let mut table = table(profile);
        let (last, first) = specs.split_last().unwrap();
        for spec in first {
            table.add(spec.parse().unwrap(), Duration::ZERO).unwrap();
        }
        table.add(last.parse().unwrap(), Duration::ZERO).map_err(|refused| refused.to_string())
    }

    #[test]
    fn a_fault_is_in_force_from_its_beginning_to_its_end() {
        let mut table = table("default");
        table.add("outage@10s+8s".parse().unwrap(), Duration::ZERO).unwrap();
        table.add("slow=1MB/s@1s".parse().unwrap(), seconds(4)).unwrap();
        let state = |now| {
            let active = table.active(seconds(now));
            (active.outage, active.slow.is_some())
        };
        assert_eq!(state(4), (false, false));
        assert_eq!(state(5), (false, true));
        assert_eq!(state(10), (true, true));
        assert_eq!(state(17), (true, true));
        assert_eq!(state(18), (false, true));
        let changes: Vec<_> = [0, 5, 10, 18].map(|now| table.next_change(seconds(now))).into();
        assert_eq!(changes, [Some(seconds(5)), Some(seconds(10)), Some(seconds(18)), None]);
        assert!(!table.pass(seconds(18)));
        assert_eq!(table.entries().len(), 1);
        assert!(table.remove(2) && !table.remove(2) && table.entries().is_empty());
    }

    #[test]
    fn a_discontinuity_is_due_once() {
        let mut table = table("default");
        table.add("discontinuity@3s".parse().unwrap(), Duration::ZERO).unwrap();
        assert_eq!(table.next_change(Duration::ZERO), Some(seconds(3)));
        assert_eq!([2, 3, 4].map(|now| table.pass(seconds(now))), [false, true, false]);
        assert!(table.entries().is_empty());
    }

    #[test]
    fn faults_that_make_no_sense_together_are_refused_with_the_reason() {
        for (specs, expected) in [
            (&["slow=1MB/s", "slow=2MB/s@9s"][..], "would meet slow=1000kB/s (number 1)"),
            (&["outage@1s+9s", "slow=1MB/s@2s+3s"], "nobody would ever see slow under outage"),
            (&["slow=1MB/s@2s+3s", "outage@1s+9s"], "nobody would ever see slow under outage"),
            (&["errors=100%:500", "capacity=20"], "nobody would ever see capacity under errors=100%:500"),
            (&["missing=100%", "truncate=5%@1s+1s"], "nobody would ever see truncate under missing=100%"),
            (&["freeze@1s+2s", "discontinuity@2s"], "nobody would ever see discontinuity under freeze"),
        ] {
            let refused = add("default", specs).unwrap_err();
            assert!(refused.contains(expected), "{specs:?}: {refused}");
        }
    }

    #[test]
    fn faults_that_can_be_seen_stand_beside_each_other() {
        for specs in [
            &["slow=1MB/s@0s+9s", "slow=2MB/s@9s"][..],
            &["outage@1s+9s", "slow=1MB/s"],
            &["errors=100%:500", "latency=1s"],
            &["errors=50%:500", "missing=5%", "truncate=5%", "redirect=9", "capacity=9", "latency=1s"],
            &["freeze", "outage"],
            &["discontinuity@1s", "discontinuity@2s"],
        ] {
            add("default", specs).unwrap();
        }
    }

    #[test]
    fn faults_that_cannot_happen_to_a_stream_are_refused() {
        for spec in ["freeze", "discontinuity", "sequence-jump=5", "capacity=9", "stale-variant=a"] {
            let refused = add("vod", &[spec]).unwrap_err();
            assert!(refused.contains("profile vod is no live stream"), "{spec}: {refused}");
        }
        assert!(add("vod", &["errors=20%:503"]).is_ok());
        assert!(add("default", &["stale-variant=720p"]).unwrap_err().contains("use freeze"));
        let refused = add("mini-abr", &["stale-variant=1080p"]).unwrap_err();
        assert!(refused.contains("choose one of 360p, 240p, 144p"), "{refused}");
    }

    #[test]
    fn there_is_a_bound() {
        let mut table = table("default");
        let mut next = || table.add("discontinuity@9s".parse().unwrap(), Duration::ZERO);
        for _ in 0..MOST_FAULTS {
            next().unwrap();
        }
        assert!(next().unwrap_err().to_string().contains("one too many"));
    }
}
