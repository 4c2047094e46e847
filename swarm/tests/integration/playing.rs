//! Viewers play what they are told to, as they are told to.

use std::fs;

use nix::sys::signal::Signal;
use testkit::wait_until;

use crate::support::{Swarm, fake_ffmpeg, origin, run, vod};

/// A run that ends before FFmpeg first tells of its progress has played what the wire saw.
#[test]
fn media_that_only_the_wire_saw_counts_as_received() {
    let origin = origin("one-second", &[]);
    let mut swarm =
        Swarm::start(&["-clients", "1", "-ffmpeg", &fake_ffmpeg("plays-in-silence"), &origin.url]);
    swarm.wait_for_metric("hlsswarm_clients_playing", |playing| playing >= 1);
    swarm.program.send(Signal::SIGINT);
    let finished = swarm.program.wait();
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(finished.stdout.contains("1 of 1 received media"), "{}", finished.stdout);
}

#[test]
fn viewers_reach_the_target_and_play() {
    let origin = origin("one-second", &[]);
    let swarm = Swarm::start(&["-clients", "5", "-ramp-rate", "20", "-duration", "5s", &origin.url]);
    swarm.wait_for_metric("hlsswarm_clients_active", |active| active == 5);
    assert_eq!(swarm.ffmpegs().len(), 5);
    let finished = { swarm }.program.wait();
    assert_eq!(finished.code, Some(0));
    assert!(finished.stdout.contains("\nHeld 5 of 5 viewers for "), "{}", finished.stdout);
    assert!(finished.stdout.contains("5 of 5 received media"), "{}", finished.stdout);
    assert!(finished.stdout.contains("5, and 0 restarts"), "{}", finished.stdout);
}

#[test]
fn the_real_ramp_rate_is_the_nominal_rate() {
    // A fake that starts in no time: whether this machine can start FFmpegs so fast is another question.
    let origin = origin("one-second", &[]);
    let fake = fake_ffmpeg("ignores-sigterm");
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("run.json");
    let flags =
        ["-clients", "100", "-ramp-rate", "50", "-duration", "3s", "-metrics", "off", "-ffmpeg", &fake];
    let finished = run(&[&flags[..], &["-report", report.to_str().unwrap(), &origin.url]].concat());
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let report: serde_json::Value = serde_json::from_slice(&fs::read(report).unwrap()).unwrap();
    let reached = report["viewers"]["target_reached_after_s"].as_f64().unwrap();
    // 99 gaps of 20 ms are 1.98 s.
    assert!((1.98..2.3).contains(&reached), "all 100 ran after {reached} s");
}

#[test]
fn headers_and_no_cache_arrive_at_the_origin_with_every_request() {
    let folder = testkit::origin::open_dir();
    let log = folder.path().join("access.log");
    let origin = origin("one-second", &["--access-log", log.to_str().unwrap()]);
    let flags =
        ["-clients", "1", "-duration", "4s", "-metrics", "off", "-no-cache", "-header", "X-Test: t 1"];
    assert_eq!(run(&[&flags[..], &[&origin.url]].concat()).code, Some(0));
    let lines: Vec<serde_json::Value> =
        fs::read_to_string(&log).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ours: Vec<_> = lines
        .iter()
        .filter(|line| line["user_agent"].as_str().unwrap().starts_with("ffmpeg-hls-swarm/"))
        .collect();
    let kinds =
        |suffix: &str| ours.iter().filter(|line| line["uri"].as_str().unwrap().ends_with(suffix)).count();
    assert!(kinds(".m3u8") >= 4 && kinds(".ts") >= 4, "{ours:?}");
    for line in ours {
        assert_eq!(
            (&line["cache_control"], &line["pragma"], &line["x_test"]),
            (&"no-cache".into(), &"no-cache".into(), &"t 1".into()),
            "{line}"
        );
    }
}

#[test]
fn each_variant_mode_fetches_its_variant() {
    let folder = testkit::origin::open_dir();
    let log = folder.path().join("access.log");
    let origin = origin("mini-abr", &["--access-log", log.to_str().unwrap()]);
    let all = ["360p", "240p", "144p"];
    for (mode, played) in
        [("highest", &all[..1]), ("lowest", &all[2..]), ("first", &all[..1]), ("all", &all[..])]
    {
        let agent = format!("User-Agent: mode-{mode}");
        let swarm = Swarm::start(&[
            "-clients",
            "1",
            "-duration",
            "8s",
            "-variant",
            mode,
            "-header",
            &agent,
            &origin.url,
        ]);
        assert_eq!({ swarm }.program.wait().code, Some(0), "{mode}");
        let text = fs::read_to_string(&log).unwrap();
        let segments = |variant: &str| {
            let of_mode = text.lines().filter(|line| line.contains(&format!("mode-{mode}\"")));
            of_mode.filter(|line| line.contains(variant) && line.contains(".ts")).count()
        };
        // FFmpeg looks at the first segments of every variant before it plays one: only what it goes on to fetch
        // tells what it plays.
        for variant in all {
            let count = segments(variant);
            assert_eq!(count >= 5, played.contains(&variant), "{mode}: {count} segments of {variant}");
        }
    }
}

#[test]
fn a_media_playlist_plays_in_every_mode() {
    let origin = origin("one-second", &[]);
    for mode in ["highest", "lowest", "first", "all"] {
        let finished = run(&["-check", "-variant", mode, "-duration", "1s", &origin.url]);
        assert_eq!(
            (finished.code, finished.stdout.as_str()),
            (Some(0), "It plays: one viewer received media.\n")
        );
    }
}

#[test]
fn vod_views_complete_and_the_next_one_is_no_restart() {
    let site = vod(3);
    let swarm = Swarm::start(&["-clients", "2", "-duration", "30s", &site.url("/vod.m3u8")]);
    swarm.wait_for_metric("hlsswarm_views_completed_total", |views| views >= 6);
    assert_eq!(swarm.metric("hlsswarm_clients_restarted_total"), 0);
    assert_eq!(swarm.metric("hlsswarm_clients_started_total"), 2);
    assert!(site.requests("/vod2.ts").len() >= 6);
}

#[test]
fn a_realtime_viewer_takes_as_long_as_the_media_and_a_full_pace_viewer_does_not() {
    // Of 20 s of media at most 3 s (three target durations) are a start buffer.
    let site = vod(20);
    let completed = |pace| {
        let swarm =
            Swarm::start(&["-clients", "1", "-pace", pace, "-duration", "6s", &site.url("/vod.m3u8")]);
        let finished = { swarm }.program.wait();
        assert_eq!(finished.code, Some(0), "{finished:?}");
        finished.stdout.contains("views")
    };
    assert!(completed("full"));
    assert!(!completed("realtime"));
}

#[test]
fn several_urls_are_played_in_turn() {
    let (one, other) = (vod(3), vod(3));
    let swarm =
        Swarm::start(&["-clients", "2", "-duration", "30s", &one.url("/vod.m3u8"), &other.url("/vod.m3u8")]);
    // The preflight looks at each once, too.
    wait_until("both are played", || {
        one.requests("/vod.m3u8").len() > 1 && other.requests("/vod.m3u8").len() > 1
    });
    drop(swarm);
}

#[test]
fn orchestrating_costs_little() {
    // Fakes that only wait: what is measured is the swarm, not FFmpeg.
    let origin = origin("one-second", &[]);
    let fake = fake_ffmpeg("ignores-sigterm");
    let flags = ["-clients", "200", "-ramp-rate", "200", "-ffmpeg", &fake, &origin.url];
    let swarm = Swarm::start(&flags);
    swarm.wait_for_metric("hlsswarm_clients_active", |active| active == 200);
    let resident = swarm.metric("process_resident_memory_bytes");
    assert!(resident < 40_000_000, "{resident} bytes, in a build without optimisation");
}
