//! Rules that change while the server runs, and conversations that do not wait for each other.

use std::sync::Arc;

use gradus::pipeline::Spoken;
use gradus::store::ConversationId;
use gradus_engine::signal::Party;
use gradus_engine::time::{Millis, Timestamp};

use crate::desk::{Desk, NOON};

const RULE: &str = "вид: gratitude\n\nправило: кошка; 100\n  кошка\n  + кошка\n";

async fn desk_with(rules: &std::path::Path) -> Desk {
    Desk::open_with(&[("GRADUS_NOTICE__RULES", &rules.display().to_string())]).await
}

async fn signals(desk: &Desk, talk: &str) -> Vec<String> {
    let signals = desk.app.desk.store.signals(&ConversationId(talk.to_owned())).await.unwrap();
    signals.into_iter().map(|signal| signal.rule).collect()
}

#[tokio::test]
async fn changed_rules_judge_the_next_utterance_and_wrong_ones_change_nothing() {
    let rules = tempfile::tempdir().unwrap();
    let file = rules.path().join("своё.rules");
    std::fs::write(&file, RULE).unwrap();
    let desk = desk_with(rules.path()).await;
    let before = desk.ask("coach", "GET", "/api/v1/rules", None).await.json();
    assert_eq!((before["rules"].as_u64(), before["refused"].is_null()), (Some(1), true), "{before}");

    let talk = desk.call("supervisor", &["собака", "кошка"]).await;
    std::fs::write(&file, RULE.replace("кошка", "собака")).unwrap();
    let after = desk.ask("coach", "POST", "/api/v1/rules/reload", None).await;
    assert_eq!(after.status, 200, "{}", after.body);
    assert_ne!(after.json()["version"], before["version"]);
    for (index, text) in [(2, "кошка"), (3, "собака")] {
        let line = serde_json::json!({"index": index, "party": "customer", "text": text});
        let path = format!("/api/v1/conversations/{talk}/events");
        assert_eq!(desk.ask("supervisor", "POST", &path, Some(line)).await.status, 200);
    }
    let by_rules: Vec<String> = signals(&desk, &talk)
        .await
        .into_iter()
        .filter(|rule| ["кошка", "собака"].contains(&rule.as_str()))
        .collect();
    assert_eq!(by_rules, ["кошка", "собака"]);

    std::fs::write(&file, RULE.replace("  кошка", "  @зверь")).unwrap();
    let refused = desk.ask("coach", "POST", "/api/v1/rules/reload", None).await;
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("своё.rules:4:") && refused.body.contains("@зверь"), "{}", refused.body);
    let still = desk.ask("coach", "GET", "/api/v1/rules", None).await.json();
    assert_eq!(still["version"], after.json()["version"]);
    assert!(still["refused"]["why"].as_str().unwrap().contains("@зверь"), "{still}");
    let metrics = desk.ask("", "GET", "/metrics", None).await.body;
    assert!(metrics.contains("gradus_rules_refused 1"), "{metrics}");
}

#[tokio::test]
async fn many_conversations_at_once_are_each_heard_whole_and_in_order() {
    let desk = Desk::open().await;
    let mut talks = Vec::new();
    for _ in 0..12 {
        talks.push(ConversationId(desk.call("supervisor", &["алло"]).await));
    }
    let mut tasks = tokio::task::JoinSet::new();
    for (number, talk) in talks.iter().cloned().enumerate() {
        // Two senders a conversation that say the same: each utterance is heard once.
        for _ in 0..2 {
            let (pipeline, talk) = (Arc::clone(&desk.app.desk.pipeline), talk.clone());
            tasks.spawn(async move {
                for index in 1..=6 {
                    let text = format!("вы там все идиоты номер {number}");
                    pipeline.say(&talk, &[said(index, &text)], &[]).await.unwrap();
                }
            });
        }
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    for talk in &talks {
        let row = desk.app.desk.store.conversation(talk).await.unwrap().unwrap();
        assert_eq!(row.utterances, 7, "{talk}");
        let stream = gradus::store::conversation_stream(talk);
        let events = desk.app.desk.store.events_of(&stream, 0, 100).await.unwrap();
        let order: Vec<i64> = events.iter().map(|event| event.sequence).collect();
        let expected: Vec<i64> = (order[0]..).take(order.len()).collect();
        assert_eq!(order, expected, "{talk}");
        let heard = events.iter().filter(|event| event.kind == "said").count();
        assert_eq!(heard, 7, "{talk}");
    }
}

fn said(index: u32, text: &str) -> Spoken {
    Spoken {
        index,
        party: Party::Customer,
        speaker: None,
        start_ms: Some(u64::from(index) * 1000),
        end_ms: None,
        at: Timestamp::from_millis(NOON).plus(Millis::seconds(u64::from(index))),
        text: text.to_owned(),
        judged: text.to_owned(),
        utc_offset_s: 3 * 3600,
    }
}
