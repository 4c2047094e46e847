//! Single values, from text. The error is the sentence for the user, without the name of the flag.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use hyper::header::{HeaderName, HeaderValue};
use url::Url;

use crate::go_duration;
use crate::plan::{LONGEST_TIMEOUT, MOST_CLIENTS};

pub(super) fn one_of<T: Copy>(text: &str, choices: &[(&str, T)]) -> Result<T, String> {
    let found = choices.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
    let names = || choices.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    found.ok_or_else(|| format!("\"{text}\" is not one of {}", names()))
}

pub(super) fn parse_url(text: &str) -> Result<Url, String> {
    parse_http(text, "the address of a playlist")
}

/// A password would be in the report, and is not sent.
pub(super) fn parse_endpoint(text: &str) -> Result<Url, String> {
    let url = parse_http(text, "the address of metrics, such as http://127.0.0.1:9113/metrics")?;
    let has_user = !url.username().is_empty() || url.password().is_some();
    if has_user {
        Err("metrics behind a password cannot be read: leave the user name out".to_owned())
    } else {
        Ok(url)
    }
}

fn parse_http(text: &str, what: &str) -> Result<Url, String> {
    let wrong = |why: &str| format!("\"{text}\" is not {what}: {why}");
    let url = Url::parse(text).map_err(|error| match error {
        url::ParseError::RelativeUrlWithoutBase => wrong("it must begin with http:// or https://"),
        other => wrong(&other.to_string()),
    })?;
    match (url.scheme(), url.host_str()) {
        ("http" | "https", Some(_)) => Ok(url),
        ("http" | "https", None) => Err(wrong("it has no host")),
        _ => Err(wrong("it must begin with http:// or https://")),
    }
}

pub(super) fn parse_clients(text: &str) -> Result<u32, String> {
    let number = text.parse().ok().filter(|number| (1..=MOST_CLIENTS).contains(number));
    number.ok_or_else(|| format!("\"{text}\" is not a whole number from 1 to {MOST_CLIENTS}"))
}

pub(super) fn parse_rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate| (0.001..=10_000.0).contains(rate));
    rate.ok_or_else(|| format!("\"{text}\" is not a number of viewers per second from 0.001 to 10000"))
}

pub(super) fn parse_share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| format!("\"{text}\" is not a share from 0 to 1"))
}

pub(crate) fn parse_address(text: &str) -> Result<Option<SocketAddr>, String> {
    if text == "off" {
        return Ok(None);
    }
    // Go's ":9090" means every address.
    let full = if text.starts_with(':') { format!("0.0.0.0{text}") } else { text.to_owned() };
    let full = full.replace("localhost:", "127.0.0.1:");
    let wrong =
        |_| format!("\"{text}\" is not an address with a port, such as 0.0.0.0:9090 or :9090, and not off");
    full.parse().map(Some).map_err(wrong)
}

pub(super) fn parse_seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("\"{text}\" is not a whole number from 0 to {}", u64::MAX))
}

/// What a shell would make of it.
pub(super) fn parse_options(text: &str) -> Result<Vec<String>, String> {
    let words = shlex::split(text).ok_or_else(|| format!("\"{text}\" has a quote that does not end"))?;
    match words.first() {
        Some(first) if first.starts_with('-') && first.len() > 1 && !words.contains(&"-i".to_owned()) => {
            Ok(words)
        }
        Some(_) if words.contains(&"-i".to_owned()) => {
            Err(format!("\"{text}\" names an input: the URL is the only one"))
        }
        _ => Err(format!("\"{text}\" is no option of FFmpeg: write it as '-option value'")),
    }
}

pub(super) fn parse_timeout(text: &str) -> Result<Duration, String> {
    let timeout = go_duration::parse(text)?;
    let sensible = Duration::from_millis(100)..=LONGEST_TIMEOUT;
    sensible
        .contains(&timeout)
        .then_some(timeout)
        .ok_or_else(|| format!("\"{text}\" is not from 100ms to 1h"))
}

pub(super) fn parse_header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let wrong = |why: &str| format!("\"{text}\" {why}: write it as 'Name: value'");
    let (name, value) = text.split_once(':').ok_or_else(|| wrong("has no colon"))?;
    let name =
        HeaderName::from_bytes(name.trim().as_bytes()).map_err(|_| wrong("has no valid header name"))?;
    let value =
        HeaderValue::from_str(value.trim()).map_err(|_| wrong("has a character that no header may have"))?;
    // `to_str` is stricter than `from_str`: FFmpeg's command line takes visible ASCII only.
    value.to_str().map_err(|_| wrong("has a character that no header may have"))?;
    if [hyper::header::HOST, hyper::header::CONTENT_LENGTH, hyper::header::TRANSFER_ENCODING].contains(&name)
    {
        return Err(wrong("belongs to the connection and cannot be set"));
    }
    Ok((name, value))
}

/// IPv6 also in brackets, as in a URL.
pub(super) fn parse_ip(text: &str) -> Result<IpAddr, String> {
    let wrong = |_| format!("\"{text}\" is not an IPv4 or IPv6 address");
    text.trim_matches(['[', ']']).parse().map_err(wrong)
}
