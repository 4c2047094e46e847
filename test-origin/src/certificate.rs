//! The certificate of an HTTPS origin: made for a run, or the user's own and checked. Knows nothing of sockets, and
//! writes no file.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{Error as PemError, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::sign::CertifiedKey;

/// The names of every certificate that is made: this machine's to itself.
pub const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Clocks of clients may be behind ours by this much.
const BEFORE: Duration = Duration::from_secs(24 * 3600);
/// Longer than any run. Apple's systems refuse more than 398 days.
const AFTER: Duration = Duration::from_secs(365 * 24 * 3600);

/// A self-signed certificate and its key.
#[derive(Debug)]
pub struct Made {
    /// For Nginx, and for whoever is to trust it.
    pub certificate_pem: String,
    /// For Nginx alone.
    pub key_pem: String,
    /// The certificate again.
    pub certificate: CertificateDer<'static>,
}

/// Makes a certificate for [`NAMES`] and `more` names, valid for a year from now.
pub fn make(more: &[String]) -> anyhow::Result<Made> {
    let names = NAMES.into_iter().map(String::from).chain(more.iter().cloned());
    let mut params = CertificateParams::new(names.collect::<Vec<_>>()).context("name the certificate")?;
    params.distinguished_name.push(DnType::CommonName, "test-origin");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    // Before 1970 the certificate would be wrong, but so would everything else.
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let at = |seconds| rcgen::date_time_ymd(1970, 1, 1) + seconds;
    params.not_before = at(since_1970.saturating_sub(BEFORE));
    params.not_after = at(since_1970 + AFTER);
    let key = KeyPair::generate().context("make a key")?;
    let certificate = params.self_signed(&key).context("sign the certificate")?;
    Ok(Made {
        certificate_pem: certificate.pem(),
        key_pem: key.serialize_pem(),
        certificate: certificate.der().clone(),
    })
}

/// The first certificate of a chain in PEM, whose key the other file holds.
///
/// # Errors
/// A sentence without its subject: which flag it is about, and what is wrong with the file.
pub fn of_files(certificate: &Path, key: &Path) -> Result<CertificateDer<'static>, (&'static str, String)> {
    let (cert_flag, key_flag) = ("--tls-cert", "--tls-key");
    let chain: Vec<_> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(|error| (cert_flag, reason(error, "certificate")))?;
    let Some(first) = chain.first().cloned() else {
        return Err((cert_flag, reason(PemError::NoItemsFound, "certificate")));
    };
    let key = PrivateKeyDer::from_pem_file(key).map_err(|error| (key_flag, reason(error, "private key")))?;
    match CertifiedKey::from_der(chain, key, &provider()) {
        Ok(_) => Ok(first),
        Err(rustls::Error::InconsistentKeys(_)) => {
            Err((key_flag, format!("is not the key of the certificate in {}", certificate.display())))
        }
        Err(error) => Err((key_flag, format!("cannot be used with the certificate: {error}"))),
    }
}

fn reason(error: PemError, what: &str) -> String {
    match error {
        PemError::Io(error) => format!("cannot be read: {error}"),
        PemError::NoItemsFound => format!("has no {what} in PEM format"),
        error => format!("is no {what} in PEM format: {error}"),
    }
}

/// Whether a certificate can be made for this: a host name, `*.` and a host name, or an IP address.
pub fn is_name(text: &str) -> bool {
    let host = text.strip_prefix("*.").unwrap_or(text);
    matches!((ServerName::try_from(host), host == text), (Ok(ServerName::DnsName(_)), _) | (Ok(_), true))
}

/// The cryptography of both sides of a connection.
pub fn provider() -> CryptoProvider {
    ring::default_provider()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_made_certificate_fits_its_key_and_another_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let (one, other) = (make(&[]).unwrap(), make(&["cdn.example.test".to_owned()]).unwrap());
        let (certificate, key) = (file("cert", &one.certificate_pem), file("key", &one.key_pem));
        assert_eq!(of_files(&certificate, &key).unwrap(), one.certificate);

        let others_key = file("other", &other.key_pem);
        let cases = [
            (&certificate, &others_key, "--tls-key", "is not the key of the certificate in"),
            (&certificate, &certificate, "--tls-key", "has no private key in PEM format"),
            (&key, &key, "--tls-cert", "has no certificate in PEM format"),
            (&certificate, &folder.path().join("none"), "--tls-key", "cannot be read: No such file"),
            (&file("rubbish", "rubbish"), &key, "--tls-cert", "has no certificate in PEM format"),
            (
                &file("cut", &one.certificate_pem[..200]),
                &key,
                "--tls-cert",
                "is no certificate in PEM format: ",
            ),
        ];
        for (certificate, key, flag, expected) in cases {
            let (named, reason) = of_files(certificate, key).unwrap_err();
            assert!(named == flag && reason.contains(expected), "{named} {reason}");
        }
    }

    #[test]
    fn names_are_hosts_wildcards_and_addresses() {
        for name in ["cdn.example.test", "a-b", "*.example.test", "192.0.2.1", "2001:db8::1"] {
            assert!(is_name(name), "{name}");
            make(&[name.to_owned()]).unwrap();
        }
        for name in ["", "*.", "*", "a b", "http://x", "x:443", "*.192.0.2.1", "a.*.b", "ü.example"] {
            assert!(!is_name(name), "{name}");
        }
    }
}
