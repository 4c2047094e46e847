//! Both programs as in an image: an ordinary user, everything read-only, one tmpfs at /tmp.

use std::path::Path;
use std::process::Command;

use testkit::Running;

use crate::support::program;

/// The account `nobody` of every Linux.
const NOBODY: &str = "65534";

/// A program in a sandbox of its own, on this machine's network. Nothing of this process but its output reaches it.
fn confined(name: &str) -> Command {
    let program = program(name);
    let folder = program.parent().unwrap();
    let mut command = Command::new("setpriv");
    if is_root() {
        command.args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "bwrap"]);
    } else {
        command.arg("bwrap");
    }
    command.args(["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp"]);
    // The build may be where only its owner looks, or in /tmp.
    command.args(["--ro-bind"]).arg(folder).arg("/tmp/programs");
    command.args(["--clearenv", "--setenv", "PATH", "/usr/sbin:/usr/bin:/sbin:/bin", "--chdir", "/tmp"]);
    command.args(["--die-with-parent", "--new-session"]).arg(Path::new("/tmp/programs").join(name));
    command
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|me| std::os::unix::fs::MetadataExt::uid(&me) == 0)
}

#[test]
fn viewers_play_with_both_programs_confined_as_in_the_images() {
    let mut origin = confined("test-origin");
    origin.args(["--profile", "vod", "--port", "0", "--dir", "/tmp", "--cache-dir", "/tmp/media"]);
    let mut origin = Running::start(&mut origin);
    testkit::wait_until("the origin tells its URL", || {
        assert!(!origin.has_ended(), "it ended: {}", origin.stderr());
        origin.stdout().contains("http://")
    });
    let url = origin.stdout().trim().to_owned();
    let mut swarm = confined("swarm");
    swarm.args(["-clients", "2", "-ramp-rate", "50", "-duration", "3s", "-metrics", "off"]);
    let played = Running::start(swarm.args(["-report", "/tmp/run.json", &url])).wait();
    assert_eq!(played.code, Some(0), "{played:?}");
    assert!(played.stdout.contains("2 of 2 received media"), "{}", played.stdout);
    let mut elsewhere = confined("swarm");
    elsewhere.args(["-duration", "3s", "-metrics", "off", "-report", "/usr/run.json", &url]);
    let refused = Running::start(&mut elsewhere).wait();
    assert_eq!(refused.code, Some(3), "everything else is read-only: {refused:?}");
}
