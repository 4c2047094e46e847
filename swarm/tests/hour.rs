//! An hour of 500 viewers in seconds: what they would fetch, given to the real statistics, the judge and the reports. In a
//! process of its own, because it looks at the memory that the process takes.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::ffi::OsString;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use supervise::Exit;
use swarm::cli;
use swarm::dispatcher::{EndedBy, Outcome};
use swarm::generator::{GeneratorSnapshot, Resource, Sample};
use swarm::judge::Judge;
use swarm::observation::{
    Cache, ErrorClass, Kind, Observation, Outcome as Answer, PlaylistId, PlaylistView, Segment,
};
use swarm::origin_metrics::OriginSample;
use swarm::output::report::{Report, Times};
use swarm::output::report_file::Format;
use swarm::stats::{Second, Seconds, SessionEnd, Stats, Wire, WireSnapshot};
use swarm::verdict::Verdict;
use swarm::viewer::{Ended, Ending, Happening, Report as Told, StartKind};

const VIEWERS: u32 = 500;
const HOUR_S: u64 = 3600;

/// In which nobody answers.
const OUTAGE_S: std::ops::Range<u64> = 1800..1830;

/// Of the stream, and its target duration: what Apple recommends.
const SEGMENT_S: u64 = 6;

/// Segments that a viewer joins with, and that the playlist has more than these.
const JOIN_SEGMENTS: u64 = 3;

/// All of the process: the program, the test and what they hold.
const MOST_MEMORY_BYTES: u64 = 64_000_000;

const MOST_PAGE_BYTES: usize = 1_000_000;

/// 3600 rows of about 900 bytes, and as much again for names, white space and all else.
const MOST_JSON_BYTES: usize = 8_000_000;

/// The most that the process ever had in memory.
fn peak_memory_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().unwrap() * 1024)
}

/// The run as far as it has come.
struct Hour {
    began: Instant,
    wire: Wire,
    stats: Stats,
    judge: Judge,
    seconds: Seconds,
    /// The number of each viewer's process.
    sessions: Vec<u32>,
}

impl Hour {
    fn new() -> Self {
        let began = Instant::now();
        Self {
            began,
            wire: Wire::new(VIEWERS, began),
            stats: Stats::new(VIEWERS, began),
            judge: Judge::new(Vec::new()),
            seconds: Seconds::new(began),
            sessions: vec![0; VIEWERS as usize],
        }
    }

    fn tell(&mut self, viewer: u32, at: Instant, what: Happening) {
        let session = self.sessions[viewer as usize];
        self.stats.record(&Told { viewer, session, at, what }, VIEWERS, at);
    }

    fn start(&mut self, viewer: u32, kind: StartKind, at: Instant) {
        self.tell(viewer, at, Happening::Started(kind));
        self.wire.process_started(viewer, self.sessions[viewer as usize], at);
    }

    /// One that dies of something that nobody has died of before, and comes back.
    fn die(&mut self, viewer: u32, second: u64, at: Instant) {
        let reason = format!("segment-{}: Server returned 5XX in way {}", second * 7, viewer % 97);
        let ending = Ending::Failed { reason };
        let (ran, media) = (Duration::from_secs(9), Duration::from_secs(8));
        let said = vec!["[hls @ 0x1] a line that FFmpeg says ".repeat(4); 20];
        self.tell(viewer, at, Happening::Ended(Ended { exit: Exit::Code(1), ending, ran, media, said }));
        self.wire.process_ended(viewer, self.sessions[viewer as usize], SessionEnd::Failed, at);
        self.sessions[viewer as usize] += 1;
        self.start(viewer, StartKind::Restart, at);
    }

    /// A playlist, and as many segments up to the newest.
    fn fetch(&mut self, viewer: u32, second: u64, segments: u64) {
        // Apart from each other, as viewers are.
        let at = self.began + Duration::from_secs(second) + Duration::from_millis(u64::from(viewer) % 900);
        let newest = second / SEGMENT_S + 10;
        let first = newest + 1 - segments;
        self.request(viewer, at, newest, None);
        (first..=newest).for_each(|sequence| self.request(viewer, at, newest, Some(sequence)));
    }

    fn request(&mut self, viewer: u32, started: Instant, newest: u64, segment: Option<u64>) {
        let second = started.duration_since(self.began).as_secs();
        let is_out = OUTAGE_S.contains(&second);
        let media = Duration::from_secs(SEGMENT_S);
        let place =
            |sequence| Segment { playlist: PlaylistId(0), sequence, media, discontinuity: false, merged: 0 };
        let view = PlaylistView {
            playlist: PlaylistId(0),
            target_duration: media,
            first_sequence: newest - 2 * JOIN_SEGMENTS,
            segments: 2 * JOIN_SEGMENTS + 1,
            media: media * 7,
            ended: false,
            age: Duration::ZERO,
        };
        // Times of their own, so that the histograms fill up.
        let duration = Duration::from_micros(2_000 + (u64::from(viewer) * 7919 + second * 104_729) % 90_000);
        self.wire.observe(&Observation {
            viewer,
            session: self.sessions[viewer as usize],
            kind: if segment.is_some() { Kind::Segment } else { Kind::Playlist },
            url: segment
                .map_or_else(|| "http://o/live.m3u8".into(), |n| Arc::from(format!("http://o/{n}.ts"))),
            started,
            connect: None,
            tls: None,
            ttfb: (!is_out).then_some(duration / 2),
            duration,
            bytes: if is_out { 0 } else { 225_000 },
            outcome: if is_out { Answer::Failed(ErrorClass::Refused) } else { Answer::Status(200) },
            segment: segment.map(place),
            playlist: (segment.is_none() && !is_out).then_some(view),
            cache: Cache::Unknown,
        });
    }

    /// What the overseer does once a second.
    fn second(&mut self, second: u64) -> Second {
        let now = self.began + Duration::from_secs(second + 1);
        self.wire.tick(now);
        let wire = self.wire.take_second(now);
        let cut = self.seconds.cut(&self.stats.totals(), (VIEWERS, VIEWERS), Some(wire), now);
        let known = Some(0.123_456_789 + second as f64 * 1e-5);
        let generator = Sample { cpu_ratio: known, own_cpu_ratio: known, ..Sample::default() };
        let origin = OriginSample { cpu_ratio: known, connections: known, ..OriginSample::default() };
        Second { generator: Some(generator), origin: Some(origin), ..cut }
    }

    fn take(&mut self, second: u64) {
        let second = self.second(second);
        self.judge.take(second, |from, _| (from.as_secs() % 600 == 599).then_some(Resource::Cpu));
    }

    fn report(mut self) -> Report {
        let last = self.second(HOUR_S - 1);
        let now = self.began + Duration::from_secs(HOUR_S);
        let at_end = self.stats.snapshot(VIEWERS, now);
        let histograms = self.wire.histograms();
        let wire = WireSnapshot { histograms, ..self.wire.snapshot(now) };
        let judgement = self.judge.conclude(last, |_, _| None);
        let outcome = Outcome {
            ended_by: EndedBy::Duration,
            after: at_end.clone(),
            at_end,
            wire: Some(wire),
            generator: GeneratorSnapshot::default(),
            origin: None,
            verdict: Verdict::of(&judgement.evidence, true),
            judgement,
            limit: None,
        };
        let plan =
            cli::parse(["swarm", "-clients", "500", "http://o/live.m3u8"].map(OsString::from)).unwrap().plan;
        let times = Times { started: SystemTime::UNIX_EPOCH, ended: SystemTime::UNIX_EPOCH };
        Report::new(&plan, "5.1", times, &outcome, 0)
    }
}

#[test]
fn an_hour_of_500_viewers_fits_into_64_megabytes_and_its_page_into_one() {
    let mut hour = Hour::new();
    for viewer in 0..VIEWERS {
        hour.start(viewer, StartKind::First, hour.began);
        hour.tell(viewer, hour.began, Happening::Playing);
        hour.fetch(viewer, 0, JOIN_SEGMENTS);
    }
    hour.take(0);
    let after_a_second = peak_memory_bytes();
    for second in 1..HOUR_S {
        // All at once, as viewers of a live stream do when it has a new segment.
        if second % SEGMENT_S == 0 {
            (0..VIEWERS).for_each(|viewer| hour.fetch(viewer, second, 1));
        }
        if OUTAGE_S.contains(&second) {
            let at = hour.began + Duration::from_secs(second + 1);
            (0..VIEWERS).step_by(5).for_each(|viewer| hour.die(viewer, second, at));
        }
        if second + 1 < HOUR_S {
            hour.take(second);
        }
    }
    let report = hour.report();
    let after_an_hour = peak_memory_bytes();
    let json = Format::Json.text(&report).unwrap();
    let page = Format::Html.text(&report).unwrap();
    println!(
        "memory {after_a_second:?} bytes after a second, {after_an_hour:?} after the hour, {:?} with the reports; \
         page {} bytes, JSON {} bytes",
        peak_memory_bytes(),
        page.len(),
        json.len()
    );
    assert!(page.len() < MOST_PAGE_BYTES, "{} bytes", page.len());
    assert!(json.len() < MOST_JSON_BYTES, "{} bytes", json.len());
    is_the_hour(&json, &page);
    match after_an_hour {
        Some(bytes) => assert!(bytes < MOST_MEMORY_BYTES, "{bytes} bytes"),
        None => testkit::skipped("this system does not tell how much memory a process took"),
    }
}

/// That the run was what it should be: else small reports would prove nothing.
fn is_the_hour(json: &str, page: &str) {
    let report: serde_json::Value = serde_json::from_str(json).unwrap();
    let requests = report["wire"]["requests"]["requests"].as_u64().unwrap();
    assert!(requests >= u64::from(VIEWERS) * HOUR_S / SEGMENT_S * 2, "{requests}");
    assert_eq!(report["series"].as_array().unwrap().len() as u64, HOUR_S);
    let playing =
        |second: u64| report["series"][usize::try_from(second).unwrap()]["playing"].as_u64().unwrap();
    assert_eq!((playing(100), playing(OUTAGE_S.end - 1), playing(HOUR_S - 2)), (500, 0, 500));
    assert_eq!(report["failures"].as_array().unwrap().len(), 32, "kinds that are kept");
    assert!(page.contains("<td>refused</td>") && page.matches("<svg").count() >= 10);
}
