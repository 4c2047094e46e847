//! Viewers that die come back, not too fast, and are counted; what killed them is told.

use nix::sys::signal::Signal;
use serde_json::Value;
use testkit::{Running, descendants, send, wait_until};

use crate::support::{Swarm, fake_ffmpeg, origin, swarm};

#[test]
fn a_killed_ffmpeg_is_restarted_and_counted() {
    let origin = origin("one-second", &[]);
    let mut swarm = Swarm::start(&["-clients", "3", "-ramp-rate", "50", &origin.url]);
    swarm.wait_for_metric("hlsswarm_clients_active", |active| active == 3);
    let victim = swarm.ffmpegs()[0];
    send(victim, Signal::SIGKILL);
    swarm.wait_for_metric("hlsswarm_clients_restarted_total", |restarts| restarts == 1);
    swarm.wait_for_metric("hlsswarm_clients_active", |active| active == 3);
    assert_eq!(swarm.metric("hlsswarm_process_exits_total{code=\"signal_9\"}"), 1);
    assert_eq!(swarm.metric("hlsswarm_clients_started_total"), 3);
    assert!(!swarm.ffmpegs().contains(&victim));
    swarm.program.send(Signal::SIGTERM);
    let finished = swarm.program.wait();
    assert!(finished.stdout.contains("1 × killed by SIGKILL"), "{}", finished.stdout);
}

#[test]
fn a_viewer_that_dies_on_start_never_spins_and_its_reason_is_told_once() {
    let origin = origin("one-second", &[]);
    let fake = fake_ffmpeg("dies-at-once");
    let flags = ["-clients", "4", "-ramp-rate", "100", "-duration", "5s", "-ffmpeg", &fake, &origin.url];
    let mut swarm = Swarm::start(&flags);
    let finished = swarm.program.wait();
    assert_eq!(finished.code, Some(4), "{finished:?}");
    let starts = finished.stdout.lines().find_map(|line| line.trim().strip_prefix("starts")).unwrap().trim();
    let restarts: u32 = starts.strip_prefix("4, and ").unwrap().split(' ').next().unwrap().parse().unwrap();
    // Delays of 0.25, 0.43, 0.72, 1.2, 2.1 s: at most 6 restarts fit into 5 s, and at least 3.
    assert!((4 * 3..=4 * 6).contains(&restarts), "{starts}");
    let reason = "Error opening input: Protocol error";
    assert!(finished.stdout.contains(&format!("\nNo viewer ever received media: in#0: {reason}")));
    let told = finished.stderr.lines().filter(|line| line.contains("a viewer's FFmpeg ended")).count();
    assert_eq!(told, 1, "{}", finished.stderr);
}

#[test]
fn what_is_logged_of_a_viewer_has_its_number_and_can_be_filtered_by_module() {
    let origin = origin("one-second", &[]);
    let fake = fake_ffmpeg("dies-at-once");
    let flags = ["-clients", "1", "-duration", "2s", "-metrics", "off", "-log-format", "json"];
    let logged = |filter: Option<&str>| -> Vec<Value> {
        let mut command = swarm(&[&flags[..], &["-ffmpeg", &fake, &origin.url]].concat());
        command.env_remove("RUST_LOG").envs(filter.map(|filter| ("RUST_LOG", filter)));
        let finished = Running::start(&mut command).wait();
        finished.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let all = logged(None);
    let is_end =
        |line: &&Value| line["fields"]["message"].as_str().unwrap().starts_with("a viewer's FFmpeg ended: ");
    let end = all.iter().find(is_end).unwrap_or_else(|| panic!("{all:#?}"));
    assert_eq!((&end["fields"]["viewer"], &end["level"]), (&0.into(), &"WARN".into()), "{end:#}");
    assert!(all.iter().any(|line| line["target"] != end["target"]), "{all:#?}");
    let few = logged(Some("off,swarm::output::status=warn"));
    assert!(few.iter().any(|line| is_end(&line)), "{few:#?}");
    assert!(few.iter().all(|line| line["target"] == "swarm::output::status" && line["level"] == "WARN"));
}

#[test]
fn a_flood_on_stderr_costs_no_memory() {
    let origin = origin("one-second", &[]);
    let fake = fake_ffmpeg("floods-stderr");
    let swarm = Swarm::start(&["-clients", "2", "-ramp-rate", "50", "-ffmpeg", &fake, &origin.url]);
    swarm.wait_for_metric("hlsswarm_clients_active", |active| active == 2);
    let written = || -> u64 {
        let io = |pid| std::fs::read_to_string(format!("/proc/{pid}/io")).unwrap_or_default();
        let count =
            |text: String| text.lines().find_map(|line| line.strip_prefix("wchar: ")?.parse::<u64>().ok());
        descendants(swarm.program.pid()).iter().filter_map(|(pid, _)| count(io(pid))).sum()
    };
    wait_until("200 MB were read", || written() > 200_000_000);
    let resident = swarm.metric("process_resident_memory_bytes");
    assert!(resident < 40_000_000, "{resident} bytes");
}

#[test]
fn a_frozen_stream_ends_views_without_being_a_success() {
    let origin = origin("one-second", &[]);
    let mut swarm = Swarm::start(&["-clients", "2", "-ramp-rate", "50", &origin.url]);
    swarm.wait_for_metric("hlsswarm_clients_active", |active| active == 2);
    send(origin.process("ffmpeg").unwrap(), Signal::SIGSTOP);
    // FFmpeg gives up after about 15 target durations, with exit code 0.
    swarm.wait_for_metric("hlsswarm_process_exits_total{code=\"0\"}", |exits| exits >= 1);
    swarm.wait_for_metric("hlsswarm_clients_restarted_total", |restarts| restarts >= 1);
    assert_eq!(swarm.metric("hlsswarm_views_completed_total"), 0);
    swarm.program.send(Signal::SIGTERM);
    let finished = swarm.program.wait();
    assert!(finished.stdout.contains("the stream ended or froze"), "{}", finished.stdout);
}

#[test]
fn an_origin_that_restarts_under_load_gets_its_viewers_back() {
    let origin = origin("one-second", &[]);
    let swarm = Swarm::start(&["-clients", "5", "-ramp-rate", "50", &origin.url]);
    swarm.wait_for_metric("hlsswarm_clients_active", |active| active == 5);
    let first = origin.process("nginx").unwrap();
    send(first, Signal::SIGKILL);
    wait_until("another nginx serves", || {
        origin.process("nginx").is_some_and(|pid| pid != first) && origin.is_healthy()
    });
    // Whoever asked in between failed and comes back; whoever did not, plays on.
    swarm.wait_for_metric("hlsswarm_clients_active", |active| active == 5);
    let restarted = swarm.metric("hlsswarm_clients_restarted_total");
    let exits = swarm.metric("hlsswarm_process_exits_total{code=\"1\"}");
    assert!(restarted >= exits, "{restarted} restarts after {exits} exits");
    assert_eq!(swarm.ffmpegs().len(), 5);
}
