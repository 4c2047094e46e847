//! How an `https` URL looks to FFmpeg: a reversible mapping to `http`. Opens no connection, reads no playlist.
//!
//! FFmpeg tunnels `https` through its proxy, where nothing could be measured. So it is given an `http` URL whose host
//! name holds the real scheme, host and port, and everything else unchanged:
//!
//! | real | mapped |
//! | --- | --- |
//! | `https://cdn.example/a?b` | `http://cdn.example.p443.tls.swarm.invalid/a?b` |
//! | `https://10.0.0.1:8443/` | `http://10.0.0.1.p8443.tls.swarm.invalid/` |
//! | `https://[2001:db8::1]/` | `http://2001-db8-0-0-0-0-0-1.p443.tls6.swarm.invalid/` |
//!
//! Only the authority differs, so a relative reference, resolved against the mapped URL, gives the mapped URL of what
//! it would have given. `.invalid` is reserved (RFC 2606): no real host can have such a name.
//!
//! User name and password stay: FFmpeg makes an `Authorization` header of them when it is asked for one, exactly as
//! without the mapping, and never sends them in a request line.

use url::{Host, Url};

/// All mapped hosts end so; a host that ends so without being one of ours is an error.
const ZONE: &str = ".swarm.invalid";

/// End of a mapped domain name or IPv4 address.
const NAME: &str = ".tls.swarm.invalid";

/// End of a mapped IPv6 address.
const IPV6: &str = ".tls6.swarm.invalid";

/// Stands before the port. A label of digits alone would be refused after a right-to-left name, where every label must
/// begin with a letter (RFC 5893 section 2, rule 1).
const PORT: &str = ".p";

/// A host within `swarm.invalid` that [`to_ffmpeg`] does not make. The text is a fragment that fits after "failed to".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("find the real host behind {0}")]
pub struct Malformed(pub String);

/// The URL that FFmpeg is given for `url`. All but `https` URLs are given as they are.
pub fn to_ffmpeg(url: &Url) -> Url {
    let mapped = if url.scheme() == "https" { map(url) } else { None };
    mapped.unwrap_or_else(|| url.clone())
}

/// The URL that is meant by one that FFmpeg asks for: the inverse of [`to_ffmpeg`]. What is not mapped is meant as it
/// is.
///
/// # Errors
/// When the host looks mapped, but is not what [`to_ffmpeg`] makes.
pub fn from_ffmpeg(url: &Url) -> Result<Url, Malformed> {
    let host = match (url.scheme(), url.host_str()) {
        ("http", Some(host)) if host.ends_with(ZONE) => host,
        _ => return Ok(url.clone()),
    };
    // Whatever is read leniently on the way back (`p0443`, a port behind the name) does not survive the way forth.
    match unmap(url, host) {
        Some(real) if to_ffmpeg(&real) == *url => Ok(real),
        _ => Err(Malformed(host.to_owned())),
    }
}

/// `None` does not happen to an `https` URL that was parsed: an ASCII label behind a valid name leaves it valid.
fn map(url: &Url) -> Option<Url> {
    let port = url.port_or_known_default()?;
    let host = match url.host()? {
        Host::Domain(name) => format!("{name}{PORT}{port}{NAME}"),
        Host::Ipv4(address) => format!("{address}{PORT}{port}{NAME}"),
        Host::Ipv6(address) => {
            format!("{}{PORT}{port}{IPV6}", address.segments().map(|group| format!("{group:x}")).join("-"))
        }
    };
    let mut mapped = url.clone();
    mapped.set_host(Some(&host)).ok()?;
    mapped.set_port(None).ok()?;
    mapped.set_scheme("http").ok()?;
    Some(mapped)
}

fn unmap(url: &Url, host: &str) -> Option<Url> {
    let name = host.strip_suffix(NAME);
    let (host, port) = name.or_else(|| host.strip_suffix(IPV6))?.rsplit_once(PORT)?;
    let host = if name.is_some() { host.to_owned() } else { format!("[{}]", host.replace('-', ":")) };
    let mut real = url.clone();
    real.set_scheme("https").ok()?;
    real.set_host(Some(&host)).ok()?;
    real.set_port(Some(port.parse().ok()?)).ok()?;
    Some(real)
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use proptest::prelude::*;

    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn an_https_url_becomes_an_http_url_that_names_its_host_and_port() {
        for (real, mapped) in [
            ("https://cdn.example/a/b?c", "http://cdn.example.p443.tls.swarm.invalid/a/b?c"),
            ("https://cdn.example:8443/a#f", "http://cdn.example.p8443.tls.swarm.invalid/a#f"),
            ("https://cdn.example:80/", "http://cdn.example.p80.tls.swarm.invalid/"),
            ("https://cdn.example./", "http://cdn.example..p443.tls.swarm.invalid/"),
            ("https://u:p%40@h/", "http://u:p%40@h.p443.tls.swarm.invalid/"),
            ("https://127.0.0.1:1/", "http://127.0.0.1.p1.tls.swarm.invalid/"),
            ("https://[::1]/x", "http://0-0-0-0-0-0-0-1.p443.tls6.swarm.invalid/x"),
            ("https://bücher.example/", "http://xn--bcher-kva.example.p443.tls.swarm.invalid/"),
            ("https://אתר.example:444/", "http://xn--4db2cf.example.p444.tls.swarm.invalid/"),
            ("https://a.p1.tls.swarm.invalid/", "http://a.p1.tls.swarm.invalid.p443.tls.swarm.invalid/"),
        ] {
            assert_eq!(to_ffmpeg(&url(real)).as_str(), mapped);
            assert_eq!(from_ffmpeg(&url(mapped)), Ok(url(real)));
        }
    }

    #[test]
    fn the_port_80_that_ffmpeg_writes_into_its_request_line_is_no_other_port() {
        let requested = url("http://cdn.example.p8443.tls.swarm.invalid:80/a");
        assert_eq!(from_ffmpeg(&requested), Ok(url("https://cdn.example:8443/a")));
    }

    #[test]
    fn everything_but_https_is_given_and_taken_as_it_is() {
        for text in ["http://cdn.example:443/a?b", "http://[::1]:8080/", "data:text/plain,x", "skd://key"] {
            assert_eq!(to_ffmpeg(&url(text)), url(text));
            assert_eq!(from_ffmpeg(&url(text)), Ok(url(text)));
        }
        let tunnelled = url("https://a.p443.tls.swarm.invalid/");
        assert_eq!(from_ffmpeg(&tunnelled), Ok(tunnelled.clone()));
    }

    #[test]
    fn a_host_that_only_looks_mapped_is_refused() {
        for host in [
            "tls.swarm.invalid",
            "a.swarm.invalid",
            "a.tls.swarm.invalid",
            "a.443.tls.swarm.invalid",
            "a.p.tls.swarm.invalid",
            "p443.tls.swarm.invalid",
            ".p443.tls.swarm.invalid",
            "a.p0443.tls.swarm.invalid",
            "a.p+443.tls.swarm.invalid",
            "a.p65536.tls.swarm.invalid",
            "a.p443.tls.swarm.invalid:8080",
            "010.0.0.1.p443.tls.swarm.invalid",
            "a.p443.tls6.swarm.invalid",
            "0-0-0-0-0-0-1.p443.tls6.swarm.invalid",
            "0-0-0-0-0-0-0-01.p443.tls6.swarm.invalid",
            "0--1.p443.tls6.swarm.invalid",
        ] {
            let result = from_ffmpeg(&url(&format!("http://{host}/")));
            assert!(result.is_err(), "{host}: {result:?}");
        }
    }

    fn hosts() -> impl Strategy<Value = String> {
        prop_oneof![
            "[a-z0-9_]([a-z0-9-]{0,8}[a-z0-9])?(\\.[a-z][a-z0-9]{0,6}){0,3}\\.?",
            any::<Ipv4Addr>().prop_map(|address| address.to_string()),
            any::<Ipv6Addr>().prop_map(|address| format!("[{address}]")),
            "(www\\.)?(bücher|例え|אתר|пример|straße)(\\.example)?",
        ]
    }

    fn urls() -> impl Strategy<Value = Url> {
        let userinfo = "([a-zä%@]{1,5}(:[a-z!$ ]{0,5})?@)?";
        let query = "(\\?[ -~äß€\"'<>`{}|^\\[\\]\\\\%&=]{0,20})?";
        ("https?", userinfo, hosts(), "(:[0-9]{1,4})?", "(/[ -\"$->@-~é]{0,6}){0,3}", query, "(#[!-~]{0,5})?")
            .prop_map(|(scheme, user, host, port, path, query, fragment)| {
                Url::parse(&format!("{scheme}://{user}{host}{port}{path}{query}{fragment}"))
            })
            .prop_filter_map("an invalid URL", Result::ok)
    }

    proptest! {
        #[test]
        fn the_way_back_undoes_the_way_forth(real in urls()) {
            let mapped = to_ffmpeg(&real);
            prop_assert_eq!(mapped.scheme(), "http");
            // What FFmpeg is given is text: the mapped URL must survive being written and read.
            prop_assert_eq!(Url::parse(mapped.as_str()), Ok(mapped.clone()));
            prop_assert_eq!(from_ffmpeg(&mapped), Ok(real));
            prop_assert_eq!(to_ffmpeg(&mapped), mapped);
        }

        #[test]
        fn mapped_hosts_are_valid_host_names_where_the_real_ones_are(
            name in "[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?(\\.[a-z]{1,6}){1,3}",
            v4 in any::<Ipv4Addr>(),
            v6 in any::<Ipv6Addr>(),
            port in 1..=u16::MAX,
        ) {
            for host in [name, v4.to_string(), format!("[{v6}]")] {
                let Ok(real) = Url::parse(&format!("https://{host}:{port}/")) else { continue };
                let mapped = to_ffmpeg(&real);
                for label in mapped.host_str().unwrap().split('.') {
                    let letters = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
                    let edges = label.starts_with('-') || label.ends_with('-');
                    prop_assert!(letters && !edges && (1..=63).contains(&label.len()), "{}", mapped);
                }
            }
        }

        #[test]
        fn resolving_and_mapping_commute(
            base in urls(),
            reference in "(/|\\./|(\\.\\./){1,3})?[a-zA-Z0-9._~%é ,;=+-]{0,8}(/[a-z0-9.:@ ]{0,5}){0,3}\
                (\\?[ -~]{0,10})?(#[a-z]{0,3})?",
        ) {
            prop_assume!(!reference.trim().starts_with("//"));
            let resolved = base.join(&reference).unwrap();
            prop_assert_eq!(to_ffmpeg(&resolved), to_ffmpeg(&base).join(&reference).unwrap());
        }

        #[test]
        fn any_text_in_the_mapped_zone_is_refused_or_understood(
            name in "[a-z0-9.-]{0,30}", zone in "tls6?", port in "p[0-9]{0,6}",
        ) {
            if let Ok(mapped) = Url::parse(&format!("http://{name}.{port}.{zone}.swarm.invalid/"))
                && let Ok(real) = from_ffmpeg(&mapped)
            {
                prop_assert_eq!(to_ffmpeg(&real), mapped);
            }
        }
    }
}
