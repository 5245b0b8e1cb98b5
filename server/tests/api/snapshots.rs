//! The bodies of the API, word for word: a program that reads them must not find them changed by accident.
//!
//! After a wanted change: `INSTA_UPDATE=always cargo test -p gradus --test api snapshots`, and read what changed.

use gradus_engine::time::Millis;
use serde_json::{Value, json};

use crate::desk::Desk;

const COURT: &str = "верните деньги иначе я подам на вас в суд";

/// Takes out what differs from run to run or from training to training: ids, versions, shares of certainty.
fn steady(mut body: Value, talk: &str) -> String {
    change(&mut body, talk);
    serde_json::to_string_pretty(&body).unwrap()
}

fn change(value: &mut Value, talk: &str) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if matches!(
                    name.as_str(),
                    "rules_version" | "protocol_version" | "confidence" | "version" | "rules"
                ) {
                    *value = json!(format!("[{name}]"));
                } else if name == "customer_id" && value.is_string() {
                    *value = json!("[customer]");
                } else {
                    change(value, talk);
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| change(value, talk)),
        Value::String(text) => *text = text.replace(talk, "[talk]"),
        _ => {}
    }
}

async fn body(desk: &Desk, path: &str, talk: &str) -> String {
    let answer = desk.ask("administrator", "GET", path, None).await;
    format!("{} {}\n{}", answer.status, answer.header("content-type"), steady(answer.json(), talk))
}

#[tokio::test]
async fn the_bodies_of_the_api_are_those_that_programs_were_written_for() {
    let desk = Desk::open().await;
    let talk = desk.call("supervisor", &[COURT]).await;
    desk.clock.advance(Millis::seconds(20));
    let act = format!("/api/v1/cases/{talk}-case/actions");
    let acted = desk.ask("supervisor", "POST", &act, Some(json!({"action": "take_over"}))).await;
    assert!(acted.status < 300, "{}", acted.body);
    for (name, path) in [
        ("conversations", "/api/v1/conversations".to_owned()),
        ("conversation", format!("/api/v1/conversations/{talk}")),
        ("cases", "/api/v1/cases".to_owned()),
        ("case", format!("/api/v1/cases/{talk}-case")),
        ("deliveries", "/api/v1/deliveries".to_owned()),
        ("week", "/api/v1/week".to_owned()),
        ("rules", "/api/v1/rules".to_owned()),
    ] {
        insta::assert_snapshot!(name, body(&desk, &path, &talk).await);
    }
}

#[tokio::test]
async fn refusals_are_problems_that_name_the_thing_and_the_cure() {
    let desk = Desk::open().await;
    let talk = desk.call("supervisor", &["алло"]).await;
    let events = format!("/api/v1/conversations/{talk}/events");
    let nobody = desk.ask("", "GET", "/api/v1/cases", None).await;
    let forbidden = desk.ask("agent", "GET", "/api/v1/week", None).await;
    let nothing = desk.ask("supervisor", "GET", "/api/v1/cases/no-such", None).await;
    let wrong = desk
        .ask("supervisor", "POST", &events, Some(json!({"index": 1, "party": "robot", "text": "а"})))
        .await;
    let backwards = desk.ask("supervisor", "GET", "/api/v1/week?from_ms=2&to_ms=1", None).await;
    for (name, answer) in [
        ("nobody", nobody),
        ("forbidden", forbidden),
        ("nothing-here", nothing),
        ("wrong-input", wrong),
        ("span-backwards", backwards),
    ] {
        assert_eq!(answer.header("content-type"), "application/problem+json", "{name}");
        insta::assert_snapshot!(name, format!("{}\n{}", answer.status, steady(answer.json(), &talk)));
    }
}
