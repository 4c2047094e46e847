//! The body of an origin's answer, piece by piece as it comes, up to its end. Holds none of it.

use bytes::{Bytes, BytesMut};

use super::body_length::BodyLength;
use super::chunked::{Chunks, Piece};
use super::origin::Origin;
use crate::observation::ErrorClass;

/// Read at once where bytes have to be copied; smaller pieces cost more system calls.
const READ_BYTES: usize = 64 << 10;

/// How much of a body is still to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// So many bytes.
    Left(u64),
    /// Chunks.
    Chunked(Chunks),
    /// Whatever comes until the origin closes.
    UntilClose,
    /// Nothing more.
    Over,
}

impl Body {
    /// All of it is still to come.
    pub fn new(length: BodyLength) -> Self {
        match length {
            BodyLength::Known(0) => Self::Over,
            BodyLength::Known(length) => Self::Left(length),
            BodyLength::Chunked => Self::Chunked(Chunks::Length),
            BodyLength::UntilClose => Self::UntilClose,
        }
    }

    /// Whether nothing more comes.
    pub fn is_over(self) -> bool {
        self == Self::Over
    }

    /// So many bytes came past us.
    pub fn passed(&mut self, bytes: usize) {
        if let Self::Left(left) = self {
            *self = left.checked_sub(bytes as u64).filter(|left| *left > 0).map_or(Self::Over, Self::Left);
        }
    }

    /// What is here of it already, if anything.
    pub fn at_hand(&mut self, origin: &mut Origin) -> Result<Option<Bytes>, ErrorClass> {
        Ok(match self.take(&mut origin.unread)? {
            Piece::Data(data) => Some(data),
            Piece::End | Piece::Nothing => None,
        })
    }

    /// Waits for the next piece; `None` at the end.
    pub async fn next(&mut self, origin: &mut Origin) -> Result<Option<Bytes>, ErrorClass> {
        loop {
            match self.take(&mut origin.unread)? {
                Piece::Data(data) => return Ok(Some(data)),
                Piece::End => return Ok(None),
                Piece::Nothing => {}
            }
            match (origin.fill(READ_BYTES).await, *self) {
                (Ok(0), Self::UntilClose) => *self = Self::Over,
                // It closed in good order, but too early.
                (Ok(0), _) => return Err(ErrorClass::Short),
                (Ok(_), _) => {}
                (Err(error), _) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                    return Err(ErrorClass::Short);
                }
                (Err(_), _) => return Err(ErrorClass::Reset),
            }
        }
    }

    fn take(&mut self, unread: &mut BytesMut) -> Result<Piece, ErrorClass> {
        let most = match self {
            Self::Over => return Ok(Piece::End),
            Self::Chunked(chunks) => {
                let piece = chunks.take(unread).map_err(|_| ErrorClass::Protocol)?;
                if piece == Piece::End {
                    *self = Self::Over;
                }
                return Ok(piece);
            }
            Self::Left(left) => usize::try_from(*left).unwrap_or(usize::MAX),
            Self::UntilClose => usize::MAX,
        };
        let piece = unread.split_to(unread.len().min(most)).freeze();
        self.passed(piece.len());
        Ok(if piece.is_empty() { Piece::Nothing } else { Piece::Data(piece) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_ends_where_it_was_announced_and_leaves_the_rest() {
        let mut body = Body::new(BodyLength::Known(5));
        let mut unread = BytesMut::from("rig");
        assert_eq!(body.take(&mut unread), Ok(Piece::Data("rig".into())));
        assert_eq!((body.take(&mut unread), body), (Ok(Piece::Nothing), Body::Left(2)));
        unread.extend_from_slice(b"ht and then some");
        assert_eq!(body.take(&mut unread), Ok(Piece::Data("ht".into())));
        assert_eq!((body.take(&mut unread), &unread[..]), (Ok(Piece::End), &b" and then some"[..]));
    }
}
