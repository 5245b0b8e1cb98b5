//! What belongs together: merged and linked cases, documents, incidents, ratings, notes, customers that are one person.

use gradus::mask::MaskedText;
use gradus::store::{Batch, CaseId, Change, ConversationId, CustomerId, Document, StoreError, UserId};
use gradus_engine::signal::SignalKind;
use gradus_engine::time::Timestamp;

use super::customers::facts;
use super::desk::{Desk, at, on_both_engines};

fn by(name: &str) -> UserId {
    UserId(name.to_owned())
}

async fn two_cases(desk: &Desk) -> (CaseId, CaseId) {
    desk.user("boss", "supervisor").await;
    desk.call("a").await;
    desk.call("b").await;
    (desk.case("k1", "a").await, desk.case("k2", "b").await)
}

fn report(incident: i64, conversation: &str, at: Timestamp) -> Change {
    let conversation = ConversationId(conversation.to_owned());
    Change::JoinIncident { incident, kind: SignalKind::Outage, conversation, utterance: 0, at }
}

on_both_engines! {
    async fn a_case_that_goes_on_elsewhere_is_closed_and_a_link_is_seen_from_where_it_was_made(desk) {
        let (older, younger) = two_cases(&desk).await;
        let merge = || Change::MergeCase { id: younger.clone(), into: older.clone(), by: by("boss"), at: at(5) };
        desk.commit(Batch::new().change(merge())).await;
        let again = desk.store.commit(Batch::new().change(merge())).await;
        assert!(matches!(again, Err(StoreError::Refused(_))), "{again:?}");
        let row = desk.store.case(&younger).await.unwrap().unwrap();
        assert_eq!((row.merged_into.as_ref(), row.closed_at_ms), (Some(&older), Some(at(5).millis())));
        let seen = |rows: Vec<gradus::store::RelatedRow>| -> Vec<(CaseId, String)> {
            rows.into_iter().map(|row| (row.id, row.relation)).collect()
        };
        assert_eq!(seen(desk.store.related_to(&older, None).await.unwrap()), [(younger.clone(), "merged".into())]);
        assert_eq!(seen(desk.store.related_to(&younger, None).await.unwrap()), [(older.clone(), "into".into())]);
        let link = |linked| Change::LinkCase { id: older.clone(), other: "k9".into(), linked, by: by("boss"), at: at(6) };
        desk.commit(Batch::new().change(link(true)).change(link(true))).await;
        desk.commit(Batch::new().change(link(false))).await;
    }

    async fn documents_stay_with_their_case_until_the_words_go(desk) {
        let (case, other) = two_cases(&desk).await;
        let document = |id: &str, minutes| Document {
            id: id.into(), case: case.clone(), name: format!("{id}.pdf"), media_type: "application/pdf".into(),
            size_bytes: 7, sha256: "0".repeat(64), object_key: format!("documents/{id}"), by: by("boss"), at: at(minutes),
        };
        for one in [document("d1", 1), document("d2", 2), document("d2", 3)] {
            desk.store.add_document(&one).await.unwrap();
        }
        let names: Vec<String> =
            desk.store.documents_of(&case).await.unwrap().into_iter().map(|row| row.name).collect();
        assert_eq!(names, ["d2.pdf", "d1.pdf"]);
        assert!(desk.store.document(&other, "d1").await.unwrap().is_none(), "not of another case");
        assert!(desk.store.remove_document(&case, "d2").await.unwrap());
        assert!(!desk.store.remove_document(&case, "d2").await.unwrap());
        desk.commit(Batch::new().change(Change::EndConversation { id: "a".into(), at: at(5) })).await;
        let erased = desk.store.forget_words_before(at(9), 10).await.unwrap();
        assert!(erased.conversations == 0 || erased.recordings == ["documents/d1"], "{erased:?}");
    }

    async fn an_incident_is_opened_by_its_first_report_and_counts_each_conversation_once(desk) {
        let (first, _) = two_cases(&desk).await;
        desk.commit(Batch::new().change(report(70, "a", at(1))).change(report(70, "b", at(3)))).await;
        desk.commit(Batch::new().change(report(70, "a", at(2))).change(report(71, "b", at(4)))).await;
        let all = desk.store.incidents(10).await.unwrap();
        let shown: Vec<_> = all.iter().map(|row| (row.id, row.number, row.conversations, row.open_cases)).collect();
        assert_eq!(shown, [(71, 2, 1, 1), (70, 1, 2, 2)], "the latest report first");
        let members = desk.store.incident_members(70).await.unwrap();
        assert_eq!(members[0].case_id.as_ref(), Some(&first));
        let text = MaskedText::of("чиним");
        desk.store.say_of_incident(70, (&by("boss"), at(5)), 2, &text).await.unwrap();
        desk.store.name_incident(70, &MaskedText::of("Сбой на Лесной")).await.unwrap();
        assert!(desk.store.close_incident(70, (&by("boss"), at(6)), &text).await.unwrap());
        assert!(!desk.store.close_incident(70, (&by("boss"), at(7)), &text).await.unwrap(), "closed once");
        let closed = desk.store.incident(1).await.unwrap().unwrap();
        assert_eq!((closed.closed_at_ms, closed.title.as_deref()), (Some(at(6).millis()), Some("Сбой на Лесной")));
        assert_eq!(desk.store.incident_of(&"a".into()).await.unwrap(), Some(1));
        assert_eq!(desk.store.incident_of(&"nobody".into()).await.unwrap(), None);
        assert_eq!(desk.store.incident_words(70).await.unwrap()[0].text, "чиним");
        assert_eq!(desk.store.incidents_closed_since(at(6)).await.unwrap(), [70]);
        assert!(desk.store.incidents_closed_since(at(7)).await.unwrap().is_empty());
    }

    async fn the_later_rating_counts_and_nobody_knows_whether_they_stayed_until_somebody_says_so(desk) {
        let (case, _) = two_cases(&desk).await;
        assert!(desk.store.rating_of(&case).await.unwrap().is_none());
        desk.store.rate(&case, 2, Some(&MaskedText::of("долго")), at(1)).await.unwrap();
        desk.store.rate(&case, 5, None, at(2)).await.unwrap();
        let rating = desk.store.rating_of(&case).await.unwrap().unwrap();
        assert_eq!((rating.stars, rating.words), (5, None));
        for stayed in [None, Some(true), Some(false), None] {
            desk.store.note_stayed(&case, stayed).await.unwrap();
            assert_eq!(desk.store.stayed(&case).await.unwrap(), stayed);
        }
    }

    async fn two_customers_become_one_and_are_parted_with_what_was_theirs(desk) {
        let know = async |facts, fresh: &str| desk.store.know_customer(&facts, fresh.into(), at(0)).await.unwrap();
        let one = know(facts("Пётр", "89161234567", ""), "n1").await;
        let mut more = facts("П. Сомов", "", "petr@firma.ru");
        more.manager = Some("Ольга".into());
        let other = know(more, "n2").await;
        desk.store.add_customer_note("note", &other, &MaskedText::of("VIP"), (&by("boss"), at(1))).await.unwrap();
        assert_eq!(desk.store.customer_named("8 916 123-45-67").await.unwrap().as_ref(), Some(&one));
        assert_eq!(desk.store.customer_named("PETR@firma.ru").await.unwrap().as_ref(), Some(&other));
        assert_eq!(desk.store.customer_named("никто").await.unwrap(), None);
        desk.store.join_customers(&other, &one, (&by("boss"), at(2))).await.unwrap();
        assert_eq!(desk.store.contacts(&one).await.unwrap().len(), 2);
        assert_eq!(desk.store.customer_notes(&one).await.unwrap()[0].text, "VIP");
        let joined = desk.store.customer(&one).await.unwrap().unwrap();
        assert_eq!((joined.name.as_deref(), joined.manager.as_deref()), (Some("Пётр"), Some("Ольга")));
        assert_eq!(desk.store.lives_on_as(&other).await.unwrap().as_ref(), Some(&one));
        for (from, into) in [(&other, &one), (&one, &other)] {
            let again = desk.store.join_customers(from, into, (&by("boss"), at(3))).await;
            assert!(matches!(again, Err(StoreError::Refused(_))), "{again:?}");
        }
        assert_eq!(desk.store.part_customer(&other).await.unwrap(), one);
        assert_eq!(desk.store.contacts(&other).await.unwrap().len(), 1);
        assert_eq!(desk.store.customer_notes(&other).await.unwrap().len(), 1);
        assert!(desk.store.joined_into(&one).await.unwrap().is_empty());
        desk.store.join_customers(&other, &one, (&by("boss"), at(4))).await.unwrap();
        desk.store.erase_customer(&one, at(5)).await.unwrap();
        assert!(desk.store.joined_into(&one).await.unwrap().is_empty(), "the addresses that were moved are gone too");
        assert_eq!(desk.store.customer(&other).await.unwrap().unwrap().name, None, "the second card is the same person");
        let twice = desk.store.part_customer(&CustomerId("n2".into())).await;
        assert!(matches!(twice, Err(StoreError::Missing(_))), "{twice:?}");
    }
}
