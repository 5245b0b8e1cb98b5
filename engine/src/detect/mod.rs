//! Noticing: from the text of one utterance to signals with their quoted evidence.
//!
//! text → words with offsets (`normalise`) → rules that apply (`matcher`) → one best finding a kind. A trained
//! classifier joins in later, in `crate::ear`.

pub mod automaton;
mod builtin;
mod circumstance;
mod fuzzy;
pub mod lexicon;
pub mod matcher;
pub mod normalise;
pub mod rules;
mod shouting;
pub mod walk;

use std::sync::atomic::{AtomicU64, Ordering};

use matcher::{Hit, Matcher, Reason};
use normalise::Normalised;
use rules::compile::compile;
pub use rules::error::{Fault, Place, RuleError};
use rules::file::{Source, read};
pub use rules::multiply::multiplied;
use rules::program::{Circumstance, Program};

use crate::signal::{Channel, Found, Party, SignalKind};

/// Finds signals in single utterances. Shared between threads; each thread brings its own [`Scratch`].
pub struct Detector {
    program: Program,
    /// Tells the memory of spellings whose it is.
    id: u64,
    version: String,
}

/// Memory that is reused from utterance to utterance; makes detection about ten times as fast as without.
#[derive(Default)]
pub struct Scratch {
    text: Normalised,
    matcher: Matcher,
}

impl Scratch {
    /// Returns the rules that applied to the last text, for those who write rules.
    pub fn hits(&self) -> &[Hit] {
        &self.matcher.hits
    }

    /// Returns the rules that would have applied to the last text but for a circumstance.
    pub fn prevented(&self) -> &[(u32, Reason)] {
        &self.matcher.prevented
    }

    /// Returns the words of the last text.
    pub fn text(&self) -> &Normalised {
        &self.text
    }
}

impl Detector {
    /// Compiles rule files, given by name and text; reports everything that is wrong in them at once.
    ///
    /// The examples in the files are not run: see [`Detector::check`].
    pub fn new(files: &[(&str, &str)]) -> Result<Self, Vec<RuleError>> {
        let (_, detector, errors) = Self::compiled(files, false);
        if errors.is_empty() { Ok(detector) } else { Err(errors) }
    }

    /// Returns everything wrong with the rule files: what does not compile, examples that fail, rules that cannot work.
    pub fn check(files: &[(&str, &str)]) -> Vec<RuleError> {
        let (source, detector, mut errors) = Self::compiled(files, true);
        rules::examples::check(&source, &detector, &mut errors);
        errors.sort_by(|one, other| one.place.cmp(&other.place));
        errors
    }

    /// Returns the detector with the rules that are compiled into the program; a test checks that all of them are right.
    pub fn builtin() -> Self {
        Self::compiled(builtin::FILES, false).1
    }

    /// Returns the rule files that are compiled into the program, by name and text.
    pub fn builtin_files() -> &'static [(&'static str, &'static str)] {
        builtin::FILES
    }

    fn compiled(files: &[(&str, &str)], lint: bool) -> (Source, Self, Vec<RuleError>) {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let mut source = Source::default();
        let mut errors = Vec::new();
        for (name, text) in files {
            read(name, text, &mut source, &mut errors);
        }
        let program = compile(&mut source, &mut errors, lint);
        errors.sort_by(|one, other| one.place.cmp(&other.place));
        let detector = Self { program, id: NEXT.fetch_add(1, Ordering::Relaxed), version: version_of(files) };
        (source, detector, errors)
    }

    /// Returns a short name of exactly these rules: a hash of their files.
    pub fn rules_version(&self) -> &str {
        &self.version
    }

    /// Returns how many rules there are.
    pub fn rule_count(&self) -> usize {
        self.program.rules.len()
    }

    /// Returns the place of a rule in its file, by the index that a [`Hit`] carries.
    pub fn rule_place(&self, rule: u32) -> Option<&Place> {
        self.program.rules.get(rule as usize).map(|rule| &rule.place)
    }

    /// Returns the name of a reason in the words of the rule files.
    pub fn reason_name(&self, reason: Reason) -> &str {
        match reason {
            Reason::Excluded => "рядом стоит исключённое",
            Reason::Person => "лицо",
            Reason::Tense => "время",
            Reason::Circumstance(Circumstance::Denied) => "отрицание",
            Reason::Circumstance(Circumstance::Question) => "вопрос",
            Reason::Circumstance(Circumstance::Condition) => "условие",
            Reason::Circumstance(Circumstance::Quoted) => "цитата",
            Reason::Circumstance(Circumstance::Addressed) => "адресат",
            Reason::Circumstance(Circumstance::Mark(index)) => {
                self.program.marks.get(usize::from(index)).map_or("", |mark| &mark.0)
            }
        }
    }

    /// Finds the signals in one utterance: at most one, the best, of each kind, by where they begin.
    pub fn detect(&self, text: &str, party: Party, channel: Channel) -> Vec<Found> {
        self.detect_with(text, party, channel, &mut Scratch::default())
    }

    /// Does what [`Detector::detect`] does, with memory that the caller keeps.
    pub fn detect_with(
        &self,
        text: &str,
        party: Party,
        channel: Channel,
        scratch: &mut Scratch,
    ) -> Vec<Found> {
        self.by_rules(text, party, channel, scratch, false)
    }

    /// Runs every rule, not only the surest of each kind, so that [`Scratch::hits`] shows all that apply: for rule writers.
    pub fn explain(&self, text: &str, party: Party, channel: Channel, scratch: &mut Scratch) -> Vec<Found> {
        self.by_rules(text, party, channel, scratch, true)
    }

    fn by_rules(
        &self,
        text: &str,
        party: Party,
        channel: Channel,
        scratch: &mut Scratch,
        all: bool,
    ) -> Vec<Found> {
        scratch.text.read(&self.program, self.id, text);
        scratch.matcher.run(&self.program, &scratch.text, party, channel, all);
        let mut found: Vec<Found> = Vec::new();
        for hit in &scratch.matcher.hits {
            let rule = &self.program.rules[hit.rule as usize];
            let span = &hit.span;
            let (Some(first), Some(last)) = (
                scratch.text.tokens.get(span.evidence as usize),
                scratch.text.tokens.get((span.evidence_end as usize).saturating_sub(1)),
            ) else {
                continue;
            };
            keep_best(&mut found, rule.kind, first.start, last.end, rule.confidence, &rule.name);
        }
        if party == Party::Customer {
            shouting::find(&scratch.text, &mut found);
        }
        found.sort_by_key(|found| (found.start, found.kind));
        found
    }
}

/// Keeps of each kind the finding with the highest confidence; of equals the first.
fn keep_best(found: &mut Vec<Found>, kind: SignalKind, start: u32, end: u32, confidence: u8, rule: &str) {
    match found.iter_mut().find(|known| known.kind == kind) {
        Some(known)
            if (confidence, std::cmp::Reverse(start))
                <= (known.confidence, std::cmp::Reverse(known.start)) => {}
        Some(known) => *known = Found { kind, start, end, confidence, rule: rule.to_owned() },
        None => found.push(Found { kind, start, end, confidence, rule: rule.to_owned() }),
    }
}

/// FNV-1a over names and texts: short, stable everywhere, and no secret depends on it.
fn version_of(files: &[(&str, &str)]) -> String {
    let bytes =
        files.iter().flat_map(|(name, text)| [name.as_bytes(), &[0], text.as_bytes(), &[0]]).flatten();
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}
