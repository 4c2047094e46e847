//! Fragmented MP4 with an audio group.

use std::path::Path;
use std::process::Command;

use m3u8_rs::{AlternativeMediaType, MasterPlaylist, MediaPlaylist};
use nix::sys::signal::Signal;

use crate::support::{Origin, open_dir, profile_file, request, send, wait_until};

fn master(origin: &Origin) -> MasterPlaylist {
    m3u8_rs::parse_master_playlist_res(&origin.get("stream.m3u8").body).unwrap()
}

/// The path of what a playlist names.
fn beside(playlist: &str, name: &str) -> String {
    Path::new(playlist).with_file_name(name).display().to_string()
}

fn init_section(playlist: &MediaPlaylist) -> String {
    playlist.segments[0].map.as_ref().unwrap().uri.clone()
}

#[test]
fn the_cmaf_profile_has_an_audio_group_and_its_variants_keep_their_promise() {
    let origin = Origin::start(|command| command.args(["--profile", "cmaf"]));
    let master = master(&origin);
    assert_eq!(master.version, Some(7));
    let [audio] = master.alternatives.as_slice() else { panic!("{master:?}") };
    assert_eq!((audio.media_type.clone(), audio.group_id.as_str()), (AlternativeMediaType::Audio, "audio"));
    assert!(audio.default && audio.autoselect);
    let audio = audio.uri.as_deref().unwrap();
    let rates = |path: &str| -> Vec<u64> {
        let playlist = origin.playlist(path);
        assert_eq!((playlist.target_duration, playlist.segments.len(), playlist.end_list), (2, 6, false));
        // EXTINF rounded is at most the target duration (RFC 8216 4.3.3.1); audio frames do not fill 2 s.
        let lengths = playlist.segments.iter().map(|segment| segment.duration);
        assert!(lengths.into_iter().all(|seconds| (1.97..2.03).contains(&seconds)), "{playlist:?}");
        let size = |uri: &str| 8 * origin.get(&beside(path, uri)).body.len() as u64;
        playlist.segments.iter().map(|segment| size(&segment.uri) / 2).collect()
    };
    let sound = rates(audio);
    assert_eq!(master.variants.len(), 2);
    for variant in &master.variants {
        assert_eq!(variant.audio.as_deref(), Some("audio"));
        let codecs = variant.codecs.as_deref().unwrap();
        assert!(codecs.starts_with("avc1.6400") && codecs.ends_with(",mp4a.40.2"), "{codecs}");
        let both: Vec<u64> = rates(&variant.uri).iter().zip(&sound).map(|(a, b)| a + b).collect();
        assert!(both.iter().all(|rate| *rate <= variant.bandwidth), "{both:?} exceed {}", variant.bandwidth);
        let average = both.iter().sum::<u64>() / both.len() as u64;
        let promised = variant.average_bandwidth.unwrap();
        assert!(average.abs_diff(promised) < promised / 20, "{average} is not about {promised}");
    }
}

#[test]
fn the_codecs_of_the_master_playlist_are_those_of_the_streams() {
    let origin = Origin::start(|command| command.args(["--profile", "cmaf"]));
    let folder = open_dir();
    for variant in master(&origin).variants {
        let playlist = origin.playlist(&variant.uri);
        let file = folder.path().join("whole.mp4");
        let segment = origin.get(&beside(&variant.uri, &playlist.segments[0].uri)).body;
        let init = origin.get(&beside(&variant.uri, &init_section(&playlist))).body;
        std::fs::write(&file, [init, segment].concat()).unwrap();
        let output = Command::new("ffprobe")
            .args(["-v", "error", "-of", "default=nw=1:nk=1"])
            .args(["-show_entries", "stream=codec_type,profile,level,width,height"])
            .arg(&file)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let [profile, "video", width, height, level] = text.lines().collect::<Vec<_>>()[..] else {
            panic!("no video alone: {text}")
        };
        let codec = format!("avc1.6400{:02x},mp4a.40.2", level.parse::<u8>().unwrap());
        assert_eq!((profile, variant.codecs.as_deref()), ("High", Some(codec.as_str())));
        let resolution = variant.resolution.unwrap();
        assert_eq!((width, height), (&*resolution.width.to_string(), &*resolution.height.to_string()));
    }
}

#[test]
fn every_rendition_is_in_the_group_and_segments_and_init_sections_have_their_headers() {
    let origin = Origin::of_file("tiny-cmaf", &[]);
    let master = master(&origin);
    let languages: Vec<_> = master.alternatives.iter().map(|audio| audio.language.as_deref()).collect();
    assert_eq!(languages, [Some("en"), Some("de")]);
    let renditions = master.alternatives.iter().map(|audio| audio.uri.clone().unwrap());
    for path in master.variants.iter().map(|variant| variant.uri.clone()).chain(renditions) {
        let playlist = origin.playlist(&path);
        let init = init_section(&playlist);
        assert!(init.starts_with("init-"), "{init}");
        for (name, content_type) in
            [(init.as_str(), "video/mp4"), (&playlist.segments[3].uri, "video/iso.segment")]
        {
            let response = request("HEAD", &origin.at(&beside(&path, name)), &[]);
            assert_eq!(response.status, 200, "{path} {name}");
            assert_eq!(response.header("content-type"), Some(content_type));
            assert_eq!(response.header("cache-control"), Some("public, max-age=31536000, immutable"));
        }
    }
}

#[test]
fn ffmpeg_plays_picture_and_both_languages_for_longer_than_the_clip() {
    let origin = Origin::of_file("tiny-cmaf", &[]);
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-i", &origin.url, "-t", "18", "-map", "0:v:0", "-map", "0:a"])
        .args(["-f", "framecrc", "-"])
        .output()
        .unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && complaints.is_empty(), "{complaints}");
    let text = String::from_utf8(output.stdout).unwrap();
    let frames = |stream: &str| text.lines().filter(|line| line.starts_with(stream)).count();
    // 18 s at 10 fps.
    assert_eq!(frames("0,"), 180, "every picture of 18 s over the seam");
    assert!(frames("1,") > 830 && frames("2,") > 830, "{} {}", frames("1,"), frames("2,"));
}

#[test]
fn a_killed_encoder_goes_on_with_an_init_section_of_a_new_name() {
    let origin = Origin::of_file("tiny-cmaf", &[]);
    let path = "big/index.m3u8";
    let first = init_section(&origin.playlist(path));
    send(origin.process("ffmpeg").unwrap(), Signal::SIGKILL);
    wait_until("new segments follow behind a discontinuity", || {
        origin.playlist(path).segments.iter().any(|segment| segment.discontinuity)
    });
    let second = init_section(&origin.playlist(path));
    assert_ne!(first, second);
    let body = |name: &str| origin.get(&beside(path, name)).body;
    assert!(!body(&first).is_empty(), "who has the old playlist can still play it");
    assert_eq!(body(&first), body(&second), "and it does not matter which");
}

#[test]
fn a_live_encode_has_an_audio_group_too() {
    let origin = Origin::start(|command| {
        command.arg("--live-encode").arg("--profile-file").arg(profile_file("tiny-cmaf"))
    });
    assert!(origin.playlist("english/index.m3u8").segments.len() >= 3);
}
