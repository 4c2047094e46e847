//! What a machine does to an origin: full disks, other FFmpegs, a second origin.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Origin, command, open_dir, profile_file, stand_in, wait_until};

/// A small file system of its own; it goes with the value.
struct Tmpfs(tempfile::TempDir);

impl Tmpfs {
    /// `None` where nobody may mount one.
    fn of_kib(kib: u32) -> Option<Self> {
        let folder = open_dir();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={kib}k,mode=755"), "tmpfs"]).arg(folder.path());
        if mount.output().is_ok_and(|output| output.status.success()) {
            return Some(Self(folder));
        }
        testkit::skipped("a file system of its own needs root's right to mount");
        None
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        // Lazily: whoever has a file open there ends in a moment.
        let done = Command::new("umount").arg("--lazy").arg(self.path()).status();
        assert!(
            std::thread::panicking() || done.is_ok_and(|status| status.success()),
            "umount {}",
            self.path().display()
        );
    }
}

#[test]
fn a_disk_that_fills_up_is_told_with_where_and_how_much() {
    let Some(disk) = Tmpfs::of_kib(2048) else { return };
    let dir = disk.path().to_str().unwrap();
    let origin = Origin::of_file("tiny", &["--dir", dir]);
    let filler = disk.path().join("filler");
    // Until nothing more fits; the last write fails, and is meant to.
    std::fs::write(&filler, vec![1; 4 << 20]).unwrap_err();
    wait_until("it says so", || origin.program.stderr().contains("the disk is full"));
    let said = origin.program.stderr();
    let line = said.lines().find(|line| line.contains("the disk is full")).unwrap();
    assert!(line.contains(dir) && line.contains("kB: make room there, or choose another --dir"), "{line}");
    wait_until("/healthz says so", || !origin.is_healthy());
    std::fs::remove_file(filler).unwrap();
    wait_until("it is well again", || origin.is_healthy());
    // By then the window holds none that was cut off: each begins and ends where a packet does.
    for segment in origin.playlist("stream.m3u8").segments {
        let response = origin.get(&segment.uri);
        let length = response.body.len();
        assert_eq!(response.status, 200);
        assert!(length > 0 && length.is_multiple_of(188), "{}: {length}", segment.uri);
    }
}

#[test]
fn a_disk_without_room_is_refused_before_anything_is_encoded() {
    let Some(disk) = Tmpfs::of_kib(1024) else { return };
    for flag in ["--dir", "--cache-dir"] {
        let output = command(open_dir().path()).arg(flag).arg(disk.path()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(
            said.contains("has 1 MB free") && said.contains(&format!("another folder with {flag}")),
            "{said}"
        );
    }
}

#[test]
fn without_libx264_the_other_encoder_is_used_and_without_both_it_says_what_to_install() {
    let folder = open_dir();
    // The real FFmpeg under the other encoder's name: Debian's has no libopenh264.
    let other = stand_in(
        folder.path(),
        "ffmpeg",
        "case \"$*\" in
    *-encoders*) ffmpeg \"$@\" | sed 's/ libx264 .*/ libopenh264/'; exit;;
esac
for argument; do
    shift
    case $argument in
        libopenh264) set -- \"$@\" libx264;;
        -rc_mode | bitrate | -allow_skip_frames) ;;
        0) [ \"$last\" = -allow_skip_frames ] || set -- \"$@\" 0;;
        *) set -- \"$@\" \"$argument\";;
    esac
    last=$argument
done
exec ffmpeg \"$@\"
",
    );
    let cache = folder.path().join("cache");
    let prepare = |ffmpeg: &Path| {
        let mut program = command(folder.path());
        program
            .arg("--prepare")
            .arg("--cache-dir")
            .arg(&cache)
            .arg("--profile-file")
            .arg(profile_file("tiny"));
        program.arg("--ffmpeg").arg(ffmpeg).output().unwrap()
    };
    let output = prepare(&other);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("libopenh264 encodes instead"), "{said}");
    let clip = PathBuf::from(String::from_utf8(output.stdout).unwrap().trim_end());
    assert!(test_origin::seal::is_whole(&clip));

    std::fs::remove_file(clip).unwrap();
    let none = stand_in(folder.path(), "ffmpeg", "exec ffmpeg \"$@\" | sed '/264/d'\n");
    let output = prepare(&none);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    for part in ["neither libx264 nor libopenh264", "apt install ffmpeg", "--ffmpeg PATH"] {
        assert!(said.contains(part), "{part} in {said}");
    }
}

#[test]
fn two_origins_side_by_side_both_play_and_one_outlives_the_other() {
    let folder = open_dir();
    let start = |port: &str| {
        let file = profile_file("tiny");
        let (port, dir) = (port.to_owned(), folder.path().to_owned());
        Origin::start(move |command| {
            command.arg("--profile-file").arg(file).args(["--port", &port]).arg("--dir").arg(dir)
        })
    };
    let (one, other) = (start("0"), start("0"));
    assert_ne!(one.url, other.url);
    let next = |origin: &Origin| origin.playlist("stream.m3u8").media_sequence;
    let before = (next(&one), next(&other));
    wait_until("both go on", || next(&one) > before.0 && next(&other) > before.1);
    drop(one);
    let now = next(&other);
    wait_until("the other goes on without the first", || next(&other) > now && other.is_healthy());
}
