//! Reports as files: what their schema promises, and what each format has.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use testkit::Running;

use crate::documentation::{document, documented_limit, documented_report};
use crate::support::{origin, run};

fn schema() -> Value {
    serde_json::from_str(&document("report.schema.json")).unwrap()
}

/// Every report that a test has made can be looked at with this.
pub(crate) fn assert_as_the_schema_says(report: &Value) {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let mistakes: Vec<_> = validator.iter_errors(report).map(|error| error.to_string()).collect();
    assert!(mistakes.is_empty(), "{mistakes:#?}");
}

/// Lists that are documented in one row: most runs have none of their items.
fn told_whole(at: &str) -> bool {
    matches!(at, "generator.saturated" | "boxes")
}

/// Paths as the documentation writes them, of all that a part of the schema promises.
fn promised(part: &Value, whole: &Value, at: &str, found: &mut BTreeSet<String>) {
    if let Some(reference) = part["$ref"].as_str() {
        let part = whole.pointer(reference.trim_start_matches('#')).unwrap();
        return promised(part, whole, at, found);
    }
    if let Some(object) = part["oneOf"].as_array().map(|choices| &choices[0]) {
        return promised(object, whole, at, found);
    }
    let is_list_of_records = part["items"].get("properties").or(part["items"].get("$ref")).is_some();
    if is_list_of_records && !told_whole(at) {
        return promised(&part["items"], whole, &format!("{at}[]"), found);
    }
    let Some(fields) = part["properties"].as_object() else {
        found.insert(at.to_owned());
        return;
    };
    for (name, field) in fields {
        let path = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
        promised(field, whole, &path, found);
    }
}

#[test]
fn the_schema_promises_what_is_documented() {
    let schema = schema();
    assert!(jsonschema::meta::is_valid(&schema));
    let mut found = BTreeSet::new();
    promised(&schema, &schema, "", &mut found);
    let mut documented = documented_report();
    documented.remove("limit");
    documented.extend(documented_limit().into_iter().map(|path| format!("limit.{path}")));
    assert_eq!(found, documented);
}

#[test]
fn a_run_is_written_as_json_and_csv_that_agree() {
    let origin = origin("one-second", &[]);
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (json, csv) = (file("run.json"), file("run.csv"));
    let flags = ["-clients", "2", "-ramp-rate", "50", "-duration", "5s", "-metrics", "off"];
    let finished = run(&[&flags[..], &["-report", &json, "-report", &csv, &origin.url]].concat());
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let mut report: Value = serde_json::from_str(&std::fs::read_to_string(json).unwrap()).unwrap();
    assert_as_the_schema_says(&report);
    let text = std::fs::read_to_string(csv).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().unwrap();
    let lines: Vec<_> = lines.collect();
    let column = |name: &str| header.iter().position(|cell| *cell == name).unwrap();
    let series = report["series"].as_array().unwrap();
    assert_eq!(lines.len(), series.len());
    for (line, row) in lines.iter().zip(series) {
        assert_eq!(line.len(), header.len());
        assert_eq!(line[column("requests")].parse::<u64>().ok(), row["requests"].as_u64());
        assert_eq!(line[column("segment_p95_s")].parse::<f64>().ok(), row["segment_p95_s"].as_f64());
        assert!(line[0].ends_with('Z') && line[0] >= report["started_at"].as_str().unwrap());
    }
    let validator = jsonschema::validator_for(&schema()).unwrap();
    report["viewers"].as_object_mut().unwrap().remove("have_played");
    assert!(!validator.is_valid(&report), "a field that is missing");
}

#[test]
fn a_password_stays_here() {
    let origin = origin("one-second", &[]);
    let report = tempfile::NamedTempFile::with_suffix(".json").unwrap();
    let url = origin.url.replace("://", "://somebody:hunter2@");
    let broken = url.replace("stream.m3u8", "nowhere.m3u8");
    let path = report.path().to_str().unwrap();
    let played = run(&["-clients", "1", "-duration", "2s", "-metrics", "off", "-v", "-report", path, &url]);
    assert_eq!(played.code, Some(0), "{played:?}");
    let refused = run(&["-metrics", "off", &broken]);
    assert_eq!(refused.code, Some(3), "{refused:?}");
    let report = std::fs::read_to_string(report.path()).unwrap();
    for text in [&report, &played.stdout, &played.stderr, &refused.stderr] {
        assert!(!text.contains("hunter2"), "{text}");
    }
    for text in [&report, &played.stderr, &refused.stderr] {
        assert!(text.contains("somebody:xxxxx@"), "{text}");
    }
}

/// The page as Chromium makes it, and what its console said. `None`, with a word on it, where there is no Chromium.
fn browse(page: &Path, profile: &Path) -> Option<(String, String)> {
    let mut command = Command::new("chromium");
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]);
    command.args(["--disable-background-networking", "--disable-component-update", "--disable-sync"]);
    command.args(["--enable-logging=stderr", "--dump-dom"]);
    command.arg(format!("--user-data-dir={}", profile.display())).arg(format!("file://{}", page.display()));
    if Command::new("chromium").arg("--version").output().is_err() {
        println!("skipped: chromium is not installed (scripts/require.sh chromium)");
        return None;
    }
    let finished = Running::start(&mut command).wait();
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let console =
        finished.stderr.lines().filter(|line| line.contains(":CONSOLE")).collect::<Vec<_>>().join("\n");
    Some((finished.stdout, console))
}

#[test]
fn a_page_of_several_boxes_opens_in_a_browser_with_plots_and_a_cursor() {
    let origin = origin("one-second", &[]);
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (a, b, all, page) = (file("a.json"), file("b.json"), file("all.json"), file("all.html"));
    for (path, clients) in [(&a, "2"), (&b, "1")] {
        let flags = ["-clients", clients, "-ramp-rate", "50", "-duration", "4s", "-metrics", "off"];
        let finished = run(&[&flags[..], &["-report", path, &origin.url]].concat());
        assert_eq!(finished.code, Some(0), "{finished:?}");
    }
    for output in [&all, &page] {
        let finished = run(&["report", "merge", &a, &b, "-o", output]);
        assert_eq!(finished.code, Some(0), "{finished:?}");
    }
    let read = |path: &str| serde_json::from_str::<Value>(&std::fs::read_to_string(path).unwrap()).unwrap();
    let (first, second, merged) = (read(&a), read(&b), read(&all));
    assert_as_the_schema_says(&merged);
    let requests = |report: &Value| report["wire"]["requests"]["requests"].as_u64().unwrap();
    assert_eq!(requests(&merged), requests(&first) + requests(&second));
    let shown = run(&["report", "show", &all]);
    assert!(shown.stdout.contains("3 viewers from 2 load boxes"), "{shown:?}");

    let text = std::fs::read_to_string(&page).unwrap();
    assert!(!text.contains(" (00:"));
    let zoomed = "<script>{
        const plot = document.querySelector('[data-zoom] .plot'), box = plot.querySelector('svg').getBoundingClientRect();
        const at = (share) => ({ button: 0, clientX: box.left + box.width * share });
        const note = () => document.querySelector('.zoom').textContent.replace(/;.*/, '');
        const said = [];
        plot.dispatchEvent(new PointerEvent('pointerdown', at(0.3)));
        plot.dispatchEvent(new PointerEvent('pointerup', at(0.98)));
        said.push(note());
        for (const key of ['-', '+', 'Escape']) {
            plot.dispatchEvent(new KeyboardEvent('keydown', { key }));
            said.push(note());
        }
        document.title = said.join(' | ');
    }</script>";
    let moved = "<script>document.querySelector('.plot').dispatchEvent(new PointerEvent('pointermove', {clientX: 300}))</script></body>";
    std::fs::write(&page, text.replace("</body>", &format!("{zoomed}{moved}"))).unwrap();
    let Some((dom, console)) = browse(Path::new(&page), &folder.path().join("profile")) else { return };
    assert_eq!(console, "");
    assert!(dom.matches("<polyline").count() > 20, "{} lines", dom.matches("<polyline").count());
    let title = dom.split_once("<title>").unwrap().1.split_once('<').unwrap().0;
    let said: Vec<_> = title.split(" | ").collect();
    assert!(said[0].starts_with("00:0") && said[1].starts_with("Drag ") && said[3] == said[1], "{said:?}");
    assert!(dom.contains(" (00:") && dom.contains("display: block"), "the cursor says what was when");
}
