//! Changes to a body, made from its beginning to its end. Copies nothing until the first of them.

use std::ops::Range;

/// A body, and what has become of it so far.
pub(super) struct Edits<'a> {
    body: &'a [u8],
    /// Everything before this byte is in `changed`, once there is any change.
    done: usize,
    changed: Option<Vec<u8>>,
}

impl<'a> Edits<'a> {
    pub(super) fn new(body: &'a [u8]) -> Self {
        Self { body, done: 0, changed: None }
    }

    /// `range` begins where the last one ended, or later.
    pub(super) fn replace(&mut self, range: Range<usize>, with: &[u8]) {
        let changed = self.changed.get_or_insert_with(|| Vec::with_capacity(self.body.len()));
        changed.extend_from_slice(&self.body[self.done..range.start]);
        changed.extend_from_slice(with);
        self.done = range.end;
    }

    /// `None` where nothing was replaced.
    pub(super) fn finish(self) -> Option<Vec<u8>> {
        let mut changed = self.changed?;
        changed.extend_from_slice(&self.body[self.done..]);
        Some(changed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_replaced_bytes_change() {
        let mut edits = Edits::new(b"one two three");
        edits.replace(0..3, b"1");
        edits.replace(3..4, b"");
        edits.replace(8..13, b"3");
        assert_eq!(edits.finish().as_deref(), Some(&b"1two 3"[..]));
    }

    #[test]
    fn a_body_without_changes_is_not_copied() {
        assert_eq!(Edits::new(b"one").finish(), None);
    }
}
