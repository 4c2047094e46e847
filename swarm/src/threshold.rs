//! What a run must hold: `segment_duration_p95<1s; for 10s; abort`. Reads what users write, and compares. Pure; when it
//! is judged is [`judge`](crate::judge)'s business.

use std::fmt;
use std::time::Duration;

use crate::go_duration;
use crate::stats::{Figures, Quantity, Reading};

/// `abort` without a time of its own ends the run when the figure was wrong for so long: five segments of the usual
/// two seconds, so that one slow answer ends nothing.
pub const ABORT_AFTER: Duration = Duration::from_secs(10);

/// Figures are read once per second, so that a shorter time cannot be told.
const SHORTEST_TIME: Duration = Duration::from_secs(1);

/// What must hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Threshold {
    /// As it was written, without spaces at its ends.
    pub text: String,
    /// The figure.
    pub reading: Reading,
    /// How it must compare.
    pub comparison: Comparison,
    /// With what, in the base unit of the figure's quantity.
    pub limit: f64,
    /// Judged second by second, and crossed when it was wrong for so long; `None` judges the whole at the end.
    pub lasting: Option<Duration>,
    /// Ends the run as soon as it was wrong for [`Self::lasting`], or for [`ABORT_AFTER`].
    pub abort: bool,
}

/// How a figure must compare with its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `<`
    Below,
    /// `<=`
    AtMost,
    /// `>`
    Above,
    /// `>=`
    AtLeast,
}

/// What is wrong with a threshold, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    text: String,
    at: usize,
    what: String,
}

impl Threshold {
    /// Reads `metric[agg] op value[unit][; for TIME][; abort]`.
    ///
    /// # Errors
    /// The first mistake, with its place.
    pub fn parse(text: &str) -> Result<Self, Mistake> {
        let text = text.trim();
        let wrong = |at: usize, what: String| Mistake { text: text.to_owned(), at, what };
        let mut parts = text.split(';');
        let condition = parts.next().unwrap_or_default();
        let (reading, comparison, limit) = read_condition(condition).map_err(|(at, what)| wrong(at, what))?;
        let mut threshold =
            Self { text: text.to_owned(), reading, comparison, limit, lasting: None, abort: false };
        let mut at = condition.len() + 1;
        for part in parts {
            let begin = at + leading_spaces(part);
            match part.trim().split_once(' ') {
                None if part.trim() == "abort" => threshold.abort = true,
                Some(("for", time)) => {
                    let lasting = read_time(time.trim()).map_err(|what| wrong(begin + "for ".len(), what))?;
                    threshold.lasting = Some(lasting);
                }
                _ => return Err(wrong(begin, "here only \"for 10s\" or \"abort\" may follow".to_owned())),
            }
            at += part.len() + 1;
        }
        Ok(threshold)
    }

    /// Whether it holds; `None` where there is no figure.
    pub fn holds(&self, figures: &Figures) -> Option<bool> {
        self.reading.value(figures).map(|value| self.comparison.holds(value, self.limit))
    }

    /// For how long a figure must be wrong, second by second; `None` where only the whole counts.
    pub fn patience(&self) -> Option<Duration> {
        self.lasting.or(self.abort.then_some(ABORT_AFTER))
    }

    /// What was seen, in words: `segment_duration_p95 1.84 s`.
    pub fn say(&self, value: f64) -> String {
        format!("{} {}", self.reading.name(), self.reading.quantity.say(value))
    }
}

impl Comparison {
    /// In the order in which they are looked for: two characters before one.
    const ALL: [(&'static str, Self); 4] =
        [("<=", Self::AtMost), (">=", Self::AtLeast), ("<", Self::Below), (">", Self::Above)];

    /// Whether `value` is on the right side of `limit`.
    pub fn holds(self, value: f64, limit: f64) -> bool {
        match self {
            Self::Below => value < limit,
            Self::AtMost => value <= limit,
            Self::Above => value > limit,
            Self::AtLeast => value >= limit,
        }
    }
}

type Place = (usize, String);

fn read_condition(text: &str) -> Result<(Reading, Comparison, f64), Place> {
    let Some(operator) = text.find(['<', '>', '=', '!']) else {
        return Err((text.trim_end().len(), "<, <=, > or >= is missing, as in rebuffer_ratio<1%".to_owned()));
    };
    let name = text[..operator].trim();
    let Some(reading) = Reading::named(name) else {
        return Err((
            leading_spaces(text),
            format!("there is no metric \"{name}\": swarm -list-metrics lists them"),
        ));
    };
    let found = Comparison::ALL.iter().find(|(sign, _)| text[operator..].starts_with(sign));
    let Some((sign, comparison)) = found else {
        return Err((operator, "compare with <, <=, > or >=".to_owned()));
    };
    let rest = &text[operator + sign.len()..];
    let at = operator + sign.len() + leading_spaces(rest);
    let (quantity, limit) =
        read_value(&reading, rest.trim()).map_err(|(offset, what)| (at + offset, what))?;
    Ok((Reading { quantity, ..reading }, *comparison, limit))
}

fn read_value(reading: &Reading, text: &str) -> Result<(Quantity, f64), Place> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let Ok(number) = text[..end].parse::<f64>() else {
        return Err((0, "a number is missing here".to_owned()));
    };
    let unit = text[end..].trim_start();
    let definition = reading.metric.definition();
    let units = definition
        .quantities
        .iter()
        .flat_map(|quantity| quantity.units().iter().map(move |unit| (quantity, unit)));
    let mut fitting = units.filter(|(_, (name, _))| *name == unit);
    fitting.next().map(|(quantity, (_, factor))| (*quantity, number * factor)).ok_or_else(|| {
        let (name, units) = (definition.name(), definition.units());
        (end, format!("{name} is compared with a number in {units} (1 is a bare number)"))
    })
}

fn read_time(text: &str) -> Result<Duration, String> {
    let time = go_duration::parse(text)?;
    if time < SHORTEST_TIME { Err(format!("\"{text}\" is shorter than a second")) } else { Ok(time) }
}

fn leading_spaces(text: &str) -> usize {
    text.len() - text.trim_start().len()
}

/// One line that says what, then the text with a caret under the place.
impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let before = self.text.get(..self.at).unwrap_or(&self.text).chars().count();
        write!(f, "{}\n  {}\n  {:before$}^", self.what, self.text, "")
    }
}

#[cfg(test)]
mod tests;
