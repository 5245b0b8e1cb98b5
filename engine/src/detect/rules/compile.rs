//! From rule files as written to what the matcher runs: numbered elements, automata, anchors, circumstances.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::error::{Fault, Place, RuleError};
use super::file::{BUILTIN_NEEDS, Need, Options, Source, SourceRule};
use super::names::{Features, Name, Names};
use super::pattern::{Atom, Line, Scope, Word};
use super::program::{
    AtomId, Candidate, Circumstance, Condition, ElementId, NO_GUARD, Pattern, PatternId, Program, RowId,
    Rule, Stretch, Want, channel_bit,
};
use super::row::{Opened, Tree};
use crate::detect::fuzzy::Fuzzy;
use crate::detect::lexicon::features::{FUTR, PAST, PER1, PER2, PER3, PRES};
use crate::detect::lexicon::{LemmaId, Lexicon};

/// Compiles everything; what is wrong is added to `errors`, and the rest still compiles so that all is reported at once.
///
/// `lint` also looks through the paradigms for features that no form has, which takes seconds.
pub fn compile(source: &mut Source, errors: &mut Vec<RuleError>, lint: bool) -> Program {
    let lexicon = Lexicon::builtin();
    let names = std::mem::take(&mut source.names);
    let source = &*source;
    let mut compiler = Compiler {
        source,
        errors,
        lint,
        names,
        atoms: FxHashMap::default(),
        weights: Vec::new(),
        frequencies: Vec::new(),
        faulty: FxHashMap::default(),
        conditions: FxHashMap::default(),
        elements: FxHashMap::default(),
        cost: Vec::new(),
        often: Vec::new(),
        rows: FxHashMap::default(),
        opened: FxHashMap::default(),
        common: include_str!("../../../data/lexicon/common.txt")
            .lines()
            .filter(|line| !line.starts_with('#'))
            .flat_map(str::split_whitespace)
            .collect(),
        open_macros: Vec::new(),
        deepest: 0,
        nodes: 0,
        program: Program {
            lexicon,
            by_lemma: FxHashMap::default(),
            by_form: FxHashMap::default(),
            by_prefix: FxHashMap::default(),
            by_features: Vec::new(),
            declared: FxHashMap::default(),
            mishearings: FxHashMap::default(),
            fillers: source.fillers.iter().map(|word| word.as_str().into()).collect(),
            masks: source.masks.iter().map(|word| word.as_str().into()).collect(),
            fuzzy: Fuzzy::default(),
            atoms: Vec::new(),
            elements: Vec::new(),
            element_atoms: Vec::new(),
            rows: Vec::new(),
            follow: Vec::new(),
            row_elements: Vec::new(),
            patterns: Vec::new(),
            pattern_rows: Vec::new(),
            guards: Vec::new(),
            exclusions: Vec::new(),
            called: [Vec::new(), Vec::new()],
            candidates: Vec::new(),
            rules: Vec::new(),
            kind_except: BTreeMap::new(),
            marks: Vec::new(),
            no_denial: Vec::new(),
            denial_after: Vec::new(),
        },
        declared_lemmas: FxHashMap::default(),
        doubtful: FxHashMap::default(),
        doubtful_places: FxHashMap::default(),
        partners: FxHashMap::default(),
        searched: Vec::new(),
    };
    compiler.declare_words();
    compiler.shared();
    for rule in &source.rules {
        compiler.rule(rule);
    }
    compiler.finish()
}

/// A word with features that none of its forms has been found to have yet.
pub(super) struct Doubt {
    pub(super) want: Want,
    pub(super) lemma: String,
}

/// Work in hand while the files are compiled.
pub(super) struct Compiler<'s> {
    pub(super) source: &'s Source,
    pub(super) errors: &'s mut Vec<RuleError>,
    pub(super) lint: bool,
    pub(super) names: Names,
    pub(super) atoms: FxHashMap<Atom, AtomId>,
    /// How common the word of an atom is, in rough units; tells patterns that are about nothing.
    pub(super) weights: Vec<u64>,
    /// How often a word is expected to fit an atom.
    pub(super) frequencies: Vec<u64>,
    /// What is wrong with atoms.
    pub(super) faulty: FxHashMap<AtomId, Vec<Fault>>,
    pub(super) conditions: FxHashMap<Features, Arc<[Condition]>>,
    pub(super) elements: FxHashMap<Box<[AtomId]>, ElementId>,
    /// How common the words of an element are, in rough units.
    pub(super) cost: Vec<u64>,
    /// How often a word is expected to fit an element.
    pub(super) often: Vec<u64>,
    /// Rows by their hash.
    pub(super) rows: FxHashMap<u64, RowId>,
    pub(super) common: HashSet<&'static str>,
    /// Macros compiled before, with the features asked of them.
    pub(super) opened: FxHashMap<(Name, Features), Opened>,
    pub(super) open_macros: Vec<Name>,
    /// Most macros that have been open at once in the one being compiled.
    pub(super) deepest: usize,
    /// How many parts the row has, macros replaced.
    pub(super) nodes: usize,
    pub(super) program: Program,
    pub(super) declared_lemmas: FxHashMap<String, LemmaId>,
    pub(super) doubtful: FxHashMap<LemmaId, Vec<Doubt>>,
    /// Where doubtful atoms are used.
    pub(super) doubtful_places: FxHashMap<AtomId, Vec<Place>>,
    /// Aspect pairs looked up before.
    pub(super) partners: FxHashMap<String, Vec<String>>,
    /// The patterns with the trees of their rows.
    pub(super) searched: Vec<(PatternId, Vec<Tree>)>,
}

impl Compiler<'_> {
    pub(super) fn fail(&mut self, place: &Place, fault: Fault) {
        let error = RuleError { place: place.clone(), fault };
        if !self.errors.contains(&error) {
            self.errors.push(error);
        }
    }

    fn shared(&mut self) {
        let source = self.source;
        for (heard, meant) in &source.mishearings {
            self.program.mishearings.entry(heard.as_str().into()).or_default().push(meant.as_str().into());
        }
        for (name, (lines, _)) in &source.marks {
            let patterns =
                lines.iter().filter_map(|line| self.pattern(line, u32::MAX).map(|built| built.0)).collect();
            self.program.marks.push((name.clone(), patterns));
        }
        for line in &source.no_denial {
            let rows: Vec<RowId> = line
                .parts
                .iter()
                .filter_map(|node| self.row(node, &line.place))
                .map(|built| built.0)
                .collect();
            self.program.no_denial.extend(rows);
        }
        for line in &source.denial_after {
            let rows: Vec<RowId> = line
                .parts
                .iter()
                .filter_map(|node| self.row(node, &line.place))
                .map(|built| built.0)
                .collect();
            self.program.denial_after.extend(rows);
        }
        for (kind, side, node) in &source.kind_except {
            if let Some((row, _)) = self.row(node, &Place::default()) {
                self.program.kind_except.entry(*kind).or_default().push((*side, row));
            }
        }
    }

    fn rule(&mut self, rule: &SourceRule) {
        let index = self.program.rules.len() as u32;
        if rule.lines.is_empty() {
            self.fail(&rule.place, Fault::NoPattern { rule: rule.name.clone() });
        }
        let options = rule.options.over(&self.source.defaults);
        let needs = self.needs(&options);
        let except = rule
            .except
            .iter()
            .filter_map(|(side, node)| Some((*side, self.row(node, &rule.place)?.0)))
            .collect();
        let tense = |name: &String| match name.as_str() {
            "прош" => PAST,
            "наст" => PRES,
            _ => FUTR,
        };
        let person = |number: &u8| match number {
            1 => PER1,
            2 => PER2,
            _ => PER3,
        };
        self.program.rules.push(Rule {
            kind: rule.kind,
            name: rule.name.clone(),
            place: rule.place.clone(),
            party: options.party.unwrap_or(rule.kind.party()),
            channels: options
                .channels
                .map_or(u8::MAX, |all| all.into_iter().map(channel_bit).fold(0, |bits, bit| bits | bit)),
            confidence: options.confidence.unwrap_or(80),
            persons: options.persons.unwrap_or_default().iter().map(person).fold(0, |bits, bit| bits | bit),
            tenses: options.tenses.unwrap_or_default().iter().map(tense).fold(0, |bits, bit| bits | bit),
            words: options.words.map_or(u32::MAX, u32::from),
            needs,
            except,
        });
        for line in &rule.lines {
            let Some((pattern, trees)) = self.pattern(line, index) else { continue };
            self.searched.push((self.program.patterns.len() as PatternId, trees));
            self.program.patterns.push(pattern);
        }
    }

    fn needs(&mut self, options: &Options) -> Vec<(Circumstance, Need)> {
        let mut needs = Vec::new();
        if !options.needs.contains_key("отрицание") {
            needs.push((Circumstance::Denied, Need::Forbidden));
        }
        for (name, (need, place)) in &options.needs {
            let circumstance = match name.as_str() {
                "отрицание" => Circumstance::Denied,
                "вопрос" => Circumstance::Question,
                "условие" => Circumstance::Condition,
                "цитата" => Circumstance::Quoted,
                "адресат" => Circumstance::Addressed,
                _ => match self.program.marks.iter().position(|mark| mark.0 == *name) {
                    Some(index) => Circumstance::Mark(index as u16),
                    None => {
                        let marks = self.source.marks.keys().map(String::as_str);
                        let known: Vec<&str> = BUILTIN_NEEDS.into_iter().chain(marks).collect();
                        self.fail(place, Fault::UnknownKey { key: name.clone(), known: known.join(", ") });
                        continue;
                    }
                },
            };
            if *need != Need::Allowed {
                needs.push((circumstance, *need));
            }
        }
        needs
    }

    /// Compiles a line; also returns the trees of its rows.
    fn pattern(&mut self, line: &Line, rule: u32) -> Option<(Pattern, Vec<Tree>)> {
        let mut rows = Vec::new();
        let mut trees = Vec::new();
        for part in &line.parts {
            let (row, tree) = self.row(part, &line.place)?;
            rows.push(row);
            trees.push(tree);
        }
        if !trees.iter().any(|tree| self.is_particular(tree)) {
            self.fail(&line.place, Fault::MatchesEverything);
            return None;
        }
        let without: Vec<_> = line
            .without
            .iter()
            .filter_map(|(side, node)| Some((*side, self.row(node, &line.place)?.0)))
            .collect();
        let program = &mut self.program;
        let rows = Stretch::put(&mut program.pattern_rows, rows);
        let without = Stretch::put(&mut program.exclusions, without);
        Some((Pattern { rule, rows, scope: line.scope, without, guards: Stretch::default() }, trees))
    }

    /// Picks for every pattern the elements to search it by, the rarest there are; every other clause of it becomes a guard.
    fn pick_anchors(&mut self) {
        let mut calls: [Vec<(AtomId, Candidate)>; 2] = [Vec::new(), Vec::new()];
        for (id, trees) in std::mem::take(&mut self.searched) {
            let mut clauses = Vec::new();
            trees.iter().for_each(|tree| self.clauses(tree, &mut clauses));
            let Some(best) = (0..clauses.len()).min_by_key(|index| clauses[*index].0) else { continue };
            let (_, anchors) = clauses.remove(best);
            clauses.sort();
            let mut guards: Vec<ElementId> = Vec::new();
            for (_, elements) in clauses.into_iter().filter(|clause| clause.1 != anchors) {
                let guard = self.union(&elements);
                if !guards.contains(&guard) {
                    guards.push(guard);
                }
            }
            let program = &mut self.program;
            let pattern = &mut program.patterns[id as usize];
            let guard = match pattern.scope {
                Scope::Clause => guards.first().copied().unwrap_or(NO_GUARD),
                Scope::Utterance => NO_GUARD,
            };
            let rule = &program.rules[pattern.rule as usize];
            let candidate = Candidate {
                guard,
                pattern: id,
                doubt: 100 - rule.confidence.min(100),
                channels: rule.channels,
                more_guards: guard != NO_GUARD && guards.len() > 1,
            };
            pattern.guards = Stretch::put(&mut program.guards, guards);
            for element in anchors {
                let atoms = program.elements[element as usize].atoms.of(&program.element_atoms);
                calls[rule.party as usize & 1].extend(atoms.iter().map(|atom| (*atom, candidate)));
            }
        }
        self.number_atoms(&mut calls);
        for (party, mut calls) in calls.into_iter().enumerate() {
            calls.sort_unstable();
            calls.dedup();
            let mut rest = calls.as_slice();
            for (atom, called) in self.program.called[party].iter_mut().enumerate() {
                let (own, others) = rest.split_at(rest.partition_point(|call| call.0 as usize == atom));
                *called = Stretch::put(&mut self.program.candidates, own.iter().map(|call| call.1));
                rest = others;
            }
        }
    }

    /// Returns the element that any word of the elements fits.
    fn union(&mut self, elements: &[ElementId]) -> ElementId {
        if let [one] = elements {
            return *one;
        }
        let atoms = elements.iter().flat_map(|element| self.program.atoms_of(*element)).copied().collect();
        self.element(atoms)
    }

    /// Gives the atoms that call patterns the lowest numbers, so that they stand first in every list of atoms.
    fn number_atoms(&mut self, calls: &mut [Vec<(AtomId, Candidate)>; 2]) {
        let program = &mut self.program;
        let mut numbers = vec![AtomId::MAX; program.atoms.len()];
        let mut next = 0;
        let mut number = |atom: AtomId| {
            let new = &mut numbers[atom as usize];
            if *new == AtomId::MAX {
                *new = next;
                next += 1;
            }
            *new
        };
        calls.iter_mut().flatten().for_each(|call| call.0 = number(call.0));
        let anchors = calls.iter().flatten().map(|call| call.0 as usize + 1).max().unwrap_or(0);
        for atom in 0..program.atoms.len() as AtomId {
            number(atom);
        }
        let mut traits = program.atoms.clone();
        for (old, new) in numbers.iter().enumerate() {
            traits[*new as usize] = program.atoms[old];
        }
        program.atoms = traits;
        for element in &program.elements {
            let atoms = element.atoms.of_mut(&mut program.element_atoms);
            atoms.iter_mut().for_each(|atom| *atom = numbers[*atom as usize]);
            atoms.sort_unstable();
        }
        let filed = program.by_lemma.values_mut().chain(program.by_form.values_mut());
        let filed = filed.chain(program.by_prefix.values_mut()).flatten();
        filed.chain(&mut program.by_features).for_each(|want| want.atom = numbers[want.atom as usize]);
        program.called = [vec![Stretch::default(); anchors], vec![Stretch::default(); anchors]];
    }

    /// Notes which atoms tell what a word is.
    fn note_named(&mut self) {
        let program = &mut self.program;
        let mut unnamed = vec![false; program.atoms.len()];
        program.by_features.iter().for_each(|want| unnamed[want.atom as usize] = true);
        for element in &program.elements {
            let atoms = element.atoms.of(&program.element_atoms);
            if !atoms.iter().any(|atom| unnamed[*atom as usize]) {
                atoms.iter().for_each(|atom| program.atoms[*atom as usize].named = true);
            }
        }
    }

    fn finish(mut self) -> Program {
        if self.lint {
            self.report_doubtful();
        }
        self.note_named();
        self.pick_anchors();
        let mut words: Vec<String> = Vec::new();
        for atom in std::mem::take(&mut self.atoms).into_keys() {
            match atom.word {
                Word::Lemma(word) | Word::Exact(word) => words.push(self.names.text(word).to_string()),
                Word::Pair(verb) => {
                    let verb = self.names.text(verb).to_string();
                    words.extend(self.partners(&verb));
                    words.push(verb);
                }
                Word::Prefix(_) | Word::Any => {}
            }
        }
        words.sort();
        words.dedup();
        self.program.fuzzy = Fuzzy::of(words);
        self.program
    }
}
