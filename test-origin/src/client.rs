//! A client of our own server: one request per connection, plain or over TLS. Over TLS it accepts exactly the
//! certificate that the server was given, whatever name is in it and whoever signed it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderValue};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::certificate;
use crate::nginx::Url;

/// A local server that has not answered by then will not; the next try may.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest profile's longest segment is 500 MB; anything beyond it is no segment.
const MOST_BYTES: usize = 1 << 30;

/// How the server is reached.
#[derive(Clone)]
pub struct Client {
    /// There when it speaks TLS.
    tls: Option<TlsConnector>,
}

impl Client {
    /// A client that speaks TLS when the server has a certificate.
    ///
    /// # Errors
    /// Never with the protocol versions that are built in.
    pub fn new(certificate: Option<&CertificateDer<'static>>) -> anyhow::Result<Self> {
        let Some(certificate) = certificate else { return Ok(Self { tls: None }) };
        let provider = Arc::new(certificate::provider());
        let pinned = Pinned { certificate: certificate.clone(), provider: Arc::clone(&provider) };
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(pinned))
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { tls: Some(TlsConnector::from(Arc::new(config))) })
    }

    /// The body of a 200 answer to a GET; `path` begins without a slash.
    ///
    /// # Errors
    /// Any other answer, or none.
    pub async fn get(&self, server: SocketAddr, path: &str) -> anyhow::Result<Bytes> {
        let (status, body) = self.send(Method::GET, server, path, "").await?;
        ensure!(status == StatusCode::OK, "{}: status {status}", self.url(server, path));
        Ok(body)
    }

    /// Sends a request, and returns whatever the answer is.
    ///
    /// # Errors
    /// When there is none.
    pub async fn send(
        &self,
        method: Method,
        server: SocketAddr,
        path: &str,
        body: &str,
    ) -> anyhow::Result<(StatusCode, Bytes)> {
        let url = self.url(server, path);
        tokio::time::timeout(REQUEST_TIMEOUT, self.fetch(method, &url, body))
            .await
            .unwrap_or_else(|_| bail!("no answer"))
            .context(url.to_string())
    }

    fn url<'a>(&self, server: SocketAddr, path: &'a str) -> Url<'a> {
        Url { tls: self.tls.is_some(), server, path }
    }

    async fn fetch(&self, method: Method, url: &Url<'_>, body: &str) -> anyhow::Result<(StatusCode, Bytes)> {
        let address = url.address();
        let body = Full::from(body.to_owned());
        let mut request = Request::builder().method(method).uri(format!("/{}", url.path)).body(body)?;
        request.headers_mut().insert(HOST, HeaderValue::from_str(&address.to_string())?);
        let stream = TcpStream::connect(address).await.context("connect")?;
        let Some(tls) = &self.tls else { return exchange(request, stream).await };
        let stream = tls.connect(ServerName::from(address.ip()), stream).await.context("TLS")?;
        exchange(request, stream).await
    }
}

async fn exchange<S>(request: Request<Full<Bytes>>, stream: S) -> anyhow::Result<(StatusCode, Bytes)>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let exchange = async {
        let response = sender.send_request(request).await?;
        let status = response.status();
        let body = Limited::new(response.into_body(), MOST_BYTES).collect().await;
        Ok((status, body.map_err(|error| anyhow::anyhow!(error))?.to_bytes()))
    };
    // The exchange is polled first, so a finished answer is not lost to a connection that ends with it.
    tokio::pin!(exchange, connection);
    tokio::select! {
        biased;
        answer = &mut exchange => answer,
        ended = &mut connection => {
            ended?;
            exchange.await
        }
    }
}

/// Trusts one certificate and no other. That the server also holds its key is proven by the signatures.
#[derive(Debug)]
struct Pinned {
    certificate: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if *end_entity == self.certificate {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
