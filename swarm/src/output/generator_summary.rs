//! The load box, as rows of the summary. Formats only.

use super::wire_summary::size;
use crate::generator::{GeneratorSnapshot, Resource, Sample};

/// Name and text of each row; none in a run that was over before the first second was.
pub fn rows(generator: &GeneratorSnapshot) -> Vec<(&'static str, String)> {
    if generator.sampled_s <= 0.0 {
        return Vec::new();
    }
    let mut rows = vec![("load box", state(generator))];
    if generator.shared_with_origin {
        rows.extend(shared(generator).map(|text| ("shared", text)));
    }
    if let Some(to_do) = &generator.what_to_do {
        rows.push(("to do", to_do.clone()));
    }
    rows
}

fn state(generator: &GeneratorSnapshot) -> String {
    let mut parts = Vec::new();
    if let (Some(mean), Some(max)) = (generator.cpu_ratio_mean, generator.cpu_ratio_max) {
        let own = generator.own_cpu_ratio_mean.map(|own| format!(", swarm and FFmpegs {}", percent(own)));
        let own = own.unwrap_or_default();
        parts.push(format!(
            "CPU {} (max {}{own}) of {} cores",
            percent(mean),
            percent(max),
            number(generator.cores)
        ));
    }
    if let Some(available) = generator.memory_available_bytes_min {
        parts.push(format!("at least {} of memory left", size(available)));
    }
    parts.push(match generator.saturated_resource {
        None => "never saturated".to_owned(),
        Some(resource) => format!(
            "saturated for {:.0} of {:.0} s: short of {}",
            generator.saturated_s,
            generator.sampled_s,
            resource.name()
        ),
    });
    parts.join(", ")
}

fn shared(generator: &GeneratorSnapshot) -> Option<String> {
    let (own, other) = (generator.own_cpu_ratio_mean?, generator.other_cpu_ratio_mean?);
    Some(format!(
        "the origin is on this machine too: swarm and FFmpegs took {} of its CPU, everything else {}",
        percent(own),
        percent(other)
    ))
}

/// For the status line, while it lasts.
pub fn warning(sample: &Sample) -> Option<String> {
    sample.saturated.map(|resource: Resource| format!("load box short of {}", resource.name()))
}

pub(super) fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// `2`, or `1.5` for a quota.
fn number(cores: f64) -> String {
    let text = format!("{cores:.1}");
    text.strip_suffix(".0").map_or_else(|| text.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generator() -> GeneratorSnapshot {
        GeneratorSnapshot {
            cores: 1.5,
            sampled_s: 60.0,
            cpu_ratio_mean: Some(0.43),
            cpu_ratio_max: Some(0.712),
            own_cpu_ratio_mean: Some(0.12),
            other_cpu_ratio_mean: Some(0.31),
            memory_available_bytes_min: Some(2.5e9),
            ..GeneratorSnapshot::default()
        }
    }

    #[test]
    fn a_box_with_room_is_one_row() {
        let expected = "CPU 43 % (max 71 %, swarm and FFmpegs 12 %) of 1.5 cores, at least 2.50 GB of memory left, \
                        never saturated";
        assert_eq!(rows(&generator()), [("load box", expected.to_owned())]);
    }

    #[test]
    fn a_saturated_box_says_of_what_and_what_to_do_and_who_took_the_cpu() {
        let generator = GeneratorSnapshot {
            shared_with_origin: true,
            saturated_s: 31.0,
            saturated_resource: Some(Resource::Cpu),
            what_to_do: Some(Resource::Cpu.what_to_do().to_owned()),
            ..generator()
        };
        let rows = rows(&generator);
        assert!(rows[0].1.ends_with("saturated for 31 of 60 s: short of CPU"), "{rows:?}");
        assert!(
            rows[1].1.ends_with("swarm and FFmpegs took 12 % of its CPU, everything else 31 %"),
            "{rows:?}"
        );
        assert!(rows[2].1.contains("fewer -clients"), "{rows:?}");
    }

    #[test]
    fn nothing_is_said_of_no_time_and_little_of_a_machine_that_tells_nothing() {
        assert!(rows(&GeneratorSnapshot::default()).is_empty());
        let silent = GeneratorSnapshot { sampled_s: 5.0, ..GeneratorSnapshot::default() };
        assert_eq!(rows(&silent), [("load box", "never saturated".to_owned())]);
    }
}
