//! From rule files as written to what the matcher runs: numbered elements, automata, anchors, circumstances.

use std::collections::{BTreeMap, HashSet};

use rustc_hash::FxHashMap;

use super::error::{Fault, Place, RuleError, nearest};
use super::file::{BUILTIN_NEEDS, Need, Options, Source, SourceRule};
use super::pattern::{Element, Feature, Line, Node, Scope, Where, Word};
use crate::detect::automaton::{Automaton, Edge, Label, MOST_POSITIONS, Part, bits};
use crate::detect::fuzzy::Fuzzy;
use crate::detect::lexicon::features::{
    ACTV, COMP, FEMN, FUTR, MASC, NOMN, NOUN, PAST, PER1, PER2, PER3, PLUR, PRES, PRTF, PSSV, Reading, SING,
    bit_of_name,
};
use crate::detect::lexicon::{Analysis, LemmaId, Lexicon, pairs};
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

/// One row with the elements it cannot do without, as a filter.
#[derive(Clone, Debug)]
pub struct Row {
    /// The automaton.
    pub automaton: Automaton,
    /// Filter bits of the elements that every match contains.
    pub needs: u128,
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
    /// Filter bits over all rows.
    pub needs: u128,
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
    pub words: u16,
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

/// Returns the filter bit of an element.
pub fn filter_bit(element: ElementId) -> u128 {
    1 << (element.wrapping_mul(0x9E37_79B9) >> 25)
}

/// A pattern with macros replaced and elements numbered.
enum Tree {
    Word(ElementId),
    Row(Vec<Tree>),
    Either(Vec<Tree>),
    Maybe(Box<Tree>),
    Gap(Option<u8>),
    Evidence(Box<Tree>),
    Begin(bool),
    End(bool),
}

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
    };
    compiler.declare_words();
    compiler.shared();
    for rule in &source.rules {
        compiler.rule(rule);
    }
    compiler.finish()
}

struct Compiler<'s> {
    source: &'s Source,
    errors: &'s mut Vec<RuleError>,
    lint: bool,
    elements: FxHashMap<Vec<Element>, ElementId>,
    list: Vec<Vec<Element>>,
    /// How often a word is expected to fit an element, in rough units.
    cost: Vec<u64>,
    common: HashSet<&'static str>,
    open_macros: Vec<String>,
    program: Program,
    declared_lemmas: FxHashMap<String, LemmaId>,
    /// Elements with features that no form has been found for yet.
    doubtful: FxHashMap<LemmaId, Vec<(Want, String, Place)>>,
}

impl Compiler<'_> {
    fn fail(&mut self, place: &Place, fault: Fault) {
        let error = RuleError { place: place.clone(), fault };
        if !self.errors.contains(&error) {
            self.errors.push(error);
        }
    }

    /// A declared word inflects like the dictionary word it is compared to, or not at all.
    fn declare_words(&mut self) {
        for (new, like, place) in &self.source.words {
            let next = self.program.lexicon.lemma_count() + self.declared_lemmas.len() as u32;
            let id = *self.declared_lemmas.entry(new.clone()).or_insert(next);
            let mut forms = vec![(new.clone(), Vec::new())];
            if let Some(like) = like {
                let model = self.program.lexicon.forms_of(like, 3);
                if model.is_empty() {
                    let cure = "сравнивать можно со словом из словаря в начальной форме";
                    self.fail(place, Fault::DeadElement { element: like.clone(), cure: cure.to_owned() });
                }
                let forms_like = model
                    .into_iter()
                    .filter_map(|(form, readings)| Some((inflect_like(new, like, &form)?, readings)));
                forms = forms_like.collect();
            }
            for (form, readings) in forms {
                let analyses = self.program.declared.entry(form.into_boxed_str()).or_default();
                match analyses.iter_mut().find(|one| one.lemma == id) {
                    Some(known) => known.readings.extend(readings),
                    None => analyses.push(Analysis { lemma: id, readings }),
                }
            }
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
            words: options.words.unwrap_or(u16::MAX),
            needs,
            except,
        });
        for line in &rule.lines {
            let Some((pattern, anchors)) = self.pattern(line, index) else { continue };
            let id = self.program.patterns.len() as PatternId;
            self.program.patterns.push(pattern);
            for element in anchors {
                let element = element as usize;
                if self.program.anchored.len() <= element {
                    self.program.anchored.resize_with(element + 1, Vec::new);
                }
                self.program.anchored[element].push(id);
            }
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

    /// Compiles a line; also returns the elements it is looked for by.
    fn pattern(&mut self, line: &Line, rule: u32) -> Option<(Pattern, Vec<ElementId>)> {
        let mut rows = Vec::new();
        let mut best: Option<(u64, Vec<ElementId>)> = None;
        for part in &line.parts {
            let (row, anchors) = self.row(part, &line.place)?;
            rows.push(row);
            if let Some(anchors) =
                anchors.filter(|anchors| best.as_ref().is_none_or(|best| anchors.0 < best.0))
            {
                best = Some(anchors);
            }
        }
        let Some((_, anchors)) = best else {
            self.fail(&line.place, Fault::MatchesEverything);
            return None;
        };
        let without = line
            .without
            .iter()
            .filter_map(|(side, node)| Some((*side, self.row(node, &line.place)?.0)))
            .collect();
        let needs = rows.iter().fold(0, |bits, row| bits | row.needs);
        Some((Pattern { rule, rows, scope: line.scope, without, needs }, anchors))
    }

    fn row(&mut self, node: &Node, place: &Place) -> Option<(Row, Option<(u64, Vec<ElementId>)>)> {
        let tree = self.tree(node, place)?;
        let mut automaton = Automaton::default();
        let whole = self.build(&tree, &mut automaton, true, place);
        if automaton.labels.len() > MOST_POSITIONS {
            let positions = automaton.labels.len();
            self.fail(place, Fault::TooLong { positions, limit: MOST_POSITIONS });
            return None;
        }
        if whole.nullable || bits(whole.first).any(|index| automaton.labels[index] == Label::Gap) {
            self.fail(place, Fault::MatchesEverything);
            return None;
        }
        automaton.close(whole);
        let mut needs = 0;
        needed(&tree, &mut needs);
        let anchors = self.anchors(&tree);
        Some((Row { automaton, needs }, anchors))
    }

    /// Replaces macros and numbers elements; alternatives of single words become one element.
    fn tree(&mut self, node: &Node, place: &Place) -> Option<Tree> {
        Some(match node {
            Node::Word(element, place) => Tree::Word(self.element(vec![(element.clone(), place.clone())])),
            Node::Row(items) => {
                Tree::Row(items.iter().map(|item| self.tree(item, place)).collect::<Option<_>>()?)
            }
            Node::Either(items) => {
                let (mut words, mut others) = (Vec::new(), Vec::new());
                self.choices(items, place, &mut words, &mut others)?;
                if !words.is_empty() {
                    others.push(Tree::Word(self.element(words)));
                }
                if others.len() == 1 { others.remove(0) } else { Tree::Either(others) }
            }
            Node::Maybe(inner) => Tree::Maybe(Box::new(self.tree(inner, place)?)),
            Node::Gap(most) => Tree::Gap(*most),
            Node::Evidence(inner) => Tree::Evidence(Box::new(self.tree(inner, place)?)),
            Node::Begin(utterance) => Tree::Begin(*utterance),
            Node::End(utterance) => Tree::End(*utterance),
            Node::Macro(name, features, place) => {
                let node = self.open_macro(name, features, place)?;
                let tree = self.tree(&node, place);
                self.open_macros.pop();
                tree?
            }
        })
    }

    fn choices(
        &mut self,
        items: &[Node],
        place: &Place,
        words: &mut Vec<(Element, Place)>,
        others: &mut Vec<Tree>,
    ) -> Option<()> {
        for item in items {
            match item {
                Node::Word(element, place) => words.push((element.clone(), place.clone())),
                Node::Either(inner) => self.choices(inner, place, words, others)?,
                Node::Macro(name, features, place) => {
                    let node = self.open_macro(name, features, place)?;
                    let done = self.choices(std::slice::from_ref(&node), place, words, others);
                    self.open_macros.pop();
                    done?;
                }
                other => others.push(self.tree(other, place)?),
            }
        }
        Some(())
    }

    fn open_macro(&mut self, name: &str, features: &[Feature], place: &Place) -> Option<Node> {
        if self.open_macros.iter().any(|open| open == name) {
            let path =
                self.open_macros.iter().map(String::as_str).chain([name]).collect::<Vec<_>>().join(" → ");
            self.fail(place, Fault::CyclicMacro { name: name.to_owned(), path });
            return None;
        }
        let Some((node, _)) = self.source.macros.get(name) else {
            let near = nearest(name, self.source.macros.keys().map(String::as_str))
                .map_or_else(String::new, |near| format!(" (есть «@{near}»)"));
            self.fail(place, Fault::UnknownMacro { name: name.to_owned(), near });
            return None;
        };
        self.open_macros.push(name.to_owned());
        let mut node = node.clone();
        node.ask_for(features);
        Some(node)
    }

    fn element(&mut self, mut words: Vec<(Element, Place)>) -> ElementId {
        words.sort();
        words.dedup_by(|one, other| one.0 == other.0);
        let key: Vec<Element> = words.iter().map(|word| word.0.clone()).collect();
        if let Some(&id) = self.elements.get(&key) {
            return id;
        }
        let id = self.list.len() as ElementId;
        self.list.push(key.clone());
        self.elements.insert(key, id);
        let cost = words.iter().map(|(word, place)| self.file(id, word, place)).sum();
        self.cost.push(cost);
        id
    }

    /// Files one word of an element in the index; returns how common it is.
    fn file(&mut self, element: ElementId, word: &Element, place: &Place) -> u64 {
        let conditions: Box<[Condition]> =
            word.features.iter().map(|feature| self.condition(feature, place)).collect();
        let want = Want { element, conditions };
        let doubt =
            self.lint && !word.features.is_empty() && !word.features.iter().any(|feature| feature.lent);
        let weight = |compiler: &Self, text: &str| if compiler.common.contains(text) { 200 } else { 1 };
        match &word.word {
            Word::Lemma(lemma) => {
                self.file_lemma(want, lemma, doubt, place);
                weight(self, lemma)
            }
            Word::Pair(verb) => {
                let others = pairs::partners(self.program.lexicon, verb);
                if others.is_empty() {
                    let cure =
                        "видовой пары к нему нет: уберите «~» или перечислите глаголы через «|»".to_owned();
                    self.fail(place, Fault::DeadElement { element: format!("~{verb}"), cure });
                }
                for one in others.iter().chain([verb]) {
                    self.file_lemma(want.clone(), one, doubt, place);
                }
                weight(self, verb) * 2
            }
            Word::Exact(form) => {
                self.program.by_form.entry(form.as_str().into()).or_default().push(want);
                weight(self, form)
            }
            Word::Prefix(prefix) => {
                let known = self.program.lexicon.has_prefix(prefix)
                    || self.program.declared.keys().any(|form| form.starts_with(prefix.as_str()));
                if !known {
                    let cure = "ни одно слово так не начинается: сократите начало или объявите слово строкой «слова:»".to_owned();
                    self.fail(place, Fault::DeadElement { element: format!("{prefix}*"), cure });
                }
                self.program.by_prefix.entry(prefix.as_str().into()).or_default().push(want);
                4 + 100 / (prefix.chars().count() as u64).pow(2)
            }
            Word::Any => {
                self.program.by_features.push(want);
                if word.features.is_empty() { 10_000 } else { 2_000 }
            }
        }
    }

    fn file_lemma(&mut self, want: Want, lemma: &str, doubt: bool, place: &Place) {
        let id = self.declared_lemmas.get(lemma).copied().or_else(|| self.program.lexicon.lemma(lemma));
        let Some(id) = id else {
            if let Some((owner, conditions)) = self.first_form(lemma) {
                let conditions = want.conditions.iter().copied().chain(conditions).collect();
                self.program.by_lemma.entry(owner).or_default().push(Want { conditions, ..want });
                return;
            }
            let forms = self.program.lexicon.lemmas_of(lemma);
            let cure = if forms.is_empty() {
                format!(
                    "такого слова нет в словаре: проверьте написание или объявите его строкой «слова: {lemma} как …»"
                )
            } else {
                format!(
                    "это не начальная форма: напишите {} или точную форму \"{lemma}\"",
                    forms.join(" или ")
                )
            };
            self.fail(place, Fault::DeadElement { element: lemma.to_owned(), cure });
            return;
        };
        if doubt && id < self.program.lexicon.lemma_count() {
            self.doubtful.entry(id).or_default().push((want.clone(), lemma.to_owned(), place.clone()));
        }
        self.program.by_lemma.entry(id).or_default().push(want);
    }

    /// First forms that are no lemmas: a participle (управляющий), a plural (деньги, люди), a comparative (раньше) mean all
    /// forms of their kind.
    fn first_form(&self, form: &str) -> Option<(LemmaId, Vec<Condition>)> {
        let analyses = self.program.lexicon.analyses(form);
        analyses.iter().find_map(|one| {
            one.readings.iter().find_map(|reading| {
                let asked =
                    if reading & (PRTF | NOMN | SING) == PRTF | NOMN | SING && reading & (MASC | FEMN) != 0 {
                        vec![PRTF, reading & (ACTV | PSSV), reading & (PRES | PAST)]
                    } else if reading & (NOUN | NOMN | PLUR) == NOUN | NOMN | PLUR {
                        vec![NOUN, PLUR]
                    } else if reading & COMP != 0 {
                        vec![COMP]
                    } else {
                        return None;
                    };
                Some((one.lemma, asked.into_iter().map(|any| Condition { any, not: false }).collect()))
            })
        })
    }

    fn condition(&mut self, feature: &Feature, place: &Place) -> Condition {
        let mut any = 0;
        for name in &feature.names {
            match name.as_str() {
                "число" => any |= seen::NUMBER,
                "эмодзи" => any |= seen::EMOJI,
                "лат" => any |= seen::LATIN,
                "неизв" => any |= seen::UNKNOWN,
                _ => match bit_of_name(name) {
                    Some(bit) => any |= bit,
                    None => {
                        let names =
                            crate::detect::lexicon::features::FEATURES.iter().map(|feature| feature.2);
                        let known: Vec<&str> = names.chain(["число", "эмодзи", "лат", "неизв"]).collect();
                        let allowed = known.join(", ");
                        self.fail(
                            place,
                            Fault::BadValue {
                                key: "признак слова".to_owned(), value: name.clone(), allowed
                            },
                        );
                    }
                },
            }
        }
        Condition { any, not: feature.not }
    }

    fn build(&mut self, tree: &Tree, automaton: &mut Automaton, top: bool, place: &Place) -> Part {
        match tree {
            Tree::Word(element) => automaton.add(Label::Element(*element)),
            Tree::Row(items) => {
                let mut whole = Part { nullable: true, ..Part::default() };
                for (index, item) in items.iter().enumerate() {
                    let edge = top
                        && (index == 0 && matches!(item, Tree::Begin(_))
                            || index + 1 == items.len() && matches!(item, Tree::End(_)));
                    let part = self.build(item, automaton, edge, place);
                    whole = automaton.row(whole, part);
                }
                whole
            }
            Tree::Either(items) => {
                let mut whole = Part::default();
                for item in items {
                    let part = self.build(item, automaton, false, place);
                    whole = Part {
                        first: whole.first | part.first,
                        last: whole.last | part.last,
                        nullable: whole.nullable || part.nullable,
                    };
                }
                whole
            }
            Tree::Maybe(inner) => Part { nullable: true, ..self.build(inner, automaton, false, place) },
            Tree::Evidence(inner) => {
                let begin = automaton.labels.len();
                let part = self.build(inner, automaton, top, place);
                for index in begin..automaton.labels.len().min(MOST_POSITIONS) {
                    automaton.evidence |= 1 << index;
                }
                part
            }
            Tree::Gap(None) => {
                let part = automaton.add(Label::Gap);
                automaton.link(part.last, part.first);
                Part { nullable: true, ..part }
            }
            Tree::Gap(Some(most)) => {
                let mut whole = Part { nullable: true, ..Part::default() };
                let mut before = 0;
                for index in 0..*most {
                    let part = automaton.add(Label::Gap);
                    automaton.link(before, part.first);
                    before = part.last;
                    whole.last |= part.last;
                    if index == 0 {
                        whole.first = part.first;
                    }
                }
                whole
            }
            Tree::Begin(utterance) | Tree::End(utterance) => {
                let edge = if *utterance { Edge::Utterance } else { Edge::Sentence };
                match (top, tree) {
                    (false, _) => {
                        let cure = "«^» ставится в начале строки, «$» — в конце".to_owned();
                        self.fail(
                            place,
                            Fault::Syntax {
                                what: "«^» или «$» внутри образца".to_owned(), cure
                            },
                        );
                    }
                    (true, Tree::Begin(_)) => automaton.begin = edge,
                    (true, _) => automaton.end = edge,
                }
                Part { nullable: true, ..Part::default() }
            }
        }
    }

    /// Returns elements of which every match contains one, the rarest there are.
    fn anchors(&self, tree: &Tree) -> Option<(u64, Vec<ElementId>)> {
        match tree {
            Tree::Word(element) => {
                Some((self.cost.get(*element as usize).copied().unwrap_or(1), vec![*element]))
            }
            Tree::Row(items) => {
                items.iter().filter_map(|item| self.anchors(item)).min_by_key(|anchors| anchors.0)
            }
            Tree::Either(items) => {
                let all: Vec<_> = items.iter().map(|item| self.anchors(item)).collect::<Option<_>>()?;
                Some(all.into_iter().fold((0, Vec::new()), |(cost, mut elements), one| {
                    elements.extend(one.1);
                    (cost + one.0, elements)
                }))
            }
            Tree::Evidence(inner) => self.anchors(inner),
            Tree::Maybe(_) | Tree::Gap(_) | Tree::Begin(_) | Tree::End(_) => None,
        }
    }

    /// Goes through the whole dictionary once for the features that no form of the lemma has.
    fn report_doubtful(&mut self) {
        let mut doubtful = std::mem::take(&mut self.doubtful);
        self.program.lexicon.each_with_prefix("", |_, analyses| {
            for one in analyses {
                if let Some(wants) = doubtful.get_mut(&one.lemma) {
                    wants.retain(|want| !want.0.takes(&one.readings, 0));
                }
            }
            true
        });
        for (_, lemma, place) in doubtful.into_values().flatten() {
            let cure = "у него нет форм с такими признаками: поправьте их (признаки после «|» относятся ко всем словам перед ним)";
            self.fail(&place, Fault::DeadElement { element: lemma, cure: cure.to_owned() });
        }
    }

    fn finish(mut self) -> Program {
        if self.lint {
            self.report_doubtful();
        }
        self.program.anchored.resize_with(self.list.len(), Vec::new);
        for patterns in &mut self.program.anchored {
            patterns.sort_unstable();
            patterns.dedup();
        }
        let mut words: Vec<String> = Vec::new();
        for element in &self.list {
            for one in element {
                match &one.word {
                    Word::Lemma(word) | Word::Exact(word) => words.push(word.clone()),
                    Word::Pair(verb) => {
                        words.extend(pairs::partners(self.program.lexicon, verb));
                        words.push(verb.clone());
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

/// Collects the filter bits of the elements that every match contains.
fn needed(tree: &Tree, needs: &mut u128) {
    match tree {
        Tree::Word(element) => *needs |= filter_bit(*element),
        Tree::Row(items) => items.iter().for_each(|item| needed(item, needs)),
        Tree::Evidence(inner) => needed(inner, needs),
        Tree::Either(_) | Tree::Maybe(_) | Tree::Gap(_) | Tree::Begin(_) | Tree::End(_) => {}
    }
}

/// Returns the form of `new` that corresponds to the form of `like`, if both words end alike enough.
fn inflect_like(new: &str, like: &str, form: &str) -> Option<String> {
    let like_letters: Vec<char> = like.chars().collect();
    let shared = like_letters.iter().zip(form.chars()).take_while(|(a, b)| **a == *b).count();
    let dropped = like_letters.len() - shared;
    let new_letters: Vec<char> = new.chars().collect();
    // Vowels and signs at the end belong to the ending and have to agree; a word without them only gets endings.
    let kept = new_letters.len().checked_sub(dropped)?;
    let mut word: String = new_letters[..kept].iter().collect();
    word.extend(form.chars().skip(shared));
    Some(word)
}
