//! What is there for machines without Nix says the same as the modules.

use crate::support::text;

/// `Name = value;` of the confinement in Nix, as `Name=value` of a unit. Lists are looked at entry by entry.
fn confinement() -> Vec<String> {
    let source = text("nix/modules/service.nix");
    let block = source.split_once("confinement = {").unwrap().1.split_once("\n  };").unwrap().0;
    let mut lines = Vec::new();
    let mut list = None;
    for line in block.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match (line.split_once(" = "), list) {
            (Some((name, "[")), _) => list = Some(name),
            (Some((name, value)), _) => {
                lines.push(format!("{name}={}", value.trim_end_matches(';').trim_matches('"')));
            }
            (None, _) if line == "];" => list = None,
            (None, Some(name)) => lines.push(format!("{name} {}", line.trim_matches('"'))),
            (None, None) => panic!("not understood: {line}"),
        }
    }
    lines
}

#[test]
fn the_units_are_confined_as_the_modules_are() {
    let confinement = confinement();
    assert!(
        confinement.len() > 20 && confinement.contains(&"DynamicUser=true".to_owned()),
        "{confinement:?}"
    );
    for unit in ["hls-swarm", "hls-test-origin"] {
        let unit = text(format!("deploy/systemd/{unit}.service"));
        for expected in &confinement {
            let is_there = match expected.split_once(' ') {
                None => unit.lines().any(|line| line == expected),
                // One of a list: in one line with the others, or in a line of its own.
                Some((name, entry)) => unit
                    .lines()
                    .filter_map(|line| line.strip_prefix(name)?.strip_prefix('='))
                    .any(|entries| entries.split(' ').any(|word| word == entry)),
            };
            assert!(is_there, "{expected} is missing in {unit}");
        }
    }
}

#[test]
fn the_compose_file_publishes_the_ports_of_the_lab() {
    let ports: serde_json::Value = serde_json::from_str(&text("nix/ports.json")).unwrap();
    let compose = text("deploy/compose.yml");
    for (host, inside) in [
        ("origin", "origin"),
        ("metrics", "metrics"),
        ("prometheusOnHost", "prometheus"),
        ("grafana", "grafana"),
    ] {
        let published = format!("\"127.0.0.1:{}:{}\"", ports[host], ports[inside]);
        assert!(compose.contains(&published), "{published}");
    }
    let prometheus = text("deploy/prometheus.yml");
    for target in [format!("swarm:{}", ports["metrics"]), format!("origin:{}", ports["origin"])] {
        assert!(prometheus.contains(&target), "{target}");
    }
}
