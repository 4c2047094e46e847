//! Cookies, as FFmpeg must be told of them to send them where it would without us. Keeps none: FFmpeg does.
//!
//! FFmpeg compares a cookie's `Path` with what stands in its request line, which is the whole URL where there is a proxy:
//! no cookie with a path would ever come back. And it compares `Domain` with the end of the host name, which is a mapped
//! one for an `https` origin.

use url::{Position, Url};

use super::fields::Fields;
use super::mapping::to_ffmpeg;

/// Changes the `Set-Cookie` headers of an answer from `url`, as far as they have to be.
pub fn map(url: &Url, fields: &mut Fields) {
    fields.map("set-cookie", |cookie| to_ffmpeg_cookie(url, cookie));
}

fn to_ffmpeg_cookie(url: &Url, cookie: &str) -> String {
    let attribute = |attribute: &str| {
        let mapped = attribute.trim().split_once('=').and_then(|(name, value)| match name.trim() {
            name if name.eq_ignore_ascii_case("domain") => mapped_domain(url, value.trim()),
            name if name.eq_ignore_ascii_case("path") => mapped_path(url, value.trim()),
            _ => None,
        });
        mapped.unwrap_or_else(|| attribute.to_owned())
    };
    cookie.split(';').map(attribute).collect::<Vec<_>>().join(";")
}

/// `None` where it stays: of an `http` origin, and where the domain is not the host's, with which FFmpeg drops the
/// cookie, with us as without us. A mapped domain holds the port too, so the cookie goes to this port only.
fn mapped_domain(url: &Url, domain: &str) -> Option<String> {
    let domain = domain.trim_start_matches('.').to_ascii_lowercase();
    let before = url.host_str()?.strip_suffix(domain.as_str())?;
    let is_ours = before.is_empty() || before.ends_with('.');
    if domain.is_empty() || !is_ours || url.scheme() != "https" {
        return None;
    }
    let mut named = url.clone();
    named.set_host(Some(&domain)).ok()?;
    to_ffmpeg(&named).host_str().map(|host| format!(" Domain={host}"))
}

/// The beginning of the URLs that begin with this path: of all there are for `/`, so that other hosts of a domain get the
/// cookie too, of this host otherwise.
fn mapped_path(url: &Url, path: &str) -> Option<String> {
    match path {
        "/" => Some(" Path=http://".to_owned()),
        path if path.starts_with('/') => {
            let mapped = to_ffmpeg(url);
            Some(format!(" Path=http://{}{path}", &mapped[Position::BeforeHost..Position::BeforePath]))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_mapped_as_the_host_is_and_all_else_stays() {
        let url = Url::parse("https://edge.cdn.example:8443/a").unwrap();
        let zone = "p8443.tls.swarm.invalid";
        for (cookie, mapped) in [
            ("a=b", "a=b".to_owned()),
            ("a=b; Secure; Max-Age=5", "a=b; Secure; Max-Age=5".to_owned()),
            ("a=b; Domain=other.example", "a=b; Domain=other.example".to_owned()),
            ("a=b; Domain=dn.example", "a=b; Domain=dn.example".to_owned()),
            ("a=b; Domain=", "a=b; Domain=".to_owned()),
            ("a=b; Domain=cdn.example; Secure", format!("a=b; Domain=cdn.example.{zone}; Secure")),
            ("a=b;DOMAIN= .CDN.example", format!("a=b; Domain=cdn.example.{zone}")),
            ("a=b; Domain=edge.cdn.example", format!("a=b; Domain=edge.cdn.example.{zone}")),
        ] {
            assert_eq!(to_ffmpeg_cookie(&url, cookie), mapped);
        }
        let http = Url::parse("http://edge.cdn.example/a").unwrap();
        assert_eq!(to_ffmpeg_cookie(&http, "a=b; Domain=cdn.example"), "a=b; Domain=cdn.example");
    }

    #[test]
    fn a_path_becomes_the_beginning_of_the_urls_that_ffmpeg_asks_its_proxy_for() {
        for (url, cookie, mapped) in [
            ("http://u:p@h:81/a", "a=b; Path=/", "a=b; Path=http://"),
            ("http://u:p@h:81/a", "a=b; path=/x/", "a=b; Path=http://h:81/x/"),
            ("https://h/a", "a=b; Path=/x", "a=b; Path=http://h.p443.tls.swarm.invalid/x"),
            ("http://h/a", "a=b; Path=odd", "a=b; Path=odd"),
        ] {
            assert_eq!(to_ffmpeg_cookie(&Url::parse(url).unwrap(), cookie), mapped);
        }
    }

    #[test]
    fn every_cookie_of_an_answer_is_mapped() {
        let cookies = ["a=1; Path=/", "b=2", "c=3; Path=/"];
        let mut fields: Fields =
            cookies.map(|cookie| ("Set-Cookie", cookie.to_owned())).into_iter().collect();
        map(&Url::parse("http://h/").unwrap(), &mut fields);
        let mapped: Vec<_> = fields.all("set-cookie").collect();
        assert_eq!(mapped, ["a=1; Path=http://", "b=2", "c=3; Path=http://"]);
    }
}
