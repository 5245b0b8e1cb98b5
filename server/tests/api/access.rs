//! Ways in over HTTP: links that set a password, the second step, sessions that are ended.

use axum::body::Body;
use axum::http::{Request, header};
use gradus::auth::totp;
use gradus_engine::time::Millis;

use crate::desk::{Answer, Desk};

async fn form(desk: &Desk, path: &str, cookie: &str, fields: &str) -> Answer {
    let request = Request::builder()
        .method("POST")
        .uri(path)
        .header(header::COOKIE, cookie)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(fields.to_owned()));
    desk.send(request.unwrap()).await
}

async fn open(desk: &Desk, path: &str, cookie: &str) -> Answer {
    let request = Request::builder().uri(path).header(header::COOKIE, cookie).body(Body::empty());
    desk.send(request.unwrap()).await
}

/// Returns the cookie that an answer sets, as a browser sends it back.
fn cookie(answer: &Answer, name: &str) -> String {
    let cookies = answer.headers.get_all(header::SET_COOKIE).iter();
    let mut found = cookies.filter_map(|value| value.to_str().ok()?.split(';').next().map(str::to_owned));
    found
        .find(|cookie| cookie.starts_with(&format!("{name}=")) && cookie.len() > name.len() + 1)
        .unwrap_or_default()
}

/// Returns the path of the link that a page shows.
fn link(page: &Answer) -> String {
    assert_eq!(page.status, 200, "{}", page.body);
    let begin = page.body.find("/enter/").unwrap();
    page.body[begin..begin + "/enter/".len() + 64].to_owned()
}

#[tokio::test]
async fn an_invited_person_sets_a_password_once_and_signs_in_with_it() {
    let desk = Desk::open().await;
    let fields = "name=Anna&login=anna&password=&role=agent&team=north";
    let shown = desk.submit("administrator", "/users", fields).await;
    let path = link(&shown);
    let early = form(&desk, "/sign-in", "", "login=anna&password=12345678").await;
    assert_eq!(early.status, 422, "there is no password yet");
    assert!(open(&desk, &path, "").await.body.contains("Anna"));
    for (fields, wrong) in
        [("password=short&again=short", "короче 8"), ("password=12345678&again=87654321", "не совпадают")]
    {
        let refused = form(&desk, &path, "", fields).await;
        assert!(refused.status == 422 && refused.body.contains(wrong), "{}", refused.body);
    }
    let set = form(&desk, &path, "", "password=12345678&again=12345678").await;
    assert_eq!((set.status, set.header("location")), (303, "/sign-in?set=1"));
    let again = form(&desk, &path, "", "password=stolen-one&again=stolen-one").await;
    assert!(again.status == 422 && again.body.contains("больше не действует"), "{}", again.body);
    let signed_in = form(&desk, "/sign-in", "", "login=anna&password=12345678").await;
    assert_eq!((signed_in.status, signed_in.header("location")), (303, "/"));
    let home = open(&desk, "/cases", &cookie(&signed_in, "gradus")).await;
    assert_eq!(home.status, 200);
}

#[tokio::test]
async fn a_link_for_a_new_password_expires_and_is_kept_hashed_and_only_the_administrator_makes_it() {
    let desk = Desk::open().await;
    assert_eq!(desk.submit("director", "/users/user-agent/link", "").await.status, 403);
    let path = link(&desk.submit("administrator", "/users/user-agent/link", "").await);
    let kept = desk.app.desk.store.entry_links(desk.app.desk.clock.now()).await.unwrap();
    assert!(kept.len() == 1 && !path.contains(&kept[0].token_hash));
    let newer = link(&desk.submit("administrator", "/users/user-agent/link", "").await);
    assert!(
        open(&desk, &path, "").await.body.contains("больше не действует"),
        "the newer one takes its place"
    );
    assert!(!open(&desk, &newer, "").await.body.contains("больше не действует"));
    desk.clock.advance(Millis::minutes(8 * 24 * 60));
    let late = form(&desk, &newer, "", "password=12345678&again=12345678").await;
    assert!(late.body.contains("больше не действует"), "{}", late.body);
    let audit = desk.app.desk.store.audit_before(i64::MAX, 5).await.unwrap();
    assert!(audit.iter().any(|row| row.action == "user.link" && row.object == "user:user-agent"));
}

/// Gives the agent a password and a second step; returns the secret and the recovery codes.
async fn with_second_step(desk: &Desk) -> (String, Vec<String>) {
    let path = link(&desk.submit("administrator", "/users/user-agent/link", "").await);
    form(desk, &path, "", "password=12345678&again=12345678").await;
    let signed_in = cookie(&form(desk, "/sign-in", "", "login=agent&password=12345678").await, "gradus");
    let settings = open(desk, "/account", &signed_in).await;
    let begin = settings.body.find("name=\"csrf\" value=\"").unwrap() + "name=\"csrf\" value=\"".len();
    let csrf = &settings.body[begin..begin + 64];
    let shown = form(desk, "/account/factor/begin", &signed_in, &format!("csrf={csrf}")).await;
    assert!(shown.body.contains("<svg class=\"qr\""), "{}", shown.body);
    let secret = desk.app.desk.store.second_factor(&"user-agent".into()).await.unwrap().unwrap().secret;
    let wrong = form(desk, "/account/factor/confirm", &signed_in, &format!("csrf={csrf}&code=000000x")).await;
    assert_eq!(wrong.status, 422);
    let code = totp::code(&secret, desk.app.desk.clock.now()).unwrap();
    let on = form(desk, "/account/factor/confirm", &signed_in, &format!("csrf={csrf}&code={code}")).await;
    assert_eq!(on.status, 200, "{}", on.body);
    let codes = on.body.split("<li><code>").skip(1).map(|rest| rest[..14].to_owned()).collect();
    (secret, codes)
}

#[tokio::test]
async fn a_password_alone_is_not_enough_once_there_is_a_second_step() {
    let desk = Desk::open().await;
    let (secret, codes) = with_second_step(&desk).await;
    assert_eq!(codes.len(), 10);
    let half = form(&desk, "/sign-in", "", "login=agent&password=12345678").await;
    assert_eq!((half.status, half.header("location")), (303, "/sign-in/code"));
    assert_eq!(cookie(&half, "gradus"), "", "no session yet");
    let half = cookie(&half, "gradus_half");
    assert_eq!(open(&desk, "/cases", &half).await.status, 303);
    assert_eq!(open(&desk, "/cases", &half.replace("gradus_half", "gradus")).await.status, 303);
    let used = totp::code(&secret, desk.app.desk.clock.now()).unwrap();
    let refused = form(&desk, "/sign-in/code", &half, &format!("code={used}")).await;
    assert_eq!(refused.status, 422, "the code that turned it on is used up");
    desk.clock.advance(Millis::seconds(60));
    let code = totp::code(&secret, desk.app.desk.clock.now()).unwrap();
    let whole = form(&desk, "/sign-in/code", &half, &format!("code={code}")).await;
    assert_eq!((whole.status, whole.header("location")), (303, "/"));
    assert_eq!(open(&desk, "/cases", &cookie(&whole, "gradus")).await.status, 200);
    let repeated = form(&desk, "/sign-in/code", &half, &format!("code={code}")).await;
    assert_eq!(repeated.header("location"), "/sign-in?again=1", "half a sign-in becomes one session");
    for (code, fits) in [(codes[3].to_lowercase(), true), (codes[3].clone(), false)] {
        let half = form(&desk, "/sign-in", "", "login=agent&password=12345678").await;
        let answer =
            form(&desk, "/sign-in/code", &cookie(&half, "gradus_half"), &format!("code={code}")).await;
        assert_eq!(answer.status == 303, fits, "a recovery code works once");
    }
}

#[tokio::test]
async fn codes_cannot_be_guessed_and_the_administrator_takes_a_lost_step_away() {
    let desk = Desk::open().await;
    with_second_step(&desk).await;
    let half = cookie(&form(&desk, "/sign-in", "", "login=agent&password=12345678").await, "gradus_half");
    for _ in 0..10 {
        form(&desk, "/sign-in/code", &half, "code=000000").await;
    }
    let slowed = form(&desk, "/sign-in/code", &half, "code=000000").await;
    assert!(slowed.body.contains("Слишком много попыток"), "{}", slowed.body);
    assert_eq!(desk.submit("director", "/users/user-agent/factor-off", "").await.status, 403);
    assert_eq!(desk.submit("administrator", "/users/user-agent/factor-off", "").await.status, 303);
    let whole = form(&desk, "/sign-in", "", "login=agent&password=12345678").await;
    assert_eq!(whole.header("location"), "/");
    let token = desk.ask("agent", "POST", "/account/factor/begin", None).await;
    assert!(token.status >= 400, "a program turns nothing on: {}", token.status);
}

#[tokio::test]
async fn sessions_are_listed_and_ended_by_their_owner_and_by_the_administrator() {
    let desk = Desk::open().await;
    let path = link(&desk.submit("administrator", "/users/user-coach/link", "").await);
    form(&desk, &path, "", "password=12345678&again=12345678").await;
    let sign_in =
        async || cookie(&form(&desk, "/sign-in", "", "login=coach&password=12345678").await, "gradus");
    let (one, other) = (sign_in().await, sign_in().await);
    let settings = open(&desk, "/account", &one).await;
    assert_eq!(settings.body.matches("name=\"which\"").count(), 2, "one by itself, and all others");
    let begin = settings.body.find("name=\"csrf\" value=\"").unwrap() + "name=\"csrf\" value=\"".len();
    let csrf = settings.body[begin..begin + 64].to_owned();
    let foreign = form(&desk, "/account/sessions/end", &one, "csrf=x&which=others").await;
    assert_eq!(foreign.status, 403);
    let ended = form(&desk, "/account/sessions/end", &one, &format!("csrf={csrf}&which=others")).await;
    assert_eq!(ended.status, 303, "{}", ended.body);
    assert_eq!(
        (open(&desk, "/cases", &one).await.status, open(&desk, "/cases", &other).await.status),
        (200, 303)
    );
    assert_eq!(desk.submit("administrator", "/users/user-coach/sign-out", "").await.status, 303);
    assert_eq!(open(&desk, "/cases", &one).await.status, 303);
    let own = desk.submit("administrator", "/users/user-administrator/sign-out", "").await;
    assert_eq!(
        (own.status, desk.page("administrator", "/users").await.status),
        (303, 200),
        "not the one in use"
    );
}

#[tokio::test]
async fn the_administrator_changes_role_and_team_at_once_but_not_their_own_role() {
    let desk = Desk::open().await;
    let change = "name=Иван&role=coach&team=north";
    assert_eq!(desk.submit("director", "/users/user-agent", change).await.status, 403);
    assert_eq!(desk.submit("administrator", "/users/user-agent", change).await.status, 303);
    assert_eq!(desk.page("agent", "/week").await.status, 200);
    assert_eq!(
        desk.app.desk.store.user(&"user-agent".into()).await.unwrap().unwrap().team.as_deref(),
        Some("north")
    );
    let own = desk.submit("administrator", "/users/user-administrator", "name=Я&role=agent").await;
    assert!(own.status == 422 && own.body.contains("Свою роль изменить нельзя"), "{}", own.body);
    assert_eq!(desk.submit("administrator", "/users/user-agent", "name=&role=agent").await.status, 422);
    assert_eq!(desk.page("administrator", "/users/none").await.status, 404);
}

#[tokio::test]
async fn a_key_is_shown_once_reaches_only_its_scope_and_is_taken_back() {
    let desk = Desk::open().await;
    let made =
        desk.submit("administrator", "/users/user-supervisor/keys", "name=PBX&scope=send&days=7").await;
    assert_eq!(made.status, 200, "{}", made.body);
    let begin = made.body.find("id=\"key\" value=\"").unwrap() + "id=\"key\" value=\"".len();
    let key = made.body[begin..begin + 64].to_owned();
    let ask = async |method: &str, path: &str, body: &str| {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {key}"))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_owned()));
        desk.send(request.unwrap()).await.status
    };
    assert_eq!(ask("POST", "/api/v1/conversations", r#"{"channel":"chat"}"#).await, 201);
    for (method, path) in [
        ("GET", "/api/v1/conversations"),
        ("GET", "/api/v1/cases"),
        ("GET", "/api/v1/search?q=1"),
        ("GET", "/cases"),
        ("POST", "/account/password"),
    ] {
        assert_eq!(ask(method, path, "").await, 403, "{method} {path}");
    }
    let shown = desk.page("administrator", "/users/user-supervisor").await.body;
    assert!(shown.contains("PBX") && shown.contains("только присылать") && !shown.contains(&key));
    assert_eq!(desk.submit("director", "/users/user-supervisor/keys", "name=x&scope=all").await.status, 403);
    assert_eq!(
        desk.submit("administrator", "/users/user-supervisor/keys", "name=&scope=all").await.status,
        422
    );
    desk.clock.advance(Millis::minutes(7 * 24 * 60));
    assert_eq!(ask("POST", "/api/v1/conversations", r#"{"channel":"chat"}"#).await, 401, "its days are over");
    let known = desk.app.desk.store.tokens_of(&"user-supervisor".into()).await.unwrap();
    let which = known.iter().find(|key| key.name == "PBX").unwrap().token_hash[..16].to_owned();
    desk.add_person("root", "administrator", None).await;
    let dropped = desk.ask("root", "POST", "/users/user-supervisor/keys/drop", None).await;
    assert!(dropped.status >= 400, "a form without its field");
    assert!(desk.app.desk.store.drop_api_key_of(&"user-supervisor".into(), &which).await.unwrap());
}
