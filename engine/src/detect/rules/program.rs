//! What rule files become: numbered elements, automata, circumstances; the matcher runs exactly this.

use std::collections::{BTreeMap, HashSet};

use rustc_hash::FxHashMap;

use super::error::Place;
use super::file::Need;
use super::pattern::{Scope, Where};
use crate::detect::automaton::Automaton;
use crate::detect::fuzzy::Fuzzy;
use crate::detect::lexicon::features::Reading;
use crate::detect::lexicon::{Analysis, LemmaId, Lexicon};
use crate::signal::{Channel, Party, SignalKind};

/// The number of a distinct element: a set of words with features.
pub type ElementId = u32;

/// The number of a compiled pattern.
pub type PatternId = u32;

/// Bits of a reading beyond those of the dictionary: what the text itself shows of a word.
pub mod seen {
    use super::Reading;
    /// A number in digits or words.
    pub const NUMBER: Reading = 1 << 58;
    /// An emoji.
    pub const EMOJI: Reading = 1 << 59;
    /// A word in Latin letters.
    pub const LATIN: Reading = 1 << 60;
    /// A word that the dictionary does not have.
    pub const UNKNOWN: Reading = 1 << 61;
}

/// A feature condition in bits: readings must have a bit of `any`, or none of them when `not`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The bits.
    pub any: Reading,
    /// None of the bits may be set.
    pub not: bool,
}

/// An element wants a word, if one of its readings fulfils all conditions.
#[derive(Clone, Debug)]
pub struct Want {
    /// The element.
    pub element: ElementId,
    /// What the reading must fulfil.
    pub conditions: Box<[Condition]>,
}

impl Want {
    /// Says whether one of the readings fulfils the conditions.
    pub fn takes(&self, readings: &[Reading], seen: Reading) -> bool {
        let fits = |reading: &Reading| {
            self.conditions.iter().all(|one| ((reading | seen) & one.any != 0) != one.not)
        };
        self.conditions.is_empty() || readings.iter().any(fits) || readings.is_empty() && fits(&0)
    }
}

/// One row with the elements it cannot do without.
#[derive(Clone, Debug)]
pub struct Row {
    /// The automaton.
    pub automaton: Automaton,
    /// Elements of which every match contains each.
    pub needs: Vec<ElementId>,
}

/// One compiled pattern line.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// Index of its rule.
    pub rule: u32,
    /// Its rows; the first carries the evidence.
    pub rows: Vec<Row>,
    /// How near the rows must stand.
    pub scope: Scope,
    /// What must not stand near.
    pub without: Vec<(Where, Row)>,
    /// Elements of which every match contains each, rarest first.
    pub needs: Box<[ElementId]>,
}

/// A circumstance of a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Circumstance {
    /// «отрицание»: the match is denied within its clause.
    Denied,
    /// «вопрос»: the sentence asks.
    Question,
    /// «условие»: the match stands in an if-clause or is unreal.
    Condition,
    /// «цитата»: the match stands in quotation marks.
    Quoted,
    /// «адресат»: the sentence speaks to somebody (вы, ты, a request).
    Addressed,
    /// A mark that a rule file declares, by its number.
    Mark(u16),
}

/// One compiled rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// What it finds.
    pub kind: SignalKind,
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub place: Place,
    /// Whose words.
    pub party: Party,
    /// Bits by channel, see [`channel_bit`].
    pub channels: u8,
    /// Per cent.
    pub confidence: u8,
    /// Allowed persons as reading bits; 0: all.
    pub persons: Reading,
    /// Allowed tenses as reading bits; 0: all.
    pub tenses: Reading,
    /// Most words of the utterance.
    pub words: u32,
    /// Circumstances that are forbidden or needed.
    pub needs: Vec<(Circumstance, Need)>,
    /// What must not stand near.
    pub except: Vec<(Where, Row)>,
}

/// Returns the bit of a channel in [`Rule::channels`].
pub fn channel_bit(channel: Channel) -> u8 {
    match channel {
        Channel::Call => 1,
        Channel::Chat => 2,
        Channel::Email => 4,
        Channel::InPerson => 8,
    }
}

/// Everything the matcher needs, compiled from all files together.
pub struct Program {
    /// The dictionary.
    pub lexicon: &'static Lexicon,
    /// Lemma → elements that want it.
    pub by_lemma: FxHashMap<LemmaId, Vec<Want>>,
    /// Form → elements that want it.
    pub by_form: FxHashMap<Box<str>, Vec<Want>>,
    /// Beginning → elements that want it.
    pub by_prefix: FxHashMap<Box<str>, Vec<Want>>,
    /// Elements that ask for features only.
    pub by_features: Vec<Want>,
    /// Forms of the words that files declare.
    pub declared: FxHashMap<Box<str>, Vec<Analysis>>,
    /// Heard form → form that was meant.
    pub mishearings: FxHashMap<Box<str>, Vec<Box<str>>>,
    /// Words that may stand anywhere in a pattern.
    pub fillers: HashSet<Box<str>>,
    /// What masked words stand for.
    pub masks: Vec<Box<str>>,
    /// The vocabulary for misspelt words.
    pub(crate) fuzzy: Fuzzy,
    /// The patterns.
    pub patterns: Vec<Pattern>,
    /// Element → patterns that are looked for where it occurs.
    pub anchored: Vec<Vec<PatternId>>,
    /// The rules.
    pub rules: Vec<Rule>,
    /// By kind: what suppresses it.
    pub kind_except: BTreeMap<SignalKind, Vec<(Where, Row)>>,
    /// The declared marks, each with its patterns.
    pub marks: Vec<(String, Vec<Pattern>)>,
    /// Where «не» denies nothing.
    pub no_denial: Vec<Row>,
    /// What denies the words before it.
    pub denial_after: Vec<Row>,
}
