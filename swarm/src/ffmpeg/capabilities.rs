//! What an FFmpeg can do: asked of the program itself, never concluded from its version.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use supervise::{CommandLine, Exit, capture};

/// A cold start from a slow disk takes seconds; a help text that takes longer than this will never come.
const PROBE_LIMIT: Duration = Duration::from_secs(20);

/// Only what changes the command line or refuses the run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is the presence of one option, and they are independent"
)]
pub struct Capabilities {
    /// The program, found.
    pub program: PathBuf,
    /// What `-version` calls itself, such as `7.1.5-0+deb13u1`: for humans and reports only.
    pub version: String,
    /// Input protocols, such as `https`.
    pub protocols: Vec<String>,
    /// `-extension_picky` of the HLS demuxer: there since the fixes of 2025, in every branch.
    pub extension_picky: bool,
    /// `-allowed_segment_extensions` of the HLS demuxer: likewise.
    pub allowed_segment_extensions: bool,
    /// `-readrate`: 5.1 and later.
    pub readrate: bool,
    /// `-readrate_initial_burst`: 6.1 and later.
    pub readrate_initial_burst: bool,
}

/// Why an FFmpeg cannot play. The text is a sentence without a full stop.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// It does not start, or does not end.
    #[error("{program} does not run: {reason}")]
    DoesNotRun {
        /// As found.
        program: PathBuf,
        /// The operating system's words.
        reason: io::Error,
    },
    /// It starts, and is no FFmpeg.
    #[error("{program} is not FFmpeg: \"{program} -version\" gave {what}")]
    NotFfmpeg {
        /// As found.
        program: PathBuf,
        /// Its exit, and its first words.
        what: String,
    },
    /// It was built without something that every viewer needs.
    #[error("{program} was built without {part}: use a full build, such as the one of your distribution")]
    Lacks {
        /// As found.
        program: PathBuf,
        /// In FFmpeg's words.
        part: &'static str,
    },
}

/// Asks `program` four questions; takes a quarter of a second.
pub async fn probe(program: &Path) -> Result<Capabilities, Unfit> {
    let ask = async |args: &[&str]| {
        let command = CommandLine::new(program).arg("-hide_banner").args(args);
        let captured = capture(&command, PROBE_LIMIT).await;
        captured.map_err(|reason| Unfit::DoesNotRun { program: program.to_owned(), reason })
    };
    let version = ask(&["-version"]).await?;
    let name = version.stdout.strip_prefix("ffmpeg version ").and_then(|text| text.split_whitespace().next());
    let Some(name) = name.filter(|_| version.exit == Exit::Code(0)) else {
        let said = [&version.stderr, &version.stdout].iter().find_map(|text| text.lines().next());
        let what = format!("{} and \"{}\"", version.exit, said.unwrap_or_default());
        return Err(Unfit::NotFfmpeg { program: program.to_owned(), what });
    };
    let hls = ask(&["-h", "demuxer=hls"]).await?.stdout;
    let options = ask(&["-h", "long"]).await?.stdout;
    let muxer = ask(&["-h", "muxer=null"]).await?.stdout;
    let protocols = input_protocols(&ask(&["-protocols"]).await?.stdout);
    let lacks = |part| Err(Unfit::Lacks { program: program.to_owned(), part });
    if !hls.contains("live_start_index") {
        return lacks("the HLS demuxer");
    }
    if !muxer.starts_with("Muxer null") {
        return lacks("the null muxer");
    }
    if !protocols.iter().any(|name| name == "http") {
        return lacks("the HTTP protocol");
    }
    Ok(Capabilities {
        program: program.to_owned(),
        version: name.to_owned(),
        protocols,
        extension_picky: has_option(&hls, "extension_picky"),
        allowed_segment_extensions: has_option(&hls, "allowed_segment_extensions"),
        readrate: has_option(&options, "readrate"),
        readrate_initial_burst: has_option(&options, "readrate_initial_burst"),
    })
}

/// A line that begins with the option's name: a mention inside another option's text does not count. FFmpeg 7 and
/// later write `-readrate <speed>` where 5.1 writes `-readrate speed`.
fn has_option(help: &str, name: &str) -> bool {
    help.lines().any(|line| {
        line.trim_start()
            .strip_prefix('-')
            .and_then(|line| line.strip_prefix(name))
            .is_some_and(|rest| rest.starts_with([' ', '<', '[']))
    })
}

fn input_protocols(listing: &str) -> Vec<String> {
    listing
        .lines()
        .skip_while(|line| line.trim() != "Input:")
        .skip(1)
        .take_while(|line| line.trim() != "Output:")
        .map(|line| line.trim().to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_is_found_by_its_own_line_only() {
        let help =
            "-re   read input at native frame rate; equivalent to -readrate 1\n  -stats_period time  set\n";
        assert!(!has_option(help, "readrate"));
        assert!(!has_option(help, "stats"));
        assert!(has_option(help, "stats_period"));
        assert!(has_option("-readrate <speed>     read input", "readrate"));
    }

    #[test]
    fn output_protocols_are_no_input_protocols() {
        let listing = "Supported file protocols:\nInput:\n  file\n  http\nOutput:\n  md5\n";
        assert_eq!(input_protocols(listing), ["file", "http"]);
    }
}
