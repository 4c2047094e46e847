//! A master playlist: its variants and renditions, and which of them are played.

use url::Url;

use super::syntax::{Tag, integer, lines};
use super::{Rewriter, list};
use crate::plan::VariantMode;
use crate::playlist::{Variant, choose};

/// What a master playlist offers, after the choice.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Master {
    /// URLs of the variants' playlists, in order.
    pub variants: Vec<Url>,
    /// URLs of the renditions' playlists (`EXT-X-MEDIA`), in order.
    pub renditions: Vec<Url>,
}

/// One `EXT-X-STREAM-INF`.
struct Stream<'a> {
    tag: Tag<'a>,
    has_uri: bool,
}

/// What is kept where not everything is.
struct Choice<'a> {
    /// Index of the stream.
    stream: usize,
    /// Type and name of the groups that it uses.
    groups: Vec<(&'static str, &'a [u8])>,
}

pub(super) fn read(body: &[u8], start: usize, mode: VariantMode, rewriter: &mut Rewriter) -> Master {
    let streams = streams(body, start);
    for stream in &streams {
        if !stream.has_uri || stream.bandwidth().is_none() {
            rewriter.leave_unparsed();
        }
    }
    let choice = chosen(&streams, mode, rewriter.base.real())
        .map(|stream| Choice { stream, groups: streams[stream].groups() });
    let is_chosen = |stream| choice.as_ref().is_none_or(|choice| choice.stream == stream);

    let mut master = Master::default();
    let mut next_stream = 0;
    // Of the variant whose URI line is next: whether it is kept.
    let mut kept = None;
    for line in lines(body, start) {
        match line.tag() {
            Some(tag) if tag.name == b"#EXT-X-STREAM-INF" => {
                kept = Some(is_chosen(next_stream));
                next_stream += 1;
                if kept == Some(false) {
                    rewriter.drop(&line);
                }
            }
            Some(tag) if choice.as_ref().is_some_and(|choice| choice.leaves_out(&tag)) => {
                rewriter.drop(&line);
            }
            Some(tag) if tag.name == b"#EXT-X-MEDIA" => {
                list(&mut master.renditions, rewriter.uri_attribute(&tag));
            }
            Some(tag) => rewriter.other_tag(&tag),
            None if line.is_uri() => match kept.take() {
                Some(true) => list(&mut master.variants, rewriter.uri_line(&line)),
                Some(false) => rewriter.drop(&line),
                // A stray: no variant, but FFmpeg may see more in it.
                None => {
                    rewriter.uri_line(&line);
                }
            },
            None => {}
        }
    }
    master
}

fn streams(body: &[u8], start: usize) -> Vec<Stream<'_>> {
    let mut streams: Vec<Stream> = Vec::new();
    for line in lines(body, start) {
        match line.tag() {
            Some(tag) if tag.name == b"#EXT-X-STREAM-INF" => streams.push(Stream { tag, has_uri: false }),
            None if line.is_uri() => {
                if let Some(stream) = streams.last_mut() {
                    stream.has_uri = true;
                }
            }
            _ => {}
        }
    }
    streams
}

/// The index of the stream that `mode` plays; `None` for all, and where there is none. One without a readable
/// `BANDWIDTH`, which RFC 8216 section 4.3.4.2 requires, is chosen only where all are like that.
fn chosen(streams: &[Stream], mode: VariantMode, base: &Url) -> Option<usize> {
    if mode == VariantMode::All {
        return None;
    }
    // The rule asks for URLs, too, but looks at bandwidths only. Applied to two at a time it finds the same one, and
    // needs no memory.
    let variant = |bandwidth| Variant { url: base.clone(), bandwidth };
    let better =
        |one: (usize, u64), other: (usize, u64)| match choose(&[variant(one.1), variant(other.1)], mode) {
            Some(1) => other,
            _ => one,
        };
    let playable = || streams.iter().enumerate().filter(|(_, stream)| stream.has_uri);
    let stated = playable().filter_map(|(index, stream)| Some((index, stream.bandwidth()?)));
    let stated = stated.reduce(better).map(|(index, _)| index);
    stated.or_else(|| playable().next().map(|(index, _)| index))
}

impl<'a> Stream<'a> {
    fn bandwidth(&self) -> Option<u64> {
        integer(self.tag.attribute("BANDWIDTH")?.value)
    }

    fn groups(&self) -> Vec<(&'static str, &'a [u8])> {
        ["AUDIO", "VIDEO", "SUBTITLES", "CLOSED-CAPTIONS"]
            .into_iter()
            .filter_map(|kind| Some((kind, self.tag.attribute(kind)?.value)))
            .collect()
    }
}

impl Choice<'_> {
    /// I-frame streams, and renditions of groups that the chosen stream does not use.
    fn leaves_out(&self, tag: &Tag) -> bool {
        match tag.name {
            b"#EXT-X-I-FRAME-STREAM-INF" => true,
            b"#EXT-X-MEDIA" => {
                let value = |name| tag.attribute(name).map(|attribute| attribute.value);
                let (kind, group) = (value("TYPE"), value("GROUP-ID"));
                !self.groups.iter().any(|&(k, g)| kind == Some(k.as_bytes()) && group == Some(g))
            }
            _ => false,
        }
    }
}
