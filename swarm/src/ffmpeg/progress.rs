//! Reads FFmpeg's `-progress` reports: its interface for programs, not its log. Says how much media went through a
//! process, and nothing about how fast a request was answered.

use std::time::Duration;

const KEY: &[u8] = b"out_time_us=";

/// Longest line worth keeping: the key and a number of microseconds.
const MOST_LINE_BYTES: usize = 40;

/// The state of one process's reports, fed in pieces of any size.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    line: Vec<u8>,
    media: Duration,
}

impl Progress {
    /// Takes a piece of the report stream.
    pub fn push(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if byte == b'\n' {
                self.end_line();
            } else if self.line.len() < MOST_LINE_BYTES {
                self.line.push(byte);
            }
        }
    }

    fn end_line(&mut self) {
        let value = self.line.strip_prefix(KEY).and_then(|value| std::str::from_utf8(value).ok());
        // "N/A" before the first packet, and a negative time at odd stream starts, say nothing.
        if let Some(microseconds) = value.and_then(|value| value.trim_end().parse().ok()) {
            self.media = self.media.max(Duration::from_micros(microseconds));
        }
        self.line.clear();
    }

    /// Media that went through the process so far; zero until some has.
    pub fn media(&self) -> Duration {
        self.media
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn media_after(pieces: &[&str]) -> Duration {
        let mut progress = Progress::default();
        for piece in pieces {
            progress.push(piece.as_bytes());
        }
        progress.media()
    }

    #[test]
    fn media_time_is_read_over_pieces() {
        let report = "frame=90\nout_time_us=2986667\nout_time_ms=2986667\nprogress=continue\n";
        let expected = Duration::from_micros(2_986_667);
        assert_eq!(media_after(&[report]), expected);
        for cut in 0..report.len() {
            assert_eq!(media_after(&[&report[..cut], &report[cut..]]), expected, "cut at {cut}");
        }
    }

    #[test]
    fn before_the_first_packet_nothing_has_arrived() {
        for report in ["", "out_time_us=N/A\n", "out_time_us=-9223372036854775807\n", "out_time_us=0\n"] {
            assert_eq!(media_after(&[report]), Duration::ZERO, "{report}");
        }
    }

    #[test]
    fn the_largest_time_stays_and_a_flood_is_harmless() {
        let flood = "x".repeat(1_000_000);
        assert_eq!(
            media_after(&["out_time_us=5000000\nout_time_us=1000000\n", &flood]),
            Duration::from_secs(5)
        );
    }
}
