//! From FFmpeg's last words to one reason that a human understands, and that is the same for the same failure.

use supervise::Exit;

/// Why a process ended, in FFmpeg's own words where it had any.
pub fn reason(said: &[String], exit: Exit) -> String {
    let frozen = || match last_status(said) {
        Some(status) => format!("FFmpeg got no new segment and gave up; its last trouble was {status}"),
        None => "the stream ended or froze: FFmpeg saw no new segment and gave up".to_owned(),
    };
    match (exit, telling_line(said)) {
        (Exit::Signal(_), _) => exit.to_string(),
        // A playlist that stops answering ends FFmpeg with 0 too, but not without a word.
        (Exit::Code(0), Some(line))
            if line.contains("Failed to reload playlist") || line.contains("failed: ") =>
        {
            line
        }
        (Exit::Code(0), _) => frozen(),
        (Exit::Code(_), None) => format!("{exit}, and FFmpeg said nothing"),
        (Exit::Code(_), Some(line)) => line,
    }
}

/// The line that says most about a trouble: the last severe one, or else the last one. FFmpeg ends with general
/// remarks ("Error opening input files"); those come last of all.
pub fn telling_line(said: &[String]) -> Option<String> {
    let status = last_status(said);
    let said: Vec<Line> = said.iter().map(|line| Line::read(line)).collect();
    let telling = || said.iter().rev().filter(|line| !line.is_general());
    let line = telling().find(|line| line.severe).or_else(|| telling().next()).or(said.last())?;
    Some(status.map_or_else(|| line.text.clone(), |status| line.with_status(status)))
}

fn last_status(said: &[String]) -> Option<&str> {
    said.iter().rev().find_map(|line| status(line))
}

/// The HTTP status that FFmpeg was answered, with its reason.
fn status(line: &str) -> Option<&str> {
    line.find("HTTP error ").map(|place| line[place..].trim_end())
}

/// What FFmpeg says when it is stopped in the midst of something (`AVERROR_EXIT`).
pub fn is_stop(line: &str) -> bool {
    line.ends_with("Immediate exit requested")
}

/// FFmpeg looked at the stream and could not tell what is in it. The same words in 5.1, 7.1 and 9.0.
pub fn did_not_identify(said: &[String]) -> bool {
    said.iter().any(|line| line.contains("Could not find codec parameters"))
}

struct Line {
    severe: bool,
    text: String,
}

impl Line {
    /// `[http @ 0x55d0c8] [error] HTTP error 404 Not Found` → `http: HTTP error 404 Not Found`, severe.
    fn read(raw: &str) -> Self {
        let (mut severe, mut component, mut rest) = (false, None, raw.trim());
        while let Some((tag, tail)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            match tag {
                "error" | "fatal" | "panic" => severe = true,
                "warning" | "info" | "verbose" => {}
                // The address differs in every process; the same failure must read the same.
                _ => component = tag.split(" @ ").next(),
            }
            rest = tail.trim_start();
        }
        let text = match component {
            Some(component) => format!("{component}: {rest}"),
            None => rest.to_owned(),
        };
        Self { severe, text }
    }

    /// FFmpeg calls a status by its class, a playlist that could not be loaded again by its number, and one whose segments
    /// could not be fetched invalid.
    fn with_status(&self, status: &str) -> String {
        let classes = [
            "Server returned 5XX Server Error reply",
            "Server returned 4XX Client Error, but not one of 40{0,1,3,4}",
        ];
        match classes.iter().find(|class| self.text.contains(*class)) {
            Some(class) => self.text.replace(class, status),
            None if is_vague(&self.text) => format!("{}: {status}", self.text),
            None => self.text.clone(),
        }
    }

    fn is_general(&self) -> bool {
        ["Error opening input file", "Conversion failed", "Exiting normally"]
            .iter()
            .any(|general| self.text.starts_with(general))
    }
}

fn is_vague(line: &str) -> bool {
    [
        "Failed to reload playlist",
        "Error when loading first segment",
        "Invalid data found when processing input",
    ]
    .iter()
    .any(|vague| line.contains(vague))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason_of(said: &[&str], exit: Exit) -> String {
        reason(&said.iter().map(ToString::to_string).collect::<Vec<_>>(), exit)
    }

    #[test]
    fn the_telling_line_is_found_in_each_versions_words() {
        // FFmpeg 5.1, then 7.1.
        let old = ["[error] http://h/s.m3u8: Server returned 404 Not Found"];
        assert_eq!(reason_of(&old, Exit::Code(1)), "http://h/s.m3u8: Server returned 404 Not Found");
        let new = [
            "[http @ 0x5581] [warning] HTTP error 503 Service Unavailable",
            "[in#0 @ 0x5582] [error] Error opening input: Server returned 5XX Server Error reply",
            "[error] Error opening input file http://h/s.m3u8.",
            "[error] Error opening input files: Server returned 5XX Server Error reply",
        ];
        assert_eq!(
            reason_of(&new, Exit::Code(8)),
            "in#0: Error opening input: HTTP error 503 Service Unavailable"
        );
        let reload = [
            "[http @ 0x5581] [warning] HTTP error 502 Bad Gateway: the origin refused the connection",
            "[hls @ 0x5582] [warning] Failed to reload playlist 0",
        ];
        assert_eq!(
            reason_of(&reload, Exit::Code(0)),
            "hls: Failed to reload playlist 0: HTTP error 502 Bad Gateway: the origin refused the connection"
        );
        let refused = [
            "[http @ 0x5581] [warning] HTTP error 503 Service Unavailable",
            "[hls @ 0x5582] [warning] Failed to open segment 49 of playlist 0",
        ];
        let start =
            [&refused[..], &["[error] http://h/s.m3u8: Invalid data found when processing input"]].concat();
        assert_eq!(
            reason_of(&start, Exit::Code(1)),
            "http://h/s.m3u8: Invalid data found when processing input: HTTP error 503 Service Unavailable"
        );
        let first =
            [&refused[..], &["[hls @ 0x5582] [error] Error when loading first segment 'a.ts'"]].concat();
        assert_eq!(
            reason_of(&first, Exit::Code(1)),
            "hls: Error when loading first segment 'a.ts': HTTP error 503 Service Unavailable"
        );
        assert_eq!(
            reason_of(&refused, Exit::Code(0)),
            "FFmpeg got no new segment and gave up; its last trouble was HTTP error 503 Service Unavailable"
        );
    }

    #[test]
    fn the_same_failure_reads_the_same_in_every_process() {
        let died = |address| {
            reason_of(&[&format!("[tcp @ {address}] [error] Connection to h failed")], Exit::Code(1))
        };
        assert_eq!(died("0x55aa00"), died("0x7f1234"));
        assert_eq!(died("0x55aa00"), "tcp: Connection to h failed");
    }

    #[test]
    fn an_error_outweighs_a_later_warning_and_silence_is_said() {
        let said = ["[error] Invalid data found", "[hls @ 0x1] [warning] skipping 1 segments"];
        assert_eq!(reason_of(&said, Exit::Code(183)), "Invalid data found");
        assert_eq!(reason_of(&[], Exit::Code(183)), "exit code 183, and FFmpeg said nothing");
        assert_eq!(reason_of(&["unmarked words"], Exit::Code(1)), "unmarked words");
    }

    #[test]
    fn a_signal_and_a_frozen_stream_are_named() {
        assert_eq!(reason_of(&["[error] x"], Exit::Signal(9)), "killed by SIGKILL");
        assert!(reason_of(&["[hls @ 0x1] [warning] skipping 1 segments"], Exit::Code(0)).contains("froze"));
        let refused = ["[tcp @ 0x1] [error] Connection to tcp://h:1 failed: Connection refused"];
        assert_eq!(
            reason_of(&refused, Exit::Code(0)),
            "tcp: Connection to tcp://h:1 failed: Connection refused"
        );
    }
}
