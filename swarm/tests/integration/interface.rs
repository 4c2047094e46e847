//! What scripts and scrapers rely on: commands, codes, pages.

use testkit::{request, wait_until};

use crate::support::{Site, Swarm, fake_ffmpeg, origin, run, swarm, vod};

#[test]
fn the_printed_command_plays_when_a_shell_runs_it() {
    let site = vod(3);
    let printed = run(&["-print-cmd", "-header", "X-Odd: it's; $(echo odd)", &site.url("/vod.m3u8")]);
    assert_eq!(printed.code, Some(0), "{printed:?}");
    assert_eq!(site.requests("/vod.m3u8").len(), 0, "no variant to choose: nothing is fetched");
    let played = std::process::Command::new("/bin/sh").args(["-c", &printed.stdout]).output().unwrap();
    assert!(played.status.success(), "{}: {played:?}", printed.stdout);
    let request = &site.requests("/vod2.ts")[0];
    assert!(request.contains("it's; $(echo odd)") && request.contains("ffmpeg-hls-swarm/"), "{request}");
}

#[test]
fn check_says_whether_it_plays() {
    let origin = origin("one-second", &[]);
    let good = run(&["-check", "-metrics", "off", &origin.url]);
    assert_eq!((good.code, good.stdout.as_str()), (Some(0), "It plays: one viewer received media.\n"));
    let bad = run(&["-check", "-metrics", "off", "-ffmpeg", &fake_ffmpeg("dies-at-once"), &origin.url]);
    assert_eq!(bad.code, Some(4), "{bad:?}");
    assert!(bad.stdout.starts_with("It does not play. No viewer ever received media: "), "{}", bad.stdout);
}

#[test]
fn estimate_says_what_ends_first_and_starts_nothing() {
    let master =
        "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=3000000\na.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=500000\nb.m3u8\n";
    let site = Site::serve([("/master.m3u8", ("200 OK", master.into()))]);
    let url = site.url("/master.m3u8");
    let estimate =
        |flags: &[&str]| run(&[&["-estimate", "-ffmpeg", "/nowhere/ffmpeg"], flags, &[&url]].concat());
    let many = estimate(&["-clients", "100000", "-variant", "lowest"]);
    assert_eq!(many.code, Some(0), "{many:?}");
    assert!(many.stdout.contains("50000 Mbit/s"), "{}", many.stdout);
    assert!(many.stdout.contains("100000 viewers do not fit: "), "{}", many.stdout);
    assert_eq!(site.requests("/a.m3u8").len() + site.requests("/b.m3u8").len(), 0);
    assert!(estimate(&["-clients", "2"]).stdout.contains("7 Mbit/s"), "all variants at the same time");
    let lost = run(&["-estimate", &site.url("/nowhere.m3u8")]);
    assert_eq!((lost.code, lost.stdout.as_str()), (Some(3), ""), "{lost:?}");
}

/// A run in which a shell leads stdout elsewhere.
fn led(shell: &str, flags: &[&str]) -> testkit::Finished {
    let plain = swarm(flags);
    let mut command = std::process::Command::new("/bin/sh");
    command.args(["-c", shell, "sh"]).arg(plain.get_program()).args(plain.get_args());
    testkit::Running::start(&mut command).wait()
}

#[test]
fn a_full_stdout_is_told_and_costs_no_report() {
    let origin = origin("one-second", &[]);
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("run.json");
    let flags = [
        "-clients",
        "1",
        "-duration",
        "2s",
        "-metrics",
        "off",
        "-report",
        report.to_str().unwrap(),
        &origin.url,
    ];
    let run = led("exec \"$@\" >/dev/full", &flags);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stderr.contains("failed to write the summary to stdout: No space left on device"), "{run:?}");
    assert!(std::fs::read_to_string(&report).unwrap().contains("\"sentence\""));
    let listed = led("exec \"$@\" >/dev/full", &["-list-metrics"]);
    let expected = "swarm: cannot write to stdout: No space left on device (os error 28)\n";
    assert_eq!((listed.code, listed.stderr.as_str()), (Some(1), expected));
}

#[test]
fn a_full_stderr_ends_no_run() {
    let origin = origin("one-second", &[]);
    let run =
        led("exec \"$@\" 2>/dev/full", &["-clients", "1", "-duration", "2s", "-metrics", "off", &origin.url]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stdout.contains("\n  segments "), "{run:?}");
    assert_eq!(led("exec \"$@\" 2>/dev/full", &["-clients", "none"]).code, Some(2));
}

#[test]
fn a_reader_that_has_read_enough_is_no_error() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let listed = swarm(&["-list-metrics"]).stdout(writer).output().unwrap();
    assert_eq!((listed.status.code(), listed.stderr.as_slice()), (Some(0), &[][..]));
}

#[test]
fn the_admin_pages_answer_while_the_ramp_goes_on_and_after() {
    let origin = origin("one-second", &[]);
    // Long enough for the first look, however busy the machine is.
    let swarm = Swarm::start(&["-clients", "11", "-ramp-rate", "1", &origin.url]);
    assert_eq!(swarm.admin("/healthz").status, 200);
    assert_eq!(swarm.admin("/readyz").status, 503);
    wait_until("the ramp is complete", || swarm.admin("/readyz").status == 200);
    // The last process is told of a moment after it was asked for.
    swarm.wait_for_metric("hlsswarm_clients_started_total", |started| started == 11);
    assert_eq!(swarm.admin("/nothing").status, 404);
    let metrics = swarm.admin("/metrics");
    assert!(metrics.header("content-type").unwrap().starts_with("text/plain; version=0.0.4"));
    let said = swarm.program.stderr();
    let url = said.split_whitespace().find(|word| word.ends_with("/metrics")).unwrap();
    assert_eq!(request("POST", url, &[]).status, 405);
}

#[test]
fn health_is_0_while_a_swarm_runs_and_1_when_none_does() {
    let origin = origin("one-second", &[]);
    let mut swarm = Swarm::start(&["-clients", "1", &origin.url]);
    let said = swarm.program.stderr();
    let url = said.split_whitespace().find(|word| word.ends_with("/metrics")).unwrap();
    let address = url.trim_start_matches("http://").trim_end_matches("/metrics").to_owned();
    let well = run(&["health", &address]);
    assert_eq!((well.code, well.stdout.as_str()), (Some(0), "ok\n"), "{well:?}");
    swarm.program.send(nix::sys::signal::Signal::SIGTERM);
    swarm.program.wait();
    let gone = run(&["health", &address]);
    assert_eq!(gone.code, Some(1), "{gone:?}");
    assert!(gone.stderr.starts_with(&format!("swarm: no swarm answers on {address}: ")), "{}", gone.stderr);
    assert_eq!(run(&["health", "off"]).code, Some(2));
}

#[test]
fn flags_are_checked_without_a_machine_or_a_stream() {
    let good =
        run(&["check-flags", "-clients", "5", "-ffmpeg", "/no/such", "http://no-such-host.invalid/x.m3u8"]);
    assert_eq!((good.code, good.stdout.as_str()), (Some(0), "ok\n"), "{good:?}");
    let wrong = run(&["check-flags", "-clients", "0", "http://h/x.m3u8"]);
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.stderr.contains("-clients: \"0\""), "{}", wrong.stderr);
}

#[test]
fn the_program_makes_its_own_manual_page_and_completions() {
    assert!(run(&["man"]).stdout.contains(r"\-\-ramp\-rate"));
    for shell in ["bash", "zsh", "fish"] {
        let script = run(&["completions", shell]);
        assert!(script.code == Some(0) && script.stdout.contains("ramp-rate"), "{shell}: {script:?}");
    }
    assert_eq!(run(&["completions", "tcsh"]).code, Some(2));
}

#[test]
fn wrong_usage_is_exit_code_2_and_help_is_0() {
    let wrong = run(&["-clients", "none", "-frob"]);
    assert_eq!(wrong.code, Some(2));
    for part in ["-clients: \"none\"", "no flag --frob", "no HLS URL", "see swarm --help"] {
        assert!(wrong.stderr.contains(part), "{part} in {}", wrong.stderr);
    }
    let help = run(&["-help"]);
    assert_eq!(help.code, Some(0));
    assert!(help.stdout.contains("HLSSWARM_CLIENTS"));
}

#[test]
fn the_environment_is_read_and_an_empty_variable_is_none() {
    let printed = |name: &str, value: &str| {
        let mut command = swarm(&["-print-cmd", "http://h/x.m3u8"]);
        testkit::Running::start(command.env(name, value)).wait()
    };
    assert!(printed("HLSSWARM_HEADER", "X-A: 1\nX-B: 2").stdout.contains("x-b: 2"));
    assert_eq!(printed("HLSSWARM_CLIENTS", "none").code, Some(2));
    assert_eq!(printed("HLSSWARM_CLIENTS", "").code, Some(0));
}
