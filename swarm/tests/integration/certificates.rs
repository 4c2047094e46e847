//! Certificates that are wrong, one way each: refused with the reason, and accepted with `-dangerous`.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use rcgen::{CertificateParams, DnType, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use testkit::Running;

use crate::support::{Answer, in_http, run, swarm, vod_answers};

/// A VOD behind a certificate.
struct Secure {
    url: String,
    /// Requests, with their headers.
    heard: Arc<Mutex<Vec<String>>>,
    folder: tempfile::TempDir,
}

impl Secure {
    fn serve(names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Self {
        let names: Vec<_> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("certificate.pem"), certificate.pem()).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://localhost:{}/vod.m3u8", listener.local_addr().unwrap().port());
        let (config, answers) = (Arc::new(config), Arc::new(vod_answers(3).into_iter().collect()));
        let heard = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&heard);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
                let (answers, log) = (Arc::clone(&answers), Arc::clone(&log));
                std::thread::spawn(move || answer(StreamOwned::new(connection, stream), &answers, &log));
            }
        });
        Self { url, heard, folder }
    }

    fn certificate(&self) -> PathBuf {
        self.folder.path().join("certificate.pem")
    }
}

fn answer(
    mut stream: StreamOwned<ServerConnection, std::net::TcpStream>,
    answers: &HashMap<String, Answer>,
    log: &Mutex<Vec<String>>,
) {
    let lines = BufReader::new(&mut stream).lines().map_while(Result::ok);
    let head = lines.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join("\n");
    // A client that trusts nobody hangs up after the handshake.
    let Some((start, body)) = head.split(' ').nth(1).and_then(|path| answers.get(path)) else { return };
    let cookie = "Set-Cookie: visit=1; Domain=localhost; Path=/; Secure";
    stream.write_all(&in_http(&head, &format!("{start}\r\n{cookie}"), body)).unwrap_or_default();
    log.lock().unwrap().push(head);
    stream.conn.send_close_notify();
    stream.flush().unwrap_or_default();
}

#[track_caller]
fn refused_for(origin: &Secure, trusted: &Secure, reason: &str) {
    let check = |flags: &[&str]| {
        let mut command = swarm(&["-check", "-metrics", "off", &origin.url]);
        Running::start(command.args(flags).env("SSL_CERT_FILE", trusted.certificate())).wait()
    };
    let refused = check(&[]);
    assert_eq!(refused.code, Some(3), "{refused:?}");
    assert!(refused.stderr.contains(reason) && refused.stderr.contains("--dangerous"), "{refused:?}");
    let accepted = check(&["-dangerous"]);
    assert_eq!(
        (accepted.code, accepted.stdout.as_str()),
        (Some(0), "It plays: one viewer received media.\n")
    );
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_refused() {
    let origin = Secure::serve(&["localhost"], |_| {});
    let name = |params: &mut CertificateParams| params.distinguished_name.push(DnType::CommonName, "another");
    let other = Secure::serve(&["localhost"], name);
    refused_for(&origin, &other, "UnknownIssuer");
}

#[test]
fn a_certificate_that_has_expired_is_refused() {
    let origin = Secure::serve(&["localhost"], |params| params.not_after = rcgen::date_time_ymd(2020, 2, 2));
    refused_for(&origin, &origin, "certificate expired");
}

#[test]
fn a_certificate_of_another_host_is_refused() {
    let origin = Secure::serve(&["other.example.test"], |_| {});
    refused_for(&origin, &origin, "not valid for name \"localhost\"");
}

#[test]
fn a_cookie_with_a_domain_comes_back_to_an_https_origin() {
    let origin = Secure::serve(&["localhost"], |_| {});
    let finished = run(&["-check", "-metrics", "off", "-dangerous", &origin.url]);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let heard = origin.heard.lock().unwrap();
    let segments: Vec<_> = heard.iter().filter(|head| head.starts_with("GET /vod2.ts ")).collect();
    assert!(!segments.is_empty(), "{heard:?}");
    assert!(segments.iter().all(|head| head.contains("Cookie: visit=1")), "{segments:?}");
}
