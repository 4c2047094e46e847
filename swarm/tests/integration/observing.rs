//! A Prometheus that scrapes both programs under the rules of `observability/`.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::{Running, wait_until};

/// Of the project's root.
pub(crate) fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)
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
        let answer = self.ask("query", &[("query", expression)]);
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
