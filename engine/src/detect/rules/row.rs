//! From one row of a pattern to its automaton: macros replaced, alternatives merged, the rarest words picked to search by.

use super::compile::Compiler;
use super::error::{Fault, Place, nearest};
use super::pattern::{Element, Feature, Node};
use super::program::{ElementId, Row};
use crate::detect::automaton::{Automaton, Edge, Label, MOST_POSITIONS, Part, bits};

/// How common «any word» is, in the units of the anchors' cost.
pub(super) const ANY_WORD: u64 = 10_000;

/// Most parts of one row after macros are replaced, alternatives counted.
const MOST_NODES: usize = 5_000;

/// Most macros within each other.
const MOST_OPEN_MACROS: usize = 30;

/// Elements to search by: of which every match contains one, with how common they are together.
pub(super) type Anchors = (u64, Vec<ElementId>);

/// A pattern with macros replaced and elements numbered.
pub(super) enum Tree {
    Word(ElementId),
    Row(Vec<Tree>),
    Either(Vec<Tree>),
    Maybe(Box<Tree>),
    Gap(Option<u8>),
    Evidence(Box<Tree>),
    Begin(bool),
    End(bool),
}

impl Compiler<'_> {
    /// Compiles a row; also returns its tree, from which the elements to search it by are picked at the end.
    pub(super) fn row(&mut self, node: &Node, place: &Place) -> Option<(Row, Tree)> {
        self.nodes = 0;
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
        let mut needs = Vec::new();
        needed(&tree, &mut needs);
        Some((Row { automaton, needs }, tree))
    }

    /// Macros of macros can grow without end; a row that grows beyond all use is refused.
    fn count_node(&mut self, place: &Place) -> Option<()> {
        self.nodes += 1;
        if self.nodes > MOST_NODES || self.open_macros.len() > MOST_OPEN_MACROS {
            self.open_macros.clear();
            self.fail(place, Fault::TooLong { positions: self.nodes, limit: MOST_POSITIONS });
            return None;
        }
        Some(())
    }

    /// Replaces macros and numbers elements; alternatives of single words become one element.
    fn tree(&mut self, node: &Node, place: &Place) -> Option<Tree> {
        self.count_node(place)?;
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
            self.count_node(place)?;
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
            Tree::Either(items) => items.iter().fold(Part::default(), |whole, item| {
                let part = self.build(item, automaton, false, place);
                Part {
                    first: whole.first | part.first,
                    last: whole.last | part.last,
                    nullable: whole.nullable || part.nullable,
                }
            }),
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
            Tree::Gap(Some(most)) => gap(automaton, *most),
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
                    Tree::Begin(_) => automaton.begin = edge,
                    _ => automaton.end = edge,
                }
                Part { nullable: true, ..Part::default() }
            }
        }
    }

    /// Returns elements of which every match contains one, the rarest there are.
    pub(super) fn anchors(&self, tree: &Tree) -> Option<Anchors> {
        match tree {
            Tree::Word(element) => {
                // «*» alone is no place to begin a search.
                let cost = self.cost.get(*element as usize).copied().unwrap_or(1);
                (cost < ANY_WORD).then(|| (cost, vec![*element]))
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
}

/// Collects the elements of which every match contains each.
fn needed(tree: &Tree, needs: &mut Vec<ElementId>) {
    match tree {
        Tree::Word(element) => needs.push(*element),
        Tree::Row(items) => items.iter().for_each(|item| needed(item, needs)),
        Tree::Evidence(inner) => needed(inner, needs),
        Tree::Either(_) | Tree::Maybe(_) | Tree::Gap(_) | Tree::Begin(_) | Tree::End(_) => {}
    }
}

/// Up to `most` words, each of which can be the last.
fn gap(automaton: &mut Automaton, most: u8) -> Part {
    let mut whole = Part { nullable: true, ..Part::default() };
    let mut before = 0;
    for index in 0..most {
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
