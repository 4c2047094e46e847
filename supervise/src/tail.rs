//! The last lines that a process said, in bounded memory however much it says. Never interprets them.

use std::collections::VecDeque;

/// Keeps the last [`Tail::LINES`] lines, each cut to [`Tail::LINE_BYTES`].
#[derive(Clone, Debug, Default)]
pub struct Tail {
    lines: VecDeque<String>,
    partial: Vec<u8>,
}

impl Tail {
    /// FFmpeg's dying words are 2 to 6 lines; warnings before them may help. With the longest lines this is 8 KiB.
    pub const LINES: usize = 16;
    /// Enough for a message with a URL; a longer line is cut, not dropped.
    pub const LINE_BYTES: usize = 512;

    /// Takes any piece of output: lines need not be whole.
    pub fn push(&mut self, bytes: &[u8]) {
        // A carriage return ends a line too: progress displays use it.
        for piece in bytes.split_inclusive(|byte| matches!(byte, b'\n' | b'\r')) {
            let (text, ended) = match piece.split_last() {
                Some((b'\n' | b'\r', text)) => (text, true),
                _ => (piece, false),
            };
            let room = Self::LINE_BYTES.saturating_sub(self.partial.len());
            self.partial.extend_from_slice(&text[..text.len().min(room)]);
            if ended {
                self.end_line();
            }
        }
    }

    fn end_line(&mut self) {
        let line = String::from_utf8_lossy(&self.partial).trim_end().to_owned();
        self.partial.clear();
        if line.is_empty() {
            return;
        }
        if self.lines.len() == Self::LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }

    /// The kept lines, oldest first; a line that never ended counts as the last one.
    pub fn into_lines(mut self) -> Vec<String> {
        self.end_line();
        self.lines.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tail_of(pieces: &[&[u8]]) -> Vec<String> {
        let mut tail = Tail::default();
        for piece in pieces {
            tail.push(piece);
        }
        tail.into_lines()
    }

    #[test]
    fn lines_are_joined_over_pieces_and_the_unended_last_one_counts() {
        assert_eq!(tail_of(&[b"on", b"e\ntw", b"o\r\n\nthree"]), ["one", "two", "three"]);
    }

    #[test]
    fn only_the_last_lines_are_kept() {
        let flood: Vec<u8> = (0..10_000).flat_map(|n| format!("line {n}\n").into_bytes()).collect();
        let lines = tail_of(&[&flood]);
        assert_eq!(lines.len(), Tail::LINES);
        assert_eq!(lines.last().unwrap(), "line 9999");
    }

    #[test]
    fn an_endless_line_is_cut() {
        let lines = tail_of(&[&vec![b'x'; 100_000], &vec![b'y'; 100_000]]);
        assert_eq!(lines, ["x".repeat(Tail::LINE_BYTES)]);
    }
}
