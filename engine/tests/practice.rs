//! The scenarios that ship: each can be won and lost by what one says, as its own tests show with the real ear.
#![expect(clippy::unwrap_used, reason = "a step that fails fails its test")]

use gradus_engine::classify::{Classifier, Encoder};
use gradus_engine::detect::Detector;
use gradus_engine::ear::Ear;
use gradus_engine::practice::{BUILTIN, Outcome, Session, Stage, read};
use gradus_engine::protocol::Protocol;
use gradus_engine::signal::SignalKind;

fn ear() -> Ear {
    let classifier = Classifier::builtin().unwrap();
    Ear::new(Detector::builtin(), Some(classifier)).with_encoder(Encoder::builtin().unwrap())
}

#[test]
fn every_scenario_is_won_and_lost_by_what_one_says() {
    let (ear, protocol) = (ear(), Protocol::default_protocol().unwrap());
    let mut faults = String::new();
    for (name, text) in BUILTIN {
        if let Err(errors) = read(name, text, (&protocol, &ear)) {
            faults += &format!("{errors}\n");
        }
    }
    assert!(faults.is_empty(), "{faults}");
    assert!(BUILTIN.len() >= 15);
}

#[test]
fn a_good_talk_scores_high_a_bad_one_low_and_both_say_why() {
    let (ear, protocol) = (ear(), Protocol::default_protocol().unwrap());
    let (name, text) = BUILTIN.iter().find(|(name, _)| name.contains("vip-discount")).unwrap();
    let scenario = read(name, text, (&protocol, &ear)).unwrap();
    let stage = Stage { protocol: &protocol, notices: &ear, scenario: &scenario };
    let good = Session::replay(
        stage,
        [
            "Здравствуйте, меня зовут Ольга. Понимаю ваше раздражение: две задержки подряд, мне очень жаль.",
            "Давайте так: предлагаю скидку семь процентов и бесплатную ускоренную отгрузку следующей партии.",
            "Отгрузим завтра до двенадцати, я сама пришлю вам подтверждение сегодня до шести.",
        ],
    );
    let score = good.score();
    assert_eq!(good.outcome, Some(Outcome::Won));
    assert!(score.points >= 70 && score.forbidden.is_empty() && score.over.is_empty(), "{score:?}");
    let bad = Session::replay(
        stage,
        ["Это не наша политика, таких скидок мы не даём.", "Я ничего не могу сделать."],
    );
    let score = bad.score();
    assert_eq!((bad.outcome, score.points), (Some(Outcome::Lost), 0), "{score:?}");
    assert!(score.forbidden.iter().any(|advice| advice.quote.contains("политика")), "{score:?}");
    assert!(score.missed.contains(&SignalKind::Empathy));
    let generous =
        Session::replay(stage, ["Понимаю вас, мне жаль. Хорошо, сделаю скидку тридцать процентов."]);
    assert_eq!(generous.score().over, ["discount 30 15"], "a strategic customer may get fifteen");
    let mut over = bad.clone();
    let lines = over.turns.len();
    over.reply(stage, "Постойте!");
    assert_eq!(over.turns.len(), lines, "what is over takes nothing more");
}

#[test]
fn a_wrong_scenario_is_refused_with_line_and_cure() {
    let (ear, protocol) = (ear(), Protocol::default_protocol().unwrap());
    let text = BUILTIN[1].1;
    for (from, to, message) in [
        ("to = \"heard\"", "to = \"moon\"", "way to unknown state \"moon\""),
        ("ends = \"won\"", "ends = \"lost\"", "could only be lost"),
        ("any = [\"empathy\", \"apology\"]", "any = [\"insult\"]", "insult is said by the customer"),
        ("any = [\"empathy\", \"apology\"]", "any = [\"kindness\"]", "unknown signal kind \"kindness\""),
        ("id = \"outage\"", "id = \"сбой\"", "Latin letters"),
        ("outcome = \"lost\"", "outcome = \"won\"", "no [[test]] with outcome = \"lost\""),
        ("channel = \"call\"", "channel = \"pigeon\"", "unknown variant"),
        ("most_replies = 10", "most_replies = 0", "may reply at least once"),
        ("Успокойтесь, пожалуйста.", "Понимаю вас, мне очень жаль.", "the test ends"),
    ] {
        assert!(text.contains(from), "{from}");
        let errors = read("x.toml", &text.replacen(from, to, 1), (&protocol, &ear)).unwrap_err();
        assert!(errors.to_string().contains(message), "{message}: {errors}");
    }
}
