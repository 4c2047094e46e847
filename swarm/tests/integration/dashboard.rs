//! The dashboard on a real terminal: what is on its screen, what its keys do, and that the user gets his screen back.

use testkit::{Tmux, processes_with, wait_until};

use crate::support::{fake_ffmpeg, origin};

/// Runs it in a terminal; its exit code and the terminal's settings are told below what it left on the screen.
fn start(size: (u16, u16), environment: &str, flags: &str, url: &str) -> Tmux {
    let unset = std::env::vars()
        .map(|(name, _)| name)
        .filter(|name| name.starts_with("HLSSWARM_") && name != "HLSSWARM_FFMPEG" || name == "NO_COLOR");
    let unset = unset.map(|name| format!("-u {name} ")).collect::<Vec<_>>().concat();
    let program = env!("CARGO_BIN_EXE_swarm");
    let run = format!("env {unset}{environment} {program} -metrics off {flags} {url}");
    Tmux::start(size, &format!("{run}; echo code $?; stty -a | grep -o ' .*icanon\\| -*echo '; sleep 600"))
}

/// It has ended with this code, and the terminal is as it was.
#[track_caller]
fn assert_given_back(terminal: &Tmux, code: u8) {
    terminal.wait_for(&[&format!("code {code}"), " echo"]);
    let screen = terminal.screen();
    assert!(!screen.contains("-icanon") && !screen.contains("-echo"), "{screen}");
}

#[test]
fn the_dashboard_shows_the_run_and_its_keys_steer_it() {
    let origin = origin("one-second", &[]);
    let terminal = start((80, 24), "", "-clients 10 -ramp-rate 50 -duration 10m", &origin.url);
    terminal.wait_for(&["holding 10", " of 10m, ", "10 of 10 run", "█ 10 playing", "segments", "stale from"]);
    terminal.wait_for(&[" so far: ", "load box", "CPU ", "Mbit/s"]);
    terminal.press("+");
    terminal.wait_for(&["holding 11", "11 of 11 run", "█ 11 playing"]);
    terminal.press("-");
    terminal.press("-");
    terminal.wait_for(&["holding 9", "9 of 9 run", "█ 9 playing"]);
    terminal.press("d");
    terminal.wait_for(&["─ Viewer ", "buffer", "    8 playing"]);
    terminal.press("?");
    terminal.wait_for(&["stop the viewers and report; again: kill at once"]);
    terminal.press("Escape");
    terminal.wait_for(&["─ Requests "]);
    terminal.press("q");
    assert_given_back(&terminal, 0);
    terminal.wait_for(&["stopped with a key of the dashboard"]);
}

#[test]
fn the_dashboard_follows_the_size_of_its_terminal() {
    let origin = origin("one-second", &[]);
    let terminal = start((60, 20), "", "-clients 2 -ramp-rate 50", &origin.url);
    terminal.wait_for(&["2 of 2 run", "until stopped", "─ Failures "]);
    terminal.resize(50, 12);
    terminal.wait_for(&["The dashboard needs 60", "are 50 and 12"]);
    terminal.resize(140, 45);
    // Who has not played yet makes another exit code.
    terminal.wait_for(&["2 of 2 run", "█ 2 playing", "─ Log ─"]);
    terminal.press("C-c");
    assert_given_back(&terminal, 0);
}

#[test]
fn the_ramp_is_held_and_goes_on() {
    let origin = origin("one-second", &[]);
    let terminal = start((80, 24), "", "-clients 40 -ramp-rate 4", &origin.url);
    terminal.wait_for(&["ramping ", "playing"]);
    terminal.press("p");
    terminal.wait_for(&["ramp held at ", " of 40"]);
    terminal.press("p");
    terminal.wait_for(&["ramping ", " to 40"]);
}

/// What is left in the folder for temporary files.
fn left_in(folder: &tempfile::TempDir) -> Vec<std::path::PathBuf> {
    std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path()).collect()
}

#[test]
fn what_is_logged_meanwhile_is_on_the_screen_and_in_a_file_that_is_named() {
    let origin = origin("one-second", &[]);
    let folder = tempfile::tempdir().unwrap();
    let flags = format!("-clients 2 -ramp-rate 50 -ffmpeg {}", fake_ffmpeg("dies-at-once"));
    let terminal = start((140, 45), &format!("TMPDIR={}", folder.path().display()), &flags, &origin.url);
    terminal.wait_for(&["─ Log ─", "WARN a viewer's FFmpeg ended: "]);
    terminal.press("q");
    assert_given_back(&terminal, 4);
    let [log] = &left_in(&folder)[..] else { panic!("{:?}", left_in(&folder)) };
    terminal.wait_for(&[&format!("what was logged meanwhile: {}", log.display())]);
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains("WARN a viewer's FFmpeg ended: "), "{log}");
}

#[test]
fn a_second_q_kills_and_a_log_without_a_line_leaves_no_file() {
    let origin = origin("one-second", &[]);
    let folder = tempfile::tempdir().unwrap();
    let flags = format!("-clients 2 -ramp-rate 50 -ffmpeg {}", fake_ffmpeg("ignores-sigterm"));
    let terminal = start((80, 24), &format!("TMPDIR={}", folder.path().display()), &flags, &origin.url);
    terminal.wait_for(&["2 of 2 run"]);
    terminal.press("q");
    terminal.wait_for(&["stopping the viewers", "again: kill at once"]);
    terminal.press("q");
    assert_given_back(&terminal, 130);
    assert_eq!(left_in(&folder), [] as [std::path::PathBuf; 0]);
}

#[test]
fn a_terminal_that_cannot_move_its_cursor_gets_log_lines() {
    let origin = origin("one-second", &[]);
    let terminal = start((140, 45), "TERM=dumb", "-tui on -clients 1 -duration 2s", &origin.url);
    terminal.wait_for(&["there is no dashboard: the terminal, by TERM, cannot move its cursor"]);
    assert_given_back(&terminal, 0);
}

#[test]
fn there_are_colours_and_with_no_color_there_is_none() {
    let origin = origin("one-second", &[]);
    let flags = "-clients 1 -ramp-rate 50";
    let terminal = start((80, 24), "", flags, &origin.url);
    terminal.wait_for(&["█ 1 playing"]);
    assert!(terminal.coloured_screen().contains("\x1b[38;5;"), "{:?}", terminal.coloured_screen());
    let terminal = start((80, 24), "NO_COLOR=1", flags, &origin.url);
    terminal.wait_for(&["█ 1 playing"]);
    let screen = terminal.coloured_screen();
    let colours =
        (0..8).flat_map(|colour| [format!("[3{colour}m"), format!("[4{colour}m"), format!("[9{colour}m")]);
    let found = colours.chain(["[38;".to_owned(), "[48;".to_owned()]).find(|colour| screen.contains(colour));
    assert_eq!(found, None, "{screen:?}");
}

#[test]
fn a_terminal_that_goes_away_ends_the_run_and_leaves_the_report_alone() {
    let origin = origin("one-second", &[]);
    let folder = tempfile::tempdir().unwrap();
    let [report, log] = ["run.json", "log"].map(|name| folder.path().join(name));
    let marker = format!("swarm-test-terminal-{}", std::process::id());
    let files = format!("-report {} -log-file {}", report.display(), log.display());
    let flags = format!("-clients 3 -ramp-rate 50 -header 'X-Test: {marker}' {files}");
    let terminal = start((80, 24), "", &flags, &origin.url);
    terminal.wait_for(&["3 of 3 run"]);
    assert!(processes_with(&marker).len() >= 4);
    terminal.close();
    wait_until("nothing is left", || processes_with(&marker).is_empty());
    assert!(std::fs::read_to_string(&report).unwrap().contains("\"sentence\""));
    let log = std::fs::read_to_string(&log).unwrap();
    assert!(log.contains("report written to") && !log.contains("panicked"), "{log}");
}
