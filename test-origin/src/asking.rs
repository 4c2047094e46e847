//! Asks an origin that runs on this machine, through its admin server: faults and health. Starts nothing.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use hyper::{Method, StatusCode};

use crate::admin::Told;
use crate::client::Client;
use crate::run_dir;

/// A question and whom it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asking {
    /// What is asked.
    pub question: Question,
    /// The admin address; `None` to look for it.
    pub admin: Option<SocketAddr>,
    /// Where run directories are; `None` for where they are by default.
    pub dir: Option<PathBuf>,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// Begin these.
    AddFaults(Vec<String>),
    /// Which are there?
    ListFaults,
    /// End these, or all when none is named.
    ClearFaults(Vec<u32>),
    /// Does `/healthz` say 200?
    Health,
}

impl Asking {
    /// Asks, and returns the answer for a human.
    ///
    /// # Errors
    /// When no origin is found or it refuses: a sentence.
    pub async fn ask(&self) -> anyhow::Result<String> {
        let admin = match self.admin {
            Some(admin) => admin,
            None => self.find()?,
        };
        let client = Client::new(None)?;
        let send = async |method: Method, path: &str, body: &str| {
            let (status, text) = client.send(method, admin, path, body).await?;
            let text = String::from_utf8_lossy(&text).trim().to_owned();
            if status.is_success() { Ok(text) } else { bail!(refusal(status, &text)) }
        };
        match &self.question {
            Question::Health => send(Method::GET, "healthz", "").await,
            Question::ListFaults => table(&send(Method::GET, "faults", "").await?),
            Question::AddFaults(specs) => {
                for spec in specs {
                    send(Method::POST, "faults", spec).await?;
                }
                table(&send(Method::GET, "faults", "").await?)
            }
            Question::ClearFaults(ids) if ids.is_empty() => table(&send(Method::DELETE, "faults", "").await?),
            Question::ClearFaults(ids) => {
                for id in ids {
                    send(Method::DELETE, &format!("faults/{id}"), "").await?;
                }
                table(&send(Method::GET, "faults", "").await?)
            }
        }
    }

    fn find(&self) -> anyhow::Result<SocketAddr> {
        let folders = match &self.dir {
            Some(dir) => vec![dir.clone()],
            None => vec![PathBuf::from("/dev/shm"), std::env::temp_dir()],
        };
        let mut found = folders.iter().flat_map(|folder| run_dir::admins(folder)).collect::<Vec<_>>();
        found.sort();
        found.dedup();
        match found.as_slice() {
            [only] => Ok(*only),
            [] => bail!(
                "no test-origin of yours runs here: start one, or say where it is with --admin ADDR or --dir DIR"
            ),
            several => {
                let list = several.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                bail!("several test-origins run here: choose one with --admin, of {list}")
            }
        }
    }
}

fn refusal(status: StatusCode, text: &str) -> String {
    if text.is_empty() { format!("status {status}") } else { text.to_owned() }
}

/// One line per fault.
fn table(json: &str) -> anyhow::Result<String> {
    let faults: Vec<Told> = serde_json::from_str(json).context("read the answer")?;
    if faults.is_empty() {
        return Ok("no faults".to_owned());
    }
    let line = |told: &Told| {
        let mut line = format!("{:>3}  {}", told.id, told.fault);
        match (told.active, told.begins_in_seconds) {
            (true, _) => line.push_str("  in force"),
            (false, Some(seconds)) => line.push_str(&format!("  begins in {seconds:.1} s")),
            (false, None) => line.push_str("  begins when the URL is told"),
        }
        if let Some(seconds) = told.ends_in_seconds {
            line.push_str(&format!(", ends in {seconds:.1} s"));
        }
        line
    };
    Ok(faults.iter().map(line).collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_told_one_a_line() {
        let json = r#"[{"id":1,"fault":"outage","active":true,"begins_in_seconds":null,"ends_in_seconds":7.96},
            {"id":12,"fault":"freeze","active":false,"begins_in_seconds":30.0,"ends_in_seconds":null}]"#;
        assert_eq!(
            table(json).unwrap(),
            "  1  outage  in force, ends in 8.0 s\n 12  freeze  begins in 30.0 s"
        );
        assert_eq!(table("[]").unwrap(), "no faults");
        assert!(table("{}").is_err());
    }
}
