//! Files the words of patterns in the index, by lemma, form, beginning or features, and says which can never occur.

use super::compile::Compiler;
use super::error::{Fault, Place};
use super::pattern::{Element, Feature, Word};
use super::program::{Condition, ElementId, Want, seen};
use super::row::ANY_WORD;
use crate::detect::lexicon::features::{
    ACTV, COMP, FEATURES, FEMN, MASC, NOMN, NOUN, PAST, PLUR, PRES, PRTF, PSSV, SING, bit_of_name,
};
use crate::detect::lexicon::{Analysis, LemmaId, pairs};

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

    pub(super) fn element(&mut self, mut words: Vec<(Element, Place)>) -> ElementId {
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

    /// Returns the aspect partners of a verb.
    pub(super) fn partners(&mut self, verb: &str) -> Vec<String> {
        if let Some(known) = self.partners.get(verb) {
            return known.clone();
        }
        let found = pairs::partners(self.program.lexicon, verb);
        self.partners.insert(verb.to_owned(), found.clone());
        found
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
                let others = self.partners(verb);
                if others.is_empty() {
                    let cure =
                        "видовой пары к нему нет: уберите «~» или перечислите глаголы через «|»".to_owned();
                    self.fail(place, Fault::DeadElement { element: format!("~{verb}"), cure });
                }
                for one in others.iter().map(String::as_str).chain([&**verb]) {
                    self.file_lemma(want.clone(), one, doubt, place);
                }
                weight(self, verb) * 2
            }
            Word::Exact(form) => {
                self.program.by_form.entry((&**form).into()).or_default().push(want);
                weight(self, form)
            }
            Word::Prefix(prefix) => {
                let known = self.program.lexicon.has_prefix(prefix)
                    || self.program.declared.keys().any(|form| form.starts_with(&**prefix));
                if !known {
                    let cure = "ни одно слово так не начинается: сократите начало или объявите слово строкой «слова:»".to_owned();
                    self.fail(place, Fault::DeadElement { element: format!("{prefix}*"), cure });
                }
                self.program.by_prefix.entry((&**prefix).into()).or_default().push(want);
                4 + 100 / (prefix.chars().count() as u64).pow(2)
            }
            Word::Any => {
                self.program.by_features.push(want);
                if word.features.is_empty() { ANY_WORD } else { ANY_WORD / 5 }
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

    /// Goes through the whole dictionary once for the features that no form of the lemma has.
    pub(super) fn report_doubtful(&mut self) {
        let mut doubtful = std::mem::take(&mut self.doubtful);
        let mut wanted = vec![false; self.program.lexicon.lemma_count() as usize];
        doubtful.keys().for_each(|id| wanted[*id as usize] = true);
        self.program.lexicon.each_of(
            |id| wanted.get(id as usize).copied().unwrap_or(false),
            |_, analyses| {
                for one in analyses {
                    if let Some(wants) = doubtful.get_mut(&one.lemma) {
                        wants.retain(|want| !want.0.takes(&one.readings, 0));
                    }
                }
            },
        );
        for (_, lemma, place) in doubtful.into_values().flatten() {
            let cure = "у него нет форм с такими признаками: поправьте их (признаки после «|» относятся ко всем словам перед ним)";
            self.fail(&place, Fault::DeadElement { element: lemma, cure: cure.to_owned() });
        }
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
