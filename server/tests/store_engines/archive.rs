//! The archive: filled behind the writer, searched by words and by everything else, emptied with the words.

use gradus::mask::MaskedText;
use gradus::store::{ArchiveFilter, Batch, Change, Outcome, Store, Table};
use gradus_engine::archive::Question;
use gradus_engine::signal::{Channel, Party, SignalKind};
use gradus_engine::time::Timestamp;
use sqlx::Connection;

use super::conversations::{progress, signal};
use super::desk::{Desk, at, call, case, on_both_engines, said};

async fn filled(desk: &Desk) -> usize {
    let mut taken = 0;
    loop {
        let more = desk.store.fill_archive(3).await.unwrap();
        taken += more;
        if more == 0 {
            return taken;
        }
    }
}

fn words(question: &str) -> ArchiveFilter {
    ArchiveFilter { words: Some(Question::parse(question).unwrap()), ..ArchiveFilter::default() }
}

/// What a search finds, as `conversation/utterance`.
async fn found(desk: &Desk, filter: &ArchiveFilter) -> String {
    let page = desk.store.search(filter).await.unwrap();
    let hit = |hit: &gradus::store::ArchiveHit| {
        format!("{}/{}", hit.conversation_id, hit.utterance.map_or("-".to_owned(), |at| at.to_string()))
    };
    page.hits.iter().map(hit).collect::<Vec<_>>().join(" ")
}

/// Three calls of one day: two teams, two agents, three heats, one with a case.
async fn three_calls(desk: &Desk) {
    let lines = [
        ("a", 0, "north", "Ольга", 20, "Верните деньги за доставку, я жду"),
        ("b", 10, "south", "Пётр", 70, "я подам в суд, если не вернёте деньги"),
        ("c", 20, "north", "Пётр", 90, "о деньгах поговорим в суде"),
    ];
    for (id, minute, team, agent, heat, text) in lines {
        let mut new = call(id);
        new.started_at = at(minute);
        new.team = Some(team.into());
        new.agent_name = Some(agent.into());
        new.channel = if id == "c" { Channel::Chat } else { Channel::Call };
        let reached = gradus::store::Progress {
            calmed_at: (id == "a").then_some(1),
            quote: (id == "b").then_some((0, 2, 14, SignalKind::LegalThreat)),
            ..progress(id, heat)
        };
        let batch = Batch::new().change(new).change(said(id, 0, Party::Customer, text));
        desk.commit(batch.change(said(id, 1, Party::Agent, "хорошо, вернём")).change(reached)).await;
    }
    desk.commit(Batch::new().change(signal("b", 0, SignalKind::LegalThreat, (2, 14)))).await;
    desk.commit(
        Batch::new()
            .change(case("k", "b"))
            .change(Change::JoinCase { conversation: "b".into(), case: "k".into() }),
    )
    .await;
    assert_eq!(filled(desk).await, 6);
}

/// How many bytes the engine keeps of the words of the index, also of those that it would no longer find.
async fn index_bytes(desk: &Desk) -> i64 {
    if desk.url.starts_with("sqlite") {
        let mut conn = sqlx::SqliteConnection::connect(&desk.url).await.unwrap();
        let sql = "SELECT SUM(length(block)) FROM archive_words_data";
        return sqlx::query_scalar(sql).fetch_one(&mut conn).await.unwrap();
    }
    let mut conn = sqlx::PgConnection::connect(&desk.url).await.unwrap();
    let sql = "SELECT COALESCE(SUM(length(CAST(lemmas AS TEXT))), 0) FROM archive_words";
    sqlx::query_scalar(sql).fetch_one(&mut conn).await.unwrap()
}

on_both_engines! {
    async fn words_are_found_in_any_form_phrases_as_they_are_and_a_minus_leaves_out(desk) {
        three_calls(&desk).await;
        for (question, expected) in [
            ("вернуть", "c/1 b/1 b/0 a/1 a/0"),
            ("вернуть деньги", "b/0 a/0"),
            ("деньги суд", "c/0 b/0"),
            ("\"в суд\"", "b/0"),
            ("деньги -доставка", "c/0 b/0"),
            ("деньги -\"в суд\"", "c/0 a/0"),
            ("возврат", ""),
            ("деньги -суд -доставка", ""),
            ("стол", ""),
        ] {
            assert_eq!(found(&desk, &words(question)).await, expected, "{question}");
        }
        let page = desk.store.search(&words("\"подам в суд\" деньги")).await.unwrap();
        assert_eq!((page.hits[0].marks.as_slice(), page.next, page.cut), ([(2, 13), (31, 37)].as_slice(), None, false));
        assert_eq!(page.hits[0].signals, ["legal_threat"]);
        assert_eq!(page.hits[0].case_number, Some(1));
    }

    async fn everything_else_narrows_the_search_with_and_without_words(desk) {
        three_calls(&desk).await;
        let all = ArchiveFilter::default();
        let money = words("деньги");
        type Narrow = fn(&mut ArchiveFilter);
        let table: [(Narrow, &str, &str); 14] = [
            (|_| (), "c/0 b/0 a/0", "c/- b/0 a/-"),
            (|filter| filter.heat = (60, 80), "b/0", "b/0"),
            (|filter| filter.heat = (0, 69), "a/0", "a/-"),
            (|filter| filter.agent = Some("Пётр".into()), "c/0 b/0", "c/- b/0"),
            (|filter| filter.team = Some("north".into()), "c/0 a/0", "c/- a/-"),
            (|filter| filter.scope = Some("south".into()), "b/0", "b/0"),
            (|filter| filter.channel = Some(Channel::Chat), "c/0", "c/-"),
            (|filter| filter.from = Some(at(10)), "c/0 b/0", "c/- b/0"),
            (|filter| filter.to = Some(at(10)), "a/0", "a/-"),
            (|filter| filter.outcome = Some(Outcome::Calmed), "a/0", "a/-"),
            (|filter| filter.outcome = Some(Outcome::NoCase), "c/0 a/0", "c/- a/-"),
            (|filter| filter.outcome = Some(Outcome::Open), "b/0", "b/0"),
            (|filter| filter.outcome = Some(Outcome::Closed), "", ""),
            (|filter| filter.signal = Some(SignalKind::LegalThreat), "b/0", "b/0"),
        ];
        for (number, (narrow, with_words, without)) in table.into_iter().enumerate() {
            let (mut one, mut other) = (money.clone(), all.clone());
            narrow(&mut one);
            narrow(&mut other);
            assert_eq!(found(&desk, &one).await, with_words, "{number} with words");
            assert_eq!(found(&desk, &other).await, without, "{number} without words");
        }
        let both = ArchiveFilter { team: Some("north".into()), scope: Some("south".into()), ..money };
        assert_eq!(found(&desk, &both).await, "", "another team stays unseen when it is asked for");
    }

    async fn pages_go_on_where_the_one_before_ended_and_lose_nothing_to_what_comes_in(desk) {
        for number in 0..5 {
            let id = format!("c{number}");
            let mut new = call(&id);
            // All in one second.
            new.started_at = Timestamp::from_millis(at(0).millis() + number);
            let mut batch = Batch::new().change(new);
            for utterance in 0..3 {
                batch = batch.change(said(&id, utterance, Party::Customer, "где мой заказ"));
                let mut one = signal(&id, utterance, SignalKind::Urgency, (0, 3));
                batch = batch.change(one.clone());
                one.number = 1;
                batch = batch.change(one);
            }
            desk.commit(batch).await;
        }
        filled(&desk).await;
        let by_signal = ArchiveFilter { signal: Some(SignalKind::Urgency), ..ArchiveFilter::default() };
        for (filter, rows) in [(words("заказы"), 15), (by_signal, 15), (ArchiveFilter::default(), 5)] {
            let mut filter = ArchiveFilter { limit: 4, ..filter };
            let mut seen = Vec::new();
            for turn in 0.. {
                let page = desk.store.search(&filter).await.unwrap();
                assert!(page.hits.len() <= 4 && turn < 9);
                seen.extend(page.hits.iter().map(|hit| hit.place));
                let mut late = call(&format!("late-{}-{rows}-{turn}", filter.words.is_some()));
                late.started_at = at(60 + turn);
                let id = late.id.to_string();
                desk.commit(Batch::new().change(late).change(said(&id, 0, Party::Customer, "заказ"))).await;
                filled(&desk).await;
                filter.before = page.next;
                if page.next.is_none() {
                    break;
                }
            }
            let sorted: std::collections::BTreeSet<i64> = seen.iter().copied().collect();
            assert!(seen.is_sorted_by(|one, next| one > next), "{seen:?}");
            assert!(sorted.len() >= rows, "{} of {rows}", sorted.len());
        }
    }

    async fn what_is_said_anew_masked_or_erased_is_no_longer_found(desk) {
        three_calls(&desk).await;
        desk.commit(Batch::new().change(said("a", 0, Party::Customer, "спасибо за доставку"))).await;
        assert_eq!(found(&desk, &words("деньги")).await, "c/0 b/0", "the old words are not shown");
        assert_eq!(desk.store.archive_waits(9).await.unwrap(), 1);
        filled(&desk).await;
        assert_eq!(found(&desk, &words("спасибо доставка")).await, "a/0");
        let masked = Change::Remask { conversation: "b".into(), utterance: 0, text: MaskedText::of("я подам •••") };
        desk.commit(Batch::new().change(masked)).await;
        filled(&desk).await;
        assert_eq!(found(&desk, &words("деньги")).await, "c/0");
        assert_eq!(found(&desk, &words("подать")).await, "b/0");
        desk.commit(Batch::new().change(Change::EndConversation { id: "c".into(), at: at(30) })).await;
        assert_eq!(desk.store.forget_words_before(at(40), 9).await.unwrap().conversations, 1);
        assert_eq!(found(&desk, &words("деньги")).await, "");
        assert_eq!(desk.store.archive_waits(9).await.unwrap(), 0);
        assert_eq!(found(&desk, &ArchiveFilter::default()).await, "c/- b/0 a/-", "what is known of it stays");
        filled(&desk).await;
        assert_eq!(found(&desk, &words("вернуть")).await, "b/1 a/1");
    }

    async fn the_index_holds_nothing_of_what_was_erased(desk) {
        three_calls(&desk).await;
        for id in ["a", "b", "c"] {
            desk.commit(Batch::new().change(Change::EndConversation { id: id.into(), at: at(30) })).await;
        }
        let before = index_bytes(&desk).await;
        assert_eq!(desk.store.forget_words_before(at(40), 9).await.unwrap().conversations, 3);
        let after = index_bytes(&desk).await;
        assert!(before > 200 && after < 60, "{before} bytes became {after}");
    }

    async fn another_dictionary_makes_the_index_anew(desk) {
        three_calls(&desk).await;
        assert!(!desk.store.renew_archive(at(1)).await.unwrap(), "the first one is no other");
        assert_eq!(desk.store.archive_waits(9).await.unwrap(), 6);
        filled(&desk).await;
        assert!(!desk.store.renew_archive(at(2)).await.unwrap());
        assert_eq!(desk.store.archive_waits(9).await.unwrap(), 0);
        desk.store.set("archive.version", &"0-old", at(3)).await.unwrap();
        assert!(desk.store.renew_archive(at(4)).await.unwrap());
        assert_eq!(filled(&desk).await, 6);
        assert_eq!(found(&desk, &words("вернуть деньги")).await, "b/0 a/0");
    }

    async fn a_full_second_goes_on_in_the_next_and_the_farthest_times_have_their_places(desk) {
        let mut batch = Batch::new();
        for number in 0..4_100 {
            let mut new = call(&format!("c{number:04}"));
            new.started_at = at(0);
            batch = batch.change(new);
        }
        for (id, millis) in [("old", i64::MIN), ("before", -1), ("far", 253_402_300_799_000)] {
            let mut new = call(id);
            new.started_at = Timestamp::from_millis(millis);
            batch = batch.change(new).change(said(id, 0, Party::Customer, "заказ"));
        }
        let batch = batch.change(said("c0000", 0, Party::Customer, "заказ"));
        desk.commit(batch.change(said("c4099", 0, Party::Customer, "заказ"))).await;
        filled(&desk).await;
        assert_eq!(found(&desk, &words("заказ")).await, "far/0 c4099/0 c0000/0 before/0 old/0");
        let one_minute = ArchiveFilter { from: Some(at(0)), to: Some(at(1)), ..words("заказ") };
        assert_eq!(found(&desk, &one_minute).await, "c4099/0 c0000/0");
    }

    async fn a_store_of_before_gets_places_and_its_words_are_found(desk) {
        three_calls(&desk).await;
        let (mut snapshot, mut tables) = (desk.store.snapshot().await.unwrap(), Vec::new());
        for table in snapshot.tables().to_vec() {
            if !["conversations", "utterance_texts"].contains(&table.name.as_str()) {
                continue;
            }
            let mut lines: Vec<Vec<serde_json::Value>> = Vec::new();
            let take = |chunk: Vec<u8>, _| {
                let chunk = String::from_utf8(chunk).unwrap();
                lines.extend(chunk.lines().map(|line| serde_json::from_str::<Vec<_>>(line).unwrap()));
                Ok::<(), gradus::store::StoreError>(())
            };
            snapshot.rows(&table, take).await.unwrap();
            tables.push((table, lines));
        }
        let applied: Vec<_> =
            snapshot.migrations().await.unwrap().into_iter().filter(|one| one.number < 16).collect();
        drop(snapshot);
        let other = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", other.path().join("old.db").display());
        let mut loading = Store::load(&url, &applied, 0).await.unwrap();
        for (table, rows) in tables {
            let kept: Vec<usize> = (0..table.columns.len())
                .filter(|at| {
                    !["archive_key", "heard", "indexing"].contains(&table.columns[*at].name.as_str())
                })
                .collect();
            let columns = kept.iter().map(|at| table.columns[*at].clone()).collect();
            // A case that is not there, and words that no index holds.
            let value = |row: &Vec<serde_json::Value>, at: usize| match table.columns[at].name.as_str() {
                "lemmas" | "case_id" => serde_json::Value::Null,
                _ => row[at].clone(),
            };
            let lines: Vec<String> = rows
                .iter()
                .map(|row| {
                    let row: Vec<_> = kept.iter().map(|at| value(row, *at)).collect();
                    serde_json::to_string(&row).unwrap()
                })
                .collect();
            let table = Table { name: table.name.clone(), columns };
            loading.rows(&table, lines.join("\n").as_bytes()).await.unwrap();
        }
        loading.finish().await.unwrap();
        let store = Store::open(&url, std::sync::Arc::new(desk.clock.clone())).await.unwrap();
        assert_eq!(store.archive_waits(9).await.unwrap(), 6);
        let page = store.search(&ArchiveFilter::default()).await.unwrap();
        let ids: Vec<&str> = page.hits.iter().map(|hit| hit.conversation_id.as_str()).collect();
        assert_eq!(ids, ["c", "b", "a"]);
        while store.fill_archive(2).await.unwrap() > 0 {}
        assert_eq!(store.search(&words("вернуть деньги")).await.unwrap().hits.len(), 2);
        store.close().await;
    }

    async fn a_search_that_fits_few_stops_and_says_where_to_go_on(desk) {
        let mut batch = Batch::new();
        for number in 0..110 {
            let id = format!("c{number}");
            let mut new = call(&id);
            new.started_at = at(number);
            new.team = Some(if number == 0 { "rare" } else { "team" }.into());
            batch = batch.change(new);
            for utterance in 0..500 {
                batch = batch.change(said(&id, utterance, Party::Customer, "заказ"));
            }
        }
        desk.commit(batch).await;
        while desk.store.fill_archive(10_000).await.unwrap() > 0 {}
        let rare = ArchiveFilter { team: Some("rare".into()), ..words("заказ") };
        let first = desk.store.search(&rare).await.unwrap();
        assert_eq!((first.hits.len(), first.cut, first.next.is_some()), (0, true, true));
        let second = desk.store.search(&ArchiveFilter { before: first.next, ..rare }).await.unwrap();
        assert_eq!((second.hits.len(), second.cut), (20, false));
    }
}
