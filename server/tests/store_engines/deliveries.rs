//! The outbox of alerts: who gets a row, who claims it, what becomes of it; channels of people, codes, leases.

use gradus::store::{
    Absence, AlertClimb, Attempt, Batch, Change, Claimed, Duty, NewAlert, QuietHours, Reach, StoreError,
    User, UserChannel, Verdict,
};
use gradus_engine::time::Timestamp;

use super::desk::{Desk, at, on_both_engines, user};

const SUPERVISORS: &[(&str, bool)] = &[("supervisor", false), ("administrator", true)];

fn reach(called: &[(&'static str, bool)]) -> Reach {
    Reach {
        called: called.to_vec(),
        team: Some("team".into()),
        channels: vec!["email", "telegram"],
        company: vec!["webhook:crm".into()],
        ..Reach::default()
    }
}

fn alert(id: &str, reach: Reach) -> NewAlert {
    NewAlert {
        id: id.into(),
        case_id: Some("k1".into()),
        conversation_id: Some("a".into()),
        decision_id: None,
        decision: "engage".into(),
        recipient_id: None,
        recipient_role: Some("supervisor".into()),
        level: 0,
        created_at: at(1),
        climbs_at: None,
        topic: "case".into(),
        department: None,
        reach,
    }
}

async fn channel(desk: &Desk, login: &str, channel: &str, address: &str) {
    let channel =
        UserChannel { user_id: login.into(), channel: channel.into(), address: address.into(), active: true };
    desk.store.set_channel(&channel, at(0)).await.unwrap();
}

/// Two supervisors of a team, one of another, a director; a call with a case.
async fn staff(desk: &Desk) {
    for login in ["ann", "bob", "eve"] {
        desk.user(login, "supervisor").await;
        channel(desk, login, "email", &format!("{login}@example.ru")).await;
    }
    let eve = User { team: Some("south".into()), ..user("eve", "supervisor") };
    desk.store.change_user(&eve).await.unwrap();
    desk.user("dan", "director").await;
    channel(desk, "dan", "email", "dan@example.ru").await;
    channel(desk, "ann", "telegram", "501").await;
    desk.call("a").await;
    desk.case("k1", "a").await;
}

/// Who is told by which channel, in which state and round.
async fn rows(desk: &Desk) -> Vec<String> {
    let rows = desk.store.deliveries_of_case(&"k1".into()).await.unwrap();
    let mut rows: Vec<String> = rows
        .iter()
        .map(|row| format!("{} {} {} {}", row.user_id, row.channel, row.state, row.round))
        .collect();
    rows.sort();
    rows
}

async fn claim(desk: &Desk, channel: &str, now: Timestamp, limit: i64) -> Vec<Claimed> {
    let until = Timestamp::from_millis(now.millis() + 30_000);
    desk.store.claim_deliveries(channel, now, until, limit).await.unwrap()
}

on_both_engines! {
    async fn an_alert_reaches_those_of_the_role_who_see_the_team_and_a_repeat_uses_the_same_rows(desk) {
        staff(&desk).await;
        desk.commit(Batch::new().change(alert("w", reach(SUPERVISORS)))).await;
        let first = [" webhook:crm waiting 1", "ann email waiting 1", "ann telegram waiting 1", "bob email waiting 1"];
        assert_eq!(rows(&desk).await, first);
        let climb = AlertClimb {
            id: "w".into(),
            level: 1,
            recipient_id: None,
            recipient_role: Some("director".into()),
            climbs_at: None,
            at: at(2),
            reach: reach(&[("director", true)]),
        };
        desk.commit(Batch::new().change(climb)).await;
        desk.commit(Batch::new().change(alert("w", reach(SUPERVISORS)))).await;
        let all = [
            " webhook:crm waiting 3", "ann email waiting 2", "ann telegram waiting 2", "bob email waiting 2",
            "dan email waiting 1",
        ];
        assert_eq!(rows(&desk).await, all);
        assert_eq!(desk.store.alert(&"w".into()).await.unwrap().unwrap().number, Some(1));
        let only = Reach { only: Some("dan".into()), ..reach(SUPERVISORS) };
        desk.commit(Batch::new().change(alert("v", only))).await;
        assert_eq!(desk.store.alert_by_number(2).await.unwrap().unwrap().id.as_str(), "v");
        assert_eq!(desk.store.count_deliveries("waiting").await.unwrap(), 7);
    }

    async fn who_is_on_duty_comes_first_who_stands_in_for_the_absent_and_a_gap_loses_nobody(desk) {
        staff(&desk).await;
        let turn = |id: &str, user: &str, team: Option<&str>, from: i64, until: i64| Duty {
            id: id.into(),
            role: "supervisor".into(),
            team: team.map(str::to_owned),
            user_id: user.into(),
            from_ms: at(from).millis(),
            until_ms: at(until).millis(),
            made_by: "dan".into(),
        };
        let mut given = 0;
        let mut told = async |desk: &Desk, minutes: i64| -> Vec<String> {
            given += 1;
            let id = format!("n{given}");
            let reach = Reach { duty: "supervisor".into(), company: Vec::new(), ..reach(SUPERVISORS) };
            let new = NewAlert { created_at: at(minutes), ..alert(&id, reach) };
            desk.commit(Batch::new().change(new)).await;
            let all = desk.store.deliveries_of_case(&"k1".into()).await.unwrap();
            let mine = all.iter().filter(|row| row.alert_id.as_str() == id && row.channel == "email");
            let mut who: Vec<String> = mine.map(|row| row.user_id.to_string()).collect();
            who.sort();
            who
        };
        assert_eq!(told(&desk, 1).await, ["ann", "bob"]);
        desk.store.add_duty(&turn("d1", "bob", Some("team"), 10, 20)).await.unwrap();
        desk.store.add_duty(&turn("d2", "eve", Some("south"), 10, 20)).await.unwrap();
        assert_eq!(told(&desk, 9).await, ["ann", "bob"], "not yet");
        assert_eq!(told(&desk, 10).await, ["bob"], "the duty of another team is not theirs");
        assert_eq!(told(&desk, 20).await, ["ann", "bob"], "over");
        let away = |id: &str, user: &str, other: Option<&str>| Absence {
            id: id.into(),
            user_id: user.into(),
            substitute_id: other.map(Into::into),
            from_ms: at(12).millis(),
            until_ms: at(18).millis(),
            made_by: "dan".into(),
        };
        desk.store.add_absence(&away("a1", "bob", Some("dan"))).await.unwrap();
        assert_eq!(told(&desk, 13).await, ["dan"], "the one who stands in");
        desk.store.remove_absence("a1").await.unwrap();
        desk.store.add_absence(&away("a2", "bob", None)).await.unwrap();
        assert_eq!(told(&desk, 14).await, ["bob"], "nobody stands in: better the absent than nobody");
        desk.store.remove_duty("d1").await.unwrap();
        assert_eq!(told(&desk, 15).await, ["ann"], "without a turn the others of the role");
        assert!(matches!(desk.store.remove_duty("d1").await, Err(StoreError::Missing(_))));
        let own = desk.store.add_absence(&away("a3", "ann", Some("ann"))).await;
        assert!(matches!(own, Err(StoreError::Refused(_))));
        let none = desk.store.add_duty(&turn("d3", "bob", None, 20, 20)).await;
        assert!(matches!(none, Err(StoreError::Refused(_))));
        assert_eq!(desk.store.duties(at(19)).await.unwrap().len(), 1);
        assert_eq!(desk.store.absences(at(18)).await.unwrap().len(), 0, "its end does not belong to it");
    }

    async fn what_is_long_past_calls_nobody_until_a_person_is_named(desk) {
        staff(&desk).await;
        let past = Reach { page_only: true, ..reach(SUPERVISORS) };
        desk.commit(Batch::new().change(alert("w", past))).await;
        desk.commit(Batch::new().change(alert("w", reach(SUPERVISORS)))).await;
        assert!(rows(&desk).await.is_empty(), "its clocks run out today, it is past all the same");
        let handed = Reach { only: Some("bob".into()), ..reach(SUPERVISORS) };
        desk.commit(Batch::new().change(NewAlert { recipient_id: Some("bob".into()), ..alert("w", handed) })).await;
        assert_eq!(rows(&desk).await, [" webhook:crm waiting 1", "bob email waiting 1"]);
    }

    async fn each_row_is_claimed_once_and_again_when_the_claim_has_run_out_and_then_it_is_a_repeat(desk) {
        staff(&desk).await;
        desk.commit(Batch::new().change(alert("w", reach(SUPERVISORS)))).await;
        assert_eq!(desk.store.channels_due(at(1)).await.unwrap().len(), 3);
        let others = [0, 1, 2, 3].map(|_| desk.store.claim_deliveries("email", at(1), at(2), 1));
        let mut claimed: Vec<Claimed> = Vec::new();
        for other in futures_util::future::join_all(others).await {
            claimed.extend(other.unwrap());
        }
        claimed.sort_by(|a, b| a.key.user_id.cmp(&b.key.user_id));
        let who: Vec<&str> = claimed.iter().map(|claim| claim.key.user_id.as_str()).collect();
        assert_eq!(who, ["ann", "bob"]);
        assert!(claimed.iter().all(|claim| claim.attempts == 1 && !claim.is_repeat()));
        desk.store.settle(&claimed[0].key, &Attempt::Sent(None), at(1)).await.unwrap();
        let row = desk.store.alert(&"w".into()).await.unwrap().unwrap();
        assert_eq!((row.state.as_str(), row.delivered_at_ms), ("delivered", Some(at(1).millis())));
        let again = claim(&desk, "email", at(3), 9).await;
        assert_eq!((again.len(), again[0].key.user_id.as_str(), again[0].is_repeat()), (1, "bob", true));
        desk.store.free_claims().await.unwrap();
        let freed = claim(&desk, "email", at(3), 9).await;
        assert_eq!(freed.len(), usize::from(matches!(desk.url.split(':').next(), Some("sqlite"))));
    }

    async fn a_failure_is_tried_again_later_and_what_surely_did_not_arrive_is_no_repeat(desk) {
        staff(&desk).await;
        desk.commit(Batch::new().change(alert("w", reach(SUPERVISORS)))).await;
        let first = claim(&desk, "telegram", at(1), 9).await;
        let failed = |uncertain, next| Attempt::Failed { error: "нет\0связи".into(), next, uncertain };
        desk.store.settle(&first[0].key, &failed(false, at(2)), at(1)).await.unwrap();
        assert!(claim(&desk, "telegram", at(1), 9).await.is_empty(), "it is not the time yet");
        let second = claim(&desk, "telegram", at(2), 9).await;
        assert_eq!((second[0].attempts, second[0].is_repeat()), (2, false));
        desk.store.settle(&second[0].key, &failed(true, at(3)), at(2)).await.unwrap();
        let third = claim(&desk, "telegram", at(3), 9).await;
        assert_eq!((third[0].attempts, third[0].is_repeat()), (3, true));
        desk.store.settle(&third[0].key, &Attempt::Later(at(10)), at(3)).await.unwrap();
        let fourth = claim(&desk, "telegram", at(10), 9).await;
        assert_eq!((fourth[0].attempts, fourth[0].is_repeat()), (3, true), "what was put off was no attempt");
        let dead = Attempt::Dead { error: "403".into(), uncertain: false };
        desk.store.settle(&fourth[0].key, &dead, at(10)).await.unwrap();
        let shown = desk.store.deliveries_failed(9).await.unwrap();
        assert_eq!((shown.len(), shown[0].error.as_deref(), shown[0].number), (1, Some("403"), Some(1)));
        assert_eq!(shown[0].user_name.as_deref(), Some("Имя ann"));
        desk.store.deliver_again(&fourth[0].key, at(11)).await.unwrap();
        let again = claim(&desk, "telegram", at(11), 9).await;
        assert_eq!((again.len(), again[0].is_repeat()), (1, true), "one attempt may have arrived");
        desk.store.settle(&again[0].key, &Attempt::Sent(Some("9".into())), at(11)).await.unwrap();
        let twice = desk.store.deliver_again(&again[0].key, at(11)).await;
        assert!(matches!(twice, Err(StoreError::Missing(_))), "{twice:?}");
    }

    async fn an_answer_drops_what_waits_for_people_and_asks_to_change_what_was_sent(desk) {
        staff(&desk).await;
        desk.commit(Batch::new().change(alert("w", reach(SUPERVISORS)))).await;
        let sent = claim(&desk, "telegram", at(1), 9).await;
        let under_way = claim(&desk, "email", at(1), 1).await;
        desk.store.settle(&sent[0].key, &Attempt::Sent(Some("77".into())), at(1)).await.unwrap();
        assert!(desk.store.claim_edits("telegram", 9).await.unwrap().is_empty());
        let answer = Change::AcknowledgeAlert { id: "w".into(), by: "bob".into(), at: at(2) };
        desk.commit(Batch::new().change(answer.clone()).change(answer)).await;
        let failed = Attempt::Failed { error: "x".into(), next: at(2), uncertain: false };
        desk.store.settle(&under_way[0].key, &failed, at(2)).await.unwrap();
        let states = [" webhook:crm waiting 1", "ann email dropped 1", "ann telegram sent 1", "bob email dropped 1"];
        assert_eq!(rows(&desk).await, states);
        let edits = desk.store.claim_edits("telegram", 9).await.unwrap();
        assert_eq!(edits[0].external.as_deref(), Some("77"));
        assert!(desk.store.claim_edits("telegram", 9).await.unwrap().is_empty());
    }

    async fn a_message_that_arrives_while_somebody_answers_is_changed_too(desk) {
        staff(&desk).await;
        desk.commit(Batch::new().change(alert("w", reach(SUPERVISORS)))).await;
        let under_way = claim(&desk, "telegram", at(1), 9).await;
        desk.commit(Batch::new().change(Change::AcknowledgeAlert { id: "w".into(), by: "bob".into(), at: at(1) })).await;
        desk.store.settle(&under_way[0].key, &Attempt::Sent(Some("5".into())), at(1)).await.unwrap();
        assert_eq!(desk.store.claim_edits("telegram", 9).await.unwrap().len(), 1);
    }

    async fn a_new_round_overtakes_the_message_that_is_under_way(desk) {
        staff(&desk).await;
        desk.commit(Batch::new().change(alert("w", reach(SUPERVISORS)))).await;
        let under_way = claim(&desk, "telegram", at(1), 9).await;
        desk.commit(Batch::new().change(alert("w", reach(SUPERVISORS)))).await;
        desk.store.settle(&under_way[0].key, &Attempt::Sent(None), at(1)).await.unwrap();
        let second = claim(&desk, "telegram", at(1), 9).await;
        assert_eq!((second[0].key.round, second[0].is_repeat()), (2, true));
    }

    async fn an_alert_that_rests_for_a_person_is_told_to_them_later_and_to_the_others_now(desk) {
        staff(&desk).await;
        desk.commit(Batch::new().change(alert("w", reach(SUPERVISORS)))).await;
        let sent = claim(&desk, "telegram", at(1), 9).await;
        desk.store.settle(&sent[0].key, &Attempt::Sent(None), at(1)).await.unwrap();
        desk.store.snooze(&"w".into(), &"ann".into(), at(6)).await.unwrap();
        assert_eq!(desk.store.snoozed(&"ann".into(), at(5)).await.unwrap().len(), 1);
        assert!(desk.store.snoozed(&"ann".into(), at(6)).await.unwrap().is_empty());
        desk.commit(Batch::new().change(NewAlert { created_at: at(2), ..alert("w", reach(SUPERVISORS)) })).await;
        let now = claim(&desk, "email", at(3), 9).await;
        assert_eq!((now.len(), now[0].key.user_id.as_str()), (1, "bob"));
        assert!(claim(&desk, "telegram", at(5), 9).await.is_empty());
        let late = claim(&desk, "telegram", at(6), 9).await;
        assert!(late[0].is_repeat());
    }

    async fn what_nobody_serves_is_given_up_in_the_end(desk) {
        staff(&desk).await;
        desk.commit(Batch::new().change(alert("w", reach(SUPERVISORS)))).await;
        assert_eq!(desk.store.give_up_before(at(1)).await.unwrap(), 0);
        assert_eq!(desk.store.give_up_before(at(2)).await.unwrap(), 4);
        assert_eq!(desk.store.count_deliveries("dead").await.unwrap(), 4);
    }

    async fn people_say_whether_an_alert_was_true(desk) {
        staff(&desk).await;
        desk.commit(Batch::new().change(alert("w", reach(&[])))).await;
        desk.store.judge_alert(&"w".into(), Verdict::Wrong, Some("solved"), &"ann".into()).await.unwrap();
        let row = desk.store.alert(&"w".into()).await.unwrap().unwrap();
        assert_eq!((row.verdict.as_deref(), row.verdict_reason.as_deref()), (Some("wrong"), Some("solved")));
        assert_eq!(row.verdict_by.unwrap().as_str(), "ann");
        assert!(desk.store.judge_alert(&"x".into(), Verdict::Right, None, &"ann".into()).await.is_err());
    }

    async fn a_chat_is_one_person_and_a_code_works_once_and_not_for_ever(desk) {
        staff(&desk).await;
        assert_eq!(desk.store.user_of_chat("501").await.unwrap().unwrap().as_str(), "ann");
        channel(&desk, "bob", "telegram", "501").await;
        assert_eq!(desk.store.user_of_chat("501").await.unwrap().unwrap().as_str(), "bob");
        assert_eq!(desk.store.channels_of(&"ann".into()).await.unwrap().len(), 1);
        desk.store.remove_channel(&"bob".into(), "telegram").await.unwrap();
        assert_eq!(desk.store.user_of_chat("501").await.unwrap(), None);
        desk.store.add_link_code("h1", &"ann".into(), at(15)).await.unwrap();
        desk.store.add_link_code("h2", &"ann".into(), at(15)).await.unwrap();
        assert_eq!(desk.store.take_link_code("h1", at(1)).await.unwrap(), None, "a new code makes the old one void");
        assert_eq!(desk.store.take_link_code("h2", at(1)).await.unwrap().unwrap().as_str(), "ann");
        assert_eq!(desk.store.take_link_code("h2", at(1)).await.unwrap(), None);
        desk.store.add_link_code("h3", &"ann".into(), at(15)).await.unwrap();
        assert_eq!(desk.store.take_link_code("h3", at(15)).await.unwrap(), None, "too old");
    }

    async fn quiet_hours_are_kept_and_removed(desk) {
        staff(&desk).await;
        let hours = QuietHours { from_minute: 1320, to_minute: 480 };
        desk.store.set_quiet_hours(&"ann".into(), Some(hours)).await.unwrap();
        desk.store.set_quiet_hours(&"ann".into(), Some(hours)).await.unwrap();
        assert_eq!(desk.store.quiet_hours(&"ann".into()).await.unwrap(), Some(hours));
        desk.store.set_quiet_hours(&"ann".into(), None).await.unwrap();
        assert_eq!(desk.store.quiet_hours(&"ann".into()).await.unwrap(), None);
    }

    async fn one_node_at_a_time_holds_a_lease(desk) {
        assert!(desk.store.lease("bot", "one", at(0), at(1)).await.unwrap());
        assert!(!desk.store.lease("bot", "two", at(0), at(1)).await.unwrap());
        assert!(desk.store.lease("bot", "one", at(0), at(2)).await.unwrap());
        assert!(desk.store.lease("bot", "two", at(2), at(3)).await.unwrap(), "it ran out");
        desk.store.release("bot", "one").await.unwrap();
        assert!(!desk.store.lease("bot", "one", at(2), at(3)).await.unwrap());
        desk.store.release("bot", "two").await.unwrap();
        assert!(desk.store.lease("bot", "one", at(2), at(3)).await.unwrap());
    }
}
