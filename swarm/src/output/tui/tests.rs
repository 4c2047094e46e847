use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::*;
use crate::generator::{Resource, Sample};
use crate::observation::Kind;
use crate::origin_metrics::OriginSample;
use crate::output::moment::Bracket;
use crate::stats::{
    ErrorKind, FailureKind, Freshness, KindSnapshot, KindTotals, OutagesSnapshot, Percentiles,
    PlaybackSnapshot, PlaybackState, PlaylistHealth, Totals, ViewerSnapshot, WireSnapshot,
};
use crate::verdict::{State, Verdict};

fn percentiles(p50_s: f64) -> Percentiles {
    let count = 9;
    Percentiles { count, mean_s: p50_s, p50_s, p95_s: p50_s * 4.0, p99_s: p50_s * 9.0, max_s: p50_s * 20.0 }
}

fn kind(kind: Kind, requests: u64, errors: u64, p50_s: f64) -> KindSnapshot {
    let totals = KindTotals { requests, errors, ..KindTotals::default() };
    KindSnapshot { kind, totals, duration: Some(percentiles(p50_s)), ttfb: Some(percentiles(p50_s / 2.0)) }
}

fn playlist(freshness: Freshness, age_s: f64) -> PlaylistHealth {
    PlaylistHealth {
        playlist: 0,
        url: "http://origin.example/stream.m3u8".to_owned(),
        freshness,
        target_duration_s: 2.0,
        age_s,
        stale_after_s: 3.0,
        stuck_after_s: 7.0,
        max_age_s: age_s,
        times_stale: 0,
        times_stuck: 0,
        times_backwards: 0,
    }
}

fn wire(playback: PlaybackSnapshot, playlist: PlaylistHealth, errors: Vec<ErrorKind>) -> WireSnapshot {
    let failed = errors.iter().map(|error| error.count).sum();
    WireSnapshot {
        elapsed_s: 192.0,
        requests: KindTotals::default(),
        throughput_bytes_per_s: 3_175_000.0,
        kinds: vec![
            kind(Kind::Master, 200, 0, 0.001_2),
            kind(Kind::Playlist, 18_400, 0, 0.000_8),
            kind(Kind::Segment, 19_200, failed, 0.021),
        ],
        statuses: Vec::new(),
        errors,
        other_errors: 0,
        playback: PlaybackSnapshot { startup: Some(percentiles(0.085)), ..playback },
        playlists: vec![playlist.clone()],
        worst_playlist: Some(playlist),
        playlists_beyond: 0,
        outages: OutagesSnapshot::default(),
        histograms: Vec::new(),
    }
}

fn healthy() -> Moment {
    let playback =
        PlaybackSnapshot { playing: 200, rebuffer_ratio: Some(0.0), ..PlaybackSnapshot::default() };
    Moment {
        elapsed: Duration::from_secs(192),
        target: 200,
        wanted: 200,
        totals: Totals { active: 200, started: 200, have_played: 200, ..Totals::default() },
        wire: Some(wire(playback, playlist(Freshness::Fresh, 1.2), Vec::new())),
        generator: Some(Sample {
            cpu_ratio: Some(0.43),
            own_cpu_ratio: Some(0.12),
            memory_available_bytes: Some(2_500_000_000),
            ..Sample::default()
        }),
        verdict: Some(Verdict {
            sentence: "HEALTHY: 200 viewers for 150 s, no stall, segments p95 84 ms".to_owned(),
            ..Verdict::default()
        }),
        ..Moment::default()
    }
}

fn troubled() -> Moment {
    let playback = PlaybackSnapshot {
        playing: 120,
        starting: 11,
        stalled: 31,
        interrupted: 4,
        stalls: 57,
        interruptions: 6,
        rebuffer_ratio: Some(0.083),
        ..PlaybackSnapshot::default()
    };
    let error = ErrorKind {
        class: "503".to_owned(),
        count: 412,
        first_kind: Kind::Segment,
        first_url: "http://origin.example/live/segment_1234.ts".to_owned(),
        first_viewer: 3,
        first_after_s: 60.0,
        last_after_s: 190.0,
    };
    let failure = FailureKind {
        reason: "Server returned 5XX Server Error reply".to_owned(),
        count: 6,
        first_viewer: 3,
        first_after_s: 61.0,
        ffmpeg_said: vec![
            "[hls @ …] Failed to open segment 1234 of playlist 0".to_owned(),
            "http://127.0.0.1/stream.m3u8: Server returned 5XX Server Error reply".to_owned(),
        ],
    };
    let viewer = |viewer, state| ViewerSnapshot {
        viewer,
        state,
        buffer_s: 0.0,
        live_latency_s: (viewer != 8).then_some(7.25),
        stalls: 3,
        stalled_s: 4.5,
        interruptions: 1,
        interrupted_s: 1.25,
        playing_s: 170.0,
        late_segments: 2,
    };
    Moment {
        wanted: 170,
        totals: Totals { active: 166, started: 170, ..Totals::default() },
        wire: Some(wire(playback, playlist(Freshness::Stale, 4.5), vec![error])),
        generator: Some(Sample { saturated: Some(Resource::Cpu), ..healthy().generator.unwrap() }),
        origin: Some(OriginSample {
            cpu_ratio: Some(0.97),
            cpu_cores: Some(1.9),
            connections: Some(310.0),
            requests_per_s: Some(412.0),
            bytes_per_s: Some(3.1e6),
            errors_5xx_per_s: Some(18.0),
            faults: None,
        }),
        verdict: Some(Verdict {
            state: State::Failing,
            sentence: "FAILING: rebuffer_ratio 8.30 %; first sign: 503 at 01:00 with 140 viewers".to_owned(),
            ..Verdict::default()
        }),
        failures: vec![failure],
        other_failures: 2,
        viewers: vec![viewer(8, PlaybackState::Interrupted), viewer(3, PlaybackState::Stalled)],
        ..healthy()
    }
}

/// The text of the screen, line by line.
fn screen((width, height): (u16, u16), moment: &Moment, controls: &Controls) -> String {
    let mut history = History::default();
    for second in 0..100_u32 {
        let mut past = moment.clone();
        if let Some(wire) = &mut past.wire {
            wire.playback.playing = (wire.playback.playing * (second + 1) / 80).min(wire.playback.playing);
            wire.throughput_bytes_per_s *= f64::from(second % 10 + 1) / 10.0;
        }
        history.push(&past);
    }
    let log =
        ["INFO metrics on http://0.0.0.0:9090/metrics", "WARN a viewer's FFmpeg ended"].map(str::to_owned);
    let view = View {
        moment,
        history: &history,
        duration: Some(Duration::from_secs(600)),
        controls,
        log: &log,
        palette: Palette::SIXTEEN,
    };
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, &view)).unwrap();
    let cells = terminal.backend().buffer().content();
    let row =
        |row: &[ratatui::buffer::Cell]| row.iter().map(ratatui::buffer::Cell::symbol).collect::<String>();
    cells.chunks(width.into()).map(|cells| row(cells).trim_end().to_owned() + "\n").collect()
}

const SIZES: [(u16, u16); 3] = [SMALLEST, (80, 24), (140, 45)];

#[test]
fn a_healthy_run_at_three_sizes() {
    for size in SIZES {
        let name = format!("healthy_{}x{}", size.0, size.1);
        insta::assert_snapshot!(name, screen(size, &healthy(), &Controls::default()));
    }
}

#[test]
fn a_run_in_trouble_at_three_sizes() {
    for size in SIZES {
        let name = format!("troubled_{}x{}", size.0, size.1);
        insta::assert_snapshot!(name, screen(size, &troubled(), &Controls::default()));
    }
}

#[test]
fn each_viewer_and_the_keys_fill_the_middle() {
    for page in [Page::Viewers, Page::Help] {
        let controls = Controls { page, decides: Some("the search"), ..Controls::default() };
        insta::assert_snapshot!(format!("page_{page:?}"), screen(SMALLEST, &troubled(), &controls));
    }
}

#[test]
fn a_run_that_measures_nothing_has_its_processes() {
    let moment = Moment { wire: None, verdict: None, ..healthy() };
    insta::assert_snapshot!(screen((80, 24), &moment, &Controls::default()));
}

#[test]
fn the_first_row_says_what_the_run_does() {
    let first = |moment: &Moment, controls: &Controls| {
        let text = screen((80, 24), moment, controls);
        text.lines().next().unwrap().to_owned()
    };
    let begun = Controls::default();
    assert!(first(&healthy(), &begun).contains("holding 200  3m12s of 10m, 6m48s left"));
    assert!(first(&troubled(), &begun).contains("ramping 170 to 200"));
    let held = Controls { held: Some(200), ..Controls::default() };
    assert!(first(&troubled(), &held).contains("ramp held at 170 of 200"));
    let stopping = Controls { stopping: true, ..Controls::default() };
    assert!(first(&healthy(), &stopping).contains("stopping the viewers"));
    let search = Some(Bracket { trying: 24, held: 16, failed: Some(32) });
    let text = screen((80, 24), &Moment { search, verdict: None, ..healthy() }, &begun);
    assert!(text.contains("searching 200") && text.contains("16 held, 32 failed, trying 24"), "{text}");
}

#[test]
fn a_screen_that_is_too_small_says_so_and_never_panics() {
    for size in [(1, 1), (20, 5), (59, 20), (60, 19)] {
        let text = screen(size, &troubled(), &Controls::default());
        assert!(size.0 < 20 || text.starts_with("The dashboard"), "{text}");
    }
    for width in (60..200).step_by(7) {
        for height in 20..60 {
            screen((width, height), &troubled(), &Controls::default());
        }
    }
}

#[test]
fn trouble_has_a_colour_and_no_colour_at_all_where_none_is_wanted() {
    let look = |palette: Palette| {
        let (controls, history) = (Controls::default(), History::default());
        let moment = troubled();
        let view = View {
            moment: &moment,
            history: &history,
            duration: None,
            controls: &controls,
            log: &[],
            palette,
        };
        let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
        terminal.draw(|frame| draw(frame, &view)).unwrap();
        terminal.backend().buffer().content().iter().map(|cell| cell.fg).collect::<Vec<_>>()
    };
    assert!(look(Palette::SIXTEEN).contains(&ratatui::style::Color::Red));
    let uncoloured = look(Palette::MONOCHROME);
    assert!(uncoloured.iter().all(|colour| *colour == ratatui::style::Color::Reset), "{uncoloured:?}");
}
