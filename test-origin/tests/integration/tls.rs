//! HTTPS, seen by clients that verify.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, ProtocolVersion, RootCertStore, SupportedProtocolVersion};

use crate::support::{Origin, command, open_dir, profile_file, send, stand_in, wait_until};

/// What a client saw that trusts one certificate and verifies everything.
#[derive(Debug)]
struct Seen {
    text: String,
    certificate: CertificateDer<'static>,
    version: ProtocolVersion,
    protocol: Vec<u8>,
}

/// GET as a client that knows the server as `name`; the error is the client's.
fn get(origin: &Origin, path: &str, name: &str, config: ClientConfig) -> Result<Seen, rustls::Error> {
    let address = origin.url.strip_prefix("https://").unwrap().split('/').next().unwrap();
    let mut socket = TcpStream::connect(address).unwrap();
    let server = ServerName::try_from(name.to_owned()).unwrap();
    let mut connection = ClientConnection::new(Arc::new(config), server).unwrap();
    while connection.is_handshaking() {
        if let Err(error) = connection.complete_io(&mut socket) {
            return Err(error.downcast().unwrap());
        }
    }
    let certificate = connection.peer_certificates().unwrap()[0].clone().into_owned();
    let version = connection.protocol_version().unwrap();
    let protocol = connection.alpn_protocol().unwrap_or_default().to_owned();
    let mut stream = rustls::Stream::new(&mut connection, &mut socket);
    write!(stream, "GET /{path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = Vec::new();
    stream.read_to_end(&mut text).unwrap_or_default();
    Ok(Seen { text: String::from_utf8_lossy(&text).into_owned(), certificate, version, protocol })
}

const BOTH: &[&SupportedProtocolVersion] = &[&rustls::version::TLS12, &rustls::version::TLS13];

fn trusting(
    certificate: &CertificateDer<'static>,
    versions: &[&'static SupportedProtocolVersion],
) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let mut config = ClientConfig::builder_with_protocol_versions(versions)
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config
}

/// Where the program said that the certificate is.
fn certificate_file(origin: &Origin) -> PathBuf {
    let said = origin.program.stderr();
    let line = said.lines().find(|line| line.contains("the certificate for")).unwrap();
    line.split(" is ").last().unwrap().into()
}

fn certificate(origin: &Origin) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(certificate_file(origin)).unwrap()
}

#[test]
fn the_tls_profile_satisfies_a_verifying_client_under_each_of_its_names() {
    let origin = Origin::start(|command| {
        command.args(["--profile", "tls", "--tls-name", "cdn.example.test", "--tls-name", "192.0.2.9"])
    });
    assert!(origin.url.starts_with("https://127.0.0.1:"), "{}", origin.url);
    let trusted = certificate(&origin);
    for name in ["127.0.0.1", "localhost", "::1", "cdn.example.test", "192.0.2.9"] {
        let seen = get(&origin, "stream.m3u8", name, trusting(&trusted, BOTH)).unwrap();
        assert!(seen.text.starts_with("HTTP/1.1 200") && seen.text.contains("#EXTINF:2.0"), "{seen:?}");
        assert_eq!(seen.protocol, b"http/1.1", "h2 was offered and refused");
    }
    for (version, expected) in [
        (&rustls::version::TLS12, ProtocolVersion::TLSv1_2),
        (&rustls::version::TLS13, ProtocolVersion::TLSv1_3),
    ] {
        let seen = get(&origin, "healthz", "localhost", trusting(&trusted, &[version])).unwrap();
        assert_eq!(seen.version, expected);
        assert!(seen.text.starts_with("HTTP/1.1 200"), "{seen:?}");
    }
}

#[test]
fn a_wrong_name_and_an_unknown_certificate_are_refused_by_a_verifying_client() {
    let (origin, other) = (Origin::of_file("tiny-tls", &[]), Origin::of_file("tiny-tls", &[]));
    let wrong = get(&origin, "", "cdn.example.test", trusting(&certificate(&origin), BOTH)).unwrap_err();
    assert!(wrong.to_string().contains("not valid for name"), "{wrong}");
    let unknown = get(&origin, "", "localhost", trusting(&certificate(&other), BOTH)).unwrap_err();
    assert!(matches!(unknown, rustls::Error::InvalidCertificate(_)), "{unknown}");
}

#[test]
fn the_key_is_the_runs_own_and_is_never_served() {
    let mut origin = Origin::of_file("tiny-tls", &[]);
    let file = certificate_file(&origin);
    assert!(file.starts_with(origin.parent_dir.path()), "{}", file.display());
    for secret in [&file, &file.with_file_name("key.pem")] {
        assert_eq!(secret.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    let trusted = certificate(&origin);
    for path in ["tls/key.pem", "key.pem", "../tls/key.pem", "%2e%2e/tls/key.pem", "access.jsonl"] {
        let text = get(&origin, path, "localhost", trusting(&trusted, BOTH)).unwrap().text;
        assert!(text.starts_with("HTTP/1.1 404") || text.starts_with("HTTP/1.1 400"), "/{path}: {text}");
    }
    send(origin.program.pid(), nix::sys::signal::Signal::SIGTERM);
    assert_eq!(origin.program.wait().code, Some(0));
    assert!(!file.exists());
}

#[test]
fn what_is_served_over_tls_has_the_headers_of_the_rest_and_plain_http_is_told() {
    let origin = Origin::of_file("tiny-tls", &[]);
    let trusted = certificate(&origin);
    let answer = |path: &str| get(&origin, path, "localhost", trusting(&trusted, BOTH)).unwrap().text;
    assert!(answer("stream.m3u8").contains("\r\nCache-Control: no-cache\r\n"));
    assert!(answer("nginx_status").contains("Active connections"));
    let plain = crate::support::request("GET", &origin.url.replace("https", "http"), &[]);
    assert_eq!(plain.status, 400, "{plain:?}");
}

#[test]
fn ffmpeg_plays_over_tls() {
    let origin = Origin::of_file("tiny-tls", &[]);
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-tls_verify", "1", "-ca_file"])
        .arg(certificate_file(&origin))
        .args(["-i", &origin.url, "-t", "2", "-c", "copy", "-f", "null", "-"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_server_that_died_comes_back_with_the_same_certificate() {
    let origin = Origin::of_file("tiny-tls", &[]);
    let trusted = certificate(&origin);
    let nginx = origin.process("nginx").unwrap();
    send(nginx, nix::sys::signal::Signal::SIGKILL);
    wait_until("another nginx runs", || origin.process("nginx").is_some_and(|pid| pid != nginx));
    let address = origin.url.strip_prefix("https://").unwrap().split('/').next().unwrap();
    wait_until("it listens", || TcpStream::connect(address).is_ok());
    assert!(get(&origin, "healthz", "localhost", trusting(&trusted, BOTH)).unwrap().text.contains("200"));
}

/// A certificate for `own.example.test` and its key, as files.
fn own(folder: &Path) -> (String, String) {
    let made = test_origin::certificate::make(&["own.example.test".to_owned()]).unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    (file("my cert.pem", &made.certificate_pem), file("key.pem", &made.key_pem))
}

#[test]
fn ones_own_certificate_is_served_and_checked() {
    let folder = open_dir();
    let (certificate, key) = own(folder.path());
    let origin = Origin::of_file("tiny-tls", &["--tls-cert", &certificate, "--tls-key", &key]);
    let mine = CertificateDer::from_pem_file(&certificate).unwrap();
    let seen = get(&origin, "healthz", "own.example.test", trusting(&mine, BOTH)).unwrap();
    assert!(seen.certificate == mine && seen.text.starts_with("HTTP/1.1 200"), "{seen:?}");
    let run_dir = fs::read_dir(origin.parent_dir.path()).unwrap().next().unwrap().unwrap().path();
    assert!(!run_dir.join("tls").exists(), "nothing is made, and nothing copied");
}

#[test]
fn a_certificate_that_cannot_be_is_told_before_anything_starts() {
    let (folder, other) = (open_dir(), open_dir());
    let ((certificate, key), (_, others_key)) = (own(folder.path()), own(other.path()));
    let check = |certificate: &str, key: &str| {
        let output = command(folder.path())
            .arg("--check")
            .arg("--profile-file")
            .arg(profile_file("tiny-tls"))
            .args(["--tls-cert", certificate, "--tls-key", key])
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(check(&certificate, &key).0, Some(0));
    for (certificate, key, expected) in [
        (certificate.as_str(), others_key.as_str(), "is not the key of the certificate in"),
        (&certificate, "/no/key.pem", "--tls-key /no/key.pem: cannot be read: No such file"),
        (&key, &key, "has no certificate in PEM format"),
    ] {
        let (code, said) = check(certificate, key);
        assert!(code == Some(3) && said.contains(expected), "{code:?} {said}");
    }
    let output =
        command(folder.path()).args(["--profile", "tls", "--tls-cert", &certificate]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

#[test]
fn an_nginx_without_tls_is_told() {
    let folder = open_dir();
    let nginx = stand_in(folder.path(), "nginx", "echo 'configure arguments: --with-threads' >&2\n");
    let run = |profile: &str| {
        let output = command(folder.path())
            .args(["--profile", profile, "--print-nginx-conf", "--nginx"])
            .arg(&nginx)
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(run("default").0, Some(0));
    let (code, said) = run("tls");
    assert!(code == Some(3) && said.contains("was built without TLS"), "{said}");
}
