//! The wire: what it measures agrees with the origin's own log, and it changes nothing that it need not.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::Value;
use testkit::{Origin, get_through, request, send, wait_until};

use crate::support::{Swarm, origin, vod};

/// An origin with an access log, and that log.
fn logged(profile: &str) -> (Origin, tempfile::TempDir) {
    let folder = testkit::origin::open_dir();
    let log = folder.path().join("access.log");
    (origin(profile, &["--access-log", log.to_str().unwrap()]), folder)
}

/// What viewers asked for: FFmpeg asks for ranges, the preflight and the origin itself do not.
fn by_viewers(folder: &Path) -> Vec<Value> {
    let text = fs::read_to_string(folder.join("access.log")).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["range"].as_str().is_some_and(|range| !range.is_empty())).collect()
}

/// Runs `flags` to the end of the duration, and reads the report.
#[track_caller]
fn report(flags: &[&str]) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.json");
    let swarm = Swarm::start(&[flags, &["-report", path.to_str().unwrap()]].concat());
    let finished = { swarm }.program.wait();
    assert_eq!(finished.code, Some(0), "{finished:?}");
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// Requests and bytes of each kind in a report.
fn measured(report: &Value) -> BTreeMap<String, (u64, u64)> {
    let kinds = report["wire"]["kinds"].as_array().unwrap();
    let number = |kind: &Value, name: &str| kind[name].as_u64().unwrap();
    kinds
        .iter()
        .map(|kind| {
            let name = kind["kind"].as_str().unwrap().to_owned();
            (name, (number(kind, "requests"), number(kind, "bytes")))
        })
        .collect()
}

fn is_playlist(uri: &str) -> bool {
    Path::new(uri).extension().is_some_and(|extension| extension == "m3u8")
}

/// The same from the origin's log.
fn served(lines: &[Value], master: Option<&str>) -> BTreeMap<String, (u64, u64)> {
    let mut kinds = BTreeMap::new();
    for line in lines {
        let uri = line["uri"].as_str().unwrap();
        let kind = match uri {
            _ if Some(uri) == master => "master",
            _ if is_playlist(uri) => "playlist",
            _ => "segment",
        };
        let entry: &mut (u64, u64) = kinds.entry(kind.to_owned()).or_default();
        entry.0 += 1;
        entry.1 += line["bytes"].as_u64().unwrap();
    }
    kinds
}

#[test]
fn figures_agree_with_the_origins_log_to_the_request_and_the_byte() {
    for (profile, master) in [("one-second", None), ("mini-abr", Some("/stream.m3u8"))] {
        let (origin, folder) = logged(profile);
        let report = report(&["-clients", "10", "-ramp-rate", "10", "-duration", "6s", &origin.url]);
        let measured = measured(&report);
        // The report ends where the stopping of the viewers begins; the log goes on a little. Both clocks are this
        // machine's, and nginx looks at it every few milliseconds.
        let began = humantime::parse_rfc3339(report["started_at"].as_str().unwrap()).unwrap();
        let began = began.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
        let end = began + report["wire"]["elapsed_s"].as_f64().unwrap();
        let mut lines = by_viewers(folder.path());
        let time = |line: &Value| line["time"].as_f64().unwrap();
        lines.sort_by(|a, b| time(a).total_cmp(&time(b)));
        let from = lines.partition_point(|line| time(line) < end - 0.05);
        let to = lines.partition_point(|line| time(line) <= end + 0.05);
        let agrees = (from..=to).any(|cut| served(&lines[..cut], master) == measured);
        assert!(agrees, "{profile}: {measured:?} measured, {:?} served", served(&lines[..to], master));
        assert_eq!(report["wire"]["errors"], Value::Array(Vec::new()));
    }
}

#[test]
fn a_vod_is_measured_exactly() {
    let site = vod(4);
    // One view and no second one: a realtime view of 4 s with a start buffer of 3 s ends before 3 s have passed, and
    // FFmpeg 5.1 without a start buffer takes the whole 4 s.
    let report =
        report(&["-clients", "1", "-pace", "realtime", "-duration", "3500ms", &site.url("/vod.m3u8")]);
    let playback = &report["wire"]["playback"];
    let segments = measured(&report)["segment"];
    let requests: usize = (0..4).map(|number| site.requests(&format!("/vod{number}.ts")).len()).sum();
    assert_eq!(segments.0, requests as u64);
    assert!(playback["startup"]["count"].as_u64().unwrap() >= 1);
    assert_eq!(playback["stalls"], 0);
}

#[test]
fn a_redirect_is_counted_and_only_what_it_leads_to_is_measured() {
    let (site, edge) = (vod(4), vod(4));
    for number in 0..4 {
        let path = format!("/vod{number}.ts");
        let head: &'static str = format!("302 Found\r\nLocation: {}", edge.url(&path)).leak();
        site.change(&path, |answer| *answer = (head, b"it is over there".to_vec()));
    }
    let report =
        report(&["-clients", "1", "-pace", "realtime", "-duration", "3500ms", &site.url("/vod.m3u8")]);
    let kinds = report["wire"]["kinds"].as_array().unwrap();
    let segments = kinds.iter().find(|kind| kind["kind"] == "segment").unwrap();
    let with_status = |status: &str| {
        let counts = report["wire"]["statuses"].as_array().unwrap().iter();
        let of_segments = counts.filter(|count| count["kind"] == "segment" && count["status"] == status);
        of_segments.map(|count| count["count"].as_u64().unwrap()).sum::<u64>()
    };
    let (redirects, media) = (with_status("302"), with_status("200") + with_status("206"));
    assert!(redirects >= 3 && media >= 3, "{}", report["wire"]["statuses"]);
    assert_eq!(segments["requests"], redirects + media + with_status("aborted"));
    assert_eq!((&segments["errors"], &segments["duration"]["count"]), (&0.into(), &media.into()));
}

#[test]
fn the_wire_makes_the_connections_and_requests_that_ffmpeg_alone_makes() {
    let shape = |direct: bool| {
        let (origin, folder) = logged("one-second");
        let mode: &[&str] = if direct { &["-direct"] } else { &[] };
        let flags = ["-clients", "1", "-duration", "6s", &origin.url];
        assert_eq!({ Swarm::start(&[mode, &flags].concat()) }.program.wait().code, Some(0));
        let lines = by_viewers(folder.path());
        let connections: std::collections::BTreeSet<_> =
            lines.iter().map(|line| line["connection"].as_u64().unwrap()).collect();
        let ranges: std::collections::BTreeSet<_> =
            lines.iter().map(|line| line["range"].as_str().unwrap().to_owned()).collect();
        let kinds: Vec<_> = lines.iter().map(|line| is_playlist(line["uri"].as_str().unwrap())).collect();
        (connections.len(), ranges, kinds)
    };
    let (direct, wire) = (shape(true), shape(false));
    assert_eq!(direct.0, wire.0, "connections");
    assert_eq!(direct.1, wire.1, "ranges");
    // The start is fetched at once; later requests follow the clock, so their order at the edges may differ.
    assert_eq!(direct.2[..5], wire.2[..5], "order of playlists and segments");
    assert!(direct.2.len().abs_diff(wire.2.len()) <= 2, "{} and {}", direct.2.len(), wire.2.len());
}

#[test]
fn on_the_wire_only_the_chosen_variant_is_asked_for() {
    let all = ["360p", "240p", "144p"];
    for (mode, played) in
        [("highest", &all[..1]), ("lowest", &all[2..]), ("first", &all[..1]), ("all", &all[..])]
    {
        let (origin, folder) = logged("mini-abr");
        let report = report(&["-clients", "2", "-duration", "5s", "-variant", mode, &origin.url]);
        let lines = by_viewers(folder.path());
        for variant in all {
            let asked = lines.iter().any(|line| line["uri"].as_str().unwrap().contains(variant));
            assert_eq!(asked, played.contains(&variant), "{mode}: {variant}");
        }
        assert_eq!(report["wire"]["playlists"].as_array().unwrap().len(), played.len(), "{mode}");
        assert_eq!(measured(&report)["master"].0, 2, "{mode}");
    }
}

#[test]
fn a_frozen_encoder_shows_in_the_metrics_in_time_and_recovers() {
    let origin = origin("one-second", &[]);
    let swarm = Swarm::start(&["-clients", "5", "-ramp-rate", "50", &origin.url]);
    wait_until("all viewers play", || swarm.metric("hlsswarm_clients_playing") == 5);
    let encoder = origin.process("ffmpeg").unwrap();
    send(encoder, Signal::SIGSTOP);
    let frozen = Instant::now();
    swarm.wait_for_metric("hlsswarm_playlists_stale", |stale| stale == 1);
    // 1.5 target durations after the last segment, which came up to one before the stop, and a tick.
    assert!(frozen.elapsed() < Duration::from_millis(1500 + 1000), "{:?}", frozen.elapsed());
    // Three segments and more are in the buffers first.
    swarm.wait_for_metric("hlsswarm_clients_stalled", |stalled| stalled == 5);
    swarm.wait_for_metric("hlsswarm_stalls_total", |stalls| stalls == 5);
    send(encoder, Signal::SIGCONT);
    swarm.wait_for_metric("hlsswarm_playlists_stale", |stale| stale == 0);
    swarm.wait_for_metric("hlsswarm_clients_playing", |playing| playing == 5);
    let metrics = swarm.admin("/metrics").text();
    let ratio = metrics.lines().find_map(|line| line.strip_prefix("hlsswarm_rebuffer_ratio ")).unwrap();
    assert!(ratio.parse::<f64>().unwrap() > 0.0, "{ratio}");
}

#[test]
fn viewers_whose_ffmpeg_fails_are_interrupted_until_they_play_again() {
    let origin = origin("one-second", &[]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.json");
    let flags = ["-clients", "3", "-ramp-rate", "50", "-report", path.to_str().unwrap(), &origin.url];
    let mut swarm = Swarm::start(&flags);
    swarm.wait_for_metric("hlsswarm_clients_playing", |playing| playing == 3);
    swarm.ffmpegs().into_iter().for_each(|pid| send(pid, Signal::SIGKILL));
    swarm.wait_for_metric("hlsswarm_interruptions_total", |interruptions| interruptions == 3);
    swarm.wait_for_metric("hlsswarm_clients_playing", |playing| playing == 3);
    assert_eq!(swarm.metric("hlsswarm_clients_interrupted"), 0);
    swarm.program.send(Signal::SIGTERM);
    let finished = swarm.program.wait();
    assert!(finished.stdout.contains("3 interruptions of "), "{}", finished.stdout);
    assert!(finished.stdout.contains("until all played again after "), "{}", finished.stdout);
    let report: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let (playback, outages) = (&report["wire"]["playback"], &report["wire"]["outages"]);
    // The shortest back-off is 200 ms.
    let interrupted = playback["interrupted_s"].as_f64().unwrap();
    let lasted = outages["total_s"].as_f64().unwrap();
    assert!(interrupted > 3.0 * 0.2 && lasted > interrupted / 3.0, "{playback} {outages}");
    assert!(playback["rebuffer_ratio"].as_f64().unwrap() > 0.0, "{playback}");
    let after = |name: &str| outages[name].as_f64().unwrap();
    assert_eq!((&outages["count"], &playback["interruptions"]), (&1.into(), &3.into()));
    assert!((after("recovered_after_s") - after("last_began_after_s") - lasted).abs() < 1e-6, "{outages}");
}

#[test]
fn a_live_stream_that_ends_is_a_completed_view() {
    let site = vod(4);
    let ended = site.playlist("/vod.m3u8");
    let is_live = |line: &&str| !line.contains("ENDLIST") && !line.contains("PLAYLIST-TYPE");
    let live = ended.lines().filter(is_live).map(|line| line.to_owned() + "\n").collect::<String>();
    site.change("/vod.m3u8", |(_, body)| *body = live.into_bytes());
    let swarm = Swarm::start(&["-clients", "1", &site.url("/vod.m3u8")]);
    swarm.wait_for_metric("hlsswarm_clients_playing", |playing| playing == 1);
    assert_eq!(swarm.metric("hlsswarm_views_completed_total"), 0);
    site.change("/vod.m3u8", |(_, body)| *body = ended.into_bytes());
    swarm.wait_for_metric("hlsswarm_views_completed_total", |views| views >= 2);
    assert_eq!(swarm.metric("hlsswarm_clients_restarted_total"), 0);
    assert_eq!(swarm.metric("hlsswarm_interruptions_total"), 0);
}

#[test]
fn strangers_cannot_use_the_proxy_and_the_secret_stays_here() {
    let site = vod(3);
    let swarm = Swarm::start(&["-clients", "1", "-duration", "20s", &site.url("/vod.m3u8")]);
    wait_until("an FFmpeg runs", || !swarm.ffmpegs().is_empty());
    wait_until("it has asked", || site.requests("/vod2.ts").len() > 1);
    let (proxy, stamp) = swarm.proxy();
    let through = |headers: &[&str]| get_through(&proxy, &site.url("/vod0.ts"), headers);
    assert_eq!(through(&[]).status, 403);
    assert_eq!(through(&["X-Swarm-Viewer: 0123456789abcdef-0-0"]).status, 403);
    assert_eq!(through(&[&format!("X-Swarm-Viewer: {stamp}")]).status, 200);
    assert_eq!(
        request("GET", &format!("{proxy}/vod0.ts"), &[&format!("X-Swarm-Viewer: {stamp}")]).status,
        400
    );
    for heard in site.requests("/vod0.ts") {
        assert!(!heard.to_ascii_lowercase().contains("swarm-viewer"), "{heard}");
    }
}

#[test]
fn viewers_come_from_the_source_addresses_that_were_given() {
    let (origin, folder) = logged("one-second");
    let sources = ["-source-ip", "127.0.0.2", "-source-ip", "127.0.0.3"];
    report(&[&sources[..], &["-clients", "4", "-ramp-rate", "50", "-duration", "5s", &origin.url]].concat());
    let lines = by_viewers(folder.path());
    let addresses: std::collections::BTreeSet<_> =
        lines.iter().map(|line| line["remote_addr"].as_str().unwrap().to_owned()).collect();
    assert_eq!(addresses, ["127.0.0.2", "127.0.0.3"].map(str::to_owned).into());
}

#[test]
fn a_source_address_that_is_not_here_is_refused_before_the_run() {
    let refused = crate::support::run(&["-source-ip", "192.0.2.7", &vod(1).url("/vod.m3u8")]);
    assert_eq!(refused.code, Some(3), "{refused:?}");
    assert!(refused.stderr.contains("ip address add 192.0.2.7/32"), "{}", refused.stderr);
}
