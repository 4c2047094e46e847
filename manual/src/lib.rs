//! `PROGRAM completions SHELL` and `PROGRAM man`: what a packager installs beside a program, made from the same
//! definition as its `--help`. Never reads a flag's value and never prints.

#![forbid(unsafe_code)]

mod one_dash;

use std::ffi::OsString;

use clap::Command;
use clap_complete::Shell;

/// The shells that a script can be had for, as the user types them.
const SHELLS: [(&str, Shell); 3] = [("bash", Shell::Bash), ("zsh", Shell::Zsh), ("fish", Shell::Fish)];

/// How a program reads `-name`, where name has more than one letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dashes {
    /// As a flag, just as `--name`.
    OneOrTwo,
    /// As letters.
    Two,
}

/// The text that the command line (with the program's name first) asks for; `None` when it asks for something else.
///
/// # Errors
/// A sentence: the shell is missing or unknown, or something follows.
pub fn asked(
    args: &[OsString],
    command: impl FnOnce() -> Command,
    dashes: Dashes,
) -> Option<Result<String, String>> {
    let words: Vec<_> = args.iter().skip(1).map(|arg| arg.to_string_lossy()).collect();
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    match words[..] {
        ["man"] => Some(man(command())),
        ["completions", name] => Some(match SHELLS.iter().find(|(known, _)| *known == name) {
            Some((_, shell)) => completions(*shell, command(), dashes),
            None => Err(format!("completions: \"{name}\" is not one of bash, zsh, fish")),
        }),
        ["completions", ..] => Some(Err("completions: name one shell: bash, zsh or fish".to_owned())),
        ["man", ..] => Some(Err("man: nothing may follow".to_owned())),
        _ => None,
    }
}

/// The manual page, for `man1`.
fn man(command: Command) -> Result<String, String> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page).map_err(|error| format!("man: {error}"))?;
    String::from_utf8(page).map_err(|error| format!("man: {error}"))
}

/// The completion script.
fn completions(shell: Shell, mut command: Command, dashes: Dashes) -> Result<String, String> {
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, name, &mut script);
    let script = String::from_utf8(script).map_err(|error| format!("completions: {error}"))?;
    Ok(match dashes {
        Dashes::Two => script,
        Dashes::OneOrTwo => one_dash::added(shell, &script),
    })
}

#[cfg(test)]
mod tests {
    use clap::Arg;

    use super::*;

    fn command() -> Command {
        let flag = |name: &'static str| Arg::new(name).long(name).help("What it is");
        Command::new("tool").about("A tool").args([flag("clients"), flag("ramp-rate")])
    }

    fn answer(words: &[&str]) -> Option<Result<String, String>> {
        let args: Vec<_> = ["tool"].iter().chain(words).map(OsString::from).collect();
        asked(&args, command, Dashes::OneOrTwo)
    }

    #[test]
    fn other_words_are_not_for_us() {
        assert_eq!(answer(&[]), None);
        assert_eq!(answer(&["-clients", "5"]), None);
        assert_eq!(answer(&["http://h/man"]), None);
    }

    #[test]
    fn the_page_names_every_flag() {
        let page = answer(&["man"]).unwrap().unwrap();
        assert!(page.contains(r"\-\-clients") && page.contains(r"\-\-ramp\-rate"), "{page}");
    }

    #[test]
    fn a_wrong_question_is_answered_with_what_is_right() {
        assert_eq!(
            answer(&["completions"]).unwrap().unwrap_err(),
            "completions: name one shell: bash, zsh or fish"
        );
        let unknown = answer(&["completions", "tcsh"]).unwrap().unwrap_err();
        assert_eq!(unknown, "completions: \"tcsh\" is not one of bash, zsh, fish");
        assert_eq!(answer(&["man", "now"]).unwrap().unwrap_err(), "man: nothing may follow");
    }

    #[test]
    fn every_shell_offers_every_flag_with_one_dash_and_with_two() {
        for (name, _) in SHELLS {
            let script = answer(&["completions", name]).unwrap().unwrap();
            for flag in ["clients", "ramp-rate"] {
                let (one, two) = match name {
                    "bash" => (format!(" -{flag}"), format!(" --{flag}")),
                    "zsh" => (format!("'-{flag}="), format!("'--{flag}=")),
                    _ => (format!(" -o {flag}"), format!(" -l {flag}")),
                };
                assert!(script.contains(&one) && script.contains(&two), "{name}: {script}");
            }
        }
    }

    #[test]
    fn bash_completes_what_was_begun_with_one_dash() {
        let script = answer(&["completions", "bash"]).unwrap().unwrap();
        let ask = "COMP_WORDS=(tool -cl); COMP_CWORD=1; _tool tool -cl tool; echo \"${COMPREPLY[*]}\"";
        let bash =
            std::process::Command::new("bash").args(["-c", &format!("{script}\n{ask}")]).output().unwrap();
        assert_eq!(
            String::from_utf8_lossy(&bash.stdout),
            "-clients\n",
            "{}",
            String::from_utf8_lossy(&bash.stderr)
        );
    }
}
