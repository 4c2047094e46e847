//! One second of the origin: the difference of two pages. Pure.

use serde::Serialize;

use super::Page;

/// One second. What the endpoints do not have is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct OriginSample {
    /// Share of the CPUs of the origin's machine that was not idle, 0 to 1.
    pub cpu_ratio: Option<f64>,
    /// CPUs that the origin's processes used; 1.5 is one and a half.
    pub cpu_cores: Option<f64>,
    /// Open connections.
    pub connections: Option<f64>,
    /// Requests answered.
    pub requests_per_s: Option<f64>,
    /// Bytes sent.
    pub bytes_per_s: Option<f64>,
    /// Requests answered with a status of 500 to 599.
    pub errors_5xx_per_s: Option<f64>,
    /// Faults that it makes on purpose, in force at the end of the second.
    pub faults: Option<f64>,
}

impl OriginSample {
    /// From one page to the next. A counter that fell was reset, by a restart: it tells nothing of this time.
    pub(super) fn between(before: &Page, after: &Page, elapsed_s: f64) -> Self {
        let grown =
            |before: Option<f64>, after: Option<f64>| Some(after? - before?).filter(|growth| *growth >= 0.0);
        let per_s =
            |before, after| grown(before, after).filter(|_| elapsed_s > 0.0).map(|growth| growth / elapsed_s);
        let machine = |page: &Page| page.machine_cpu_s.unzip();
        let ((all_before, busy_before), (all, busy)) = (machine(before), machine(after));
        Self {
            cpu_ratio: grown(busy_before, busy)
                .zip(grown(all_before, all).filter(|all| *all > 0.0))
                .map(|(busy, all)| (busy / all).min(1.0)),
            cpu_cores: per_s(before.cpu_s, after.cpu_s),
            connections: after.connections,
            requests_per_s: per_s(before.requests, after.requests),
            bytes_per_s: per_s(before.bytes, after.bytes),
            errors_5xx_per_s: per_s(before.errors_5xx, after.errors_5xx),
            faults: after.faults,
        }
    }

    /// What this one does not know is taken from another endpoint's.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            cpu_ratio: self.cpu_ratio.or(other.cpu_ratio),
            cpu_cores: self.cpu_cores.or(other.cpu_cores),
            connections: self.connections.or(other.connections),
            requests_per_s: self.requests_per_s.or(other.requests_per_s),
            bytes_per_s: self.bytes_per_s.or(other.bytes_per_s),
            errors_5xx_per_s: self.errors_5xx_per_s.or(other.errors_5xx_per_s),
            faults: self.faults.or(other.faults),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_become_rates_and_gauges_stay() {
        let before = Page {
            cpu_s: Some(10.0),
            machine_cpu_s: Some((100.0, 40.0)),
            connections: Some(3.0),
            requests: Some(50.0),
            errors_5xx: Some(0.0),
            bytes: None,
            faults: Some(0.0),
        };
        let after = Page {
            cpu_s: Some(11.0),
            machine_cpu_s: Some((104.0, 43.0)),
            connections: Some(5.0),
            requests: Some(60.0),
            errors_5xx: Some(4.0),
            bytes: Some(7.0),
            faults: Some(1.0),
        };
        let expected = OriginSample {
            cpu_ratio: Some(0.75),
            cpu_cores: Some(0.5),
            connections: Some(5.0),
            requests_per_s: Some(5.0),
            errors_5xx_per_s: Some(2.0),
            faults: Some(1.0),
            bytes_per_s: None,
        };
        assert_eq!(OriginSample::between(&before, &after, 2.0), expected);
    }

    #[test]
    fn a_restarted_origin_tells_nothing_of_that_second() {
        let page = |requests| Page { requests: Some(requests), ..Page::default() };
        let sample = OriginSample::between(&page(900.0), &page(3.0), 1.0);
        assert_eq!(sample, OriginSample::default());
    }

    #[test]
    fn endpoints_complete_each_other() {
        let nginx = OriginSample { connections: Some(3.0), ..OriginSample::default() };
        let node = OriginSample { connections: Some(9.0), cpu_ratio: Some(0.5), ..OriginSample::default() };
        let both = nginx.or(node);
        assert_eq!((both.connections, both.cpu_ratio), (Some(3.0), Some(0.5)));
    }
}
