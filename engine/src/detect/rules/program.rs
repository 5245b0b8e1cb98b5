//! What rule files become: numbered elements, automata, circumstances; the matcher runs exactly this.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::error::Place;
use super::file::Need;
use super::pattern::{Scope, Where};
use crate::detect::automaton::Automaton;
use crate::detect::fuzzy::Fuzzy;
use crate::detect::lexicon::features::Reading;
use crate::detect::lexicon::{Analysis, LemmaId, Lexicon};
use crate::signal::{Channel, Party, SignalKind};

/// The number of a distinct word with features; those that patterns are searched by come first.
pub type AtomId = u32;

/// The number of a distinct element: a set of atoms, one of which has to fit.
pub type ElementId = u32;

/// The number of a compiled row.
pub type RowId = u32;

/// The number of a compiled pattern.
pub type PatternId = u32;

/// A stretch of one of the long lists of [`Program`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stretch {
    begin: u32,
    length: u32,
}

impl Stretch {
    /// Puts items at the end of a list.
    pub fn put<T>(list: &mut Vec<T>, items: impl IntoIterator<Item = T>) -> Self {
        let begin = list.len() as u32;
        list.extend(items);
        Self { begin, length: list.len() as u32 - begin }
    }

    /// Returns the items.
    pub fn of<T>(self, list: &[T]) -> &[T] {
        &list[self.begin as usize..(self.begin + self.length) as usize]
    }

    /// Returns the items to be changed.
    pub fn of_mut<T>(self, list: &mut [T]) -> &mut [T] {
        &mut list[self.begin as usize..(self.begin + self.length) as usize]
    }
}

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

/// An atom wants a word, if one of its readings fulfils all conditions.
#[derive(Clone, Debug)]
pub struct Want {
    /// The atom.
    pub atom: AtomId,
    /// What the reading must fulfil.
    pub conditions: Arc<[Condition]>,
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

/// What is known of an atom.
#[derive(Clone, Copy, Debug, Default)]
pub struct AtomTraits {
    /// One bit for its word; different words may share it.
    pub mask: u64,
    /// Some element with it holds named words alone, so that fitting it says what the word is.
    pub named: bool,
}

/// A set of atoms.
#[derive(Clone, Copy, Debug, Default)]
pub struct Element {
    /// In [`Program::element_atoms`], sorted.
    pub atoms: Stretch,
    /// The bits of its atoms together: a word without any of them does not fit.
    pub mask: u64,
}

/// What to look at when a word fits an atom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate {
    /// The rarest other element without which the pattern cannot match; [`NO_GUARD`]: none, or it may stand in another sentence.
    pub guard: ElementId,
    /// The pattern.
    pub pattern: PatternId,
    /// 100 − confidence of its rule. This and what follows stands here so that most candidates are refused without a look at
    /// the pattern and its rule, which lie far away in memory.
    pub doubt: u8,
    /// The channels of its rule.
    pub channels: u8,
    /// Whether the sentence must hold other elements, too.
    pub more_guards: bool,
}

/// No element has this number.
pub const NO_GUARD: ElementId = ElementId::MAX;

/// One compiled pattern line.
#[derive(Clone, Copy, Debug)]
pub struct Pattern {
    /// Index of its rule.
    pub rule: u32,
    /// Its rows in [`Program::pattern_rows`]; the first carries the evidence.
    pub rows: Stretch,
    /// How near the rows must stand.
    pub scope: Scope,
    /// What must not stand near, in [`Program::exclusions`].
    pub without: Stretch,
    /// Elements of which every match contains each, rarest first, in [`Program::guards`].
    pub guards: Stretch,
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
    pub except: Vec<(Where, RowId)>,
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
    /// Lemma → atoms that want it.
    pub by_lemma: FxHashMap<LemmaId, Vec<Want>>,
    /// Form → atoms that want it.
    pub by_form: FxHashMap<Box<str>, Vec<Want>>,
    /// Beginning → atoms that want it.
    pub by_prefix: FxHashMap<Box<str>, Vec<Want>>,
    /// Atoms that ask for features only.
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
    /// The atoms.
    pub atoms: Vec<AtomTraits>,
    /// The elements.
    pub elements: Vec<Element>,
    /// The atoms of the elements.
    pub element_atoms: Vec<AtomId>,
    /// The rows.
    pub rows: Vec<Automaton>,
    /// What may follow each position of the rows.
    pub follow: Vec<u64>,
    /// The elements of the rows, each with its positions.
    pub row_elements: Vec<(ElementId, u64)>,
    /// The patterns.
    pub patterns: Vec<Pattern>,
    /// The rows of the patterns.
    pub pattern_rows: Vec<RowId>,
    /// The guards of the patterns.
    pub guards: Vec<ElementId>,
    /// What must not stand near the patterns.
    pub exclusions: Vec<(Where, RowId)>,
    /// By party and atom: what is looked for where it occurs, in [`Program::candidates`]; the other atoms call nothing.
    pub called: [Vec<Stretch>; 2],
    /// The candidates of the atoms, those of one guard together.
    pub candidates: Vec<Candidate>,
    /// The rules.
    pub rules: Vec<Rule>,
    /// By kind: what suppresses it.
    pub kind_except: BTreeMap<SignalKind, Vec<(Where, RowId)>>,
    /// The declared marks, each with its patterns.
    pub marks: Vec<(String, Vec<Pattern>)>,
    /// Where «не» denies nothing.
    pub no_denial: Vec<RowId>,
    /// What denies the words before it.
    pub denial_after: Vec<RowId>,
}

impl Program {
    /// Returns the atoms of an element, sorted.
    pub fn atoms_of(&self, element: ElementId) -> &[AtomId] {
        self.elements[element as usize].atoms.of(&self.element_atoms)
    }

    /// Returns the rows of a pattern.
    pub fn rows_of(&self, pattern: &Pattern) -> &[RowId] {
        pattern.rows.of(&self.pattern_rows)
    }
}
