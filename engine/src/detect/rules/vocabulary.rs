//! Files the words of patterns in the index, by lemma, form, beginning or features, and says which can never occur.

use std::sync::Arc;

use super::compile::{Compiler, Doubt};
use super::error::{Fault, Place};
use super::names::Features;
use super::pattern::{Atom, Feature, Spot, Word};
use super::program::{AtomId, AtomTraits, Condition, Element, ElementId, Stretch, Want, seen};
use super::row::ANY_WORD;
use crate::detect::lexicon::features::{
    ACTV, COMP, FEATURES, FEMN, MASC, NOMN, NOUN, PAST, PLUR, PRES, PRTF, PSSV, SING, bit_of_name,
};
use crate::detect::lexicon::frequency::{self, Frequencies};
use crate::detect::lexicon::{Analysis, LemmaId, pairs};

/// How often numbers, emoji and words of no dictionary are expected, which the list of words does not say.
const SIGN: u64 = 500;

impl Compiler<'_> {
    /// A declared word inflects like the dictionary word it is compared to, or not at all.
    pub(super) fn declare_words(&mut self) {
        for (new, like, place) in &self.source.words {
            let next = self.program.lexicon.lemma_count() + self.declared_lemmas.len() as u32;
            let own = self.program.lexicon.lemma(new).unwrap_or(next);
            let id = *self.declared_lemmas.entry(new.clone()).or_insert(own);
            let mut forms = vec![(new.clone(), Vec::new())];
            if let Some(like) = like {
                let model = self.program.lexicon.forms_of(like);
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

    /// Returns the number of a set of atoms.
    pub(super) fn element(&mut self, mut atoms: Vec<AtomId>) -> ElementId {
        atoms.sort_unstable();
        atoms.dedup();
        if let Some(&id) = self.elements.get(atoms.as_slice()) {
            return id;
        }
        let program = &mut self.program;
        let id = program.elements.len() as ElementId;
        let mask = atoms.iter().fold(0, |mask, atom| mask | program.atoms[*atom as usize].mask);
        let stretch = Stretch::put(&mut program.element_atoms, atoms.iter().copied());
        program.elements.push(Element { atoms: stretch, mask });
        self.cost.push(atoms.iter().map(|atom| self.weights[*atom as usize]).sum());
        let often: u64 = atoms.iter().map(|atom| self.frequencies[*atom as usize]).sum();
        self.often.push(often.min(frequency::OF));
        self.elements.insert(atoms.into(), id);
        id
    }

    /// Returns the number of an atom that is used at a spot of the file of `home`; what is wrong with it is wrong at each spot.
    pub(super) fn atom(&mut self, atom: Atom, spot: Spot, home: &Place) -> AtomId {
        let id = match self.atoms.get(&atom) {
            Some(id) => *id,
            None => self.new_atom(atom),
        };
        if let Some(faults) = self.faulty.get(&id) {
            for fault in faults.clone() {
                self.fail(&spot.near(home), fault);
            }
        }
        if let Some(places) = self.doubtful_places.get_mut(&id) {
            places.push(spot.near(home));
        }
        id
    }

    fn new_atom(&mut self, atom: Atom) -> AtomId {
        let id = self.program.atoms.len() as AtomId;
        self.atoms.insert(atom, id);
        let bit = match atom.word {
            Word::Lemma(name) | Word::Pair(name) | Word::Exact(name) | Word::Prefix(name) => name.spread(),
            Word::Any => atom.features.spread(),
        };
        self.program.atoms.push(AtomTraits { mask: 1 << (bit & 63), named: false });
        let mut faults = Vec::new();
        let (weight, often) = self.file(id, atom, &mut faults);
        self.weights.push(weight);
        self.frequencies.push(often + 1);
        if !faults.is_empty() {
            self.faulty.insert(id, faults);
        }
        id
    }

    /// Returns the aspect partners of a verb.
    pub(super) fn partners(&mut self, verb: &str) -> Vec<String> {
        if let Some(known) = self.partners.get(verb) {
            return known.clone();
        }
        let found = pairs::partners(self.program.lexicon, verb);
        self.partners.insert(verb.to_owned(), found.clone());
        found
    }

    /// Files an atom in the index; returns how common it is in rough units, and how often it is expected.
    fn file(&mut self, id: AtomId, atom: Atom, faults: &mut Vec<Fault>) -> (u64, u64) {
        let frequencies = Frequencies::builtin();
        let conditions = self.conditions(atom.features, faults);
        let want = Want { atom: id, conditions };
        let features = self.names.list(atom.features);
        let doubt = self.lint && !features.is_empty() && !features.iter().any(|feature| feature.lent);
        let weight = |compiler: &Self, text: &str| if compiler.common.contains(text) { 200 } else { 1 };
        match atom.word {
            Word::Lemma(lemma) => {
                let lemma = self.names.text(lemma).clone();
                let often = self.file_lemma(want, &lemma, doubt, faults);
                (weight(self, &lemma), often)
            }
            Word::Pair(verb) => {
                let verb = self.names.text(verb).clone();
                let others = self.partners(&verb);
                if others.is_empty() {
                    let cure =
                        "видовой пары к нему нет: уберите «~» или перечислите глаголы через «|»".to_owned();
                    faults.push(Fault::DeadElement { element: format!("~{verb}"), cure });
                }
                let mut often = 0;
                for one in others.iter().map(String::as_str).chain([&*verb]) {
                    often += self.file_lemma(want.clone(), one, doubt, faults);
                }
                (weight(self, &verb) * 2, often)
            }
            Word::Exact(form) => {
                let form = self.names.text(form).clone();
                self.program.by_form.entry((&*form).into()).or_default().push(want);
                (weight(self, &form), frequencies.of_form(&form))
            }
            Word::Prefix(prefix) => {
                let prefix = self.names.text(prefix).clone();
                let known = self.program.lexicon.has_prefix(&prefix)
                    || self.program.declared.keys().any(|form| form.starts_with(&*prefix));
                if !known {
                    let cure = "ни одно слово так не начинается: сократите начало или объявите слово строкой «слова:»".to_owned();
                    faults.push(Fault::DeadElement { element: format!("{prefix}*"), cure });
                }
                self.program.by_prefix.entry((&*prefix).into()).or_default().push(want);
                (4 + 100 / (prefix.chars().count() as u64).pow(2), frequencies.of_prefix(&prefix))
            }
            Word::Any => {
                let often = frequencies.of_readings(|readings| want.takes(readings, 0)) + SIGN;
                self.program.by_features.push(want);
                if atom.features == Features::NONE {
                    (ANY_WORD, frequency::OF)
                } else {
                    (ANY_WORD / 5, often)
                }
            }
        }
    }

    /// Files an atom under a lemma; returns how often it is expected.
    fn file_lemma(&mut self, want: Want, lemma: &str, doubt: bool, faults: &mut Vec<Fault>) -> u64 {
        let id = self.declared_lemmas.get(lemma).copied().or_else(|| self.program.lexicon.lemma(lemma));
        let Some(id) = id else {
            if let Some((owner, conditions)) = self.first_form(lemma) {
                let conditions = want.conditions.iter().copied().chain(conditions).collect();
                let want = Want { conditions, ..want };
                let often = Frequencies::builtin().of_lemma(owner, |readings| want.takes(readings, 0));
                self.program.by_lemma.entry(owner).or_default().push(want);
                return often;
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
            faults.push(Fault::DeadElement { element: lemma.to_owned(), cure });
            return 0;
        };
        if doubt && id < self.program.lexicon.lemma_count() {
            self.doubtful_places.entry(want.atom).or_default();
            self.doubtful.entry(id).or_default().push(Doubt { want: want.clone(), lemma: lemma.to_owned() });
        }
        let often = Frequencies::builtin().of_lemma(id, |readings| want.takes(readings, 0));
        self.program.by_lemma.entry(id).or_default().push(want);
        often
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

    /// Returns a list of features in bits.
    fn conditions(&mut self, features: Features, faults: &mut Vec<Fault>) -> Arc<[Condition]> {
        if let Some(known) = self.conditions.get(&features) {
            return known.clone();
        }
        let list = self.names.list(features);
        let conditions: Arc<[Condition]> = list.iter().map(|feature| condition(feature, faults)).collect();
        if faults.is_empty() {
            self.conditions.insert(features, conditions.clone());
        }
        conditions
    }

    /// Goes through the whole dictionary once for the features that no form of the lemma has.
    pub(super) fn report_doubtful(&mut self) {
        let mut doubtful = std::mem::take(&mut self.doubtful);
        let mut wanted = vec![false; self.program.lexicon.lemma_count() as usize];
        doubtful.keys().for_each(|id| wanted[*id as usize] = true);
        self.program.lexicon.each_of(
            |id| wanted.get(id as usize).copied().unwrap_or(false),
            |_, analyses| {
                for one in analyses {
                    if let Some(doubts) = doubtful.get_mut(&one.lemma) {
                        doubts.retain(|doubt| !doubt.want.takes(&one.readings, 0));
                    }
                }
            },
        );
        let places = std::mem::take(&mut self.doubtful_places);
        for doubt in doubtful.into_values().flatten() {
            let cure = "у него нет форм с такими признаками: поправьте их (признаки после «|» относятся ко всем словам перед ним)";
            let fault = Fault::DeadElement { element: doubt.lemma, cure: cure.to_owned() };
            for place in places.get(&doubt.want.atom).into_iter().flatten() {
                self.fail(place, fault.clone());
            }
        }
    }
}

fn condition(feature: &Feature, faults: &mut Vec<Fault>) -> Condition {
    let mut any = 0;
    for name in feature.names.iter() {
        match name.as_str() {
            "число" => any |= seen::NUMBER,
            "эмодзи" => any |= seen::EMOJI,
            "лат" => any |= seen::LATIN,
            "неизв" => any |= seen::UNKNOWN,
            _ => match bit_of_name(name) {
                Some(bit) => any |= bit,
                None => {
                    let names = FEATURES.iter().map(|feature| feature.2);
                    let known: Vec<&str> = names.chain(["число", "эмодзи", "лат", "неизв"]).collect();
                    faults.push(Fault::BadValue {
                        key: "признак слова".to_owned(),
                        value: name.clone(),
                        allowed: known.join(", "),
                    });
                }
            },
        }
    }
    Condition { any, not: feature.not }
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
