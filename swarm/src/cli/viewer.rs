//! The flags that say what a viewer is.

use std::path::PathBuf;

use clap::{ArgAction, Args};

use super::collector::Collector;
use super::values::{one_of, parse_options};
use crate::plan::Pace;

const PACES: [(&str, Pace); 2] = [("full", Pace::Full), ("realtime", Pace::Realtime)];

// As they were typed.
#[derive(Debug, Args)]
pub(super) struct ViewerFlags {
    /// How fast viewers read: full, or realtime (playback speed after a start buffer)
    #[arg(long, env = "HLSSWARM_PACE", default_value = "full", value_name = "PACE")]
    pace: String,
    /// FFmpegs fetch by themselves: nothing is measured but their lives
    #[arg(long, env = "HLSSWARM_DIRECT", action = ArgAction::SetTrue, value_parser = clap::builder::FalseyValueParser::new())]
    pub(super) direct: bool,
    /// FFmpeg program, as a name or a path
    #[arg(long, env = "HLSSWARM_FFMPEG", default_value = "ffmpeg", value_name = "PATH")]
    ffmpeg: PathBuf,
    /// Further options of every FFmpeg, before its input: '-probesize 5000000'; they win over swarm's own; repeatable
    #[arg(
        long,
        env = "HLSSWARM_FFMPEG_ARG",
        value_name = "'-OPTION VALUE'",
        value_delimiter = '\n',
        allow_hyphen_values = true
    )]
    ffmpeg_arg: Vec<String>,
}

/// As they are meant.
pub(super) struct ViewerRead {
    pub(super) pace: Pace,
    pub(super) direct: bool,
    pub(super) ffmpeg: PathBuf,
    pub(super) ffmpeg_options: Vec<String>,
}

impl ViewerFlags {
    /// `None` when there is a mistake, which is noted.
    pub(super) fn read(self, take: &mut Collector<'_>) -> Option<ViewerRead> {
        let Self { pace, direct, ffmpeg, ffmpeg_arg } = self;
        let pace = take.flag("pace", one_of(&pace, &PACES));
        let options = take.each("ffmpeg-arg", &ffmpeg_arg, parse_options);
        Some(ViewerRead { pace: pace?, direct, ffmpeg, ffmpeg_options: options?.concat() })
    }
}
