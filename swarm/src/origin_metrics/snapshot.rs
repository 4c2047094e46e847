//! The origin's own figures over a whole run. Pure, and bounded however long it runs.

use serde::{Deserialize, Serialize};

use super::OriginSample;

/// What the endpoints said over the run; null where they said nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OriginSnapshot {
    /// The endpoints, without query.
    pub urls: Vec<String>,
    /// Pages that were read.
    pub scrapes: u64,
    /// Pages that could not be had.
    pub failed_scrapes: u64,
    /// Why the last of these could not.
    pub last_failure: Option<String>,
    /// [`OriginSample::cpu_ratio`]
    pub cpu_ratio_mean: Option<f64>,
    /// [`OriginSample::cpu_ratio`]
    pub cpu_ratio_max: Option<f64>,
    /// [`OriginSample::cpu_cores`]
    pub cpu_cores_mean: Option<f64>,
    /// [`OriginSample::cpu_cores`]
    pub cpu_cores_max: Option<f64>,
    /// [`OriginSample::connections`]
    pub connections_max: Option<f64>,
    /// [`OriginSample::requests_per_s`]
    pub requests_per_s_mean: Option<f64>,
    /// [`OriginSample::requests_per_s`]
    pub requests_per_s_max: Option<f64>,
    /// [`OriginSample::bytes_per_s`]
    pub bytes_per_s_mean: Option<f64>,
    /// [`OriginSample::bytes_per_s`]
    pub bytes_per_s_max: Option<f64>,
    /// Answers with a status of 500 to 599, over the run.
    pub errors_5xx: Option<f64>,
    /// When the first of them came, since the run began.
    pub first_5xx_after_s: Option<f64>,
}

/// Takes samples in.
#[derive(Clone, Debug, Default)]
pub(super) struct Books {
    /// What needs no more computing.
    pub(super) so_far: OriginSnapshot,
    sums: OriginSample,
    seconds: OriginSample,
}

impl Books {
    pub(super) fn add(&mut self, sample: &OriginSample, after_s: f64, elapsed_s: f64) {
        let add = |sum: &mut Option<f64>, seconds: &mut Option<f64>, value: Option<f64>| {
            if let Some(value) = value {
                *sum = Some(sum.unwrap_or(0.0) + value * elapsed_s);
                *seconds = Some(seconds.unwrap_or(0.0) + elapsed_s);
            }
        };
        let (sums, seconds) = (&mut self.sums, &mut self.seconds);
        add(&mut sums.cpu_ratio, &mut seconds.cpu_ratio, sample.cpu_ratio);
        add(&mut sums.cpu_cores, &mut seconds.cpu_cores, sample.cpu_cores);
        add(&mut sums.requests_per_s, &mut seconds.requests_per_s, sample.requests_per_s);
        add(&mut sums.bytes_per_s, &mut seconds.bytes_per_s, sample.bytes_per_s);
        add(&mut sums.errors_5xx_per_s, &mut seconds.errors_5xx_per_s, sample.errors_5xx_per_s);
        let OriginSnapshot { cpu_ratio_max, cpu_cores_max, connections_max, .. } = &mut self.so_far;
        raise(cpu_ratio_max, sample.cpu_ratio);
        raise(cpu_cores_max, sample.cpu_cores);
        raise(connections_max, sample.connections);
        raise(&mut self.so_far.requests_per_s_max, sample.requests_per_s);
        raise(&mut self.so_far.bytes_per_s_max, sample.bytes_per_s);
        if sample.errors_5xx_per_s.is_some_and(|rate| rate > 0.0) {
            self.so_far.first_5xx_after_s.get_or_insert(after_s);
        }
    }

    pub(super) fn snapshot(&self) -> OriginSnapshot {
        let mean = |sum: Option<f64>, seconds: Option<f64>| Some(sum? / seconds.filter(|s| *s > 0.0)?);
        let (sums, seconds) = (&self.sums, &self.seconds);
        OriginSnapshot {
            cpu_ratio_mean: mean(sums.cpu_ratio, seconds.cpu_ratio),
            cpu_cores_mean: mean(sums.cpu_cores, seconds.cpu_cores),
            requests_per_s_mean: mean(sums.requests_per_s, seconds.requests_per_s),
            bytes_per_s_mean: mean(sums.bytes_per_s, seconds.bytes_per_s),
            errors_5xx: sums.errors_5xx_per_s,
            ..self.so_far.clone()
        }
    }
}

fn raise(max: &mut Option<f64>, value: Option<f64>) {
    if let Some(value) = value {
        *max = Some(max.map_or(value, |max| max.max(value)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_peaks_sums_and_the_first_error_are_kept() {
        let mut books = Books::default();
        for (second, rate) in [(1.0, 0.0), (2.0, 6.0), (3.0, 3.0)] {
            let sample = OriginSample {
                connections: Some(10.0 - second),
                requests_per_s: Some(rate * 10.0),
                errors_5xx_per_s: Some(rate),
                ..OriginSample::default()
            };
            books.add(&sample, second, 1.0);
        }
        let snapshot = books.snapshot();
        assert_eq!((snapshot.requests_per_s_mean, snapshot.requests_per_s_max), (Some(30.0), Some(60.0)));
        assert_eq!((snapshot.errors_5xx, snapshot.first_5xx_after_s), (Some(9.0), Some(2.0)));
        assert_eq!((snapshot.connections_max, snapshot.cpu_ratio_mean), (Some(9.0), None));
    }
}
