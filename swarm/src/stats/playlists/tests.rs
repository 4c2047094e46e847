//! What viewers see of a playlist, and how old it is.

use super::*;

const TARGET_S: f64 = 2.0;

struct Lab {
    playlists: Playlists,
    began: Instant,
}

impl Lab {
    fn new() -> Self {
        // Far enough from the machine's own beginning for an `Age` of a day.
        Self { playlists: Playlists::default(), began: Instant::now() + Duration::from_secs(200_000) }
    }

    fn at(&self, s: f64) -> Instant {
        self.began + Duration::from_secs_f64(s)
    }

    fn sees(&mut self, s: f64, next: u64, change: impl FnOnce(&mut PlaylistView)) {
        let mut view = PlaylistView {
            playlist: PlaylistId(0),
            target_duration: Duration::from_secs_f64(TARGET_S),
            first_sequence: next.saturating_sub(5),
            segments: next.min(5),
            media: Duration::from_secs(10),
            ended: false,
            age: Duration::ZERO,
        };
        change(&mut view);
        self.playlists.observe(&Arc::from("http://h/live.m3u8"), &view, self.at(s), self.at(s), false);
    }

    fn shown(&self) -> (Freshness, f64) {
        let health = &self.playlists.health()[0];
        (health.freshness, health.age_s)
    }

    fn times(&self) -> (u64, u64) {
        let health = &self.playlists.health()[0];
        (health.times_stale, health.times_stuck)
    }
}

#[test]
fn a_playlist_is_stale_after_one_and_a_half_targets_and_stuck_after_three_and_a_half_and_recovers() {
    let mut lab = Lab::new();
    lab.sees(0.0, 5, |_| {});
    for (s, freshness) in [
        (3.0, Freshness::Fresh),
        (3.1, Freshness::Stale),
        (7.0, Freshness::Stale),
        (7.1, Freshness::Stuck),
        (9.0, Freshness::Stuck),
    ] {
        lab.sees(s, 5, |_| {});
        assert_eq!(lab.shown(), (freshness, s));
    }
    lab.sees(9.5, 6, |_| {});
    assert_eq!((lab.shown(), lab.times()), ((Freshness::Fresh, 0.0), (1, 1)));
    lab.sees(13.0, 6, |_| {});
    assert_eq!((lab.shown(), lab.times()), ((Freshness::Stale, 3.5), (2, 1)));
    assert!((lab.playlists.health()[0].max_age_s - 9.0).abs() < 1e-9);
}

#[test]
fn a_lone_viewer_that_asks_just_before_each_segment_sees_nothing_stale() {
    let mut lab = Lab::new();
    // Asks a target after news, half a target after none; segments come every 2.2 s.
    let (mut ms, mut last) = (0, 0);
    for _ in 0..200 {
        let (s, next) = (ms as f64 / 1000.0, 5 + ms / 2200);
        lab.sees(s, next, |_| {});
        lab.playlists.watched(PlaylistId(0), lab.at(s + 0.99));
        ms += if next == last { 1000 } else { 2000 };
        last = next;
    }
    assert_eq!(lab.times(), (0, 0));
}

#[test]
fn a_viewer_that_waits_in_vain_makes_it_stale_and_nobody_waiting_does_not() {
    let mut lab = Lab::new();
    lab.sees(0.0, 5, |_| {});
    lab.playlists.watched(PlaylistId(0), lab.at(5.0));
    assert_eq!(lab.shown(), (Freshness::Fresh, 3.0));
    lab.playlists.watched(PlaylistId(0), lab.at(5.1));
    assert_eq!(lab.shown().0, Freshness::Stale);
    lab.sees(600.0, 300, |_| {});
    assert_eq!((lab.shown(), lab.times()), ((Freshness::Fresh, 0.0), (1, 0)));
}

#[test]
fn the_time_in_a_cache_counts_as_age() {
    let mut lab = Lab::new();
    lab.sees(0.0, 5, |view| view.age = Duration::from_secs(2));
    assert_eq!(lab.shown(), (Freshness::Fresh, 2.0));
    lab.sees(1.0, 6, |view| view.age = Duration::from_secs(4));
    assert_eq!(lab.shown(), (Freshness::Stale, 4.0));
    lab.sees(2.0, 7, |view| view.age = Duration::from_secs(86_400));
    assert_eq!(lab.shown(), (Freshness::Stuck, 86_400.0));
    lab.sees(3.0, 8, |_| {});
    assert_eq!(lab.shown(), (Freshness::Fresh, 0.0));
    lab.sees(4.0, 8, |view| view.age = Duration::from_secs(2));
    assert_eq!(lab.shown(), (Freshness::Fresh, 2.0), "another cache had it since 2 s");
}

#[test]
fn an_older_view_through_another_cache_proves_nothing() {
    let mut lab = Lab::new();
    lab.sees(0.0, 6, |_| {});
    lab.sees(60.0, 5, |_| {});
    assert_eq!(lab.shown(), (Freshness::Fresh, 0.0));
    assert_eq!(lab.playlists.health()[0].times_backwards, 0);
}

#[test]
fn a_slow_answer_proves_only_the_time_at_which_it_was_asked_for() {
    let mut lab = Lab::new();
    lab.sees(0.0, 5, |_| {});
    let view = PlaylistView {
        playlist: PlaylistId(0),
        target_duration: Duration::from_secs(2),
        first_sequence: 0,
        segments: 5,
        media: Duration::from_secs(10),
        ended: false,
        age: Duration::ZERO,
    };
    lab.playlists.observe(&Arc::from("http://h/live.m3u8"), &view, lab.at(1.0), lab.at(8.0), false);
    assert_eq!(lab.shown(), (Freshness::Fresh, 1.0));
}

#[test]
fn an_ended_playlist_is_never_stale() {
    let mut lab = Lab::new();
    lab.sees(0.0, 5, |_| {});
    lab.sees(4.0, 5, |view| view.ended = true);
    lab.sees(99.0, 5, |view| view.ended = true);
    lab.playlists.watched(PlaylistId(0), lab.at(120.0));
    assert_eq!((lab.shown(), lab.times()), ((Freshness::Ended, 0.0), (0, 0)));
    assert_eq!(lab.playlists.worst(), None);
}

#[test]
fn a_numbering_that_began_anew_is_followed() {
    let mut lab = Lab::new();
    lab.sees(0.0, 500, |_| {});
    lab.sees(1.0, 3, |_| {});
    assert_eq!(lab.shown(), (Freshness::Fresh, 0.0), "one cache that is far behind is none");
    lab.sees(1.5, 500, |_| {});
    assert_eq!(lab.shown(), (Freshness::Fresh, 1.5));
    lab.sees(9.0, 4, |_| {});
    lab.sees(10.0, 4, |_| {});
    assert_eq!(lab.shown(), (Freshness::Fresh, 1.0));

    let mut lab = Lab::new();
    lab.sees(0.0, 500, |_| {});
    let mut view = None;
    lab.sees(1.0, 3, |seen| view = Some(*seen));
    lab.playlists.observe(&Arc::from("http://h/live.m3u8"), &view.unwrap(), lab.at(1.0), lab.at(1.0), true);
    lab.sees(2.0, 3, |_| {});
    assert_eq!(lab.shown(), (Freshness::Fresh, 1.0));
    assert_eq!(lab.playlists.health()[0].times_backwards, 1);
}

#[test]
fn a_list_that_grows_before_the_newest_one_is_a_numbering_that_began_anew_and_ages_nothing() {
    let mut lab = Lab::new();
    lab.sees(0.0, 500, |_| {});
    for ms in (1000..20_000_u32).step_by(500) {
        let s = f64::from(ms) / 1000.0;
        lab.sees(s, 3 + u64::from(ms) / 2000, |_| {});
        lab.playlists.watched(PlaylistId(0), lab.at(s + 0.2));
    }
    let health = &lab.playlists.health()[0];
    assert_eq!(health.freshness, Freshness::Fresh);
    assert!(health.max_age_s < 2.0, "{health:?}");
    assert_eq!(lab.times(), (0, 0));
}

#[test]
fn a_cache_that_is_far_behind_hides_no_age_once_the_newest_list_is_seen_again() {
    let mut lab = Lab::new();
    lab.sees(0.0, 500, |_| {});
    lab.sees(1.0, 30, |_| {});
    lab.playlists.watched(PlaylistId(0), lab.at(6.0));
    assert_eq!(lab.shown(), (Freshness::Fresh, 1.0), "what the newest list does meanwhile is not known");
    lab.sees(6.0, 500, |_| {});
    assert_eq!(lab.shown(), (Freshness::Stale, 6.0));
    lab.sees(6.5, 31, |_| {});
    lab.sees(6.6, 500, |_| {});
    assert_eq!(lab.shown(), (Freshness::Stale, 6.6), "it grows, but the newest list is still there");
}

#[test]
fn the_worst_is_the_oldest_in_its_own_target_durations() {
    let mut lab = Lab::new();
    for (id, target_s) in [(0, 10), (1, 2)] {
        for s in [0.0, if id == 0 { 9.0 } else { 2.5 }] {
            lab.sees(s, 5, |view| {
                view.playlist = PlaylistId(id);
                view.target_duration = Duration::from_secs(target_s);
            });
        }
    }
    let worst = lab.playlists.worst().unwrap();
    assert_eq!((worst.playlist, worst.age_s, worst.stale_after_s, worst.stuck_after_s), (1, 2.5, 3.0, 7.0));
}

#[test]
fn numbers_beyond_reason_do_no_harm() {
    let mut lab = Lab::new();
    for s in [0.0, 1.0] {
        lab.sees(s, 5, |view| {
            view.target_duration = Duration::MAX;
            view.first_sequence = u64::MAX;
            view.age = Duration::MAX;
        });
    }
    assert_eq!(lab.shown(), (Freshness::Fresh, 1.0));
    lab.sees(2.0, 5, |view| view.target_duration = Duration::ZERO);
}

#[test]
fn playlists_are_bounded_and_the_rest_is_counted() {
    let mut lab = Lab::new();
    for id in 0..1000 {
        lab.sees(0.0, 5, |view| view.playlist = PlaylistId(id));
    }
    assert_eq!(lab.playlists.health().len(), MOST_PLAYLISTS as usize);
    assert_eq!(lab.playlists.beyond(), 1000 - MOST_PLAYLISTS);
    assert!(size_of::<Option<Entry>>() <= 224, "{}", size_of::<Option<Entry>>());
}
