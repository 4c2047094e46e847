//! What holds of any life of a viewer.

use proptest::prelude::*;

use super::*;

/// What may happen to a viewer, so many milliseconds after what happened before.
#[derive(Clone, Debug)]
enum Event {
    Start,
    End(SessionEnd),
    Segment { track: u32, step: u64, media_ms: u64, took_ms: u64, whole: bool },
    View { track: u32, segments: u64, ended: bool },
}

fn event(tracks: u32) -> impl Strategy<Value = (u64, Event)> {
    let segment = (0..tracks, 0..4_u64, 1..6000_u64, 0..3000_u64, prop::bool::weighted(0.9)).prop_map(
        |(track, step, media_ms, took_ms, whole)| Event::Segment { track, step, media_ms, took_ms, whole },
    );
    let view = (0..tracks, 0..8_u64, prop::bool::weighted(0.1))
        .prop_map(|(track, segments, ended)| Event::View { track, segments, ended });
    (
        0..3000_u64,
        prop_oneof![1 => Just(Event::Start), 1 => Just(Event::End(SessionEnd::Over)),
        1 => Just(Event::End(SessionEnd::Failed)), 12 => segment, 4 => view],
    )
}

/// A life of random requests, told with the given ticks in between; the view at the end, and how long it took.
fn live(
    events: &[(u64, Event)],
    tick_ms: Option<u64>,
    mut check: impl FnMut(&Playback),
) -> (Playback, Duration) {
    let mut lab = Lab::new();
    let (mut now, mut sequence) = (0_u64, 100_u64);
    for (pause, event) in events {
        let next = now + pause;
        while let Some(tick) = tick_ms.filter(|tick| now + tick < next) {
            now += tick;
            lab.viewer.advance(lab.began + Duration::from_millis(now));
            check(&lab.viewer);
        }
        now = next;
        let at = now as f64 / 1000.0;
        match *event {
            Event::Start => {
                lab.session += 1;
                lab.viewer.process_started(lab.session, lab.began + Duration::from_millis(now));
            }
            Event::End(end) => {
                lab.viewer.process_ended(lab.session, end, lab.began + Duration::from_millis(now));
            }
            Event::Segment { track, step, media_ms, took_ms, whole } => {
                sequence += step;
                let mut seen = lab.segment_of(PlaylistId(track), at, sequence, media_ms as f64 / 1000.0);
                let took_ms = took_ms.min(now);
                seen.started = lab.began + Duration::from_millis(now - took_ms);
                seen.duration = Duration::from_millis(took_ms);
                seen.outcome = if whole { OK } else { Outcome::Aborted };
                lab.viewer.observe(&seen);
            }
            Event::View { track, segments, ended } => {
                let first = (sequence + 3).saturating_sub(segments);
                lab.sees(PlaylistId(track), at, first, u32::try_from(segments).unwrap(), ended);
            }
        }
        check(&lab.viewer);
    }
    let end = Duration::from_millis(now + 1234);
    lab.viewer.advance(lab.began + end);
    check(&lab.viewer);
    (lab.viewer, end)
}

proptest! {
    #[test]
    fn time_is_conserved(
        events in prop::collection::vec(event(3), 0..80),
        tick_ms in prop::option::of(1..5000_u64),
    ) {
        let mut last = (Duration::ZERO, Duration::ZERO);
        let (viewer, elapsed) = live(&events, tick_ms, |viewer| {
            let totals = viewer.view().totals;
            assert!(totals.playing >= last.0 && totals.stalled >= last.1, "counters never fall");
            last = (totals.playing, totals.stalled);
        });
        let view = viewer.view();
        let totals = view.totals;
        let seen = totals.startup + totals.playing + view.undecided;
        let sum = seen + totals.stalled + totals.interrupted + totals.idle;
        prop_assert_eq!(sum, elapsed);
        prop_assert!(totals.played <= totals.playing);
        prop_assert!(totals.stalled >= STALL_FROM * u32::try_from(totals.stalls).unwrap());
    }

    #[test]
    fn media_is_conserved(
        events in prop::collection::vec(event(1), 0..80),
        tick_ms in prop::option::of(1..5000_u64),
    ) {
        live(&events, tick_ms, |viewer| {
            let view = viewer.view();
            let totals = view.totals;
            assert_eq!(totals.received, totals.played + view.buffer + totals.discarded);
        });
    }

    #[test]
    fn how_often_the_time_is_told_changes_nothing(
        events in prop::collection::vec(event(3), 0..80),
        tick_ms in 1..2000_u64,
    ) {
        let (often, _) = live(&events, Some(tick_ms), |_| {});
        let (never, _) = live(&events, None, |_| {});
        prop_assert_eq!(often.view(), never.view());
    }
}
