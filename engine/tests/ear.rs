//! The ear whole: rules, classifier and encoder together.
#![expect(clippy::unwrap_used, reason = "a step that fails fails its test")]

use gradus_engine::classify::{Classifier, Encoder};
use gradus_engine::detect::Detector;
use gradus_engine::ear::{Ear, Sources};
use gradus_engine::signal::{Channel, Found, Party, SignalKind};
use proptest::prelude::*;

fn ear() -> Ear {
    let classifier = Classifier::builtin().unwrap();
    Ear::new(Detector::builtin(), Some(classifier)).with_encoder(Encoder::builtin().unwrap())
}

fn kinds(found: &[Found]) -> Vec<SignalKind> {
    found.iter().map(|found| found.kind).collect()
}

#[test]
fn what_is_said_without_its_word_is_heard_and_what_only_has_the_word_is_not() {
    let ear = ear();
    let heard = |text: &str| kinds(&ear.signals(text, Party::Customer, Channel::Call));
    let allusion = "а есть у вас там кто-нибудь постарше кто может это решить соедините с ним";
    assert!(heard(allusion).contains(&SignalKind::SupervisorRequest), "{:?}", heard(allusion));
    for calm in [
        "я сам работаю руководителем отдела закупок",
        "ваш директор вчера приезжал к нам на склад подписывать накладные",
        "подскажите до скольки работает суд на лесной мне туда документы отвезти",
        "час ночи а я всё договор читаю",
    ] {
        let alarms = heard(calm);
        assert!(
            ![SignalKind::SupervisorRequest, SignalKind::LegalThreat, SignalKind::ChurnThreat]
                .iter()
                .any(|kind| alarms.contains(kind)),
            "{calm}: {alarms:?}"
        );
    }
}

#[test]
fn a_kind_of_one_party_is_never_heard_from_the_other() {
    let found = ear().signals("я подам на вас в суд позовите руководителя", Party::Agent, Channel::Call);
    assert!(found.iter().all(|found| found.kind.party() == Party::Agent), "{found:?}");
}

#[test]
fn each_source_alone_says_what_it_found_by_its_name() {
    let text = "расторгну договор и уйду к конкурентам";
    let rule = |sources| {
        let found = ear().with_sources(sources).signals(text, Party::Customer, Channel::Call);
        found.into_iter().find(|found| found.kind == SignalKind::ChurnThreat).map(|found| found.rule)
    };
    assert_eq!(rule(Sources::Classifier).as_deref(), Some("classifier"));
    assert_eq!(rule(Sources::Encoder).as_deref(), Some("encoder"));
    let named = rule(Sources::Rules);
    assert!(named.is_some());
    assert_eq!(rule(Sources::Both), named, "together the rule explains it");
}

#[test]
fn a_megabyte_is_heard_to_its_end() {
    let text = format!("{}позовите руководителя", "и вот ещё что ".repeat(80_000));
    let found = ear().signals(&text, Party::Customer, Channel::Call);
    assert!(kinds(&found).contains(&SignalKind::SupervisorRequest), "{:?}", kinds(&found));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_is_said_every_quote_lies_within_it(text in "\\PC{0,200}", agent in any::<bool>()) {
        let party = if agent { Party::Agent } else { Party::Customer };
        let signs = text.chars().count();
        for found in ear().signals(&text, party, Channel::Chat) {
            prop_assert!(found.start < found.end && found.end as usize <= signs, "{:?}", found);
            prop_assert!((1..=100).contains(&found.confidence));
        }
    }
}
