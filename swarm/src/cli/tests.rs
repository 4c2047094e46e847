//! The command line as its users type it.

use std::net::IpAddr;
use std::time::Duration;

use super::*;
use crate::plan::{Course, Pace, VariantMode};
use crate::verdict::rules;

const URL: &str = "http://h/s.m3u8";

fn parsed(args: &[&str]) -> Invocation {
    parse(std::iter::once("swarm").chain(args.iter().copied()).map(OsString::from)).unwrap()
}

fn mistakes(args: &[&str]) -> Vec<String> {
    match parse(std::iter::once("swarm").chain(args.iter().copied()).map(OsString::from)) {
        Err(NoRun::Mistakes(mistakes)) => mistakes,
        other => panic!("mistakes were expected, not {other:?}"),
    }
}

#[test]
fn one_dash_and_two_and_the_equals_sign_mean_the_same() {
    let seeded = |args: &[&str]| parsed(&[args, &["-seed", "1", URL]].concat());
    let expected = seeded(&["--clients", "50", "--duration", "90s"]);
    assert_eq!(expected.plan.clients, 50);
    assert_eq!(seeded(&["-clients", "50", "-duration", "90s"]), expected);
    assert_eq!(seeded(&["-clients=50", "--duration=90s"]), expected);
}

#[test]
fn defaults_are_those_of_the_documentation() {
    let Invocation { plan, mode, log, tui } = parsed(&[URL]);
    assert_eq!((plan.clients, plan.ramp_rate, plan.ramp_jitter, plan.duration), (10, 5.0, 0.2, None));
    assert_eq!((plan.variant, plan.pace, plan.verify_tls), (VariantMode::All, Pace::Full, true));
    assert_eq!(plan.metrics, Some("0.0.0.0:9090".parse().unwrap()));
    assert_eq!((mode, log, tui), (Mode::Run, Log { file: None, json: false, debug: false }, Tui::Auto));
}

#[test]
fn options_of_ffmpeg_are_read_as_a_shell_reads_them() {
    let options = |texts: &[&str]| {
        let flags = texts.iter().flat_map(|text| ["-ffmpeg-arg", text]);
        parsed(&flags.chain([URL]).collect::<Vec<_>>()).plan.ffmpeg_options
    };
    assert_eq!(options(&["-probesize 5000", "-cookies 'a b'"]), ["-probesize", "5000", "-cookies", "a b"]);
    for (text, why) in [("probesize 5", "no option"), ("-x 'y", "a quote"), ("-i file", "an input")] {
        let told = mistakes(&["-ffmpeg-arg", text, URL]);
        assert!(told.len() == 1 && told[0].contains(why), "{told:?}");
    }
}

#[test]
fn every_mistake_is_told_at_once() {
    let told = mistakes(&[
        "-clients",
        "0",
        "-wat",
        "5",
        "-ramp-rate",
        "fast",
        "-ramp-jitter",
        "2",
        "-duration",
        "90",
        "-stages",
        "50:0s",
        "-variant",
        "best",
        "-pace",
        "slow",
        "-metrics",
        "nowhere",
        "-origin-metrics",
        "ftp://h/metrics",
        "-header",
        "no colon",
        "-ffmpeg-arg",
        "probesize 5",
        "-report",
        "run.txt",
        "-seed",
        "x",
        "-log-format",
        "xml",
        "-print-cmd",
        "-check",
        "ftp://h/x",
        "stream.m3u8",
    ]);
    for part in [
        "no flag --wat",
        "-clients: \"0\"",
        "-ramp-rate: \"fast\"",
        "-ramp-jitter: \"2\"",
        "-duration: \"90\"",
        "-stages: the stage \"50:0s\"",
        "-stages and -clients exclude",
        "-stages and -duration exclude",
        "-variant: \"best\" is not one of all, highest, lowest, first",
        "-pace: \"slow\"",
        "-metrics: \"nowhere\"",
        "-origin-metrics: \"ftp://h/metrics\" is not the address of metrics",
        "-header: \"no colon\"",
        "-ffmpeg-arg: \"probesize 5\"",
        "run.txt",
        "-seed: \"x\"",
        "-log-format: \"xml\"",
        "-print-cmd and -check exclude each other",
        "\"ftp://h/x\"",
        "\"stream.m3u8\"",
    ] {
        assert_eq!(told.iter().filter(|mistake| mistake.contains(part)).count(), 1, "{part} in {told:#?}");
    }
    assert_eq!(told.len(), 20, "{told:#?}");
}

#[test]
fn unknown_flags_are_all_told_with_what_was_meant() {
    let told = mistakes(&["-client", "5", "--frob=1", "-zap", URL]);
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[0].contains("--client;") && told[0].contains("did you mean --clients?"), "{told:?}");
}

#[test]
fn a_missing_url_and_a_missing_value_are_told() {
    assert!(mistakes(&[])[0].contains("no HLS URL"));
    assert!(mistakes(&[""])[0].contains("no HLS URL"), "a shell variable that is not set");
    assert!(mistakes(&[URL, "-clients"])[0].contains("--clients"));
    assert_eq!(parsed(&["", URL]).plan.urls.len(), 1);
}

#[test]
fn a_number_below_zero_is_a_value_and_no_flag() {
    let told = mistakes(&["-clients", "-3", "-ramp-rate", "-0.5", URL]);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        told[0].starts_with("-clients: \"-3\" is not") && told[1].starts_with("-ramp-rate: \"-0.5\""),
        "{told:?}"
    );
}

#[test]
fn a_space_within_a_url_is_a_part_of_it() {
    let plan = parsed(&["http://h/a channel.m3u8", URL]).plan;
    assert_eq!(plan.urls.iter().map(Url::as_str).collect::<Vec<_>>(), ["http://h/a%20channel.m3u8", URL]);
}

#[test]
fn a_value_that_looks_like_a_flag_stays_a_value() {
    let plan = parsed(&["-header", "-clients: 7", URL]).plan;
    assert_eq!(plan.request.headers.get("-clients").unwrap(), "7");
    assert_eq!(plan.clients, 10);
}

#[test]
fn headers_are_kept_and_the_user_agent_replaces_ours() {
    let args = ["-no-cache", "-header", "X-A: 1", "-header", "x-a:2", "-header", "User-Agent: mine/1", URL];
    let request = parsed(&args).plan.request;
    assert_eq!(request.user_agent, "mine/1");
    let values: Vec<_> = request.headers.get_all("x-a").iter().collect();
    assert_eq!(values, ["1", "2"]);
    assert_eq!(request.headers.get("cache-control").unwrap(), "no-cache");
    assert_eq!(request.headers.get("pragma").unwrap(), "no-cache");
    assert!(mistakes(&["-header", "Host: other", URL])[0].contains("cannot be set"));
    assert!(mistakes(&["-header", "X: a\u{1}b", URL])[0].contains("no header may have"));
}

#[test]
fn addresses_are_read_as_go_reads_them() {
    let address = |text| parsed(&["-metrics", text, URL]).plan.metrics;
    assert_eq!(address("off"), None);
    assert_eq!(address(":9191"), Some("0.0.0.0:9191".parse().unwrap()));
    assert_eq!(address("localhost:0"), Some("127.0.0.1:0".parse().unwrap()));
    assert_eq!(address("[::1]:9090"), Some("[::1]:9090".parse().unwrap()));
}

#[test]
fn another_address_needs_dangerous_and_the_wire() {
    let address = |text| parsed(&["-resolve", text, "--dangerous", URL]).plan.resolve.unwrap().to_string();
    assert_eq!(address("192.0.2.7"), "192.0.2.7");
    assert_eq!(address("[2001:db8::7]"), "2001:db8::7");
    assert!(mistakes(&["-resolve", "192.0.2.7", URL])[0].contains("add --dangerous"));
    assert!(mistakes(&["-resolve", "edge", "--dangerous", URL])[0].contains("not an IPv4 or IPv6 address"));
    assert!(mistakes(&["-resolve", "::1", "--dangerous", "-direct", URL])[0].contains("exclude each other"));
}

#[test]
fn viewers_may_come_from_several_addresses_on_the_wire() {
    let plan = parsed(&["-source-ip", "192.0.2.1", "-source-ip", "[2001:db8::1]", URL]).plan;
    assert_eq!(plan.source_ips, ["192.0.2.1", "2001:db8::1"].map(|ip| ip.parse::<IpAddr>().unwrap()));
    assert!(mistakes(&["-source-ip", "eth0", URL])[0].contains("\"eth0\" is not an IPv4 or IPv6 address"));
    assert!(mistakes(&["-source-ip", "192.0.2.1", "-direct", URL])[0].contains("exclude each other"));
    let many: Vec<_> = [["-source-ip", "192.0.2.1"]; 257].concat();
    assert!(mistakes(&[&many[..], &[URL]].concat())[0].contains("at most 256"));
}

#[test]
fn several_endpoints_are_read_and_none_with_a_password() {
    let (one, two) = ("http://h:9113/metrics", "https://h:9100/metrics");
    let plan = parsed(&["-origin-metrics", one, "-origin-metrics", two, URL]).plan;
    assert_eq!(plan.origin_metrics.iter().map(Url::as_str).collect::<Vec<_>>(), [one, two]);
    assert!(mistakes(&["-origin-metrics", "http://me:secret@h/", URL])[0].contains("behind a password"));
    let many: Vec<_> = [["-origin-metrics", one]; 9].concat();
    assert!(mistakes(&[&many[..], &[URL]].concat())[0].contains("at most 8"));
}

#[test]
fn the_timeout_is_sensible() {
    assert_eq!(parsed(&[URL]).plan.timeout, Duration::from_secs(15));
    assert!(mistakes(&["-timeout", "0", URL])[0].contains("from 100ms to 1h"));
}

#[test]
fn several_urls_and_a_duration_are_taken() {
    let plan = parsed(&["-duration", "1h30m", URL, "https://other.test/x?a=b"]).plan;
    assert_eq!(plan.urls.len(), 2);
    assert_eq!(plan.duration, Some(Duration::from_secs(5400)));
}

#[test]
fn stages_say_how_many_and_for_how_long() {
    let plan = parsed(&["-stages", "50:1m,200:5m", URL]).plan;
    assert_eq!((plan.clients, plan.duration), (200, Some(Duration::from_secs(360))));
    assert!(matches!(plan.course, Course::Stages(_)));
    assert_eq!(parsed(&[URL]).plan.course, Course::Hold);
}

#[test]
fn the_thresholds_of_a_search_are_for_its_levels() {
    let searched = |args: &[&str]| {
        let plan = parsed(&[args, &["-find-limit", URL]].concat()).plan;
        assert_eq!(plan.thresholds, []);
        let Course::FindLimit(search) = plan.course else { panic!("{:?}", plan.course) };
        search
    };
    let search = searched(&[]);
    assert_eq!((search.most, search.tolerance, search.hold), (10, 0.05, Duration::from_secs(30)));
    assert_eq!(search.thresholds, rules::holding());
    let search = searched(&["-threshold", "error_ratio<2%", "-limit-tolerance", "0.1", "-level-hold", "1m"]);
    let texts: Vec<_> = search.thresholds.iter().map(|threshold| threshold.text.as_str()).collect();
    assert_eq!(
        (texts, search.tolerance, search.hold),
        (vec!["error_ratio<2%"], 0.1, Duration::from_secs(60))
    );
}

#[test]
fn what_a_search_cannot_be_is_told() {
    for (args, told) in [
        (["-stages", "5:1m"], "-find-limit and -stages exclude"),
        (["-direct", "-no-cache"], "-find-limit and -direct exclude"),
        (["-limit-tolerance", "60%"], "\"60%\" is not a share from 0% to 50%"),
        (["-level-hold", "2s"], "\"2s\" is not from 3s to 1h"),
        (["-duration", "5s"], "-duration 5s ends the search before its first level is judged"),
    ] {
        let said = mistakes(&[&args[..], &["-find-limit", URL]].concat());
        assert!(said.iter().any(|mistake| mistake.contains(told)), "{args:?}: {said:?}");
    }
}

#[test]
fn help_and_version_are_no_mistakes() {
    for flag in ["--help", "-help", "-h", "--version", "-V"] {
        let result = parse(["swarm", flag].map(OsString::from));
        assert!(matches!(result, Err(NoRun::Asked(_))), "{flag}");
    }
}

#[test]
fn the_list_of_metrics_needs_no_url() {
    let listed = parse(["swarm", "-list-metrics"].map(OsString::from));
    assert!(matches!(listed, Err(NoRun::Asked(text)) if text.contains("\nrebuffer_ratio ")));
}

#[test]
fn thresholds_are_read_with_all_their_mistakes() {
    let plan = parsed(&["-threshold", "rebuffer_ratio<1%", "-threshold", "restarts<1; abort", URL]).plan;
    assert_eq!(plan.thresholds.len(), 2);
    let told = mistakes(&["-threshold", "startup<1", "-threshold", "nothing<1", URL]);
    assert!(told[0].starts_with("-threshold: startup is compared") && told[0].ends_with("  ^"), "{told:?}");
    assert!(told[1].starts_with("-threshold: there is no metric"), "{told:?}");
    assert!(mistakes(&["-direct", "-threshold", "startup<1s", URL])[0].contains("not measured with -direct"));
    assert_eq!(parsed(&["-direct", "-threshold", "restarts<1", URL]).plan.thresholds.len(), 1);
}
