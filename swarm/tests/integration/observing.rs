//! A Prometheus that scrapes both programs under the rules of `observability/`.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::{Running, wait_until};

/// Of the project's root.
pub(crate) fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)
}

/// Expressions of a panel of the dashboard, as Grafana fills them in: "All" of what can be chosen, and its rate interval.
#[track_caller]
pub(crate) fn dashboard_expressions(panel: &str, rate_interval: &str) -> Vec<String> {
    let text = std::fs::read_to_string(path("observability/dashboards/hls-load-test.json")).unwrap();
    let dashboard: Value = serde_json::from_str(&text).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let found = panels.iter().find(|known| known["title"] == panel && known["targets"].is_array());
    let targets =
        found.unwrap_or_else(|| panic!("no panel is called {panel}"))["targets"].as_array().unwrap();
    targets.iter().map(|target| filled_in(target["expr"].as_str().unwrap(), rate_interval)).collect()
}

/// As Grafana fills it in.
pub(crate) fn filled_in(expression: &str, rate_interval: &str) -> String {
    expression.replace("$__rate_interval", rate_interval).replace("$swarm", ".+").replace("$origin", ".+")
}

/// Runs on a free port until it is dropped. Scrapes twice a second: tests are short.
pub(crate) struct Prometheus {
    address: String,
    _program: Running,
    _folder: TempDir,
}

/// Labels and value.
pub(crate) type Series = (BTreeMap<String, String>, f64);

impl Prometheus {
    /// Scrapes `host:port` of each job. Returns when it can be asked.
    #[track_caller]
    pub(crate) fn start(jobs: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let configuration = folder.path().join("prometheus.yml");
        let scraped: Vec<_> = jobs
            .iter()
            .map(|(job, target)| json!({ "job_name": job, "static_configs": [{ "targets": [target] }] }))
            .collect();
        // Prometheus reads YAML, and JSON is YAML.
        let text = json!({
            "global": { "scrape_interval": "500ms", "evaluation_interval": "500ms" },
            "rule_files": [path("observability/rules/*.yml")],
            "scrape_configs": scraped,
        });
        std::fs::write(&configuration, text.to_string()).unwrap();
        let mut program = Running::start(
            Command::new("prometheus")
                .arg(format!("--config.file={}", configuration.display()))
                .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
                .arg("--web.listen-address=127.0.0.1:0"),
        );
        let mut address = None;
        wait_until("Prometheus says where it listens, and that it is ready", || {
            assert!(!program.has_ended(), "it ended: {}", program.stderr());
            let said = program.stderr();
            if !said.contains("msg=\"Server is ready") {
                return false;
            }
            let line = said.lines().find(|line| line.contains("msg=\"Listening on\""));
            address = line.and_then(|line| line.split_once(" address=")).map(|(_, found)| found.to_owned());
            address.is_some()
        });
        Self { address: address.unwrap(), _program: program, _folder: folder }
    }

    /// What an expression gives now. What is not a number is no answer.
    #[track_caller]
    pub(crate) fn query(&self, expression: &str) -> Vec<Series> {
        self.ask_for_series(expression, &[("query", expression)])
    }

    /// What it gave at a time of RFC 3339.
    #[track_caller]
    pub(crate) fn query_at(&self, expression: &str, time: &str) -> Vec<Series> {
        self.ask_for_series(expression, &[("query", expression), ("time", time)])
    }

    /// What it gave twice a second, as seconds since `begin` and values. Of one series.
    #[track_caller]
    pub(crate) fn range(&self, expression: &str, begin: SystemTime, length: Duration) -> Vec<(f64, f64)> {
        let begin_s = begin.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs_f64();
        let (start, end) = (begin_s.to_string(), (begin_s + length.as_secs_f64()).to_string());
        let parameters = [("query", expression), ("start", &start), ("end", &end), ("step", "0.5")];
        let answer = self.ask("query_range", &parameters);
        let points =
            answer["result"].as_array().unwrap().iter().flat_map(|of| of["values"].as_array().unwrap());
        let point =
            |at: &Value| (at[0].as_f64().unwrap() - begin_s, at[1].as_str().unwrap().parse().unwrap());
        points.map(point).collect()
    }

    #[track_caller]
    fn ask_for_series(&self, expression: &str, parameters: &[(&str, &str)]) -> Vec<Series> {
        let answer = self.ask("query", parameters);
        let series = |found: &Value| -> Series {
            let value = found["value"][1].as_str().unwrap().parse().unwrap();
            (serde_json::from_value(found["metric"].clone()).unwrap(), value)
        };
        answer["result"]
            .as_array()
            .unwrap_or_else(|| panic!("{expression} gives no vector: {answer}"))
            .iter()
            .map(series)
            .filter(|(_, value)| !value.is_nan())
            .collect()
    }

    /// All rules.
    pub(crate) fn rules(&self) -> Vec<Value> {
        let groups = self.ask("rules", &[])["groups"].as_array().unwrap().clone();
        groups.iter().flat_map(|group| group["rules"].as_array().unwrap().clone()).collect()
    }

    /// Alerts whose condition holds, whether or not for long enough to fire.
    pub(crate) fn raised(&self) -> Vec<String> {
        let name = |alert: &Value| alert["labels"]["alertname"].as_str().unwrap().to_owned();
        self.ask("alerts", &[])["alerts"].as_array().unwrap().iter().map(name).collect()
    }

    /// `data` of an answer of its HTTP API.
    #[track_caller]
    fn ask(&self, what: &str, parameters: &[(&str, &str)]) -> Value {
        let url = format!("http://{}/api/v1/{what}", self.address);
        let url = url::Url::parse_with_params(&url, parameters).unwrap();
        // 1.0: no answer in chunks.
        let request = format!("GET {}?{} HTTP/1.0\r\n\r\n", url.path(), url.query().unwrap_or_default());
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let body = answer.split_once("\r\n\r\n").map(|(_, body)| body).unwrap();
        let mut body: Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"));
        assert_eq!(body["status"], "success", "{parameters:?}: {body}");
        body["data"].take()
    }
}
