//! The load box: what it has is told, and when it does not keep up it says so.

use std::process::{Command, Stdio};

use serde_json::Value;
use testkit::{Running, wait_until};

use crate::support::{Swarm, origin};

/// Busy loops on one CPU. The kernel favours who sleeps much: beside eight of them three viewers waited 1.5 ms for each
/// turn, beside twenty 6.3 ms.
const BURNERS: usize = 20;

/// What this thread starts from now on runs on one CPU, and leaves the others to other tests.
fn stay_on_one_cpu() {
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
    let allowed = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap();
    let first: String = allowed.trim().chars().take_while(char::is_ascii_digit).collect();
    let thread = nix::unistd::gettid().to_string();
    let pinned =
        Command::new("taskset").args(["--cpu-list", "--pid", &first, &thread]).stdout(Stdio::null()).status();
    assert!(pinned.unwrap().success());
}

/// They run until they are dropped; `timeout` ends them if the test cannot.
fn burners() -> Vec<Running> {
    let burner = || Running::start(Command::new("timeout").args(["120", "sh", "-c", "while :; do :; done"]));
    (0..BURNERS).map(|_| burner()).collect()
}

/// Runs until the figures are there and then until `is_so`, and reads the report.
#[track_caller]
fn report_when(what: &str, flags: &[&str], is_so: impl Fn(&Swarm) -> bool) -> (Value, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.json");
    let mut swarm = Swarm::start(&[flags, &["-report", path.to_str().unwrap()]].concat());
    wait_until(what, || is_so(&swarm));
    swarm.program.send(nix::sys::signal::Signal::SIGTERM);
    let finished = swarm.program.wait();
    let report: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    (report, finished.stdout)
}

fn number(generator: &Value, name: &str) -> f64 {
    generator[name].as_f64().unwrap_or_else(|| panic!("{name} in {generator:#}"))
}

#[test]
fn the_load_box_is_told_in_the_report_the_summary_and_the_metrics() {
    let origin = origin("one-second", &[]);
    let flags = ["-clients", "3", "-ramp-rate", "50", &origin.url];
    let (report, summary) = report_when("the first starts are told", &flags, |swarm| {
        let metrics = swarm.admin("/metrics").text();
        let has = |name: &str| metrics.contains(&format!("\nhlsswarm_generator_{name} "));
        has("cpu_ratio") && has("memory_bytes") && swarm.metric("hlsswarm_clients_playing") == 3
    });
    let generator = &report["generator"];
    assert_eq!(generator["shared_with_origin"], true);
    let (all, own) = (number(generator, "cpu_ratio_max"), number(generator, "own_cpu_ratio_max"));
    assert!(own > 0.0 && all <= 1.0, "{generator:#}");
    // From the start of a process to its first request: more than nothing, and part of what the startup is.
    assert!(number(generator, "start_s_max") > 0.001, "{generator:#}");
    assert!(number(generator, "memory_available_bytes_min") > 0.0, "{generator:#}");
    assert!(number(generator, "descriptors_ratio_max") > 0.0, "{generator:#}");
    assert!(summary.contains("\n  load box   CPU "), "{summary}");
    assert!(summary.contains("\n  shared     the origin is on this machine too: "), "{summary}");
}

#[test]
fn programs_that_take_the_cpu_make_a_run_invalid_and_not_failing() {
    // Without them this run is failing: of each segment one viewer of three is refused.
    let origin = origin("one-second", &["--fault", "capacity=2viewers"]);
    stay_on_one_cpu();
    let burners = burners();
    let flags = ["-clients", "3", "-ramp-rate", "50", &origin.url];
    let (report, summary) = report_when("the run is invalid", &flags, |swarm| {
        let is_short = swarm.metric("hlsswarm_generator_saturated{resource=\"cpu\"}") == 1;
        is_short && swarm.metric("hlsswarm_verdict{state=\"invalid\"}") == 1
    });
    drop(burners);
    let (verdict, generator) = (&report["verdict"], &report["generator"]);
    assert_eq!(
        (&verdict["state"], &verdict["cause"]),
        (&"invalid".into(), &"load_box".into()),
        "{verdict:#}"
    );
    assert!(summary.starts_with("INVALID: the load box was saturated for "), "{summary}");
    assert_eq!(generator["saturated_resource"], "cpu", "{generator:#}");
    assert!(number(generator, "saturated_s") >= 1.0, "{generator:#}");
    assert!(number(generator, "other_cpu_ratio_max") > 0.5, "{generator:#}");
    assert!(summary.contains("short of CPU"), "{summary}");
    assert!(summary.contains("\n  to do      use fewer -clients"), "{summary}");
}
