//! Documentation that can drift is compared with the program.

use std::collections::BTreeSet;
use std::path::Path;

use nix::sys::signal::Signal;
use testkit::wait_until;

use crate::reports::assert_as_the_schema_says;
use crate::support::{Site, Swarm, fake_ffmpeg, origin, vod_without_its_second_segment};

pub(crate) fn document(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Cells of the table rows whose first cell begins with `prefix`, without backticks.
fn rows(text: &str, prefix: &str) -> Vec<Vec<String>> {
    let cells = |line: &str| line.split('|').skip(1).map(|cell| cell.trim().replace('`', "")).collect();
    text.lines().filter(|line| line.starts_with(prefix)).map(cells).collect()
}

#[test]
fn the_flag_table_is_what_help_says() {
    let documented: BTreeSet<_> = rows(&document("CONFIGURATION.md"), "| `-")
        .into_iter()
        .map(|cells| {
            let flag = cells[0].trim_start_matches('-').split(' ').next().unwrap().to_owned();
            (flag, cells[1].clone(), cells[2].clone())
        })
        .filter(|(flag, ..)| !matches!(flag.as_str(), "help" | "version"))
        .collect();
    let command = swarm::cli::command();
    let flags = command.get_arguments().filter(|arg| !arg.is_positional());
    let defined: BTreeSet<_> = flags
        .filter(|arg| !matches!(arg.get_id().as_str(), "help" | "version"))
        .map(|arg| {
            let text = |value: &std::ffi::OsStr| value.to_string_lossy().into_owned();
            let shown = if arg.get_action().takes_values() { arg.get_default_values() } else { &[] };
            let default = shown.first().map(|value| text(value)).unwrap_or_default();
            (arg.get_long().unwrap().to_owned(), arg.get_env().map(text).unwrap(), default)
        })
        .collect();
    assert_eq!(documented, defined);
}

#[test]
fn the_table_of_what_can_be_judged_is_what_the_list_says() {
    let text = document("CONFIGURATION.md");
    let after = text.split_once("## What can be judged").map(|(_, after)| after).unwrap();
    let documented = rows(after.split("\n## ").next().unwrap(), "| `");
    let plain = |text: &str| text.replace('`', "");
    let defined: Vec<_> = swarm::stats::METRICS
        .iter()
        .map(|of| vec![of.name().to_owned(), of.endings(), of.units(), plain(of.meaning), String::new()])
        .collect();
    assert_eq!(documented, defined);
}

#[test]
fn the_table_of_rules_is_what_the_verdict_uses() {
    let text = document("OPERATIONS.md");
    let (_, after) = text.split_once("| HEALTHY needs |").unwrap();
    let table = after.split("\n\n").next().unwrap();
    let documented: Vec<_> = rows(table, "| `").into_iter().map(|cells| cells[..3].to_vec()).collect();
    let defined: Vec<_> = swarm::verdict::rules::RULES
        .iter()
        .map(|rule| vec![rule.healthy, rule.holding.unwrap_or_default(), rule.why])
        .collect();
    assert_eq!(documented, defined);
}

#[test]
fn the_metrics_table_is_what_a_scrape_shows() {
    let rows = rows(&document("OBSERVABILITY.md"), "| `hlsswarm_");
    let named = |cells: &Vec<String>| (cells[0].split('{').next().unwrap().to_owned(), cells[1].clone());
    let documented: BTreeSet<_> = rows.iter().map(named).collect();
    // Not every machine can tell everything.
    let sometimes: BTreeSet<_> =
        rows.iter().filter(|cells| cells[3].contains("; absent w")).map(named).collect();
    let origin = origin("one-second", &[]);
    let swarm = Swarm::start(&["-clients", "1", "-ffmpeg", &fake_ffmpeg("dies-at-once"), &origin.url]);
    swarm.wait_for_metric("hlsswarm_process_exits_total{code=\"71\"}", |exits| exits > 0);
    wait_until("the load box was sampled", || {
        swarm.admin("/metrics").text().contains("\nhlsswarm_generator_lag_seconds ")
    });
    let text = swarm.admin("/metrics").text();
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE hlsswarm_"));
    let served: BTreeSet<_> = types
        .filter_map(|line| line.split_once(' '))
        .map(|(name, kind)| (format!("hlsswarm_{name}"), kind.to_owned()))
        .collect();
    let always: BTreeSet<_> = documented.difference(&sometimes).cloned().collect();
    assert_eq!(always, served.difference(&sometimes).cloned().collect());
    assert!(served.is_subset(&documented));
}

#[test]
fn the_table_of_origin_metrics_is_what_is_understood() {
    let text = document("OBSERVABILITY.md");
    let section = text.split_once("## The origin's own metrics").map(|(_, after)| after).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let documented: Vec<_> = ["| `hlsorigin_", "| `nginx_", "| `node_", "| `process_"]
        .into_iter()
        .flat_map(|prefix| rows(section, prefix))
        .map(|cells| [cells[0].clone(), cells[1].clone(), cells[2].clone()])
        .collect();
    let known: Vec<_> =
        swarm::origin_metrics::KNOWN.iter().map(|known| [known.name, known.from, known.figures]).collect();
    assert_eq!(documented, known);
}

#[test]
fn the_report_schema_is_what_a_report_has() {
    let documented = documented_report();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.json");
    // A run that has everything: a live playlist, a segment that is missing, a process that failed.
    let live = origin("one-second", &[]);
    let gap = vod_without_its_second_segment();
    let says = Site::serve([("/metrics", ("200 OK", b"hlsorigin_connections 1\n".to_vec()))]);
    let flags = ["-clients", "2", "-ramp-rate", "50", "-report", path.to_str().unwrap()];
    let endpoint = ["-origin-metrics", &says.url("/metrics")];
    let thresholds = ["-threshold", "restarts<9", "-threshold", "error_ratio<100%; for 5s"];
    let earlier = folder.path().join("earlier.json");
    std::fs::write(
        &earlier,
        r#"{"schema": "ffmpeg-hls-swarm.report", "started_at": "", "series": [],
        "judgement": {"judged": {"clients_active_mean": 2.0}}}"#,
    )
    .unwrap();
    let compare = ["-compare", earlier.to_str().unwrap()];
    let urls = [live.url.as_str(), &gap.url("/vod.m3u8")];
    let mut swarm = Swarm::start(&[&flags[..], &endpoint, &thresholds, &compare, &urls].concat());
    swarm.wait_for_metric("hlsswarm_clients_playing", |playing| playing >= 1);
    wait_until("both FFmpegs run", || swarm.ffmpegs().len() == 2);
    testkit::send(swarm.ffmpegs()[0], Signal::SIGKILL);
    swarm.wait_for_metric("hlsswarm_clients_restarted_total", |restarts| restarts >= 1);
    swarm.wait_for_metric("hlsswarm_requests_total{kind=\"segment\",status=\"404\"}", |missing| missing >= 1);
    // What the origin says of itself in a second is the difference of two answers.
    wait_until("the origin was asked three times", || says.requests("/metrics").len() >= 3);
    swarm.program.send(Signal::SIGINT);
    swarm.program.wait();
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert_as_the_schema_says(&report);
    let mut written = BTreeSet::new();
    paths(&report, "", &mut written);
    assert_eq!(documented, written);
}

/// What the documentation says that a report has.
pub(crate) fn documented_report() -> BTreeSet<String> {
    let text = document("CONFIGURATION.md");
    let after = text.split_once("## The JSON report").map(|(_, after)| after).unwrap();
    rows(after.split("\n## ").next().unwrap(), "| `").into_iter().map(|cells| cells[0].clone()).collect()
}

/// What the documentation says that the `limit` of a report has.
pub(crate) fn documented_limit() -> BTreeSet<String> {
    let text = document("CONFIGURATION.md");
    let after = text.split_once("## The limit in the report").map(|(_, after)| after).unwrap();
    rows(after.split("\n## ").next().unwrap(), "| `").into_iter().map(|cells| cells[0].clone()).collect()
}

/// Dotted paths of everything in `value`; arrays of objects as `name[].field`, the map of exits as one, and the
/// spells of a saturated load box too, because a good machine has none.
pub(crate) fn paths(value: &serde_json::Value, at: &str, found: &mut BTreeSet<String>) {
    match value {
        serde_json::Value::Object(fields)
            if !matches!(at, "processes.exits" | "series[].errors_by_class") =>
        {
            for (name, value) in fields {
                let path = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
                paths(value, &path, found);
            }
        }
        serde_json::Value::Array(items)
            if items.first().is_some_and(serde_json::Value::is_object) && at != "generator.saturated" =>
        {
            for item in items {
                paths(item, &format!("{at}[]"), found);
            }
        }
        _ => {
            found.insert(at.to_owned());
        }
    }
}
