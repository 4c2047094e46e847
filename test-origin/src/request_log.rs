//! Counts requests by what Nginx writes down about them, one short line each. Nginx writes through a buffer, so that a
//! request costs it no system call; what was read is given back to the file system, so that the file takes no more
//! room than a second's requests. Keeps no line.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use crate::metrics::Metrics;

/// Read at a time.
const CHUNK_BYTES: usize = 64 * 1024;
/// Read before something else has its turn: some 100 000 requests.
const MOST_CHUNKS: usize = 64;
/// Nginx refuses longer URLs (`large_client_header_buffers`): what has no end by then is no line.
const MOST_LINE_BYTES: usize = 16 * 1024;
/// So much is read before it is given back: a system call now and then.
const MOST_KEPT_BYTES: u64 = 1 << 20;

/// A request that was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// As it was sent; 499 when the client left first.
    pub status: u16,
    /// Of the body.
    pub bytes: u64,
    /// Decoded.
    pub path: &'a str,
}

/// The file, as far as it was read.
#[derive(Debug)]
pub struct RequestLog {
    file: File,
    /// The beginning of a line whose end is not written yet.
    rest: Vec<u8>,
    read: u64,
    given_back: u64,
}

impl RequestLog {
    /// What the fields of [`Line`] are called by Nginx.
    pub const FORMAT: &str = "$status $body_bytes_sent $uri";

    /// Makes the file, before Nginx opens it.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn create(path: &Path) -> io::Result<Self> {
        let file = File::options().create_new(true).read(true).write(true).open(path)?;
        Ok(Self { file, rest: Vec::new(), read: 0, given_back: 0 })
    }

    /// Counts what was written since the last time.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn follow(&mut self, metrics: &Metrics) -> io::Result<()> {
        let mut chunk = vec![0; CHUNK_BYTES];
        for _ in 0..MOST_CHUNKS {
            let size = self.file.read(&mut chunk)?;
            if size == 0 {
                break;
            }
            self.read += size as u64;
            self.rest.extend_from_slice(&chunk[..size]);
            let mut whole = 0;
            for line in self.rest.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n"))
            {
                whole += line.len();
                metrics.count(parse(line));
            }
            self.rest.drain(..whole);
            if self.rest.len() > MOST_LINE_BYTES {
                metrics.count(None);
                self.rest.clear();
            }
        }
        self.give_back();
        Ok(())
    }

    /// A file system that cannot do this keeps everything, some 40 bytes per request.
    #[cfg(target_os = "linux")]
    fn give_back(&mut self) {
        use nix::fcntl::{FallocateFlags, fallocate};
        if self.read - self.given_back < MOST_KEPT_BYTES {
            return;
        }
        let hole = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
        if let Ok(length) = i64::try_from(self.read)
            && let Err(error) = fallocate(&self.file, hole, 0, length)
        {
            tracing::debug!("the request log is kept: {error}");
        }
        self.given_back = self.read;
    }

    #[cfg(not(target_os = "linux"))]
    fn give_back(&mut self) {
        self.given_back = self.read;
    }
}

/// Reads a line; `None` when it is none of ours.
fn parse(line: &[u8]) -> Option<Line<'_>> {
    let mut fields = std::str::from_utf8(line).ok()?.trim_end_matches('\n').splitn(3, ' ');
    let status = fields.next()?.parse().ok()?;
    let bytes = fields.next()?.parse().ok()?;
    Some(Line { status, bytes, path: fields.next()? })
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::unix::fs::MetadataExt as _;

    use super::*;
    use crate::catalog;

    fn metrics() -> Metrics {
        Metrics::new(&catalog::find("default").unwrap().unwrap()).unwrap()
    }

    #[test]
    fn lines_are_counted_when_they_are_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("requests");
        let mut log = RequestLog::create(&path).unwrap();
        let mut writer = File::options().append(true).open(&path).unwrap();
        let metrics = metrics();
        writer.write_all(b"200 1000 /a.ts\n206 500 /b.ts\n503 26 /a.ts\nrubbish\n200 24").unwrap();
        log.follow(&metrics).unwrap();
        assert_eq!(metrics.requests("segment", "200"), 1);
        writer.write_all(b"1 /stream.m3u8\n404 22 /a b c\n").unwrap();
        log.follow(&metrics).unwrap();
        log.follow(&metrics).unwrap();
        let text = metrics.render().unwrap();
        for line in [
            "hlsorigin_requests_total{kind=\"segment\",status=\"200\"} 1",
            "hlsorigin_requests_total{kind=\"segment\",status=\"206\"} 1",
            "hlsorigin_requests_total{kind=\"segment\",status=\"503\"} 1",
            "hlsorigin_requests_total{kind=\"playlist\",status=\"200\"} 1",
            "hlsorigin_requests_total{kind=\"other\",status=\"404\"} 1",
            "hlsorigin_response_bytes_total{kind=\"segment\"} 1526",
            "hlsorigin_response_bytes_total{kind=\"playlist\"} 241",
            "hlsorigin_log_lines_unread_total 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in {text}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_was_read_takes_no_room() {
        // Not every temporary folder is on a file system with holes; this one is where runs are by default.
        let Ok(folder) = tempfile::tempdir_in("/dev/shm") else {
            eprintln!("skipped: no /dev/shm");
            return;
        };
        let path = folder.path().join("requests");
        let mut log = RequestLog::create(&path).unwrap();
        let mut writer = File::options().append(true).open(&path).unwrap();
        let metrics = metrics();
        let lines = "200 1000 /segment000001.ts\n".repeat(100_000);
        for round in 1..=3 {
            writer.write_all(lines.as_bytes()).unwrap();
            log.follow(&metrics).unwrap();
            assert_eq!(metrics.requests("segment", "200"), round * 100_000);
        }
        let file = path.metadata().unwrap();
        assert_eq!(file.len(), 3 * lines.len() as u64);
        assert!(file.blocks() * 512 < 10_000, "{} bytes are kept", file.blocks() * 512);
    }
}
