//! The command line and its environment variables. clap's types stop here: what leaves is a [`Plan`] or text.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use clap::builder::FalseyValueParser;
use clap::{Parser, ValueEnum};

use crate::catalog;
use crate::plan::{Plan, Source, Task};
use crate::profile::Profile;

/// A live HLS origin on this machine: FFmpeg makes the stream, Nginx serves it, one command stops both.
///
/// Prints the stream's URL on stdout as soon as it can be played, and everything else on stderr.
#[derive(Debug, Parser)]
#[command(name = "test-origin", version, max_term_width = 110, args_override_self = true)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct Args {
    /// Built-in profile to serve [default: default]
    #[arg(long, value_name = "NAME", env = "HLSORIGIN_PROFILE")]
    profile: Option<String>,

    /// Profile from a TOML file instead
    #[arg(long, value_name = "FILE", env = "HLSORIGIN_PROFILE_FILE")]
    profile_file: Option<PathBuf>,

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

    /// List the built-in profiles and exit
    #[arg(long, group = "question", env = "HLSORIGIN_LIST_PROFILES", value_parser = FalseyValueParser::new())]
    list_profiles: bool,

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
    /// The table of built-in profiles.
    ListProfiles,
    /// Anything that needs a profile.
    Run(Box<Plan>),
}

impl Args {
    /// Turns the flags into a request.
    ///
    /// # Errors
    /// One sentence per mistake, all of them.
    pub fn into_request(self) -> Result<Request, Vec<String>> {
        if self.list_profiles {
            return Ok(Request::ListProfiles);
        }
        let mut mistakes = Vec::new();
        let profile = self.profile().map_err(|mistake| mistakes.push(mistake)).ok();
        let mut absolute = |flag: &str, path: &Path| {
            let path = std::path::absolute(path)
                .map_err(|error| mistakes.push(format!("--{flag} {}: {error}", path.display())))
                .ok()?;
            // FFmpeg would fill in a variant's name, Nginx a variable, or the quotes would end.
            let forbidden = path.to_string_lossy().contains(['%', '$', '"', '\\', '\n']);
            if forbidden {
                let path = path.display();
                mistakes.push(format!(
                    "--{flag} {path}: FFmpeg or Nginx cannot use a path with any of % $ \" \\ in it"
                ));
            }
            Some(path)
        };
        let parent_dir = self.dir.as_deref().and_then(|path| absolute("dir", path));
        let access_log = self.access_log.as_deref().and_then(|path| absolute("access-log", path));
        let cache_dir = self.cache_dir.clone().or_else(default_cache_dir);
        let cache_dir_known = cache_dir.is_some();
        let cache_dir = cache_dir.as_deref().and_then(|path| absolute("cache-dir", path));
        if !cache_dir_known {
            mistakes.push(
                "neither XDG_CACHE_HOME nor HOME is set: say where clips go with --cache-dir".to_owned(),
            );
        }
        let (Some(profile), Some(cache_dir), true) = (profile, cache_dir, mistakes.is_empty()) else {
            return Err(mistakes);
        };
        Ok(Request::Run(Box::new(Plan {
            profile,
            task: self.task(),
            source: if self.live_encode { Source::LiveEncode } else { Source::Clip },
            bind: self.bind,
            port: self.port,
            parent_dir,
            cache_dir,
            ffmpeg: self.ffmpeg,
            nginx: self.nginx,
            access_log,
        })))
    }

    fn profile(&self) -> Result<Profile, String> {
        match (&self.profile, &self.profile_file) {
            (Some(_), Some(_)) => {
                Err("--profile and --profile-file exclude each other: give one of them".to_owned())
            }
            (None, Some(file)) => Profile::load(file).map_err(|error| error.to_string()),
            (name, None) => {
                let name = name.as_deref().unwrap_or(Plan::DEFAULT_PROFILE);
                catalog::find(name)
                    .ok_or_else(|| {
                        let known = catalog::names().collect::<Vec<_>>().join(", ");
                        format!("there is no profile {name:?}: choose one of {known}, or give --profile-file")
                    })?
                    .map_err(|error| error.to_string())
            }
        }
    }

    fn task(&self) -> Task {
        match (self.check, self.print_nginx_conf, self.print_cmd) {
            (true, _, _) => Task::Check,
            (_, true, _) => Task::PrintNginxConf,
            (_, _, true) => Task::PrintCommands,
            _ => Task::Serve,
        }
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

    fn request(args: &[&str]) -> Result<Request, Vec<String>> {
        let args = std::iter::once(&"test-origin").chain(args);
        Args::try_parse_from(args).unwrap().into_request()
    }

    fn plan(args: &[&str]) -> Plan {
        match request(args).unwrap() {
            Request::Run(plan) => *plan,
            Request::ListProfiles => panic!("a list"),
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
        assert_eq!((plan.source, plan.parent_dir, plan.access_log), (Source::Clip, None, None));
    }

    #[test]
    fn paths_become_absolute() {
        let plan = plan(&["--dir", "some/where", "--cache-dir", "c", "--access-log", "log"]);
        assert!(plan.parent_dir.unwrap().is_absolute() && plan.cache_dir.is_absolute());
        assert!(plan.access_log.unwrap().is_absolute());
    }

    #[test]
    fn all_mistakes_are_said_at_once() {
        let mistakes = request(&["--profile", "nope", "--dir", "/a%b", "--access-log", "/c$d"]).unwrap_err();
        assert_eq!(mistakes.len(), 3, "{mistakes:?}");
        assert!(mistakes[0].contains("choose one of default, low-latency, mini-abr"), "{mistakes:?}");
    }

    #[test]
    fn two_profiles_are_one_too_many() {
        let mistakes = request(&["--profile", "default", "--profile-file", "x.toml"]).unwrap_err();
        assert!(mistakes[0].contains("exclude each other"), "{mistakes:?}");
    }

    #[test]
    fn two_questions_are_refused() {
        assert!(Args::try_parse_from(["test-origin", "--check", "--print-cmd"]).is_err());
    }
}
