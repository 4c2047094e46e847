//! The command line and its environment variables. clap's types stop here: what leaves is a [`Plan`] or text.

mod ask;

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::FalseyValueParser;
use clap::{Parser, ValueEnum};

use crate::asking::Asking;
use crate::faults::Spec;
use crate::faults::table::Table;
use crate::plan::{AccessLog, Certificate, Form, Plan, Source, Task};
use crate::profile::{Profile, Setting};
use crate::{catalog, certificate};

/// A live HLS origin on this machine: FFmpeg makes the stream, Nginx serves it, one command stops both.
///
/// Prints the stream's URL on stdout as soon as it can be played, and everything else on stderr.
#[derive(Debug, Parser)]
#[command(name = "test-origin", version, max_term_width = 110, args_override_self = true)]
#[command(args_conflicts_with_subcommands = true)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct Args {
    /// Asks an origin that runs, instead of starting one.
    #[command(subcommand)]
    command: Option<ask::Command>,

    /// Built-in profile to serve [default: default]
    #[arg(long, value_name = "NAME", env = "HLSORIGIN_PROFILE")]
    profile: Option<String>,

    /// Profile from a TOML file instead
    #[arg(long, value_name = "FILE", env = "HLSORIGIN_PROFILE_FILE")]
    profile_file: Option<PathBuf>,

    /// Set a value of the profile, as `hls.segment_seconds=4` or `variant.720p.video_bitrate_kbps=900`; may be given
    /// several times
    #[arg(long, value_name = "KEY=VALUE", env = "HLSORIGIN_SET", value_delimiter = ';')]
    set: Vec<Setting>,

    /// Port to listen on; 0 picks a free one
    #[arg(long, value_name = "PORT", env = "HLSORIGIN_PORT", default_value_t = Plan::DEFAULT_PORT)]
    port: u16,

    /// Address to listen on; 0.0.0.0 or :: lets other machines in
    #[arg(long, value_name = "IP", env = "HLSORIGIN_BIND", default_value_t = Plan::DEFAULT_BIND)]
    bind: IpAddr,

    /// Folder in which the run's own directory is made [default: /dev/shm when it has room, else the temporary folder]
    #[arg(long, value_name = "DIR", env = "HLSORIGIN_DIR")]
    dir: Option<PathBuf>,

    /// Where encoded clips are kept [default: ffmpeg-hls-swarm/media in the user's cache folder]
    #[arg(long, value_name = "DIR", env = "HLSORIGIN_CACHE_DIR")]
    cache_dir: Option<PathBuf>,

    /// FFmpeg to run
    #[arg(long, value_name = "PATH", env = "HLSORIGIN_FFMPEG", default_value = "ffmpeg")]
    ffmpeg: PathBuf,

    /// Nginx to run
    #[arg(long, value_name = "PATH", env = "HLSORIGIN_NGINX", default_value = "nginx")]
    nginx: PathBuf,

    /// Encode while the stream plays, instead of repeating a clip that was encoded once
    #[arg(long, env = "HLSORIGIN_LIVE_ENCODE", value_parser = FalseyValueParser::new())]
    live_encode: bool,

    /// Append one JSON line per request to this file
    #[arg(long, value_name = "FILE", env = "HLSORIGIN_ACCESS_LOG")]
    access_log: Option<PathBuf>,

    /// Further name or IP address for the certificate that is made; may be given several times
    #[arg(long, value_name = "NAME", env = "HLSORIGIN_TLS_NAME", value_delimiter = ',')]
    tls_name: Vec<String>,

    /// Certificate to serve instead of one that is made, in PEM format
    #[arg(long, value_name = "FILE", env = "HLSORIGIN_TLS_CERT")]
    tls_cert: Option<PathBuf>,

    /// Its private key, in PEM format
    #[arg(long, value_name = "FILE", env = "HLSORIGIN_TLS_KEY")]
    tls_key: Option<PathBuf>,

    /// Loopback address of the admin server, which begins and ends faults; port 0 picks a free one
    #[arg(long, value_name = "ADDR", env = "HLSORIGIN_ADMIN", default_value_t = Plan::DEFAULT_ADMIN)]
    admin: SocketAddr,

    /// Misbehave: KIND[=VALUE][@BEGIN[+LENGTH]], counted from the moment the URL is told; may be given several times
    #[arg(long, value_name = "SPEC", env = "HLSORIGIN_FAULT", value_delimiter = ',')]
    fault: Vec<String>,

    /// List the built-in profiles and exit
    #[arg(long, group = "question", env = "HLSORIGIN_LIST_PROFILES", value_parser = FalseyValueParser::new())]
    list_profiles: bool,

    /// Print what it comes to (sizes, bandwidths, paths) and exit
    #[arg(long, group = "question", env = "HLSORIGIN_PRINT_PLAN", value_parser = FalseyValueParser::new())]
    print_plan: bool,

    /// Encode the clip into the cache, unless it is there, and exit
    #[arg(long, group = "question", env = "HLSORIGIN_PREPARE", value_parser = FalseyValueParser::new())]
    prepare: bool,

    /// Answer in JSON; for --print-plan and --list-profiles
    #[arg(long, env = "HLSORIGIN_JSON", value_parser = FalseyValueParser::new())]
    json: bool,

    /// Print Nginx's configuration and exit
    #[arg(long, group = "question", env = "HLSORIGIN_PRINT_NGINX_CONF", value_parser = FalseyValueParser::new())]
    print_nginx_conf: bool,

    /// Print the commands that would run and exit
    #[arg(long, group = "question", env = "HLSORIGIN_PRINT_CMD", value_parser = FalseyValueParser::new())]
    print_cmd: bool,

    /// Check profile, programs, port and folders, start nothing, say "ok" and exit
    #[arg(long, group = "question", env = "HLSORIGIN_CHECK", value_parser = FalseyValueParser::new())]
    check: bool,

    /// Log what FFmpeg and Nginx say, too
    #[arg(short, long, env = "HLSORIGIN_VERBOSE", value_parser = FalseyValueParser::new())]
    pub verbose: bool,

    /// How stderr is written
    #[arg(long, value_name = "FORMAT", env = "HLSORIGIN_LOG_FORMAT", default_value = "text")]
    pub log_format: LogFormat,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asking::Question;

    fn request(args: &[&str]) -> Result<Request, Vec<String>> {
        let args = std::iter::once(&"test-origin").chain(args);
        Args::try_parse_from(args).unwrap().into_request()
    }

    fn plan(args: &[&str]) -> Plan {
        match request(args).unwrap() {
            Request::Run(plan) => *plan,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_command_line_is_sound() {
        use clap::CommandFactory as _;
        Args::command().debug_assert();
    }

    #[test]
    fn without_flags_the_default_profile_is_served_on_loopback_8080() {
        let plan = plan(&["--cache-dir", "/c"]);
        assert_eq!((plan.profile.name.as_str(), plan.port, plan.task), ("default", 8080, Task::Serve));
        assert!(plan.bind.is_loopback());
        assert_eq!((plan.source, &plan.parent_dir, &plan.access_log), (Source::Clip, &None, &AccessLog::Off));
        assert_eq!(plan.tls, None);
    }

    #[test]
    fn settings_add_up_and_change_the_profile() {
        let plan = plan(&["--set", "hls.segment_seconds=4", "--set", "video.fps=25;variant.720p.width=640"]);
        assert_eq!((plan.profile.hls.segment_seconds, plan.profile.video.fps), (4, 25));
        assert_eq!((plan.profile.variants[0].width, plan.profile.name.as_str()), (640, "default"));
    }

    #[test]
    fn an_answer_has_the_form_that_is_asked_for() {
        assert_eq!(plan(&["--print-plan", "--json"]).task, Task::PrintPlan(Form::Json));
        assert_eq!(plan(&["--print-plan"]).task, Task::PrintPlan(Form::Text));
        assert_eq!(request(&["--list-profiles", "--json"]), Ok(Request::ListProfiles(Form::Json)));
    }

    #[test]
    fn paths_become_absolute() {
        let plan = plan(&["--dir", "some/where", "--cache-dir", "c", "--access-log", "log"]);
        assert!(plan.parent_dir.unwrap().is_absolute() && plan.cache_dir.is_absolute());
        let AccessLog::File(log) = plan.access_log else { panic!("no log") };
        assert!(log.is_absolute());
    }

    #[test]
    fn all_mistakes_are_said_at_once() {
        let mistakes = request(&["--profile", "nope", "--dir", "/a%b", "--access-log", "/c$d"]).unwrap_err();
        assert_eq!(mistakes.len(), 3, "{mistakes:?}");
        assert!(mistakes[0].contains("choose one of 4k-abr, cmaf, debug,"), "{mistakes:?}");
    }

    #[test]
    fn two_profiles_are_one_too_many() {
        let mistakes = request(&["--profile", "default", "--profile-file", "x.toml"]).unwrap_err();
        assert!(mistakes[0].contains("exclude each other"), "{mistakes:?}");
    }

    #[test]
    fn a_log_is_in_the_run_directory_when_the_profile_wants_it_unless_a_file_is_named() {
        assert_eq!(plan(&["--profile", "logged"]).access_log, AccessLog::RunDir);
        let file = plan(&["--profile", "logged", "--access-log", "/log"]).access_log;
        assert_eq!(file, AccessLog::File("/log".into()));
    }

    #[test]
    fn a_certificate_is_made_unless_one_is_given() {
        let names = vec!["cdn.example.test".to_owned(), "192.0.2.1".to_owned()];
        let flags = ["--profile", "tls", "--tls-name", &names[0], "--tls-name", &names[1]];
        assert_eq!(plan(&flags).tls, Some(Certificate::Made { names }));
        let own = plan(&["--profile", "tls", "--tls-cert", "/cert", "--tls-key", "/key"]).tls;
        assert_eq!(own, Some(Certificate::Own { certificate: "/cert".into(), key: "/key".into() }));
    }

    #[test]
    fn flags_that_do_not_go_together_are_refused_with_the_reason() {
        let cases = [
            (&["--profile", "tls", "--tls-cert", "/c"][..], "--tls-cert needs its private key"),
            (&["--profile", "tls", "--tls-key", "/k"], "--tls-key needs its certificate"),
            (
                &["--profile", "tls", "--tls-name", "a b"],
                "--tls-name \"a b\" is neither a host name nor an IP",
            ),
            (
                &["--profile", "tls", "--tls-name", "a", "--tls-cert", "/c", "--tls-key", "/k"],
                "--tls-name is for a certificate that is made",
            ),
            (&["--tls-name", "a.test"], "--tls-name: profile default is served without TLS"),
            (&["--admin", "0.0.0.0:9"], "--admin 0.0.0.0:9 is no loopback address"),
            (
                &["--fault", "fire"],
                "--fault fire is none of the faults: write KIND or KIND=VALUE, and choose the kind from freeze",
            ),
            (&["--profile", "vod", "--fault", "freeze"], "--fault freeze needs an encoder that runs"),
            (
                &["--fault", "slow=1MB/s", "--fault", "slow=2MB/s"],
                "--fault slow=2MB/s would meet slow=1000kB/s",
            ),
            (&["--json"], "--json is for --print-plan and --list-profiles"),
            (&["--prepare", "--live-encode"], "--prepare makes the clip that --live-encode does without"),
            (&["--set", "hls.segment_seconds=0"], "hls.segment_seconds: 0 is not in 1"),
            (&["--profile", "vod", "--live-encode"], "--live-encode: profile vod is no live stream"),
        ];
        for (flags, expected) in cases {
            let mistakes = request(flags).unwrap_err();
            assert!(mistakes.len() == 1 && mistakes[0].contains(expected), "{flags:?}: {mistakes:?}");
        }
    }

    #[test]
    fn a_command_asks_an_origin_that_runs() {
        let asking = |args: &[&str]| match request(args).unwrap() {
            Request::Ask(asking) => asking,
            other => panic!("{other:?}"),
        };
        let add = asking(&["fault", "add", "freeze@1s", "slow=1MB/s", "--admin", "127.0.0.1:9"]);
        assert_eq!(add.question, Question::AddFaults(vec!["freeze@1s".to_owned(), "slow=1MB/s".to_owned()]));
        assert_eq!(add.admin, Some("127.0.0.1:9".parse().unwrap()));
        assert_eq!(asking(&["fault", "list"]).question, Question::ListFaults);
        assert_eq!(asking(&["fault", "clear", "3"]).question, Question::ClearFaults(vec![3]));
        assert_eq!(asking(&["health", "--admin", "127.0.0.1:0"]).admin, None);
        assert!(Args::try_parse_from(["test-origin", "--check", "health"]).is_err());
    }

    #[test]
    fn two_questions_are_refused() {
        assert!(Args::try_parse_from(["test-origin", "--check", "--print-cmd"]).is_err());
    }
}
