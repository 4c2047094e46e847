//! clap knows flags with two dashes only: what its completion scripts say of those is said once more with one. Depends
//! on how the scripts are written, which the tests of the crate see.

use std::borrow::Cow;

use clap_complete::Shell;

/// The script with both spellings.
pub(crate) fn added(shell: Shell, script: &str) -> String {
    let line: fn(&str) -> Cow<'_, str> = match shell {
        Shell::Bash => bash,
        Shell::Zsh => zsh,
        _ => fish,
    };
    script.lines().map(|text| line(text) + "\n").collect()
}

/// `opts="-v --clients"` lists the words, `--clients)` is the case of a value.
fn bash(line: &str) -> Cow<'_, str> {
    let text = line.trim_start();
    if let Some(flag) = text.strip_prefix("--").and_then(|rest| rest.strip_suffix(')')) {
        return Cow::Owned(line.replace(text, &format!("--{flag}|-{flag})")));
    }
    let Some(words) = text.strip_prefix("opts=\"").and_then(|rest| rest.strip_suffix('"')) else {
        return Cow::Borrowed(line);
    };
    let flags = words.split(' ').filter_map(|word| word.strip_prefix("--"));
    let both = flags.fold(words.to_owned(), |all, flag| all + " -" + flag);
    Cow::Owned(line.replace(words, &both))
}

/// `'--clients=[Viewers]:N:_default' \` is one flag.
fn zsh(line: &str) -> Cow<'_, str> {
    for start in ["'", "'*"] {
        if let Some(rest) = line.strip_prefix(start).and_then(|rest| rest.strip_prefix("--")) {
            return Cow::Owned(format!("{line}\n{start}-{rest}"));
        }
    }
    Cow::Borrowed(line)
}

/// `complete -c swarm -l clients -d 'Viewers' -r` is one flag; `-o` is fish's word for a name after one dash.
fn fish(line: &str) -> Cow<'_, str> {
    let Some((before, after)) = line.split_once(" -l ") else { return Cow::Borrowed(line) };
    let (name, rest) = after.split_once(' ').unwrap_or((after, ""));
    Cow::Owned(format!("{before} -l {name} -o {name} {rest}"))
}
