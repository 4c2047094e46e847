//! The colours of a report. A plot is drawn in those of the light theme; the style sheet, made from the same table, puts
//! those of the dark theme in their place.

use plotters::style::RGBColor;

/// A colour by what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ink {
    /// Text and axes.
    Text,
    /// Lines of the grid.
    Grid,
    /// What is wanted: targets.
    Wanted,
    /// What is well.
    Good,
    /// The usual case.
    First,
    /// A worse one.
    Second,
    /// A rare one.
    Third,
    /// What is wrong.
    Bad,
    /// Behind the time in which viewers join.
    Ramp,
    /// Behind the time in which the load box was saturated.
    Saturated,
    /// Where a level begins.
    Level,
    /// While something was wrong on purpose, or for all to see.
    Fault,
}

/// Each with its light and its dark colour. Lines have a contrast of at least 3 to 1 to their page (WCAG 1.4.11).
const COLOURS: [(Ink, [u8; 3], &str); 12] = [
    (Ink::Text, [31, 41, 56], "#e2e8f0"),
    (Ink::Grid, [226, 232, 241], "#273449"),
    (Ink::Wanted, [100, 116, 140], "#94a3b8"),
    (Ink::Good, [5, 140, 100], "#34d399"),
    (Ink::First, [37, 99, 235], "#60a5fa"),
    (Ink::Second, [194, 101, 6], "#fbbf24"),
    (Ink::Third, [124, 58, 237], "#c4a5fd"),
    (Ink::Bad, [214, 36, 36], "#f87171"),
    (Ink::Ramp, [228, 234, 250], "#1d2a44"),
    (Ink::Saturated, [252, 226, 214], "#47271c"),
    (Ink::Level, [148, 148, 170], "#76809a"),
    (Ink::Fault, [190, 24, 93], "#f472b6"),
];

/// Lines of one plot, in this order.
pub(super) const LINES: [Ink; 6] = [Ink::First, Ink::Second, Ink::Third, Ink::Bad, Ink::Good, Ink::Wanted];

impl Ink {
    fn entry(self) -> &'static (Ink, [u8; 3], &'static str) {
        // The table has each: a test looks.
        COLOURS.iter().find(|(ink, ..)| *ink == self).unwrap_or(&COLOURS[0])
    }

    /// As plots are drawn.
    pub(super) fn colour(self) -> RGBColor {
        let [red, green, blue] = self.entry().1;
        RGBColor(red, green, blue)
    }

    /// The same, as the plots' SVG writes it.
    pub(super) fn hex(self) -> String {
        let [red, green, blue] = self.entry().1;
        format!("#{red:02X}{green:02X}{blue:02X}")
    }
}

/// Rules that put the dark colours in place of the light ones.
pub(super) fn dark_rules() -> String {
    let rule = |(ink, _, dark): &(Ink, [u8; 3], &str)| {
        let light = ink.hex();
        format!(
            "[stroke=\"{light}\"]{{stroke:{dark}}}[fill=\"{light}\"]{{fill:{dark}}}[data-ink=\"{light}\"]{{background:{dark}!important}}"
        )
    };
    COLOURS.iter().map(rule).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_colour_is_another() {
        let mut lights: Vec<_> = COLOURS.iter().map(|(ink, ..)| ink.hex()).collect();
        lights.sort();
        lights.dedup();
        assert_eq!(lights.len(), COLOURS.len());
        assert!(LINES.iter().all(|ink| ink.entry().0 == *ink));
    }
}
