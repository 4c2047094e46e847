//! How the end of an answer's body is told (RFC 9112 6.3). Pure.

use super::fields::Fields;

/// How long a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyLength {
    /// So many bytes; 0 where there can be none.
    Known(u64),
    /// In chunks that say how long each is.
    Chunked,
    /// Until the origin closes the connection.
    UntilClose,
}

/// A length that is no number, or two that differ: where the next answer begins cannot be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a Content-Length that is no length")]
pub struct Unclear;

impl BodyLength {
    /// Of an answer with this status and these fields, to a HEAD request or to another one.
    pub fn of_answer(to_head: bool, status: u16, fields: &Fields) -> Result<Self, Unclear> {
        if to_head || matches!(status, 100..=199 | 204 | 304) {
            return Ok(Self::Known(0));
        }
        if let Some(codings) = fields.all("transfer-encoding").last() {
            let last = codings.rsplit(',').next().unwrap_or_default().trim();
            return Ok(if last.eq_ignore_ascii_case("chunked") { Self::Chunked } else { Self::UntilClose });
        }
        let mut length = None;
        for text in fields.all("content-length").flat_map(|value| value.split(',')) {
            let number = number(text.trim()).ok_or(Unclear)?;
            if length.replace(number).is_some_and(|other| other != number) {
                return Err(Unclear);
            }
        }
        match length {
            Some(length) => Ok(Self::Known(length)),
            None if fields.contains("content-length") => Err(Unclear),
            None => Ok(Self::UntilClose),
        }
    }
}

/// `parse` alone would take a sign.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_to_end_is_told() {
        use BodyLength::{Chunked, Known, UntilClose};
        for (to_head, status, fields, length) in [
            (false, 200, &[("Content-Length", "5")][..], Ok(Known(5))),
            (false, 206, &[("content-length", "5, 5"), ("Content-Length", "5")], Ok(Known(5))),
            (false, 200, &[("Content-Length", "5"), ("Content-Length", "6")], Err(Unclear)),
            (false, 200, &[("Content-Length", "+5")], Err(Unclear)),
            (false, 200, &[("Content-Length", "")], Err(Unclear)),
            (false, 200, &[("Content-Length", "18446744073709551616")], Err(Unclear)),
            (false, 200, &[("Transfer-Encoding", "Chunked"), ("Content-Length", "5")], Ok(Chunked)),
            (false, 200, &[("Transfer-Encoding", "gzip, chunked")], Ok(Chunked)),
            (false, 200, &[("Transfer-Encoding", "chunked, gzip")], Ok(UntilClose)),
            (false, 200, &[], Ok(UntilClose)),
            (true, 200, &[("Content-Length", "5")], Ok(Known(0))),
            (false, 304, &[("Content-Length", "5")], Ok(Known(0))),
            (false, 204, &[], Ok(Known(0))),
        ] {
            let fields: Fields = fields.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
            assert_eq!(BodyLength::of_answer(to_head, status, &fields), length, "{status} {fields:?}");
        }
    }
}
