//! What is shown of a URL with a password in it: logs and reports are handed on. Pure.

use std::borrow::Cow;

/// Stands for a password, as in Go's `URL.Redacted`: the URL stays one.
const PASSWORD: &str = "xxxxx";

/// The same text, without the passwords of the URLs in it.
pub fn passwords(text: &str) -> Cow<'_, str> {
    let mut shown = String::new();
    let mut rest = text;
    while let Some((before, url)) = rest.split_once("://") {
        let authority = &url[..url.find(is_behind_authority).unwrap_or(url.len())];
        shown += before;
        shown += "://";
        rest = url;
        // A password may contain an `@` that somebody forgot to escape.
        let user = authority.rsplit_once('@').and_then(|(userinfo, _)| userinfo.split_once(':'));
        if let Some((user, password)) = user {
            shown += user;
            shown += ":";
            shown += PASSWORD;
            rest = &url[user.len() + 1 + password.len()..];
        }
    }
    if shown.is_empty() {
        return Cow::Borrowed(text);
    }
    shown += rest;
    Cow::Owned(shown)
}

fn is_behind_authority(c: char) -> bool {
    matches!(c, '/' | '?' | '#' | '"' | '\'') || c.is_whitespace()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_hidden_and_nothing_else_is() {
        for (text, shown) in [
            ("http://me:secret@h:80/s.m3u8?a=b", "http://me:xxxxx@h:80/s.m3u8?a=b"),
            (
                "opening 'https://a:b@c:d@h' and http://:e@i/",
                "opening 'https://a:xxxxx@h' and http://:xxxxx@i/",
            ),
            ("http://me@h/a:b@c", "http://me@h/a:b@c"),
            ("http://h:80/?mail=a:b@c", "http://h:80/?mail=a:b@c"),
            ("no URL, a:b@c", "no URL, a:b@c"),
            ("cut off: http://me:sec", "cut off: http://me:sec"),
            ("://", "://"),
            ("", ""),
        ] {
            assert_eq!(passwords(text), shown);
        }
    }
}
