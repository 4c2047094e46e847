//! Several playlists at once: which of them decide.

use super::*;

#[test]
fn of_audio_and_video_the_slower_one_decides() {
    let mut lab = Lab::new();
    for sequence in 0..3 {
        lab.gets_of(VIDEO, 1.0, sequence, 2.0);
        lab.gets_of(AUDIO, 1.0, sequence, 2.0);
    }
    lab.gets_of(VIDEO, 6.5, 3, 2.0);
    assert_eq!(lab.stalls(8.0), (1, s(1.0)), "audio ended at 7 s");
    lab.gets_of(AUDIO, 8.0, 3, 2.0);
    assert_eq!(lab.stalls(10.0), (1, s(1.0)));
    assert_eq!(lab.view(10.0).totals.received, s(16.0), "media of both");
}

#[test]
fn a_track_that_joins_later_makes_no_stall() {
    let mut lab = Lab::new();
    for sequence in 0..3 {
        lab.gets_of(VIDEO, 1.0, sequence, 2.0);
    }
    for n in 0..10_u32 {
        let (end, sequence) = (6.0 + 2.0 * f64::from(n), 3 + u64::from(n));
        lab.gets_of(VIDEO, end, sequence, 2.0);
        lab.gets_of(AUDIO, end + 0.1, sequence, 2.0);
    }
    assert_eq!(lab.stalls(25.9), (0, Duration::ZERO));
}

#[test]
fn a_playlist_that_was_only_probed_makes_no_stall() {
    for probed in 1..=2 {
        let mut lab = Lab::new();
        for sequence in 0..probed {
            lab.gets_of(AUDIO, 1.0, sequence, 2.0);
        }
        for sequence in 0..3 {
            lab.gets_of(VIDEO, 1.2, sequence, 2.0);
        }
        for n in 0..20_u32 {
            lab.gets_of(VIDEO, 3.0 + 2.0 * f64::from(n), 3 + u64::from(n), 2.0);
        }
        assert_eq!(lab.stalls(40.0), (0, Duration::ZERO), "{probed} segments");
    }
}

#[test]
fn a_track_that_has_ended_holds_nobody_up() {
    let mut lab = Lab::new();
    lab.sees(AUDIO, 0.0, 0, 2, true);
    lab.sees(VIDEO, 0.0, 0, 4, true);
    for sequence in 0..4 {
        lab.gets_of(VIDEO, 1.0, sequence, 2.0);
        lab.gets_of(AUDIO, 1.0, sequence.min(1), 2.0);
    }
    assert_eq!(lab.view(7.0).state, PlaybackState::Playing);
    let view = lab.view(60.0);
    assert_eq!((view.state, view.totals.stalls), (PlaybackState::Finished, 0));
    assert_eq!(view.totals.playing, s(8.0), "to the end of the longer one");
}

#[test]
fn a_track_whose_segments_fail_stalls_the_viewer_and_a_silent_one_does_not() {
    let mut lab = Lab::new();
    for sequence in 0..3 {
        lab.gets_of(VIDEO, 1.0, sequence, 2.0);
        lab.gets_of(AUDIO, 1.0, sequence, 2.0);
    }
    for n in 0..10_u32 {
        let (end, sequence) = (2.0 + 2.0 * f64::from(n), 3 + u64::from(n));
        lab.gets_of(VIDEO, end, sequence, 2.0);
        let failed =
            Observation { outcome: Outcome::Status(404), ..lab.segment_of(AUDIO, end, sequence, 2.0) };
        lab.viewer.observe(&failed);
    }
    assert_eq!(lab.stalls(20.0), (1, s(13.0)));
    // From here on audio is not asked for any more: after three target durations of video it is given up.
    for n in 0..4_u32 {
        lab.gets_of(VIDEO, 21.0 + f64::from(n), 13 + u64::from(n), 2.0);
    }
    assert_eq!(lab.view(24.0).state, PlaybackState::Playing);
    assert_eq!(lab.stalls(26.0), (1, s(17.0)));
    // It comes back and has to prove itself.
    lab.gets_of(AUDIO, 26.0, 17, 2.0);
    assert_eq!(lab.view(29.0).state, PlaybackState::Playing);
}

#[test]
fn nobody_falls_silent_while_everything_stands_still() {
    let mut lab = Lab::new();
    for playlist in [VIDEO, AUDIO] {
        lab.gets_of(playlist, 1.0, 0, 2.0);
        lab.gets_of(playlist, 1.0, 1, 2.0);
    }
    lab.gets_of(VIDEO, 300.0, 2, 2.0);
    assert_eq!(lab.stalls(300.0), (1, s(295.0)));
    assert_eq!(lab.view(300.5).state, PlaybackState::Stalled, "audio is still missing");
}
