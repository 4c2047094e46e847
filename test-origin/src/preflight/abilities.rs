//! What FFmpeg and Nginx say that they can do, and what of it is lacking. Asks; never compares a version.

use std::path::Path;
use std::time::Duration;

use supervise::{Captured, CommandLine, Exit, capture};

use super::Problem;
use crate::codec::H264;
use crate::nginx::Build;
use crate::plan::Plan;
use crate::profile::SegmentType;

/// A question to a program takes a tenth of a second; on a machine so busy that it takes this long nothing would run.
pub const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// Asks FFmpeg what it has, and which H.264 encoder; what it says of versions is never compared.
pub(super) async fn of_ffmpeg(
    ffmpeg: &Path,
    segment_type: SegmentType,
    must_encode: bool,
) -> (Option<H264>, Vec<Problem>) {
    let segments = match segment_type {
        SegmentType::MpegTs => ("-muxers", "mpegts", "MPEG-TS muxer"),
        SegmentType::Fmp4 => ("-muxers", "mp4", "MP4 muxer"),
    };
    let mut wanted = vec![("-muxers", "hls", "HLS muxer"), segments];
    if must_encode {
        wanted.extend([
            ("-encoders", "aac", "AAC encoder"),
            ("-devices", "lavfi", "lavfi input for test pictures"),
        ]);
    }
    let lists: &[&str] = if must_encode { &["-muxers", "-encoders", "-devices"] } else { &["-muxers"] };
    let (mut h264, mut problems) = (None, Vec::new());
    for list in lists {
        let broken = |reason| Problem::Broken { program: ffmpeg.to_owned(), reason };
        let command = CommandLine::new(ffmpeg).args(["-hide_banner", list]);
        let text = match capture(&command, ANSWER_LIMIT).await {
            Ok(answer) if answer.exit == Exit::Code(0) => answer.stdout,
            Ok(answer) => return (None, vec![broken(said(&answer))]),
            Err(error) => return (None, vec![broken(error.to_string())]),
        };
        // ` E hls   Apple HTTP Live Streaming`: flags, then the names.
        let has = |name: &str| {
            let mut names = text.lines().filter_map(|line| line.split_whitespace().nth(1));
            names.any(|names| names.split(',').any(|known| known == name))
        };
        let lacking = wanted.iter().filter(|(in_list, name, _)| in_list == list && !has(name));
        problems.extend(
            lacking
                .map(|(.., what)| Problem::Incapable { ffmpeg: ffmpeg.to_owned(), what: (*what).to_owned() }),
        );
        if *list == "-encoders" {
            h264 = H264::ALL.into_iter().find(|h264| has(h264.name()));
            if h264.is_none() {
                problems.push(Problem::NoEncoder { ffmpeg: ffmpeg.to_owned() });
            }
        }
    }
    (h264, problems)
}

/// Asks Nginx how it was built, and whether that is enough for the plan.
///
/// # Errors
/// [`Problem::Broken`] or [`Problem::NoTls`].
pub async fn build(nginx: &Path, plan: &Plan) -> Result<Build, Problem> {
    let broken = |reason| Problem::Broken { program: nginx.to_owned(), reason };
    let answer = capture(&CommandLine::new(nginx).arg("-V"), ANSWER_LIMIT)
        .await
        .map_err(|error| broken(error.to_string()))?;
    if answer.exit != Exit::Code(0) {
        return Err(broken(said(&answer)));
    }
    let build = Build::parse(&answer.stderr);
    if plan.tls.is_some() && !build.tls {
        return Err(Problem::NoTls { nginx: nginx.to_owned() });
    }
    Ok(build)
}

/// Exit and the last line, as one line.
fn said(answer: &Captured) -> String {
    let lines = answer.stdout.lines().chain(answer.stderr.lines());
    let last = lines.rev().find(|line| !line.trim().is_empty()).unwrap_or("it says nothing");
    format!("{} ({last})", answer.exit)
}
