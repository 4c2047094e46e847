//! The thread that samples the load box once per second, and keeps the books. A thread of its own, so that a busy run
//! cannot make it late; when it is late all the same, that is the load box's lag too.

use std::io;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::snapshot::Books;
use super::{GeneratorSnapshot, Lag, Machine, Sample, Starts};
use crate::output::generator_metrics::GeneratorMetrics;

/// One sample per second, as the series of the run.
const PERIOD: Duration = Duration::from_secs(1);

/// What is watched, and where it is shown.
#[derive(Debug)]
pub struct Sources {
    /// Where it all happens.
    pub machine: Machine,
    /// Timers of the run's own threads.
    pub lag: Lag,
    /// Starts of FFmpegs; `None` where nobody sees their requests.
    pub starts: Option<Arc<Starts>>,
    /// The origin's address is one of this machine's.
    pub shared_with_origin: bool,
    /// Shown at `/metrics`.
    pub metrics: GeneratorMetrics,
}

/// A load box that is being watched. Dropping it ends that.
#[derive(Debug)]
pub struct Watch {
    state: Arc<Mutex<State>>,
    cores: f64,
    shared_with_origin: bool,
    stop: Option<mpsc::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct State {
    books: Books,
    latest: Option<Sample>,
}

impl Watch {
    /// Begins with a run, now.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub fn start(sources: Sources) -> io::Result<Self> {
        let state = Arc::new(Mutex::new(State::default()));
        let (cores, shared_with_origin) = (sources.machine.cores(), sources.shared_with_origin);
        let (stop, stopped) = mpsc::channel();
        let kept = Arc::clone(&state);
        let thread = thread::Builder::new()
            .name("generator".to_owned())
            .spawn(move || watch(sources, &kept, &stopped))?;
        Ok(Self { state, cores, shared_with_origin, stop: Some(stop), thread: Some(thread) })
    }

    /// The last whole second; `None` in the first one.
    pub fn latest(&self) -> Option<Sample> {
        self.state().latest
    }

    /// Everything so far.
    pub fn snapshot(&self) -> GeneratorSnapshot {
        self.state().books.snapshot(self.cores, self.shared_with_origin)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic there was printed by its own thread, and must not hide the run's result.
            thread.join().unwrap_or_default();
        }
    }
}

fn watch(mut sources: Sources, state: &Mutex<State>, stopped: &mpsc::Receiver<()>) {
    let mut before = sources.machine.read();
    let began = before.at;
    let mut due = began + PERIOD;
    // The sender is only ever dropped: anything but a time-out is the end.
    while let Err(RecvTimeoutError::Timeout) =
        stopped.recv_timeout(due.saturating_duration_since(Instant::now()))
    {
        let own_lag = Instant::now().saturating_duration_since(due);
        let mut after = sources.machine.read();
        after.lag = sources.lag.take(after.at).max(own_lag);
        after.start = sources.starts.as_ref().and_then(|starts| starts.take(after.at));
        let from_s = before.at.saturating_duration_since(began).as_secs_f64();
        let sample = Sample::between(&before, &after, from_s);
        sources.metrics.show(&sample);
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        state.books.add(&sample);
        state.latest = Some(sample);
        drop(state);
        before = after;
        // In step with the clock, however late this one was.
        while due <= Instant::now() {
            due += PERIOD;
        }
    }
}
