//! What the command line asks for: the flags against each other and against the profile. Starts nothing.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Args;
use crate::asking::Asking;
use crate::faults::Spec;
use crate::faults::table::Table;
use crate::plan::{AccessLog, Certificate, Form, Plan, Source, Task};
use crate::profile::Profile;
use crate::{catalog, certificate};

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// The built-in profiles.
    ListProfiles(Form),
    /// Anything that needs a profile.
    Run(Box<Plan>),
    /// Something that an origin knows that runs already.
    Ask(Asking),
}

impl Args {
    /// Turns the flags into a request.
    ///
    /// # Errors
    /// One sentence per mistake, all of them.
    pub fn into_request(self) -> Result<Request, Vec<String>> {
        if let Some(command) = self.command {
            return Ok(Request::Ask(command.into_asking()));
        }
        let form = if self.json { Form::Json } else { Form::Text };
        if self.list_profiles {
            return Ok(Request::ListProfiles(form));
        }
        let mut mistakes = Mistakes(Vec::new());
        if self.json && !self.print_plan {
            mistakes.0.push("--json is for --print-plan and --list-profiles: add one of them".to_owned());
        }
        if self.prepare && self.live_encode {
            mistakes.0.push(
                "--prepare makes the clip that --live-encode does without: leave out one of them".to_owned(),
            );
        }
        let profile = mistakes.note(self.profile());
        let parent_dir = self.dir.as_deref().and_then(|path| mistakes.absolute("dir", path));
        let access_log = self.access_log.as_deref().and_then(|path| mistakes.absolute("access-log", path));
        let cache_dir = self.cache_dir.clone().or_else(default_cache_dir);
        if cache_dir.is_none() {
            mistakes.0.push(
                "neither XDG_CACHE_HOME nor HOME is set: say where clips go with --cache-dir".to_owned(),
            );
        }
        let cache_dir = cache_dir.as_deref().and_then(|path| mistakes.absolute("cache-dir", path));
        let certificate = self.certificate(&mut mistakes);
        let mut faults = Vec::new();
        if let Some(profile) = &profile {
            self.check_against(profile, &mut mistakes);
            if !self.admin.ip().is_loopback() {
                let admin = self.admin;
                mistakes.0.push(format!(
                    "--admin {admin} is no loopback address: use 127.0.0.1:PORT or [::1]:PORT"
                ));
            }
            faults = self.faults(profile, &mut mistakes);
        }
        let (Some(profile), Some(cache_dir), true) = (profile, cache_dir, mistakes.0.is_empty()) else {
            return Err(mistakes.0);
        };
        let access_log = match access_log {
            Some(file) => AccessLog::File(file),
            None if profile.server.access_log => AccessLog::RunDir,
            None => AccessLog::Off,
        };
        let tls = profile.server.tls.then_some(certificate);
        Ok(Request::Run(Box::new(Plan {
            profile,
            task: self.task(form),
            source: if self.live_encode { Source::LiveEncode } else { Source::Clip },
            bind: self.bind,
            port: self.port,
            parent_dir,
            cache_dir,
            ffmpeg: self.ffmpeg,
            nginx: self.nginx,
            access_log,
            tls,
            admin: self.admin,
            faults,
        })))
    }

    fn faults(&self, profile: &Profile, mistakes: &mut Mistakes) -> Vec<Spec> {
        let mut table = Table::new(profile);
        let mut faults = Vec::new();
        for text in &self.fault {
            let spec = mistakes.note(text.parse().map_err(|error| format!("--fault {text} {error}")));
            let added = spec.and_then(|spec: Spec| {
                let added = table.add(spec.clone(), Duration::ZERO);
                mistakes.note(added.map_err(|refused| format!("--fault {text} {refused}")))?;
                Some(spec)
            });
            faults.extend(added);
        }
        faults
    }

    fn certificate(&self, mistakes: &mut Mistakes) -> Certificate {
        for name in self.tls_name.iter().filter(|name| !certificate::is_name(name)) {
            mistakes.0.push(format!("--tls-name {name:?} is neither a host name nor an IP address"));
        }
        match (&self.tls_cert, &self.tls_key) {
            (None, None) => return Certificate::Made { names: self.tls_name.clone() },
            (Some(certificate), Some(key)) => {
                if !self.tls_name.is_empty() {
                    mistakes.0.push(
                        "--tls-name is for a certificate that is made: that of --tls-cert has its names"
                            .to_owned(),
                    );
                }
                let certificate = mistakes.absolute("tls-cert", certificate);
                if let (Some(certificate), Some(key)) = (certificate, mistakes.absolute("tls-key", key)) {
                    return Certificate::Own { certificate, key };
                }
            }
            (Some(_), None) => mistakes.0.push("--tls-cert needs its private key: add --tls-key".to_owned()),
            (None, Some(_)) => mistakes.0.push("--tls-key needs its certificate: add --tls-cert".to_owned()),
        }
        // Never used: there is a mistake.
        Certificate::Made { names: Vec::new() }
    }

    /// Flags that mean nothing with this profile.
    fn check_against(&self, profile: &Profile, mistakes: &mut Mistakes) {
        let name = &profile.name;
        if self.live_encode && !profile.hls.is_live() {
            mistakes.0.push(format!("--live-encode: profile {name} is no live stream"));
        }
        let given = [
            ("--tls-name", !self.tls_name.is_empty()),
            ("--tls-cert", self.tls_cert.is_some()),
            ("--tls-key", self.tls_key.is_some()),
        ];
        for (flag, _) in given.into_iter().filter(|(_, given)| *given && !profile.server.tls) {
            mistakes.0.push(format!(
                "{flag}: profile {name} is served without TLS; choose --profile tls, or one with tls = true in [server]"
            ));
        }
    }

    fn profile(&self) -> Result<Profile, String> {
        match (&self.profile, &self.profile_file) {
            (Some(_), Some(_)) => {
                Err("--profile and --profile-file exclude each other: give one of them".to_owned())
            }
            (None, Some(file)) => Profile::load(file, &self.set).map_err(|error| error.to_string()),
            (name, None) => {
                let name = name.as_deref().unwrap_or(Plan::DEFAULT_PROFILE);
                catalog::find_with(name, &self.set)
                    .ok_or_else(|| {
                        let known = catalog::names().collect::<Vec<_>>().join(", ");
                        format!("there is no profile {name:?}: choose one of {known}, or give --profile-file")
                    })?
                    .map_err(|error| error.to_string())
            }
        }
    }

    fn task(&self, form: Form) -> Task {
        let questions = [
            (self.check, Task::Check),
            (self.prepare, Task::Prepare),
            (self.print_plan, Task::PrintPlan(form)),
            (self.print_nginx_conf, Task::PrintNginxConf),
            (self.print_cmd, Task::PrintCommands),
        ];
        questions.into_iter().find(|(asked, _)| *asked).map_or(Task::Serve, |(_, task)| task)
    }
}

struct Mistakes(Vec<String>);

impl Mistakes {
    fn note<T>(&mut self, result: Result<T, String>) -> Option<T> {
        result.map_err(|mistake| self.0.push(mistake)).ok()
    }

    fn absolute(&mut self, flag: &str, path: &Path) -> Option<PathBuf> {
        let absolute = std::path::absolute(path);
        let path = self.note(absolute.map_err(|error| format!("--{flag} {}: {error}", path.display())))?;
        // FFmpeg would fill in a variant's name, Nginx a variable, or the quotes would end.
        if path.to_string_lossy().contains(['%', '$', '"', '\\', '\n']) {
            let path = path.display();
            self.0.push(format!(
                "--{flag} {path}: FFmpeg or Nginx cannot use a path with any of % $ \" \\ in it"
            ));
        }
        Some(path)
    }
}

fn default_cache_dir() -> Option<PathBuf> {
    let folder = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    // The XDG specification: a relative path there is invalid and to be ignored.
    let cache = folder("XDG_CACHE_HOME").filter(|path| path.is_absolute());
    let cache = cache.or_else(|| folder("HOME").map(|home| home.join(".cache")))?;
    Some(cache.join("ffmpeg-hls-swarm").join("media"))
}
