//! Reports of viewers, and what they add up to.

use super::*;

fn stats() -> Stats {
    Stats::new(3, Instant::now())
}

fn feed(stats: &mut Stats, viewer: u32, what: Happening) -> News {
    stats.record(&Report { viewer, session: 0, at: Instant::now(), what }, 2, Instant::now())
}

fn ended(exit: Exit, ending: Ending) -> Happening {
    let said = vec!["last words".to_owned()];
    Happening::Ended(Ended { exit, ending, ran: Duration::ZERO, media: Duration::ZERO, said })
}

fn failed(reason: &str) -> Happening {
    ended(Exit::Code(1), Ending::Failed { reason: reason.to_owned() })
}

#[test]
fn starts_restarts_and_next_views_are_told_apart() {
    let mut stats = stats();
    for kind in [StartKind::First, StartKind::Restart, StartKind::NextView, StartKind::First] {
        feed(&mut stats, 0, Happening::Started(kind));
        feed(&mut stats, 0, ended(Exit::Code(0), Ending::Completed));
    }
    let totals = stats.totals();
    assert_eq!((totals.started, totals.restarted, totals.completed_views), (2, 1, 4));
    assert_eq!((totals.active, totals.peak_active), (0, 1));
}

#[test]
fn the_target_is_reached_once_all_run_at_the_same_time() {
    let mut stats = stats();
    feed(&mut stats, 0, Happening::Started(StartKind::First));
    feed(&mut stats, 0, failed("gone"));
    feed(&mut stats, 1, Happening::Started(StartKind::First));
    assert_eq!(stats.snapshot(2, Instant::now()).target_reached_after, None);
    feed(&mut stats, 0, Happening::Started(StartKind::Restart));
    assert!(stats.snapshot(2, Instant::now()).target_reached_after.is_some());
}

#[test]
fn a_process_that_we_stopped_is_no_exit_and_no_failure() {
    let mut stats = stats();
    feed(&mut stats, 0, Happening::Started(StartKind::First));
    let mut stopped = ended(Exit::Code(255), Ending::Stopped);
    if let Happening::Ended(ended) = &mut stopped {
        ended.media = Duration::from_secs(1);
    }
    feed(&mut stats, 0, stopped);
    let snapshot = stats.snapshot(2, Instant::now());
    assert!(snapshot.exits.is_empty() && snapshot.failures.is_empty());
    assert_eq!(snapshot.totals.stopped, 1);
}

#[test]
fn what_a_stopped_viewer_said_tells_why_it_never_played() {
    let mut stats = stats();
    feed(&mut stats, 0, Happening::Started(StartKind::First));
    let news = feed(&mut stats, 0, ended(Exit::Code(255), Ending::Stopped));
    assert_ne!(news, News::None);
    assert_eq!(stats.snapshot(2, Instant::now()).failures[0].reason, "last words");
}

#[test]
fn that_a_viewer_was_stopped_is_no_failure_whether_it_has_played_or_not() {
    let mut stats = stats();
    let stopped = |said: &str| {
        let (exit, said) = (Exit::Code(255), vec![said.to_owned()]);
        let (ran, media) = (Duration::ZERO, Duration::ZERO);
        Happening::Ended(Ended { exit, ending: Ending::Stopped, ran, media, said })
    };
    let exit = "[error] Error closing progress log, loss of information possible: Immediate exit requested";
    assert_eq!(feed(&mut stats, 0, stopped(exit)), News::None);
    // Its FFmpeg has not told of it yet.
    stats.saw_media(1);
    assert_eq!(feed(&mut stats, 1, stopped("[error] anything")), News::None);
    assert!(stats.snapshot(2, Instant::now()).failures.is_empty());
}

#[test]
fn the_time_in_which_all_ran_and_the_least_that_did_are_known() {
    let mut stats = stats();
    let began = stats.began;
    let mut at = |second, what| {
        let report = Report { viewer: 0, session: 0, at: Instant::now(), what };
        stats.record(&report, 2, began + Duration::from_secs(second));
    };
    at(0, Happening::Started(StartKind::First));
    at(1, Happening::Started(StartKind::First));
    at(5, failed("gone"));
    at(6, failed("gone"));
    at(8, Happening::Started(StartKind::Restart));
    at(9, Happening::Started(StartKind::Restart));
    let snapshot = stats.snapshot(2, began + Duration::from_secs(12));
    assert_eq!(snapshot.all_ran_for, Duration::from_secs(4 + 3));
    assert_eq!(snapshot.least_active, Some(0));
}

#[test]
fn viewers_that_are_removed_do_not_end_the_time_in_which_all_ran() {
    let mut stats = stats();
    let began = stats.began;
    let second = |second| began + Duration::from_secs(second);
    let report = |what| Report { viewer: 0, session: 0, at: Instant::now(), what };
    for _ in 0..2 {
        stats.record(&report(Happening::Started(StartKind::First)), 2, second(0));
    }
    stats.aim_at(1, second(4));
    stats.record(&report(ended(Exit::Code(255), Ending::Stopped)), 1, second(5));
    let snapshot = stats.snapshot(1, second(6));
    assert_eq!((snapshot.all_ran_for, snapshot.least_active), (Duration::from_secs(6), Some(1)));
    stats.aim_at(3, second(7));
    let snapshot = stats.snapshot(3, second(9));
    assert_eq!((snapshot.all_ran_for, snapshot.least_active), (Duration::from_secs(7), None));
}

#[test]
fn a_viewer_that_plays_again_counts_once() {
    let mut stats = stats();
    for viewer in [0, 0, 2, 0] {
        feed(&mut stats, viewer, Happening::Playing);
    }
    assert_eq!(stats.totals().have_played, 2);
}

#[test]
fn a_failure_is_news_only_the_first_time() {
    let mut stats = stats();
    let first = feed(&mut stats, 0, failed("404"));
    assert_eq!(
        first,
        News::NewFailure { viewer: 0, reason: "404".to_owned(), said: vec!["last words".to_owned()] }
    );
    assert_eq!(feed(&mut stats, 1, failed("404")), News::None);
    assert_eq!(feed(&mut stats, 2, failed("404")), News::None);
    assert_eq!(stats.repeated_failures(), [("404".to_owned(), 2)]);
    assert!(stats.repeated_failures().is_empty());
}
