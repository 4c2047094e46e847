//! One table or example per rule.

use std::time::Duration;

use super::*;
use crate::observation::{PlaylistId, PlaylistView, Segment};

const HTTPS: &str = "https://cdn.example/live/index.m3u8";
const HTTP: &str = "http://origin.test/live/index.m3u8";

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

fn read_as(body: &str, base: &str, mode: VariantMode) -> Read {
    read(body.as_bytes(), &url(base), mode)
}

/// The body that FFmpeg gets, and the rest.
fn rewritten(body: &str, base: &str, mode: VariantMode) -> (String, Read) {
    let read = read_as(body, base, mode);
    let text = read.body.as_ref().map_or(body.to_owned(), |body| String::from_utf8(body.clone()).unwrap());
    (text, read)
}

fn media(body: &str) -> (Media, u32) {
    match read_as(body, HTTP, VariantMode::All) {
        Read { content: Content::Media(media), unparsed, .. } => (media, unparsed),
        other => panic!("{other:?}"),
    }
}

fn master(read: Read) -> Master {
    match read.content {
        Content::Master(master) => master,
        other => panic!("{other:?}"),
    }
}

fn paths(urls: &[Url]) -> Vec<&str> {
    urls.iter().map(|url| url.path().trim_start_matches("/live/")).collect()
}

#[test]
fn what_does_not_begin_with_extm3u_is_no_playlist() {
    for body in ["", "<html>", "\n#EXTM3U\n", "\u{feff}", "#EXTM3", "#EXTINF:2,\nhttps://h/x\n"] {
        let expected = Read { body: None, content: Content::NotAPlaylist, unparsed: 0 };
        assert_eq!(read_as(body, HTTPS, VariantMode::Highest), expected, "{body}");
    }
}

#[test]
fn the_first_tag_that_is_of_one_kind_only_decides_between_master_and_media() {
    for (lines, is_master) in [
        ("", false),
        ("#EXT-X-VERSION:7\nfile.ts\n", false),
        ("#EXT-X-STREAM-INF:BANDWIDTH=1\na\n#EXTINF:1,\nb\n", true),
        ("#EXTINF:1,\nb\n#EXT-X-STREAM-INF:BANDWIDTH=1\na\n", false),
        ("#EXT-X-MEDIA-SEQUENCE:1\n", false),
        ("#EXT-X-MEDIA:TYPE=AUDIO\n", true),
        ("# EXTINF:1\n#EXT-X-SESSION-KEY:METHOD=NONE\n", true),
    ] {
        let content = read_as(&format!("\u{feff}#EXTM3U\n{lines}"), HTTP, VariantMode::All).content;
        assert_eq!(matches!(content, Content::Master(_)), is_master, "{lines}");
    }
}

#[test]
fn a_playlist_that_needs_no_change_is_sent_as_it_came() {
    let body = "\u{feff}#EXTM3U\r\n\r\n# a comment with https://h/x\r\n#EXT-X-VERSION:9\r\n  #EXTINF:2 ,t\r\n \
        seg.ts \r\n#EXT-X-UNKNOWN:URI=\"https://h/x\"\r\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://k\"\n\
        #EXT-X-SESSION-DATA:URI=\"data:text/plain,https://h/x\"\n#EXTINF:2,\rhttp://plain.test/x";
    for base in [HTTP, HTTPS] {
        for mode in [VariantMode::All, VariantMode::Highest] {
            let read = read_as(body, base, mode);
            assert_eq!((read.body, read.unparsed), (None, 0), "{base}");
        }
    }
}

#[test]
fn every_uri_that_would_leave_the_wire_is_mapped_and_no_other_byte_changes() {
    for (line, changed) in [
        ("#EXTINF:2,\n https://h/s.ts?a='b' \r\n", "#EXTINF:2,\n http://h.MAPPED/s.ts?a='b' \r\n"),
        ("#EXTINF:2,\n//h/s.ts", "#EXTINF:2,\n//h/s.ts"),
        ("#EXT-X-MAP:URI=\"https://h/i\",A=\"b\"", "#EXT-X-MAP:URI=\"http://h.MAPPED/i\",A=\"b\""),
        ("#EXT-X-KEY:A=1 , URI=https://h/k ,B=2", "#EXT-X-KEY:A=1 , URI=http://h.MAPPED/k ,B=2"),
        ("#EXT-X-SESSION-KEY:URI=\"https://h\"", "#EXT-X-SESSION-KEY:URI=\"http://h.MAPPED\""),
        ("#EXT-X-MEDIA:URI=\"https://h/m\"", "#EXT-X-MEDIA:URI=\"http://h.MAPPED/m\""),
        ("#EXT-X-STREAM-INF:BANDWIDTH=1\nhttps://h/v", "#EXT-X-STREAM-INF:BANDWIDTH=1\nhttp://h.MAPPED/v"),
        (
            "#EXT-X-I-FRAME-STREAM-INF:URI=\"https://h/f\"",
            "#EXT-X-I-FRAME-STREAM-INF:URI=\"http://h.MAPPED/f\"",
        ),
        ("#EXT-X-SESSION-DATA:URI=\"https://h/d\"", "#EXT-X-SESSION-DATA:URI=\"http://h.MAPPED/d\""),
        ("#EXT-X-PART:DURATION=1,URI=\"https://h/p\"", "#EXT-X-PART:DURATION=1,URI=\"http://h.MAPPED/p\""),
        ("#EXT-X-PRELOAD-HINT:URI=\"https://h/p\"", "#EXT-X-PRELOAD-HINT:URI=\"http://h.MAPPED/p\""),
        ("#EXT-X-RENDITION-REPORT:URI=\"https://h/r\"", "#EXT-X-RENDITION-REPORT:URI=\"http://h.MAPPED/r\""),
        ("https://h/stray", "http://h.MAPPED/stray"),
    ] {
        // Both readers know every tag: the first line decides which of them it is.
        for kind in ["#EXT-X-TARGETDURATION:2", "#EXT-X-MEDIA:TYPE=AUDIO"] {
            let body = format!("#EXTM3U\n{kind}\n\n{line}");
            let expected =
                format!("#EXTM3U\n{kind}\n\n{}", changed.replace("MAPPED", "p443.tls.swarm.invalid"));
            assert_eq!(rewritten(&body, HTTP, VariantMode::All).0, expected);
        }
    }
    let (text, _) = rewritten("#EXTM3U\n#EXTINF:2,\n//h:1/s.ts\n", HTTPS, VariantMode::All);
    assert_eq!(text, "#EXTM3U\n#EXTINF:2,\nhttp://h.p1.tls.swarm.invalid/s.ts\n");
}

#[test]
fn low_latency_tags_pass_through() {
    let body = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.0\n\
        #EXT-X-PART-INF:PART-TARGET=0.33\n#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n#EXTINF:4,\ns9.mp4\n\
        #EXT-X-PART:DURATION=0.33,URI=\"s10.0.mp4\",INDEPENDENT=YES\n\
        #EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"s10.1.mp4\"\n\
        #EXT-X-RENDITION-REPORT:URI=\"../a.m3u8\",LAST-MSN=9\n";
    let read = read_as(body, HTTPS, VariantMode::All);
    assert_eq!((read.body, read.unparsed), (None, 0));
}

#[test]
fn what_cannot_be_read_is_left_and_counted() {
    for (lines, unparsed) in [
        ("#EXTINF:2,\n{$path}/s.ts\n", 1),
        ("#EXTINF:2,\nhttps://h:99999/\n", 1),
        ("#EXT-X-MAP:URI=\"{$init}\"\n", 1),
        ("#EXT-X-DEFINE:NAME=\"path\",VALUE=\"https://h\"\n", 0),
        ("#EXTINF:-1,\ns.ts\n", 1),
        ("#EXTINF\ns.ts\n", 1),
        ("#EXT-X-TARGETDURATION:two\n", 1),
        ("#EXT-X-MEDIA-SEQUENCE:18446744073709551615\n", 1),
        ("#EXT-X-BYTERANGE:x\n#EXTINF:2,\ns.ts\n", 1),
        ("no-extinf.ts\n", 1),
        ("{$no-extinf}.ts\n", 1),
        ("#EXT-X-KEY:METHOD=NONE\n", 0),
        ("#EXT-X-KEY:METHOD=NONE,URI=\"\"\n", 0),
        ("#EXT-X-STREAM-INF:BANDWIDTH=1\n", 1),
        ("#EXT-X-STREAM-INF:BANDWIDTH=much\nv\n", 1),
    ] {
        let read = read_as(&format!("#EXTM3U\n{lines}"), HTTP, VariantMode::All);
        assert_eq!((read.body, read.unparsed), (None, unparsed), "{lines}");
    }
    let latin1 = b"#EXTM3U\n#EXTINF:2,\ncaf\xe9.ts\n#EXT-X-X:\xff\n#EXTINF:2,\nhttps://h/\n";
    let read = read(latin1, &url(HTTP), VariantMode::All);
    assert_eq!(read.unparsed, 1);
    assert!(read.body.unwrap().starts_with(&latin1[..latin1.len() - "https://h/\n".len()]));
}

#[test]
fn a_media_playlist_says_what_stats_must_know() {
    let (media, unparsed) = media(
        "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXT-X-MEDIA-SEQUENCE:41\n#EXTINF:2.5,title, with comma\n1.ts\n\
         #EXT-X-DISCONTINUITY\n#EXTINF:2\n2.ts#f\n#EXT-X-GAP\n#EXTINF:1.25,\nhttps://u:p@h/3.ts\n\
         #EXTINF:1,\ndata:,x\n#EXT-X-ENDLIST\n",
    );
    assert_eq!(unparsed, 0);
    let playlist = PlaylistId(7);
    let age = Duration::from_secs(5);
    assert_eq!(
        media.view(playlist, age),
        PlaylistView {
            playlist,
            target_duration: Duration::from_secs(3),
            first_sequence: 41,
            segments: 4,
            media: Duration::from_millis(6750),
            ended: true,
            age,
        }
    );
    let segment = |at, sequence, milliseconds, discontinuity, gap| SegmentEntry {
        url: url(at),
        byte_range: None,
        sequence,
        media: Duration::from_millis(milliseconds),
        discontinuity,
        gap,
    };
    assert_eq!(
        media.segments,
        [
            segment("http://origin.test/live/1.ts", 41, 2500, false, false),
            segment("http://origin.test/live/2.ts", 42, 2000, true, false),
            segment("https://h/3.ts", 43, 1250, false, true),
        ]
    );
    assert_eq!(
        media.segments[1].place(playlist),
        Segment { playlist, sequence: 42, media: Duration::from_secs(2), discontinuity: true, merged: 0 }
    );
}

#[test]
fn an_absent_target_duration_is_the_longest_segment() {
    assert_eq!(media("#EXTM3U\n").0, Media::default());
    let (media, _) = media("#EXTM3U\n#EXTINF:2,\na\n#EXTINF:5.5,\nb\n#EXTINF:3,\nc\n");
    assert_eq!(media.target_duration, Duration::from_millis(5500));
}

#[test]
fn a_byte_range_without_offset_continues_the_one_before_it() {
    let (media, unparsed) = media(
        "#EXTM3U\n#EXT-X-MAP:URI=\"a\",BYTERANGE=\"700@0\"\n\
         #EXTINF:2,\n#EXT-X-BYTERANGE:100@700\na\n#EXT-X-BYTERANGE:50\n#EXTINF:2,\na\n\
         #EXTINF:2,\n#EXT-X-BYTERANGE:10\nb\n#EXTINF:2,\n#EXT-X-BYTERANGE:10\na\n#EXTINF:2,\na\n\
         #EXTINF:2,\n#EXT-X-BYTERANGE:5\na\n\
         #EXTINF:2,\n{$x}\n#EXTINF:2,\n#EXT-X-BYTERANGE:6\na\n",
    );
    let ranges: Vec<_> = media
        .segments
        .iter()
        .map(|segment| segment.byte_range.map(|range| (range.offset, range.length)))
        .collect();
    let expected =
        [Some((700, 100)), Some((800, 50)), Some((0, 10)), Some((0, 10)), None, Some((0, 5)), Some((0, 6))];
    assert_eq!(ranges, expected);
    assert_eq!((paths(&media.inits), unparsed), (vec!["a"], 1));
}

#[test]
fn byte_ranges_that_leave_64_bits_are_absent() {
    let most = i64::MAX;
    let range = format!("#EXTINF:2,\n#EXT-X-BYTERANGE:{most}\na\n");
    let (media, unparsed) = media(&format!("#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:{most}\n{}", range.repeat(4)));
    let known: Vec<_> = media.segments.iter().map(|segment| segment.byte_range.is_some()).collect();
    assert_eq!((known, unparsed), (vec![true, true, false, true], 1));
    assert_eq!(media.view(PlaylistId(0), Duration::ZERO).next_sequence(), i64::MAX as u64 + 4);
}

#[test]
fn keys_and_inits_are_listed_once_in_a_row() {
    let (media, _) = media(
        "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"k1\"\n#EXT-X-KEY:METHOD=AES-128,URI=\"k1\"\n\
         #EXT-X-KEY:METHOD=NONE\n#EXT-X-KEY:METHOD=AES-128,URI=\"k2\"\n#EXT-X-KEY:METHOD=AES-128,URI=\"k1\"\n\
         #EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://k\"\n#EXT-X-MAP:URI=\"i\"\n#EXT-X-MAP:URI=\"i\"\n",
    );
    assert_eq!((paths(&media.keys), paths(&media.inits)), (vec!["k1", "k2", "k1"], vec!["i"]));
}

#[test]
fn segments_beyond_the_bound_are_counted_but_not_listed() {
    let body = format!("#EXTM3U\n{}", "#EXTINF:1\na\n".repeat(MOST_LISTED + 1));
    let (media, _) = media(&body);
    assert_eq!((media.segment_count, media.segments.len()), (MOST_LISTED as u64 + 1, MOST_LISTED));
}

const LADDER: &str = "#EXTM3U\n#EXT-X-INDEPENDENT-SEGMENTS\n\
    #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"lo\",NAME=\"a\",URI=\"lo.m3u8\"\n\
    #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"hi\",NAME=\"a\",URI=\"hi.m3u8\"\n\
    #EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"hi\",NAME=\"s\",URI=\"subs.m3u8\"\n\
    #EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"cc\",NAME=\"c\",INSTREAM-ID=\"CC1\"\n\
    # first\n#EXT-X-STREAM-INF:BANDWIDTH=500,AUDIO=\"lo\"\n\n# between\nmiddle.m3u8\n\
    #EXT-X-STREAM-INF:BANDWIDTH=900,AUDIO=\"hi\",CLOSED-CAPTIONS=\"cc\"\nhigh.m3u8\n\
    #EXT-X-STREAM-INF:BANDWIDTH=900,AUDIO=\"hi\",CLOSED-CAPTIONS=\"cc\"\nhttps://backup.test/high.m3u8\n\
    #EXT-X-STREAM-INF:BANDWIDTH=100,AUDIO=\"lo\",SUBTITLES=\"hi\",CLOSED-CAPTIONS=NONE\nlow.m3u8\n\
    #EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=9000,URI=\"frames.m3u8\"\n\
    #EXT-X-SESSION-DATA:DATA-ID=\"x\",VALUE=\"y\"";

#[test]
fn a_chosen_variant_keeps_its_groups_and_everything_that_is_of_no_variant() {
    let highest = "#EXTM3U\n#EXT-X-INDEPENDENT-SEGMENTS\n\
        #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"hi\",NAME=\"a\",URI=\"hi.m3u8\"\n\
        #EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"cc\",NAME=\"c\",INSTREAM-ID=\"CC1\"\n\
        # first\n\n# between\n\
        #EXT-X-STREAM-INF:BANDWIDTH=900,AUDIO=\"hi\",CLOSED-CAPTIONS=\"cc\"\nhigh.m3u8\n\
        #EXT-X-SESSION-DATA:DATA-ID=\"x\",VALUE=\"y\"";
    for (ending, mark) in [("\n", ""), ("\r\n", "\u{feff}")] {
        let body = format!("{mark}{LADDER}").replace('\n', ending);
        let expected = format!("{mark}{highest}").replace('\n', ending);
        let (text, read) = rewritten(&body, HTTP, VariantMode::Highest);
        assert_eq!((text, read.unparsed), (expected, 0));
    }
}

#[test]
fn each_mode_keeps_its_variant_and_names_what_is_left() {
    for (mode, variants, renditions) in [
        (
            VariantMode::All,
            vec!["middle.m3u8", "high.m3u8", "/high.m3u8", "low.m3u8"],
            vec!["lo.m3u8", "hi.m3u8", "subs.m3u8"],
        ),
        (VariantMode::Highest, vec!["high.m3u8"], vec!["hi.m3u8"]),
        (VariantMode::Lowest, vec!["low.m3u8"], vec!["lo.m3u8", "subs.m3u8"]),
        (VariantMode::First, vec!["middle.m3u8"], vec!["lo.m3u8"]),
    ] {
        let master = master(read_as(LADDER, HTTP, mode));
        assert_eq!((paths(&master.variants), paths(&master.renditions)), (variants, renditions), "{mode:?}");
    }
}

#[test]
fn a_filter_that_leaves_nothing_out_changes_nothing() {
    let body = "#EXTM3U\r\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",URI=\"a.m3u8\"\r\n\
        #EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"a\"\r\nv.m3u8\r\n";
    assert_eq!(read_as(body, HTTPS, VariantMode::Highest).body, None);
    let media =
        "#EXTM3U\n#EXTINF:2,\na.ts\n#EXT-X-STREAM-INF:BANDWIDTH=1\nx\n#EXT-X-I-FRAME-STREAM-INF:URI=\"y\"\n";
    assert_eq!(read_as(media, HTTP, VariantMode::First).body, None);
    let empty =
        "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",URI=\"a.m3u8\"\n#EXT-X-STREAM-INF:BANDWIDTH=1\n";
    assert_eq!(read_as(empty, HTTP, VariantMode::First).body, None);
}

#[test]
fn a_variant_without_bandwidth_or_uri_is_chosen_only_where_all_are_like_that() {
    for (lines, mode, chosen) in [
        ("#EXT-X-STREAM-INF:A=1\na\n#EXT-X-STREAM-INF:BANDWIDTH=5\nb\n", VariantMode::Lowest, "b"),
        ("#EXT-X-STREAM-INF:A=1\na\n#EXT-X-STREAM-INF:BANDWIDTH=5\nb\n", VariantMode::First, "b"),
        ("#EXT-X-STREAM-INF:A=1\na\n#EXT-X-STREAM-INF:B=5\nb\n", VariantMode::Highest, "a"),
        ("#EXT-X-STREAM-INF:BANDWIDTH=9\n#EXT-X-STREAM-INF:BANDWIDTH=5\nb\n", VariantMode::Highest, "b"),
    ] {
        let master = master(read_as(&format!("#EXTM3U\n{lines}"), HTTP, mode));
        assert_eq!(paths(&master.variants), [chosen], "{lines}");
    }
}

#[test]
fn the_choice_is_that_of_the_preflight() {
    use crate::playlist::{Playlist, choose, parse};
    let Ok(Playlist::Master(variants)) = parse(LADDER.as_bytes(), &url(HTTP)) else {
        panic!("a master playlist")
    };
    for mode in [VariantMode::Highest, VariantMode::Lowest, VariantMode::First] {
        let chosen = variants[choose(&variants, mode).unwrap()].url.clone();
        assert_eq!(master(read_as(LADDER, HTTP, mode)).variants, [chosen], "{mode:?}");
    }
}
