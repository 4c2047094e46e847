//! The terminal's other screen, taken and given back: however the one who took it ends, the user gets his own back.

use std::io::{self, Write};

use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::terminal::{Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen};
use ratatui::crossterm::{execute, terminal};

/// The other screen, while it lives.
#[derive(Debug)]
pub(super) struct Screen<W: Write> {
    out: W,
}

impl<W: Write> Screen<W> {
    /// Takes it, and the keys as they are typed.
    ///
    /// # Errors
    /// When the terminal refuses.
    pub(super) fn take(out: W) -> io::Result<Self> {
        terminal::enable_raw_mode()?;
        Self::enter(out)
    }

    fn enter(out: W) -> io::Result<Self> {
        // Before it is written to: what was written of a command that fails is undone too.
        let mut screen = Self { out };
        execute!(screen.out, EnterAlternateScreen, Hide)?;
        Ok(screen)
    }
}

impl<W: Write> Drop for Screen<W> {
    fn drop(&mut self) {
        // Cleared first: some terminals that were resized meanwhile leave parts of it. One that is gone needs nothing.
        execute!(self.out, Clear(ClearType::All), LeaveAlternateScreen, Show).unwrap_or_default();
        terminal::disable_raw_mode().unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_screen_is_given_back_when_who_took_it_panics() {
        let mut written = Vec::new();
        let drawing = std::panic::AssertUnwindSafe(|| {
            let _screen = Screen::enter(&mut written).unwrap();
            panic!("while drawing");
        });
        std::panic::catch_unwind(drawing).unwrap_err();
        let written = String::from_utf8(written).unwrap();
        assert_eq!(written, "\x1b[?1049h\x1b[?25l\x1b[2J\x1b[?1049l\x1b[?25h");
    }
}
