//! `-origin-metrics`: the origin's own figures beside the viewers'; whatever the endpoint does, the run goes on.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use nix::sys::signal::Signal;
use serde_json::Value;
use testkit::wait_until;

use crate::support::{Swarm, origin};

/// An endpoint that has answered ten more requests each time it is asked, two of them with 503.
struct Endpoint {
    url: String,
    scrapes: Arc<AtomicUsize>,
    is_broken: Arc<AtomicBool>,
    heard: Arc<Mutex<String>>,
}

impl Endpoint {
    fn serve() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/metrics", listener.local_addr().unwrap());
        let (scrapes, is_broken) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let heard = Arc::new(Mutex::new(String::new()));
        let hearing = Arc::clone(&heard);
        let (count, broken) = (Arc::clone(&scrapes), Arc::clone(&is_broken));
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                let number = count.fetch_add(1, Ordering::Relaxed);
                let status = if broken.load(Ordering::Relaxed) { "500 Broken" } else { "200 OK" };
                let body = format!(
                    "# TYPE hlsorigin_requests_total counter\n\
                     hlsorigin_requests_total{{status=\"200\"}} {}\nhlsorigin_requests_total{{status=\"503\"}} {}\n\
                     hlsorigin_connections 7\n",
                    8 * number,
                    2 * number
                );
                let start = format!(
                    "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                    body.len()
                );
                // The request is one packet; a client that hangs up is counted all the same.
                let mut request = [0; 4096];
                let length = stream.read(&mut request).unwrap_or_default();
                hearing.lock().unwrap().push_str(&String::from_utf8_lossy(&request[..length]));
                stream.write_all((start + &body).as_bytes()).unwrap_or_default();
            }
        });
        Self { url, scrapes, is_broken, heard }
    }

    #[track_caller]
    fn wait_for_scrapes(&self, more: usize) {
        let until = self.scrapes.load(Ordering::Relaxed) + more;
        wait_until("the endpoint was read", || self.scrapes.load(Ordering::Relaxed) >= until);
    }
}

/// Ends the run in good order, and reads the report, the summary and the log.
fn end(mut swarm: Swarm, report: &std::path::Path) -> (Value, testkit::Finished) {
    swarm.program.send(Signal::SIGTERM);
    let finished = swarm.program.wait();
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let report: Value = serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap();
    (report, finished)
}

#[test]
fn the_origins_figures_are_in_the_report_and_the_summary() {
    let (origin, endpoint) = (origin("one-second", &[]), Endpoint::serve());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.json");
    let flags = ["-clients", "1", "-report", path.to_str().unwrap(), "-header", "Authorization: secret"];
    let swarm = Swarm::start(&[&flags[..], &["-origin-metrics", &endpoint.url, &origin.url]].concat());
    wait_until("it plays", || swarm.metric("hlsswarm_clients_playing") == 1);
    endpoint.wait_for_scrapes(3);
    let (report, finished) = end(swarm, &path);
    let told = &report["origin_metrics"];
    assert_eq!(told["urls"][0], *endpoint.url);
    assert_eq!(told["connections_max"], 7.0, "{told:#}");
    let errors = told["errors_5xx"].as_f64().unwrap();
    let is_even = (errors / 2.0 - (errors / 2.0).round()).abs() < 1e-6;
    assert!(errors >= 4.0 && is_even, "two for each scrape but the first: {told:#}");
    assert!(told["requests_per_s_mean"].as_f64().unwrap() > 0.0, "{told:#}");
    assert!(told["first_5xx_after_s"].as_f64().unwrap() > 0.0, "{told:#}");
    let timeline = report["series"].as_array().unwrap();
    let on_it = |field: &str| timeline.iter().any(|row| row[field].as_f64().is_some_and(|value| value > 0.0));
    assert!(on_it("origin_errors_5xx_per_s") && on_it("generator_cpu_ratio"), "{timeline:#?}");
    assert!(told["cpu_ratio_mean"].is_null() && told["bytes_per_s_max"].is_null(), "{told:#}");
    assert!(finished.stdout.contains("\n  origin     at most 7 connections, "), "{}", finished.stdout);
    let heard = endpoint.heard.lock().unwrap().to_ascii_lowercase();
    assert!(heard.contains("get /metrics ") && !heard.contains("secret"), "{heard}");
}

#[test]
fn an_endpoint_that_fails_is_said_once_and_disturbs_nothing() {
    let (origin, endpoint) = (origin("one-second", &[]), Endpoint::serve());
    endpoint.is_broken.store(true, Ordering::Relaxed);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.json");
    let flags = ["-clients", "1", "-report", path.to_str().unwrap(), "-origin-metrics", &endpoint.url];
    let swarm = Swarm::start(&[&flags[..], &[&origin.url]].concat());
    wait_until("it plays", || swarm.metric("hlsswarm_clients_playing") == 1);
    endpoint.wait_for_scrapes(3);
    endpoint.is_broken.store(false, Ordering::Relaxed);
    wait_until("it is back", || swarm.program.stderr().contains("are back"));
    let (report, finished) = end(swarm, &path);
    let told = &report["origin_metrics"];
    assert!(told["failed_scrapes"].as_u64().unwrap() >= 2, "{told:#}");
    assert!(told["last_failure"].as_str().unwrap().contains("500"), "{told:#}");
    assert_eq!(finished.stderr.matches("no origin metrics from").count(), 1, "{}", finished.stderr);
    assert!(finished.stdout.contains("\nHeld 1 of 1 viewer "), "{}", finished.stdout);
}
