//! Everything that shows the run. Nothing here computes: it formats what `stats` knows.

pub mod admin;
mod command_line;
pub mod csv;
pub mod environment;
pub mod generator_metrics;
pub mod generator_summary;
pub mod headline;
pub mod html;
mod limit_section;
pub mod merge;
pub mod metrics;
pub mod moment;
pub mod origin_summary;
mod playback_metrics;
mod registrar;
pub mod report;
pub mod report_file;
pub mod status;
pub mod summary;
pub mod terminal;
pub mod tui;
pub mod wire_metrics;
pub mod wire_summary;
