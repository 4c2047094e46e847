//! The cache of encoded clips.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use nix::sys::signal::Signal;

use crate::support::{Origin, command, descendants, is_alive, open_dir, profile_file, send, wait_until};

/// A clip that takes long enough to be interrupted.
fn slow_profile(folder: &std::path::Path) -> std::path::PathBuf {
    let text = std::fs::read_to_string(profile_file("tiny")).unwrap();
    let text = text.replace("width = 160", "width = 1920").replace("height = 90", "height = 1080");
    let file = folder.join("slow.toml");
    std::fs::write(&file, text.replace("fps = 10", "fps = 60").replace("_kbps = 60", "_kbps = 4000"))
        .unwrap();
    file
}

fn files(folder: &std::path::Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn an_interrupted_encode_is_never_used() {
    let folder = open_dir();
    let cache = folder.path().join("cache");
    let profile = slow_profile(folder.path());
    for signal in [Signal::SIGKILL, Signal::SIGTERM] {
        let mut program = command(folder.path());
        program.arg("--cache-dir").arg(&cache).arg("--profile-file").arg(&profile);
        let mut child = program.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        assert!(said.any(|line| line.contains("encoding 16 s")), "it begins to encode");
        wait_until("some of the clip is written", || {
            let growing = |name: &String| cache.join(name).metadata().is_ok_and(|meta| meta.len() > 0);
            files(&cache).iter().any(growing)
        });
        let family = descendants(child.id());
        send(child.id(), signal);
        let status = child.wait().unwrap();
        for (pid, name) in family {
            wait_until(&format!("{name} is gone"), || !is_alive(pid));
        }
        assert!(!files(&cache).iter().any(|name| name.contains(".mp4")), "{:?}", files(&cache));
        if signal == Signal::SIGTERM {
            assert_eq!(status.code(), Some(0));
            assert_eq!(files(&cache), [""; 0], "the first run's leftover is gone, and so is its own");
        }
    }
}

#[test]
fn two_that_need_the_same_clip_encode_it_once() {
    let folder = open_dir();
    let cache = folder.path().join("cache");
    let starts: Vec<_> = (0..2)
        .map(|_| {
            let mut program = command(folder.path());
            program.arg("--cache-dir").arg(&cache).arg("--profile-file").arg(profile_file("tiny"));
            program.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    let mut encodes = 0;
    for mut child in starts {
        let mut url = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.take().unwrap()), &mut url)
            .unwrap();
        send(child.id(), Signal::SIGTERM);
        let output = child.wait_with_output().unwrap();
        assert!(url.ends_with("/stream.m3u8\n") && output.status.success(), "{url} {output:?}");
        encodes += usize::from(String::from_utf8_lossy(&output.stderr).contains("encoded in"));
    }
    assert_eq!(encodes, 1);
    assert_eq!(files(&cache).len(), 1, "{:?}", files(&cache));
}

#[test]
fn a_damaged_clip_is_encoded_again() {
    let folder = open_dir();
    let cache = folder.path().join("cache");
    let run = || {
        let file = profile_file("tiny");
        // The cache that comes later on the command line is the one that counts.
        let origin =
            Origin::start(|command| command.arg("--profile-file").arg(file).arg("--cache-dir").arg(&cache));
        origin.program.stderr()
    };
    assert!(run().contains("encoded in"));
    let clip = cache.join(&files(&cache)[0]);
    let whole = std::fs::read(&clip).unwrap();
    for length in [0, 1000, whole.len() - 1] {
        std::fs::write(&clip, &whole[..length]).unwrap();
        let said = run();
        assert!(said.contains("is damaged: encoding it again") && said.contains("encoded in"), "{said}");
        assert!(test_origin::clip::is_whole(&clip));
    }
    assert!(!run().contains("encod"), "what is whole is used");
}
