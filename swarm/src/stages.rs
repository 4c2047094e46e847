//! A load profile: how many viewers shall run when. [`follow`] asks the dispatcher for each stage in its turn.

use std::convert::Infallible;
use std::fmt;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use crate::dispatcher::{Pace, Request, Steer};
use crate::go_duration;
use crate::plan::MOST_CLIENTS;

/// Viewers with which a profile begins, as in k6: a run begins with its first viewer.
pub const FIRST_VIEWERS: u32 = 1;

/// Most stages of a profile: a day in quarters of an hour.
const MOST_STAGES: usize = 96;

/// Shortest stage. A change within less is a jump that no machine can make.
const SHORTEST_STAGE: Duration = Duration::from_secs(1);

/// One stage: the number of viewers moves evenly to this number within this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stage {
    viewers: u32,
    time: Duration,
}

/// The whole profile; not empty, and at some time somebody plays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stages(Vec<Stage>);

impl Stages {
    /// Reads `50:1m,200:5m,50:1m`: viewers and time of each stage.
    ///
    /// # Errors
    /// A lowercase fragment that fits after the flag's name.
    pub fn parse(text: &str) -> Result<Self, String> {
        let stages: Vec<_> =
            text.split(',').map(|stage| parse_stage(stage.trim())).collect::<Result<_, _>>()?;
        if stages.len() > MOST_STAGES {
            return Err(format!("{} stages are too many: at most {MOST_STAGES}", stages.len()));
        }
        let stages = Self(stages);
        if stages.peak() == 0 {
            return Err(format!("\"{text}\" never has a viewer"));
        }
        Ok(stages)
    }

    /// Most viewers that shall run at the same time.
    pub fn peak(&self) -> u32 {
        self.0.iter().map(|stage| stage.viewers).max().unwrap_or_default()
    }

    /// All stages together.
    pub fn duration(&self) -> Duration {
        self.0.iter().map(|stage| stage.time).sum()
    }

    /// What to ask for, and how long after the begin. A stage that stays where the one before it ended asks for nothing.
    fn changes(&self) -> Vec<(Duration, Steer)> {
        let mut viewers = FIRST_VIEWERS;
        let mut begins = Duration::ZERO;
        let mut changes = Vec::new();
        for stage in &self.0 {
            if std::mem::replace(&mut viewers, stage.viewers) != stage.viewers {
                let steer = Steer { viewers: stage.viewers, pace: Pace::Over(stage.time) };
                changes.push((begins, steer));
            }
            begins += stage.time;
        }
        changes
    }
}

impl fmt::Display for Stages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Stage { viewers, time }) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{viewers}:{}", go_duration::format(*time))?;
        }
        Ok(())
    }
}

fn parse_stage(text: &str) -> Result<Stage, String> {
    let (viewers, time) = text
        .split_once(':')
        .ok_or_else(|| format!("\"{text}\" is no stage: write viewers and time, such as 50:1m,200:5m"))?;
    let viewers = viewers.trim().parse().ok().filter(|viewers| *viewers <= MOST_CLIENTS);
    let viewers = viewers.ok_or_else(|| {
        format!("the viewers of the stage \"{text}\" are not a whole number from 0 to {MOST_CLIENTS}")
    })?;
    let time = go_duration::parse(time.trim())?;
    if time < SHORTEST_STAGE {
        return Err(format!(
            "the stage \"{text}\" is shorter than a second: give it the time that the change may take"
        ));
    }
    Ok(Stage { viewers, time })
}

/// Asks for each stage when it begins. Never returns: the run's duration ends it.
pub async fn follow(stages: &Stages, began: Instant, requests: mpsc::Sender<Request>) -> Infallible {
    for (begins, steer) in stages.changes() {
        tokio::time::sleep_until((began + begins).into()).await;
        if requests.send(Request::Steer(steer)).await.is_err() {
            // Nobody listens any more: the run is ending.
            break;
        }
    }
    std::future::pending().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_says_how_many_when_and_for_how_long() {
        let stages = Stages::parse("50:1m, 200:5m,200:10m,0:30s").unwrap();
        assert_eq!((stages.peak(), stages.duration()), (200, Duration::from_secs(990)));
        assert_eq!(stages.to_string(), "50:1m,200:5m,200:10m,0:30s");
        let changes: Vec<_> = stages.changes().into_iter().map(|(at, steer)| (at.as_secs(), steer)).collect();
        let over = |viewers, seconds| Steer { viewers, pace: Pace::Over(Duration::from_secs(seconds)) };
        assert_eq!(changes, [(0, over(50, 60)), (60, over(200, 300)), (960, over(0, 30))]);
    }

    #[test]
    fn what_is_no_profile_is_told_with_what_is_wrong() {
        for (text, told) in [
            ("50", "\"50\" is no stage"),
            ("", "\"\" is no stage"),
            ("50:1m,", "\"\" is no stage"),
            ("many:1m", "\"many:1m\" are not a whole number"),
            ("100001:1m", "\"100001:1m\" are not a whole number"),
            ("50:90", "\"90\" is not a duration"),
            ("50:0s", "\"50:0s\" is shorter than a second"),
            ("0:1m", "never has a viewer"),
        ] {
            let said = Stages::parse(text).unwrap_err();
            assert!(said.contains(told), "{text}: {said}");
        }
        let many = vec!["1:1s"; MOST_STAGES + 1].join(",");
        assert!(Stages::parse(&many).unwrap_err().contains("97 stages are too many"));
    }
}
