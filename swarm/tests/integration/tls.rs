//! HTTPS and other addresses: through the wire, against the real origin.

use std::fs;

use testkit::Origin;

use crate::support::{Swarm, origin, run, swarm};

/// Where the origin says its certificate is.
fn certificate(origin: &Origin) -> String {
    let said = origin.program.stderr();
    let path = said.split_whitespace().find(|word| word.ends_with("certificate.pem"));
    path.unwrap_or_else(|| panic!("no certificate in {said}")).to_owned()
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_refused_unless_told_otherwise() {
    let origin = origin("tls", &[]);
    let refused = run(&["-metrics", "off", "-duration", "4s", &origin.url]);
    assert_eq!(refused.code, Some(3), "{refused:?}");
    assert!(refused.stderr.contains("certificate") && refused.stderr.contains("--dangerous"), "{refused:?}");
    let accepted = run(&["-metrics", "off", "-duration", "4s", "-clients", "2", "--dangerous", &origin.url]);
    assert_eq!(accepted.code, Some(0), "{accepted:?}");
    assert!(accepted.stdout.contains("2 of 2 received media"), "{}", accepted.stdout);
}

#[test]
fn a_certificate_of_a_trusted_root_is_verified_for_every_request() {
    let origin = origin("tls", &[]);
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("run.json");
    let flags = ["-metrics", "off", "-duration", "4s", "-clients", "2", "-report", report.to_str().unwrap()];
    let trusting = |url: &str| {
        let mut command = swarm(&flags);
        testkit::Running::start(command.arg(url).env("SSL_CERT_FILE", certificate(&origin))).wait()
    };
    let played = trusting(&origin.url);
    assert_eq!(played.code, Some(0), "{played:?}");
    let report: serde_json::Value = serde_json::from_slice(&fs::read(&report).unwrap()).unwrap();
    assert_eq!(report["configuration"]["tls_verified"], true);
    let segments = report["wire"]["kinds"].as_array().unwrap().iter().find(|kind| kind["kind"] == "segment");
    assert!(segments.unwrap()["requests"].as_u64().unwrap() >= 6, "{report}");
    // The certificate is for 127.0.0.1 and its names: the same server under another address is another matter.
    let other = trusting(&origin.url.replace("127.0.0.1", "127.0.0.2"));
    assert_eq!(other.code, Some(3), "{other:?}");
}

#[test]
fn a_name_that_does_not_resolve_plays_from_the_address_that_was_given() {
    let origin = origin("tls", &[]);
    let url = origin.url.replace("127.0.0.1", "cdn.example.test");
    let unresolved = run(&["-metrics", "off", "-duration", "4s", "--dangerous", &url]);
    assert_eq!(unresolved.code, Some(3), "{unresolved:?}");
    assert!(unresolved.stderr.contains("cdn.example.test could not be resolved"), "{unresolved:?}");
    let flags = ["-clients", "3", "-duration", "5s", "-resolve", "127.0.0.1", "--dangerous"];
    let finished = { Swarm::start(&[&flags[..], &[&url]].concat()) }.program.wait();
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(finished.stdout.contains("\nHeld 3 of 3 viewers"), "{}", finished.stdout);
    assert!(finished.stdout.contains("3 of 3 received media"), "{}", finished.stdout);
}
