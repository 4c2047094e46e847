//! Whatever a stream is made of, a viewer plays all of it, though it looks at little of it before it begins.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::{Answer, Site, run, swarm};

const PICTURE: &str = "-f lavfi -i testsrc2=s=320x180:r=25";
const SOUND: &str = "-f lavfi -i sine=frequency=440:sample_rate=48000";
const H264: &str = "-c:v libx264 -preset ultrafast -g 50 -pix_fmt yuv420p";
const HEVC: &str = "-c:v libx265 -preset ultrafast -x265-params log-level=error:keyint=50";
const FMP4: &str = "-hls_segment_type fmp4";
const APART: &str =
    "-map 0:v -map 1:a -var_stream_map v:0,agroup:a,name:video|a:0,agroup:a,default:yes,name:audio";

/// Name, what it is made of, and how it is cut.
fn shapes() -> Vec<(&'static str, String)> {
    let both = format!("{PICTURE} {SOUND} -t 6");
    let noise = "-f lavfi -i testsrc2=s=3840x2160:r=30,noise=alls=20:allf=t";
    vec![
        ("h264-aac", format!("{both} {H264} -c:a aac -hls_time 2")),
        ("h264-with-b-frames", format!("{both} -c:v libx264 -preset fast -g 50 -c:a aac -hls_time 2")),
        ("hevc-ac3", format!("{both} {HEVC} -c:a ac3 -hls_time 2")),
        ("h264-eac3", format!("{both} {H264} -c:a eac3 -hls_time 2")),
        ("h264-mp3", format!("{both} {H264} -c:a libmp3lame -hls_time 2")),
        ("fmp4-h264-aac", format!("{both} {H264} -c:a aac -hls_time 2 {FMP4}")),
        ("fmp4-hevc-aac", format!("{both} {HEVC} -tag:v hvc1 -c:a aac -hls_time 2 {FMP4}")),
        ("audio-only", format!("{SOUND} -t 6 -c:a aac -hls_time 2")),
        ("video-only", format!("{PICTURE} -t 6 {H264} -hls_time 2")),
        ("segments-of-10-s", format!("{PICTURE} {SOUND} -t 20 {H264} -c:a aac -hls_time 10")),
        (
            "2160p-at-15-Mbit",
            format!(
                "{noise} {SOUND} -t 2 -c:v libx264 -preset ultrafast -b:v 15M -maxrate 15M -bufsize 15M -g 60 -c:a aac -hls_time 2"
            ),
        ),
        ("audio-apart", format!("{both} {APART} {H264} -c:a aac -hls_time 2")),
        (
            "fmp4-audio-apart",
            format!("{both} {APART} {H264} -c:a aac -hls_time 2 {FMP4} -hls_fmp4_init_filename init-%v.mp4"),
        ),
        (
            "ladder",
            format!(
                "{both} -map 0:v -map 1:a -map 0:v -map 1:a {H264} -c:a aac -hls_time 2 -var_stream_map v:0,a:0,name:high|v:1,a:1,name:low"
            ),
        ),
    ]
}

/// Encodes a shape, and serves it; a shape with a `-var_stream_map` behind a master playlist.
fn site(made_of: &str) -> Site {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("ffmpeg");
    command.current_dir(folder.path()).args(["-v", "error"]);
    // The map of variants has spaces in it.
    command.args(made_of.split(' ').map(|word| word.replace('|', " ")));
    command.args(["-f", "hls", "-hls_playlist_type", "vod"]);
    if made_of.contains("var_stream_map") {
        command.args(["-master_pl_name", "stream.m3u8", "%v.m3u8"]);
    } else {
        command.arg("stream.m3u8");
    }
    assert!(command.status().unwrap().success(), "{made_of}");
    Site::serve(files(folder.path()))
}

fn files(folder: &Path) -> Vec<(String, Answer)> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    files
        .map(|file| {
            let name = file.file_name().into_string().unwrap();
            let start = match name.rsplit_once('.').unwrap().1 {
                "m3u8" => "200 OK\r\nContent-Type: application/vnd.apple.mpegurl",
                "ts" => "200 OK\r\nContent-Type: video/mp2t",
                "vtt" => "200 OK\r\nContent-Type: text/vtt",
                _ => "200 OK\r\nContent-Type: video/mp4",
            };
            (format!("/{name}"), (start, std::fs::read(file.path()).unwrap()))
        })
        .collect()
}

/// What a viewer's own command says of a stream, played to its end.
fn trouble(url: &str) -> Option<String> {
    let asked = swarm(&["-print-cmd", url]).output().unwrap();
    let command = String::from_utf8(asked.stdout).unwrap();
    let played = Command::new("sh").args(["-c", &command]).output().unwrap();
    let said = String::from_utf8_lossy(&played.stderr).into_owned();
    let unknown = said.contains("Could not find codec parameters");
    (!played.status.success() || unknown).then(|| format!("{}: {said}", played.status))
}

#[test]
fn every_shape_of_stream_is_identified_by_a_short_look() {
    let troubles: Vec<_> = shapes()
        .into_iter()
        .filter_map(|(name, made_of)| {
            Some(format!("{name}: {}", trouble(&site(&made_of).url("/stream.m3u8"))?))
        })
        .collect();
    assert!(troubles.is_empty(), "{}", troubles.join("\n"));
}

#[test]
fn a_stream_with_subtitles_is_identified_by_a_short_look() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let made = Command::new("ffmpeg")
        .current_dir(folder.path())
        .args(["-v", "error"])
        .args(PICTURE.split(' '))
        .args(["-t", "4"])
        .args(H264.split(' '))
        .args(["-f", "hls", "-hls_time", "2", "-hls_playlist_type", "vod", "video.m3u8"])
        .status();
    assert!(made.unwrap().success());
    write(
        "words.vtt",
        "WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:126000,LOCAL:00:00:00.000\n\n00:01.000 --> 00:03.000\nhello\n",
    );
    write("words.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nwords.vtt\n#EXT-X-ENDLIST\n");
    write(
        "stream.m3u8",
        "#EXTM3U\n#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"s\",NAME=\"en\",DEFAULT=YES,AUTOSELECT=YES,URI=\"words.m3u8\"\n\
         #EXT-X-STREAM-INF:BANDWIDTH=100000,SUBTITLES=\"s\"\nvideo.m3u8\n",
    );
    let site = Site::serve(files(folder.path()));
    assert_eq!(trouble(&site.url("/stream.m3u8")), None);
}

#[test]
fn a_viewer_that_looked_too_short_looks_longer_and_that_is_no_restart() {
    let site = site(&format!("{PICTURE} -itsoffset 2 {SOUND} -t 6 {H264} -c:a aac -hls_time 3"));
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("run.json");
    let flags = ["-clients", "1", "-duration", "4s", "-metrics", "off", "-pace", "realtime", "-report"];
    let finished = run(&[&flags[..], &[report.to_str().unwrap(), &site.url("/stream.m3u8")]].concat());
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert_eq!(finished.stderr.matches("after a short look").count(), 1, "{}", finished.stderr);
    let report: Value = serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap();
    let processes = &report["processes"];
    assert_eq!((&processes["short_looks"], &processes["restarted"]), (&1.into(), &0.into()), "{report}");
    assert_eq!(report["viewers"]["have_played"], 1, "{report}");
    // Where this FFmpeg reads all of it at once, the view was complete, perhaps again and again.
    assert!(processes["exits"].as_object().unwrap().keys().all(|code| code == "0"), "{report}");
}
