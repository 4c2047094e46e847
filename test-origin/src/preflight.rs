//! Is this machine ready? Finds everything that is missing before anything is started. Changes nothing that lasts,
//! but for making the cache directory.

mod abilities;
mod folders;
mod problem;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use nix::sys::resource::{Resource, getrlimit};
use nix::unistd::{Group, User};
use supervise::program::{self, Program};

use crate::codec::H264;
use crate::faults::desk;
use crate::faults::{Fault, Spec};
use crate::neighbour::Neighbour;
use crate::nginx::{Account, Build};
use crate::plan::{AccessLog, Certificate, Plan, Source};
use crate::{certificate, clip};

pub use abilities::{ANSWER_LIMIT, build};
pub use problem::Problem;

/// What a run can rely on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// FFmpeg's full path.
    pub ffmpeg: PathBuf,
    /// The encoder that FFmpeg has, if anything is to be encoded.
    pub h264: H264,
    /// Nginx's full path.
    pub nginx: PathBuf,
    /// What that Nginx can do.
    pub build: Build,
    /// Where to listen; the port is not 0 and was free a moment ago.
    pub address: SocketAddr,
    /// Where the run directory goes.
    pub parent_dir: PathBuf,
    /// Whom the workers run as, when we are root.
    pub account: Option<Account>,
    /// Hard limit on the open files of one process.
    pub open_files: u64,
}

/// Looks at everything.
///
/// # Errors
/// Every problem there is.
pub async fn check(plan: &Plan) -> Result<Machine, Vec<Problem>> {
    let mut problems = Problems(Vec::new());
    let ffmpeg = problems.note(program::find(Program::Ffmpeg, &plan.ffmpeg));
    let nginx = problems.note(program::find(Program::Nginx, &plan.nginx));
    let account = problems.note(account()).flatten();
    let address = match free_address(plan) {
        Err(Problem::PortTaken { address }) => problems.note(Err(taken(address).await)),
        address => problems.note(address),
    };
    problems.note(free_admin(plan.admin));
    for Spec { fault, .. } in &plan.faults {
        problems.note(fault_port(plan, fault));
    }
    let parent_dir = problems.note(folders::parent_dir(plan, account.as_ref()));
    if let AccessLog::File(log) = &plan.access_log {
        problems.note(folders::appendable(log));
    }
    if let Some(Certificate::Own { certificate, key }) = &plan.tls {
        problems.note(own_certificate(certificate, key));
    }
    let h264 = encoder(plan, ffmpeg.as_deref(), &mut problems).await;
    let build = match &nginx {
        Some(nginx) => problems.note(build(nginx, plan).await),
        None => None,
    };
    if build.as_ref().is_some_and(|build| !build.has_proxy()) {
        let routed = plan.faults.iter().map(|spec| &spec.fault).filter(|fault| fault.is_routed());
        problems.0.extend(routed.map(|fault| Problem::NoProxy { fault: fault.clone() }));
    }
    match (ffmpeg, nginx, build, address, parent_dir, problems.0.is_empty()) {
        (Some(ffmpeg), Some(nginx), Some(build), Some(address), Some(parent_dir), true) => {
            let h264 = h264.unwrap_or_default();
            Ok(Machine { ffmpeg, h264, nginx, build, address, parent_dir, account, open_files: open_files() })
        }
        _ => Err(problems.0),
    }
}

/// Looks only at what making the clip needs: FFmpeg's path, and its encoder.
///
/// # Errors
/// Every problem there is.
pub async fn check_encoder(plan: &Plan) -> Result<(PathBuf, H264), Vec<Problem>> {
    let mut problems = Problems(Vec::new());
    let ffmpeg = problems.note(program::find(Program::Ffmpeg, &plan.ffmpeg));
    let h264 = encoder(plan, ffmpeg.as_deref(), &mut problems).await;
    match (ffmpeg, problems.0.is_empty()) {
        (Some(ffmpeg), true) => Ok((ffmpeg, h264.unwrap_or_default())),
        _ => Err(problems.0),
    }
}

/// The encoder that FFmpeg has, when there is anything to encode.
async fn encoder(plan: &Plan, ffmpeg: Option<&Path>, problems: &mut Problems) -> Option<H264> {
    let cached = clip::cached(&plan.cache_dir, &plan.profile).is_some();
    let must_encode = plan.source == Source::LiveEncode || !cached;
    if plan.source == Source::Clip && must_encode {
        problems.note(folders::cache_dir(plan));
    }
    let (h264, lacking) = abilities::of_ffmpeg(ffmpeg?, plan.profile.hls.segment_type, must_encode).await;
    problems.0.extend(lacking);
    if h264 == Some(H264::OpenH264) {
        tracing::warn!(
            "this FFmpeg has no libx264: libopenh264 encodes instead, and pictures may take less than the profile says"
        );
    }
    h264
}

struct Problems(Vec<Problem>);

impl Problems {
    fn note<T, P: Into<Problem>>(&mut self, result: Result<T, P>) -> Option<T> {
        result.map_err(|problem| self.0.push(problem.into())).ok()
    }
}

/// Hard limit on the open files of one process; the master raises its workers' soft limit up to it.
pub fn open_files() -> u64 {
    // Should the limit not be known, this is what every Unix grants.
    getrlimit(Resource::RLIMIT_NOFILE).map_or(1024, |(_, hard)| hard)
}

/// Whom workers run as: `None` when we are no root and they run as ourselves.
///
/// # Errors
/// [`Problem::NoAccount`].
pub fn account() -> Result<Option<Account>, Problem> {
    if !nix::unistd::geteuid().is_root() {
        return Ok(None);
    }
    ["www-data", "nginx", "nobody"]
        .into_iter()
        .find_map(|name| {
            let user = User::from_name(name).ok().flatten()?;
            let group = Group::from_gid(user.gid).ok().flatten()?;
            Some(Some(Account { user: user.name, group: group.name }))
        })
        .ok_or(Problem::NoAccount)
}

/// The address to listen on, with a free port for port 0.
///
/// # Errors
/// [`Problem::PortTaken`] or [`Problem::CannotListen`].
pub fn free_address(plan: &Plan) -> Result<SocketAddr, Problem> {
    let address = SocketAddr::new(plan.bind, plan.port);
    TcpListener::bind(address).and_then(|listener| listener.local_addr()).map_err(|error| {
        match error.kind() {
            io::ErrorKind::AddrInUse => Problem::PortTaken { address },
            _ => Problem::CannotListen { address, reason: error.to_string() },
        }
    })
}

/// Who has the port that we wanted.
async fn taken(address: SocketAddr) -> Problem {
    match Neighbour::at(address).await {
        Some(Neighbour { profile, .. }) => Problem::OriginThere { address, profile },
        None => Problem::PortTaken { address },
    }
}

/// The admin address, with a free port for port 0.
///
/// # Errors
/// [`Problem::Admin`].
pub fn free_admin(address: SocketAddr) -> Result<SocketAddr, Problem> {
    TcpListener::bind(address)
        .and_then(|listener| listener.local_addr())
        .map_err(|error| Problem::Admin { address, reason: error.to_string() })
}

fn fault_port(plan: &Plan, fault: &Fault) -> Result<(), Problem> {
    let Fault::Redirect { port } = *fault else { return Ok(()) };
    let free = desk::redirect_port(plan.bind, port).map(drop);
    free.map_err(|reason| Problem::Fault { fault: fault.clone(), reason })
}

fn own_certificate(certificate: &Path, key: &Path) -> Result<(), Problem> {
    certificate::of_files(certificate, key).map(drop).map_err(|(flag, reason)| {
        let file = if flag == "--tls-key" { key } else { certificate };
        Problem::Certificate { flag, file: file.to_owned(), reason }
    })
}
