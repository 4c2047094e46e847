//! However a run ends, nothing stays behind, and what is reported is true.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use testkit::{is_alive, wait_until};

use crate::reports::assert_as_the_schema_says;
use crate::support::{Swarm, fake_ffmpeg, origin};

/// Everything must be gone within this time of the first signal.
const SOON: Duration = Duration::from_secs(3);

#[test]
fn sigterm_in_the_ramp_leaves_no_process_and_reports() {
    let origin = origin("one-second", &[]);
    let mut swarm = Swarm::start(&["-clients", "50", "-ramp-rate", "10", &origin.url]);
    // FFmpeg tells of its media once a second: the first viewer has played by then, and the last is not started.
    wait_until("the first viewer has played", || played_for(&swarm, 2));
    let began = Instant::now();
    swarm.program.send(Signal::SIGTERM);
    let finished = swarm.program.wait();
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    assert!(swarm.ffmpegs().is_empty());
    assert!(finished.stdout.contains("\nStopped in the ramp after "), "{}", finished.stdout);
    assert!(finished.stdout.contains("stopped by a signal"), "{}", finished.stdout);
}

#[test]
fn sigint_while_playing_drains_and_exits_with_zero() {
    let origin = origin("one-second", &[]);
    let mut swarm = Swarm::start(&["-clients", "4", "-ramp-rate", "50", &origin.url]);
    swarm.wait_for_metric("hlsswarm_clients_active", |active| active == 4);
    wait_until("viewers have played", || played_for(&swarm, 2));
    swarm.program.send(Signal::SIGINT);
    let finished = swarm.program.wait();
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(swarm.ffmpegs().is_empty());
    assert!(finished.stdout.contains("4 of 4 active at the end"), "{}", finished.stdout);
    assert!(finished.stdout.contains("none before the end"), "{}", finished.stdout);
}

/// Its oldest FFmpeg lives for so many seconds.
fn played_for(swarm: &Swarm, seconds: u64) -> bool {
    let age = |pid: &u32| std::fs::metadata(format!("/proc/{pid}")).ok()?.modified().ok()?.elapsed().ok();
    swarm.ffmpegs().iter().filter_map(age).any(|age| age >= Duration::from_secs(seconds))
}

#[test]
fn a_sigkilled_swarm_leaves_no_ffmpeg() {
    let origin = origin("one-second", &[]);
    let swarm = Swarm::start(&["-clients", "5", "-ramp-rate", "50", &origin.url]);
    swarm.wait_for_metric("hlsswarm_clients_active", |active| active == 5);
    let ffmpegs = swarm.ffmpegs();
    assert_eq!(ffmpegs.len(), 5);
    swarm.program.send(Signal::SIGKILL);
    // A process that dies has lost its command line before it is gone: these are known by number.
    wait_until("no FFmpeg is left", || !ffmpegs.iter().any(|pid| is_alive(*pid)));
}

#[test]
fn a_second_signal_kills_at_once_and_says_so() {
    let origin = origin("one-second", &[]);
    let fake = fake_ffmpeg("ignores-sigterm");
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (json, html) = (file("run.json"), file("run.html"));
    let flags = ["-clients", "3", "-ramp-rate", "50", "-ffmpeg", &fake, "-report", &json, "-report", &html];
    let mut swarm = Swarm::start(&[&flags[..], &[&origin.url]].concat());
    swarm.wait_for_metric("hlsswarm_clients_active", |active| active == 3);
    swarm.program.send(Signal::SIGTERM);
    swarm.wait_for_metric("hlsswarm_clients_target", |target| target == 0);
    swarm.program.send(Signal::SIGTERM);
    let finished = swarm.program.wait();
    assert_eq!(finished.code, Some(130), "{finished:?}");
    assert!(finished.stdout.contains("killed by a second signal"), "{}", finished.stdout);
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap();
    assert_as_the_schema_says(&report);
    assert_eq!(report["outcome"]["ended_by"], "second_signal");
    assert!(std::fs::read_to_string(html).unwrap().ends_with("</html>\n"));
    swarm.wait_until_no_ffmpeg_is_left();
}

#[test]
fn an_ffmpeg_that_ignores_sigterm_is_killed() {
    let origin = origin("one-second", &[]);
    let fake = fake_ffmpeg("ignores-sigterm");
    let mut swarm = Swarm::start(&["-clients", "3", "-ramp-rate", "50", "-ffmpeg", &fake, &origin.url]);
    swarm.wait_for_metric("hlsswarm_clients_active", |active| active == 3);
    let began = Instant::now();
    swarm.program.send(Signal::SIGTERM);
    let finished = swarm.program.wait();
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(swarm.ffmpegs().is_empty());
}

#[test]
fn viewers_that_wait_on_a_frozen_playlist_are_stopped_in_time() {
    let origin = origin("one-second", &[]);
    let mut swarm = Swarm::start(&["-clients", "3", "-ramp-rate", "50", &origin.url]);
    swarm.wait_for_metric("hlsswarm_clients_active", |active| active == 3);
    testkit::send(origin.process("ffmpeg").unwrap(), Signal::SIGSTOP);
    wait_until("the playlist is stale", || !origin.is_healthy());
    let began = Instant::now();
    swarm.program.send(Signal::SIGTERM);
    swarm.program.wait();
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    assert!(swarm.ffmpegs().is_empty());
}
