//! What a search for the limit found, as a report keeps it: plain values only.

use serde::{Deserialize, Serialize};

use crate::generator::Resource;
use crate::judge::SignSeen;
use crate::limit_run::{Finding, LevelRecord, signs_in_words};
use crate::limit_search::{Answer, Judgement, Length};

/// The answer, and how it was come by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct LimitSection {
    pub(crate) sentence: String,
    pub(crate) answer: Option<String>,
    pub(crate) held: u32,
    pub(crate) failed: Option<u32>,
    pub(crate) signs: Vec<SignSeen>,
    pub(crate) most: u32,
    pub(crate) tolerance: f64,
    pub(crate) level_hold_s: f64,
    pub(crate) thresholds: Vec<String>,
    pub(crate) levels: Vec<LevelSection>,
}

impl LimitSection {
    /// What broke first, and a line for each level; reports did not always have them.
    pub(super) fn rows(&self) -> Vec<(&'static str, String)> {
        let signs = signs_in_words(&self.signs).map(|signs| ("signs", signs));
        let lines = self.levels.iter().map(|level| &level.line).filter(|line| !line.is_empty());
        let levels = lines.map(|line| ("level", line.clone()));
        signs.into_iter().chain(levels).collect()
    }
}

/// One level.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct LevelSection {
    #[serde(default)]
    pub(crate) line: String,
    pub(crate) viewers: u32,
    pub(crate) length: Length,
    pub(crate) judgement: Option<Judgement>,
    pub(crate) began_after_s: f64,
    pub(crate) ramped_s: f64,
    pub(crate) settled_s: f64,
    pub(crate) held_s: f64,
    pub(crate) left_out_s: f64,
    pub(crate) saturated_by: Option<Resource>,
    pub(crate) crossed: Vec<CrossedSection>,
    pub(crate) signs: Vec<SignSeen>,
    pub(crate) figures: InShort,
}

/// A threshold that did not hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct CrossedSection {
    pub(crate) threshold: String,
    pub(crate) value: f64,
}

/// The figures that tell levels apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct InShort {
    pub(crate) error_ratio: Option<f64>,
    pub(crate) rebuffer_ratio: Option<f64>,
    pub(crate) segment_duration_p95_s: Option<f64>,
    pub(crate) lateness_p95: Option<f64>,
    pub(crate) startup_p95_s: Option<f64>,
    pub(crate) playlist_age_targets: Option<f64>,
    pub(crate) clients_active_mean_ratio: Option<f64>,
    pub(crate) throughput_bits_per_s: Option<f64>,
}

impl From<&Finding> for LimitSection {
    fn from(found: &Finding) -> Self {
        Self {
            sentence: found.sentence.clone(),
            answer: found.answer.map(Answer::name).map(str::to_owned),
            held: found.held,
            failed: found.failed,
            signs: found.signs.clone(),
            most: found.most,
            tolerance: found.tolerance,
            level_hold_s: found.level_hold_s,
            thresholds: found.thresholds.clone(),
            levels: found.levels.iter().map(LevelSection::from).collect(),
        }
    }
}

impl From<&LevelRecord> for LevelSection {
    fn from(level: &LevelRecord) -> Self {
        let figures = &level.figures;
        let crossed = level
            .crossed
            .iter()
            .map(|crossed| CrossedSection { threshold: crossed.threshold.clone(), value: crossed.value });
        Self {
            line: level.line(),
            viewers: level.viewers,
            length: level.length,
            judgement: level.judgement,
            began_after_s: level.began_after_s,
            ramped_s: level.ramped_s,
            settled_s: level.settled_s,
            held_s: level.held_s,
            left_out_s: level.left_out_s,
            saturated_by: level.saturated_by,
            crossed: crossed.collect(),
            signs: level.signs.clone(),
            figures: InShort {
                error_ratio: figures.error_ratio,
                rebuffer_ratio: figures.rebuffer_ratio,
                segment_duration_p95_s: figures.segment_duration.map(|duration| duration.p95_s),
                lateness_p95: figures.lateness.map(|lateness| lateness.p95),
                startup_p95_s: figures.startup.map(|startup| startup.p95_s),
                playlist_age_targets: figures.playlist_age_targets,
                clients_active_mean_ratio: figures.clients_active_mean_ratio,
                throughput_bits_per_s: figures.throughput_bits_per_s,
            },
        }
    }
}
