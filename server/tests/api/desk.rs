//! A whole server for one test: a store in a temporary folder, people of every role, requests without a network.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, header};
use gradus::alert::Ways;
use gradus::clock::ManualClock;
use gradus::config::Config;
use gradus::desk::{Desk as Shared, digest};
use gradus::http::{App, routes};
use gradus::pipeline::Pipeline;
use gradus::protocols::ProtocolKeeper;
use gradus::rules::reload::RuleKeeper;
use gradus::store::{ApiToken, Recordings, Session, Store, User, UserId};
use gradus_engine::time::{Millis, Timestamp};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// Tuesday, 2026-11-24, 12:00 in Moscow.
pub const NOON: i64 = 1_795_510_800_000;

/// Every role.
pub const ROLES: [&str; 7] =
    ["agent", "supervisor", "conflict_specialist", "department", "coach", "director", "administrator"];

pub struct Desk {
    pub app: App,
    pub router: axum::Router,
    pub clock: ManualClock,
    pub stop: CancellationToken,
    _folder: tempfile::TempDir,
}

/// An answer, read whole.
pub struct Answer {
    pub status: u16,
    pub headers: axum::http::HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
    }
}

impl Desk {
    /// A server with one person a role, each with a session and an API token named after the role.
    pub async fn open() -> Self {
        Self::open_with(&[]).await
    }

    /// The same with settings of its own: names and values of variables.
    pub async fn open_with(settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = ManualClock::at(Timestamp::from_millis(NOON));
        let url = format!("sqlite:{}", folder.path().join("gradus.db").display());
        let set = |name: &str, value: String| (name.to_owned(), value);
        let variables = [
            set("GRADUS_STORE__URL", url.clone()),
            set("GRADUS_STORE__RECORDINGS", folder.path().join("recordings").display().to_string()),
        ];
        let more = settings.iter().map(|(name, value)| set(name, (*value).to_owned()));
        let config = Config::from(None, variables.into_iter().chain(more)).unwrap();
        let store = Arc::new(Store::open(&url, Arc::new(clock.clone())).await.unwrap());
        let ear = Arc::new(gradus::ears::ear(config.notice.rules_folder()).unwrap());
        let protocol = Arc::new(gradus::ears::protocol(None).unwrap());
        let pipeline = Pipeline::new(Arc::clone(&store), ear, protocol).reaching(Ways::of(&config));
        let pipeline = Arc::new(pipeline.in_shadow(config.alert.shadow));
        let recordings = Arc::new(Recordings::in_folder(&config.store.recordings).unwrap());
        let time = Arc::new(clock.clone());
        let rules = RuleKeeper::new(config.notice.rules_folder(), Arc::clone(&pipeline), time.clone());
        let rules = Arc::new(rules);
        let protocols = Arc::new(ProtocolKeeper::new(Arc::clone(&store), Arc::clone(&pipeline)));
        let shared =
            Shared { store, pipeline, rules, protocols, recordings, clock: time, config: Arc::new(config) };
        let stop = CancellationToken::new();
        let app = App::new(shared, stop.clone()).unwrap();
        let desk = Self { router: routes(app.clone()), app, clock, stop, _folder: folder };
        for role in ROLES {
            desk.add_person(role, role, None).await;
        }
        desk
    }

    pub async fn add_person(&self, login: &str, role: &str, team: Option<&str>) {
        let store = &self.app.desk.store;
        let id = UserId(format!("user-{login}"));
        let user = User {
            id: id.clone(),
            login: login.to_owned(),
            name: format!("{role} Иванов"),
            role: role.to_owned(),
            team: team.map(str::to_owned),
            password_hash: None,
            locale: "ru".to_owned(),
            active: true,
            created_at_ms: NOON,
        };
        store.add_user(&user).await.unwrap();
        let session = Session {
            token_hash: digest(format!("session-{login}").as_bytes()),
            user_id: id.clone(),
            csrf: format!("csrf-{login}"),
            created_at_ms: NOON,
            expires_at_ms: Timestamp::from_millis(NOON).plus(Millis::minutes(600)).millis(),
            seen_at_ms: NOON,
            user_agent: None,
        };
        store.begin_session(&session).await.unwrap();
        let token_hash = digest(format!("token-{login}").as_bytes());
        let token = ApiToken { token_hash, user_id: id, name: "тест".to_owned(), created_at_ms: NOON };
        store.add_token(&token).await.unwrap();
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let body = String::from_utf8_lossy(&bytes).into_owned();
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    /// A request with the API token of a person; nobody's when empty.
    pub async fn ask(&self, who: &str, method: &str, path: &str, body: Option<Value>) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if !who.is_empty() {
            request = request.header(header::AUTHORIZATION, format!("Bearer token-{who}"));
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        self.send(request.header(header::CONTENT_TYPE, "application/json").body(body).unwrap()).await
    }

    /// A form sent with the session of a person; the token of the form is added unless it is given.
    pub async fn submit(&self, who: &str, path: &str, fields: &str) -> Answer {
        let fields =
            if fields.contains("csrf=") { fields.to_owned() } else { format!("csrf=csrf-{who}&{fields}") };
        let request = Request::builder()
            .method("POST")
            .uri(path)
            .header(header::COOKIE, format!("gradus=session-{who}"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(fields));
        self.send(request.unwrap()).await
    }

    /// A page read with the session of a person.
    pub async fn page(&self, who: &str, path: &str) -> Answer {
        let request = Request::builder()
            .uri(path)
            .header(header::COOKIE, format!("gradus=session-{who}"))
            .body(Body::empty());
        self.send(request.unwrap()).await
    }

    /// Begins a live call in the name of a person and says lines of the customer.
    pub async fn call(&self, who: &str, lines: &[&str]) -> String {
        let start = json!({"channel": "call", "customer_name": "Пётр Сомов", "customer_tel": "+79000000999"});
        let begun = self.ask(who, "POST", "/api/v1/conversations", Some(start)).await;
        assert_eq!(begun.status, 201, "{}", begun.body);
        let id = begun.json()["id"].as_str().unwrap().to_owned();
        for (index, text) in lines.iter().enumerate() {
            let line = json!({"index": index, "party": "customer", "text": text});
            let path = format!("/api/v1/conversations/{id}/events");
            let taken = self.ask(who, "POST", &path, Some(line)).await;
            assert_eq!(taken.json(), json!({"taken": 1}));
        }
        id
    }
}
