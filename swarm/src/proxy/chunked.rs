//! Chunks (RFC 9112 7.1), taken apart as they come and made anew. Pure. Extensions and trailers are read over: FFmpeg
//! looks at neither.

use bytes::{Buf as _, Bytes, BytesMut};

/// A line of a chunk's length, and a line of a trailer: longer ones are an attack, or no chunks.
const MOST_LINE_BYTES: usize = 8 << 10;

/// Lines of a trailer; real ones have one or two.
const MOST_TRAILER_LINES: u8 = 100;

/// Ends a body of chunks.
pub const END: &[u8] = b"0\r\n\r\n";

/// Not what chunks look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a body whose chunks cannot be read")]
pub struct Malformed;

/// What came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Of the body.
    Data(Bytes),
    /// Nothing whole: more has to come.
    Nothing,
    /// The body is over.
    End,
}

/// How far a body of chunks has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chunks {
    /// A line with a length comes next.
    Length,
    /// So many bytes are left of a chunk.
    Data(u64),
    /// The end of a chunk's line.
    LineEnd,
    /// So many lines of the trailer were read.
    Trailer(u8),
}

impl Chunks {
    /// Takes the next piece off the front of what came.
    pub fn take(&mut self, buffer: &mut BytesMut) -> Result<Piece, Malformed> {
        loop {
            match *self {
                Self::Data(left) => {
                    let here = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                    if here == 0 {
                        return Ok(Piece::Nothing);
                    }
                    let left = left - here as u64;
                    *self = if left == 0 { Self::LineEnd } else { Self::Data(left) };
                    return Ok(Piece::Data(buffer.split_to(here).freeze()));
                }
                Self::Length => match httparse::parse_chunk_size(buffer).map_err(|_| Malformed)? {
                    httparse::Status::Complete((line, length)) => {
                        buffer.advance(line);
                        *self = if length == 0 { Self::Trailer(0) } else { Self::Data(length) };
                    }
                    httparse::Status::Partial if buffer.len() > MOST_LINE_BYTES => return Err(Malformed),
                    httparse::Status::Partial => return Ok(Piece::Nothing),
                },
                Self::LineEnd => match line(buffer)? {
                    None => return Ok(Piece::Nothing),
                    Some(line) if line.is_empty() => *self = Self::Length,
                    Some(_) => return Err(Malformed),
                },
                Self::Trailer(lines) => match line(buffer)? {
                    None => return Ok(Piece::Nothing),
                    Some(line) if line.is_empty() => return Ok(Piece::End),
                    Some(_) if lines == MOST_TRAILER_LINES => return Err(Malformed),
                    Some(_) => *self = Self::Trailer(lines + 1),
                },
            }
        }
    }
}

/// A piece of a body as a chunk.
pub fn chunk(data: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", data.len()).as_bytes(), data, b"\r\n"].concat()
}

/// A whole line without its end.
fn line(buffer: &mut BytesMut) -> Result<Option<BytesMut>, Malformed> {
    let Some(end) = buffer.iter().take(MOST_LINE_BYTES).position(|byte| *byte == b'\n') else {
        return if buffer.len() >= MOST_LINE_BYTES { Err(Malformed) } else { Ok(None) };
    };
    let mut line = buffer.split_to(end + 1);
    line.truncate(end);
    if line.last() == Some(&b'\r') {
        line.truncate(end - 1);
    }
    Ok(Some(line))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// All of a body that comes in pieces, whether it ended, and what was left.
    fn read(pieces: &[&[u8]]) -> Result<(Vec<u8>, bool, usize), Malformed> {
        let (mut chunks, mut buffer, mut body) = (Chunks::Length, BytesMut::new(), Vec::new());
        for piece in pieces {
            buffer.extend_from_slice(piece);
            loop {
                match chunks.take(&mut buffer)? {
                    Piece::Data(data) => body.extend_from_slice(&data),
                    Piece::Nothing => break,
                    Piece::End => return Ok((body, true, buffer.len())),
                }
            }
        }
        Ok((body, false, buffer.len()))
    }

    #[test]
    fn extensions_and_trailers_are_read_over() {
        let text = b"2;name=value\r\nhe\r\n3\r\nllo\r\n0\r\nExpires: never\r\n\r\nnext";
        assert_eq!(read(&[text]), Ok((b"hello".to_vec(), true, 4)));
        assert_eq!(read(&[&text[..10]]), Ok((Vec::new(), false, 10)));
    }

    #[test]
    fn what_is_no_chunk_is_refused() {
        let endless = [b"0\r\n".to_vec(), b"a: b\r\n".repeat(102)].concat();
        for text in [&b"x\r\n"[..], b"2\r\nhello\r\n", b"11111111111111111\r\n", &[b' '; 9000], &endless] {
            assert_eq!(read(&[text]), Err(Malformed), "{:?}", String::from_utf8_lossy(text));
        }
    }

    proptest! {
        #[test]
        fn what_was_made_is_read_however_it_is_cut(
            body in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..40), 0..6),
            piece in 1_usize..50,
        ) {
            let mut text: Vec<u8> = body.iter().flat_map(|data| chunk(data)).collect();
            text.extend_from_slice(END);
            let pieces: Vec<_> = text.chunks(piece).collect();
            prop_assert_eq!(read(&pieces), Ok((body.concat(), true, 0)));
        }
    }
}
