//! What is said before anything is started, and with which exit code.

use std::fs::Permissions;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Output;

use crate::support::{Origin, command, open_dir, profile_file, stand_in};

fn run(flags: &[&str]) -> (Option<i32>, String) {
    let parent = open_dir();
    let output = command(parent.path()).args(flags).output().unwrap();
    assert!(std::fs::read_dir(parent.path()).unwrap().next().is_none(), "nothing is left");
    said(&output)
}

fn said(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8(output.stderr.clone()).unwrap())
}

#[test]
fn a_check_of_a_ready_machine_says_ok() {
    let parent = open_dir();
    let output = command(parent.path()).arg("--check").output().unwrap();
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(0), b"ok\n".as_slice()), "{output:?}");
}

#[test]
fn a_taken_port_is_named_with_a_way_out() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_test-origin"))
        .args(["--port", &port])
        .output()
        .unwrap();
    let (code, text) = said(&output);
    assert_eq!(code, Some(3), "{text}");
    assert!(
        text.contains(&format!("port {port} on 127.0.0.1 is taken")) && text.contains("--port 0"),
        "{text}"
    );
}

#[test]
fn a_port_that_another_test_origin_has_is_taken_too() {
    let origin = Origin::tiny();
    let port = origin.url.rsplit(':').next().unwrap().split('/').next().unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_test-origin"))
        .args(["--port", port])
        .output()
        .unwrap();
    let (code, text) = said(&output);
    assert_eq!(code, Some(3), "{text}");
    let expected =
        format!("port {port} on 127.0.0.1 is taken by another test-origin, which serves profile tiny");
    assert!(text.contains(&expected) && text.contains("--port 0"), "{text}");
}

#[test]
fn an_nginx_that_cannot_ask_another_server_is_told_for_the_faults_that_need_it() {
    let folder = open_dir();
    let script = "echo 'configure arguments: --without-http_proxy_module' >&2\n";
    let lean = stand_in(folder.path(), "nginx", script);
    let lean = lean.to_str().unwrap();
    let (code, text) =
        run(&["--nginx", lean, "--fault", "slow=1MB/s", "--fault", "freeze", "--fault", "redirect"]);
    assert_eq!(code, Some(3), "{text}");
    for fault in ["slow=1000kB/s", "redirect"] {
        let expected = format!("--fault {fault} needs an nginx that can ask another server");
        assert!(text.contains(&expected) && text.contains("--nginx PATH"), "{text}");
    }
    assert!(!text.contains("freeze"), "{text}");
}

#[test]
fn an_address_of_another_machine_is_refused() {
    let (code, text) = run(&["--bind", "192.0.2.1"]);
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("cannot listen on 192.0.2.1") && text.contains("--bind"), "{text}");
}

#[test]
fn all_missing_things_are_said_at_once_with_the_install_commands() {
    let (code, text) = run(&["--ffmpeg", "no-ffmpeg", "--nginx", "/no/nginx", "--dir", "/no/such/folder"]);
    assert_eq!(code, Some(3), "{text}");
    for part in
        ["apt install ffmpeg", "brew install nginx", "nixpkgs#nginx", "cannot write to /no/such/folder"]
    {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert_eq!(text.matches("ERROR").count(), 3, "{text}");
}

#[test]
fn a_program_that_is_something_else_is_told() {
    let (code, text) = run(&["--ffmpeg", "false", "--nginx", "false"]);
    assert_eq!(code, Some(3), "{text}");
    assert_eq!(text.matches("/false does not run: exit code 1").count(), 2, "{text}");
}

#[test]
fn an_ffmpeg_without_what_is_needed_is_told_what_it_lacks() {
    let folder = open_dir();
    let script = "echo ' E mpegts  MPEG-TS'\necho ' A aac  AAC'\n";
    let lean = stand_in(folder.path(), "ffmpeg", script);
    let (code, text) = run(&["--live-encode", "--ffmpeg", lean.to_str().unwrap()]);
    assert_eq!(code, Some(3), "{text}");
    for part in ["no HLS muxer", "neither libx264 nor libopenh264", "no lavfi input", "apt install ffmpeg"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains("MPEG-TS") && !text.contains("AAC"), "{text}");
}

#[test]
fn an_unwritable_folder_is_told() {
    // Nobody can write there, not even root.
    let (code, text) = run(&["--dir", "/proc"]);
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("cannot write to /proc") && text.contains("--dir"), "{text}");
    let tiny = profile_file("tiny");
    let tiny = tiny.to_str().unwrap();
    let (code, text) = run(&["--cache-dir", "/proc/none", "--profile-file", tiny]);
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("cannot write to /proc/none") && text.contains("--cache-dir"), "{text}");
}

#[test]
fn root_is_told_when_its_workers_could_not_enter_the_folder() {
    if !nix::unistd::geteuid().is_root() {
        return testkit::skipped("only root's workers are another account");
    }
    let closed = tempfile::Builder::new().permissions(Permissions::from_mode(0o700)).tempdir().unwrap();
    let (code, text) = run(&["--dir", closed.path().to_str().unwrap()]);
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("may not enter") && text.contains("chmod o+x"), "{text}");
}

#[test]
fn all_wrong_flags_are_said_at_once() {
    let (code, text) = run(&["--profile", "nope", "--access-log", "/a$b"]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("choose one of ") && text.contains("--access-log /a$b"), "{text}");
    assert_eq!(run(&["--port", "99999"]).0, Some(2));
    assert_eq!(run(&["--nonsense"]).0, Some(2));
}

#[test]
fn a_broken_profile_file_is_told_with_file_key_and_reason() {
    let folder = open_dir();
    let file = folder.path().join("mine.toml");
    let text = std::fs::read_to_string(profile_file("tiny")).unwrap();
    std::fs::write(&file, text.replace("fps = 10", "fps = 0").replace("height = 90", "height = 91")).unwrap();
    let (code, text) = run(&["--profile-file", file.to_str().unwrap()]);
    assert_eq!(code, Some(2), "{text}");
    for part in ["mine.toml: video.fps: 0 is not in 1 – 120", "mine.toml: variant[0].height: 91 is odd"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert_eq!(run(&["--profile-file", "/no/such.toml"]).0, Some(2));
}

#[test]
fn flags_come_from_the_environment_too() {
    let parent = open_dir();
    let run = |value: &str| {
        let mut command = command(parent.path());
        command.env("HLSORIGIN_PROFILE", value).env("HLSORIGIN_CHECK", "1").output().unwrap().status.code()
    };
    assert_eq!((run("low-latency"), run("nope")), (Some(0), Some(2)));
    assert!(Path::new(env!("CARGO_BIN_EXE_test-origin")).exists());
}
