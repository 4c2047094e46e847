//! Durations as Go writes them (`1h30m`, `500ms`, `0`), because the flags' users have them in their scripts.

use std::fmt::Write as _;
use std::time::Duration;

const UNITS: [(&str, f64); 7] = [
    ("ns", 1e-9),
    ("us", 1e-6),
    ("µs", 1e-6),
    ("ms", 1e-3),
    // After "ms" and "us", which end in the same letter.
    ("s", 1.0),
    ("m", 60.0),
    ("h", 3600.0),
];

/// Longest accepted duration, in seconds: about 31 years, so that no later arithmetic on instants overflows.
const LONGEST_SECONDS: f64 = 1e9;

/// Parses a non-negative Go duration: decimal numbers with units (`h`, `m`, `s`, `ms`, `us`, `ns`), or a bare `0`.
///
/// # Errors
/// A lowercase fragment that fits after the flag's name.
pub fn parse(text: &str) -> Result<Duration, String> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let wrong = || format!("\"{text}\" is not a duration: write it like 90s, 30m, 1h30m, 500ms or 0");
    let mut seconds = 0.0;
    let mut rest = text;
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).ok_or_else(wrong)?;
        let (number, tail) = rest.split_at(digits);
        let number: f64 = number.parse().map_err(|_| wrong())?;
        let (unit, factor) = UNITS.iter().find(|(unit, _)| unit_leads(tail, unit)).ok_or_else(wrong)?;
        seconds += number * factor;
        rest = &tail[unit.len()..];
    }
    if seconds > LONGEST_SECONDS {
        return Err(format!("\"{text}\" is longer than 31 years: use 0 to run until stopped"));
    }
    Ok(Duration::from_secs_f64(seconds))
}

/// `m` must not take the first letter of `ms`.
fn unit_leads(tail: &str, unit: &str) -> bool {
    tail.strip_prefix(unit).is_some_and(|next| !next.starts_with(char::is_alphabetic))
}

/// The shortest Go spelling, to the second from one minute on and to the millisecond below.
pub fn format(duration: Duration) -> String {
    let total = duration.as_secs();
    if total < 60 {
        let text = format!("{:.3}", duration.as_secs_f64());
        return format!("{}s", text.trim_end_matches('0').trim_end_matches('.'));
    }
    let parts = [(total / 3600, "h"), (total / 60 % 60, "m"), (total % 60, "s")];
    let mut text = String::new();
    for (value, unit) in parts.iter().filter(|(value, _)| *value > 0) {
        // Writing to a string cannot fail.
        write!(text, "{value}{unit}").unwrap_or_default();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_durations_are_read_as_go_reads_them() {
        for (text, millis) in [
            ("0", 0),
            ("0s", 0),
            ("90s", 90_000),
            ("30m", 1_800_000),
            ("1h30m", 5_400_000),
            ("500ms", 500),
            ("1.5h", 5_400_000),
            ("1m500ms", 60_500),
            (".5s", 500),
            ("1h1m1s1ms", 3_661_001),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused_with_an_example() {
        for text in ["", "90", "s", "-5s", "1 h", "1d", "10x", "1.2.3s", "5sm", "m5", "1e3s", "NaNs", "µ"] {
            let error = parse(text).unwrap_err();
            assert!(error.contains("90s, 30m, 1h30m"), "{text}: {error}");
        }
        assert!(parse("9999999h").unwrap_err().contains("31 years"));
    }

    #[test]
    fn what_is_printed_reads_back() {
        for text in ["0s", "0.25s", "30s", "59.999s", "1m", "1m30s", "1h", "26h3m4s"] {
            assert_eq!(format(parse(text).unwrap()), text);
        }
    }
}
