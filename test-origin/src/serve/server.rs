//! What Nginx is given of a plan on this machine: its configuration's contents, and its certificate. Starts nothing.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use rustls::pki_types::CertificateDer;

use crate::certificate;
use crate::nginx::{Server, Tls};
use crate::plan::{AccessLog, Certificate, Plan};
use crate::preflight::Machine;
use crate::run_dir::RunDir;

/// The server that belongs to a plan on this machine.
pub fn server<'a>(plan: &'a Plan, machine: &'a Machine, admin: SocketAddr) -> Server<'a> {
    Server {
        profile: &plan.profile,
        address: machine.address,
        build: &machine.build,
        account: machine.account.clone(),
        open_files: machine.open_files,
        access_log: match &plan.access_log {
            AccessLog::Off => None,
            AccessLog::RunDir => Some(PathBuf::from(RunDir::ACCESS_LOG)),
            AccessLog::File(file) => Some(file.clone()),
        },
        admin,
        routing: None,
        tls: plan.tls.as_ref().map(|certificate| match certificate {
            Certificate::Made { .. } => {
                Tls { certificate: RunDir::CERTIFICATE.into(), key: RunDir::KEY.into() }
            }
            Certificate::Own { certificate, key } => {
                Tls { certificate: certificate.clone(), key: key.clone() }
            }
        }),
    }
}

/// Writes the certificate that is made for the run, and its key. Returns what Nginx will show, if that is to be TLS.
pub fn write_certificate(plan: &Plan, run_dir: &RunDir) -> anyhow::Result<Option<CertificateDer<'static>>> {
    match &plan.tls {
        None => Ok(None),
        Some(Certificate::Made { names }) => {
            let made = certificate::make(names)?;
            run_dir
                .write_secret(RunDir::CERTIFICATE, &made.certificate_pem)
                .and_then(|()| run_dir.write_secret(RunDir::KEY, &made.key_pem))
                .context("write the certificate and its key")?;
            Ok(Some(made.certificate))
        }
        Some(Certificate::Own { certificate, key }) => match certificate::of_files(certificate, key) {
            Ok(certificate) => Ok(Some(certificate)),
            Err((flag, reason)) => Err(anyhow!("{flag}: the file {reason}")),
        },
    }
}
