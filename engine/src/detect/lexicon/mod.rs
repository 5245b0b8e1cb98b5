//! Russian word forms: form → every lemma it can belong to, with its grammatical readings.
//!
//! The data is built by `cargo xtask lexicon` from the OpenCorpora dictionary (see `engine/data/lexicon/README.md`) and
//! used in place: nothing is unpacked when the program starts. е and ё are one letter here.

pub mod features;
pub mod frequency;
pub mod pairs;

use std::sync::OnceLock;

use fst::{IntoStreamer, Streamer};

use features::{LEMMA, Reading};

/// The number of a lemma: of the built data, or beyond [`Lexicon::lemma_count`] for words that rule files declare.
pub type LemmaId = u32;

/// The low bits of a value in `forms.fst`; `xtask/src/lexicon.rs` writes them.
const COMBO_BITS: u32 = 14;

/// The dictionary, read in place.
pub struct Lexicon {
    forms: Option<fst::Map<&'static [u8]>>,
    lemma_count: u32,
    lemma_sets: Lists,
    combos: Lists,
    readings: Lists,
    endings: Option<fst::Map<&'static [u8]>>,
    ways: Lists,
}

/// One lemma of a form, with its readings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Analysis {
    /// The lemma.
    pub lemma: LemmaId,
    /// What the form can be.
    pub readings: Vec<Reading>,
}

/// What a word that is in no dictionary could be, judged by its ending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guess {
    /// The supposed dictionary form.
    pub lemma: String,
    /// What the form can be.
    pub readings: Vec<Reading>,
}

/// By how many bytes a form of a paradigm is longer than its first one, at most: no form of the dictionary exceeds it
/// (кум, кумовьями; two bytes a letter).
const LONGER: usize = 12;

/// Finds keys with a beginning and a limit to their length: a short beginning has ten thousands of longer words.
struct Near<'a> {
    prefix: &'a [u8],
    /// Bytes.
    most: usize,
}

impl fst::Automaton for Near<'_> {
    /// How many bytes were read; nothing once the key cannot fit any more.
    type State = Option<usize>;

    fn start(&self) -> Self::State {
        Some(0)
    }

    fn is_match(&self, state: &Self::State) -> bool {
        state.is_some_and(|read| read >= self.prefix.len())
    }

    fn can_match(&self, state: &Self::State) -> bool {
        state.is_some()
    }

    fn accept(&self, state: &Self::State, byte: u8) -> Self::State {
        let read = (*state)?;
        let fits = self.prefix.get(read).map_or(read < self.most, |wanted| *wanted == byte);
        fits.then_some(read + 1)
    }
}

/// Lists of fixed-size little-endian items in one byte slice: `u32` count, `count + 1` offsets, items.
#[derive(Clone, Copy)]
struct Lists {
    offsets: &'static [u8],
    items: &'static [u8],
    item_bytes: usize,
}

impl Lists {
    /// Cuts the lists off the front of `bytes`; damaged data gives empty lists, never a panic.
    fn take(bytes: &mut &'static [u8], item_bytes: usize) -> Self {
        let count = read_u32(bytes, 0) as usize;
        let offsets = bytes.get(4..4 + (count + 1) * 4).unwrap_or(&[]);
        let total = read_u32(offsets, count * 4) as usize * item_bytes;
        let begin = 4 + offsets.len();
        let items = bytes.get(begin..begin + total).unwrap_or(&[]);
        *bytes = bytes.get(begin + total..).unwrap_or(&[]);
        Self { offsets, items, item_bytes }
    }

    fn count(&self) -> u32 {
        (self.offsets.len() / 4).saturating_sub(1) as u32
    }

    fn get(&self, index: usize) -> &'static [u8] {
        let begin = read_u32(self.offsets, index * 4) as usize * self.item_bytes;
        let end = read_u32(self.offsets, index * 4 + 4) as usize * self.item_bytes;
        self.items.get(begin..end).unwrap_or(&[])
    }
}

fn read_u32(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map_or(0, u32::from_le_bytes)
}

fn read_u64(bytes: &[u8]) -> u64 {
    bytes.try_into().map_or(0, u64::from_le_bytes)
}

fn read_u16(bytes: &[u8]) -> u16 {
    bytes.try_into().map_or(0, u16::from_le_bytes)
}

/// Opens a map in place; damaged data, which a test would notice, gives none.
fn open_map(bytes: &'static [u8]) -> Option<fst::Map<&'static [u8]>> {
    fst::Map::new(bytes).ok()
}

impl Lexicon {
    /// Returns the dictionary compiled into the program.
    pub fn builtin() -> &'static Self {
        static BUILTIN: OnceLock<Lexicon> = OnceLock::new();
        BUILTIN.get_or_init(|| {
            Self::open(
                include_bytes!("../../../data/lexicon/forms.fst"),
                include_bytes!("../../../data/lexicon/tables.bin"),
                include_bytes!("../../../data/lexicon/endings.bin"),
            )
        })
    }

    fn open(forms: &'static [u8], tables: &'static [u8], endings: &'static [u8]) -> Self {
        let lemma_count = read_u32(tables, 0);
        let mut rest = tables.get(4..).unwrap_or(&[]);
        let lemma_sets = Lists::take(&mut rest, 4);
        let combos = Lists::take(&mut rest, 2);
        let readings = Lists::take(&mut rest, 8);
        let map_bytes = read_u32(endings, 0) as usize;
        let mut ways = endings.get(4 + map_bytes..).unwrap_or(&[]);
        let endings = open_map(endings.get(4..4 + map_bytes).unwrap_or(&[]));
        let ways = Lists::take(&mut ways, 1);
        Self { forms: open_map(forms), lemma_count, lemma_sets, combos, readings, endings, ways }
    }

    /// Returns how many lemmas the dictionary has; their ids are below this number.
    pub fn lemma_count(&self) -> u32 {
        self.lemma_count
    }

    /// Returns a hash of the forms and their lemmas: another dictionary gives another one.
    pub fn fingerprint(&self) -> u64 {
        let forms = self.forms.as_ref().map_or(&[] as &[u8], |forms| forms.as_fst().as_bytes());
        crate::archive::fnv(forms) ^ crate::archive::fnv(self.lemma_sets.items)
    }

    /// Says whether the form (lower case, е for ё) is in the dictionary.
    pub fn knows(&self, form: &str) -> bool {
        self.forms.as_ref().is_some_and(|forms| forms.contains_key(form))
    }

    /// Returns every lemma of the form (lower case, е for ё); nothing when it is unknown.
    pub fn analyses(&self, form: &str) -> Vec<Analysis> {
        self.forms
            .as_ref()
            .and_then(|forms| forms.get(form))
            .map_or_else(Vec::new, |value| self.unpack(value))
    }

    fn unpack(&self, value: u64) -> Vec<Analysis> {
        let each = self.combo(value).chunks_exact(2).enumerate();
        let analysis = |(index, id)| Analysis {
            lemma: self.lemma_at(value, index),
            readings: self.readings_of(read_u16(id)),
        };
        each.map(analysis).collect()
    }

    /// The numbers of the sets of readings, one for each lemma.
    fn combo(&self, value: u64) -> &'static [u8] {
        self.combos.get((value & ((1 << COMBO_BITS) - 1)) as usize)
    }

    fn lemma_at(&self, value: u64, index: usize) -> LemmaId {
        let set = (value >> COMBO_BITS) as u32;
        match set.checked_sub(self.lemma_count) {
            None => set,
            Some(set) => read_u32(self.lemma_sets.get(set as usize), index * 4),
        }
    }

    /// Says whether a value of the map has a wanted lemma; much cheaper than unpacking it.
    fn any_lemma(&self, value: u64, wanted: impl Fn(LemmaId) -> bool) -> bool {
        let set = (value >> COMBO_BITS) as u32;
        match set.checked_sub(self.lemma_count) {
            None => wanted(set),
            Some(several) => {
                self.lemma_sets.get(several as usize).chunks_exact(4).any(|id| wanted(read_u32(id, 0)))
            }
        }
    }

    /// Returns the number of the set of lemmas that a form (lower case, е for ё) can belong to; nothing when it is unknown.
    /// Numbers below [`Lexicon::lemma_count`] are lemmas that stand alone.
    pub fn lemma_set(&self, form: &str) -> Option<u32> {
        self.forms.as_ref()?.get(form).map(|value| (value >> COMBO_BITS) as u32)
    }

    /// Returns the numbers of all sets, as [`Lexicon::lemma_set`] gives them, that hold a lemma.
    pub fn sets_with(&self, lemma: LemmaId) -> Vec<u32> {
        let several = (0..self.lemma_sets.count()).filter(|set| {
            self.lemma_sets.get(*set as usize).chunks_exact(4).any(|id| read_u32(id, 0) == lemma)
        });
        std::iter::once(lemma).chain(several.map(|set| self.lemma_count + set)).collect()
    }

    fn readings_of(&self, id: u16) -> Vec<Reading> {
        self.readings.get(usize::from(id)).chunks_exact(8).map(read_u64).collect()
    }

    /// Returns the id of a word given in its dictionary form, or none if it is not a dictionary form.
    pub fn lemma(&self, word: &str) -> Option<LemmaId> {
        let value = self.forms.as_ref()?.get(word)?;
        let is_lemma = |id: &[u8]| {
            let readings = self.readings.get(usize::from(read_u16(id)));
            readings.chunks_exact(8).any(|reading| read_u64(reading) & LEMMA != 0)
        };
        let index = self.combo(value).chunks_exact(2).position(is_lemma)?;
        Some(self.lemma_at(value, index))
    }

    /// Returns the dictionary forms of a form, for messages to people: found among the words that begin alike.
    pub fn lemmas_of(&self, form: &str) -> Vec<String> {
        let wanted: Vec<LemmaId> = self.analyses(form).iter().map(|analysis| analysis.lemma).collect();
        let mut found = Vec::new();
        for kept in (1..=form.chars().count()).rev() {
            let prefix: String = form.chars().take(kept).collect();
            if kept < 3 && !found.is_empty() {
                break;
            }
            self.each_with_prefix(&prefix, |word, analyses| {
                let here = analyses.iter().filter(|one| wanted.contains(&one.lemma));
                if here.flat_map(|one| &one.readings).any(|reading| reading & LEMMA != 0)
                    && !found.contains(&word.to_owned())
                {
                    found.push(word.to_owned());
                }
                true
            });
            if found.len() >= wanted.len() {
                break;
            }
        }
        found
    }

    /// Calls `each` for every known form that begins with `prefix`, until it returns false.
    pub fn each_with_prefix(&self, prefix: &str, mut each: impl FnMut(&str, &[Analysis]) -> bool) {
        let Some(forms) = &self.forms else { return };
        let mut stream = forms.range().ge(prefix).into_stream();
        while let Some((form, value)) = stream.next() {
            let Ok(form) = std::str::from_utf8(form) else { return };
            if !form.starts_with(prefix) || !each(form, &self.unpack(value)) {
                return;
            }
        }
    }

    /// Calls `each` for every form of the wanted lemmas; goes through the whole dictionary, which takes about a second.
    pub fn each_of(&self, wanted: impl Fn(LemmaId) -> bool, mut each: impl FnMut(&str, &[Analysis])) {
        let Some(forms) = &self.forms else { return };
        let mut stream = forms.into_stream();
        while let Some((form, value)) = stream.next() {
            let any = self.any_lemma(value, &wanted);
            if let Some(form) = any.then_some(form).and_then(|form| std::str::from_utf8(form).ok()) {
                each(form, &self.unpack(value));
            }
        }
    }

    /// Says whether any known form begins with `prefix`.
    pub fn has_prefix(&self, prefix: &str) -> bool {
        let mut any = false;
        self.each_with_prefix(prefix, |_, _| {
            any = true;
            false
        });
        any
    }

    /// Returns the forms of a lemma that share its stem, with their readings.
    pub fn forms_of(&self, lemma: &str) -> Vec<(String, Vec<Reading>)> {
        let Some(id) = self.lemma(lemma) else { return Vec::new() };
        let letters = lemma.chars().count();
        let varying = if lemma.ends_with("ть") || lemma.ends_with("ся") { 4 } else { 2 };
        let prefix: String = lemma.chars().take(letters.saturating_sub(varying).max(2)).collect();
        let (Some(map), mut forms) = (&self.forms, Vec::new()) else { return Vec::new() };
        let near = Near { prefix: prefix.as_bytes(), most: lemma.len() + LONGER };
        let mut stream = map.search(near).into_stream();
        while let Some((form, value)) = stream.next() {
            if self.any_lemma(value, |one| one == id) {
                let own = self.unpack(value).into_iter().find(|one| one.lemma == id);
                let form = std::str::from_utf8(form).ok();
                forms.extend(form.zip(own).map(|(form, one)| (form.to_owned(), one.readings)));
            }
        }
        forms
    }

    /// Returns what an unknown word could be by its ending, likeliest first.
    pub fn guess(&self, form: &str) -> Vec<Guess> {
        let letters: Vec<char> = form.chars().collect();
        let longest = letters.len().saturating_sub(2).min(5);
        for length in (2..=longest).rev() {
            let ending: String = letters[letters.len() - length..].iter().rev().collect();
            if let Some(ways) = self.endings.as_ref().and_then(|endings| endings.get(&ending)) {
                return self.unpack_ways(&letters, self.ways.get(ways as usize));
            }
        }
        Vec::new()
    }

    fn unpack_ways(&self, letters: &[char], mut ways: &[u8]) -> Vec<Guess> {
        let mut guesses = Vec::new();
        while let [cut, low, high, length, rest @ ..] = ways {
            let (add, next) = rest.split_at(usize::from(*length).min(rest.len()));
            ways = next;
            let kept = letters.len().saturating_sub(usize::from(*cut));
            let mut lemma: String = letters[..kept].iter().collect();
            lemma.push_str(std::str::from_utf8(add).unwrap_or(""));
            guesses.push(Guess { lemma, readings: self.readings_of(u16::from_le_bytes([*low, *high])) });
        }
        guesses
    }
}

#[cfg(test)]
mod tests {
    use super::features::*;
    use super::*;

    #[test]
    fn a_form_gives_every_lemma_with_its_readings() {
        let lexicon = Lexicon::builtin();
        let steel = lexicon.lemma("сталь").unwrap();
        let become_ = lexicon.lemma("стать").unwrap();
        let analyses = lexicon.analyses("стали");
        assert_eq!(analyses.len(), 2);
        let of = |id| analyses.iter().find(|one| one.lemma == id).unwrap();
        assert!(of(steel).readings.iter().all(|reading| reading & NOUN != 0));
        assert!(
            of(become_).readings.iter().any(|reading| reading & (VERB | PAST | PLUR) == VERB | PAST | PLUR)
        );
        assert_eq!(lexicon.lemma("стали"), None);
        assert_eq!(lexicon.lemmas_of("позовите"), ["позвать"]);
    }

    #[test]
    fn an_unknown_word_is_judged_by_its_ending() {
        let lexicon = Lexicon::builtin();
        assert!(!lexicon.knows("забаганю"));
        let guesses = lexicon.guess("забаганил");
        assert!(
            guesses.iter().any(|guess| guess.lemma == "забаганить" && guess.readings[0] & VERB != 0),
            "{guesses:?}"
        );
    }

    #[test]
    fn a_form_of_two_lemmas_is_found_by_either() {
        let lexicon = Lexicon::builtin();
        let set = lexicon.lemma_set("стали").unwrap();
        for lemma in ["сталь", "стать"] {
            assert!(lexicon.sets_with(lexicon.lemma(lemma).unwrap()).contains(&set), "{lemma}");
        }
        let other = lexicon.lemma("стол").unwrap();
        assert!(!lexicon.sets_with(other).contains(&set) && lexicon.sets_with(other).contains(&other));
        assert_eq!(lexicon.lemma_set("забаганю"), None);
    }

    #[test]
    fn the_forms_of_a_lemma_are_its_paradigm() {
        let forms: Vec<String> = Lexicon::builtin().forms_of("клуб").into_iter().map(|form| form.0).collect();
        assert!(
            forms.contains(&"клубами".to_owned()) && !forms.contains(&"клубника".to_owned()),
            "{forms:?}"
        );
    }

    #[test]
    fn no_form_of_a_paradigm_is_lost_for_its_length() {
        let lexicon = Lexicon::builtin();
        for (lemma, longest) in [("новый", "новейшими"), ("писать", "писавшими"), ("кум", "кумовьями")]
        {
            let forms: Vec<String> = lexicon.forms_of(lemma).into_iter().map(|form| form.0).collect();
            assert!(forms.iter().any(|form| form == longest), "{lemma}: {forms:?}");
        }
    }
}
