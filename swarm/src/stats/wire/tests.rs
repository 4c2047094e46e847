//! A few viewers and their requests, and what is told of them.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::observation::{Cache, ErrorClass, Outcome, PlaylistId, PlaylistView, Segment};
use crate::stats::Freshness;

fn s(s: f64) -> Duration {
    Duration::from_secs_f64(s)
}

struct Lab {
    began: Instant,
    wire: Wire,
}

impl Lab {
    fn new(clients: u32) -> Self {
        let began = Instant::now();
        let mut wire = Wire::new(clients, began);
        for viewer in 0..clients {
            wire.process_started(viewer, 0, began);
        }
        Self { began, wire }
    }

    fn at(&self, after: f64) -> Instant {
        self.began + s(after)
    }

    /// Starts at `start` and takes 100 ms.
    fn request(&self, viewer: u32, kind: Kind, start: f64) -> Observation {
        Observation {
            viewer,
            session: 0,
            kind,
            url: Arc::from(format!("http://h/{}", kind.label())),
            started: self.at(start),
            connect: None,
            tls: None,
            ttfb: Some(s(0.05)),
            duration: s(0.1),
            bytes: 1000,
            outcome: Outcome::Status(200),
            segment: None,
            playlist: None,
            cache: Cache::Unknown,
        }
    }

    fn gets(&mut self, viewer: u32, start: f64, sequence: u64) {
        let segment =
            Segment { playlist: PlaylistId(0), sequence, media: s(2.0), discontinuity: false, merged: 0 };
        let seen = Observation { segment: Some(segment), ..self.request(viewer, Kind::Segment, start) };
        self.wire.observe(&seen);
    }

    fn sees(&mut self, viewer: u32, start: f64, first: u64) {
        let view = PlaylistView {
            playlist: PlaylistId(0),
            target_duration: s(2.0),
            first_sequence: first,
            segments: 5,
            media: s(10.0),
            ended: false,
            age: Duration::ZERO,
        };
        let seen = Observation { playlist: Some(view), ..self.request(viewer, Kind::Playlist, start) };
        self.wire.observe(&seen);
    }

    fn fails(&mut self, start: f64, kind: Kind, outcome: Outcome) {
        let seen = Observation { outcome, ..self.request(0, kind, start) };
        self.wire.observe(&seen);
    }

    fn snapshot(&mut self, after: f64) -> WireSnapshot {
        self.wire.snapshot(self.at(after))
    }
}

#[test]
fn requests_are_counted_by_kind_and_status() {
    let mut lab = Lab::new(1);
    lab.gets(0, 0.0, 0);
    lab.gets(0, 0.0, 1);
    lab.fails(1.0, Kind::Segment, Outcome::Status(503));
    lab.fails(2.0, Kind::Playlist, Outcome::Failed(ErrorClass::Timeout));
    lab.fails(3.0, Kind::Segment, Outcome::Status(503));
    lab.fails(4.0, Kind::Segment, Outcome::Aborted);
    let hit = Observation { cache: Cache::Hit, ..lab.request(0, Kind::Master, 5.0) };
    lab.wire.observe(&hit);

    let snapshot = lab.snapshot(6.0);
    let statuses: Vec<_> = snapshot.statuses.iter().map(|c| (c.kind, c.status.as_str(), c.count)).collect();
    let expected = [
        (Kind::Master, "200", 1),
        (Kind::Playlist, "timeout", 1),
        (Kind::Segment, "200", 2),
        (Kind::Segment, "503", 2),
        (Kind::Segment, "aborted", 1),
    ];
    assert_eq!(statuses, expected);
    let all = KindTotals { requests: 7, errors: 3, aborted: 1, bytes: 7000, cache_hits: 1, cache_misses: 0 };
    assert_eq!(snapshot.requests, all);
    let errors: Vec<_> =
        snapshot.errors.iter().map(|e| (e.class.as_str(), e.count, e.first_after_s)).collect();
    assert_eq!(errors, [("503", 2, 1.1), ("timeout", 1, 2.1)]);
    assert!((snapshot.errors[0].last_after_s - 3.1).abs() < 1e-9);
    assert_eq!(
        (snapshot.errors[0].first_url.as_str(), snapshot.errors[1].first_kind),
        ("http://h/segment", Kind::Playlist)
    );
    let kinds: Vec<_> = snapshot.kinds.iter().map(|kind| kind.kind).collect();
    assert_eq!(
        kinds,
        [Kind::Master, Kind::Playlist, Kind::Segment],
        "in order, and only those that were asked for"
    );
    let segment = snapshot.kinds[2];
    assert_eq!(segment.duration.map(|told| told.count), Some(2), "of those that succeeded");
    assert_eq!(snapshot.kinds[1].duration, None);
}

#[test]
fn what_an_origin_invents_is_bounded_and_counted() {
    let mut lab = Lab::new(1);
    for status in 0..1000 {
        lab.fails(0.0, Kind::Segment, Outcome::Status(status));
    }
    let snapshot = lab.snapshot(1.0);
    assert!(snapshot.statuses.len() <= 65 && snapshot.errors.len() <= 32);
    assert_eq!(snapshot.statuses.iter().map(|c| c.count).sum::<u64>(), 1000);
    assert_eq!(snapshot.statuses.last().map(|c| c.status.as_str()), Some("other"));
    let apart: u64 = snapshot.errors.iter().map(|error| error.count).sum();
    assert_eq!(apart + snapshot.other_errors, 800);
}

#[test]
fn viewers_are_added_up_by_what_they_do() {
    let mut lab = Lab::new(4);
    lab.gets(0, 0.4, 0);
    lab.gets(0, 0.4, 1);
    lab.gets(1, 0.9, 0);
    lab.wire.process_ended(3, 0, SessionEnd::Failed, lab.at(1.0));
    let playback = lab.snapshot(4.0).playback;
    assert_eq!((playback.starting, playback.playing, playback.stalled, playback.finished), (1, 1, 1, 0));
    assert_eq!((playback.stalls, playback.viewers_ever_stalled, playback.starts_without_media), (1, 1, 1));
    assert_eq!((playback.stalled_s, playback.playing_s), (1.0, 5.5));
    assert_eq!(playback.rebuffer_ratio, Some(1.0 / 6.5));
    assert_eq!((playback.media_received_s, playback.media_played_s), (6.0, 5.5));
    assert_eq!(playback.least_buffer_s, Some(0.0));
    let startup = playback.startup.unwrap();
    assert_eq!(startup.count, 3, "viewer 2 is still at it");
    assert!((startup.p50_s - 1.0).abs() < 0.002 && (startup.max_s - 4.0).abs() < 0.01);
}

#[test]
fn a_run_that_has_not_begun_knows_nothing() {
    let mut lab = Lab::new(0);
    let snapshot = lab.snapshot(0.0);
    let playback = snapshot.playback;
    assert_eq!((playback.rebuffer_ratio, playback.startup, playback.live_latency_max_s), (None, None, None));
    assert!(snapshot.kinds.is_empty() && snapshot.worst_playlist.is_none());
}

#[test]
fn live_latency_is_told_over_all_viewers() {
    let mut lab = Lab::new(3);
    for viewer in 0..3 {
        lab.sees(viewer, 0.0, 0);
        lab.gets(viewer, 0.9, u64::from(viewer) + 1);
    }
    let playback = lab.snapshot(1.0).playback;
    assert_eq!((playback.live_latency_p50_s, playback.live_latency_max_s), (Some(6.0), Some(8.0)));
}

#[test]
fn a_frozen_playlist_is_stale_and_stuck_and_recovers() {
    let mut lab = Lab::new(2);
    for s in [0.0, 2.0, 3.0, 4.0] {
        lab.sees(0, s, 0);
    }
    lab.sees(1, 4.0, 0);
    let worst = lab.snapshot(4.0).worst_playlist.unwrap();
    assert_eq!((worst.freshness, worst.times_stale), (Freshness::Stale, 1));
    assert!((worst.age_s - 3.95).abs() < 1e-6, "{}", worst.age_s);
    lab.sees(0, 5.0, 3);
    lab.sees(1, 5.0, 2);
    assert_eq!(lab.snapshot(5.1).playlists[0].freshness, Freshness::Fresh);
    lab.sees(0, 5.5, 2);
    assert_eq!(lab.snapshot(6.0).playlists[0].times_backwards, 1, "viewer 0 had seen more, viewer 1 had not");
}

#[test]
fn a_playlist_ages_by_the_clock_only_while_a_viewer_needs_more_of_it() {
    let mut lab = Lab::new(1);
    lab.sees(0, 0.0, 0);
    lab.gets(0, 0.0, 3);
    assert!(lab.snapshot(9.0).playlists[0].age_s < 1e-6, "segment 4 may take its time");
    lab.gets(0, 9.0, 4);
    assert!((lab.snapshot(10.05).playlists[0].age_s - 8.0).abs() < 1e-6);
    lab.wire.process_ended(0, 0, SessionEnd::Over, lab.at(11.0));
    assert!((lab.snapshot(99.0).playlists[0].age_s - 8.0).abs() < 1e-6, "nobody is there");
}

#[test]
fn an_outage_that_ends_processes_is_neither_fresh_nor_without_rebuffering_and_its_recovery_is_timed() {
    let mut lab = Lab::new(2);
    for viewer in 0..2 {
        lab.sees(viewer, 0.0, 0);
        lab.gets(viewer, 0.9, 3);
        lab.gets(viewer, 0.9, 4);
    }
    lab.wire.process_ended(0, 0, SessionEnd::Failed, lab.at(2.0));
    lab.wire.process_ended(1, 0, SessionEnd::Failed, lab.at(3.0));
    let during = lab.snapshot(11.0);
    assert_eq!((during.playback.interrupted, during.playback.stalled, during.playback.playing), (2, 0, 0));
    assert_eq!((during.playback.interruptions, during.playback.interrupted_s), (2, 17.0));
    assert_eq!(during.playback.rebuffer_ratio, Some(17.0 / 20.0));
    assert_eq!((during.outages.total_s, during.outages.recovered_after_s), (9.0, None));
    let playlist = &during.playlists[0];
    assert_eq!((playlist.freshness, playlist.url.as_str()), (Freshness::Stuck, "http://h/playlist"));
    assert!((playlist.age_s - 8.95).abs() < 1e-6, "{}", playlist.age_s);
    for viewer in 0..2 {
        let start = f64::from(viewer) + 12.9;
        lab.wire.process_started(viewer, 1, lab.at(12.0));
        let segment =
            Segment { playlist: PlaylistId(0), sequence: 9, media: s(2.0), discontinuity: false, merged: 0 };
        let got =
            Observation { session: 1, segment: Some(segment), ..lab.request(viewer, Kind::Segment, start) };
        lab.wire.observe(&got);
    }
    let after = lab.snapshot(15.0);
    let close = |figure: Option<f64>, s: f64| figure.is_some_and(|figure| (figure - s).abs() < 1e-6);
    assert!(close(after.outages.first_began_after_s, 2.0) && close(after.outages.recovered_after_s, 14.0));
    assert_eq!((after.playback.interrupted, after.outages.count), (0, 1));
    assert!(close(Some(after.playback.interrupted_s), 22.0), "{:?}", after.playback);
}

#[test]
fn open_requests_count_as_at_least_as_old_as_they_are_and_are_not_taken_in() {
    let mut lab = Lab::new(1);
    lab.gets(0, 0.0, 0);
    let before = lab.snapshot(1.0);
    let open = [
        StillOpen { kind: Kind::Segment, age: s(9.0), ttfb: Some(s(0.2)), media: None },
        StillOpen { kind: Kind::Key, age: s(3.0), ttfb: None, media: None },
    ];
    let with = lab.wire.snapshot_with(lab.at(1.0), &open);
    let told = |snapshot: &WireSnapshot, kind: Kind| {
        let kind = snapshot.kinds.iter().find(|seen| seen.kind == kind);
        kind.map(|kind| {
            (kind.duration.unwrap().max_s.round(), (kind.ttfb.unwrap().max_s * 20.0).round() / 20.0)
        })
    };
    assert_eq!(told(&with, Kind::Segment), Some((9.0, 0.2)));
    assert_eq!(told(&with, Kind::Key), Some((3.0, 3.0)));
    assert_eq!(with.requests, before.requests);
    assert_eq!(lab.snapshot(1.0), before);
}

#[test]
fn throughput_is_that_of_the_last_interval() {
    let shown = |lab: &mut Lab, after| lab.snapshot(after).throughput_bytes_per_s.to_string();
    let mut lab = Lab::new(1);
    lab.gets(0, 0.0, 0);
    lab.wire.tick(lab.at(1.0));
    lab.wire.tick(lab.at(1.0));
    assert_eq!(shown(&mut lab, 1.5), "1000");
    lab.gets(0, 1.0, 1);
    lab.gets(0, 1.0, 2);
    lab.wire.tick(lab.at(3.0));
    assert_eq!(shown(&mut lab, 3.0), "1000");
    lab.wire.tick(lab.at(4.0));
    assert_eq!(shown(&mut lab, 4.0), "0");
}

#[test]
fn a_viewer_beyond_the_first_number_is_taken_in_when_it_is_started() {
    let mut lab = Lab::new(1);
    lab.gets(7, 0.0, 0);
    assert_eq!(lab.snapshot(1.0).playback.playing, 0);
    assert_eq!(lab.snapshot(1.0).requests.requests, 1);
    lab.wire.process_started(7, 0, lab.at(1.0));
    for beyond in [u32::try_from(MOST_VIEWERS).unwrap(), u32::MAX] {
        lab.wire.process_started(beyond, 0, lab.at(1.0));
    }
    lab.gets(7, 1.0, 0);
    assert_eq!(lab.snapshot(2.0).playback.playing, 1);
    assert_eq!(lab.wire.viewers().count(), 8);
}

#[test]
fn a_snapshot_is_json() {
    let mut lab = Lab::new(1);
    lab.sees(0, 0.0, 0);
    lab.gets(0, 0.0, 4);
    let json = serde_json::to_value(lab.snapshot(1.0)).unwrap();
    assert_eq!(json["playback"]["playing"], 1);
    assert_eq!(json["kinds"][1]["kind"], "segment");
    assert_eq!(json["kinds"][1]["requests"], 1);
    assert_eq!(json["worst_playlist"]["freshness"], "fresh");
    assert_eq!(json["playback"]["rebuffer_ratio"], 0.0);
}

#[test]
fn each_second_tells_what_happened_in_it_alone() {
    let mut lab = Lab::new(2);
    lab.gets(0, 0.5, 0);
    lab.sees(0, 0.5, 0);
    let now = lab.at(1.0);
    let first = lab.wire.take_second(now);
    assert_eq!((first.counts.requests, first.counts.segments, first.playing), (2, 1, 1));
    assert_eq!(first.counts.startup.percentiles().unwrap().count, 1);
    assert_eq!(first.counts.playing, s(0.4));
    assert_eq!(first.starting_for, [s(1.0)], "the other viewer has nothing yet");
    assert!(first.live_latency_p50.is_some() && first.oldest_playlist.is_some());
    lab.fails(1.5, Kind::Segment, Outcome::Status(503));
    // 2 s of media from 0.6 on: nothing left at 2.6.
    let now = lab.at(3.6);
    let second = lab.wire.take_second(now);
    assert_eq!((second.counts.requests, second.counts.errors, second.counts.segments), (1, 1, 0));
    assert_eq!((second.counts.playing, second.counts.stalled), (s(1.6), s(1.0)));
    assert_eq!((second.stalled, second.counts.stalled_viewers), (1, [0].into()));
    let now = lab.at(4.6);
    let third = lab.wire.take_second(now);
    assert_eq!((third.counts.requests, third.counts.stalled), (0, s(1.0)));
    assert_eq!(third.counts.startup.percentiles(), None);
}
