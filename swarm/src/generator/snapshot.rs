//! The load box over a whole run: averages and peaks, and when it was saturated. Pure, and bounded however long it runs.

use serde::{Deserialize, Serialize};

use super::{Resource, Sample};

/// Spells that are kept apart. A box that flickers more often than this is told by its totals.
const MOST_SPELLS: usize = 256;

/// Share of a span that a spell must cover to count in it.
const TOUCH: f64 = 0.05;

/// A spell in which the load box did not keep up.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Saturated {
    /// Since the run began.
    pub from_s: f64,
    /// Since the run began.
    pub until_s: f64,
    /// What was used up.
    pub resource: Resource,
}

/// Average and peak of something, as far as it was known.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Course {
    sum: f64,
    count: u32,
    max: Option<f64>,
}

impl Course {
    fn add(&mut self, value: Option<f64>) {
        if let Some(value) = value {
            self.sum += value;
            self.count += 1;
            self.max = Some(self.max.map_or(value, |max| max.max(value)));
        }
    }

    fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / f64::from(self.count))
    }
}

/// Takes samples in.
#[derive(Debug, Default)]
pub(super) struct Books {
    seconds: f64,
    saturated_s: [f64; Resource::ALL.len()],
    spells: Vec<Saturated>,
    spells_beyond: u64,
    cpu: Course,
    own_cpu: Course,
    other_cpu: Course,
    steal: Course,
    iowait: Course,
    throttled: Course,
    pressure: Course,
    wait: Course,
    memory: Course,
    available: Course,
    swap_in: Course,
    kills: Option<u64>,
    descriptors: Course,
    ports: Course,
    network: Course,
    lag: Course,
    start: Course,
}

/// The load box over the run. What the machine cannot tell is null.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GeneratorSnapshot {
    /// CPUs that `swarm` may use; a container's quota need not be a whole number.
    pub cores: f64,
    /// The origin's address is one of this machine's.
    pub shared_with_origin: bool,
    /// Time that was sampled.
    pub sampled_s: f64,
    /// Of it saturated.
    pub saturated_s: f64,
    /// What was used up for longest.
    pub saturated_resource: Option<Resource>,
    /// What to do about that.
    pub what_to_do: Option<String>,
    /// When, in order; neighbouring seconds with the same resource are one spell.
    pub saturated: Vec<Saturated>,
    /// Spells beyond those.
    pub saturated_beyond: u64,
    /// [`Sample::cpu_ratio`]
    pub cpu_ratio_mean: Option<f64>,
    /// [`Sample::cpu_ratio`]
    pub cpu_ratio_max: Option<f64>,
    /// [`Sample::own_cpu_ratio`]
    pub own_cpu_ratio_mean: Option<f64>,
    /// [`Sample::own_cpu_ratio`]
    pub own_cpu_ratio_max: Option<f64>,
    /// [`Sample::other_cpu_ratio`]
    pub other_cpu_ratio_mean: Option<f64>,
    /// [`Sample::other_cpu_ratio`]
    pub other_cpu_ratio_max: Option<f64>,
    /// [`Sample::steal_ratio`]
    pub steal_ratio_max: Option<f64>,
    /// [`Sample::iowait_ratio`]
    pub iowait_ratio_max: Option<f64>,
    /// [`Sample::throttled_ratio`]
    pub throttled_ratio_max: Option<f64>,
    /// [`Sample::cpu_pressure_ratio`]
    pub cpu_pressure_ratio_mean: Option<f64>,
    /// [`Sample::cpu_pressure_ratio`]
    pub cpu_pressure_ratio_max: Option<f64>,
    /// [`Sample::run_queue_wait_s`]
    pub run_queue_wait_s_mean: Option<f64>,
    /// [`Sample::run_queue_wait_s`]
    pub run_queue_wait_s_max: Option<f64>,
    /// [`Sample::memory_bytes`]
    pub memory_bytes_max: Option<f64>,
    /// Least of [`Sample::memory_available_bytes`].
    pub memory_available_bytes_min: Option<f64>,
    /// [`Sample::swap_in_bytes_per_s`]
    pub swap_in_bytes_per_s_max: Option<f64>,
    /// Sum of [`Sample::out_of_memory_kills`].
    pub out_of_memory_kills: Option<u64>,
    /// [`Sample::descriptors_ratio`]
    pub descriptors_ratio_max: Option<f64>,
    /// [`Sample::ports_ratio`]
    pub ports_ratio_max: Option<f64>,
    /// [`Sample::network_ratio`]
    pub network_ratio_max: Option<f64>,
    /// [`Sample::lag_s`]
    pub lag_s_max: Option<f64>,
    /// [`Sample::start_s`]
    pub start_s_max: Option<f64>,
}

impl Books {
    pub(super) fn add(&mut self, sample: &Sample) {
        let seconds = sample.until_s - sample.from_s;
        self.seconds += seconds;
        if let Some(resource) = sample.saturated {
            self.saturated_s[resource as usize] += seconds;
            self.note_spell(sample.from_s, sample.until_s, resource);
        }
        self.cpu.add(sample.cpu_ratio);
        self.own_cpu.add(sample.own_cpu_ratio);
        self.other_cpu.add(sample.other_cpu_ratio());
        self.steal.add(sample.steal_ratio);
        self.iowait.add(sample.iowait_ratio);
        self.throttled.add(sample.throttled_ratio);
        self.pressure.add(sample.cpu_pressure_ratio);
        self.wait.add(sample.run_queue_wait_s);
        self.memory.add(sample.memory_bytes.map(|bytes| bytes as f64));
        // The least is the largest with its sign changed.
        self.available.add(sample.memory_available_bytes.map(|bytes| -(bytes as f64)));
        self.swap_in.add(sample.swap_in_bytes_per_s);
        if let Some(kills) = sample.out_of_memory_kills {
            *self.kills.get_or_insert(0) += kills;
        }
        self.descriptors.add(sample.descriptors_ratio);
        self.ports.add(sample.ports_ratio);
        self.network.add(sample.network_ratio);
        self.lag.add(Some(sample.lag_s));
        self.start.add(sample.start_s);
    }

    fn note_spell(&mut self, from_s: f64, until_s: f64, resource: Resource) {
        let full = self.spells.len() >= MOST_SPELLS;
        match self.spells.last_mut() {
            // The next sample begins where the last one ended.
            Some(last) if last.resource == resource && last.until_s >= from_s => last.until_s = until_s,
            _ if full => self.spells_beyond += 1,
            _ => self.spells.push(Saturated { from_s, until_s, resource }),
        }
    }

    pub(super) fn snapshot(&self, cores: f64, shared_with_origin: bool) -> GeneratorSnapshot {
        let longest = Resource::ALL
            .into_iter()
            .filter(|resource| self.saturated_s[*resource as usize] > 0.0)
            .max_by(|a, b| self.saturated_s[*a as usize].total_cmp(&self.saturated_s[*b as usize]));
        GeneratorSnapshot {
            cores,
            shared_with_origin,
            sampled_s: self.seconds,
            saturated_s: self.saturated_s.iter().sum(),
            saturated_resource: longest,
            what_to_do: longest.map(|resource| resource.what_to_do().to_owned()),
            saturated: self.spells.clone(),
            saturated_beyond: self.spells_beyond,
            cpu_ratio_mean: self.cpu.mean(),
            cpu_ratio_max: self.cpu.max,
            own_cpu_ratio_mean: self.own_cpu.mean(),
            own_cpu_ratio_max: self.own_cpu.max,
            other_cpu_ratio_mean: self.other_cpu.mean(),
            other_cpu_ratio_max: self.other_cpu.max,
            steal_ratio_max: self.steal.max,
            iowait_ratio_max: self.iowait.max,
            throttled_ratio_max: self.throttled.max,
            cpu_pressure_ratio_mean: self.pressure.mean(),
            cpu_pressure_ratio_max: self.pressure.max,
            run_queue_wait_s_mean: self.wait.mean(),
            run_queue_wait_s_max: self.wait.max,
            memory_bytes_max: self.memory.max,
            memory_available_bytes_min: self.available.max.map(|negative| -negative),
            swap_in_bytes_per_s_max: self.swap_in.max,
            out_of_memory_kills: self.kills,
            descriptors_ratio_max: self.descriptors.max,
            ports_ratio_max: self.ports.max,
            network_ratio_max: self.network.max,
            lag_s_max: self.lag.max,
            start_s_max: self.start.max,
        }
    }
}

impl GeneratorSnapshot {
    /// What was used up between `from_s` and `until_s`, since the run began; the first of several. A touch of a spell is
    /// none: the seconds of the run and of the samples begin a few milliseconds apart.
    pub fn saturated_in(&self, from_s: f64, until_s: f64) -> Option<Resource> {
        let least_s = TOUCH * (until_s - from_s);
        let overlaps = |spell: &&Saturated| {
            let overlap_s = spell.until_s.min(until_s) - spell.from_s.max(from_s);
            overlap_s > least_s.max(0.0)
        };
        self.saturated.iter().find(overlaps).map(|spell| spell.resource)
    }

    /// How much of the time from `from_s` to `until_s`, since the run began, was saturated.
    pub fn saturated_s_in(&self, from_s: f64, until_s: f64) -> f64 {
        let part = |spell: &Saturated| (spell.until_s.min(until_s) - spell.from_s.max(from_s)).max(0.0);
        self.saturated.iter().map(part).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(number: u32, saturated: Option<Resource>) -> Sample {
        Sample {
            from_s: f64::from(number),
            until_s: f64::from(number) + 1.0,
            cpu_ratio: Some(f64::from(number) / 10.0),
            memory_available_bytes: Some(u64::from(10_000 - number)),
            saturated,
            ..Sample::default()
        }
    }

    fn snapshot(seconds: impl IntoIterator<Item = Option<Resource>>) -> GeneratorSnapshot {
        let mut books = Books::default();
        for (number, saturated) in (0..).zip(seconds) {
            books.add(&second(number, saturated));
        }
        books.snapshot(2.0, false)
    }

    #[test]
    fn neighbouring_seconds_are_one_spell_and_the_longest_is_named() {
        let (cpu, lag) = (Some(Resource::Cpu), Some(Resource::Lag));
        let snapshot = snapshot([None, cpu, cpu, lag, None, cpu]);
        let spell = |from_s, until_s, resource| Saturated { from_s, until_s, resource };
        assert_eq!(
            snapshot.saturated,
            [spell(1.0, 3.0, Resource::Cpu), spell(3.0, 4.0, Resource::Lag), spell(5.0, 6.0, Resource::Cpu)]
        );
        assert!((snapshot.saturated_s - 4.0).abs() < 1e-9 && (snapshot.sampled_s - 6.0).abs() < 1e-9);
        assert_eq!(snapshot.saturated_resource, cpu);
        assert_eq!(snapshot.saturated_in(4.0, 5.0), None);
        assert_eq!(snapshot.saturated_in(3.5, 9.0), lag);
        assert_eq!((snapshot.saturated_in(0.01, 1.01), snapshot.saturated_in(0.1, 1.1)), (None, cpu));
        assert!((snapshot.saturated_s_in(2.5, 5.5) - 2.0).abs() < 1e-9);
    }

    #[test]
    fn averages_peaks_and_the_least_are_kept_and_the_unknown_stays_unknown() {
        let snapshot = snapshot([None; 5]);
        assert_eq!((snapshot.cpu_ratio_mean, snapshot.cpu_ratio_max), (Some(0.2), Some(0.4)));
        assert_eq!(snapshot.memory_available_bytes_min, Some(9_996.0));
        assert_eq!((snapshot.network_ratio_max, snapshot.saturated_resource), (None, None));
    }

    #[test]
    fn spells_are_bounded() {
        let flicker = (0..2000).map(|number| (number % 2 == 0).then_some(Resource::Cpu));
        let snapshot = snapshot(flicker);
        assert_eq!((snapshot.saturated.len(), snapshot.saturated_beyond), (MOST_SPELLS, 1000 - 256));
        assert!((snapshot.saturated_s - 1000.0).abs() < 1e-6, "the time is whole all the same");
    }
}
