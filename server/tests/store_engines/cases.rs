//! Cases, their timeline and clocks, and alerts.

use gradus::mask::MaskedText;
use gradus::store::{
    AlertClimb, Batch, CaseCost, CaseFilter, CaseUpdate, Change, NewAlert, Reach, Resolution, Service,
    StoreError, TimelineEntry,
};
use gradus_engine::time::Timestamp;
use rust_decimal::Decimal;
use serde_json::json;

use super::desk::{Desk, at, case, event, on_both_engines};

pub fn resolution(cost: &str) -> Box<Resolution> {
    Box::new(Resolution {
        reason: "delivery".into(),
        decision: MaskedText::of("бесплатная доставка"),
        cost: cost.parse::<Decimal>().unwrap(),
        currency: "RUB".into(),
        costs: vec![CaseCost { kind: "other", amount: cost.parse().unwrap(), currency: "RUB".into() }],
        conclusion: MaskedText::of("предупреждать о задержке"),
        closed_by: "boss".into(),
        closed_at: at(20),
    })
}

fn update(id: &str, version: Option<i64>, due: Option<Timestamp>) -> CaseUpdate {
    CaseUpdate {
        id: id.into(),
        version,
        state: "working".into(),
        stage: "head".into(),
        priority: "urgent".into(),
        owner_id: Some("boss".into()),
        team: Some("team".into()),
        due_at: due,
        wake_at: None,
        service: Service::default(),
        first_response: Some(at(3)),
        incident_id: Some("inc-1".into()),
    }
}

fn alert(id: &str, minutes: i64) -> NewAlert {
    NewAlert {
        id: id.into(),
        case_id: Some("k1".into()),
        conversation_id: Some("a".into()),
        decision_id: None,
        decision: "engage_now".into(),
        recipient_id: Some("boss".into()),
        recipient_role: None,
        level: 0,
        created_at: at(1),
        climbs_at: Some(at(minutes)),
        topic: "case".into(),
        department: None,
        reach: Reach::default(),
    }
}

async fn with_case(desk: &Desk) {
    desk.user("boss", "supervisor").await;
    desk.user("head", "director").await;
    desk.call("a").await;
    desk.case("k1", "a").await;
}

on_both_engines! {
    async fn cases_get_running_numbers_and_a_repeat_opens_no_second(desk) {
        with_case(&desk).await;
        desk.call("b").await;
        desk.case("k2", "b").await;
        desk.case("k1", "a").await;
        let row = desk.store.case(&"k2".into()).await.unwrap().unwrap();
        assert_eq!(row.number, 2);
        assert_eq!(row.subject.as_deref(), Some("не приехал заказ"));
        assert_eq!(desk.store.case_by_number(2).await.unwrap(), Some(row));
        assert_eq!(desk.store.case_by_number(3).await.unwrap(), None);
        assert_eq!(desk.store.count_cases(&CaseFilter::default()).await.unwrap(), 2);
        let of_a = desk.store.open_case_of(&"a".into()).await.unwrap().unwrap();
        assert_eq!(of_a.id.as_str(), "k1");
    }

    async fn a_case_that_changed_meanwhile_is_not_overwritten(desk) {
        with_case(&desk).await;
        desk.commit(Batch::new().change(update("k1", Some(1), Some(at(30))))).await;
        let late = desk.store.commit(Batch::new().change(update("k1", Some(1), None))).await;
        assert!(matches!(late, Err(StoreError::Conflict(_))), "{late:?}");
        let none = desk.store.commit(Batch::new().change(update("none", None, None))).await;
        assert!(matches!(none, Err(StoreError::Missing(_))), "{none:?}");
        let row = desk.store.case(&"k1".into()).await.unwrap().unwrap();
        assert_eq!((row.version, row.stage.as_str(), row.due_at_ms), (2, "head", Some(at(30).millis())));
        assert_eq!(row.owner_name.as_deref(), Some("Имя boss"));
        assert_eq!((row.first_response_ms, row.incident_id.as_deref()), (Some(at(3).millis()), Some("inc-1")));
    }

    async fn a_case_is_acknowledged_taken_over_and_resolved_once(desk) {
        with_case(&desk).await;
        let change = async |change: Change| desk.store.commit(Batch::new().event(event("a", None, "person_acted")).change(change)).await;
        change(Change::AcknowledgeCase { id: "k1".into(), by: "boss".into(), at: at(2) }).await.unwrap();
        change(Change::AcknowledgeCase { id: "k1".into(), by: "head".into(), at: at(3) }).await.unwrap();
        change(Change::TakeOver { id: "k1".into(), by: "head".into(), at: at(4) }).await.unwrap();
        let row = desk.store.case(&"k1".into()).await.unwrap().unwrap();
        assert_eq!(row.acknowledged_by.as_ref().unwrap().as_str(), "boss");
        assert_eq!(row.acknowledged_at_ms, Some(at(2).millis()));
        assert_eq!(row.owner_id.as_ref().unwrap().as_str(), "head");

        let mut empty = resolution("0");
        empty.conclusion = MaskedText::of("  ");
        let refused = change(Change::Resolve { id: "k1".into(), resolution: empty }).await;
        assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
        let refused = change(Change::Resolve { id: "k1".into(), resolution: resolution("-1") }).await;
        assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
        change(Change::Resolve { id: "k1".into(), resolution: resolution("1500.50") }).await.unwrap();
        let row = desk.store.case(&"k1".into()).await.unwrap().unwrap();
        assert_eq!((row.cost.as_deref(), row.currency.as_deref()), (Some("1500.5"), Some("RUB")));
        assert_eq!((row.state.as_str(), row.closed_at_ms, row.due_at_ms), ("closed", Some(at(20).millis()), None));
        for again in [
            Change::Resolve { id: "k1".into(), resolution: resolution("1") },
            Change::TakeOver { id: "k1".into(), by: "boss".into(), at: at(30) },
            Change::AcknowledgeCase { id: "k1".into(), by: "boss".into(), at: at(30) },
        ] {
            let refused = change(again).await;
            assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
        }
        // Nothing of a refused batch is in the log.
        assert_eq!(desk.store.last_position().await.unwrap(), 4);
        assert_eq!(desk.store.open_case_of(&"a".into()).await.unwrap(), None);
    }

    async fn the_list_shows_open_cases_by_their_clock_and_then_closed_ones(desk) {
        with_case(&desk).await;
        for (id, due) in [("k2", Some(at(5))), ("k3", None), ("k4", Some(at(90)))] {
            desk.call(id).await;
            let mut opened = case(id, id);
            (opened.due_at, opened.owner_id) = (due, Some("boss".into()));
            desk.commit(Batch::new().change(opened)).await;
        }
        desk.commit(Batch::new().change(Change::Resolve { id: "k4".into(), resolution: resolution("0") })).await;
        let list = async |filter: CaseFilter| -> Vec<String> {
            let rows = desk.store.cases(&filter).await.unwrap();
            rows.into_iter().map(|row| row.id.0).collect()
        };
        let all = CaseFilter { limit: 10, ..CaseFilter::default() };
        assert_eq!(list(all.clone()).await, ["k2", "k1", "k3", "k4"]);
        assert_eq!(list(CaseFilter { open: Some(false), ..all.clone() }).await, ["k4"]);
        assert_eq!(list(CaseFilter { open: Some(true), limit: 1, offset: 1, ..all.clone() }).await, ["k1"]);
        assert_eq!(list(CaseFilter { owner: Some("boss".into()), open: Some(true), ..all.clone() }).await, ["k2", "k3"]);
        assert!(list(CaseFilter { team: Some("other".into()), ..all.clone() }).await.is_empty());
        assert!(list(CaseFilter { customer: Some("none".into()), ..all.clone() }).await.is_empty());
        assert_eq!(desk.store.count_cases(&CaseFilter { open: Some(true), ..all }).await.unwrap(), 3);
        assert_eq!(desk.store.next_due().await.unwrap(), Some(at(5)));
    }

    async fn a_conversation_joins_a_case(desk) {
        with_case(&desk).await;
        desk.call("b").await;
        desk.commit(Batch::new().change(Change::JoinCase { conversation: "b".into(), case: "k1".into() })).await;
        assert_eq!(desk.store.open_case_of(&"b".into()).await.unwrap().unwrap().id.as_str(), "k1");
    }

    async fn the_timeline_is_in_order_and_a_repeated_entry_is_one(desk) {
        with_case(&desk).await;
        let entry = |key: &str, minutes: i64| TimelineEntry {
            case: "k1".into(),
            key: key.into(),
            at: at(minutes),
            actor: Some("boss".into()),
            kind: "note".into(),
            text: Some(MaskedText::of("карта 4276 3800 1234 5679")),
            detail: json!({ "n": minutes }),
        };
        desk.commit(Batch::new().change(entry("b", 2)).change(entry("a", 3)).change(entry("b", 9))).await;
        let timeline = desk.store.timeline(&"k1".into()).await.unwrap();
        assert_eq!(timeline.iter().map(|row| row.key.as_str()).collect::<Vec<_>>(), ["b", "a"]);
        assert_eq!(timeline[0].text.as_deref(), Some("карта •••• •••• •••• ••••"));
        assert_eq!(timeline[0].actor_name.as_deref(), Some("Имя boss"));
        assert_eq!(timeline[0].detail, "{\"n\":2}");
    }

    async fn each_due_case_is_claimed_by_one_of_many_nodes(desk) {
        with_case(&desk).await;
        for number in 0..20 {
            let id = format!("c{number}");
            desk.call(&id).await;
            desk.case(&format!("due-{number}"), &id).await;
        }
        assert_eq!(desk.store.claim_due(at(15), at(20)).await.unwrap(), None);
        let mut nodes = tokio::task::JoinSet::new();
        for _ in 0..30 {
            let store = desk.store.clone();
            nodes.spawn(async move { store.claim_due(at(16), at(20)).await.unwrap() });
        }
        let mut claimed = Vec::new();
        while let Some(id) = nodes.join_next().await {
            claimed.extend(id.unwrap());
        }
        // A node that found its row locked passes by and comes again.
        while let Some(id) = desk.store.claim_due(at(16), at(20)).await.unwrap() {
            claimed.push(id);
        }
        claimed.sort();
        claimed.dedup();
        assert_eq!(claimed.len(), 21);
        // A node that died leaves its claim to the next.
        assert!(desk.store.claim_due(at(20), at(25)).await.unwrap().is_some());
    }

    async fn an_alert_is_delivered_climbs_and_ends(desk) {
        with_case(&desk).await;
        desk.commit(Batch::new().change(alert("w1", 5)).change(alert("w2", 50))).await;
        desk.commit(Batch::new().change(alert("w1", 5))).await;
        desk.commit(Batch::new().change(Change::AlertDelivered { id: "w1".into(), at: at(1) })).await;
        let mine = desk.store.alerts_for(&"boss".into(), "supervisor", None).await.unwrap();
        assert_eq!(mine.len(), 2);
        let row = desk.store.alert(&"w1".into()).await.unwrap().unwrap();
        assert_eq!((row.state.as_str(), row.repeats, row.case_number), ("delivered", 1, Some(1)));

        assert_eq!(desk.store.claim_climbing(at(4), at(6)).await.unwrap(), None);
        assert_eq!(desk.store.claim_climbing(at(5), at(6)).await.unwrap().unwrap().as_str(), "w1");
        assert_eq!(desk.store.claim_climbing(at(5), at(6)).await.unwrap(), None);
        let climb = AlertClimb {
            id: "w1".into(),
            level: 1,
            recipient_id: None,
            recipient_role: Some("director".into()),
            climbs_at: Some(at(10)),
            at: at(5),
            reach: Reach::default(),
        };
        desk.commit(Batch::new().change(climb.clone())).await;
        let twice = desk.store.commit(Batch::new().change(climb.clone())).await;
        assert!(matches!(twice, Err(StoreError::Refused(_))), "{twice:?}");
        assert_eq!(desk.store.alerts_for(&"head".into(), "director", None).await.unwrap().len(), 1);

        desk.commit(Batch::new().change(Change::AcknowledgeAlert { id: "w1".into(), by: "head".into(), at: at(7) })).await;
        desk.commit(Batch::new().change(Change::AcknowledgeAlert { id: "w1".into(), by: "boss".into(), at: at(8) })).await;
        assert_eq!(desk.store.claim_climbing(at(40), at(41)).await.unwrap(), None);
        desk.commit(Batch::new().change(Change::EndAlert { id: "w1".into(), state: "handled".into(), at: at(9) })).await;
        let row = desk.store.alert(&"w1".into()).await.unwrap().unwrap();
        assert_eq!(row.acknowledged_by.as_ref().unwrap().as_str(), "head");
        assert_eq!((row.state.as_str(), row.ended_at_ms), ("handled", Some(at(9).millis())));
        assert!(desk.store.alerts_for(&"head".into(), "director", None).await.unwrap().is_empty());
        assert_eq!(desk.store.alerts_of_case(&"k1".into()).await.unwrap().len(), 2);
        let none = Change::AlertDelivered { id: "none".into(), at: at(1) };
        assert!(matches!(desk.store.commit(Batch::new().change(none)).await, Err(StoreError::Missing(_))));
    }
}
