//! The number of viewers moves during the run: some come, some go, and those that stay are left alone.

use std::collections::BTreeSet;
use std::fs;

use testkit::wait_until;

use crate::support::{Swarm, origin};

#[test]
fn stages_add_and_remove_viewers_and_what_is_removed_did_not_fail() {
    let origin = origin("one-second", &[]);
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("run.json");
    // Up, down far enough that seats become free, up again on the same seats, and a hold.
    let flags =
        ["-stages", "6:3s,6:4s,2:2s,2:3s,5:2s,5:5s", "-report", report.to_str().unwrap(), &origin.url];
    let swarm = Swarm::start(&flags);
    swarm.wait_for_metric("hlsswarm_clients_active", |active| active == 6);
    assert_eq!(swarm.metric("hlsswarm_clients_target"), 6);
    let all: BTreeSet<_> = swarm.ffmpegs().into_iter().collect();
    wait_until("four viewers are removed", || swarm.ffmpegs().len() == 2);
    assert_eq!(swarm.metric("hlsswarm_clients_target"), 2);
    let left: BTreeSet<_> = swarm.ffmpegs().into_iter().collect();
    assert!(left.is_subset(&all), "those that stay are not restarted: {left:?} of {all:?}");
    wait_until("three viewers are added", || swarm.ffmpegs().len() == 5);
    assert!(left.is_subset(&swarm.ffmpegs().into_iter().collect()));

    let finished = { swarm }.program.wait();
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let report: serde_json::Value = serde_json::from_slice(&fs::read(report).unwrap()).unwrap();
    assert_eq!(report["configuration"]["stages"], "6:3s,6:4s,2:2s,2:3s,5:2s,5:5s");
    assert_eq!(report["viewers"]["peak_target"], 6);
    assert_eq!(report["processes"]["started"], 9);
    assert_eq!(report["processes"]["restarted"], 0);
    assert_eq!(report["processes"]["stopped"], 9);
    assert_eq!(report["failures"], serde_json::json!([]));
    assert_eq!(report["viewers"]["active_at_end"], 5, "{}", finished.stdout);
    assert!(finished.stdout.contains("peak 6 of 6"), "{}", finished.stdout);
    let playback = &report["wire"]["playback"];
    assert_eq!(
        (&playback["playing"], &playback["starts_without_media"]),
        (&5.into(), &0.into()),
        "{playback:#}"
    );
}
