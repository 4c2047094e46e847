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
            let pieces = files(&cache).into_iter().find(|name| name.ends_with(".pieces"));
            let folder = pieces.map(|name| cache.join(name)).unwrap_or_default();
            let growing = |name: &String| folder.join(name).metadata().is_ok_and(|meta| meta.len() > 0);
            files(&folder)
                .iter()
                .filter(|name| name.starts_with("picture-") && !name.contains("ffconcat"))
                .any(growing)
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
fn a_prepared_clip_is_the_same_each_time_and_is_not_made_again() {
    let folder = open_dir();
    // The ladder's pieces are encoded side by side.
    let prepare = |cache: &str| {
        let mut program = command(folder.path());
        program.arg("--cache-dir").arg(folder.path().join(cache)).arg("--profile-file");
        let output = program.arg(profile_file("tiny-pair")).arg("--prepare").output().unwrap();
        let (told, said) =
            (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert!(output.status.success() && told.starts_with(folder.path().to_str().unwrap()), "{told}{said}");
        (std::fs::read(told.trim_end()).unwrap(), said.contains("encoded in"))
    };
    let (first, second) = (prepare("one"), prepare("other"));
    assert!(first.1 && second.1 && first.0 == second.0, "two encodes, and the same bytes");
    assert_eq!(prepare("one"), (first.0, false));
    assert_eq!(files(&folder.path().join("one")).len(), 1, "no pieces are left");
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
    let mut changed = whole.clone();
    changed[whole.len() / 2] ^= 1;
    for damaged in [&whole[..0], &whole[..1000], &whole[..whole.len() - 1], &changed] {
        std::fs::write(&clip, damaged).unwrap();
        let said = run();
        assert!(said.contains("is damaged: encoding it again") && said.contains("encoded in"), "{said}");
        assert!(test_origin::seal::is_whole(&clip));
    }
    assert!(!run().contains("encod"), "what is whole is used");
}
