//! The loop around real tasks, with viewers that are none.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::SystemTime;

use supervise::StopButton;

use super::*;
use crate::cli;
use crate::ffmpeg::Capabilities;
use crate::generator::{Lag, Machine};
use crate::observation::Kind;
use crate::output::report::{Report as Written, Times};
use crate::output::report_file;
use crate::output::terminal::Terminal;
use crate::preflight;
use crate::stats::Totals;
use crate::viewer::Ended;

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

/// The second of all viewers panics before it starts a process, the next one in its place behind that, and the third
/// stops the run once it plays; the others start, and go when they shall.
async fn play_or_panic(mut seat: Seat, came_before: u32, stop: StopButton) -> Gone {
    let fault = "a fault in a viewer, for this test";
    let tell = |what| Report { viewer: seat.number, session: seat.session, at: Instant::now(), what };
    assert!(seat.number != 1 || came_before != 0, "{fault}");
    seat.reports.send(tell(Happening::Started(seat.first_start))).await.unwrap();
    assert!(seat.number != 1 || came_before != 1, "{fault}");
    if seat.number == 1 {
        while seat.reports.capacity() < REPORTS_IN_FLIGHT {
            tokio::task::yield_now().await;
        }
        stop.press();
    }
    seat.target.wait_for(|target| target.0 <= seat.number).await.unwrap();
    let ended = Ended {
        exit: supervise::Exit::Code(255),
        ending: Ending::Stopped,
        ran: Duration::ZERO,
        media: Duration::ZERO,
        said: Vec::new(),
    };
    seat.reports.send(tell(Happening::Ended(ended))).await.unwrap();
    Gone { viewer: seat.number, next_session: seat.session + 1 }
}

#[tokio::test]
async fn a_viewer_that_panics_is_replaced_and_costs_neither_the_run_nor_its_reports() {
    let flags = "swarm -clients 3 -ramp-rate 100 -duration 60s -tui off http://h/s.m3u8";
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
    let (button, came) = (stop.button(), AtomicU32::new(0));
    let of_seat = |seat: Seat| {
        let came_before = if seat.number == 1 { came.fetch_add(1, Ordering::Relaxed) } else { 0 };
        play_or_panic(seat, came_before, button.clone())
    };
    let outcome = run_with(asked, stop, asks, &metrics, &mut status, of_seat).await;
    let times = Times { started, ended: SystemTime::now() };
    let Totals { active, started, restarted, .. } = outcome.at_end.totals;
    assert_eq!((outcome.ended_by, active, started, restarted), (EndedBy::Key, 3, 3, 1));
    let failures: Vec<_> = outcome.after.failures.iter().map(|kind| (&*kind.reason, kind.count)).collect();
    let lost =
        "swarm lost the viewer to a fault of its own, please report it: a fault in a viewer, for this test";
    assert_eq!(failures, [(lost, 2)]);
    let page = metrics.render().unwrap();
    for line in ["hlsswarm_clients_started_total 3", "hlsswarm_clients_restarted_total 1"] {
        assert!(page.lines().any(|found| found == line), "{line} in\n{page}");
    }
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
