//! Serving over HTTP: one router with its limits and headers, HTTP/1.1 and HTTP/2, TLS when a certificate is configured,
//! and an end that waits for what is under way.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use axum::Router;
use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_util::sync::CancellationToken;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};
use tower_http::set_header::SetResponseHeaderLayer;

use crate::alert::{Bot, Channels, Outbox, called_by_rota};
use crate::api::{self, ApiError};
use crate::auth::{Gate, Me, Role};
use crate::config;
use crate::desk::Desk;
use crate::hub::Hub;
use crate::inbox::Inbox;
use crate::store::{
    AlertRow, CaseId, CaseRow, ConversationFilter, ConversationId, ConversationPage, ConversationRow,
    CustomerId, StoreError, UserId,
};
use crate::web;

/// Time for the head of a request: a client that sends half of it does not keep a connection for ever.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// Time for the handshake of TLS.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
/// Time after which an idle or dead HTTP/2 connection is asked whether it lives.
const PING_EVERY: Duration = Duration::from_secs(30);
/// Time that open requests get when the server ends.
const FAREWELL: Duration = Duration::from_secs(5);
/// Connections at once: more wait in the queue of the system.
const CONNECTIONS: usize = 8_192;
/// Bytes of the head of a request.
const HEAD_BYTES: usize = 32 * 1024;
/// No script or style but our own, no frames, forms to ourselves alone.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; \
                      connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What every handler shares.
#[derive(Clone)]
pub struct App {
    /// The scenarios that can be practised.
    pub practice: Arc<crate::practice::Book>,
    /// How many complaints came from where.
    pub complaints: Arc<web::ComplaintPace>,
    /// Backtests that run beside the desk.
    pub backtests: Arc<crate::backtests::Backtests>,
    /// The forms of quality cards.
    pub forms: Arc<crate::quality::Forms>,
    /// Store, pipeline, recordings, time, configuration.
    pub desk: Desk,
    /// Where live pages listen.
    pub hub: Hub,
    /// The gate of passwords.
    pub gate: Arc<Gate>,
    /// Files given to the server.
    pub inbox: Inbox,
    /// Live sound.
    pub live: Arc<crate::live::Live>,
    /// The ways out.
    pub channels: Arc<Channels>,
    /// When each person last tried a channel: a message a few seconds.
    pub tries: Arc<std::sync::Mutex<std::collections::HashMap<UserId, i64>>>,
    /// The zone in which pages show times.
    pub zone: jiff::tz::TimeZone,
    /// Held while the first administrator is made.
    pub setup: Arc<tokio::sync::Mutex<()>>,
    /// Ends the streams.
    pub stop: CancellationToken,
}

impl App {
    /// Makes what handlers share.
    ///
    /// # Errors
    /// When the time zone or a channel of the configuration is wrong, or the inbox cannot be opened.
    pub fn new(desk: Desk, stop: CancellationToken) -> Result<Self> {
        let zone = desk.config.conversation.defaults()?.zone;
        let inbox = Inbox::open(&desk)?;
        let channels = Arc::new(Channels::open(&desk.config)?);
        let live = crate::live::Live::open(desk.clone())?;
        let folder = desk.config.practice.folder.clone();
        let folder = (!folder.is_empty()).then(|| std::path::Path::new(&folder));
        let practice = Arc::new(crate::practice::Book::open(folder)?);
        let folder = desk.config.quality.folder.clone();
        let folder = (!folder.is_empty()).then(|| std::path::Path::new(&folder));
        let forms = Arc::new(crate::quality::Forms::open(folder)?);
        Ok(Self {
            practice,
            complaints: Arc::default(),
            backtests: Arc::default(),
            forms,
            desk,
            live,
            hub: Hub::default(),
            gate: Arc::default(),
            inbox,
            channels,
            tries: Arc::default(),
            zone,
            setup: Arc::default(),
            stop,
        })
    }

    /// Returns what sends alerts beyond the pages.
    pub fn outbox(&self) -> Outbox {
        Outbox::new(self.desk.clone(), Arc::clone(&self.channels), self.zone.clone())
    }

    /// Returns what hears the answers of the Telegram bot, when there is one.
    ///
    /// # Errors
    /// When there are no random numbers.
    pub fn bot(&self, outbox: &Outbox) -> Result<Option<Bot>> {
        let Some(api) = &self.channels.telegram else { return Ok(None) };
        Bot::new(self.desk.clone(), Arc::clone(api), outbox.clone(), self.zone.clone()).map(Some)
    }

    /// Returns everything about a conversation that somebody may see.
    ///
    /// # Errors
    /// `NotFound` also where it belongs to another team.
    pub async fn conversation_for(&self, me: &Me, id: String) -> Result<ConversationPage, ApiError> {
        let page = self.desk.store.conversation_page(&ConversationId(id)).await?;
        let page = page.ok_or(ApiError::NotFound)?;
        let row = &page.conversation;
        let seen = me.sees(row.team.as_deref()) || self.was_asked(me, row.case_id.as_ref()).await?;
        if seen { Ok(page) } else { Err(ApiError::NotFound) }
    }

    /// Says whether somebody's department was asked in a case: then they see it, whichever team has it.
    async fn was_asked(&self, me: &Me, case: Option<&CaseId>) -> Result<bool, StoreError> {
        let department = me.user.team.as_deref().filter(|_| me.role == Role::Department);
        match (case, department) {
            (Some(case), Some(department)) => self.desk.store.was_asked(case, department).await,
            _ => Ok(false),
        }
    }

    /// Returns a conversation's row, if somebody may see it.
    ///
    /// # Errors
    /// `NotFound` also where it belongs to another team.
    pub async fn conversation_row_for(&self, me: &Me, id: String) -> Result<ConversationRow, ApiError> {
        let row = self.desk.store.conversation(&ConversationId(id)).await?.ok_or(ApiError::NotFound)?;
        let seen = me.sees(row.team.as_deref()) || self.was_asked(me, row.case_id.as_ref()).await?;
        if seen { Ok(row) } else { Err(ApiError::NotFound) }
    }

    /// Returns a case that somebody may see.
    ///
    /// # Errors
    /// `NotFound` also where it belongs to another team.
    pub async fn case_for(&self, me: &Me, id: String) -> Result<CaseRow, ApiError> {
        let row = self.desk.store.case(&CaseId(id)).await?.ok_or(ApiError::NotFound)?;
        let seen = me.sees(row.team.as_deref()) || self.was_asked(me, Some(&row.id)).await?;
        if seen { Ok(row) } else { Err(ApiError::NotFound) }
    }

    /// Returns the latest conversations of a customer that somebody may see.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn conversations_of(
        &self,
        me: &Me,
        customer: &CustomerId,
    ) -> Result<Vec<ConversationRow>, StoreError> {
        let filter = ConversationFilter {
            customer: Some(customer.clone()),
            team: me.team().map(str::to_owned),
            limit: 20,
            ..ConversationFilter::default()
        };
        self.desk.store.conversations(&filter).await
    }

    /// Returns the alerts that call somebody: by name, or by a role of the ladder that their role answers. Those that rest
    /// for them are left out.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn alerts_for(&self, me: &Me) -> Result<Vec<AlertRow>, StoreError> {
        let mut alerts: Vec<AlertRow> = Vec::new();
        for role in ["supervisor", "substitute", "conflict_specialist", "department", "director"] {
            if me.role.hears(role) {
                let more = self.desk.store.alerts_for(&me.user.id, role, me.user.team.as_deref()).await?;
                alerts.extend(more.into_iter().filter(|alert| alert.acknowledged_at_ms.is_none()));
            }
        }
        let now = self.desk.clock.now();
        let (duties, absences) = (self.desk.store.duties(now).await?, self.desk.store.absences(now).await?);
        alerts.retain(|alert| {
            called_by_rota(alert, &duties, &absences, now).is_none_or(|called| called.contains(&me.user.id))
        });
        let resting = self.desk.store.snoozed(&me.user.id, now).await?;
        alerts.retain(|alert| !resting.contains(&alert.id));
        alerts.sort_by(|a, b| b.created_at_ms.cmp(&a.created_at_ms).then_with(|| a.id.cmp(&b.id)));
        alerts.dedup_by(|a, b| a.id == b.id);
        Ok(alerts)
    }
}

/// The address of the other side, as far as the connection shows it.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub Option<IpAddr>);

impl<S: Send + Sync> FromRequestParts<S> for Peer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Peer>().copied().unwrap_or(Self(None)))
    }
}

/// Returns pages and API with their limits and headers.
pub fn routes(app: App) -> Router {
    let squeezed = DefaultPredicate::new()
        .and(NotForContentType::const_new("audio/"))
        .and(NotForContentType::const_new("application/octet-stream"));
    let header = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
    };
    let mut router = Router::new()
        .merge(web::routes(&app))
        .merge(api::routes(&app))
        .fallback_service(Router::new().fallback(api::nothing_here).layer(from_fn(web::as_pages)))
        .layer(from_fn(own_site))
        .layer(CompressionLayer::new().compress_when(squeezed))
        .layer(header(header::CONTENT_SECURITY_POLICY, POLICY))
        .layer(header(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(header(header::X_FRAME_OPTIONS, "DENY"))
        .layer(header(header::REFERRER_POLICY, "same-origin"))
        .layer(header(HeaderName::from_static("cross-origin-opener-policy"), "same-origin"))
        .layer(header(HeaderName::from_static("cross-origin-resource-policy"), "same-origin"))
        .layer(header(
            HeaderName::from_static("permissions-policy"),
            "camera=(), geolocation=(), microphone=(self)",
        ))
        .layer(header(header::CACHE_CONTROL, "no-store"));
    if !app.desk.config.http.certificate.is_empty() {
        router = router.layer(header(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"));
    }
    router.with_state(app)
}

/// Refuses what another site makes a browser send: beside the tokens of forms, and also before the sign-in.
async fn own_site(request: Request, next: Next) -> Response {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let site = request.headers().get("sec-fetch-site").and_then(|value| value.to_str().ok());
    if !safe && matches!(site, Some("cross-site" | "same-site")) {
        return ApiError::Stale.into_response();
    }
    next.run(request).await
}

/// Reads certificate and key, when they are configured.
///
/// # Errors
/// Names the key of the configuration and the file.
pub fn tls(http: &config::Http) -> Result<Option<TlsAcceptor>> {
    match (http.certificate.is_empty(), http.key.is_empty()) {
        (true, true) => return Ok(None),
        (false, false) => {}
        _ => bail!("http.certificate and http.key: give both, or none for plain HTTP"),
    }
    let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(&http.certificate)
        .with_context(|| format!("http.certificate: cannot read {}", http.certificate))?
        .collect();
    let chain = chain.with_context(|| format!("http.certificate: {} is no PEM", http.certificate))?;
    let key = PrivateKeyDer::from_pem_file(&http.key)
        .with_context(|| format!("http.key: {} cannot be read as a PEM key", http.key))?;
    let ring = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(ring)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .context("http.certificate and http.key do not fit together")?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Some(TlsAcceptor::from(Arc::new(config))))
}

/// Serves until told to stop, then lets open requests end.
pub async fn serve(listener: TcpListener, tls: Option<TlsAcceptor>, router: Router, stop: CancellationToken) {
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { break };
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file handles: those that are open have to end first.
                tracing::error!("No connection is accepted: {error}");
                tokio::time::sleep(Duration::from_millis(200)).await;
                continue;
            }
        };
        let (tls, router, watcher) = (tls.clone(), router.clone(), graceful.watcher());
        tokio::spawn(async move {
            let _place = place;
            let peer = Peer(Some(peer.ip()));
            // What goes wrong with one connection is the client's matter.
            if let Err(error) = connection(stream, tls, router, peer, watcher).await {
                tracing::debug!("A connection ended: {error:#}");
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(FAREWELL, graceful.shutdown()).await.is_err() {
        tracing::info!("Some requests did not end in time and were cut off");
    }
}

async fn connection(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    router: Router,
    peer: Peer,
    watcher: hyper_util::server::graceful::Watcher,
) -> Result<()> {
    stream.set_nodelay(true)?;
    let service = hyper::service::service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(peer);
        tower::ServiceExt::oneshot(router.clone(), request)
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIME).max_buf_size(HEAD_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_EVERY)
        .max_concurrent_streams(128)
        .max_header_list_size(u32::try_from(HEAD_BYTES).unwrap_or(u32::MAX));
    let served = match tls {
        Some(tls) => {
            let stream = tokio::time::timeout(HANDSHAKE_TIME, tls.accept(stream)).await??;
            watcher
                .watch(builder.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned())
                .await
        }
        None => {
            watcher
                .watch(builder.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned())
                .await
        }
    };
    served.map_err(|error| anyhow::anyhow!("{error}"))
}
