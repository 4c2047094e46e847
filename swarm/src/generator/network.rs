//! Network cards whose speed is known, and how much went through them. Loopback and most virtual cards have no speed.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Bytes per second that each card can carry in one direction.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Speeds(BTreeMap<String, f64>);

/// Bytes received and sent so far, by card, each as a share of what the card carries in a second.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Network(BTreeMap<String, (f64, f64)>);

impl Speeds {
    /// Of cards that know theirs. One that is not connected says -1, or an error.
    pub(super) fn read(sys: &Path) -> Self {
        let cards = fs::read_dir(sys.join("class/net")).into_iter().flatten().flatten();
        let speed = |entry: fs::DirEntry| {
            let megabits: f64 = fs::read_to_string(entry.path().join("speed")).ok()?.trim().parse().ok()?;
            let name = entry.file_name().to_str()?.to_owned();
            (megabits > 0.0).then_some((name, megabits * 1e6 / 8.0))
        };
        Self(cards.filter_map(speed).collect())
    }
}

impl Network {
    pub(super) fn read(proc: &Path, speeds: &Speeds) -> Self {
        if speeds.0.is_empty() {
            return Self::default();
        }
        fs::read_to_string(proc.join("net/dev")).map_or_else(|_| Self::default(), |text| parse(&text, speeds))
    }

    /// Load of the busiest card in its busier direction; `None` where no card tells its speed.
    pub(super) fn ratio_since(&self, before: &Self, elapsed_s: f64) -> Option<f64> {
        let loads = self.0.iter().filter_map(|(name, (received, sent))| {
            let (received_before, sent_before) = before.0.get(name)?;
            Some((received - received_before).max(sent - sent_before) / elapsed_s)
        });
        loads.reduce(f64::max).map(|load| load.max(0.0))
    }
}

/// `eth0: RECEIVED packets errs drop fifo frame compressed multicast SENT …` below two lines of headings.
fn parse(text: &str, Speeds(speeds): &Speeds) -> Network {
    let card = |line: &str| {
        let (name, counts) = line.split_once(':')?;
        let speed = speeds.get(name.trim())?;
        let counts: Vec<f64> = counts.split_whitespace().filter_map(|count| count.parse().ok()).collect();
        Some((name.trim().to_owned(), (counts.first()? / speed, counts.get(8)? / speed)))
    };
    Network(text.lines().skip(2).filter_map(card).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(received: u64, sent: u64) -> String {
        format!("Inter-|\n face |\n    lo: 9 0 0 0 0 0 0 0 9 0\n  eth0: {received} 0 0 0 0 0 0 0 {sent} 0\n")
    }

    #[test]
    fn the_busier_direction_counts_against_the_cards_speed() {
        let sys = tempfile::tempdir().unwrap();
        for (name, speed) in [("eth0", "1000\n"), ("lo", "-1\n"), ("veth", "")] {
            let folder = sys.path().join("class/net").join(name);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("speed"), speed).unwrap();
        }
        let speeds = Speeds::read(sys.path());
        let (before, after) =
            (parse(&device(0, 0), &speeds), parse(&device(250_000_000, 25_000_000), &speeds));
        assert_eq!(after.ratio_since(&before, 2.0), Some(1.0));
    }

    #[test]
    fn without_a_known_speed_there_is_no_load() {
        let speeds = Speeds::read(Path::new("/nowhere"));
        let reading = parse(&device(5, 5), &speeds);
        assert_eq!(reading.ratio_since(&reading, 1.0), None);
    }
}
