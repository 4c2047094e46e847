//! Keys: what they change in the dashboard, and what they ask the run for. Pure.

use super::keys::Key;
use crate::dispatcher::{Pace, Request, Steer};
use crate::output::moment::Moment;
use crate::plan::{Course, MOST_CLIENTS};

/// `+` and `-` change the number of viewers by one part in so many.
const STEP: u32 = 10;

/// The answer to a key gives its place back to the list of keys after so many moments, a second each.
const NOTICE_MOMENTS: u32 = 3;

/// Rows that a page key scrolls.
const PAGE: usize = 10;

/// What fills the middle of the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Page {
    /// The run.
    #[default]
    Run,
    /// Each viewer.
    Viewers,
    /// What the keys do.
    Help,
}

/// What the keys have set.
#[derive(Clone, Debug, Default)]
pub struct Controls {
    /// Chosen with keys.
    pub page: Page,
    /// Rows of the page that are scrolled away.
    pub scroll: usize,
    /// The answer to the last key, where it has one.
    pub notice: Option<String>,
    /// The end has been asked for, or has begun.
    pub stopping: bool,
    /// The ramp stands still; where it was to go.
    pub held: Option<u32>,
    /// Who decides how many viewers run, where keys do not.
    pub decides: Option<&'static str>,
    /// Asked for since the last moment.
    pub(super) asked: Option<u32>,
    /// Moments that have come since the last key.
    pub(super) notice_age: u32,
}

/// What a key asks the run for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Nothing.
    None,
    /// To stop, as a signal would.
    Stop,
    /// For another number of viewers.
    Ask(Request),
    /// To draw everything anew.
    Redraw,
}

impl Controls {
    /// For a run of this course.
    pub fn of(course: &Course) -> Self {
        let decides = match course {
            Course::Hold => None,
            Course::Stages(_) => Some("the stages"),
            Course::FindLimit(_) => Some("the search"),
        };
        Self { decides, ..Self::default() }
    }

    /// A new moment has come: what was asked for shows in it.
    pub fn moment_has_come(&mut self) {
        self.asked = None;
        self.notice_age += 1;
        if self.notice_age > NOTICE_MOMENTS {
            self.notice = None;
        }
    }

    /// Takes a key.
    pub fn press(&mut self, key: Key, moment: &Moment) -> Command {
        (self.notice, self.notice_age) = (None, 0);
        match key {
            Key::Char('q') | Key::Control('c') => {
                self.stopping = true;
                return Command::Stop;
            }
            Key::Control('l') => return Command::Redraw,
            Key::Char('+' | '=') => return self.change(moment, true),
            Key::Char('-' | '_') => return self.change(moment, false),
            Key::Char('p') => return self.hold(moment),
            Key::Char('d') => self.turn_to(Page::Viewers),
            Key::Char('?' | 'h') => self.turn_to(Page::Help),
            Key::Escape => self.turn_to(Page::Run),
            Key::Down | Key::Char('j') => self.scroll = self.scroll.saturating_add(1),
            Key::Up | Key::Char('k') => self.scroll = self.scroll.saturating_sub(1),
            Key::PageDown => self.scroll = self.scroll.saturating_add(PAGE),
            Key::PageUp => self.scroll = self.scroll.saturating_sub(PAGE),
            Key::Home => self.scroll = 0,
            Key::Char(_) | Key::Control(_) => {}
        }
        Command::None
    }

    /// The page of a key; the same key leads back.
    fn turn_to(&mut self, page: Page) {
        self.page = if self.page == page { Page::Run } else { page };
        self.scroll = 0;
    }

    fn change(&mut self, moment: &Moment, up: bool) -> Command {
        if self.is_refused() {
            return Command::None;
        }
        let from = self.asked.unwrap_or(moment.target);
        let step = (from / STEP).max(1);
        let viewers =
            if up { from.saturating_add(step).min(MOST_CLIENTS) } else { from.saturating_sub(step) };
        let viewers = viewers.max(1);
        self.ask_for(viewers, "viewers")
    }

    fn hold(&mut self, moment: &Moment) -> Command {
        if self.is_refused() {
            return Command::None;
        }
        if let Some(aim) = self.held {
            return self.ask_for(aim, "viewers: the ramp goes on");
        }
        if moment.wanted >= moment.target {
            self.notice = Some("the ramp is over: there is nothing to hold".to_owned());
            return Command::None;
        }
        self.held = Some(moment.target);
        self.notice = Some("the ramp is held: p lets it go on".to_owned());
        Command::Ask(Request::Hold)
    }

    fn ask_for(&mut self, viewers: u32, what: &str) -> Command {
        self.held = None;
        self.asked = Some(viewers);
        self.notice = Some(format!("asked for {viewers} {what}"));
        Command::Ask(Request::Steer(Steer { viewers, pace: Pace::Ramp }))
    }

    /// Whether the number of viewers is not for keys to change; then it is said why.
    fn is_refused(&mut self) -> bool {
        let why = if self.stopping { Some("the end") } else { self.decides };
        self.notice = why.map(|who| format!("{who} decides how many viewers run"));
        why.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(controls: &mut Controls, key: char, target: u32, wanted: u32) -> Command {
        let moment = Moment { target, wanted, ..Moment::default() };
        controls.press(Key::Char(key), &moment)
    }

    fn ask(viewers: u32) -> Command {
        Command::Ask(Request::Steer(Steer { viewers, pace: Pace::Ramp }))
    }

    #[test]
    fn plus_and_minus_change_by_a_tenth_and_add_up_within_a_moment() {
        let mut controls = Controls::default();
        assert_eq!(press(&mut controls, '+', 200, 200), ask(220));
        assert_eq!(press(&mut controls, '=', 200, 200), ask(242));
        controls.moment_has_come();
        assert_eq!(press(&mut controls, '-', 242, 230), ask(218));
        controls.moment_has_come();
        assert_eq!(press(&mut controls, '-', 1, 1), ask(1));
        controls.moment_has_come();
        assert_eq!(press(&mut controls, '+', MOST_CLIENTS, 1), ask(MOST_CLIENTS));
    }

    #[test]
    fn p_holds_a_ramp_and_lets_it_go_on() {
        let mut controls = Controls::default();
        assert_eq!(press(&mut controls, 'p', 100, 40), Command::Ask(Request::Hold));
        assert_eq!(press(&mut controls, 'p', 41, 41), ask(100));
        assert_eq!(press(&mut controls, 'p', 100, 100), Command::None);
        assert!(controls.notice.as_deref().unwrap().contains("nothing to hold"));
        for _ in 0..=NOTICE_MOMENTS {
            assert!(controls.notice.is_some());
            controls.moment_has_come();
        }
        assert_eq!(controls.notice, None);
    }

    #[test]
    fn keys_change_no_number_that_somebody_else_decides() {
        let mut controls = Controls { decides: Some("the search"), ..Controls::default() };
        for key in ['+', '-', 'p'] {
            assert_eq!(press(&mut controls, key, 100, 40), Command::None);
            assert_eq!(controls.notice.as_deref(), Some("the search decides how many viewers run"));
        }
        let mut controls = Controls::default();
        assert_eq!(press(&mut controls, 'q', 100, 40), Command::Stop);
        assert_eq!(press(&mut controls, '+', 100, 40), Command::None);
        assert_eq!(press(&mut controls, 'q', 100, 40), Command::Stop);
    }

    #[test]
    fn pages_open_and_close_with_their_key_and_ctrl_c_stops() {
        let mut controls = Controls::default();
        for (key, page) in [('d', Page::Viewers), ('?', Page::Help), ('?', Page::Run), ('x', Page::Run)] {
            assert_eq!(press(&mut controls, key, 1, 1), Command::None);
            assert_eq!(controls.page, page);
        }
        assert_eq!(controls.press(Key::Control('c'), &Moment::default()), Command::Stop);
        assert_eq!(controls.press(Key::Control('p'), &Moment::default()), Command::None);
    }
}
