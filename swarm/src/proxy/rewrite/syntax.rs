//! How a playlist is cut into lines, tags, attributes and numbers. Knows no tag, refuses nothing, copies nothing.

use std::time::Duration;

/// Largest number of seconds that is believed, about 136 years: sums and instants stay far from their ends.
const MOST_SECONDS: u64 = u32::MAX as u64;

/// Largest integer that is believed: FFmpeg reads them as 64 bits with a sign.
const LARGEST_INTEGER: u64 = i64::MAX as u64;

/// A line without the white space around it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    pub(super) text: &'a [u8],
    /// Where `text` begins in the body.
    pub(super) start: usize,
    /// Where the line begins, with the white space before it.
    pub(super) from: usize,
    /// Where the next line begins.
    pub(super) to: usize,
}

/// `#NAME:VALUE`
#[derive(Clone, Copy, Debug)]
pub(super) struct Tag<'a> {
    /// With the `#`.
    pub(super) name: &'a [u8],
    /// Empty where there is no colon.
    pub(super) value: &'a [u8],
    /// Where `value` begins in the body.
    start: usize,
}

/// The value of an attribute, without quotes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attribute<'a> {
    pub(super) value: &'a [u8],
    /// Where `value` begins in the body.
    pub(super) start: usize,
}

/// The lines of `body` from the byte `at` on. They end as FFmpeg ends them: at a line feed, a carriage return, both,
/// or a zero byte.
pub(super) fn lines(body: &[u8], mut at: usize) -> impl Iterator<Item = Line<'_>> {
    std::iter::from_fn(move || {
        let from = at;
        let rest = body.get(from..).filter(|rest| !rest.is_empty())?;
        let length = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r' | 0)).unwrap_or(rest.len());
        let ending = match &rest[length..] {
            [] => 0,
            [b'\r', b'\n', ..] => 2,
            _ => 1,
        };
        at = from + length + ending;
        let text = rest[..length].trim_ascii_start();
        Some(Line { text: text.trim_ascii_end(), start: from + length - text.len(), from, to: at })
    })
}

impl<'a> Line<'a> {
    /// Neither empty nor a tag nor a comment.
    pub(super) fn is_uri(&self) -> bool {
        !matches!(self.text, [] | [b'#', ..])
    }

    /// Comments are tags, too: of a name that nobody knows.
    pub(super) fn tag(&self) -> Option<Tag<'a>> {
        if !self.text.starts_with(b"#") {
            return None;
        }
        let end = self.text.iter().position(|&byte| byte == b':').unwrap_or(self.text.len());
        let (name, value) = self.text.split_at(end);
        Some(match value {
            [] => Tag { name, value, start: self.start + end },
            [_colon, value @ ..] => Tag { name, value, start: self.start + end + 1 },
        })
    }
}

impl<'a> Tag<'a> {
    /// The first attribute of this name.
    pub(super) fn attribute(&self, name: &str) -> Option<Attribute<'a>> {
        let mut at = 0;
        while let Some(equals) = self.value[at..].iter().position(|&byte| byte == b'=') {
            // A piece without `=` before it belongs to nothing.
            let before = &self.value[at..at + equals];
            let found = before.rsplit(|&byte| byte == b',').next().unwrap_or(before).trim_ascii();
            at += equals + 1;
            let (quote, end) = match self.value[at..].first() {
                Some(b'"') => (1, b'"'),
                _ => (0, b','),
            };
            at += quote;
            let rest = &self.value[at..];
            let value = &rest[..rest.iter().position(|&byte| byte == end).unwrap_or(rest.len())];
            if found == name.as_bytes() {
                let value = if quote == 0 { value.trim_ascii_end() } else { value };
                return Some(Attribute { value, start: self.start + at });
            }
            at = (at + value.len() + 1).min(self.value.len());
        }
        None
    }
}

/// A decimal integer; `None` when it is none, or too large.
pub(super) fn integer(text: &[u8]) -> Option<u64> {
    let text = text.trim_ascii();
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok().filter(|&number| number <= LARGEST_INTEGER)
}

/// Decimal seconds, cut to nanoseconds; `None` when they are none, or too many.
pub(super) fn seconds(text: &[u8]) -> Option<Duration> {
    let text = text.trim_ascii();
    let point = text.iter().position(|&byte| byte == b'.').unwrap_or(text.len());
    let (whole, fraction) = (&text[..point], text.get(point + 1..).unwrap_or_default());
    if whole.is_empty() && fraction.is_empty() || !fraction.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let whole = if whole.is_empty() { 0 } else { integer(whole)? };
    let digits = fraction.iter().map(|byte| u32::from(byte - b'0')).chain(std::iter::repeat(0)).take(9);
    let nanoseconds = digits.fold(0, |sum, digit| sum * 10 + digit);
    (whole <= MOST_SECONDS).then(|| Duration::new(whole, nanoseconds))
}

/// `LENGTH[@OFFSET]` in bytes; `None` when it is not so.
pub(super) fn byte_range(text: &[u8]) -> Option<(u64, Option<u64>)> {
    let mut parts = text.splitn(2, |&byte| byte == b'@');
    let length = integer(parts.next()?)?;
    let offset = parts.next().map(|offset| integer(offset).ok_or(())).transpose().ok()?;
    Some((length, offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_at_any_line_ending_and_cover_every_byte() {
        let body = b"\xef\xbb\xbfa\r\n\n  b \rc\0\r\n\n  ";
        let lines: Vec<_> = lines(body, 3).collect();
        let texts: Vec<_> = lines.iter().map(|line| line.text).collect();
        assert_eq!(texts, [&b"a"[..], b"", b"b", b"c", b"", b"", b""]);
        let mut at = 3;
        for line in lines {
            assert_eq!(line.from, at);
            assert_eq!(&body[line.start..line.start + line.text.len()], line.text);
            at = line.to;
        }
        assert_eq!(at, body.len());
    }

    #[test]
    fn attributes_are_found_in_every_odd_spelling() {
        for (line, value) in [
            ("#T:URI=\"a,b=c\"", Some("a,b=c")),
            ("#T:A=\"URI=x\",URI=\"y\"", Some("y")),
            ("#T:A=1, URI=plain ,B=2", Some("plain")),
            ("#T:URI=\"open", Some("open")),
            ("#T:URI=", Some("")),
            ("#T:URI=\"\"", Some("")),
            ("#T:FLAG,URI=x", Some("x")),
            ("#T:AURI=x,URIB=y", None),
            ("#T:A=\"x\"URI=y", Some("y")),
            ("#T:,,=,==\"", None),
            ("#T", None),
        ] {
            let tag = lines(line.as_bytes(), 0).next().unwrap().tag().unwrap();
            let found = tag.attribute("URI");
            assert_eq!(found.map(|found| found.value), value.map(str::as_bytes), "{line}");
            if let (Some(found), Some(value)) = (found, value) {
                assert_eq!(&line[found.start..found.start + value.len()], value);
            }
        }
    }

    #[test]
    fn numbers_are_read_or_absent_and_never_overflow() {
        for (text, number) in [
            ("0", Some(0)),
            (" 7 ", Some(7)),
            ("9223372036854775807", Some(i64::MAX as u64)),
            ("9223372036854775808", None),
            ("99999999999999999999999", None),
            ("+1", None),
            ("-1", None),
            ("1.0", None),
            ("", None),
        ] {
            assert_eq!(integer(text.as_bytes()), number, "{text}");
        }
        for (text, milliseconds) in [
            ("2", Some(2000)),
            ("2.002", Some(2002)),
            ("2.", Some(2000)),
            (".5", Some(500)),
            ("0.0019999999999", Some(1)),
            ("4294967295", Some(4_294_967_295_000)),
            ("4294967296", None),
            (".", None),
            ("", None),
            ("-1", None),
            ("1e3", None),
            ("inf", None),
            ("1.2.3", None),
        ] {
            let read = seconds(text.as_bytes()).map(|duration| duration.as_millis());
            assert_eq!(read, milliseconds, "{text}");
        }
        for (text, range) in [
            ("10", Some((10, None))),
            ("10@20", Some((10, Some(20)))),
            (" 10@0 ", Some((10, Some(0)))),
            ("10@", None),
            ("@5", None),
            ("10@x", None),
            ("", None),
        ] {
            assert_eq!(byte_range(text.as_bytes()), range, "{text}");
        }
    }
}
