//! The loop around real tasks, with viewers that are none.

use std::path::PathBuf;
use std::time::SystemTime;

use super::*;
use crate::cli;
use crate::ffmpeg::Capabilities;
use crate::generator::{Lag, Machine};
use crate::observation::Kind;
use crate::output::report::{Report as Written, Times};
use crate::output::report_file;
use crate::output::terminal::Terminal;
use crate::preflight;
use crate::viewer::{Ended, StartKind};

fn capabilities() -> Capabilities {
    Capabilities {
        program: PathBuf::from("ffmpeg"),
        version: "5.1".to_owned(),
        protocols: Vec::new(),
        extension_picky: false,
        allowed_segment_extensions: false,
        readrate: true,
        readrate_initial_burst: false,
    }
}

/// The second of all viewers panics as it starts; the others start, and go when they shall.
async fn play_or_panic(mut seat: Seat) -> Gone {
    assert_ne!(seat.number, 1, "a fault in a viewer, for this test");
    let tell = |what| Report { viewer: seat.number, session: seat.session, at: Instant::now(), what };
    seat.reports.send(tell(Happening::Started(StartKind::First))).await.unwrap();
    seat.target.wait_for(|target| target.0 <= seat.number).await.unwrap();
    let ended = Ended {
        exit: supervise::Exit::Code(255),
        ending: Ending::Stopped,
        ran: Duration::ZERO,
        media: Duration::ZERO,
        said: Vec::new(),
    };
    seat.reports.send(tell(Happening::Ended(ended))).await.unwrap();
    Gone { viewer: seat.number, next_session: 1 }
}

#[tokio::test]
async fn a_viewer_that_panics_costs_neither_the_run_nor_its_reports() {
    let flags = "swarm -clients 3 -ramp-rate 100 -duration 1s -tui off http://h/s.m3u8";
    let invocation = cli::parse(flags.split(' ').map(Into::into)).unwrap();
    let plan = &invocation.plan;
    let metrics = Metrics::new("5.1").unwrap();
    let generator = Watch::start(crate::generator::Sources {
        machine: Machine::this(),
        lag: Lag::default(),
        starts: None,
        shared_with_origin: true,
        metrics: metrics.generator().unwrap(),
    });
    let stream = Stream {
        url: plan.urls[0].clone(),
        kind: Kind::Playlist,
        program: None,
        target_duration_s: 1.0,
        can_complete: false,
    };
    let asked = Run {
        streams: vec![stream],
        launcher: Arc::new(preflight::launcher(plan, capabilities(), None)),
        recorder: None,
        generator: Arc::new(generator.unwrap()),
        origin: None,
        clients: plan.clients,
        ramp: Ramp::new(plan.ramp_rate, plan.ramp_jitter, plan.seed),
        began: Instant::now(),
        duration: plan.duration,
        thresholds: Vec::new(),
        search: None,
        seed: plan.seed,
    };
    let mut status = Status::new(Terminal::open(&invocation).unwrap(), None, plan.duration);
    let (_helm, asks) = requests();
    let stop = StopSignals::listen().unwrap();
    let started = SystemTime::now();
    let outcome = run_with(asked, stop, asks, &metrics, &mut status, play_or_panic).await;
    let times = Times { started, ended: SystemTime::now() };
    assert_eq!((outcome.ended_by, outcome.at_end.totals.active), (EndedBy::Duration, 2));
    let folder = tempfile::tempdir().unwrap();
    let report = Written::new(plan, "5.1", times, &outcome, 4);
    for name in ["run.json", "run.html", "run.csv"] {
        let path = folder.path().join(name);
        report_file::write(&report, &path).unwrap();
        assert!(path.metadata().unwrap().len() > 0, "{name}");
    }
    let json = std::fs::read(folder.path().join("run.json")).unwrap();
    let written = serde_json::to_value(Written::parse(&json).unwrap()).unwrap();
    assert_eq!(written, serde_json::to_value(&report).unwrap());
}
