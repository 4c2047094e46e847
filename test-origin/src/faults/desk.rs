//! Where faults are asked for, looked up and counted: shared by the run, the admin server and the upstream. Starts no
//! process, and answers no request.

use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::active::{Active, Standing};
use super::capacity::Served;
use super::decision::{Asked, Decision, decide};
use super::spec::{Fault, Spec};
use super::table::{Entry, Refused, Table};
use crate::profile::Profile;

/// A handle; all clones are one desk.
#[derive(Clone, Debug)]
pub struct Desk(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    media: PathBuf,
    bind: IpAddr,
    /// Nginx can ask our own server.
    routable: bool,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    table: Table,
    /// When the URL was told: from then on time passes for faults.
    told: Option<Instant>,
    served: Served,
    /// What the variant's playlist was when it was to stay so.
    stale: Option<Vec<u8>>,
    random: fastrand::Rng,
}

impl State {
    fn now(&self) -> Option<Duration> {
        self.told.map(|told| told.elapsed())
    }

    fn active(&self) -> Active {
        self.now().map_or_else(Active::default, |now| self.table.active(now))
    }
}

impl Desk {
    /// No fault yet. `media` is the folder that is served, `bind` the address on which it is;
    /// `routable` says that Nginx can ask our own server.
    pub fn new(profile: &Profile, media: &Path, bind: IpAddr, routable: bool) -> Self {
        let state = State {
            table: Table::new(profile),
            told: None,
            served: Served::default(),
            stale: None,
            random: fastrand::Rng::new(),
        };
        // So that a file's path can be compared with where it really is.
        let media = media.canonicalize().unwrap_or_else(|_| media.to_owned());
        let (state, changed) = (Mutex::new(state), Notify::new());
        Self(Arc::new(Inner { media, bind, routable, state, changed }))
    }

    /// Nothing under this lock can panic half-way, so what a panic elsewhere left is whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a fault whose times count from now, or from when the URL is told.
    ///
    /// # Errors
    /// When it makes no sense here.
    pub fn add(&self, mut spec: Spec) -> Result<Entry, Refused> {
        if !self.0.routable && spec.fault.is_routed() {
            return Err(Refused::no_proxy());
        }
        if let Fault::Redirect { port } = spec.fault {
            spec.fault = Fault::Redirect { port: Some(redirect_port(self.0.bind, port)?) };
        }
        let mut state = self.state();
        let now = state.now().unwrap_or_default();
        let entry = state.table.add(spec, now)?;
        drop(state);
        self.0.changed.notify_one();
        Ok(entry)
    }

    /// Ends a fault. False when there is none of that number.
    pub fn remove(&self, id: u32) -> bool {
        let removed = self.state().table.remove(id);
        self.0.changed.notify_one();
        removed
    }

    /// Ends all faults.
    pub fn clear(&self) {
        self.state().table.clear();
        self.0.changed.notify_one();
    }

    /// The faults that are not over, and whether each is in force.
    pub fn list(&self) -> Vec<(Entry, bool)> {
        let state = self.state();
        let now = state.now();
        let is_active = |entry: &Entry| now.is_some_and(|now| entry.is_active(now));
        let entries = state.table.entries().iter();
        // What is over stays in the table until the run has seen to it, which is a moment.
        let over = |entry: &&Entry| entry.ends.is_some_and(|ends| now.is_some_and(|now| ends <= now));
        entries.filter(|entry| !over(entry)).map(|entry| (entry.clone(), is_active(entry))).collect()
    }

    /// Since the URL was told.
    pub fn now(&self) -> Option<Duration> {
        self.state().now()
    }

    /// Those in force.
    pub fn active(&self) -> Active {
        self.state().active()
    }

    /// The URL is told: time begins.
    pub fn begin(&self) {
        self.state().told = Some(Instant::now());
        self.0.changed.notify_one();
    }

    /// Waits until a fault begins, ends, was added or removed. Cancel-safe.
    pub async fn changed(&self) {
        let next = {
            let state = self.state();
            state.now().and_then(|now| Some(state.table.next_change(now)?.saturating_sub(now)))
        };
        match next {
            None => self.0.changed.notified().await,
            Some(wait) => {
                // What is left over by a timer that is early is waited for in the next round.
                drop(tokio::time::timeout(wait, self.0.changed.notified()).await);
            }
        }
    }

    /// What has to be so now, and whether the encoder is to be started anew. To be called after each change.
    ///
    /// Before the URL is told both processes work, and Nginx is ready for the faults that begin with it.
    pub fn settle(&self) -> (Standing, bool) {
        let mut state = self.state();
        let Some(now) = state.now() else {
            let first = state.table.active(Duration::ZERO).standing();
            return (Standing { frozen: false, out: false, ..first }, false);
        };
        let anew = state.table.pass(now);
        let active = state.active();
        if active.capacity.is_none() {
            state.served = Served::default();
        }
        match (&active.stale_variant, &state.stale) {
            (None, Some(_)) => state.stale = None,
            (Some(name), None) => {
                state.stale = std::fs::read(self.0.media.join(name).join("index.m3u8")).ok();
            }
            _ => {}
        }
        (active.standing(), anew)
    }

    /// Decides about a request, and counts it.
    pub fn decide(&self, asked: &Asked<'_>) -> Decision {
        let mut state = self.state();
        let active = state.active();
        let State { served, random, .. } = &mut *state;
        decide(&active, asked, served, random, || self.file(asked).is_file())
    }

    /// Where the file of a request is.
    pub fn file(&self, asked: &Asked<'_>) -> PathBuf {
        self.0.media.join(asked.path.trim_start_matches('/'))
    }

    /// What the stale variant's playlist was.
    pub fn stale_playlist(&self) -> Option<Vec<u8>> {
        self.state().stale.clone()
    }
}

/// A free port to redirect to, or the one that was asked for.
///
/// # Errors
/// When it is taken.
pub fn redirect_port(bind: IpAddr, port: Option<u16>) -> Result<u16, Refused> {
    let address = SocketAddr::new(bind, port.unwrap_or(0));
    let free = TcpListener::bind(address).and_then(|listener| listener.local_addr());
    free.map(|address| address.port())
        .map_err(|error| Refused(format!("needs port {} on {bind}: {error}; choose another", address.port())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog;

    #[test]
    fn an_nginx_that_cannot_ask_us_gets_only_faults_of_the_processes() {
        let profile = catalog::find("default").unwrap().unwrap();
        let desk = Desk::new(&profile, Path::new("/none"), [127, 0, 0, 1].into(), false);
        let add = |spec: &str| desk.add(spec.parse().unwrap()).map(|entry| entry.fault);
        for spec in ["slow=1MB/s", "redirect", "capacity=9"] {
            assert_eq!(add(spec), Err(Refused::no_proxy()), "{spec}");
        }
        assert_eq!(add("freeze"), Ok(Fault::Freeze));
        assert_eq!(add("outage@9s"), Ok(Fault::Outage));
    }
}
