//! Quality of a conversation: what its own signals answer, what a person answers, what both are worth; which conversations are
//! drawn; how far two reviewers agree. `docs/quality.md` says it in words.

mod form;

pub use form::{Auto, Form, Forms, Question, parse};

use std::collections::BTreeMap;

use gradus_engine::signal::{Party, SignalKind};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::store::ConversationPage;

/// Fewest utterances of a conversation that may be drawn: a wrong number says nothing of anybody.
pub const FEWEST_UTTERANCES: i64 = 6;

/// An answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It was so.
    Yes,
    /// It was not.
    No,
    /// It could not be asked of this conversation.
    NotAsked,
}

/// An answer with where it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// What was answered.
    pub answer: Answer,
    /// Whether the conversation answered by itself; a person may overrule it.
    pub auto: bool,
    /// The utterances it rests on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<i64>,
}

/// Answers by question.
pub type Answers = BTreeMap<String, Given>;

/// What of a conversation answers questions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Signals in their order: utterance, when it was said in ms from the start, who, what.
    pub signals: Vec<(i64, i64, Party, SignalKind)>,
    /// Steps of the abuse ladder that the protocol decided: utterance and step.
    pub ladder: Vec<(i64, i64)>,
    /// Attempts of the agent.
    pub attempts: i64,
    /// Whether somebody was called after attempts; `None` where nobody was, or at once.
    pub called: bool,
    /// Peak and end of the heat.
    pub heat: (i64, i64),
}

impl Facts {
    /// Reads what answers questions off a conversation. Signals that people judged wrong do not count.
    pub fn of(page: &ConversationPage) -> Self {
        let start = |utterance: i64| {
            page.utterances.iter().find(|said| said.utterance == utterance).map_or(0, |said| said.start_ms)
        };
        let right = page.signals.iter().filter(|signal| signal.verdict.as_deref() != Some("wrong"));
        let signals = right.filter_map(|signal| {
            let kind: SignalKind = signal.kind.parse().ok()?;
            Some((signal.utterance, start(signal.utterance), kind.party(), kind))
        });
        let ladder = page.decisions.iter().filter(|made| made.decision == "abuse_step");
        let decided =
            |names: &[&str]| page.decisions.iter().any(|made| names.contains(&made.decision.as_str()));
        Self {
            signals: signals.collect(),
            ladder: ladder.filter_map(|made| Some((made.utterance?, made.step?))).collect(),
            attempts: page.conversation.attempts,
            called: decided(&["engage"]) && !decided(&["engage_now"]),
            heat: (page.conversation.heat_max, page.conversation.heat_last),
        }
    }

    fn first(&self, kinds: &[SignalKind]) -> Option<i64> {
        self.signals.iter().find(|signal| kinds.contains(&signal.3)).map(|signal| signal.0)
    }
}

/// Returns what the conversation answers by itself.
pub fn automatic(form: &Form, facts: &Facts) -> Answers {
    let asked = form.questions.iter().filter_map(|question| Some((question, question.auto.as_ref()?)));
    asked.map(|(question, auto)| (question.id.clone(), one(auto, facts))).collect()
}

fn one(auto: &Auto, facts: &Facts) -> Given {
    let given = |answer, evidence: Vec<i64>| Given { answer, auto: true, evidence };
    let not_asked = || given(Answer::NotAsked, Vec::new());
    let yes = |so: bool| if so { Answer::Yes } else { Answer::No };
    let from = match auto.given.is_empty() {
        true => Some(0),
        false => facts.first(&auto.given),
    };
    let Some(from) = from else { return not_asked() };
    if !auto.given_agent.is_empty() && facts.first(&auto.given_agent).is_none() {
        return not_asked();
    }
    let seen = |kinds: &[SignalKind]| -> Vec<i64> {
        let within = |at_ms: i64| auto.within_s.is_none_or(|seconds| at_ms <= seconds * 1_000);
        let fits = |signal: &&(i64, i64, Party, SignalKind)| {
            kinds.contains(&signal.3) && signal.0 >= from && within(signal.1)
        };
        facts.signals.iter().filter(fits).map(|signal| signal.0).collect()
    };
    if !auto.any.is_empty() {
        let found = seen(&auto.any);
        return given(yes(!found.is_empty()), found);
    }
    if !auto.none.is_empty() {
        let found = seen(&auto.none);
        return given(yes(found.is_empty()), found);
    }
    if let Some(attempts) = auto.attempts {
        return if facts.called { given(yes(facts.attempts >= attempts), Vec::new()) } else { not_asked() };
    }
    if let Some(degrees) = auto.cools_by {
        return given(yes(facts.heat.0 - facts.heat.1 >= degrees), Vec::new());
    }
    ladder(facts)
}

/// Whether the agent said only steps of the abuse ladder that the protocol had reached by then, and said one where it had.
fn ladder(facts: &Facts) -> Given {
    let step = |kind| match kind {
        SignalKind::AbuseWarning => Some(1),
        SignalKind::HangupWarning => Some(2),
        SignalKind::ClosingPhrase => Some(3),
        _ => None,
    };
    let said: Vec<(i64, i64)> =
        facts.signals.iter().filter_map(|signal| Some((signal.0, step(signal.3)?))).collect();
    if facts.ladder.is_empty() && said.is_empty() {
        return Given { answer: Answer::NotAsked, auto: true, evidence: Vec::new() };
    }
    let reached = |(at, step): &(i64, i64)| {
        facts.ladder.iter().any(|(decided_at, decided)| decided >= step && decided_at <= at)
    };
    let early: Vec<i64> = said.iter().filter(|said| !reached(said)).map(|(at, _)| *at).collect();
    let so = early.is_empty() && !said.is_empty();
    let evidence = if early.is_empty() { said.iter().map(|(at, _)| *at).collect() } else { early };
    Given { answer: if so { Answer::Yes } else { Answer::No }, auto: true, evidence }
}

/// Returns what answers are worth, 0–100: the points of every yes among those of every yes and no; zero after a no to a
/// critical question; nothing where nothing was asked.
pub fn score(form: &Form, answers: &Answers) -> Option<i64> {
    let answered = |question: &Question| answers.get(&question.id).map(|given| given.answer);
    let sum = |wanted: &[Answer]| -> u32 {
        form.questions
            .iter()
            .filter(|question| answered(question).is_some_and(|answer| wanted.contains(&answer)))
            .map(|question| question.points)
            .sum()
    };
    let (yes, all) = (sum(&[Answer::Yes]), sum(&[Answer::Yes, Answer::No]));
    let failed = |question: &&Question| question.critical && answered(question) == Some(Answer::No);
    if all == 0 {
        return None;
    }
    let failed = form.questions.iter().find(failed).is_some();
    Some(if failed { 0 } else { i64::from((yes * 100 + all / 2) / all) })
}

/// Draws conversations: from each agent the same number, by lot. The lot of a conversation is the SHA-256 of the seed and its
/// id, so nobody chooses, and everybody who knows the seed draws the same ones.
pub fn sample<'a>(
    seed: &str,
    talks: &[(&'a str, &'a str)],
    per_agent: usize,
) -> BTreeMap<&'a str, Vec<&'a str>> {
    let mut drawn = BTreeMap::<&str, Vec<(Vec<u8>, &str)>>::new();
    for (agent, talk) in talks {
        let lot = Sha256::digest(format!("{seed}/{talk}").as_bytes()).to_vec();
        drawn.entry(agent).or_default().push((lot, talk));
    }
    drawn
        .into_iter()
        .map(|(agent, mut lots)| {
            lots.sort();
            lots.truncate(per_agent);
            (agent, lots.into_iter().map(|(_, talk)| talk).collect())
        })
        .collect()
}

/// How far two reviewers agree on one conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// Questions that a person answers and both answered.
    pub asked: usize,
    /// Of these, answered alike.
    pub alike: usize,
    /// Questions answered differently.
    pub apart: Vec<String>,
}

/// Compares what two people answered. What the conversation answered by itself is the same for both and does not count,
/// unless one of them overruled it.
pub fn agreement(form: &Form, one: &Answers, other: &Answers) -> Agreement {
    let mut agreement = Agreement { asked: 0, alike: 0, apart: Vec::new() };
    for question in &form.questions {
        let (Some(one), Some(other)) = (one.get(&question.id), other.get(&question.id)) else { continue };
        if one.auto && other.auto {
            continue;
        }
        agreement.asked += 1;
        if one.answer == other.answer {
            agreement.alike += 1;
        } else {
            agreement.apart.push(question.text.clone());
        }
    }
    agreement
}

#[cfg(test)]
mod tests {
    use SignalKind as K;

    use super::*;

    fn facts(signals: &[(i64, K)]) -> Facts {
        let signal = |(at, kind): &(i64, K)| (*at, at * 10_000, kind.party(), *kind);
        Facts { signals: signals.iter().map(signal).collect(), ..Facts::default() }
    }

    fn answers(facts: &Facts) -> String {
        let form = Forms::open(None).unwrap().first().unwrap();
        let given = automatic(&form, facts);
        let word = |question: &Question| {
            let answer = given.get(&question.id)?;
            Some(
                format!("{}{:?}", question.id, answer.answer)
                    .replace("NotAsked", "-")
                    .replace("Yes", "+")
                    .replace("No", "!"),
            )
        };
        form.questions.iter().filter_map(word).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn signals_answer_questions_and_what_cannot_be_asked_is_not() {
        let good = facts(&[
            (0, K::Introduction),
            (1, K::BillingProblem),
            (2, K::Apology),
            (3, K::ClarifyingQuestion),
            (4, K::SolutionOffer),
            (4, K::TimeCommitment),
        ]);
        let all = "introduction+ empathy+ understood+ offer+ time+ attempts- forbidden+ rudeness+ ladder-";
        assert_eq!(answers(&good), all);
        let bad = facts(&[(0, K::Apology), (1, K::Outage), (7, K::Introduction), (8, K::Dismissal)]);
        let expected =
            "introduction! empathy! understood! offer! time- attempts- forbidden! rudeness+ ladder-";
        assert_eq!(
            answers(&bad),
            expected,
            "an introduction after a minute and an apology before the trouble"
        );
    }

    #[test]
    fn the_ladder_is_right_only_in_its_order_and_when_it_was_reached() {
        let climb = |decided: &[(i64, i64)], said: &[(i64, K)]| {
            ladder(&Facts { ladder: decided.to_vec(), ..facts(said) }).answer
        };
        assert_eq!(climb(&[(3, 1)], &[(4, K::AbuseWarning)]), Answer::Yes);
        assert_eq!(
            climb(&[(3, 1)], &[(4, K::ClosingPhrase)]),
            Answer::No,
            "ended before the ladder allows it"
        );
        assert_eq!(climb(&[(3, 1)], &[]), Answer::No, "nothing was said");
        assert_eq!(climb(&[(3, 3)], &[(4, K::ClosingPhrase)]), Answer::Yes, "a threat shortens it");
        assert_eq!(climb(&[], &[]), Answer::NotAsked);
    }

    #[test]
    fn a_score_is_of_what_was_asked_and_a_critical_no_makes_it_zero() {
        let form = Forms::open(None).unwrap().first().unwrap();
        let given = |answer| Given { answer, auto: false, evidence: Vec::new() };
        let mut answers = Answers::from([
            ("introduction".to_owned(), given(Answer::Yes)),
            ("empathy".to_owned(), given(Answer::No)),
            ("time".to_owned(), given(Answer::NotAsked)),
        ]);
        assert_eq!(score(&form, &answers), Some(40));
        answers.insert("rudeness".to_owned(), given(Answer::No));
        assert_eq!(score(&form, &answers), Some(0));
        assert_eq!(score(&form, &Answers::new()), None);
    }

    #[test]
    fn a_sample_takes_as_many_of_each_agent_and_is_the_same_for_everybody_who_knows_the_seed() {
        let talks: Vec<String> = (0..40).map(|at| format!("t{at}")).collect();
        let pairs: Vec<(&str, &str)> = talks
            .iter()
            .enumerate()
            .map(|(at, talk)| (if at < 30 { "Ольга" } else { "Тимур" }, talk.as_str()))
            .collect();
        let drawn = sample("2026-W47", &pairs, 3);
        assert_eq!(drawn.values().map(Vec::len).collect::<Vec<_>>(), [3, 3]);
        let mut turned = pairs.clone();
        turned.reverse();
        assert_eq!(sample("2026-W47", &turned, 3), drawn, "the order in which they come says nothing");
        assert_ne!(sample("2026-W48", &pairs, 3), drawn);
        assert_eq!(sample("x", &pairs[..2], 3)["Ольга"].len(), 2, "of fewer all");
    }

    #[test]
    fn every_conversation_has_the_same_chance_to_be_drawn() {
        let talks: Vec<String> = (0..10).map(|at| format!("t{at}")).collect();
        let pairs: Vec<(&str, &str)> = talks.iter().map(|talk| ("a", talk.as_str())).collect();
        let mut counts = BTreeMap::<&str, usize>::new();
        for seed in 0..1_000 {
            for talk in &sample(&seed.to_string(), &pairs, 2)["a"] {
                *counts.entry(talk).or_default() += 1;
            }
        }
        // 200 expected each; five standard deviations are 63.
        assert!(counts.values().all(|count| (137..=263).contains(count)), "{counts:?}");
    }

    #[test]
    fn reviewers_agree_on_what_people_answered_alone() {
        let form = Forms::open(None).unwrap().first().unwrap();
        let given = |answer, auto| Given { answer, auto, evidence: Vec::new() };
        let one = Answers::from([
            ("introduction".to_owned(), given(Answer::Yes, true)),
            ("tone".to_owned(), given(Answer::Yes, false)),
            ("honest".to_owned(), given(Answer::Yes, false)),
        ]);
        let mut other = one.clone();
        other.insert("honest".to_owned(), given(Answer::No, false));
        let agreement = agreement(&form, &one, &other);
        assert_eq!((agreement.asked, agreement.alike), (2, 1));
        assert_eq!(agreement.apart, ["То, что пообещал, выполнимо"]);
    }
}
