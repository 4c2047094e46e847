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
            Fault::Outage
            | Fault::Errors { .. }
            | Fault::Missing { .. }
            | Fault::Slow { .. }
            | Fault::Latency { .. }
            | Fault::Truncate { .. }
            | Fault::Redirect { .. } => "",
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
            Self::Errors { .. }
            | Self::Missing { .. }
            | Self::Slow { .. }
            | Self::Latency { .. }
            | Self::Truncate { .. }
            | Self::StaleVariant { .. }
            | Self::SequenceJump { .. }
            | Self::Discontinuity
            | Self::Redirect { .. }
            | Self::Capacity { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests;
