//! The scripts that bring the lab up and take it down, with stand-ins for the machines.

use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use nix::sys::signal::Signal;
use testkit::{Running, descendants, is_alive, wait_until};

use crate::support::root;

/// A machine's runner: a program in `folder` that does this.
fn machine(folder: &Path, does: &str) -> String {
    let path = folder.join("machine");
    fs::write(&path, format!("#!/bin/sh\n{does}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path.display().to_string()
}

/// The lab's script with two machines and one page.
fn lab(machine: &str, page: &str, temporary: &Path) -> Running {
    let mut command = Command::new("env");
    // Tests that run in the background of a shell ignore it, and so would a shell that they start.
    command.arg("--default-signal=INT").arg(root().join("microvm/lab.sh"));
    command.env("LAB_MACHINES", format!("one={machine} two={machine}"));
    command.env("LAB_PAGES", format!("stream={page}")).env("TMPDIR", temporary);
    Running::start(&mut command)
}

/// Answers every request with nothing, for as long as the tests run.
fn page() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let answer = "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
            connection.unwrap().write_all(answer.as_bytes()).unwrap();
        }
    });
    url
}

#[test]
fn the_lab_tells_its_pages_and_ctrl_c_takes_every_machine_down() {
    let folder = tempfile::tempdir().unwrap();
    let page = page();
    let mut lab = lab(&machine(folder.path(), "exec sleep 600"), &page, folder.path());
    wait_until("the lab is up", || {
        assert!(!lab.has_ended(), "it ended: {}{}", lab.stdout(), lab.stderr());
        lab.stdout().contains("Ctrl-C takes it down")
    });
    assert!(lab.stdout().contains(&format!("stream: {page}\n")), "{}", lab.stdout());
    let mut machines = Vec::new();
    wait_until("both machines are what they stand for", || {
        machines = descendants(lab.pid());
        machines.retain(|(_, name)| name == "sleep");
        machines.len() == 2
    });
    lab.send(Signal::SIGINT);
    let ended = lab.wait();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(machines.iter().all(|(pid, _)| !is_alive(*pid)), "a machine is left");
}

#[test]
fn a_machine_that_ends_ends_the_lab_and_its_console_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut lab =
        lab(&machine(folder.path(), "echo no KVM here"), &format!("http://{nobody}"), folder.path());
    let ended = lab.wait();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("a machine ended: see "), "{}", ended.stderr);
    let logs =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path().join("one/console.log"));
    let said: Vec<_> = logs.filter_map(|log| fs::read_to_string(log).ok()).collect();
    assert_eq!(said, ["no KVM here\n"]);
}

#[test]
fn the_bridge_is_made_and_taken_away() {
    let apart = ["--user", "--map-root-user", "--net"];
    if !Command::new("unshare").args(apart).arg("true").status().is_ok_and(|status| status.success()) {
        println!("skipped: this kernel lets nobody make a network of his own");
        return;
    }
    let script = root().join("microvm/network.sh");
    let script = script.display();
    let made = Command::new("unshare")
        .args(apart)
        .args([
            "bash",
            "-euc",
            &format!("{script} up; ip -brief address; echo; {script} down; ip -brief address"),
        ])
        .env("LAB_BRIDGE", "hlstest0")
        .env("LAB_HOST", "10.177.0.1/24")
        .env("LAB_INTERFACES", "hls-one:multi_queue hls-two")
        .env_remove("SUDO_USER")
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let said = String::from_utf8(made.stdout).unwrap();
    let (up, down) = said.split_once("\n\n").unwrap();
    for name in ["hlstest0", "hls-one", "hls-two"] {
        assert!(up.contains(name) && !down.contains(name), "{name}: {said}");
    }
    assert!(up.contains("10.177.0.1/24"), "{up}");
}
