//! Whether a clip is as it was made: its last box holds a checksum of all before it. Knows nothing of what is in a clip.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

/// Size and type of the last box: `free`, which every reader of MP4 passes over (ISO/IEC 14496-12 8.1.2).
const HEADER: [u8; 8] = *b"\0\0\0\x10free";
/// Header and checksum.
const LENGTH: u64 = 16;
/// Read at a time, in bytes.
const BUFFER: usize = 1 << 16;

/// Appends the seal, which says that the file is finished.
///
/// # Errors
/// When the file system refuses.
pub fn seal(clip: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().read(true).append(true).open(clip)?;
    let length = file.metadata()?.len();
    let sum = checksum(&mut file, length)?;
    file.write_all(&[HEADER, sum.to_be_bytes()].concat())
}

/// Whether the file is there and exactly as it was when it was sealed: one that was cut off is not, nor is one in which
/// anything changed.
pub fn is_whole(clip: &Path) -> bool {
    File::open(clip).and_then(has_its_seal).unwrap_or(false)
}

fn has_its_seal(mut file: File) -> io::Result<bool> {
    let Some(length) = file.metadata()?.len().checked_sub(LENGTH) else { return Ok(false) };
    let sum = checksum(&mut file, length)?;
    let mut seal = [0; 16];
    file.seek(SeekFrom::Start(length))?;
    file.read_exact(&mut seal)?;
    Ok(seal == [HEADER, sum.to_be_bytes()].concat()[..])
}

/// FNV-1a (RFC 9923) with eight bytes at a time, so that it takes no longer than reading does. It guards against
/// accidents, not against malice.
fn checksum(file: &mut File, length: u64) -> io::Result<u64> {
    file.seek(SeekFrom::Start(0))?;
    let mut reader = BufReader::with_capacity(BUFFER, file).take(length);
    let mut sum = length ^ 0xcbf2_9ce4_8422_2325;
    let mut buffer = vec![0; BUFFER];
    loop {
        let size = fill(&mut reader, &mut buffer)?;
        // A rest of less than eight bytes is padded with zeros; the length is in the sum.
        buffer[size..].fill(0);
        for word in buffer[..size.next_multiple_of(8)].chunks_exact(8) {
            let word = word.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
            sum = (sum ^ word).wrapping_mul(0x0100_0000_01b3);
        }
        if size < BUFFER {
            return Ok(sum);
        }
    }
}

fn fill(reader: &mut impl io::Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..])? {
            0 => break,
            size => filled += size,
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_is_whole_when_nothing_of_it_changed_since_it_was_sealed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("clip.mp4");
        let whole = |bytes: &[u8]| {
            fs::write(&file, bytes).unwrap();
            is_whole(&file)
        };
        for content in [&b""[..], b"1234567", b"12345678", b"123456789"] {
            fs::write(&file, content).unwrap();
            assert!(!is_whole(&file), "not sealed");
            seal(&file).unwrap();
            let good = fs::read(&file).unwrap();
            assert!(whole(&good) && good.starts_with(content));
            for length in 0..good.len() {
                assert!(!whole(&good[..length]), "cut at {length}");
                let mut changed = good.clone();
                changed[length] ^= 1;
                assert!(!whole(&changed), "changed at {length}");
            }
            assert!(!whole(&[good.as_slice(), b"x"].concat()), "one byte too many");
        }
        assert!(!is_whole(&folder.path().join("none")));
    }

    #[test]
    fn large_files_are_summed_to_their_end() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("clip.mp4");
        for size in [BUFFER - 1, BUFFER, BUFFER + 1, 3 * BUFFER + 5] {
            let mut bytes = vec![7; size];
            fs::write(&file, &bytes).unwrap();
            seal(&file).unwrap();
            assert!(is_whole(&file), "{size}");
            bytes = fs::read(&file).unwrap();
            bytes[size - 1] = 8;
            fs::write(&file, &bytes).unwrap();
            assert!(!is_whole(&file), "{size}");
        }
    }
}
