//! The command line as its users type it.

use super::*;
use crate::asking::Question;
use crate::catalog;
use crate::plan::{AccessLog, Certificate, Form, Source, Task};

fn request(args: &[&str]) -> Result<Request, Vec<String>> {
    let args = std::iter::once(&"test-origin").chain(args);
    Args::try_parse_from(args).unwrap().into_request()
}

fn plan(args: &[&str]) -> Plan {
    match request(args).unwrap() {
        Request::Run(plan) => *plan,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_command_line_is_sound() {
    use clap::CommandFactory as _;
    Args::command().debug_assert();
}

#[test]
fn without_flags_the_default_profile_is_served_on_loopback_8080() {
    let plan = plan(&["--cache-dir", "/c"]);
    assert_eq!((plan.profile.name.as_str(), plan.port, plan.task), ("default", 8080, Task::Serve));
    assert!(plan.bind.is_loopback());
    assert_eq!((plan.source, &plan.parent_dir, &plan.access_log), (Source::Clip, &None, &AccessLog::Off));
    assert_eq!(plan.tls, None);
}

#[test]
fn settings_add_up_and_change_the_profile() {
    let plan = plan(&["--set", "hls.segment_seconds=4", "--set", "video.fps=25;variant.720p.width=640"]);
    assert_eq!((plan.profile.hls.segment_seconds, plan.profile.video.fps), (4, 25));
    assert_eq!((plan.profile.variants[0].width, plan.profile.name.as_str()), (640, "default"));
}

#[test]
fn an_answer_has_the_form_that_is_asked_for() {
    assert_eq!(plan(&["--print-plan", "--json"]).task, Task::PrintPlan(Form::Json));
    assert_eq!(plan(&["--print-plan"]).task, Task::PrintPlan(Form::Text));
    assert_eq!(request(&["--list-profiles", "--json"]), Ok(Request::ListProfiles(Form::Json)));
}

#[test]
fn paths_become_absolute() {
    let plan = plan(&["--dir", "some/where", "--cache-dir", "c", "--access-log", "log"]);
    assert!(plan.parent_dir.unwrap().is_absolute() && plan.cache_dir.is_absolute());
    let AccessLog::File(log) = plan.access_log else { panic!("no log") };
    assert!(log.is_absolute());
}

#[test]
fn all_mistakes_are_said_at_once() {
    let mistakes = request(&["--profile", "nope", "--dir", "/a%b", "--access-log", "/c$d"]).unwrap_err();
    assert_eq!(mistakes.len(), 3, "{mistakes:?}");
    let all: Vec<_> = catalog::names().collect();
    assert!(mistakes[0].contains(&format!("choose one of {},", all.join(", "))), "{mistakes:?}");
}

#[test]
fn two_profiles_are_one_too_many() {
    let mistakes = request(&["--profile", "default", "--profile-file", "x.toml"]).unwrap_err();
    assert!(mistakes[0].contains("exclude each other"), "{mistakes:?}");
}

#[test]
fn a_log_is_in_the_run_directory_when_the_profile_wants_it_unless_a_file_is_named() {
    assert_eq!(plan(&["--profile", "logged"]).access_log, AccessLog::RunDir);
    let file = plan(&["--profile", "logged", "--access-log", "/log"]).access_log;
    assert_eq!(file, AccessLog::File("/log".into()));
}

#[test]
fn a_certificate_is_made_unless_one_is_given() {
    let names = vec!["cdn.example.test".to_owned(), "192.0.2.1".to_owned()];
    let flags = ["--profile", "tls", "--tls-name", &names[0], "--tls-name", &names[1]];
    assert_eq!(plan(&flags).tls, Some(Certificate::Made { names }));
    let own = plan(&["--profile", "tls", "--tls-cert", "/cert", "--tls-key", "/key"]).tls;
    assert_eq!(own, Some(Certificate::Own { certificate: "/cert".into(), key: "/key".into() }));
}

#[test]
fn flags_that_do_not_go_together_are_refused_with_the_reason() {
    let cases = [
        (&["--profile", "tls", "--tls-cert", "/c"][..], "--tls-cert needs its private key"),
        (&["--profile", "tls", "--tls-key", "/k"], "--tls-key needs its certificate"),
        (&["--profile", "tls", "--tls-name", "a b"], "--tls-name \"a b\" is neither a host name nor an IP"),
        (
            &["--profile", "tls", "--tls-name", "a", "--tls-cert", "/c", "--tls-key", "/k"],
            "--tls-name is for a certificate that is made",
        ),
        (&["--tls-name", "a.test"], "--tls-name: profile default is served without TLS"),
        (&["--admin", "0.0.0.0:9"], "--admin 0.0.0.0:9 is no loopback address"),
        (
            &["--fault", "fire"],
            "--fault fire is none of the faults: write KIND or KIND=VALUE, and choose the kind from freeze",
        ),
        (&["--profile", "vod", "--fault", "freeze"], "--fault freeze needs an encoder that runs"),
        (&["--fault", "slow=1MB/s", "--fault", "slow=2MB/s"], "--fault slow=2MB/s would meet slow=1000kB/s"),
        (&["--json"], "--json is for --print-plan and --list-profiles"),
        (&["--prepare", "--live-encode"], "--prepare makes the clip that --live-encode does without"),
        (&["--set", "hls.segment_seconds=0"], "hls.segment_seconds: 0 is not in 1"),
        (&["--profile", "vod", "--live-encode"], "--live-encode: profile vod is no live stream"),
    ];
    for (flags, expected) in cases {
        let mistakes = request(flags).unwrap_err();
        assert!(mistakes.len() == 1 && mistakes[0].contains(expected), "{flags:?}: {mistakes:?}");
    }
}

#[test]
fn a_command_asks_an_origin_that_runs() {
    let asking = |args: &[&str]| match request(args).unwrap() {
        Request::Ask(asking) => asking,
        other => panic!("{other:?}"),
    };
    let add = asking(&["fault", "add", "freeze@1s", "slow=1MB/s", "--admin", "127.0.0.1:9"]);
    assert_eq!(add.question, Question::AddFaults(vec!["freeze@1s".to_owned(), "slow=1MB/s".to_owned()]));
    assert_eq!(add.admin, Some("127.0.0.1:9".parse().unwrap()));
    assert_eq!(asking(&["fault", "list"]).question, Question::ListFaults);
    assert_eq!(asking(&["fault", "clear", "3"]).question, Question::ClearFaults(vec![3]));
    assert_eq!(asking(&["health", "--admin", "127.0.0.1:0"]).admin, None);
    assert!(Args::try_parse_from(["test-origin", "--check", "health"]).is_err());
}

#[test]
fn two_questions_are_refused() {
    assert!(Args::try_parse_from(["test-origin", "--check", "--print-cmd"]).is_err());
}
