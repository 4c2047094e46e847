//! One request per connection, nothing hidden: what a test sends is what it wrote.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::PATIENCE;

/// An answer, or the lack of one.
#[derive(Clone, Debug)]
pub struct Response {
    /// 0 when nobody answers.
    pub status: u16,
    headers: Vec<(String, String)>,
    /// As it came.
    pub body: Vec<u8>,
}

impl Response {
    /// The first header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// GET without further headers.
pub fn get(url: &str) -> Response {
    request("GET", url, &[])
}

/// Sends a request with headers written `Name: value` to an `http://host:port/…` URL.
pub fn request(method: &str, url: &str, headers: &[&str]) -> Response {
    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    exchange(host, &format!("{method} /{path} HTTP/1.1"), headers)
}

/// GET of `url` through the proxy at `proxy`, both `http://…`: asked in the absolute form.
pub fn get_through(proxy: &str, url: &str, headers: &[&str]) -> Response {
    exchange(proxy.strip_prefix("http://").unwrap(), &format!("GET {url} HTTP/1.1"), headers)
}

fn exchange(host: &str, request_line: &str, headers: &[&str]) -> Response {
    let mut bytes = Vec::new();
    if let Ok(mut stream) = TcpStream::connect(host) {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let headers: String = headers.iter().flat_map(|line| [line, "\r\n"]).collect();
        let text = format!("{request_line}\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n");
        // A server may close before it has read everything: what it answered still counts.
        stream.write_all(text.as_bytes()).unwrap_or_default();
        stream.read_to_end(&mut bytes).unwrap_or_default();
    }
    let end = bytes.windows(4).position(|part| part == b"\r\n\r\n");
    let Some(end) = end else { return Response { status: 0, headers: Vec::new(), body: Vec::new() } };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers =
        lines.filter_map(|line| line.split_once(": ")).map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
    Response { status, headers, body: bytes[end + 4..].to_owned() }
}
