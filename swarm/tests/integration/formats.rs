//! What playlists can be made of, with a real FFmpeg: keys, byte ranges, low latency, fMP4, an end; and IPv6.

use std::net::TcpListener;

use nix::sys::signal::Signal;
use testkit::{get_through, skipped};

use crate::support::{Site, Swarm, origin, vod_answers, vod_answers_with};

/// Watches one view of `/vod.m3u8`, and returns the swarm, which still runs.
fn watch(site: &Site) -> Swarm {
    let swarm = Swarm::start(&["-clients", "1", &site.url("/vod.m3u8")]);
    swarm.wait_for_metric("hlsswarm_views_completed_total", |views| views >= 1);
    assert_eq!(swarm.metric("hlsswarm_clients_restarted_total"), 0);
    assert_eq!(swarm.metric("hlsswarm_playlist_lines_unparsed_total"), 0);
    swarm
}

/// Requests that succeeded, of this kind.
fn succeeded(swarm: &Swarm, kind: &str) -> u64 {
    let of =
        |status| swarm.metric(&format!("hlsswarm_requests_total{{kind=\"{kind}\",status=\"{status}\"}}"));
    of(200) + of(206)
}

#[test]
fn keys_are_fetched_through_the_wire_and_known_as_keys() {
    let key = b"sixteen bytes !!";
    let files = [("secret.key", key.as_slice()), ("info", b"secret.key\nsecret.key\n".as_slice())];
    let answers = vod_answers_with(3, &["-hls_key_info_file", "info"], &files);
    let site = Site::serve(answers);
    assert!(site.playlist("/vod.m3u8").contains("METHOD=AES-128"));
    let swarm = watch(&site);
    assert!(succeeded(&swarm, "key") >= 1);
    assert!(succeeded(&swarm, "segment") >= 3);
    assert_eq!(swarm.metric("hlsswarm_requests_total{kind=\"other\",status=\"200\"}"), 0);
}

#[test]
fn byte_ranges_of_one_file_are_segments_of_their_own() {
    let site = Site::serve(vod_answers_with(3, &["-hls_flags", "single_file"], &[]));
    assert!(site.playlist("/vod.m3u8").contains("#EXT-X-BYTERANGE"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.json");
    let mut swarm =
        Swarm::start(&["-clients", "1", "-report", path.to_str().unwrap(), &site.url("/vod.m3u8")]);
    swarm.wait_for_metric("hlsswarm_views_completed_total", |views| views >= 2);
    swarm.program.send(Signal::SIGTERM);
    swarm.program.wait();
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let playback = &report["wire"]["playback"];
    // FFmpeg 9 asks for adjacent ranges at once.
    let views = site.requests("/vod.ts").iter().filter(|head| head.contains("Range: bytes=0-")).count();
    let received = playback["media_received_s"].as_f64().unwrap();
    assert!((received / 3.0 - views as f64).abs() < 1.1, "{received} s in {views} views: {playback}");
    assert_eq!((&playback["stalls"], &playback["skipped_segments"]), (&0.into(), &0.into()), "{playback}");
}

#[test]
fn a_low_latency_playlist_passes_untouched_and_plays_by_its_whole_segments() {
    let low_latency = "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.0\n\
        #EXT-X-PART-INF:PART-TARGET=0.334\n#EXTINF";
    let parts = "#EXT-X-PART:DURATION=0.5,URI=\"/part0.ts\",INDEPENDENT=YES\n\
        #EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"/part1.ts\"\n#EXT-X-RENDITION-REPORT:URI=\"/other.m3u8\",LAST-MSN=2\n\
        #EXT-X-ENDLIST";
    let site = Site::serve(vod_answers(3));
    let text =
        site.playlist("/vod.m3u8").replacen("#EXTINF", low_latency, 1).replace("#EXT-X-ENDLIST", parts);
    site.change("/vod.m3u8", |(_, body)| *body = text.clone().into_bytes());
    let swarm = watch(&site);
    let (proxy, stamp) = swarm.proxy();
    let passed = get_through(&proxy, &site.url("/vod.m3u8"), &[&format!("X-Swarm-Viewer: {stamp}")]);
    assert_eq!(passed.text(), text);
    assert!(site.requests("/part0.ts").is_empty() && site.requests("/part1.ts").is_empty());
    assert!(!site.requests("/vod2.ts").is_empty());
}

#[test]
fn fragmented_mp4_with_audio_of_its_own_is_understood() {
    let origin = origin("cmaf", &[]);
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("run.json");
    let flags =
        ["-clients", "2", "-duration", "8s", "-variant", "highest", "-report", report.to_str().unwrap()];
    let finished = { Swarm::start(&[&flags[..], &[&origin.url]].concat()) }.program.wait();
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(&report).unwrap()).unwrap();
    let wire = &report["wire"];
    let kinds: Vec<_> =
        wire["kinds"].as_array().unwrap().iter().map(|kind| kind["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["master", "playlist", "segment", "init"]);
    assert_eq!(wire["playlists"].as_array().unwrap().len(), 2, "the variant and its audio");
    assert_eq!(wire["playback"]["stalls"], 0, "{}", wire["playback"]);
    assert_eq!(wire["playback"]["playing"], 2);
}

#[test]
fn the_vod_profile_is_viewed_to_its_end() {
    let origin = origin("vod", &[]);
    let swarm = Swarm::start(&["-clients", "2", "-duration", "30s", &origin.url]);
    swarm.wait_for_metric("hlsswarm_views_completed_total", |views| views >= 2);
    assert_eq!(swarm.metric("hlsswarm_clients_restarted_total"), 0);
    assert_eq!(swarm.metric("hlsswarm_stalls_total"), 0);
}

#[test]
fn an_ipv6_address_plays_as_itself_and_as_what_a_name_is_resolved_to() {
    let listener = match TcpListener::bind("[::1]:0") {
        Ok(listener) => listener,
        Err(error) => return skipped(&format!("this machine has no IPv6 loopback ({error})")),
    };
    let port = listener.local_addr().unwrap().port();
    let site = Site::serve_on(listener, vod_answers(3));
    drop(watch(&site));
    let named = format!("http://cdn.example.test:{port}/vod.m3u8");
    let swarm = Swarm::start(&["-clients", "1", "-resolve", "::1", "-dangerous", &named]);
    swarm.wait_for_metric("hlsswarm_views_completed_total", |views| views >= 1);
    let asked = site.requests("/vod2.ts");
    assert!(asked.last().unwrap().contains(&format!("cdn.example.test:{port}")), "{asked:?}");
}
