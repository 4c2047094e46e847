//! Built-in profiles with one thing changed, and what is said of that.

use super::*;

const GOOD: &str = include_str!("../../../profiles/mini-abr.toml");

fn parse(text: &str) -> Result<Profile, ProfileError> {
    Profile::parse(Path::new("some/mini.toml"), text)
}

#[test]
fn a_profile_is_named_by_its_file() {
    let profile = parse(GOOD).unwrap();
    assert_eq!((profile.name.as_str(), profile.server), ("mini", Server::default()));
}

#[test]
fn every_impossible_value_is_named_with_its_key_and_the_reason() {
    let cases = [
        ("segment_seconds = 2", "segment_seconds = 0", "hls.segment_seconds: 0 is not in 1 – 20"),
        ("segment_seconds = 2", "segment_seconds = 21", "hls.segment_seconds: 21 is not in"),
        ("playlist_segments = 6", "playlist_segments = 2", "hls.playlist_segments: 2 is not in 3 – 100"),
        ("fps = 30", "fps = 121", "video.fps: 121 is not in 1 – 120"),
        ("fps = 30", "fps = 29.97", "line 8: fps: invalid type: floating point"),
        ("fps = 30", "fps = -1", "line 8: fps: invalid value: integer `-1`"),
        ("fps = 30", "fpss = 30", "line 8: fpss: unknown field `fpss`, expected `fps`"),
        ("fps = 30", "", "missing field `fps`"),
        ("fps = 30", "fps 30", "line 8: "),
        ("width = 640", "width = 641", "variant[0].width: 641 is odd"),
        ("height = 144", "height = 20", "variant[2].height: 20 is not in 64 – 4320"),
        ("video_bitrate_kbps = 300", "video_bitrate_kbps = 9", "variant[1].video_bitrate_kbps: 9 is not"),
        ("audio_bitrate_kbps = 64", "audio_bitrate_kbps = 900", "variant[1].audio_bitrate_kbps: 900 is"),
        ("\"240p\"", "\"360p\"", "variant[1].name: \"360p\" is the name of an earlier one"),
        ("\"240p\"", "\"../x\"", "variant[1].name: \"../x\" is not 1 to 32 letters"),
        ("\"240p\"", "\"\"", "variant[1].name: \"\" is not 1 to 32 letters"),
        ("[hls]", "[hsl]", "unknown field `hsl`"),
        ("description = \"three", "description = \" \" #", "description: must be one line"),
    ];
    assert_refused(GOOD, &cases);
}

#[test]
fn several_mistakes_are_reported_at_once() {
    let text = GOOD.replace("fps = 30", "fps = 0").replace("width = 640", "width = 9");
    let message = parse(&text).unwrap_err().to_string();
    // 9 is odd and too small.
    assert_eq!(message.lines().count(), 3, "{message}");
}

#[test]
fn a_profile_without_variants_is_refused() {
    let text = "description = \"x\"\nvariant = []\n[hls]\nsegment_seconds = 2\nplaylist_segments = 6\n[video]\nfps = 30";
    let message = parse(text).unwrap_err().to_string();
    assert!(message.contains("number of [[variant]] tables: 0 is not in 1 – 16"), "{message}");
}

/// Each case changes a built-in profile once.
fn assert_refused(good: &str, cases: &[(&str, &str, &str)]) {
    for (from, to, expected) in cases {
        assert!(good.contains(from), "{from}");
        let message = parse(&good.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(message.contains(expected), "{from} -> {to} said: {message}");
        assert!(message.starts_with("profile some/mini.toml"), "{message}");
    }
}

#[test]
fn an_audio_group_is_instead_of_the_variants_audio() {
    let cmaf = include_str!("../../../profiles/cmaf.toml");
    let group = &cmaf[cmaf.find("[[audio]]").unwrap()..];
    assert_refused(
        cmaf,
        &[
            ("\nwidth = 640", "\nwidth = 640\naudio_bitrate_kbps = 64", "variant[0].audio_bitrate_kbps: the"),
            (group, "", "variant[0].audio_bitrate_kbps: is missing, and there is no [[audio]] group"),
            ("bitrate_kbps = 96", "bitrate_kbps = 9", "audio[0].bitrate_kbps: 9 is not in 16 – 320"),
            ("\"audio\"", "\"360p\"", "audio[0].name: \"360p\" is the name of an earlier one"),
            ("\"audio\"", "\"a b\"", "audio[0].name: \"a b\" is not 1 to 32 letters"),
            ("\"en\"", "\"en\\\"\"", "audio[0].language: \"en\\\"\" is no language tag"),
            ("language = \"en\"", "lang = \"en\"", "lang: unknown field `lang`"),
            ("\"fmp4\"", "\"webm\"", "segment_type: unknown variant `webm`, expected `mpegts` or `fmp4`"),
        ],
    );
    let crowd: String = (0..9).map(|n| group.replace("\"audio\"", &format!("\"a{n}\""))).collect();
    assert_refused(cmaf, &[(group, &crowd, "number of [[audio]] tables: 9 is not in 0 – 8")]);
}

#[test]
fn a_stream_has_a_window_or_an_end() {
    let vod = include_str!("../../../profiles/vod.toml");
    assert_refused(
        vod,
        &[
            ("vod_seconds = 30", "vod_seconds = 5", "hls.vod_seconds: 5 is not in 6 – 7200"),
            ("vod_seconds = 30", "vod_seconds = 7201", "hls.vod_seconds: 7201 is not in"),
            ("vod_seconds = 30", "", "hls.vod_seconds: is missing"),
            (
                "vod_seconds = 30",
                "vod_seconds = 30\nplaylist_segments = 6",
                "hls.playlist_segments: means nothing",
            ),
            ("\"vod\"", "\"live\"", "hls.vod_seconds: means nothing where playlist_type is \"live\""),
            ("\"vod\"", "\"event\"", "playlist_type: unknown variant `event`, expected `live` or `vod`"),
        ],
    );
    assert_refused(GOOD, &[("playlist_segments = 6", "", "hls.playlist_segments: is missing")]);
}

#[test]
fn the_server_table_has_switches() {
    let tls = include_str!("../../../profiles/tls.toml");
    assert_eq!(parse(tls).unwrap().server, Server { tls: true, ..Server::default() });
    assert_refused(
        tls,
        &[
            ("tls = true", "debug_log = true", "server.debug_log: goes with access_log = true"),
            ("tls = true", "tls = 1", "tls: invalid type: integer `1`, expected a boolean"),
            (
                "tls = true",
                "https = true",
                "https: unknown field `https`, expected one of `tls`, `access_log`, `debug_log`, `throughput`",
            ),
        ],
    );
}
