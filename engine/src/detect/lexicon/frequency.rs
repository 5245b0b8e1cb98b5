//! How often words occur, so that rules are searched by their rarest words.

use std::sync::OnceLock;

use rustc_hash::FxHashMap;

use super::features::Reading;
use super::{Analysis, LemmaId, Lexicon};

/// Counts are of so many words of running text; words that are not listed occur about once.
pub const OF: u64 = 100_000;

const LIST: &str = include_str!("../../../data/lexicon/frequency.txt");

/// The list, by form and by lemma.
pub struct Frequencies {
    forms: Vec<Form>,
    by_form: FxHashMap<&'static str, u64>,
    by_lemma: FxHashMap<LemmaId, Vec<usize>>,
}

struct Form {
    form: &'static str,
    often: u64,
    analyses: Vec<Analysis>,
}

impl Frequencies {
    /// Returns the list compiled into the program.
    pub fn builtin() -> &'static Self {
        static BUILTIN: OnceLock<Frequencies> = OnceLock::new();
        BUILTIN.get_or_init(|| {
            let lines = LIST.lines().filter(|line| !line.starts_with('#'));
            let forms: Vec<Form> = lines
                .filter_map(|line| {
                    let (form, often) = line.split_once(' ')?;
                    Some(Form {
                        form,
                        often: often.parse().ok()?,
                        analyses: Lexicon::builtin().analyses(form),
                    })
                })
                .collect();
            let by_form = forms.iter().map(|form| (form.form, form.often)).collect();
            let mut by_lemma: FxHashMap<LemmaId, Vec<usize>> = FxHashMap::default();
            for (index, form) in forms.iter().enumerate() {
                for analysis in &form.analyses {
                    by_lemma.entry(analysis.lemma).or_default().push(index);
                }
            }
            Self { forms, by_form, by_lemma }
        })
    }

    /// Returns how often this very form occurs.
    pub fn of_form(&self, form: &str) -> u64 {
        self.by_form.get(form).copied().unwrap_or(0)
    }

    /// Returns how often forms of the lemma occur whose readings are taken.
    pub fn of_lemma(&self, lemma: LemmaId, takes: impl Fn(&[Reading]) -> bool) -> u64 {
        let forms = self.by_lemma.get(&lemma).into_iter().flatten().map(|index| &self.forms[*index]);
        forms
            .filter(|form| form.takes(|one| one.lemma == lemma && takes(&one.readings)))
            .map(|form| form.often)
            .sum()
    }

    /// Returns how often words with this beginning occur.
    pub fn of_prefix(&self, prefix: &str) -> u64 {
        self.forms.iter().filter(|form| form.form.starts_with(prefix)).map(|form| form.often).sum()
    }

    /// Returns how often words occur whose readings are taken.
    pub fn of_readings(&self, takes: impl Fn(&[Reading]) -> bool) -> u64 {
        self.forms.iter().filter(|form| form.takes(|one| takes(&one.readings))).map(|form| form.often).sum()
    }
}

impl Form {
    fn takes(&self, takes: impl Fn(&Analysis) -> bool) -> bool {
        self.analyses.iter().any(takes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::lexicon::features::{IMPR, VERB};

    #[test]
    fn pronouns_are_common_and_imperatives_rarer_than_their_verb() {
        let frequencies = Frequencies::builtin();
        assert!(frequencies.of_form("не") > 1_000 && frequencies.of_form("роспотребнадзор") < 100);
        let give = Lexicon::builtin().lemma("дать").unwrap();
        let all = frequencies.of_lemma(give, |_| true);
        let asked = frequencies.of_lemma(give, |readings| readings.iter().any(|one| one & IMPR != 0));
        assert!(0 < asked && asked < all, "{asked} of {all}");
        let verbs = frequencies.of_readings(|readings| readings.iter().any(|one| one & VERB != 0));
        assert!(5_000 < verbs && verbs < OF, "{verbs}");
    }
}
