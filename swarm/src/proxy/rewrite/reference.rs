//! A URI in a playlist: what it means, and what must stand there instead so that FFmpeg's request comes to the proxy.

use std::borrow::Cow;

use url::{Position, Url};

use crate::proxy::mapping::to_ffmpeg;

/// Where a playlist's references start from.
pub(super) struct Base<'a> {
    real: &'a Url,
    /// What FFmpeg knows it as, and resolves against.
    mapped: Url,
}

/// What a URI is.
#[derive(Debug, PartialEq)]
pub(super) enum Reference {
    /// `http` or `https`.
    Wire {
        /// As the proxy will be asked for it, but real: absolute, without user name, password and fragment.
        url: Url,
        /// Bytes at the beginning of the reference, and what replaces them; `None` where it can stay as it is.
        replace: Option<(usize, String)>,
    },
    /// Of another scheme, which is never fetched over the wire; or empty.
    Foreign,
    /// No URI, or one whose request would not come to the proxy and cannot be made to.
    Unreadable,
}

impl<'a> Base<'a> {
    pub(super) fn new(real: &'a Url) -> Self {
        Self { real, mapped: to_ffmpeg(real) }
    }

    pub(super) fn real(&self) -> &'a Url {
        self.real
    }

    pub(super) fn resolve(&self, reference: &[u8]) -> Reference {
        if reference.is_empty() {
            return Reference::Foreign;
        }
        self.read(reference).unwrap_or(Reference::Unreadable)
    }

    fn read(&self, reference: &[u8]) -> Option<Reference> {
        let reference = std::str::from_utf8(reference).ok()?;
        // Variables (EXT-X-DEFINE) are not known here, nor to FFmpeg.
        if reference.contains("{$") {
            return None;
        }
        let sent = escaped(reference);
        let resolved = self.real.join(&sent).ok()?;
        let replace = match resolved.scheme() {
            "http" => None,
            "https" if self.leads_to(&sent, &resolved) => None,
            "https" => Some(replacement(reference, &resolved)?),
            _ => return Some(Reference::Foreign),
        };
        Some(Reference::Wire { url: as_requested(resolved)?, replace })
    }

    /// Whether FFmpeg finds its way from a reference that is left as it is.
    fn leads_to(&self, reference: &str, resolved: &Url) -> bool {
        let leads = |url: Url| url.scheme() == "http" && url == to_ffmpeg(resolved);
        is_plainly_relative(reference) || self.mapped.join(reference).is_ok_and(leads)
    }
}

/// Only scheme and authority are replaced: path and query of a signed URL reach the origin as they are written.
fn replacement(reference: &str, resolved: &Url) -> Option<(usize, String)> {
    let mapped = to_ffmpeg(resolved);
    let end = end_of_authority(reference)?;
    let authority = &mapped[..Position::BeforePath];
    let replaced = Url::parse(&format!("{authority}{}", escaped(&reference[end..])));
    (mapped.scheme() == "http" && replaced.as_ref() == Ok(&mapped)).then(|| (end, authority.to_owned()))
}

/// Spares the usual segment the slow comparison: a path that begins with a name, and no other scheme.
fn is_plainly_relative(reference: &str) -> bool {
    !reference.starts_with('/') && reference.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':')
}

/// Where path, query or fragment begin in `//authority…` or `https://authority…`; `None` in anything else.
fn end_of_authority(reference: &str) -> Option<usize> {
    let slashes = reference.find("//")?;
    let scheme = &reference[..slashes];
    if !(scheme.is_empty() || scheme.eq_ignore_ascii_case("https:")) {
        return None;
    }
    let authority = slashes + 2;
    Some(reference[authority..].find(['/', '?', '#']).map_or(reference.len(), |end| authority + end))
}

/// As FFmpeg sends it. It escapes more than the URL standard does, and sees no slash in a backslash: without this, the
/// URL of a segment would not be the one that is asked for. Measured, see the test.
fn escaped(reference: &str) -> Cow<'_, str> {
    let bytes = reference.as_bytes();
    let is_escape = |at: usize| matches!(bytes.get(at + 1..at + 3), Some([a, b]) if a.is_ascii_hexdigit() && b.is_ascii_hexdigit());
    let must_go = |at: usize, char: char| match char {
        '%' => !is_escape(at),
        _ => matches!(char, '\\' | '^' | '`' | '{' | '|' | '}'),
    };
    if !reference.char_indices().any(|(at, char)| must_go(at, char)) {
        return Cow::Borrowed(reference);
    }
    let escape =
        |(at, char)| if must_go(at, char) { format!("%{:02X}", u32::from(char)) } else { char.to_string() };
    Cow::Owned(reference.char_indices().map(escape).collect())
}

/// FFmpeg's request line to a proxy names neither user nor fragment.
fn as_requested(mut url: Url) -> Option<Url> {
    url.set_fragment(None);
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    Some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HTTPS: &str = "https://u:p@cdn.example:8443/live/index.m3u8?token=1";
    const HTTP: &str = "http://origin.test/live/index.m3u8";

    fn resolve(base: &str, reference: &str) -> Reference {
        Base::new(&Url::parse(base).unwrap()).resolve(reference.as_bytes())
    }

    /// The real URL, and the reference after replacement.
    fn read(base: &str, reference: &str) -> (String, String) {
        match resolve(base, reference) {
            Reference::Wire { url, replace: None } => (url.into(), reference.to_owned()),
            Reference::Wire { url, replace: Some((length, text)) } => {
                (url.into(), text + &reference[length..])
            }
            other => panic!("{reference}: {other:?}"),
        }
    }

    #[test]
    fn a_reference_that_ffmpeg_resolves_rightly_stays_as_it_is() {
        for (base, reference, real) in [
            (HTTPS, "seg.ts", "https://cdn.example:8443/live/seg.ts"),
            (HTTPS, "../a/b?c=d:e#f", "https://cdn.example:8443/a/b?c=d:e"),
            (HTTPS, "/root", "https://cdn.example:8443/root"),
            (HTTPS, "?q", "https://cdn.example:8443/live/index.m3u8?q"),
            (HTTPS, "a b/ü.ts", "https://cdn.example:8443/live/a%20b/%C3%BC.ts"),
            (HTTPS, "http://plain.test/x", "http://plain.test/x"),
            (HTTP, "seg.ts", "http://origin.test/live/seg.ts"),
            (HTTP, "//other.test/x", "http://other.test/x"),
            (HTTP, "http://u:p@plain.test/x#y", "http://plain.test/x"),
        ] {
            assert_eq!(read(base, reference), (real.to_owned(), reference.to_owned()));
        }
    }

    #[test]
    fn scheme_and_authority_of_https_are_replaced_and_nothing_else() {
        for (base, reference, real, replaced) in [
            (HTTP, "https://h/p?q#f", "https://h/p?q", "http://h.p443.tls.swarm.invalid/p?q#f"),
            (HTTPS, "https://h/p", "https://h/p", "http://h.p443.tls.swarm.invalid/p"),
            (HTTPS, "//h/p", "https://h/p", "http://h.p443.tls.swarm.invalid/p"),
            (HTTPS, "//h:1/p", "https://h:1/p", "http://h.p1.tls.swarm.invalid/p"),
            (HTTP, "HTTPS://H", "https://h/", "http://h.p443.tls.swarm.invalid"),
            (HTTP, "https://h?q", "https://h/?q", "http://h.p443.tls.swarm.invalid?q"),
            (HTTP, "https://u:p@h/", "https://h/", "http://u:p@h.p443.tls.swarm.invalid/"),
            (HTTP, "https://[::1]:2/", "https://[::1]:2/", "http://0-0-0-0-0-0-0-1.p2.tls6.swarm.invalid/"),
            (
                HTTP,
                "https://h/a'b c|d/../é?s='\"ü~%7e",
                "https://h/a'b%20c%7Cd/../é?s=%27%22%C3%BC~%7e",
                "http://h.p443.tls.swarm.invalid/a'b c|d/../é?s='\"ü~%7e",
            ),
        ] {
            let real = Url::parse(real).unwrap().to_string();
            assert_eq!(read(base, reference), (real, replaced.to_owned()));
        }
    }

    /// What FFmpeg 5.1.9, 7.1.5 and 9.0.2 asked their proxy for when they played a segment of this name.
    #[test]
    fn the_url_of_a_segment_is_the_one_that_ffmpeg_asks_for() {
        let name = r#"p!"$%&'()*+,-.;<=>@[]^_`{|}~\é%41%zz%2e%2F %/a.ts?q!"$%&'()*+,-.;<=>@[]^_`{|}~\é%41%zz%2e%2F %/?:b"#;
        let asked = "http://h/p!%22$%25&'()*+,-.;%3C=%3E@[]%5E_%60%7B%7C%7D~%5C%C3%A9%41%25zz%2e%2F%20%25/a.ts?\
            q!%22$%25&'()*+,-.;%3C=%3E@[]%5E_%60%7B%7C%7D~%5C%C3%A9%41%25zz%2e%2F%20%25/?:b";
        for (base, prefix) in [("http://h/index.m3u8", "http"), ("https://h/index.m3u8", "https")] {
            let asked = Url::parse(&asked.replacen("http", prefix, 1)).unwrap().to_string();
            assert_eq!(read(base, name), (asked.clone(), name.to_owned()));
            let (url, text) = read(base, &format!("https://h/{name}"));
            assert_eq!(
                (url, text),
                (asked.replacen("http:", "https:", 1), format!("http://h.p443.tls.swarm.invalid/{name}"))
            );
        }
    }

    #[test]
    fn what_is_not_fetched_over_http_is_foreign() {
        for reference in ["", "data:text/plain;base64,AA==", "skd://key", "blob:https://h/x", "urn:uuid:1"] {
            assert_eq!(resolve(HTTPS, reference), Reference::Foreign, "{reference}");
        }
    }

    #[test]
    fn what_would_leave_the_wire_and_cannot_be_mapped_is_unreadable() {
        for reference in [
            "https://",
            "https://h:99999/",
            "https://[::g]/",
            "https:/h/x",
            "https:h/x",
            "https:///h/x",
            "ht\ttps://h/x",
            "https:\\\\h/x",
            "{$base}/x",
            "https://h/{$x}",
        ] {
            assert_eq!(resolve(HTTP, reference), Reference::Unreadable, "{reference}");
        }
        assert_eq!(Base::new(&Url::parse(HTTP).unwrap()).resolve(b"\xff.ts"), Reference::Unreadable);
    }
}
