//! What holds for any playlist: judged by the other parser in the house, and by what must not happen.

use m3u8_rs::Playlist;
use proptest::prelude::*;

use super::*;

const BASES: [&str; 4] = [
    "https://cdn.example/live/a/index.m3u8?token=1",
    "https://user:secret@[2001:db8::1]:8443/index.m3u8",
    "http://origin.test:8080/live/index.m3u8",
    "http://cdn.example.p443.tls.swarm.invalid/live/index.m3u8",
];

const MODES: [VariantMode; 4] =
    [VariantMode::All, VariantMode::Highest, VariantMode::Lowest, VariantMode::First];

fn bases() -> impl Strategy<Value = Url> {
    proptest::sample::select(&BASES[..]).prop_map(|base| Url::parse(base).unwrap())
}

fn modes() -> impl Strategy<Value = VariantMode> {
    proptest::sample::select(&MODES[..])
}

fn uris() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z]{1,8}[0-9]{0,4}\\.(ts|m4s|m3u8)",
        1 => "(\\.\\./){0,3}[a-z]{1,5}/[a-z~!$'()*+;=é ]{1,8}[a-z](\\?[a-z0-9=&,:/]{0,12}(%2[0-9a-fA-F])?)?",
        1 => "/[a-z]{1,5}/[a-z]{1,5}\\.ts",
        1 => "//[a-z]{1,5}\\.test(:[1-9][0-9]{1,3})?/[a-z]{1,5}",
        1 => "http://[a-z]{1,5}\\.test(:[1-9][0-9]{1,3})?/[a-z]{1,5}",
        3 => "https://([a-z]{1,5}\\.test|10\\.0\\.0\\.1|\\[::1\\])(:[1-9][0-9]{1,3})?(/[a-z'|é]{1,5}){0,3}(\\?[a-z=:/]{0,9})?",
        1 => "(skd|data|urn):[a-z]{1,5}",
    ]
}

/// Whether FFmpeg would tunnel it: said here by its first letters, not by resolving it.
fn leaves_the_wire(uri: &str, base: &Url) -> bool {
    uri.starts_with("https://") || (uri.starts_with("//") && base.scheme() == "https")
}

/// What must stand in its place, made without the code under test but for the mapping.
fn expected(uri: &str, base: &Url) -> String {
    if !leaves_the_wire(uri, base) {
        return uri.to_owned();
    }
    let rest = uri.trim_start_matches("https:").trim_start_matches('/');
    let path = rest.find(['/', '?']).unwrap_or(rest.len());
    let real = Url::parse(&format!("https://{}", &rest[..path])).unwrap();
    let mapped = crate::proxy::mapping::to_ffmpeg(&real);
    format!("{}{}", mapped.as_str().trim_end_matches('/'), &rest[path..])
}

/// Lines, and the URIs in them.
type Piece = (String, Vec<String>);

fn segments() -> impl Strategy<Value = Piece> {
    let before = prop_oneof![
        8 => Just((String::new(), None)),
        1 => Just(("#EXT-X-DISCONTINUITY\n".to_owned(), None)),
        1 => "# [a-z:/]{1,9}\n\n".prop_map(|comment| (comment, None)),
        1 => "#EXT-X-UNKNOWN:[a-zA-Z=\",:/]{1,9}\n".prop_map(|tag| (tag, None)),
        1 => uris().prop_map(|uri| (format!("#EXT-X-MAP:URI=\"{uri}\",BYTERANGE=\"9@0\"\n"), Some(uri))),
        1 => uris().prop_map(|uri| (format!("#EXT-X-KEY:METHOD=AES-128,URI=\"{uri}\",IV=0x1\n"), Some(uri))),
        1 => uris().prop_map(|uri| (format!("#EXT-X-PART:DURATION=0.5,URI=\"{uri}\"\n"), Some(uri))),
    ];
    let range =
        prop_oneof![3 => Just(String::new()), 1 => "#EXT-X-BYTERANGE:[1-9][0-9]{0,5}(@[0-9]{1,5})?\n"];
    (before, range, "[0-9](\\.[0-9]{1,3})?", uris()).prop_map(|((tag, inner), range, duration, uri)| {
        let lines = format!("{tag}#EXTINF:{duration},\n{range}{uri}\n");
        (lines, inner.into_iter().chain([uri]).collect())
    })
}

fn media_playlists() -> impl Strategy<Value = Piece> {
    (proptest::collection::vec(segments(), 0..12), 0u64..1000, any::<bool>()).prop_map(
        |(segments, sequence, ended)| {
            let start = format!("#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXT-X-MEDIA-SEQUENCE:{sequence}\n");
            let end = if ended { "#EXT-X-ENDLIST\n" } else { "" };
            join(&start, segments, end)
        },
    )
}

fn master_playlists() -> impl Strategy<Value = Piece> {
    let line = prop_oneof![
        3 => (1u64..5, "[ab]", uris()).prop_map(|(bandwidth, group, uri)| {
            (format!("#EXT-X-STREAM-INF:BANDWIDTH={bandwidth},AUDIO=\"{group}\"\n{uri}\n"), vec![uri])
        }),
        1 => (1u64..5, uris()).prop_map(|(bandwidth, uri)| {
            (format!("#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH={bandwidth},URI=\"{uri}\"\n"), vec![uri])
        }),
        2 => ("(AUDIO|VIDEO)", "[abc]", uris()).prop_map(|(kind, group, uri)| {
            (format!("#EXT-X-MEDIA:TYPE={kind},GROUP-ID=\"{group}\",NAME=\"n\",URI=\"{uri}\"\n"), vec![uri])
        }),
        1 => uris().prop_map(|uri| {
            (format!("#EXT-X-SESSION-DATA:DATA-ID=\"d\",URI=\"{uri}\"\n"), vec![uri])
        }),
    ];
    let variant = (1u64..5, uris()).prop_map(|(bandwidth, uri)| {
        (format!("#EXT-X-STREAM-INF:BANDWIDTH={bandwidth}\n{uri}\n"), vec![uri])
    });
    (variant, proptest::collection::vec(line, 0..12))
        .prop_map(|(variant, lines)| join("#EXTM3U\n#EXT-X-VERSION:6\n", [vec![variant], lines].concat(), ""))
}

fn join(start: &str, pieces: Vec<Piece>, end: &str) -> Piece {
    let lines: String = pieces.iter().map(|piece| piece.0.as_str()).collect();
    (format!("{start}{lines}{end}"), pieces.into_iter().flat_map(|piece| piece.1).collect())
}

fn parsed(body: &[u8]) -> Playlist {
    m3u8_rs::parse_playlist_res(body).unwrap()
}

/// `playlist` with every URI as it must be after the rewriting.
fn mapped(mut playlist: Playlist, base: &Url) -> Playlist {
    let map = |uri: &mut String| *uri = expected(uri, base);
    match &mut playlist {
        Playlist::MasterPlaylist(master) => {
            master.variants.iter_mut().for_each(|variant| map(&mut variant.uri));
            master.alternatives.iter_mut().filter_map(|media| media.uri.as_mut()).for_each(map);
            for data in &mut master.session_data {
                if let m3u8_rs::SessionDataField::Uri(uri) = &mut data.field {
                    map(uri);
                }
            }
        }
        Playlist::MediaPlaylist(media) => {
            for segment in &mut media.segments {
                map(&mut segment.uri);
                segment.key.iter_mut().filter_map(|key| key.uri.as_mut()).for_each(map);
                segment.map.iter_mut().for_each(|init| map(&mut init.uri));
                for tag in segment.unknown_tags.iter_mut().filter(|tag| tag.tag == "X-PART") {
                    let rest = tag.rest.as_mut().unwrap();
                    let uri = rest.split('"').nth(1).unwrap();
                    *rest = rest.replace(uri, &expected(uri, base));
                }
            }
        }
    }
    playlist
}

/// `playlist` with what `mode` plays, by the rule in words: one variant, its groups, no I-frame streams.
fn filtered(mut playlist: Playlist, mode: VariantMode) -> Playlist {
    let Playlist::MasterPlaylist(master) = &mut playlist else { return playlist };
    let bandwidths = || master.variants.iter().filter(|variant| !variant.is_i_frame).map(|v| v.bandwidth);
    let best = match mode {
        VariantMode::All => return playlist,
        VariantMode::First => bandwidths().next(),
        VariantMode::Highest => bandwidths().max(),
        VariantMode::Lowest => bandwidths().min(),
    };
    master.variants.retain(|variant| !variant.is_i_frame && Some(variant.bandwidth) == best);
    master.variants.truncate(1);
    let audio = master.variants[0].audio.clone();
    master.alternatives.retain(|media| {
        media.media_type == m3u8_rs::AlternativeMediaType::Audio && Some(&media.group_id) == audio.as_ref()
    });
    playlist
}

fn output(body: &[u8], read: &Read) -> Vec<u8> {
    read.body.clone().unwrap_or_else(|| body.to_vec())
}

proptest! {
    #[test]
    fn another_parser_finds_the_same_playlist_but_for_mapped_uris_and_the_filter(
        (body, _) in prop_oneof![media_playlists(), master_playlists()],
        base in bases(),
        mode in modes(),
    ) {
        let read = read(body.as_bytes(), &base, mode);
        let expected = mapped(filtered(parsed(body.as_bytes()), mode), &base);
        prop_assert_eq!(parsed(&output(body.as_bytes(), &read)), expected, "{}", body);
        prop_assert_eq!(read.unparsed, 0);
    }

    #[test]
    fn the_body_is_new_exactly_when_a_uri_would_leave_the_wire(
        (body, uris) in prop_oneof![media_playlists(), master_playlists()],
        base in bases(),
    ) {
        let leaves = uris.iter().any(|uri| leaves_the_wire(uri, &base));
        prop_assert_eq!(read(body.as_bytes(), &base, VariantMode::All).body.is_some(), leaves, "{}", body);
    }

    #[test]
    fn a_playlist_that_was_rewritten_needs_no_more(
        (body, _) in prop_oneof![media_playlists(), master_playlists()],
        base in bases(),
        mode in modes(),
    ) {
        let once = output(body.as_bytes(), &read(body.as_bytes(), &base, mode));
        prop_assert_eq!(read(&once, &base, mode).body, None);
    }

    #[test]
    fn segments_agree_with_another_parser(
        (body, _) in media_playlists(),
        base in bases(),
    ) {
        let Playlist::MediaPlaylist(expected) = parsed(body.as_bytes()) else { panic!("a media playlist") };
        let Content::Media(media) = read(body.as_bytes(), &base, VariantMode::All).content else {
            panic!("a media playlist")
        };
        prop_assert_eq!(media.segment_count, expected.segments.len() as u64);
        prop_assert_eq!(media.first_sequence, expected.media_sequence);
        prop_assert_eq!(media.ended, expected.end_list);
        prop_assert_eq!(media.media, expected.segments.iter().map(|segment| milliseconds(segment.duration)).sum::<std::time::Duration>());
        for entry in &media.segments {
            let index = usize::try_from(entry.sequence - media.first_sequence).unwrap();
            let segment = &expected.segments[index];
            let mut url = base.join(&segment.uri.replace('|', "%7C")).unwrap();
            url.set_username("").unwrap();
            url.set_password(None).unwrap();
            prop_assert_eq!(&entry.url, &url);
            prop_assert_eq!(entry.media, milliseconds(segment.duration));
            prop_assert_eq!(entry.discontinuity, segment.discontinuity);
            let range = segment.byte_range.as_ref();
            prop_assert_eq!(entry.byte_range.map(|range| range.length), range.map(|range| range.length));
            if let Some(offset) = range.and_then(|range| range.offset) {
                prop_assert_eq!(entry.byte_range.map(|range| range.offset), Some(offset));
            }
        }
    }

    #[test]
    fn any_bytes_are_read(
        bytes in proptest::collection::vec(any::<u8>(), 0..300), base in bases(), mode in modes(),
    ) {
        read(&bytes, &base, mode);
        survives(&[b"#EXTM3U", &bytes[..]].concat(), &base, mode)?;
    }

    #[test]
    fn shuffled_scraps_of_playlists_are_read(
        scraps in proptest::collection::vec(
            proptest::sample::select(&[
                "#EXTINF:", "#EXT-X-KEY:", "#EXT-X-STREAM-INF:", "#EXT-X-MEDIA:", "#EXT-X-BYTERANGE:", "BANDWIDTH=",
                "URI=", "\"", ",", "=", "@", ".", "9999999999", "https://", "//", "h", ":", "/", "[", "]", "{$", "\n",
                "\r", "\0", " ", "\u{feff}", "é", "#", "?", "\\", "%", "AUDIO=", "GROUP-ID=", "TYPE=AUDIO",
            ][..]),
            0..80,
        ),
        base in bases(),
        mode in modes(),
    ) {
        survives(format!("#EXTM3U\n{}", scraps.concat()).as_bytes(), &base, mode)?;
    }

    #[test]
    fn damaged_playlists_are_read(
        (body, _) in prop_oneof![media_playlists(), master_playlists()],
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..3), 1..8),
        base in bases(),
        mode in modes(),
    ) {
        let mut body = body.into_bytes();
        for (at, byte, how) in damage {
            let at = at.index(body.len());
            match how {
                0 => body[at] = byte,
                1 => body.insert(at, byte),
                _ if body.len() > 1 => drop(body.remove(at)),
                _ => {}
            }
        }
        survives(&body, &base, mode)?;
    }
}

/// Without panic; and even of nonsense nothing is left to do the second time, and no line is made up.
fn survives(body: &[u8], base: &Url, mode: VariantMode) -> Result<(), TestCaseError> {
    let once = output(body, &read(body, base, mode));
    let again = read(&once, base, VariantMode::All).body;
    prop_assert_eq!(again, None, "{}", String::from_utf8_lossy(body));
    let lines = |body: &[u8]| body.iter().filter(|byte| matches!(byte, b'\n' | b'\r' | 0)).count();
    prop_assert!(lines(&once) <= lines(body));
    if mode == VariantMode::All {
        prop_assert_eq!(lines(&once), lines(body));
    }
    Ok(())
}

/// The other parser reads 32-bit floats: near enough for three decimals below ten.
fn milliseconds(seconds: f32) -> std::time::Duration {
    let near = std::time::Duration::from_secs_f32(seconds) + std::time::Duration::from_micros(500);
    std::time::Duration::new(near.as_secs(), near.subsec_millis() * 1_000_000)
}
