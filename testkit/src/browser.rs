//! A headless Chromium, driven over its `DevTools` protocol through two pipes.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};

use nix::sys::stat::Mode;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{PATIENCE, Running};

/// A running browser with a profile of its own. Dropped, it ends.
#[derive(Debug)]
pub struct Browser {
    // Before the folder: its files are in use until it has ended.
    _program: Running,
    commands: File,
    answers: Receiver<Value>,
    last_id: u64,
    _folder: TempDir,
}

/// One page of a browser.
#[derive(Debug)]
pub struct Tab<'a> {
    browser: &'a mut Browser,
    target: String,
    session: String,
}

/// It must not ask anybody but us for anything, run as root, and take a certificate that signed itself.
const FLAGS: [&str; 13] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--ignore-certificate-errors",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-dev-shm-usage",
    "--remote-debugging-pipe",
];

impl Browser {
    /// Starts `chromium`.
    ///
    /// # Errors
    /// When there is none.
    pub fn start() -> Result<Self, String> {
        if Command::new("chromium").arg("--version").output().is_err() {
            return Err("no chromium is installed".to_owned());
        }
        let folder = tempfile::tempdir().unwrap();
        let [commands, answers] = ["commands", "answers"].map(|name| folder.path().join(name));
        for pipe in [&commands, &answers] {
            nix::unistd::mkfifo(pipe, Mode::S_IRWXU).unwrap();
        }
        let mut command = Command::new("/bin/sh");
        // The browser reads descriptor 3 and writes descriptor 4; both ends of both pipes are open at once.
        command.args([
            "-c",
            "in=$1 out=$2; shift 2; exec chromium \"$@\" about:blank 3<>\"$in\" 4<>\"$out\"",
            "sh",
        ]);
        command.args([&commands, &answers]).args(FLAGS);
        command.arg(format!("--user-data-dir={}", folder.path().join("profile").display()));
        let program = Running::start(&mut command);
        // Opened for both, so that neither side waits for the other to open it.
        let open = |path| File::options().read(true).write(true).open(path).unwrap();
        let (commands, reader) = (open(&commands), BufReader::new(open(&answers)));
        let (sender, receiver) = channel();
        std::thread::spawn(move || {
            for message in reader.split(0).map_while(Result::ok) {
                if sender.send(serde_json::from_slice(&message).unwrap()).is_err() {
                    return;
                }
            }
        });
        Ok(Self { _program: program, commands, answers: receiver, last_id: 0, _folder: folder })
    }

    /// Opens a page.
    pub fn open(&mut self, url: &str) -> Tab<'_> {
        let made = self.call(None, "Target.createTarget", &json!({ "url": url }));
        let target = made["targetId"].as_str().unwrap().to_owned();
        let attached =
            self.call(None, "Target.attachToTarget", &json!({ "targetId": target, "flatten": true }));
        let session = attached["sessionId"].as_str().unwrap().to_owned();
        Tab { browser: self, target, session }
    }

    #[track_caller]
    fn call(&mut self, session: Option<&str>, method: &str, params: &Value) -> Value {
        self.last_id += 1;
        let mut message = json!({ "id": self.last_id, "method": method, "params": params });
        if let Some(session) = session {
            message["sessionId"] = session.into();
        }
        self.commands.write_all(format!("{message}\0").as_bytes()).unwrap();
        loop {
            // Events come between the answers.
            let answer = self.answers.recv_timeout(PATIENCE).unwrap();
            if answer["id"] == self.last_id {
                assert!(answer["error"].is_null(), "{method}: {answer}");
                return answer["result"].clone();
            }
        }
    }
}

impl Tab<'_> {
    /// Calls a method of the protocol for this page.
    #[track_caller]
    pub fn call(&mut self, method: &str, params: &Value) -> Value {
        self.browser.call(Some(&self.session), method, params)
    }

    /// The value of an expression in the page.
    #[track_caller]
    pub fn evaluate(&mut self, expression: &str) -> Value {
        let params = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        self.call("Runtime.evaluate", &params)["result"]["value"].clone()
    }

    /// Closes the page.
    pub fn close(self) {
        self.browser.call(None, "Target.closeTarget", &json!({ "targetId": self.target }));
    }
}
