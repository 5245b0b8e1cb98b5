//! Corrections of utterances: what was before is kept, found, undone, and erased with the words.

use gradus::mask::MaskedText;
use gradus::store::{ArchiveFilter, Batch, Change, Correction, Signal, StoreError, Verdict};
use gradus_engine::archive::Question;
use gradus_engine::signal::{Party, SignalKind};

use super::conversations::{decision, signal};
use super::desk::{Desk, at, call, event, on_both_engines, said};

fn correction(party: Party, text: &str, signals: Vec<Signal>) -> Correction {
    Correction {
        conversation: "a".into(),
        utterance: 0,
        party,
        text: MaskedText::of(text),
        signals,
        by: "coach".into(),
    }
}

/// A call in which the recogniser heard «суп» for «суд».
async fn misheard(desk: &Desk) {
    desk.user("coach", "coach").await;
    let mut loud = signal("a", 0, SignalKind::Shouting, (0, 1));
    (loud.quote, loud.measured, loud.number) = (None, Some(9.0), 1);
    let mut wrong = decision("d1", "a", "engage_now", "legal");
    wrong.evidence.truncate(1);
    desk.commit(
        Batch::new()
            .event(event("a", Some(0), "utterance"))
            .change(call("a"))
            .change(said("a", 0, Party::Agent, "я подам в суп на вас"))
            .change(signal("a", 0, SignalKind::Urgency, (0, 8)))
            .change(loud)
            .change(wrong),
    )
    .await;
    while desk.store.fill_archive(9).await.unwrap() > 0 {}
}

async fn finds(desk: &Desk, word: &str) -> usize {
    while desk.store.fill_archive(9).await.unwrap() > 0 {}
    let words = Some(Question::parse(word).unwrap());
    desk.store.search(&ArchiveFilter { words, ..ArchiveFilter::default() }).await.unwrap().hits.len()
}

/// Kind and quote of each signal of the utterance.
async fn noticed(desk: &Desk) -> Vec<(String, Option<String>)> {
    let signals = desk.store.signals(&"a".into()).await.unwrap();
    signals.into_iter().map(|signal| (signal.kind, signal.quote)).collect()
}

on_both_engines! {
    async fn a_correction_changes_words_party_and_signals_and_is_undone_to_the_letter(desk) {
        misheard(&desk).await;
        let before = desk.store.conversation_page(&"a".into()).await.unwrap().unwrap();
        let court = signal("a", 0, SignalKind::LegalThreat, (2, 13));
        desk.store.correct(&correction(Party::Customer, "я подам в суд на вас", vec![court]), at(5)).await.unwrap();
        let page = desk.store.conversation_page(&"a".into()).await.unwrap().unwrap();
        assert_eq!((page.utterances[0].text.as_deref(), page.utterances[0].party.as_str()), (Some("я подам в суд на вас"), "customer"));
        let kinds = noticed(&desk).await;
        assert_eq!(kinds, [("shouting".to_owned(), None), ("legal_threat".to_owned(), Some("подам в суд".to_owned()))]);
        assert_eq!(page.decisions[0].evidence[0].1.as_deref(), Some("я подам "), "it quotes what was heard");
        assert_eq!((finds(&desk, "суд").await, finds(&desk, "суп").await), (1, 0));
        let kept = desk.store.corrections(&"a".into()).await.unwrap();
        assert_eq!((kept.len(), kept[0].text.as_deref(), kept[0].by_name.as_deref()), (1, Some("я подам в суп на вас"), Some("Имя coach")));
        assert!(desk.store.undo_correction(&"a".into(), 0, at(6)).await.unwrap());
        let after = desk.store.conversation_page(&"a".into()).await.unwrap().unwrap();
        assert_eq!((after.utterances, after.signals, after.decisions), (before.utterances, before.signals, before.decisions));
        assert_eq!((finds(&desk, "суд").await, finds(&desk, "суп").await), (0, 1));
        assert!(!desk.store.undo_correction(&"a".into(), 0, at(7)).await.unwrap());
        assert_eq!(desk.store.corrections(&"a".into()).await.unwrap()[0].undone_at_ms, Some(at(6).millis()));
    }

    async fn corrections_are_undone_one_by_one_and_a_verdict_on_the_same_signal_stands(desk) {
        misheard(&desk).await;
        desk.store.judge_signal(&"a".into(), (0, 0), Some(Verdict::Right), &"coach".into(), at(1)).await.unwrap();
        let same = signal("a", 0, SignalKind::Urgency, (0, 7));
        desk.store.correct(&correction(Party::Agent, "я подам суп", vec![same]), at(2)).await.unwrap();
        let verdicts: Vec<Option<String>> = desk.store.signals(&"a".into()).await.unwrap().into_iter().map(|signal| signal.verdict).collect();
        assert_eq!(verdicts, [None, Some("right".to_owned())]);
        desk.store.correct(&correction(Party::Customer, "подам", vec![]), at(3)).await.unwrap();
        let texts = async || desk.store.utterances(&"a".into()).await.unwrap()[0].text.clone().unwrap();
        let mut seen = vec![texts().await];
        while desk.store.undo_correction(&"a".into(), 0, at(4)).await.unwrap() {
            seen.push(texts().await);
        }
        assert_eq!(seen, ["подам", "я подам суп", "я подам в суп на вас"]);
        let nowhere = Correction { utterance: 9, ..correction(Party::Agent, "x", vec![]) };
        assert!(matches!(desk.store.correct(&nowhere, at(5)).await, Err(StoreError::Missing(_))));
    }

    async fn a_rebuild_keeps_the_signals_of_what_was_corrected(desk) {
        misheard(&desk).await;
        let court = signal("a", 0, SignalKind::LegalThreat, (2, 13));
        desk.store.correct(&correction(Party::Customer, "я подам в суд на вас", vec![court]), at(5)).await.unwrap();
        let before = noticed(&desk).await;
        desk.store.rebuild(|_| Ok(vec![signal("a", 0, SignalKind::Urgency, (0, 8)).into()])).await.unwrap();
        assert_eq!(noticed(&desk).await, before);
    }

    async fn the_words_of_corrections_go_with_the_words(desk) {
        misheard(&desk).await;
        desk.store.correct(&correction(Party::Customer, "я подам в суд", vec![]), at(5)).await.unwrap();
        desk.commit(Batch::new().change(Change::EndConversation { id: "a".into(), at: at(6) })).await;
        desk.store.forget_words_before(at(7), 9).await.unwrap();
        let kept = desk.store.corrections(&"a".into()).await.unwrap();
        assert_eq!((kept.len(), kept[0].text.as_deref()), (1, None));
        let page = desk.store.conversation_page(&"a".into()).await.unwrap().unwrap();
        assert_eq!(page.decisions[0].evidence[0].1, None, "nothing of it is quoted any more");
        assert!(matches!(desk.store.undo_correction(&"a".into(), 0, at(8)).await, Err(StoreError::Refused(_))));
        let late = desk.store.correct(&correction(Party::Agent, "снова", vec![]), at(8)).await;
        assert!(matches!(late, Err(StoreError::Refused(_))), "{late:?}");
    }
}
