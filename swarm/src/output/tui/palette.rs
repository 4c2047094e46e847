//! What the dashboard's parts look like on terminals of few colours and of many. Colour never says what words do not.

use ratatui::style::{Color, Modifier, Style};

/// A style for each meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Palette {
    /// All is well.
    pub good: Style,
    /// Look here.
    pub warn: Style,
    /// This is wrong.
    pub bad: Style,
    /// Less important than the rest.
    pub faint: Style,
    /// Titles and keys.
    pub accent: Style,
}

impl Palette {
    /// For `NO_COLOR`.
    pub const MONOCHROME: Self = Self {
        good: Style::new(),
        warn: Style::new().add_modifier(Modifier::BOLD),
        bad: Style::new().add_modifier(Modifier::REVERSED),
        faint: Style::new().add_modifier(Modifier::DIM),
        accent: Style::new().add_modifier(Modifier::BOLD),
    };

    /// The sixteen colours that each terminal's user has chosen.
    pub const SIXTEEN: Self = Self {
        good: Style::new().fg(Color::Green),
        warn: Style::new().fg(Color::Yellow),
        bad: Style::new().fg(Color::Red).add_modifier(Modifier::BOLD),
        faint: Style::new().fg(Color::DarkGray),
        accent: Style::new().fg(Color::Cyan),
    };

    /// Of the palette of 256: readable on black and on white.
    pub const MANY: Self = Self {
        good: Style::new().fg(Color::Indexed(71)),
        warn: Style::new().fg(Color::Indexed(172)),
        bad: Style::new().fg(Color::Indexed(167)).add_modifier(Modifier::BOLD),
        faint: Style::new().fg(Color::Indexed(245)),
        accent: Style::new().fg(Color::Indexed(67)),
    };

    /// For the terminal that these variables describe.
    pub fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
        let is_set = |name| variable(name).is_some_and(|value| !value.is_empty());
        if is_set("NO_COLOR") {
            Self::MONOCHROME
        } else if is_set("COLORTERM") || variable("TERM").is_some_and(|term| term.contains("256color")) {
            Self::MANY
        } else {
            Self::SIXTEEN
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_terminal_says_how_many_colours_it_has_and_its_user_whether_he_wants_them() {
        let of = |set: &[(&str, &str)]| {
            let find = |name: &str| set.iter().find(|(known, _)| *known == name);
            Palette::of(|name| find(name).map(|(_, value)| (*value).to_owned()))
        };
        assert_eq!(of(&[("TERM", "linux")]), Palette::SIXTEEN);
        assert_eq!(of(&[("TERM", "xterm-256color"), ("NO_COLOR", "")]), Palette::MANY);
        assert_eq!(of(&[("TERM", "xterm"), ("COLORTERM", "truecolor")]), Palette::MANY);
        assert_eq!(of(&[("TERM", "xterm-256color"), ("NO_COLOR", "1")]), Palette::MONOCHROME);
    }
}
