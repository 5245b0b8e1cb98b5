//! The one client for addresses outside: HTTP/1.1 over rustls, one connection a call, no redirects, bounded answers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::http::{HeaderName, HeaderValue, Request, Response, header};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::address::Target;

/// Longest answer that is read.
const ANSWER_BYTES: usize = 1 << 20;
/// Time to reach a server.
const CONNECT: Duration = Duration::from_secs(5);

/// Calls servers outside. Clones share everything.
#[derive(Clone)]
pub struct Client {
    tls: TlsConnector,
    allow_private: bool,
}

/// What a server answered.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// For how long it asks to wait, in seconds.
    pub retry_after_s: Option<u64>,
    /// The body.
    pub body: Bytes,
}

/// A call that got no answer.
#[derive(Debug)]
pub struct CallError {
    /// What went wrong, for people.
    pub what: String,
    /// The server may have taken the request all the same.
    pub uncertain: bool,
}

impl Client {
    /// Makes a client that trusts the public authorities and those of a PEM file.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn new(authorities: &str, allow_private: bool) -> Result<Self> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        if !authorities.is_empty() {
            let chain = CertificateDer::pem_file_iter(authorities)
                .with_context(|| format!("alert.authorities: cannot read {authorities}"))?;
            for certificate in chain {
                let wrong = || format!("alert.authorities: {authorities} is no PEM of certificates");
                roots.add(certificate.with_context(wrong)?).with_context(wrong)?;
            }
        }
        let ring = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(ring)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { tls: TlsConnector::from(Arc::new(config)), allow_private })
    }

    /// Posts a body of JSON and returns what the server answers within a time.
    ///
    /// # Errors
    /// When there is no answer; the text names the host, never the path.
    pub async fn post(
        &self,
        target: &Target,
        headers: &[(&'static str, String)],
        body: String,
        within: Duration,
    ) -> Result<Answer, CallError> {
        let before = |error: anyhow::Error| CallError { what: format!("{error:#}"), uncertain: false };
        let request = request(target, headers, body).map_err(before)?;
        let stream = match tokio::time::timeout(CONNECT.min(within), self.connect(target)).await {
            Ok(stream) => stream.map_err(before)?,
            Err(_) => return Err(before(anyhow::anyhow!("{} cannot be reached in time", target.host))),
        };
        match tokio::time::timeout(within, exchange(stream, request)).await {
            Ok(answer) => answer.map_err(|error| CallError {
                what: format!("{}: {}", target.host, error.what),
                uncertain: error.uncertain,
            }),
            Err(_) => Err(CallError {
                what: format!("{} did not answer within {} s", target.host, within.as_secs()),
                uncertain: true,
            }),
        }
    }

    async fn connect(&self, target: &Target) -> Result<Box<dyn Stream>> {
        let addresses = target.resolve(self.allow_private).await?;
        let stream = connect(target, &addresses).await?;
        if !target.tls {
            return Ok(Box::new(stream));
        }
        let name = ServerName::try_from(target.host.clone())?;
        let stream = self.tls.connect(name, stream).await;
        Ok(Box::new(stream.with_context(|| format!("TLS with {} failed", target.host))?))
    }
}

/// A connection, with TLS or without.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

fn request(
    target: &Target,
    headers: &[(&'static str, String)],
    body: String,
) -> Result<Request<Full<Bytes>>> {
    let mut request = Request::post(&target.path)
        .header(header::HOST, target.authority())
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::USER_AGENT, concat!("Gradus/", env!("CARGO_PKG_VERSION")))
        .body(Full::new(Bytes::from(body)))
        .context("the path of the address is wrong")?;
    for (name, value) in headers {
        request.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_str(value)?);
    }
    Ok(request)
}

async fn connect(target: &Target, addresses: &[SocketAddr]) -> Result<TcpStream> {
    let mut last = None;
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => last = Some(error),
        }
    }
    let last = last.map_or_else(String::new, |error| format!(": {error}"));
    anyhow::bail!("cannot connect to {}{last}", target.authority())
}

/// Sends a request and reads the answer. From the first byte on it may have arrived.
async fn exchange(stream: Box<dyn Stream>, request: Request<Full<Bytes>>) -> Result<Answer, CallError> {
    let lost = |error: &dyn std::fmt::Display| CallError { what: error.to_string(), uncertain: true };
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| lost(&error))?;
    let answering = async {
        let response = sender.send_request(request).await.map_err(|error| lost(&error))?;
        read(response).await
    };
    tokio::pin!(connection);
    tokio::pin!(answering);
    // The connection moves the bytes; it may end before the answer has been read to its end.
    tokio::select! {
        answer = &mut answering => answer,
        ended = &mut connection => match ended {
            Ok(()) => answering.await,
            Err(error) => Err(lost(&error)),
        },
    }
}

async fn read(response: Response<Incoming>) -> Result<Answer, CallError> {
    let status = response.status().as_u16();
    let retry_after = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    let retry_after_s = retry_after.and_then(|value| value.trim().parse().ok());
    let body = Limited::new(response.into_body(), ANSWER_BYTES).collect().await;
    let body = body.map_err(|error| CallError {
        what: format!("the answer cannot be read: {error}"),
        uncertain: true,
    })?;
    Ok(Answer { status, retry_after_s, body: body.to_bytes() })
}
