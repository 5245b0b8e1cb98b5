//! The ear of the engine: one utterance in, all that is noticed in it out.
//!
//! Joins what each part finds: rules and classifier (signals), phrases (cues), promises, and the nouns that the utterance
//! is about.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::{Arc, OnceLock};

use crate::amount::amounts;
use crate::classify::{Classifier, Encoder, Vote};
use crate::commitment::{self, Reference};
use crate::cue::cues;
use crate::detect::lexicon::{Lexicon, features};
use crate::detect::{Detector, Scratch};
use crate::judge::Notices;
use crate::notice::Noticed;
use crate::signal::{Channel, Found, Group, Party, SignalKind};

/// Names under which the findings of the trained parts are shown.
const CLASSIFIER: &str = "classifier";
const ENCODER: &str = "encoder";

/// How much the linear classifier's margin, within one of its threshold, adds to the encoder's logit. These four were chosen
/// by `gradus eval --scores` on lines that neither was trained on (`docs/detection.md`).
const CLASSIFIER_WEIGHT: f32 = 6.0;
/// What a rule of full confidence adds: a rule is doubted only where the trained parts are sure of the opposite.
const RULE_WEIGHT: f32 = 3.0;
/// Confidence of a rule that nothing else may doubt: for what a company alone can know, such as names of its own.
const CERTAIN: u8 = 100;
/// How far the sum has to be beyond the threshold when no rule agrees.
const FLOOR: f32 = 1.5;
/// How far beyond the threshold a kind that alarms somebody has to be when no rule agrees. At the threshold F1 is best, but
/// one false alarm in twenty ordinary utterances teaches a supervisor to look away.
const ALARM_FLOOR: f32 = 2.5;

/// Bytes of an utterance beyond which the trained parts no longer doubt a rule: they were trained on lines of at most a few
/// hundred, and what stands in the middle of so much else is a drop in their sum.
const LONG_BYTES: usize = 4_096;

/// Which sources are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sources {
    /// The rules alone.
    Rules,
    /// The linear classifier alone.
    Classifier,
    /// The sentence encoder alone.
    Encoder,
    /// All of them together.
    Both,
}

/// Detector and classifier together.
pub struct Ear {
    detector: Detector,
    classifier: Option<Classifier>,
    encoder: Option<Arc<Encoder>>,
    sources: Sources,
    version: String,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch::default());
}

impl Ear {
    /// Makes an ear of rules and, where there are weights, a classifier.
    pub fn new(detector: Detector, classifier: Option<Classifier>) -> Self {
        let version = detector.rules_version().to_owned();
        let ear = Self { detector, classifier, encoder: None, sources: Sources::Both, version };
        ear.named()
    }

    /// Adds a sentence encoder.
    #[must_use]
    pub fn with_encoder(self, encoder: Arc<Encoder>) -> Self {
        Self { encoder: Some(encoder), ..self }.named()
    }

    /// Uses one source alone; for measuring.
    #[must_use]
    pub fn with_sources(self, sources: Sources) -> Self {
        Self { sources, ..self }
    }

    /// Returns the version of rules and weights, part of every decision.
    pub fn rules_version(&self) -> &str {
        &self.version
    }

    fn named(mut self) -> Self {
        self.version = self.detector.rules_version().to_owned();
        let linear = self.classifier.as_ref().map(Classifier::checksum);
        let encoder = self.encoder.as_ref().map(|encoder| encoder.checksum());
        for weights in linear.into_iter().chain(encoder) {
            let _ = write!(self.version, "-{:04x}", weights & 0xFFFF);
        }
        self
    }

    /// Returns the detector.
    pub fn detector(&self) -> &Detector {
        &self.detector
    }

    /// Finds the signals of an utterance: at most one of a kind, by where they begin.
    pub fn signals(&self, text: &str, party: Party, channel: Channel) -> Vec<Found> {
        let mut found: Vec<Found> = self
            .opinions(text, party, channel)
            .into_iter()
            .filter(|opinion| opinion.holds(self.sources))
            .filter_map(Opinion::found)
            .collect();
        found.sort_by_key(|found| (found.start, found.kind));
        found
    }

    /// Returns what each source makes of each kind: for those who measure how the sources are best joined.
    pub fn opinions(&self, text: &str, party: Party, channel: Channel) -> Vec<Opinion> {
        let mut opinions: BTreeMap<SignalKind, Opinion> = BTreeMap::new();
        if self.asks(Sources::Rules) {
            let by_rules = SCRATCH.with(|scratch| match scratch.try_borrow_mut() {
                Ok(mut scratch) => self.detector.detect_with(text, party, channel, &mut scratch),
                Err(_) => self.detector.detect(text, party, channel),
            });
            for found in by_rules {
                let kind = found.kind;
                opinion(&mut opinions, kind).rule = Some(found);
            }
        }
        // Shouting is written in capitals and signs of exclamation, which rules count and the trained parts do not see.
        let trained = |vote: &Vote| vote.kind != SignalKind::Shouting;
        if let Some(classifier) = self.classifier.as_ref().filter(|_| self.asks(Sources::Classifier)) {
            for vote in classifier.votes(text, party, f32::NEG_INFINITY).into_iter().filter(trained) {
                opinion(&mut opinions, vote.kind).classifier = Some(vote);
            }
        }
        if let Some(encoder) = self.encoder.as_ref().filter(|_| self.asks(Sources::Encoder)) {
            for vote in encoder.votes(text, party, f32::NEG_INFINITY).into_iter().filter(trained) {
                opinion(&mut opinions, vote.kind).encoder = Some(vote);
            }
        }
        if text.len() > LONG_BYTES {
            for opinion in opinions.values_mut().filter(|opinion| opinion.rule.is_some()) {
                (opinion.classifier, opinion.encoder) = (None, None);
            }
        }
        opinions.into_values().collect()
    }

    fn asks(&self, source: Sources) -> bool {
        self.sources == source || self.sources == Sources::Both
    }
}

fn opinion(opinions: &mut BTreeMap<SignalKind, Opinion>, kind: SignalKind) -> &mut Opinion {
    opinions.entry(kind).or_insert_with(|| Opinion { kind, rule: None, classifier: None, encoder: None })
}

/// What each source makes of one kind in one utterance.
#[derive(Clone, Debug, PartialEq)]
pub struct Opinion {
    /// The kind.
    pub kind: SignalKind,
    /// What a rule found.
    pub rule: Option<Found>,
    /// The vote of the linear classifier, for or against.
    pub classifier: Option<Vote>,
    /// The vote of the sentence encoder, for or against.
    pub encoder: Option<Vote>,
}

impl Opinion {
    /// Joins the sources into one number, above 0 for yes; the unit is that of the encoder's logit.
    pub fn joined(&self) -> f32 {
        let rule = self.rule.as_ref().map_or(0.0, |rule| RULE_WEIGHT * f32::from(rule.confidence) / 100.0);
        let classifier = self.classifier.map(|vote| vote.margin);
        match (self.encoder.map(|vote| vote.margin), classifier) {
            (Some(encoder), classifier) => {
                encoder + CLASSIFIER_WEIGHT * classifier.unwrap_or(0.0).clamp(-1.0, 1.0) + rule
            }
            (None, Some(classifier)) => classifier + rule,
            (None, None) => rule,
        }
    }

    fn holds(&self, sources: Sources) -> bool {
        if self.rule.as_ref().is_some_and(|rule| rule.confidence >= CERTAIN) {
            return true;
        }
        let floor = match (&self.rule, sources) {
            (None, Sources::Both) if alarms(self.kind) => ALARM_FLOOR,
            (None, Sources::Both) => FLOOR,
            _ => 0.0,
        };
        self.joined() > floor
    }

    /// The finding, with the quote of the source that explains it best.
    fn found(self) -> Option<Found> {
        let joined = self.joined();
        if let Some(mut rule) = self.rule {
            rule.confidence = rule.confidence.max(confidence(joined));
            return Some(rule);
        }
        let (vote, name) = match (self.encoder, self.classifier) {
            (Some(encoder), _) => (encoder, ENCODER),
            (None, classifier) => (classifier?, CLASSIFIER),
        };
        Some(Found {
            kind: self.kind,
            start: vote.start,
            end: vote.end,
            confidence: confidence(joined),
            rule: name.to_owned(),
        })
    }
}

impl Notices for Ear {
    fn notice(&self, text: &str, party: Party, channel: Channel, reference: &Reference) -> Noticed {
        let signals = self.signals(text, party, channel);
        let commitments = match party {
            Party::Agent => commitment::find(text, reference),
            Party::Customer => Vec::new(),
        };
        let grants =
            party == Party::Agent && signals.iter().any(|found| found.kind == SignalKind::CompensationOffer);
        let amounts = if grants { amounts(text) } else { Vec::new() };
        Noticed { cues: cues(text, party, &signals), signals, commitments, amounts, topic: topic(text) }
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
