//! Descriptors and local TCP ports: used, as a share of what there is. Reads `/proc` only.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use nix::sys::resource::{Resource, getrlimit};

/// Below this share the cheap count, which is too high where both ends of a connection are on this machine, is good
/// enough. Above it the sockets are listed, which takes the kernel a microsecond or so for each.
const COUNT_EXACTLY_FROM: f64 = 0.5;

/// Readings, one per second, for which a list is good as long as it tells of no shortage. With 1500 viewers and their origin on
/// this machine it has 20 000 lines, which took a quarter of the CPU of all of `swarm` when it was made each second.
const LISTED_FOR_READINGS: u32 = 60;

/// Open descriptors of this process, as a share of its limit.
pub(super) fn descriptors_ratio(proc: &Path) -> Option<f64> {
    let folder = proc.join("self/fd");
    // Since Linux 6.2 the folder's size is the number of open descriptors; before, they are listed.
    let open = match fs::metadata(&folder).ok()?.len() {
        0 => fs::read_dir(&folder).ok()?.count() as u64,
        open => open,
    };
    let (limit, _) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
    Some(open as f64 / limit.max(1) as f64)
}

/// Local ports that connections from one address to another may have.
pub fn local_ports(proc: &Path) -> Option<u64> {
    let (first, last) =
        parse_range(&fs::read_to_string(proc.join("sys/net/ipv4/ip_local_port_range")).ok()?)?;
    Some(u64::from(last - first) + 1)
}

/// Local ports in use, from one reading to the next.
#[derive(Debug, Default)]
pub(super) struct Ports {
    listed: Option<Listed>,
}

/// What the sockets were when they were last listed, and how often they have been reckoned with since.
#[derive(Clone, Copy, Debug)]
struct Listed {
    sockets: u64,
    most: u64,
    readings: u32,
}

impl Ports {
    /// Those towards the address that takes most of them, as a share of the range.
    pub(super) fn ratio(&mut self, proc: &Path) -> Option<f64> {
        let read = |name: &str| fs::read_to_string(proc.join(name)).ok();
        let (first, last) = parse_range(&read("sys/net/ipv4/ip_local_port_range")?)?;
        let range = u64::from(last - first) + 1;
        let sockets = parse_sockstat(&read("net/sockstat")?)?
            + read("net/sockstat6").and_then(|text| parse_sockstat(&text)).unwrap_or(0);
        let most = self.reckoned(sockets, range).unwrap_or_else(|| {
            let tables = ["net/tcp", "net/tcp6"].into_iter().filter_map(read).collect::<String>();
            let most = most_to_one_address(&tables, first, last);
            self.listed = Some(Listed { sockets, most, readings: 0 });
            most
        });
        Some(most as f64 / range as f64)
    }

    /// At most so many, where that is good enough: `None` asks for a list.
    fn reckoned(&mut self, sockets: u64, range: u64) -> Option<u64> {
        let is_enough = |most: u64| (most as f64) < COUNT_EXACTLY_FROM * range as f64;
        if is_enough(sockets) {
            return Some(sockets);
        }
        let listed = self.listed.as_mut().filter(|listed| listed.readings < LISTED_FOR_READINGS)?;
        listed.readings += 1;
        // As if all new ones led to the same address.
        let most = listed.most + sockets.saturating_sub(listed.sockets);
        is_enough(most).then_some(most)
    }
}

/// First and last port that connections get by themselves.
fn parse_range(text: &str) -> Option<(u16, u16)> {
    let (first, last) = text.trim().split_once(char::is_whitespace)?;
    let (first, last) = (first.parse().ok()?, last.trim().parse().ok()?);
    (first <= last).then_some((first, last))
}

/// TCP sockets, those in `TIME_WAIT` included: `TCP: inuse 5 orphan 0 tw 2 alloc 7 mem 0`.
fn parse_sockstat(text: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.starts_with("TCP"))?;
    let mut fields = line.split_whitespace();
    let mut sum = 0;
    while let Some(name) = fields.next() {
        if matches!(name, "inuse" | "tw") {
            sum += fields.next()?.parse::<u64>().ok()?;
        }
    }
    Some(sum)
}

/// Sockets with a local port in the range, from one local address to one remote address and port: each such pair has
/// the whole range to itself.
fn most_to_one_address(tables: &str, first: u16, last: u16) -> u64 {
    let mut counts: HashMap<(&str, &str), u64> = HashMap::new();
    for line in tables.lines() {
        let mut fields = line.split_whitespace().skip(1);
        let (Some(local), Some(remote)) = (fields.next(), fields.next()) else { continue };
        let Some((address, port)) = local.split_once(':') else { continue };
        let is_listening = remote.ends_with(":0000");
        if !is_listening && u16::from_str_radix(port, 16).is_ok_and(|port| (first..=last).contains(&port)) {
            *counts.entry((address, remote)).or_default() += 1;
        }
    }
    counts.into_values().max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_are_counted_with_those_that_wait() {
        let text = "sockets: used 17\nTCP: inuse 11 orphan 0 tw 2 alloc 1 mem 244\nUDP: inuse 5 mem 0\n";
        assert_eq!(parse_sockstat(text), Some(13));
        assert_eq!(parse_sockstat("TCP6: inuse 4\n"), Some(4));
        assert_eq!(parse_range("32768\t60999\n"), Some((32768, 60999)));
    }

    #[test]
    fn a_list_is_reckoned_with_until_it_is_old_or_ports_run_short() {
        let mut ports = Ports::default();
        assert_eq!(ports.reckoned(499, 1000), Some(499), "the cheap count is good enough");
        assert_eq!(ports.reckoned(900, 1000), None, "it is not, and there is no list");
        ports.listed = Some(Listed { sockets: 900, most: 300, readings: 0 });
        assert_eq!(ports.reckoned(950, 1000), Some(350));
        assert_eq!(ports.reckoned(800, 1000), Some(300));
        assert_eq!(ports.reckoned(1100, 1000), None, "half of the range may be in use");
        let readings = (0..100).take_while(|_| ports.reckoned(900, 1000).is_some()).count();
        assert_eq!(readings, LISTED_FOR_READINGS as usize - 3);
    }

    #[test]
    fn only_the_clients_end_takes_a_port_and_each_address_has_its_own_range() {
        // 0x1F90 is 8080, 0x9C40 to 0x9C43 are 40000 to 40003.
        let tables = "  sl  local_address rem_address   st\n\
            0: 0100007F:1F90 00000000:0000 0A\n\
            1: 0100007F:9C40 0100007F:1F90 01\n\
            2: 0100007F:1F90 0100007F:9C40 01\n\
            3: 0100007F:9C41 0100007F:1F90 06\n\
            4: 0100007F:9C42 0200007F:1F90 01\n\
            5: 0300007F:9C43 0100007F:1F90 01\n";
        assert_eq!(most_to_one_address(tables, 32768, 60999), 2);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_machine_tells_both() {
        let proc = Path::new("/proc");
        let before = descriptors_ratio(proc).unwrap();
        let files: Vec<_> = (0..64).map(|_| fs::File::open("/dev/null").unwrap()).collect();
        assert!(descriptors_ratio(proc).unwrap() > before, "{} more files", files.len());
        assert!((0.0..1.0).contains(&Ports::default().ratio(proc).unwrap()));
    }
}
