//! The heads of requests and answers, read and written. Pure: bytes in, values out. Bodies are others' business.

use std::io::Write as _;
use std::mem::MaybeUninit;
use std::ops::Range;

use bytes::{Bytes, BytesMut};

use super::fields::Fields;

/// The most that the head of a message may have. Nginx allows answers 4 to 8 kB, the CDNs 32 kB and less.
const MOST_HEAD_BYTES: usize = 64 << 10;

/// Fields of a head. CDNs in debug mode add dozens; a hundred, the usual bound, is near that.
const MOST_FIELDS: usize = 1000;

/// A head that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Not HTTP/1.
    #[error("no HTTP/1 head ({0})")]
    NoHttp(httparse::Error),
    /// Beyond what anybody needs.
    #[error("a head of more than {} kB", MOST_HEAD_BYTES >> 10)]
    TooLarge,
}

/// What FFmpeg asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestHead {
    /// As written.
    pub method: String,
    /// As written: to a proxy it is a whole URL.
    pub target: String,
    /// HTTP/1.0 is 0.
    pub minor_version: u8,
    /// Header fields.
    pub fields: Fields,
}

/// What an origin answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseHead {
    /// HTTP/1.0 is 0.
    pub minor_version: u8,
    /// 100 to 999.
    pub status: u16,
    /// The words behind the status.
    pub reason: String,
    /// Header fields.
    pub fields: Fields,
}

impl RequestHead {
    /// Takes a head off the front of `buffer`, once all of it is there.
    #[expect(
        clippy::large_stack_arrays,
        reason = "32 kB, never written to beyond what comes, on a thread of megabytes"
    )]
    pub fn take(buffer: &mut BytesMut) -> Result<Option<Self>, Malformed> {
        let mut place = [const { MaybeUninit::uninit() }; MOST_FIELDS];
        let mut request = httparse::Request::new(&mut []);
        let parsed = request.parse_with_uninit_headers(buffer, &mut place);
        let Some(length) = complete(parsed, buffer)? else { return Ok(None) };
        let (method, target) = (request.method.unwrap_or_default(), request.path.unwrap_or_default());
        let (method, target) = (method.to_owned(), target.to_owned());
        let minor_version = request.version.unwrap_or(1);
        let ranges = ranges(request.headers, buffer);
        Ok(Some(Self { method, target, minor_version, fields: fields(ranges, length, buffer) }))
    }

    /// Whether the connection shall be kept (RFC 9112 9.3).
    pub fn keeps(&self) -> bool {
        keeps(self.minor_version, &self.fields)
    }

    /// As it goes to an origin that is no proxy; `target` is what it calls the resource.
    pub fn written(&self, target: &str) -> Vec<u8> {
        let mut head = Vec::with_capacity(1024);
        for part in [self.method.as_str(), " ", target, " HTTP/1.1\r\n"] {
            head.extend_from_slice(part.as_bytes());
        }
        self.fields.write(&mut head);
        head
    }
}

impl ResponseHead {
    /// Takes a head off the front of `buffer`, once all of it is there.
    #[expect(
        clippy::large_stack_arrays,
        reason = "32 kB, never written to beyond what comes, on a thread of megabytes"
    )]
    pub fn take(buffer: &mut BytesMut) -> Result<Option<Self>, Malformed> {
        let mut place = [const { MaybeUninit::uninit() }; MOST_FIELDS];
        let mut response = httparse::Response::new(&mut []);
        let config = httparse::ParserConfig::default();
        let parsed = config.parse_response_with_uninit_headers(&mut response, buffer, &mut place);
        let Some(length) = complete(parsed, buffer)? else { return Ok(None) };
        let reason = response.reason.unwrap_or_default().to_owned();
        let (minor_version, status) = (response.version.unwrap_or(1), response.code.unwrap_or_default());
        let ranges = ranges(response.headers, buffer);
        Ok(Some(Self { minor_version, status, reason, fields: fields(ranges, length, buffer) }))
    }

    /// An answer of our own, without a body, after which the connection closes.
    pub fn ours(status: u16, reason: &str) -> Self {
        let mut fields = Fields::default();
        fields.push("Connection", "close");
        fields.push("Content-Length", "0");
        Self { minor_version: 1, status, reason: reason.to_owned(), fields }
    }

    /// Whether the connection can be kept (RFC 9112 9.3).
    pub fn keeps(&self) -> bool {
        keeps(self.minor_version, &self.fields)
    }

    /// As it goes to FFmpeg.
    pub fn written(&self) -> Vec<u8> {
        let mut head = Vec::with_capacity(1024);
        // Writing to memory cannot fail.
        write!(head, "HTTP/1.{} {} {}\r\n", self.minor_version, self.status, self.reason).unwrap_or_default();
        self.fields.write(&mut head);
        head
    }
}

fn keeps(minor_version: u8, fields: &Fields) -> bool {
    !fields.lists("connection", "close") && (minor_version > 0 || fields.lists("connection", "keep-alive"))
}

/// The length of the head, or `None` if more of it has to come.
fn complete(
    parsed: Result<httparse::Status<usize>, httparse::Error>,
    buffer: &BytesMut,
) -> Result<Option<usize>, Malformed> {
    match parsed.map_err(Malformed::NoHttp)? {
        httparse::Status::Complete(length) if length <= MOST_HEAD_BYTES => Ok(Some(length)),
        httparse::Status::Partial if buffer.len() < MOST_HEAD_BYTES => Ok(None),
        _ => Err(Malformed::TooLarge),
    }
}

/// Where names and values are in the buffer: it can be taken apart only when nothing borrows from it any more.
fn ranges(headers: &[httparse::Header<'_>], buffer: &[u8]) -> Vec<(Range<usize>, Range<usize>)> {
    let start = buffer.as_ptr().addr();
    let range = |part: &[u8]| {
        // What is empty may point anywhere.
        let first = if part.is_empty() { 0 } else { part.as_ptr().addr() - start };
        first..first + part.len()
    };
    headers.iter().map(|header| (range(header.name.as_bytes()), range(header.value))).collect()
}

fn fields(ranges: Vec<(Range<usize>, Range<usize>)>, length: usize, buffer: &mut BytesMut) -> Fields {
    let head: Bytes = buffer.split_to(length).freeze();
    // A few are added on the way.
    let mut fields = Fields::with_capacity(ranges.len() + 2);
    for (name, value) in ranges {
        fields.push(head.slice(name), head.slice(value));
    }
    fields
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_request_is_read_and_written_as_it_came() {
        let text =
            "GET http://h:1/a'b?x=|y HTTP/1.1\r\nUser-AGENT: me\r\nRange: bytes=0-\r\nEmpty: \r\n\r\nmore";
        let mut buffer = BytesMut::from(text);
        let head = RequestHead::take(&mut buffer).unwrap().unwrap();
        assert_eq!((head.method.as_str(), head.target.as_str()), ("GET", "http://h:1/a'b?x=|y"));
        assert_eq!(&buffer[..], b"more");
        let written = String::from_utf8(head.written("/a'b?x=|y")).unwrap();
        assert_eq!(written, text.replace("http://h:1", "").replace("more", ""));
    }

    #[test]
    fn an_answer_is_read_and_written_as_it_came() {
        let text = "HTTP/1.0 404 Not  Here\r\nX-CaSe: a b \r\nSet-Cookie: a\r\nset-cookie: b\r\n\r\n";
        let head = ResponseHead::take(&mut BytesMut::from(text)).unwrap().unwrap();
        assert_eq!((head.status, head.minor_version, head.keeps()), (404, 0, false));
        assert_eq!(String::from_utf8(head.written()).unwrap(), text.replace("b \r\n", "b\r\n"));
    }

    #[test]
    fn who_keeps_a_connection() {
        for (version, connection, keeps) in [
            (1, "", true),
            (1, "Connection: keep-alive\r\n", true),
            (1, "connection: Close\r\n", false),
            (1, "Connection: TE, close\r\n", false),
            (0, "", false),
            (0, "Connection: Keep-Alive\r\n", true),
        ] {
            let text = format!("HTTP/1.{version} 200 OK\r\n{connection}\r\n");
            let head = ResponseHead::take(&mut BytesMut::from(text.as_str())).unwrap().unwrap();
            assert_eq!(head.keeps(), keeps, "{text}");
        }
    }

    #[test]
    fn no_http_and_too_much_of_it_are_refused() {
        let answer = |text: &str| ResponseHead::take(&mut BytesMut::from(text));
        assert!(matches!(answer("this is no HTTP\r\n\r\n"), Err(Malformed::NoHttp(_))));
        assert!(matches!(answer("HTTP/2 200 OK\r\n\r\n"), Err(Malformed::NoHttp(_))));
        let endless = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(MOST_HEAD_BYTES));
        assert_eq!(answer(&endless), Err(Malformed::TooLarge));
        assert_eq!(answer(&format!("{endless}\r\n\r\n")), Err(Malformed::TooLarge));
        let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X:\r\n".repeat(MOST_FIELDS + 1));
        assert_eq!(answer(&many), Err(Malformed::NoHttp(httparse::Error::TooManyHeaders)));
    }

    proptest! {
        #[test]
        fn a_head_that_comes_in_two_pieces_is_the_same(
            fields in proptest::collection::vec(("[A-Za-z-]{1,9}", "[!-~]([ -~]{0,9}[!-~])?"), 0..6),
            at in any::<prop::sample::Index>(),
        ) {
            let fields: Vec<_> = fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
            let fields = fields.concat();
            let text = format!("HTTP/1.1 206 Partial Content\r\n{fields}\r\n");
            let (first, second) = text.split_at(at.index(text.len()));
            let mut buffer = BytesMut::from(first);
            prop_assert_eq!(ResponseHead::take(&mut buffer), Ok(None));
            buffer.extend_from_slice(second.as_bytes());
            let head = ResponseHead::take(&mut buffer).unwrap().unwrap();
            prop_assert_eq!(String::from_utf8(head.written()).unwrap(), text);
            prop_assert!(buffer.is_empty());
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = ResponseHead::take(&mut BytesMut::from(&bytes[..]));
            let _ = RequestHead::take(&mut BytesMut::from(&bytes[..]));
        }
    }
}
