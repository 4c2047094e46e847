//! Faults beside each other, and when they are in force.

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
