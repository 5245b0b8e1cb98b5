//! From one row of a pattern to its automaton: macros replaced, alternatives merged, the rarest words picked to search by.
//!
//! A macro is compiled once for each list of features asked of it; all its uses share the result.

use std::hash::{Hash, Hasher};
use std::rc::Rc;

use rustc_hash::FxHasher;

use super::compile::Compiler;
use super::error::{Fault, Place, nearest};
use super::names::{Features, Name};
use super::pattern::{Atom, Node, Spot};
use super::program::{AtomId, ElementId, RowId, Stretch};
use crate::detect::automaton::{Automaton, Draft, Edge, Label, MOST_POSITIONS, Part, bits};

/// How common «any word» is, in the units of the anchors' cost.
pub(super) const ANY_WORD: u64 = 10_000;

/// Most parts of one row after macros are replaced, alternatives counted.
const MOST_NODES: usize = 5_000;

/// Most macros within each other.
const MOST_OPEN_MACROS: usize = 30;

/// Elements of which every match contains one, with how often they are expected together.
pub(super) type Clause = (u64, Vec<ElementId>);

/// A pattern with macros replaced and elements numbered.
#[derive(Clone)]
pub(super) enum Tree {
    Word(ElementId),
    Row(Rc<[Tree]>),
    Either(Rc<[Tree]>),
    Maybe(Rc<Tree>),
    Gap(Option<u8>),
    Evidence(Rc<Tree>),
    Begin(bool),
    End(bool),
}

/// A macro as its uses need it.
pub(super) struct Opened {
    /// Its single words.
    words: Vec<AtomId>,
    /// Its other alternatives.
    others: Vec<Tree>,
    /// All of it; made when a row first contains the whole.
    whole: Option<Tree>,
    /// How many parts it has.
    nodes: usize,
    /// How many macros stand within each other in it, itself counted.
    depth: usize,
}

/// What a node stands in.
#[derive(Clone, Copy)]
struct Around<'a> {
    /// The line or macro whose file its spots are in.
    home: &'a Place,
    /// Where faults of the row are reported.
    place: &'a Place,
    /// Features asked of every word.
    lent: Features,
}

impl Compiler<'_> {
    /// Compiles a row; also returns its tree, from which the elements to search it by are picked at the end.
    pub(super) fn row(&mut self, node: &Node, place: &Place) -> Option<(RowId, Tree)> {
        self.nodes = 0;
        let tree = self.tree(node, Around { home: place, place, lent: Features::NONE })?;
        let mut draft = Draft::default();
        let whole = self.build(&tree, &mut draft, true, place);
        if draft.labels.len() > MOST_POSITIONS {
            let positions = draft.labels.len();
            self.fail(place, Fault::TooLong { positions, limit: MOST_POSITIONS });
            return None;
        }
        if whole.nullable || bits(whole.first).any(|index| draft.labels[index] == Label::Gap) {
            self.fail(place, Fault::MatchesEverything);
            return None;
        }
        Some((self.file_row(&draft, whole), tree))
    }

    /// Files a finished row; equal rows share one number.
    fn file_row(&mut self, draft: &Draft, whole: Part) -> RowId {
        let elements = draft.elements();
        let mut hasher = FxHasher::default();
        (whole.first, whole.last, draft.gaps, draft.evidence, &draft.follow, &elements).hash(&mut hasher);
        let hash = hasher.finish();
        let program = &mut self.program;
        let mut row = Automaton {
            first: whole.first,
            last: whole.last,
            gaps: draft.gaps,
            evidence: draft.evidence,
            mask: elements.iter().fold(0, |mask, one| mask | program.elements[one.0 as usize].mask),
            follow: Stretch::default(),
            elements: Stretch::default(),
            begin: draft.begin,
            end: draft.end,
        };
        if let Some(&id) = self.rows.get(&hash) {
            let known = &program.rows[id as usize];
            (row.follow, row.elements) = (known.follow, known.elements);
            if row == *known
                && known.follow.of(&program.follow) == draft.follow
                && known.elements.of(&program.row_elements) == elements
            {
                return id;
            }
        }
        row.follow = Stretch::put(&mut program.follow, draft.follow.iter().copied());
        row.elements = Stretch::put(&mut program.row_elements, elements);
        let id = program.rows.len() as RowId;
        program.rows.push(row);
        self.rows.entry(hash).or_insert(id);
        id
    }

    /// Macros of macros can grow without end; a row that grows beyond all use is refused.
    fn count_nodes(&mut self, nodes: usize, depth: usize, place: &Place) -> Option<()> {
        self.nodes += nodes;
        if self.nodes > MOST_NODES || self.open_macros.len() + depth > MOST_OPEN_MACROS {
            let positions = self.nodes;
            self.fail(place, Fault::TooLong { positions, limit: MOST_POSITIONS });
            return None;
        }
        Some(())
    }

    /// Replaces macros and numbers elements; alternatives of single words become one element.
    fn tree(&mut self, node: &Node, around: Around<'_>) -> Option<Tree> {
        self.count_nodes(1, 0, around.place)?;
        Some(match node {
            Node::Word(atom, spot) => {
                let atom = self.lent_atom(*atom, *spot, around);
                Tree::Word(self.element(vec![atom]))
            }
            Node::Row(items) => {
                Tree::Row(items.iter().map(|item| self.tree(item, around)).collect::<Option<_>>()?)
            }
            Node::Either(items) => {
                let (mut words, mut others) = (Vec::new(), Vec::new());
                self.choices(items, around, &mut words, &mut others)?;
                self.either(words, others)
            }
            Node::Maybe(inner) => Tree::Maybe(Rc::new(self.tree(inner, around)?)),
            Node::Gap(most) => Tree::Gap(*most),
            Node::Evidence(inner) => Tree::Evidence(Rc::new(self.tree(inner, around)?)),
            Node::Begin(utterance) => Tree::Begin(*utterance),
            Node::End(utterance) => Tree::End(*utterance),
            Node::Macro(name, features, spot) => {
                let key = self.open(*name, *features, *spot, around)?;
                let opened = &self.opened[&key];
                if let Some(whole) = &opened.whole {
                    return Some(whole.clone());
                }
                let (words, others) = (opened.words.clone(), opened.others.clone());
                let whole = self.either(words, others);
                if let Some(opened) = self.opened.get_mut(&key) {
                    opened.whole = Some(whole.clone());
                }
                whole
            }
        })
    }

    fn either(&mut self, words: Vec<AtomId>, mut others: Vec<Tree>) -> Tree {
        if !words.is_empty() {
            others.push(Tree::Word(self.element(words)));
        }
        if others.len() == 1 { others.remove(0) } else { Tree::Either(others.into()) }
    }

    fn choices(
        &mut self,
        items: &[Node],
        around: Around<'_>,
        words: &mut Vec<AtomId>,
        others: &mut Vec<Tree>,
    ) -> Option<()> {
        for item in items {
            self.count_nodes(1, 0, around.place)?;
            match item {
                Node::Word(atom, spot) => words.push(self.lent_atom(*atom, *spot, around)),
                Node::Either(inner) => self.choices(inner, around, words, others)?,
                Node::Macro(name, features, spot) => {
                    let key = self.open(*name, *features, *spot, around)?;
                    let opened = &self.opened[&key];
                    words.extend_from_slice(&opened.words);
                    others.extend_from_slice(&opened.others);
                }
                other => others.push(self.tree(other, around)?),
            }
        }
        Some(())
    }

    fn lent_atom(&mut self, mut atom: Atom, spot: Spot, around: Around<'_>) -> AtomId {
        atom.features = self.names.lend(atom.features, around.lent);
        self.atom(atom, spot, around.home)
    }

    /// Compiles a macro unless that has been done; returns the key of the result.
    fn open(
        &mut self,
        name: Name,
        features: Features,
        spot: Spot,
        around: Around<'_>,
    ) -> Option<(Name, Features)> {
        let key = (name, self.names.append(features, around.lent));
        if let Some(opened) = self.opened.get(&key) {
            let (nodes, depth) = (opened.nodes, opened.depth);
            self.count_nodes(nodes, depth, &spot.near(around.home))?;
            self.deepest = self.deepest.max(self.open_macros.len() + depth);
            return Some(key);
        }
        let place = &spot.near(around.home);
        if self.open_macros.contains(&name) {
            let way = self.open_macros.iter().chain([&name]).map(|name| &**self.names.text(*name));
            let path = way.collect::<Vec<_>>().join(" → ");
            let name = self.names.text(name).to_string();
            self.fail(place, Fault::CyclicMacro { name, path });
            return None;
        }
        let source = self.source;
        let Some((node, home)) = source.macros.get(&name) else {
            let name = self.names.text(name).to_string();
            let mut known: Vec<&str> = source.macros.keys().map(|name| &**self.names.text(*name)).collect();
            known.sort_unstable();
            let near = nearest(&name, known).map_or_else(String::new, |near| format!(" (есть «@{near}»)"));
            self.fail(place, Fault::UnknownMacro { name, near });
            return None;
        };
        let (nodes, deepest) = (self.nodes, self.deepest);
        self.open_macros.push(name);
        self.deepest = self.open_macros.len();
        let (mut words, mut others) = (Vec::new(), Vec::new());
        let within = Around { home, place, lent: key.1 };
        let done = self
            .count_nodes(0, 0, place)
            .and_then(|()| self.choices(std::slice::from_ref(node), within, &mut words, &mut others));
        self.open_macros.pop();
        let depth = self.deepest - self.open_macros.len();
        self.deepest = deepest.max(self.deepest);
        done?;
        let opened = Opened { words, others, whole: None, nodes: self.nodes - nodes, depth };
        self.opened.insert(key, opened);
        Some(key)
    }

    fn build(&mut self, tree: &Tree, draft: &mut Draft, top: bool, place: &Place) -> Part {
        match tree {
            Tree::Word(element) => draft.add(Label::Element(*element)),
            Tree::Row(items) => {
                let mut whole = Part { nullable: true, ..Part::default() };
                for (index, item) in items.iter().enumerate() {
                    let edge = top
                        && (index == 0 && matches!(item, Tree::Begin(_))
                            || index + 1 == items.len() && matches!(item, Tree::End(_)));
                    let part = self.build(item, draft, edge, place);
                    whole = draft.row(whole, part);
                }
                whole
            }
            Tree::Either(items) => items.iter().fold(Part::default(), |whole, item| {
                let part = self.build(item, draft, false, place);
                Part {
                    first: whole.first | part.first,
                    last: whole.last | part.last,
                    nullable: whole.nullable || part.nullable,
                }
            }),
            Tree::Maybe(inner) => Part { nullable: true, ..self.build(inner, draft, false, place) },
            Tree::Evidence(inner) => {
                let begin = draft.labels.len();
                let part = self.build(inner, draft, top, place);
                for index in begin..draft.labels.len().min(MOST_POSITIONS) {
                    draft.evidence |= 1 << index;
                }
                part
            }
            Tree::Gap(None) => {
                let part = draft.add(Label::Gap);
                draft.link(part.last, part.first);
                Part { nullable: true, ..part }
            }
            Tree::Gap(Some(most)) => gap(draft, *most),
            Tree::Begin(utterance) | Tree::End(utterance) => {
                let edge = if *utterance { Edge::Utterance } else { Edge::Sentence };
                match tree {
                    _ if !top => self.fail(
                        place,
                        Fault::Syntax {
                            what: "«^» или «$» внутри образца".to_owned(),
                            cure: "«^» ставится в начале строки, «$» — в конце".to_owned(),
                        },
                    ),
                    Tree::Begin(_) => draft.begin = edge,
                    _ => draft.end = edge,
                }
                Part { nullable: true, ..Part::default() }
            }
        }
    }

    /// Says whether a row asks for some word that is not just any.
    pub(super) fn is_particular(&self, tree: &Tree) -> bool {
        self.commonness(tree).is_some()
    }

    /// Returns how common the rarest words are without which the row cannot match; none where it asks for any word.
    fn commonness(&self, tree: &Tree) -> Option<u64> {
        match tree {
            Tree::Word(element) => self.cost.get(*element as usize).copied().filter(|cost| *cost < ANY_WORD),
            Tree::Row(items) => items.iter().filter_map(|item| self.commonness(item)).min(),
            Tree::Either(items) => items.iter().map(|item| self.commonness(item)).sum(),
            Tree::Evidence(inner) => self.commonness(inner),
            Tree::Maybe(_) | Tree::Gap(_) | Tree::Begin(_) | Tree::End(_) => None,
        }
    }

    /// Returns the elements of which every match contains one, the rarest there are.
    fn anchors(&self, tree: &Tree) -> Option<Clause> {
        match tree {
            Tree::Word(element) => {
                // A match with «*» needs nothing for it.
                self.cost.get(*element as usize).filter(|cost| **cost < ANY_WORD)?;
                Some((self.often[*element as usize], vec![*element]))
            }
            Tree::Row(items) => {
                items.iter().filter_map(|item| self.anchors(item)).min_by_key(|anchors| anchors.0)
            }
            Tree::Either(items) => {
                let all: Vec<_> = items.iter().map(|item| self.anchors(item)).collect::<Option<_>>()?;
                Some(all.into_iter().fold((0, Vec::new()), |(often, mut elements), one| {
                    elements.extend(one.1);
                    (often + one.0, elements)
                }))
            }
            Tree::Evidence(inner) => self.anchors(inner),
            Tree::Maybe(_) | Tree::Gap(_) | Tree::Begin(_) | Tree::End(_) => None,
        }
    }

    /// Collects all clauses of which every match fulfils each.
    pub(super) fn clauses(&self, tree: &Tree, clauses: &mut Vec<Clause>) {
        match tree {
            Tree::Row(items) => items.iter().for_each(|item| self.clauses(item, clauses)),
            Tree::Evidence(inner) => self.clauses(inner, clauses),
            other => clauses.extend(self.anchors(other)),
        }
    }
}

/// Up to `most` words, each of which can be the last.
fn gap(draft: &mut Draft, most: u8) -> Part {
    let mut whole = Part { nullable: true, ..Part::default() };
    let mut before = 0;
    for index in 0..most {
        let part = draft.add(Label::Gap);
        draft.link(before, part.first);
        before = part.last;
        whole.last |= part.last;
        if index == 0 {
            whole.first = part.first;
        }
    }
    whole
}
