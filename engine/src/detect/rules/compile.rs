//! From rule files as written to what the matcher runs: numbered elements, automata, anchors, circumstances.

use std::collections::{BTreeMap, HashSet};

use rustc_hash::FxHashMap;

use super::error::{Fault, Place, RuleError};
use super::file::{BUILTIN_NEEDS, Need, Options, Source, SourceRule};
use super::pattern::{Element, Line, Word};
use super::program::{Circumstance, ElementId, Pattern, PatternId, Program, Row, Rule, Want, channel_bit};
use super::row::{ANY_WORD, Tree};
use crate::detect::fuzzy::Fuzzy;
use crate::detect::lexicon::features::{FUTR, PAST, PER1, PER2, PER3, PRES};
use crate::detect::lexicon::{LemmaId, Lexicon};

/// Compiles everything; what is wrong is added to `errors`, and the rest still compiles so that all is reported at once.
///
/// `lint` also looks through the paradigms for features that no form has, which takes seconds.
pub fn compile(source: &Source, errors: &mut Vec<RuleError>, lint: bool) -> Program {
    let lexicon = Lexicon::builtin();
    let mut compiler = Compiler {
        source,
        errors,
        lint,
        elements: FxHashMap::default(),
        list: Vec::new(),
        cost: Vec::new(),
        common: include_str!("../../../data/lexicon/common.txt")
            .lines()
            .filter(|line| !line.starts_with('#'))
            .flat_map(str::split_whitespace)
            .collect(),
        open_macros: Vec::new(),
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
            patterns: Vec::new(),
            anchored: Vec::new(),
            rules: Vec::new(),
            kind_except: BTreeMap::new(),
            marks: Vec::new(),
            no_denial: Vec::new(),
            denial_after: Vec::new(),
        },
        declared_lemmas: FxHashMap::default(),
        doubtful: FxHashMap::default(),
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

/// Work in hand while the files are compiled.
pub(super) struct Compiler<'s> {
    pub(super) source: &'s Source,
    pub(super) errors: &'s mut Vec<RuleError>,
    pub(super) lint: bool,
    pub(super) elements: FxHashMap<Vec<Element>, ElementId>,
    pub(super) list: Vec<Vec<Element>>,
    /// How often a word is expected to fit an element, in rough units.
    pub(super) cost: Vec<u64>,
    pub(super) common: HashSet<&'static str>,
    pub(super) open_macros: Vec<String>,
    /// How many parts the row has, macros replaced.
    pub(super) nodes: usize,
    pub(super) program: Program,
    pub(super) declared_lemmas: FxHashMap<String, LemmaId>,
    /// Elements with features that no form has been found for yet.
    pub(super) doubtful: FxHashMap<LemmaId, Vec<(Want, String, Place)>>,
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
            let rows: Vec<Row> = line
                .parts
                .iter()
                .filter_map(|node| self.row(node, &line.place))
                .map(|built| built.0)
                .collect();
            self.program.no_denial.extend(rows);
        }
        for line in &source.denial_after {
            let rows: Vec<Row> = line
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
        if trees.iter().all(|tree| self.anchors(tree).is_none()) {
            self.fail(&line.place, Fault::MatchesEverything);
            return None;
        }
        let without = line
            .without
            .iter()
            .filter_map(|(side, node)| Some((*side, self.row(node, &line.place)?.0)))
            .collect();
        let needs = rows.iter().flat_map(|row| row.needs.iter().copied()).collect();
        Some((Pattern { rule, rows, scope: line.scope, without, needs }, trees))
    }

    /// Picks for every pattern the elements to search it by: rare in speech, and in few rules, so that a word that half of
    /// the rules are about does not call all of them.
    fn pick_anchors(&mut self) {
        for wants in self.program.by_lemma.values() {
            for want in wants {
                // Never as dear as «*», which no search may begin with.
                let cost = &mut self.cost[want.element as usize];
                *cost = (*cost + wants.len() as u64 / 2).min((*cost).max(ANY_WORD - 1));
            }
        }
        self.program.anchored.resize_with(self.list.len(), Vec::new);
        for (id, trees) in std::mem::take(&mut self.searched) {
            let best = trees.iter().filter_map(|tree| self.anchors(tree)).min_by_key(|anchors| anchors.0);
            for element in best.map_or_else(Vec::new, |best| best.1) {
                self.program.anchored[element as usize].push(id);
            }
            let needs = &mut self.program.patterns[id as usize].needs;
            needs.sort_by_key(|element| (self.cost[*element as usize], *element));
        }
        for patterns in &mut self.program.anchored {
            patterns.dedup();
            patterns.shrink_to_fit();
        }
    }

    fn finish(mut self) -> Program {
        if self.lint {
            self.report_doubtful();
        }
        self.pick_anchors();
        let mut words: Vec<String> = Vec::new();
        for element in std::mem::take(&mut self.list) {
            for one in &element {
                match &one.word {
                    Word::Lemma(word) | Word::Exact(word) => words.push(word.to_string()),
                    Word::Pair(verb) => {
                        words.extend(self.partners(verb));
                        words.push(verb.to_string());
                    }
                    Word::Prefix(_) | Word::Any => {}
                }
            }
        }
        words.sort();
        words.dedup();
        self.program.fuzzy = Fuzzy::of(words);
        self.program
    }
}
