//! Where everything is.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// A file of the repository, as text.
pub(crate) fn text(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A program of this workspace, as the tests have built it.
pub(crate) fn program(name: &str) -> PathBuf {
    // The test itself is target/PROFILE/deps/integration-….
    let tests = std::env::current_exe().unwrap();
    let program = tests.parent().and_then(Path::parent).unwrap().join(name);
    assert!(program.exists(), "{} is not built: run the tests with --workspace", program.display());
    program
}

/// Files that Git knows or would add, and that end so.
pub(crate) fn files(ends: &[&str]) -> Vec<PathBuf> {
    let git = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(git.status.success(), "git ls-files: {}", String::from_utf8_lossy(&git.stderr));
    let names = String::from_utf8(git.stdout).unwrap();
    let there = |name: &&str| ends.iter().any(|end| name.ends_with(end)) && root().join(name).exists();
    names.lines().filter(there).map(PathBuf::from).collect()
}
