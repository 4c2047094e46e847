//! Profiles and circumstances, and the configuration that they come to.

use super::*;
use crate::catalog;

const DEBIAN: &str = "nginx version: nginx/1.22.1\nconfigure arguments: --with-threads \
    --with-http_stub_status_module --with-http_ssl_module";

fn config(change: impl FnOnce(&mut Server<'_>)) -> String {
    let profile = catalog::find("default").unwrap().unwrap();
    let build = Build::parse(DEBIAN);
    let address = "127.0.0.1:8080".parse().unwrap();
    let mut server = Server {
        profile: &profile,
        address,
        build: &build,
        account: None,
        open_files: 1024,
        access_log: None,
        tls: None,
        admin: "127.0.0.1:9000".parse().unwrap(),
        routing: None,
    };
    change(&mut server);
    server.config()
}

fn lean_config(build: &Build) -> String {
    config_of("default", build)
}

fn config_of(profile: &str, build: &Build) -> String {
    let profile = catalog::find(profile).unwrap().unwrap();
    let address = "127.0.0.1:1".parse().unwrap();
    let (account, access_log, tls, routing) = (None, None, None, None);
    let (open_files, admin) = (99, address);
    Server { profile: &profile, address, build, account, open_files, access_log, tls, admin, routing }
        .config()
}

#[test]
fn the_configuration_is_this() {
    insta::assert_snapshot!(config(|_| {}));
}

#[test]
fn under_a_fault_the_stream_is_routed_and_nothing_else() {
    let upstream = "127.0.0.1:7000".parse().unwrap();
    let redirect = Some("127.0.0.1:8081".parse().unwrap());
    let routed = config(|server| server.routing = Some(Routing { upstream, redirect }));
    let before = config(|_| {});
    let more: Vec<_> = routed.lines().filter(|line| !before.contains(*line)).collect();
    insta::assert_snapshot!(more.join("\n"));
}

#[test]
fn root_gives_its_workers_to_another_account_and_only_root_does() {
    let account = Account { user: "nobody".into(), group: "nogroup".into() };
    assert!(config(|server| server.account = Some(account)).contains("\nuser nobody nogroup;\n"));
    assert!(!config(|_| {}).contains("\nuser "));
}

#[test]
fn connections_follow_the_limit_on_open_files() {
    assert!(config(|_| {}).contains("worker_connections 480;"));
    let plenty = config(|server| server.open_files = 1 << 40);
    assert!(plenty.contains("worker_rlimit_nofile 65600;"), "{plenty}");
    assert!(plenty.contains("worker_connections 32768;"), "{plenty}");
    assert!(config(|server| server.open_files = 10).contains("worker_connections 16;"));
}

#[test]
fn a_lean_build_gets_no_directive_that_it_lacks() {
    let lean = Build::parse("configure arguments: --without-http_scgi_module --without-http_uwsgi_module");
    assert_eq!(
        lean,
        Build { stub_status: false, tls: false, debug: false, temp_paths: vec!["proxy", "fastcgi"] }
    );
    let text = lean_config(&lean);
    assert!(!text.contains("stub_status") && !text.contains("scgi") && text.contains("proxy_temp_path"));
}

#[test]
fn the_access_log_is_off_unless_a_file_is_named() {
    assert_eq!(config(|_| {}).matches("access_log").count(), 1, "the one that is counted");
    let file = PathBuf::from("/var/log/origin.jsonl");
    let text = config(|server| server.access_log = Some(file));
    assert!(text.contains("access_log \"/var/log/origin.jsonl\" json;"), "{text}");
    assert!(text.contains("\"status\":$status") && text.contains("escape=json"), "{text}");
}

#[test]
fn the_debug_log_has_what_this_nginx_can_tell() {
    assert!(config_of("debug", &Build::parse(DEBIAN)).contains("error_log debug.log info;"));
    let able = Build::parse("configure arguments: --with-debug");
    assert!(config_of("debug", &able).contains("error_log debug.log debug;"));
    assert!(!config(|_| {}).contains("debug"));
}

#[test]
fn a_server_for_throughput_has_a_listener_for_each_worker() {
    let text = config_of("stress", &Build::parse(DEBIAN));
    for line in ["listen 127.0.0.1:1 backlog=4096 reuseport;", "sendfile on;"] {
        assert!(text.contains(line), "{line} in {text}");
    }
    assert!(!config(|_| {}).contains("reuseport"));
}

#[test]
fn nothing_keeps_the_end_of_a_segment_back() {
    // With either of them Nginx sends it when the beginning is acknowledged: 40 ms later, for one segment in twenty.
    let text = config(|_| {});
    assert!(text.contains("sendfile on;"), "{text}");
    for switch in ["tcp_nopush on", "tcp_nodelay off"] {
        assert!(!text.contains(switch), "{switch} in {text}");
    }
}

#[test]
fn https_is_spoken_exactly_when_there_is_a_certificate() {
    let tls = Tls { certificate: "tls/certificate.pem".into(), key: "/etc/my key.pem".into() };
    let text = config(|server| server.tls = Some(tls));
    for line in [
        "listen 127.0.0.1:8080 ssl backlog=4096;",
        "ssl_certificate \"tls/certificate.pem\";",
        "ssl_certificate_key \"/etc/my key.pem\";",
        "ssl_protocols TLSv1.2 TLSv1.3;",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    assert!(!text.contains("http2"), "{text}");
    assert!(!config(|_| {}).contains("ssl"));
}

#[test]
fn all_addresses_of_ipv6_are_those_of_ipv4_too_and_one_is_alone() {
    assert!(
        config(|server| server.address = "[::]:80".parse().unwrap()).contains("listen [::]:80 ipv6only=off")
    );
    assert!(
        config(|server| server.address = "[::1]:80".parse().unwrap()).contains("listen [::1]:80 backlog")
    );
}
