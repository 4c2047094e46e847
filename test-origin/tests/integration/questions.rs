//! Answers on stdout.

use std::collections::BTreeSet;
use std::process::Command;

use crate::support::{command, documentation, open_dir};

fn answer(flags: &[&str]) -> String {
    let output = command(open_dir().path()).args(flags).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_list_has_every_profile_file() {
    let list = answer(&["--list-profiles"]);
    let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/profiles")).unwrap();
    let names: Vec<String> =
        folder.map(|file| file.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned()).collect();
    assert!(names.len() >= 3, "{names:?}");
    for name in names {
        assert!(list.lines().any(|line| line.split_whitespace().next() == Some(&name)), "{name} in {list}");
    }
}

#[test]
fn flags_are_checked_without_what_they_name() {
    let bare = |words: &[&str]| Command::new(env!("CARGO_BIN_EXE_test-origin")).args(words).output().unwrap();
    let good = bare(&["check-flags", "--ffmpeg", "/no/such", "--dir", "/no/such", "--cache-dir", "/no/such"]);
    assert_eq!((good.status.code(), &good.stdout[..]), (Some(0), &b"ok\n"[..]), "{good:?}");
    let wrong = bare(&["check-flags", "--profile", "nope"]);
    assert_eq!(wrong.status.code(), Some(2), "{wrong:?}");
}

#[test]
fn the_program_makes_its_own_manual_page_and_completions() {
    let bare = |words: &[&str]| Command::new(env!("CARGO_BIN_EXE_test-origin")).args(words).output().unwrap();
    let page = bare(&["man"]);
    assert!(String::from_utf8_lossy(&page.stdout).contains(r"\-\-profile\-file"), "{page:?}");
    let script = bare(&["completions", "bash"]);
    assert!(String::from_utf8_lossy(&script.stdout).contains("--profile-file"), "{script:?}");
    assert_eq!(bare(&["completions", "tcsh"]).status.code(), Some(2));
}

#[test]
fn nginx_accepts_the_printed_configuration_of_every_profile() {
    let log = open_dir().path().join("log with a space");
    for flags in [
        &["--profile", "default"][..],
        &["--profile", "mini-abr", "--bind", "::"],
        &["--profile", "low-latency", "--access-log", log.to_str().unwrap()],
        &["--profile", "cmaf"],
        &["--profile", "vod"],
        &["--profile", "logged"],
        &["--profile", "tls"],
        &["--profile", "4k-abr"],
        &["--profile", "debug"],
        &["--profile", "stress"],
    ] {
        let config = answer(&[flags, &["--print-nginx-conf"]].concat());
        let prefix = open_dir();
        std::fs::create_dir(prefix.path().join("temp")).unwrap();
        let certificate = test_origin::certificate::make(&[]).unwrap();
        std::fs::create_dir(prefix.path().join("tls")).unwrap();
        std::fs::write(prefix.path().join("tls/certificate.pem"), certificate.certificate_pem).unwrap();
        std::fs::write(prefix.path().join("tls/key.pem"), certificate.key_pem).unwrap();
        std::fs::create_dir_all(log.parent().unwrap()).unwrap();
        // Debian's servers are in no ordinary user's PATH.
        let path = format!("{}:/usr/sbin", std::env::var("PATH").unwrap());
        std::fs::write(prefix.path().join("nginx.conf"), &config).unwrap();
        let output = Command::new("nginx")
            .env("PATH", path)
            .args(["-t", "-e", "stderr", "-c", "nginx.conf", "-p"])
            .arg(prefix.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && !said.contains("[warn]"), "{said}\n{config}");
        std::fs::remove_dir_all(log.parent().unwrap()).unwrap();
    }
}

#[test]
fn the_plan_is_told_to_people_and_to_programs() {
    let text = answer(&["--print-plan", "--profile", "4k-abr", "--port", "1234"]);
    assert!(
        text.contains("http://127.0.0.1:1234/stream.m3u8") && text.contains("2160p: 3840x2160"),
        "{text}"
    );
    let json = answer(&["--print-plan", "--json", "--set", "hls.segment_seconds=4"]);
    let plan: serde_json::Value = serde_json::from_str(&json).unwrap();
    let profile = &plan["profile"];
    assert_eq!((plan["port"].as_u64(), profile["segment_seconds"].as_u64()), (Some(0), Some(4)), "{json}");
    // (2000 + 128) kbit/s × 22 segments of 4 s, and a tenth.
    assert_eq!(profile["media_bytes"].as_u64(), Some(2_128_000 * 88 / 8 * 11 / 10), "{json}");
    let list: serde_json::Value = serde_json::from_str(&answer(&["--list-profiles", "--json"])).unwrap();
    let names = list.as_array().unwrap().iter().map(|profile| profile["name"].as_str().unwrap());
    assert!(names.eq(test_origin::catalog::names()), "{list}");
}

#[test]
fn the_documentation_names_exactly_the_fields_of_the_plan() {
    let json = answer(&["--print-plan", "--json", "--profile", "cmaf"]);
    let plan: serde_json::Value = serde_json::from_str(&json).unwrap();
    let keys = |value: &serde_json::Value, prefix: &str| -> BTreeSet<String> {
        value.as_object().unwrap().keys().map(|key| format!("{prefix}{key}")).collect()
    };
    let mut there = keys(&plan, "");
    there.remove("profile");
    there.extend(keys(&plan["profile"], "."));
    let docs = documentation();
    let table = docs.split("| field | meaning |").nth(1).unwrap().split("\n\n").next().unwrap();
    let rows = table.lines().skip(2).filter_map(|row| row.split('|').nth(1));
    let named: BTreeSet<String> = rows
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .map(|name| name.trim_start_matches("profile").trim_end_matches("[]").to_owned())
        .collect();
    assert_eq!(named, there);
}

#[test]
fn the_printed_commands_are_the_ones_that_run() {
    let commands = answer(&["--print-cmd", "--ffmpeg", "ffmpeg", "--nginx", "nginx"]);
    let programs: Vec<_> = commands.lines().filter_map(|line| line.split(' ').next()).collect();
    // Four pieces of the picture and the sound, the join, the loop.
    assert_eq!(programs, [["ffmpeg"; 7].as_slice(), &["nginx"]].concat(), "{commands}");
    let live = answer(&["--print-cmd", "--live-encode"]);
    assert_eq!(live.lines().count(), 2, "{live}");
    assert!(!live.contains("-stream_loop"), "{live}");
    let vod = answer(&["--print-cmd", "--profile", "vod"]);
    assert!(vod.lines().nth(6).unwrap().contains("-hls_playlist_type vod"), "{vod}");
}

#[test]
fn an_answer_that_cannot_be_written_is_no_answer() {
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = command(open_dir().path()).arg("--print-cmd").stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot write to stdout"), "{output:?}");
}

#[test]
fn log_lines_begin_with_the_time_since_the_start_in_milliseconds() {
    let output = command(open_dir().path()).args(["--profile", "nope"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let time = said.split_whitespace().next().unwrap();
    let (seconds, millis) = time.strip_suffix('s').unwrap().split_once('.').unwrap();
    assert!(seconds.parse::<u32>().is_ok() && millis.len() == 3 && millis.parse::<u32>().is_ok(), "{said}");
}

#[test]
fn the_documentation_names_exactly_the_flags_and_profiles_that_there_are() {
    let docs = documentation();
    let flags_in = |text: &str| -> BTreeSet<String> {
        let words = text.split(|c: char| !(c.is_ascii_lowercase() || c == '-'));
        words.filter(|word| word.starts_with("--") && word.len() > 2).map(String::from).collect()
    };
    let table = docs.lines().filter(|line| line.starts_with("| `-")).collect::<Vec<_>>().join("\n");
    let help = answer(&["--help"]);
    let usage = help.lines().filter(|line| line.trim_start().starts_with('-')).collect::<Vec<_>>().join("\n");
    assert_eq!(flags_in(&table), flags_in(&usage));
    for name in test_origin::catalog::names() {
        assert!(docs.contains(&format!("| `{name}` |")), "docs/TEST_ORIGIN.md has no row of profile {name}");
    }
}
