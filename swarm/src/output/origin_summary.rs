//! What the origin's own metrics said, as rows of the summary. Formats only.

use super::wire_summary::size;
use crate::origin_metrics::OriginSnapshot;
use crate::plural::count;

/// Name and text of each row.
pub fn rows(origin: &OriginSnapshot) -> Vec<(&'static str, String)> {
    let mut parts = Vec::new();
    if let (Some(mean), Some(max)) = (origin.cpu_ratio_mean, origin.cpu_ratio_max) {
        parts.push(format!("CPU of its machine {:.0} % (max {:.0} %)", mean * 100.0, max * 100.0));
    }
    if let (Some(mean), Some(max)) = (origin.cpu_cores_mean, origin.cpu_cores_max) {
        parts.push(format!("its processes {mean:.2} cores (max {max:.2})"));
    }
    if let Some(connections) = origin.connections_max {
        parts.push(format!("at most {connections:.0} connections"));
    }
    if let Some(requests) = origin.requests_per_s_mean {
        parts.push(format!("{requests:.1} requests/s"));
    }
    if let Some(bytes) = origin.bytes_per_s_mean {
        parts.push(format!("{}/s", size(bytes)));
    }
    if let Some(errors) = origin.errors_5xx {
        let when = origin.first_5xx_after_s.map(|after| format!(", the first after {after:.0} s"));
        parts.push(format!("{errors:.0} answers 5xx{}", when.unwrap_or_default()));
    }
    if origin.failed_scrapes > 0 {
        let scrapes = count(origin.failed_scrapes, "scrape");
        let why = origin.last_failure.as_deref().unwrap_or_default();
        parts.push(format!("{scrapes} failed ({why})"));
    }
    if parts.is_empty() { Vec::new() } else { vec![("origin", parts.join(", "))] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_known_is_said() {
        assert!(rows(&OriginSnapshot::default()).is_empty());
        let origin = OriginSnapshot {
            cpu_cores_mean: Some(0.25),
            cpu_cores_max: Some(0.5),
            connections_max: Some(41.0),
            bytes_per_s_mean: Some(2.5e6),
            errors_5xx: Some(12.0),
            first_5xx_after_s: Some(33.2),
            failed_scrapes: 1,
            last_failure: Some("gone".to_owned()),
            ..OriginSnapshot::default()
        };
        let expected = "its processes 0.25 cores (max 0.50), at most 41 connections, 2.5 MB/s, \
                        12 answers 5xx, the first after 33 s, 1 scrape failed (gone)";
        assert_eq!(rows(&origin), [("origin", expected.to_owned())]);
    }
}
