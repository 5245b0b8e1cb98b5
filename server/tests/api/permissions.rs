//! Route by role by team: nobody gets what is not theirs, and nothing changes without the token of the form.

use serde_json::json;

use crate::desk::{Desk, ROLES};

const COURT: &str = "верните деньги иначе я подам на вас в суд";

/// Route, body, and the roles that are let through.
const TABLE: &[(&str, &str, Option<&str>, &str)] = &[
    ("GET", "/api/v1/conversations", None, "all"),
    ("GET", "/api/v1/conversations/{talk}", None, "all"),
    ("GET", "/api/v1/cases", None, "all"),
    ("GET", "/api/v1/cases/{case}", None, "all"),
    ("GET", "/api/v1/customers", None, "all"),
    ("GET", "/api/v1/week", None, "supervisor coach director administrator"),
    (
        "POST",
        "/api/v1/conversations",
        Some(r#"{"channel":"chat"}"#),
        "agent supervisor conflict_specialist coach administrator",
    ),
    (
        "POST",
        "/api/v1/cases/{case}/actions",
        Some(r#"{"action":"acknowledge"}"#),
        "supervisor conflict_specialist department director administrator",
    ),
    (
        "POST",
        "/api/v1/cases/{case}/actions",
        Some(r#"{"action":"note","text":"позвонили"}"#),
        "agent supervisor conflict_specialist department director administrator",
    ),
    ("GET", "/", None, "all"),
    ("GET", "/conversations", None, "all"),
    ("GET", "/conversations/{talk}", None, "all"),
    ("GET", "/cases/{case}", None, "all"),
    ("GET", "/week", None, "supervisor coach director administrator"),
    ("GET", "/quality", None, "all"),
    ("GET", "/quality/{talk}", None, "supervisor coach director administrator"),
    ("GET", "/tasks", None, "all"),
    ("GET", "/review", None, "supervisor coach director administrator"),
    ("GET", "/week/short", None, "supervisor coach director administrator"),
    ("GET", "/week/behind?week=2026-W48&what=escalated", None, "supervisor coach director administrator"),
    ("GET", "/api/v1/reports/2026-W47", None, "supervisor coach director administrator"),
    ("GET", "/api/v1/route?tel=1", None, "agent supervisor conflict_specialist coach administrator"),
    ("GET", "/users", None, "administrator"),
    ("GET", "/audit", None, "administrator"),
    ("GET", "/system", None, "administrator"),
    ("GET", "/users/user-agent", None, "administrator"),
    ("GET", "/archive", None, "supervisor conflict_specialist coach director administrator"),
    ("GET", "/api/v1/search?q=1", None, "supervisor conflict_specialist coach director administrator"),
    ("GET", "/api/v1/search/export?q=1", None, "supervisor coach director administrator"),
    ("GET", "/deliveries", None, "administrator"),
    ("GET", "/streams", None, "administrator"),
    ("GET", "/api/v1/streams", None, "administrator"),
    ("GET", "/recordings", None, "administrator"),
    ("GET", "/api/v1/recordings", None, "administrator"),
    (
        "POST",
        "/api/v1/calls",
        Some(r#"{"call":"c","streams":[{"id":"00000000-0000-4000-8000-000000000001","party":"mixed"}]}"#),
        "agent supervisor conflict_specialist coach administrator",
    ),
    ("GET", "/api/v1/deliveries", None, "administrator"),
    ("GET", "/api/v1/rules", None, "coach administrator"),
    ("POST", "/api/v1/rules/reload", None, "coach administrator"),
    ("GET", "/api/v1/rules/precision", None, "coach administrator"),
    ("GET", "/api/v1/rules/examples", None, "coach administrator"),
    (
        "POST",
        "/api/v1/conversations/{talk}/verdicts",
        Some(r#"{"utterance":0,"number":0,"verdict":"right"}"#),
        "supervisor conflict_specialist coach director administrator",
    ),
    (
        "POST",
        "/api/v1/conversations/{talk}/missed",
        Some(r#"{"utterance":0,"kind":"distrust"}"#),
        "supervisor conflict_specialist coach director administrator",
    ),
    ("GET", "/api/v1/conversations/{talk}/hints", None, "all"),
    ("GET", "/authority", None, "supervisor conflict_specialist department director administrator"),
    ("GET", "/api/v1/authority", None, "supervisor conflict_specialist department director administrator"),
    ("GET", "/findings", None, "supervisor director administrator"),
    ("GET", "/api/v1/findings", None, "supervisor director administrator"),
    ("GET", "/library", None, "all"),
    ("GET", "/works", None, "supervisor coach director administrator"),
    ("GET", "/practice", None, "all"),
    ("GET", "/api/v1/practice", None, "all"),
    ("GET", "/protocol", None, "all"),
    ("GET", "/api/v1/protocol", None, "all"),
    ("GET", "/protocol/edit", None, "director administrator"),
    ("GET", "/protocol/backtest", None, "director administrator"),
    (
        "POST",
        "/api/v1/cases/{case}/actions",
        Some(r#"{"action":"link","case":"{other}"}"#),
        "supervisor conflict_specialist department director administrator",
    ),
    ("GET", "/incidents", None, "all"),
    ("GET", "/api/v1/incidents", None, "all"),
    ("POST", "/api/v1/protocol/check", Some(r#"{"text":"x"}"#), "director administrator"),
    ("GET", "/api/v1/protocol/readers", None, "supervisor director administrator"),
    ("POST", "/api/v1/protocol/read", None, "all"),
    ("GET", "/duty", None, "supervisor director administrator"),
    ("GET", "/api/v1/duty", None, "supervisor director administrator"),
    (
        "POST",
        "/api/v1/duty",
        Some(r#"{"role":"supervisor","user":"user-supervisor","from_ms":1,"until_ms":2}"#),
        "supervisor director administrator",
    ),
    ("GET", "/asks", None, "supervisor conflict_specialist department director administrator"),
    ("GET", "/api/v1/asks", None, "supervisor conflict_specialist department director administrator"),
    (
        "POST",
        "/api/v1/cases/{case}/actions",
        Some(r#"{"action":"inform","text":"занимаемся"}"#),
        "supervisor conflict_specialist department director administrator",
    ),
    (
        "POST",
        "/api/v1/cases/{case}/actions",
        Some(r#"{"action":"follow"}"#),
        "agent supervisor conflict_specialist department director administrator",
    ),
    ("GET", "/account", None, "all"),
    (
        "POST",
        "/api/v1/cases/{case}/actions",
        Some(r#"{"action":"snooze"}"#),
        "supervisor conflict_specialist department director administrator",
    ),
];

#[tokio::test]
async fn every_route_lets_through_exactly_the_roles_of_the_table_and_nobody_without_a_sign_in() {
    let desk = Desk::open().await;
    let talk = desk.call("supervisor", &[COURT]).await;
    let case = format!("{talk}-case");
    let other = format!("{}-case", desk.call("supervisor", &[COURT]).await);
    for (method, route, body, roles) in TABLE {
        let path = route.replace("{talk}", &talk).replace("{case}", &case);
        let body = || body.map(|body| serde_json::from_str(&body.replace("{other}", &other)).unwrap());
        for role in ROLES {
            let status = desk.ask(role, method, &path, body()).await.status;
            let allowed = *roles == "all" || roles.split(' ').any(|allowed| allowed == role);
            assert_eq!(status < 400, allowed, "{role} {method} {path}: {status}");
            assert!(allowed || status == 403, "{role} {method} {path}: {status}");
        }
        let stranger = desk.ask("", method, &path, body()).await;
        let page = !path.starts_with("/api");
        assert_eq!(stranger.status, if page { 303 } else { 401 }, "nobody {method} {path}");
    }
}

#[tokio::test]
async fn a_team_sees_only_its_own_conversations_and_cases_in_every_way() {
    let desk = Desk::open().await;
    desk.add_person("north", "supervisor", Some("north")).await;
    desk.add_person("south", "supervisor", Some("south")).await;
    let talk = desk.call("north", &[COURT]).await;
    let case = format!("{talk}-case");
    let paths = [
        format!("/api/v1/conversations/{talk}"),
        format!("/api/v1/conversations/{talk}/recording"),
        format!("/api/v1/cases/{case}"),
        format!("/conversations/{talk}"),
        format!("/cases/{case}"),
    ];
    for path in &paths {
        assert_eq!(desk.ask("south", "GET", path, None).await.status, 404, "{path}");
    }
    for path in [&paths[0], &paths[2], &paths[3], &paths[4]] {
        assert_eq!(desk.ask("north", "GET", path, None).await.status, 200, "{path}");
    }
    let act = json!({"action": "take_over"});
    let path = format!("/api/v1/cases/{case}/actions");
    assert_eq!(desk.ask("south", "POST", &path, Some(act.clone())).await.status, 404);
    let line = json!({"index": 9, "party": "customer", "text": "чужое"});
    let events = format!("/api/v1/conversations/{talk}/events");
    assert_eq!(desk.ask("south", "POST", &events, Some(line)).await.status, 404);
    for list in ["/api/v1/conversations", "/api/v1/cases", "/", "/cases", "/conversations", "/alerts"] {
        let seen = |answer: crate::desk::Answer| answer.body.contains(&talk);
        assert!(!seen(desk.ask("south", "GET", list, None).await), "south {list}");
        assert!(seen(desk.ask("north", "GET", list, None).await), "north {list}");
    }
    assert_eq!(desk.ask("north", "POST", &path, Some(act)).await.status, 200);
}

#[tokio::test]
async fn a_session_changes_nothing_without_its_own_token_and_no_other_site_can_send_a_form() {
    let desk = Desk::open().await;
    let talk = desk.call("supervisor", &[COURT]).await;
    let path = format!("/cases/{talk}-case/take-over");
    for fields in ["csrf=", "csrf=csrf-agent", "csrf=guessed"] {
        assert_eq!(desk.submit("supervisor", &path, fields).await.status, 403, "{fields}");
    }
    let foreign = axum::http::Request::builder()
        .method("POST")
        .uri("/sign-in")
        .header("sec-fetch-site", "cross-site")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(axum::body::Body::from("login=admin&password=12345678"));
    assert_eq!(desk.send(foreign.unwrap()).await.status, 403);
    assert_eq!(desk.submit("supervisor", &path, "").await.status, 303);
}

#[tokio::test]
async fn a_blocked_person_loses_session_and_token_at_once_and_nobody_blocks_themselves() {
    let desk = Desk::open().await;
    let blocked = desk.submit("administrator", "/users/user-agent/active", "active=false").await;
    assert_eq!(blocked.status, 303, "{}", blocked.body);
    assert_eq!(desk.page("agent", "/").await.status, 303);
    assert_eq!(desk.ask("agent", "GET", "/api/v1/cases", None).await.status, 401);
    let own = desk.submit("administrator", "/users/user-administrator/active", "active=false").await;
    assert_eq!(own.status, 409);
    assert_eq!(desk.submit("director", "/users/user-agent/active", "active=true").await.status, 403);
}

#[tokio::test]
async fn guessing_a_password_has_to_wait_and_the_first_run_is_over_once_there_is_somebody() {
    let desk = Desk::open().await;
    assert_eq!(desk.page("", "/setup").await.status, 303);
    assert_eq!(desk.submit("", "/setup", "csrf=&name=x&login=x&password=12345678").await.status, 403);
    for _ in 0..10 {
        let wrong = desk.submit("", "/sign-in", "csrf=&login=agent&password=wrong-one").await;
        assert_eq!((wrong.status, wrong.body.contains("не подходят")), (422, true));
    }
    let slowed = desk.submit("", "/sign-in", "csrf=&login=agent&password=wrong-one").await;
    assert!(slowed.body.contains("Слишком много попыток"), "{}", slowed.body);
}
