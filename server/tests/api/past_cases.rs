//! Cases of former times: entered with their own times and people, closed in their own week, once.

use gradus::intake::{Defaults, cases};
use gradus::past::{self, Entered};
use gradus::store::{CaseFilter, CaseRow};
use gradus_engine::time::{Millis, Timestamp};

use crate::desk::{Desk, NOON};
use crate::history::{COURT, DAY, import};
use crate::restart::restarted;

const HEAD: &str = "conversation,opened_at,acknowledged_at,taken_by,due_at,resolved_at,reason,decision,refund,currency,conclusion\n";

async fn enter(desk: &Desk, rows: &str) -> Entered {
    let now = Timestamp::from_millis(NOON);
    let read = cases::parse(format!("{HEAD}{rows}").as_bytes(), &Defaults::default(), now).unwrap();
    past::enter(&desk.app.desk, read).await.unwrap()
}

async fn listed(desk: &Desk) -> Vec<CaseRow> {
    let filter = CaseFilter { limit: 100, ..CaseFilter::default() };
    desk.app.desk.store.cases(&filter).await.unwrap()
}

/// A week before: Tuesday the 17th.
const RESOLVED: &str = "old.csv,2026-11-17 12:00,2026-11-17 12:10,supervisor,,2026-11-18 09:30,legal,вернули деньги,\"1 200,50\",,проверять счёт\n";

#[tokio::test]
async fn a_resolved_case_of_last_week_is_closed_in_its_week_with_its_people_and_its_cost() {
    let desk = Desk::open().await;
    let talk = import(&desk, "old", 7 * DAY, &[COURT]).await;
    let entered = enter(&desk, RESOLVED).await;
    assert_eq!((entered.entered, entered.known, entered.faults.len(), entered.strangers.len()), (1, 0, 0, 0));
    let all = listed(&desk).await;
    let [case] = all.as_slice() else { panic!("{all:?}") };
    let minutes = |minutes: i64| Some(NOON - 7 * DAY + minutes * 60_000);
    assert_eq!((Some(case.opened_at_ms), case.acknowledged_at_ms), (minutes(0), minutes(10)));
    assert_eq!((case.closed_at_ms, case.due_at_ms), (minutes(21 * 60 + 30), None));
    assert_eq!(
        (case.cost.as_deref(), case.currency.as_deref(), case.priority.as_str()),
        (Some("1200.5"), Some("RUB"), "urgent")
    );
    assert_eq!(case.owner_id.as_ref().map(|id| id.as_str()), Some("user-supervisor"));
    let week = desk
        .ask(
            "director",
            "GET",
            &format!("/api/v1/week?from_ms={}&to_ms={}", NOON - 8 * DAY - DAY / 2, NOON - DAY - DAY / 2),
            None,
        )
        .await
        .json();
    assert_eq!(week["figures"]["cost"]["RUB"], "1200.5");
    assert_eq!((&week["figures"]["opened"], &week["figures"]["closed"]), (&1.into(), &1.into()));
    let page = desk.page("supervisor", &format!("/cases/{talk}-case")).await.body;
    for words in
        ["Внесён из прошлых кейсов", "при загрузке", "вернули деньги", "1\u{202f}200,50", "из истории"]
    {
        assert!(page.contains(words), "{words}");
    }
    assert!(
        desk.page("supervisor", "/cases?show=closed").await.body.contains("вернули")
            || page.contains("Разрешено")
    );
    assert!(!desk.page("supervisor", "/").await.body.contains("alerts-title"));
}

#[tokio::test]
async fn a_second_import_changes_nothing_and_a_later_file_resolves_what_was_open() {
    let desk = Desk::open().await;
    import(&desk, "old", 7 * DAY, &[COURT]).await;
    let open = "old.csv,2026-11-17 12:00,2026-11-17 12:10,supervisor,2026-11-30 18:00,,,,,,\n";
    assert_eq!(enter(&desk, open).await.entered, 1);
    let last = desk.app.desk.store.last_position().await.unwrap();
    let again = enter(&desk, open).await;
    assert_eq!((again.entered, again.known), (0, 1));
    assert_eq!(desk.app.desk.store.last_position().await.unwrap(), last);
    let case = listed(&desk).await.remove(0);
    assert_eq!((case.state.as_str(), case.due_at_ms), ("in_work", Some(NOON + 6 * DAY + 6 * 3_600_000)));
    assert_eq!(enter(&desk, RESOLVED).await.entered, 1);
    assert_eq!(enter(&desk, RESOLVED).await.known, 1);
    let case = listed(&desk).await.remove(0);
    assert_eq!((case.state.as_str(), case.cost.as_deref()), ("closed", Some("1200.5")));
}

#[tokio::test]
async fn an_open_case_that_comes_in_wakes_nobody_before_its_time_to_resolve_is_over() {
    let desk = Desk::open().await;
    let talk = import(&desk, "old", 7 * DAY, &[COURT]).await;
    assert_eq!(enter(&desk, "old.csv,2026-11-17 12:00,,,,,,,,,\n").await.entered, 1);
    let due = |minutes: u64| Timestamp::from_millis(NOON).plus(Millis::minutes(minutes));
    let store = &desk.app.desk.store;
    assert!(store.claim_due(due(383), due(383)).await.unwrap().is_none());
    assert!(store.claim_due(due(385), due(385)).await.unwrap().is_some(), "four fifths are over: a warning");
    let fresh = restarted(&desk);
    let mut news = fresh.subscribe();
    fresh.tick(&talk, due(383)).await.unwrap();
    assert!(!news.recv().await.unwrap().alert);
    fresh.tick(&talk, due(481)).await.unwrap();
    assert!(news.recv().await.unwrap().alert, "overdue like any other case");
}

#[tokio::test]
async fn an_unknown_conversation_and_a_name_of_two_are_refused_with_their_cure() {
    let desk = Desk::open().await;
    import(&desk, "old", 7 * DAY, &[COURT]).await;
    import(&desk, "twice", 6 * DAY, &[COURT]).await;
    import(&desk, "twice", 5 * DAY, &[COURT]).await;
    let rows = "none.wav,2026-11-17 12:00,,,,,,,,,\ntwice.csv,2026-11-18 12:00,,,,,,,,,\n";
    let entered = enter(&desk, &format!("{rows}{RESOLVED}")).await;
    let said: Vec<String> = entered.faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "line 2, column «conversation»: there is no conversation «none.wav»; import its recording or text first, or write the name of that file or the id of the conversation",
            "line 3, column «conversation»: several conversations are called «twice.csv»; write the id from the address of its page",
        ]
    );
    assert_eq!(entered.entered, 1, "the other lines are taken");
}

#[tokio::test]
async fn who_left_the_company_is_kept_by_name_and_cannot_sign_in() {
    let desk = Desk::open().await;
    let talk = import(&desk, "old", 7 * DAY, &[COURT]).await;
    let entered = enter(&desk, &RESOLVED.replace("supervisor", "Семён Бывший")).await;
    assert_eq!(entered.strangers, ["Семён Бывший"]);
    assert!(desk.page("supervisor", &format!("/cases/{talk}-case")).await.body.contains("Семён Бывший"));
    let users = desk.app.desk.store.users().await.unwrap();
    let kept = users.iter().find(|user| user.name == "Семён Бывший").unwrap();
    assert_eq!((kept.active, &kept.password_hash), (false, &None));
}
