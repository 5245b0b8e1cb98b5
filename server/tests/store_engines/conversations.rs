//! The board, the lists, and the page of one conversation.

use gradus::mask::{MaskedText, Masker};
use gradus::store::{
    Batch, Change, Commitment, CommitmentState, ConversationFilter, ConversationStatus, Decision, Evidence,
    HeatPoint, NewParty, Progress, Signal, StoreError, Verdict,
};
use gradus_engine::signal::{Party, SignalKind};
use serde_json::json;

use super::desk::{Desk, at, call, case, event, on_both_engines, said};

pub fn progress(conversation: &str, heat: u8) -> Progress {
    Progress {
        conversation: conversation.into(),
        utterances: 1,
        heat_last: heat,
        heat_max: heat,
        heat_at: at(1),
        calmed_at: None,
        attempts: 0,
        decision: None,
        quote: None,
        hints: None,
    }
}

pub fn signal(conversation: &str, utterance: i64, kind: SignalKind, quote: (u32, u32)) -> Signal {
    Signal {
        conversation: conversation.into(),
        utterance,
        number: 0,
        kind,
        party: Party::Customer,
        quote: Some(quote),
        measured: None,
        confidence: 95,
        rule: "rule".into(),
        rules_version: "rules-1".into(),
        at: at(0),
    }
}

pub fn decision(id: &str, conversation: &str, name: &str, reason: &str) -> Decision {
    Decision {
        id: id.into(),
        conversation: conversation.into(),
        case_id: None,
        utterance: Some(0),
        at: at(1),
        decision: name.into(),
        reason: reason.into(),
        step: None,
        clause: "C1".into(),
        protocol_version: "default-1".into(),
        rules_version: "rules-1".into(),
        evidence: vec![
            Evidence { utterance: 0, signal: "supervisor_request".into(), start: Some(0), end: Some(8) },
            Evidence { utterance: 0, signal: "shouting".into(), start: None, end: None },
        ],
    }
}

/// One utterance with all that follows from it, as the pipeline commits it.
fn hot_call(id: &str) -> Batch {
    let mut hot = progress(id, 80);
    hot.attempts = 2;
    hot.decision = Some(("engage_now".into(), "reputation".into(), at(1)));
    hot.quote = Some((0, 0, 8, SignalKind::SupervisorRequest));
    let mut shouted = signal(id, 0, SignalKind::Shouting, (0, 0));
    (shouted.number, shouted.quote, shouted.measured) = (1, None, Some(11.5));
    Batch::new()
        .event(event(id, Some(0), "utterance"))
        .change(said(id, 0, Party::Customer, "Позовите руководителя!"))
        .change(signal(id, 0, SignalKind::SupervisorRequest, (0, 8)))
        .change(shouted)
        .change(HeatPoint {
            conversation: id.into(),
            utterance: 0,
            at: at(1),
            value: 80,
            causes: json!([{ "signal": "supervisor_request", "by": 40 }]),
        })
        .change(decision(&format!("d-{id}"), id, "engage_now", "reputation"))
        .change(hot)
}

on_both_engines! {
    async fn the_board_shows_the_hottest_live_conversations_first(desk) {
        desk.user("ann", "agent").await;
        desk.user("boss", "supervisor").await;
        for (id, heat) in [("cold", 10), ("warm", 40), ("over", 99)] {
            desk.commit(Batch::new().change(call(id)).change(progress(id, heat))).await;
        }
        let mut hot = call("hot");
        hot.agent_id = Some("ann".into());
        desk.commit(Batch::new().change(hot)).await;
        desk.commit(hot_call("hot")).await;
        let mut opened = case("k1", "hot");
        opened.owner_id = Some("boss".into());
        desk.commit(Batch::new().change(opened)).await;
        desk.commit(Batch::new().change(Change::EndConversation { id: "over".into(), at: at(2) })).await;

        let board = desk.store.board(None, 100).await.unwrap();
        assert_eq!(board.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ["hot", "warm", "cold"]);
        let row = &board[0];
        assert_eq!(row.quote.as_deref(), Some("Позовите"));
        assert_eq!(row.quote_kind.as_deref(), Some("supervisor_request"));
        assert_eq!((row.heat_last, row.heat_max, row.attempts), (80, 80, 2));
        assert_eq!(row.decision.as_deref(), Some("engage_now"));
        assert_eq!(row.agent_name.as_deref(), Some("Имя ann"));
        assert_eq!((row.case_number, row.case_state.as_deref()), (Some(1), Some("open")));
        assert_eq!(row.owner_name.as_deref(), Some("Имя boss"));
        assert_eq!(row.case_due_at_ms, Some(at(16).millis()));
        assert_eq!(desk.store.board(None, 1).await.unwrap().len(), 1);
        assert_eq!(desk.store.board(Some("team"), 9).await.unwrap().len(), 3);
        assert!(desk.store.board(Some("other"), 9).await.unwrap().is_empty());
        assert_eq!(desk.store.conversation(&"hot".into()).await.unwrap().as_ref(), Some(row));
    }

    async fn the_page_of_a_conversation_holds_everything_with_its_quotes(desk) {
        let mut start = call("a");
        start.parties = vec![
            NewParty { role: "agent".into(), name: Some("Анна".into()), ..NewParty::default() },
            NewParty { role: "customer".into(), tel: Some("+7 916 1234567".into()), ..NewParty::default() },
        ];
        start.subject = Some(MaskedText::of("доставка"));
        start.sound = Some(json!({ "silence_ms": 1200 }));
        desk.commit(Batch::new().change(start)).await;
        desk.commit(hot_call("a")).await;
        let words = "Я перезвоню вам завтра до обеда";
        desk.commit(Batch::new().change(said("a", 1, Party::Agent, words)).change(Commitment {
            id: "p1".into(),
            conversation: "a".into(),
            case_id: None,
            utterance: 1,
            quote: (2, 15),
            due_at: Some(at(60)),
            due_quote: Some((16, 31)),
        })).await;
        let settle = Change::SettlePromise { id: "p1".into(), state: CommitmentState::Kept, by: None, at: at(30) };
        desk.commit(Batch::new().change(settle)).await;

        let page = desk.store.conversation_page(&"a".into()).await.unwrap().unwrap();
        assert_eq!(page.parties.len(), 2);
        assert_eq!(page.parties[1].tel.as_deref(), Some("+7 916 1234567"));
        assert_eq!(page.utterances.len(), 2);
        assert_eq!(page.utterances[0].text.as_deref(), Some("Позовите руководителя!"));
        assert_eq!(page.signals[0].quote.as_deref(), Some("Позовите"));
        assert_eq!((page.signals[1].quote.as_deref(), page.signals[1].measured), (None, Some(11.5)));
        assert_eq!(page.heat[0].value, 80);
        assert!(page.heat[0].causes.contains("\"by\":40"));
        assert_eq!(page.decisions[0].evidence[0].1.as_deref(), Some("Позовите"));
        assert_eq!(page.decisions[0].evidence[1].1, None);
        let promise = &page.commitments[0];
        assert_eq!(promise.what.as_deref(), Some("перезвоню вам"));
        assert_eq!(promise.due_text.as_deref(), Some("завтра до обеда"));
        assert_eq!((promise.state.as_str(), promise.closed_at_ms), ("kept", Some(at(30).millis())));
        assert_eq!(page.conversation.subject.as_deref(), Some("доставка"));
        assert_eq!(desk.store.conversation_page(&"none".into()).await.unwrap(), None);
    }

    async fn what_becomes_known_later_is_added_and_nothing_known_is_lost(desk) {
        let mut first = call("a");
        first.agent_name = Some("Анна".into());
        let mut later = call("a");
        later.recording_key = Some("a.wav".into());
        later.status = ConversationStatus::Ended;
        later.ended_at = Some(at(5));
        desk.commit(Batch::new().change(first)).await;
        desk.commit(Batch::new().change(later)).await;
        // A late «started» does not bring an ended conversation back to life.
        desk.commit(Batch::new().change(call("a"))).await;
        let row = desk.store.conversation(&"a".into()).await.unwrap().unwrap();
        assert_eq!(row.agent_name.as_deref(), Some("Анна"));
        assert_eq!(row.recording_key.as_deref(), Some("a.wav"));
        assert_eq!((row.status.as_str(), row.ended_at_ms), ("ended", Some(at(5).millis())));
    }

    async fn lists_are_filtered_and_paged(desk) {
        for number in 0..5 {
            let id = format!("c{number}");
            let mut conversation = call(&id);
            conversation.started_at = at(number);
            desk.commit(Batch::new().change(conversation).change(progress(&id, number as u8 * 20))).await;
        }
        desk.commit(Batch::new().change(Change::EndConversation { id: "c4".into(), at: at(9) })).await;
        let list = async |filter: ConversationFilter| -> Vec<String> {
            let rows = desk.store.conversations(&filter).await.unwrap();
            rows.into_iter().map(|row| row.id.0).collect()
        };
        let all = ConversationFilter { limit: 10, ..ConversationFilter::default() };
        assert_eq!(list(all.clone()).await, ["c4", "c3", "c2", "c1", "c0"]);
        let page = ConversationFilter { limit: 2, offset: 1, ..all.clone() };
        assert_eq!(list(page).await, ["c3", "c2"]);
        assert_eq!(list(ConversationFilter { heat: 50, ..all.clone() }).await, ["c4", "c3"]);
        let ended = ConversationFilter { status: Some(ConversationStatus::Ended), ..all.clone() };
        assert_eq!(list(ended).await, ["c4"]);
        assert!(list(ConversationFilter { team: Some("other".into()), ..all }).await.is_empty());
    }

    async fn a_repeated_utterance_replaces_itself(desk) {
        desk.call("a").await;
        desk.commit(Batch::new().change(said("a", 0, Party::Customer, "ало"))).await;
        desk.commit(Batch::new().change(said("a", 0, Party::Customer, "алло"))).await;
        let stored = desk.store.utterances(&"a".into()).await.unwrap();
        assert_eq!((stored.len(), stored[0].text.as_deref()), (1, Some("алло")));
    }

    async fn a_verdict_is_kept_when_the_signal_is_noticed_again(desk) {
        desk.user("coach", "coach").await;
        desk.call("a").await;
        desk.commit(hot_call("a")).await;
        let judge = async |number| desk.store.judge_signal(&"a".into(), (0, number), Some(Verdict::Wrong), &"coach".into(), at(9)).await;
        judge(0).await.unwrap();
        assert!(matches!(judge(7).await, Err(StoreError::Missing(_))));
        desk.commit(Batch::new().change(signal("a", 0, SignalKind::SupervisorRequest, (0, 8)))).await;
        assert_eq!(desk.store.signals(&"a".into()).await.unwrap()[0].verdict.as_deref(), Some("wrong"));
    }

    async fn verdicts_count_for_their_rules_and_missed_signals_are_kept_once(desk) {
        desk.user("coach", "coach").await;
        desk.call("a").await;
        desk.commit(hot_call("a")).await;
        let (store, coach) = (&desk.store, "coach".into());
        store.judge_signal(&"a".into(), (0, 0), Some(Verdict::Right), &coach, at(9)).await.unwrap();
        for _ in 0..2 {
            store.note_missed(&"a".into(), 0, SignalKind::Distrust, &coach, at(10)).await.unwrap();
        }
        let nowhere = store.note_missed(&"a".into(), 99, SignalKind::Distrust, &coach, at(10)).await;
        assert!(matches!(nowhere, Err(StoreError::Missing(_))), "{nowhere:?}");
        for (since, recent) in [(at(9), true), (at(10), false)] {
            let counted = store.rule_verdicts(since).await.unwrap();
            let counted: Vec<(&str, bool, i64)> =
                counted.iter().map(|row| (row.verdict.as_str(), row.recent, row.count)).collect();
            assert_eq!(counted, [("right", recent, 1)]);
        }
        let judged = store.judged_signals().await.unwrap();
        let judged: Vec<(&str, Option<&str>)> =
            judged.iter().map(|row| (row.kind.as_str(), row.verdict.as_deref())).collect();
        assert!(judged.contains(&("distrust", Some("missed"))), "{judged:?}");
        assert!(judged.iter().any(|row| row.1 == Some("right")), "{judged:?}");
        assert!(store.forget_missed(&"a".into(), 0, SignalKind::Distrust).await.unwrap());
        assert!(!store.forget_missed(&"a".into(), 0, SignalKind::Distrust).await.unwrap());
    }

    async fn a_card_split_over_utterances_is_in_no_table(desk) {
        desk.call("a").await;
        let mut masker = Masker::default();
        for (number, text) in (0..).zip(["диктую 4276 3800", "1234 5679 спасибо"]) {
            let masked = masker.utterance(number, Party::Customer, text);
            let mut said = said("a", number, Party::Customer, "");
            said.text = masked.text;
            let mut batch = Batch::new().change(said);
            for (utterance, text) in masked.earlier {
                batch = batch.change(Change::Remask { conversation: "a".into(), utterance, text });
            }
            desk.commit(batch).await;
        }
        let stored = desk.store.utterances(&"a".into()).await.unwrap();
        let texts: Vec<_> = stored.iter().filter_map(|row| row.text.as_deref()).collect();
        assert_eq!(texts, ["диктую •••• ••••", "•••• •••• спасибо"]);
    }

    async fn what_is_said_in_an_unknown_conversation_is_refused(desk) {
        let end = Change::EndConversation { id: "none".into(), at: at(0) };
        for change in [Change::from(said("none", 0, Party::Agent, "да")), end] {
            let answer = desk.store.commit(Batch::new().change(change)).await;
            assert!(matches!(answer, Err(StoreError::Missing(_))), "{answer:?}");
        }
    }
}
