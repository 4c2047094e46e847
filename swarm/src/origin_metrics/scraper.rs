//! Fetches the endpoints once per second, on a thread of its own, and keeps what they said.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, timeout};
use url::{Position, Url};

use super::snapshot::Books;
use super::{OriginSample, OriginSnapshot, Page};
use crate::plan::Request;
use crate::upstream::{Connector, fetch_at_most};

/// One sample per second, as the series of the run.
const PERIOD: Duration = Duration::from_secs(1);

/// An endpoint that takes longer has no place on a timeline of seconds.
const PATIENCE: Duration = Duration::from_secs(3);

/// A node exporter on a machine with hundreds of CPUs and disks says about 1 MB; what is far above is no such page.
const MOST_PAGE_BYTES: usize = 8 << 20;

/// The endpoints of a run, while it lives.
#[derive(Debug)]
pub struct Scraper {
    state: Arc<Mutex<State>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct State {
    books: Books,
    latest: Option<OriginSample>,
}

/// The last page of an endpoint, and when it came.
type Seen = HashMap<usize, (Instant, Page)>;

impl Scraper {
    /// Begins with a run, now. `urls` are asked as they are: without the headers of the viewers, which may be secrets
    /// of the origin, and without `-resolve` and `-source-ip`.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub fn start(urls: Vec<Url>, connector: &Connector) -> io::Result<Self> {
        let mut state = State::default();
        state.books.so_far.urls = urls.iter().map(|url| url[..Position::AfterPath].to_owned()).collect();
        let state = Arc::new(Mutex::new(state));
        let kept = Arc::clone(&state);
        let connector =
            Connector { address: None, sources: Arc::default(), timeout: PATIENCE, ..connector.clone() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = thread::Builder::new().name("origin-metrics".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    // An error means that the scraper was dropped, which says the same.
                    _ = stopped => {}
                    () = scrape(&urls, &connector, &kept) => {}
                }
            });
        })?;
        Ok(Self { state, stop: Some(stop), thread: Some(thread) })
    }

    /// The last second in which an endpoint answered; `None` before the first, and when the latest scrapes failed.
    pub fn latest(&self) -> Option<OriginSample> {
        self.state().latest
    }

    /// Everything so far.
    pub fn snapshot(&self) -> OriginSnapshot {
        self.state().books.snapshot()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl Drop for Scraper {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic there was printed by its own thread, and must not hide the run's result.
            thread.join().unwrap_or_default();
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn scrape(urls: &[Url], connector: &Connector, state: &Mutex<State>) {
    let began = Instant::now();
    let mut seen = Seen::new();
    let mut failing = vec![false; urls.len()];
    let mut tick = tokio::time::interval(PERIOD);
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tick.tick().await;
        let mut scrapes = JoinSet::new();
        for (number, url) in urls.iter().cloned().enumerate() {
            let connector = connector.clone();
            scrapes.spawn(async move { (number, page(&url, &connector).await) });
        }
        let mut answers: Vec<_> = scrapes.join_all().await;
        answers.sort_by_key(|(number, _)| *number);
        let mut sample: Option<(OriginSample, f64)> = None;
        for (number, answer) in answers {
            tell_changes(&urls[number], &answer, &mut failing[number]);
            let mut state = lock(state);
            match answer {
                Ok(page) => {
                    state.books.so_far.scrapes += 1;
                    let now = Instant::now();
                    let Some((then, before)) = seen.insert(number, (now, page)) else { continue };
                    let elapsed_s = (now - then).as_secs_f64();
                    let this = OriginSample::between(&before, &page, elapsed_s);
                    sample = Some(match sample {
                        Some((first, of_s)) => (first.or(this), of_s),
                        None => (this, elapsed_s),
                    });
                }
                Err(reason) => {
                    state.books.so_far.failed_scrapes += 1;
                    state.books.so_far.last_failure = Some(reason);
                }
            }
        }
        let mut state = lock(state);
        state.latest = sample.map(|(sample, _)| sample);
        if let Some((sample, elapsed_s)) = sample {
            state.books.add(&sample, began.elapsed().as_secs_f64(), elapsed_s);
        }
    }
}

/// One page, or why there is none.
async fn page(url: &Url, connector: &Connector) -> Result<Page, String> {
    let anonymous = Request::new(Vec::new(), false);
    let fetched = timeout(PATIENCE, fetch_at_most(MOST_PAGE_BYTES, connector, url, &anonymous)).await;
    let fetched = fetched.map_err(|_| format!("no whole page within {} s", PATIENCE.as_secs()))?;
    let body = fetched.map_err(|error| error.to_string())?.body;
    let page = Page::read(&String::from_utf8_lossy(&body));
    if page.is_empty() {
        return Err("nothing there is known: see docs/OBSERVABILITY.md for the names that are".to_owned());
    }
    Ok(page)
}

/// A failure is said once, and its end once.
fn tell_changes(url: &Url, answer: &Result<Page, String>, is_failing: &mut bool) {
    let was_failing = std::mem::replace(is_failing, answer.is_err());
    let url = &url[..Position::AfterPath];
    match answer {
        Err(reason) if !was_failing => {
            tracing::warn!("no origin metrics from {url}: {reason}; the run goes on without them");
        }
        Ok(_) if was_failing => tracing::info!("origin metrics from {url} are back"),
        _ => {}
    }
}
