//! The pages for contributors, against the tree: what they name is there, and what is there is named.

use std::collections::BTreeSet;
use std::path::Path;

use crate::support::{files, root, text};

/// What stands between backticks in lines of prose and tables.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.lines().flat_map(|line| line.split('`').skip(1).step_by(2))
}

/// A part of the design page, up to the next heading.
fn section(heading: &str) -> String {
    let page = text("docs/DESIGN.md");
    let (_, after) = page.split_once(&format!("\n{heading}")).unwrap();
    after.split("\n##").next().unwrap().to_owned()
}

/// The modules that a file declares, tests aside.
fn modules(file: &str) -> BTreeSet<String> {
    let declared = |line: &str| {
        let name = line.trim_start_matches("pub ").strip_prefix("mod ")?.strip_suffix(';')?;
        (name != "tests").then(|| name.to_owned())
    };
    text(file).lines().filter_map(declared).collect()
}

#[test]
fn the_design_names_each_room_and_no_other() {
    for (heading, file) in [
        ("### `supervise`", "supervise/src/lib.rs"),
        ("### `swarm`", "swarm/src/lib.rs"),
        ("### `proxy`", "swarm/src/proxy/mod.rs"),
    ] {
        let section = section(heading);
        let named: BTreeSet<_> = quoted(&section).map(str::to_owned).collect();
        let missing: Vec<_> = modules(file).into_iter().filter(|module| !named.contains(module)).collect();
        assert!(missing.is_empty(), "docs/DESIGN.md, {heading}, does not name {missing:?} of {file}");
        let folder = Path::new(file).parent().unwrap();
        let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split(" |").next());
        for module in rows.flat_map(|cell| cell.split(", ")).map(|name| name.trim_matches('`')) {
            let there = [format!("{module}.rs"), format!("{module}/mod.rs")];
            assert!(
                there.iter().any(|name| root().join(folder).join(name).exists()),
                "docs/DESIGN.md, {heading}: there is no {module} in {}",
                folder.display()
            );
        }
    }
}

#[test]
fn the_theory_of_the_origin_leads_to_each_of_its_modules() {
    let file = "test-origin/src/lib.rs";
    let text = text(file);
    let theory = text.lines().take_while(|line| line.starts_with("//!")).collect::<Vec<_>>().join("\n");
    let named: BTreeSet<_> = quoted(&theory).map(str::to_owned).collect();
    let missing: Vec<_> = modules(file).into_iter().filter(|module| !named.contains(module)).collect();
    assert!(missing.is_empty(), "the text at the top of {file} does not name {missing:?}");
}

#[test]
fn the_table_of_crates_has_each_member_of_the_workspace() {
    let manifest: toml::Table = text("Cargo.toml").parse().unwrap();
    let members = manifest["workspace"]["members"].as_array().unwrap();
    let members: BTreeSet<_> = members.iter().map(|member| member.as_str().unwrap().to_owned()).collect();
    let page = text("docs/DESIGN.md");
    let (_, after) = page.split_once("| crate | what |").unwrap();
    let rows = after.split("\n\n").next().unwrap().lines().filter_map(|line| line.strip_prefix("| `"));
    let named: BTreeSet<_> = rows.map(|row| row.split('`').next().unwrap().to_owned()).collect();
    assert_eq!(named, members);
}

#[test]
fn each_dependency_has_its_reason() {
    let manifest: toml::Table = text("Cargo.toml").parse().unwrap();
    let dependencies = manifest["workspace"]["dependencies"].as_table().unwrap();
    let ours = |dependency: &toml::Value| dependency.get("path").is_some();
    let foreign =
        dependencies.iter().filter(|(_, dependency)| !ours(dependency)).map(|(name, _)| name.clone());
    let section = section("### Dependencies");
    let rows = section.lines().skip_while(|line| !line.starts_with("| ---")).skip(1);
    let cells = rows.filter_map(|row| row.strip_prefix("| ")?.split(" | ").next());
    let reasoned: BTreeSet<_> = cells.flat_map(|names| names.split(", ")).map(str::to_owned).collect();
    let foreign: BTreeSet<_> = foreign.collect();
    let differ: Vec<_> = reasoned.symmetric_difference(&foreign).collect();
    assert!(
        differ.is_empty(),
        "docs/DESIGN.md gives the reason of each dependency and no other, not so: {differ:?}"
    );
}

#[test]
fn the_folders_and_files_that_contributors_are_sent_to_are_there() {
    let known: Vec<_> = files(&[""]).into_iter().map(|file| format!("/{}", file.display())).collect();
    for page in ["CONTRIBUTING.md", "docs/DESIGN.md", "docs/TESTING.md"] {
        let text = text(page);
        // A path has a slash, and letters that are no example's.
        let is_path = |name: &&str| {
            let plain =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-./".contains(&byte);
            name.contains('/') && !name.starts_with('/') && name.bytes().all(plain)
        };
        for path in quoted(&text).filter(is_path).filter(|path| !path.starts_with("target/")) {
            let inside = format!("/{path}");
            let there = known.iter().any(|file| {
                file.ends_with(&inside) || file.contains(&format!("{}/", inside.trim_end_matches('/')))
            });
            assert!(there, "{page}: there is no {path}");
        }
    }
}
