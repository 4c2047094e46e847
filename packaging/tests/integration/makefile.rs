//! The Makefile's targets in both engines: what they would run.

use std::process::Command;

use crate::support::root;

/// Targets that both engines have, and what each would run of it.
const TARGETS: [(&str, &str, &str); 12] = [
    ("demo", "nix run .#demo", "scripts/demo.sh"),
    ("dev", "nix develop", "scripts/require.sh"),
    ("build", "nix build --print-build-logs .#swarm", "cargo build --release"),
    ("check", "nix flake check", "cargo clippy"),
    ("swarm", "nix run .#swarm --", "target/release/swarm"),
    (
        "test-origin",
        "nix run .#test-origin -- --profile default",
        "target/release/test-origin --profile default",
    ),
    ("test-origin-vod", "nix run .#test-origin-vod --", "target/release/test-origin --profile vod"),
    ("container", "nix build --print-build-logs .#swarm-container", "scripts/needs-nix.sh"),
    ("microvm-check-kvm", "scripts/check-kvm.sh", "scripts/check-kvm.sh"),
    ("microvm-origin", "nix run .#microvm-origin", "scripts/needs-nix.sh"),
    ("microvm-swarm", "nix run .#microvm-swarm", "scripts/needs-nix.sh"),
    ("microvm-lab", "nix run .#microvm-lab", "scripts/needs-nix.sh"),
];

fn make(arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new("make");
    // This test may be run by make itself, whose variables would reach ours.
    for name in ["ENGINE", "MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKEOVERRIDES"] {
        command.env_remove(name);
    }
    let made = command.arg("--no-print-directory").args(arguments).current_dir(root()).output().unwrap();
    let said = [made.stdout, made.stderr].concat();
    (made.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn every_target_runs_nix_or_the_hosts_tools_as_the_engine_says() {
    for (target, nix, host) in TARGETS {
        for (engine, expected) in [("nix", nix), ("host", host)] {
            let (good, would_run) = make(&["-n", &format!("ENGINE={engine}"), target]);
            assert!(good && would_run.contains(expected), "{target} with {engine}: {would_run}");
            if engine == "host" {
                assert!(!would_run.contains("nix run") && !would_run.contains("nix build"), "{would_run}");
            }
        }
    }
}

#[test]
fn without_being_told_the_engine_is_one_of_the_two() {
    let (good, would_run) = make(&["-n", "demo"]);
    assert!(good && (would_run.contains("nix run") ^ would_run.contains("cargo build")), "{would_run}");
}

#[test]
fn another_engine_is_refused_with_the_two_that_there_are() {
    let (good, said) = make(&["-n", "ENGINE=docker", "demo"]);
    assert!(!good && said.contains("ENGINE is nix or host, not docker"), "{said}");
}

#[test]
fn what_needs_nix_says_so() {
    let (good, said) = make(&["ENGINE=host", "container"]);
    assert!(!good && said.contains("needs Nix with flakes"), "{said}");
}

#[test]
fn each_thing_that_kvm_lacks_is_said_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let able = file("able", "flags\t\t: fpu vmx\n");
    let unable = file("unable", "flags\t\t: fpu\n");
    let check = |device: &std::path::Path, cpuinfo: &std::path::Path| {
        let script = root().join("scripts/check-kvm.sh");
        let checked = Command::new(script).args([device, cpuinfo]).output().unwrap();
        let said = [checked.stdout, checked.stderr].concat();
        (checked.status.code(), String::from_utf8_lossy(&said).into_owned())
    };
    // Every process may read and write it, as it may /dev/kvm where all is well.
    let device = std::path::Path::new("/dev/null");
    assert_eq!(check(device, &able), (Some(0), "KVM can be used\n".to_owned()));
    let (code, said) = check(&folder.path().join("none"), &unable);
    assert_eq!(code, Some(1));
    assert!(said.contains("is not there: ") && said.contains("no virtualization: "), "{said}");
}
