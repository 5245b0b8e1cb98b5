//! The ear of the engine: one utterance in, all that is noticed in it out.
//!
//! Joins what each part finds: rules and classifier (signals), phrases (cues), promises, and the nouns that the utterance
//! is about.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::OnceLock;

use crate::classify::Classifier;
use crate::commitment::{self, Reference};
use crate::cue::cues;
use crate::detect::lexicon::{Lexicon, features};
use crate::detect::{Detector, Scratch};
use crate::judge::Notices;
use crate::notice::Noticed;
use crate::signal::{Channel, Found, Group, Party, SignalKind};

/// Name under which the classifier's findings are shown.
const CLASSIFIER: &str = "classifier";

/// How far beyond its threshold the classifier has to be for a kind that alarms somebody, when no rule agrees. At the
/// threshold F1 is best, but one false alarm in twenty ordinary utterances teaches a supervisor to look away.
const ALARM_FLOOR: f32 = 0.35;

/// Which source may find a kind on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sources {
    /// The rules alone.
    Rules,
    /// The classifier alone.
    Classifier,
    /// Either.
    Both,
}

/// Detector and classifier together.
pub struct Ear {
    detector: Detector,
    classifier: Option<Classifier>,
    sources: Sources,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch::default());
}

impl Ear {
    /// Makes an ear of rules and, where there are weights, a classifier.
    pub fn new(detector: Detector, classifier: Option<Classifier>) -> Self {
        Self { detector, classifier, sources: Sources::Both }
    }

    /// Uses one source alone; for measuring.
    #[must_use]
    pub fn with_sources(self, sources: Sources) -> Self {
        Self { sources, ..self }
    }

    /// Returns the version of rules and weights, part of every decision.
    pub fn rules_version(&self) -> &str {
        self.detector.rules_version()
    }

    /// Returns the detector.
    pub fn detector(&self) -> &Detector {
        &self.detector
    }

    /// Finds the signals of an utterance: at most one of a kind, by where they begin.
    pub fn signals(&self, text: &str, party: Party, channel: Channel) -> Vec<Found> {
        let by_rules = SCRATCH.with(|scratch| match scratch.try_borrow_mut() {
            Ok(mut scratch) => self.detector.detect_with(text, party, channel, &mut scratch),
            Err(_) => self.detector.detect(text, party, channel),
        });
        let Some(classifier) = self.classifier.as_ref().filter(|_| self.sources != Sources::Rules) else {
            return by_rules;
        };
        let mut found = if self.sources == Sources::Classifier { Vec::new() } else { by_rules };
        for vote in classifier.votes(text, party, 0.0) {
            // A call's recogniser writes no capitals: shouting in it is heard, not read.
            if vote.kind == SignalKind::Shouting && channel == Channel::Call {
                continue;
            }
            let agreed = found.iter().any(|known| known.kind == vote.kind);
            if alarms(vote.kind) && !agreed && vote.margin < ALARM_FLOOR {
                continue;
            }
            let confidence = confidence(vote.margin);
            match found.iter_mut().find(|known| known.kind == vote.kind) {
                Some(known) => known.confidence = known.confidence.max(confidence),
                None => found.push(Found {
                    kind: vote.kind,
                    start: vote.start,
                    end: vote.end,
                    confidence,
                    rule: CLASSIFIER.to_owned(),
                }),
            }
        }
        found.sort_by_key(|found| (found.start, found.kind));
        found
    }
}

impl Notices for Ear {
    fn notice(&self, text: &str, party: Party, channel: Channel, reference: &Reference) -> Noticed {
        let signals = self.signals(text, party, channel);
        let commitments = match party {
            Party::Agent => commitment::find(text, reference),
            Party::Customer => Vec::new(),
        };
        Noticed { cues: cues(text, party, &signals), signals, commitments, topic: topic(text) }
    }
}

/// Says whether a kind alarms somebody: the groups escalation and abuse, profanity aside.
fn alarms(kind: SignalKind) -> bool {
    matches!(kind.group(), Group::Escalation | Group::Abuse) && kind != SignalKind::Profanity
}

/// Turns a margin into per cent: 50 at the threshold, towards 95 far above it.
fn confidence(margin: f32) -> u8 {
    let raised = 50.0 + 45.0 * (margin / (margin.abs() + 0.6));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to per cent just before"
    )]
    let percent = raised.clamp(1.0, 95.0) as u8;
    percent
}

/// Nouns that name no trouble in particular.
const GENERAL: &[&str] = &[
    "день",
    "раз",
    "час",
    "минута",
    "неделя",
    "месяц",
    "год",
    "время",
    "утро",
    "вечер",
    "вопрос",
    "проблема",
    "человек",
    "дело",
    "рубль",
    "тысяча",
    "сто",
    "номер",
    "здравствуйте",
    "девушка",
    "рука",
    "слово",
    "пора",
    "пол",
    "сей",
    "право",
    "конец",
    "начало",
    "часть",
    "вид",
    "ситуация",
    "спасибо",
    "пожалуйста",
    "договор",
    "клиент",
    "компания",
    "заявка",
    "звонок",
    "ответ",
    "ребёнок",
    "дом",
    "понедельник",
    "вторник",
    "среда",
    "четверг",
    "пятница",
    "суббота",
    "воскресенье",
    "сутки",
    "секунда",
    "имя",
    "адрес",
    "деньга",
    "деньги",
    "тыща",
];
/// Different words for one thing, by their beginning, as customers say them.
const SAME: &[(&str, &str)] = &[
    ("инет", "интернет"),
    ("вайфа", "интернет"),
    ("роутер", "интернет"),
    ("приложени", "сайт"),
    ("кабинет", "сайт"),
    ("терминал", "касса"),
    ("электричеств", "свет"),
    ("карточк", "карта"),
];
/// Most nouns that are kept of one utterance.
const MOST_NOUNS: usize = 12;

/// Returns hashes of the nouns of an utterance, sorted.
fn topic(text: &str) -> Vec<u32> {
    let (lexicon, general) = (Lexicon::builtin(), general());
    let lower = text.to_lowercase().replace('ё', "е");
    let mut nouns = Vec::new();
    for word in lower.split(|sign: char| !sign.is_alphabetic()).filter(|word| word.chars().count() >= 3) {
        let meant = SAME.iter().find(|(said, _)| word.starts_with(said)).map_or(word, |(_, meant)| meant);
        let noun = lexicon
            .analyses(meant)
            .into_iter()
            .find(|analysis| analysis.readings.iter().any(|reading| reading & features::NOUN != 0));
        let Some(noun) = noun.map(|analysis| format!("{:?}", analysis.lemma)) else { continue };
        if !general.contains(&noun) {
            nouns.push(hash(&noun));
        }
        if nouns.len() >= MOST_NOUNS {
            break;
        }
    }
    nouns.sort_unstable();
    nouns.dedup();
    nouns
}

/// The lemmas of the general nouns, found once.
fn general() -> &'static BTreeSet<String> {
    static LEMMAS: OnceLock<BTreeSet<String>> = OnceLock::new();
    LEMMAS.get_or_init(|| {
        let lemmas = GENERAL.iter().flat_map(|word| Lexicon::builtin().analyses(word));
        lemmas.map(|analysis| format!("{:?}", analysis.lemma)).collect()
    })
}

/// FNV-1a, 32 bits: stable across versions, because the log keeps it.
fn hash(word: &str) -> u32 {
    word.bytes().fold(0x811C_9DC5, |state, byte| (state ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_ways_to_say_one_trouble_share_a_noun() {
        let (one, other) = (topic("второй день нет интернета"), topic("вайфай отвалился с утра"));
        assert!(one.iter().any(|noun| other.contains(noun)), "{one:?} {other:?}");
    }

    #[test]
    fn an_utterance_is_noticed_whole() {
        let ear = Ear::new(Detector::builtin(), None);
        let noticed =
            ear.notice("позовите руководителя", Party::Customer, Channel::Call, &Reference::UNKNOWN);
        assert!(noticed.has(SignalKind::SupervisorRequest), "{noticed:?}");
        let promised =
            ear.notice("перезвоню вам завтра до шести", Party::Agent, Channel::Call, &Reference::UNKNOWN);
        assert_eq!(promised.commitments.len(), 1);
    }
}
