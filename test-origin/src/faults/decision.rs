//! What becomes of one request under the faults in force. Pure: chance and counts are handed in.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use super::active::Active;
use super::capacity::Served;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `.m3u8`
    Playlist,
    /// `.ts` or `.m4s`
    Segment,
    /// `.mp4`
    Init,
}

/// A request for a file of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked<'a> {
    /// Folders and a name, with a slash before each.
    pub path: &'a str,
    /// By the name's end.
    pub kind: Kind,
    /// Came to the port to which requests are redirected.
    pub redirected: bool,
}

impl<'a> Asked<'a> {
    /// Reads a path as Nginx's own patterns do. `None` when it is no file of a stream.
    pub fn new(path: &'a str, redirected: bool) -> Option<Self> {
        let (stem, extension) = path.rsplit_once('.')?;
        let kind = match extension {
            "m3u8" => Kind::Playlist,
            "ts" | "m4s" => Kind::Segment,
            "mp4" => Kind::Init,
            _ => return None,
        };
        let is_plain = |name: &str| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
        };
        let plain = stem.strip_prefix('/')?.split('/').all(is_plain);
        plain.then_some(Self { path, kind, redirected })
    }

    /// The folder, without slashes; empty for the root.
    fn folder(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(folder, _)| folder.trim_start_matches('/'))
    }
}

/// How a request is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Before anything is sent.
    pub pause: Duration,
    /// Then.
    pub answer: Answer,
}

/// What is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The file, by Nginx, as ever.
    Healthy,
    /// This status, and nothing of the stream.
    Status(u16),
    /// Where to go instead: the same on that port.
    Redirect(u16),
    /// The file, by ourselves.
    Body(Treatment),
}

/// How a body differs from the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Treatment {
    /// Bytes per second.
    pub rate: Option<u64>,
    /// It ends in the middle.
    pub cut: bool,
    /// A playlist that stays as it was when the fault began.
    pub stale: bool,
    /// Added to a playlist's media sequence.
    pub sequence_jump: u32,
}

/// Decides. `there` tells whether the file exists, so that only what can be served is counted.
pub fn decide(
    active: &Active,
    asked: &Asked<'_>,
    served: &mut Served,
    random: &mut fastrand::Rng,
    there: impl FnOnce() -> bool,
) -> Decision {
    let at_once = |answer| Decision { pause: Duration::ZERO, answer };
    if let (Some(port), false) = (active.redirect, asked.redirected) {
        return at_once(Answer::Redirect(port));
    }
    let answer = answer(active, asked, served, random, there);
    Decision { pause: active.latency.unwrap_or_default(), answer }
}

fn answer(
    active: &Active,
    asked: &Asked<'_>,
    served: &mut Served,
    random: &mut fastrand::Rng,
    there: impl FnOnce() -> bool,
) -> Answer {
    let is_segment = asked.kind == Kind::Segment;
    if let Some((share, status)) = active.errors
        && share.has(random.u64(..1_000_000))
    {
        return Answer::Status(status);
    }
    if is_segment && active.missing.is_some_and(|share| share.has(lot(asked.path))) {
        return Answer::Status(404);
    }
    if let (Some(viewers), true) = (active.capacity, is_segment)
        && there()
        && !served.admit(asked.path, viewers)
    {
        return Answer::Status(503);
    }
    let treatment = Treatment {
        rate: active.slow,
        cut: is_segment && active.truncate.is_some_and(|share| share.has(random.u64(..1_000_000))),
        stale: asked.kind == Kind::Playlist && active.stale_variant.as_deref() == Some(asked.folder()),
        sequence_jump: active.sequence_jump.filter(|_| asked.kind == Kind::Playlist).unwrap_or(0),
    };
    if treatment == Treatment::default() { Answer::Healthy } else { Answer::Body(treatment) }
}

/// The same number in 0..1 000 000 for everybody who asks for the same segment.
fn lot(path: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    hasher.finish() % 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Bench {
        active: Active,
        served: Served,
        random: fastrand::Rng,
    }

    impl Bench {
        fn new(specs: &[&str]) -> Self {
            let mut active = Active::default();
            for spec in specs {
                active.add(&spec.parse().unwrap());
            }
            Self { active, served: Served::default(), random: fastrand::Rng::with_seed(7) }
        }

        fn decide(&mut self, path: &str, redirected: bool) -> Decision {
            let asked = Asked::new(path, redirected).unwrap();
            decide(&self.active, &asked, &mut self.served, &mut self.random, || true)
        }

        fn answer(&mut self, path: &str) -> Answer {
            self.decide(path, false).answer
        }
    }

    #[test]
    fn only_plain_names_of_a_stream_are_answered() {
        for (path, kind) in [
            ("/stream.m3u8", Kind::Playlist),
            ("/240p/segment000001.ts", Kind::Segment),
            ("/a/b-c_d/e.m4s", Kind::Segment),
            ("/init-0.mp4", Kind::Init),
        ] {
            assert_eq!(Asked::new(path, false).map(|asked| asked.kind), Some(kind), "{path}");
        }
        for path in [
            "",
            "/",
            "a.ts",
            "/.ts",
            "/a.txt",
            "/a.tmp.ts",
            "/../a.ts",
            "//a.ts",
            "/a/.b.ts",
            "/a%2e.ts",
            "/a b.ts",
        ] {
            assert_eq!(Asked::new(path, false), None, "{path}");
        }
    }

    #[test]
    fn without_a_fault_nginx_serves_as_ever() {
        let mut bench = Bench::new(&["freeze", "outage"]);
        for path in ["/stream.m3u8", "/a.ts", "/init.mp4"] {
            assert_eq!(
                bench.decide(path, false),
                Decision { pause: Duration::ZERO, answer: Answer::Healthy }
            );
        }
    }

    #[test]
    fn errors_meet_their_share_of_all_requests() {
        let mut bench = Bench::new(&["errors=20%:503"]);
        let failed = (0..10_000).filter(|_| bench.answer("/stream.m3u8") == Answer::Status(503)).count();
        assert!((1_900..2_100).contains(&failed), "{failed}");
        let mut all = Bench::new(&["errors=100%:500"]);
        assert!((0..100).all(|_| all.answer("/init.mp4") == Answer::Status(500)));
    }

    #[test]
    fn a_missing_segment_is_missing_for_everybody() {
        let mut bench = Bench::new(&["missing=10%"]);
        let missing = |bench: &mut Bench| -> Vec<u32> {
            let is_missing = |n: &u32| bench.answer(&format!("/segment{n:06}.ts")) == Answer::Status(404);
            (0..5_000).filter(is_missing).collect()
        };
        let first = missing(&mut bench);
        assert!((400..600).contains(&first.len()), "{}", first.len());
        assert_eq!(first, missing(&mut bench));
        assert!((0..100).all(|n| bench.answer(&format!("/{n}.m3u8")) == Answer::Healthy));
    }

    #[test]
    fn capacity_counts_segments_alone_and_only_those_that_exist() {
        let mut bench = Bench::new(&["capacity=2viewers"]);
        let answers = ["/a.ts", "/a.ts", "/a.ts", "/b.ts"].map(|path| bench.answer(path));
        assert_eq!(answers, [Answer::Healthy, Answer::Healthy, Answer::Status(503), Answer::Healthy]);
        assert!((0..9).all(|_| bench.answer("/stream.m3u8") == Answer::Healthy));
        let gone = Asked::new("/gone.ts", false).unwrap();
        for _ in 0..9 {
            let decision = decide(&bench.active, &gone, &mut bench.served, &mut bench.random, || false);
            assert_eq!(decision.answer, Answer::Healthy, "Nginx says 404");
        }
    }

    #[test]
    fn a_redirect_leads_to_a_port_where_the_other_faults_are() {
        let mut bench = Bench::new(&["redirect=99", "latency=2s", "errors=100%:500"]);
        let there = Decision { pause: Duration::ZERO, answer: Answer::Redirect(99) };
        assert_eq!(bench.decide("/stream.m3u8", false), there);
        let behind = Decision { pause: Duration::from_secs(2), answer: Answer::Status(500) };
        assert_eq!(bench.decide("/stream.m3u8", true), behind);
    }

    #[test]
    fn bodies_are_treated_by_what_they_are() {
        let faults = ["slow=9kB/s", "truncate=100%", "stale-variant=240p", "sequence-jump=5"];
        let mut bench = Bench::new(&faults);
        let rate = Some(9000);
        let playlist = Treatment { rate, sequence_jump: 5, ..Treatment::default() };
        assert_eq!(bench.answer("/360p/index.m3u8"), Answer::Body(playlist));
        assert_eq!(bench.answer("/240p/index.m3u8"), Answer::Body(Treatment { stale: true, ..playlist }));
        let segment = Treatment { rate, cut: true, ..Treatment::default() };
        assert_eq!(bench.answer("/240p/a.ts"), Answer::Body(segment));
        assert_eq!(bench.answer("/init.mp4"), Answer::Body(Treatment { rate, ..Treatment::default() }));
    }
}
