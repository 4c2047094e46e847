//! Nix files are right as files, and repeat nothing that the programs know.

use std::collections::BTreeSet;

use crate::support::{files, program, text};

/// Words of a text that begin so, and go on in capitals.
fn variables(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'));
    let ours = |word: &&str| word.starts_with("HLSSWARM_") || word.starts_with("HLSORIGIN_");
    // `HLSORIGIN_` alone stands for all of them.
    words.filter(ours).filter(|word| !word.ends_with('_')).map(str::to_owned).collect()
}

fn commands() -> [clap::Command; 2] {
    use clap::CommandFactory as _;
    [swarm::cli::command(), test_origin::cli::Args::command()]
}

#[test]
fn every_nix_file_is_read_and_formatted_as_nixfmt_does() {
    let nix = files(&[".nix"]);
    assert!(nix.len() > 10, "{nix:?}");
    for path in nix {
        let source = text(&path);
        let formatted = nixfmt_rs::format(&source);
        let formatted = formatted.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(
            formatted == source,
            "{} is not formatted: run nix fmt, or nixfmt of the crate nixfmt_rs",
            path.display()
        );
    }
}

#[test]
fn the_flake_only_wires() {
    assert!(text("flake.nix").lines().count() < 100);
}

#[test]
fn the_lock_has_the_inputs_of_the_flake() {
    let lock: serde_json::Value = serde_json::from_str(&text("flake.lock")).unwrap();
    let flake = text("flake.nix");
    for input in lock["nodes"]["root"]["inputs"].as_object().unwrap().keys() {
        let original = &lock["nodes"][input]["original"];
        let mut url =
            format!("github:{}/{}", original["owner"].as_str().unwrap(), original["repo"].as_str().unwrap());
        if let Some(branch) = original["ref"].as_str() {
            url = format!("{url}/{branch}");
        }
        assert!(flake.contains(&format!("\"{url}\"")), "{url}");
    }
}

#[test]
fn every_variable_that_is_set_is_one_of_a_program() {
    let known: BTreeSet<String> = commands()
        .iter()
        .flat_map(clap::Command::get_arguments)
        .filter_map(|arg| arg.get_env().map(|name| name.to_string_lossy().into_owned()))
        .collect();
    let mut set = 0;
    for path in files(&[".nix", ".yml", ".yaml", ".sh", "Makefile", ".mk", ".service"]) {
        for name in variables(&text(&path)) {
            assert!(known.contains(&name), "{}: no program reads {name}", path.display());
            set += 1;
        }
    }
    assert!(set > 5, "only {set} were found: is the test looking at the right files?");
}

#[test]
fn ports_are_those_of_the_programs_and_stand_in_one_file() {
    let ports: serde_json::Value = serde_json::from_str(&text("nix/ports.json")).unwrap();
    assert_eq!(ports["origin"], test_origin::plan::Plan::DEFAULT_PORT);
    let swarm = swarm::cli::command();
    let metrics = swarm.get_arguments().find(|arg| arg.get_long() == Some("metrics")).unwrap();
    let default = metrics.get_default_values()[0].to_string_lossy();
    assert_eq!(default.rsplit(':').next().unwrap(), ports["metrics"].to_string());
    for path in files(&[".nix"]) {
        let source = text(&path);
        for (name, port) in ports.as_object().unwrap() {
            assert!(
                !numbers(&source).contains(&port.to_string()),
                "{}: ports.{name} is {port}",
                path.display()
            );
        }
    }
}

fn numbers(source: &str) -> BTreeSet<String> {
    source.split(|c: char| !c.is_ascii_digit()).map(str::to_owned).collect()
}

/// Names of values that only a profile has: two words or more, such as `segment_seconds`.
fn keys(value: &toml::Value, found: &mut BTreeSet<String>) {
    match value {
        toml::Value::Table(table) => {
            found.extend(table.keys().filter(|key| key.contains('_')).cloned());
            table.values().for_each(|value| keys(value, found));
        }
        toml::Value::Array(items) => items.iter().for_each(|value| keys(value, found)),
        _ => {}
    }
}

#[test]
fn no_profile_is_repeated_in_nix() {
    let profiles = files(&[".toml"]);
    let profiles: Vec<_> = profiles.iter().filter(|path| path.starts_with("test-origin/profiles")).collect();
    assert_eq!(profiles.len(), test_origin::catalog::names().count());
    let mut of_profiles = BTreeSet::new();
    for path in &profiles {
        keys(&toml::from_str(&text(path)).unwrap(), &mut of_profiles);
    }
    assert!(of_profiles.contains("segment_seconds"), "{of_profiles:?}");
    for path in files(&[".nix"]) {
        let source = text(&path);
        let words: BTreeSet<_> = source.split(|c: char| !(c.is_alphanumeric() || c == '_')).collect();
        for key in &of_profiles {
            assert!(!words.contains(key.as_str()), "{}: {key} is a profile's", path.display());
        }
    }
}

#[test]
fn both_programs_make_the_check_that_modules_rely_on() {
    let check = |name: &str, flags: &[&str]| {
        let mut command = std::process::Command::new(program(name));
        command.arg("check-flags").args(flags).output().unwrap()
    };
    let url = "https://cdn.example/live.m3u8";
    for (name, flags, rest) in [
        ("swarm", &["--clients=200", "--no-cache", "--header=X-One: 1"][..], &[url][..]),
        ("test-origin", &["--dir=/run/hls-test-origin", "--cache-dir=/var/cache/hls-test-origin"], &[]),
    ] {
        let right = check(name, &[flags, rest].concat());
        assert_eq!(right.status.code(), Some(0), "{name}: {}", String::from_utf8_lossy(&right.stderr));
        let wrong = check(name, &[flags, &["--of-yesterday=1"], rest].concat());
        assert_eq!(wrong.status.code(), Some(2), "{name}: {}", String::from_utf8_lossy(&wrong.stderr));
    }
}
