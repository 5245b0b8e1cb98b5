//! What one written word stands for: its readings, the rules' elements it fits, and the repairs that led there.
//!
//! Depends on the word alone, so the result is kept and found again by the spelling.

use super::super::lexicon::features::*;
use super::super::lexicon::{Analysis, LemmaId};
use super::super::rules::program::{AtomId, Program, Want, seen};

/// Grammatical parts that a few words play and that guards and clause borders ask for.
pub mod role {
    /// «не».
    pub const NOT: u32 = 1;
    /// «без»: denies the noun that follows.
    pub const WITHOUT: u32 = 1 << 1;
    /// я, мы and their cases.
    pub const I: u32 = 1 << 2;
    /// вы, ты and their cases.
    pub const YOU: u32 = 1 << 3;
    /// он, она, они in the nominative.
    pub const THEY: u32 = 1 << 4;
    /// A conjunction that opens a clause.
    pub const OPENS: u32 = 1 << 5;
    /// если and its like.
    pub const IF: u32 = 1 << 6;
    /// The particle бы.
    pub const WOULD: u32 = 1 << 7;
    /// A question word.
    pub const ASKS: u32 = 1 << 8;
    /// и: parts the denial of two verbs.
    pub const AND: u32 = 1 << 9;
    /// A personal form of a verb.
    pub const FINITE: u32 = 1 << 10;
    /// Anything a clause can be built around.
    pub const PREDICATE: u32 = 1 << 11;
    /// May stand anywhere in a pattern.
    pub const FILLER: u32 = 1 << 12;
    /// Is not in the dictionary.
    pub const UNKNOWN: u32 = 1 << 13;
    /// A short word that recognisers tear off the next.
    pub const SHORT: u32 = 1 << 14;
    /// ли: makes a question.
    pub const WHETHER: u32 = 1 << 15;
    /// An imperative or a verb in the second person.
    pub const ADDRESSES: u32 = 1 << 16;
    /// A single letter.
    pub const LETTER: u32 = 1 << 17;
    /// A personal pronoun in the nominative.
    pub const SUBJECT: u32 = 1 << 18;
    /// чтобы.
    pub const SO_THAT: u32 = 1 << 19;
}

/// A word as the rules see it.
#[derive(Clone, Debug, Default)]
pub struct Info {
    /// The spelling after repair.
    pub form: Box<str>,
    /// Atoms it fits, sorted.
    pub atoms: Box<[AtomId]>,
    /// The bits of its atoms together.
    pub mask: u64,
    /// All its readings together.
    pub readings: Reading,
    /// Bits of [`role`].
    pub roles: u32,
    /// Its lemmas.
    pub lemmas: Box<[LemmaId]>,
}

/// One written word can be one word, or two written together.
#[derive(Clone, Debug)]
pub enum Resolved {
    /// One word.
    One(Info),
    /// Two words, and after how many letters the second begins.
    Two(Info, Info, u32),
}

fn roles_of(form: &str) -> u32 {
    match form {
        "не" => role::NOT | role::SHORT,
        "без" => role::WITHOUT | role::SHORT,
        "я" | "мы" => role::I | role::SUBJECT,
        "мне" | "меня" | "нам" | "нас" | "мной" | "нами" => role::I,
        "вы" | "ты" => role::YOU | role::SUBJECT,
        "вас" | "вам" | "вами" | "тебя" | "тебе" | "тобой" | "ваш" | "ваша" | "ваше" | "ваши" | "вашего"
        | "вашей" | "вашим" | "вашу" | "ваших" | "вашими" | "вашему" | "твой" | "твоя" | "твое" | "твои"
        | "твоего" | "твою" => role::YOU,
        "он" | "она" | "они" | "оно" => role::THEY,
        "но" | "а" | "или" | "либо" | "иначе" | "хотя" | "зато" | "однако" | "потому" | "поэтому"
        | "пока" | "который" | "которая" | "которое" | "которые" => {
            role::OPENS
        }
        "что" | "когда" | "где" | "почему" | "зачем" | "как" | "куда" | "сколько" | "кто" => {
            role::OPENS | role::ASKS
        }
        "какой" | "какая" | "какое" | "какие" | "каков" | "чей" | "чья" | "кому" | "кого" | "чем"
        | "откуда" | "разве" | "неужели" => role::ASKS,
        "если" | "ежели" | "коли" | "если-бы" => role::OPENS | role::IF,
        "бы" | "б" => role::WOULD,
        "чтобы" | "чтоб" => role::SO_THAT,
        "ли" => role::WHETHER,
        "и" => role::AND,
        "на" | "по" | "за" | "до" | "при" | "от" | "у" | "с" | "в" | "вы-" | "пере" | "про" | "недо"
        | "об" | "о" | "из" | "под" | "со" | "во" | "пре" | "рас" | "по-" | "ни" | "для" | "к" | "ко"
        | "то" => role::SHORT,
        _ => 0,
    }
}

/// Readings by which a clause can be told; forms that are nouns as well are no certain verbs.
fn grammar_roles(readings: Reading) -> u32 {
    let mut roles = 0;
    let noun = readings & (NOUN | ADJF | CONJ | PRCL | PREP | ADVB | NPRO) != 0;
    if readings & VERB != 0 && !noun {
        roles |= role::FINITE | role::PREDICATE;
    }
    if readings & (PRED | INFN | PRTS) != 0 || readings & ADJS != 0 && !noun {
        roles |= role::PREDICATE;
    }
    if readings & VERB != 0 && readings & (IMPR | PER2) != 0 && readings & NOUN == 0 {
        roles |= role::ADDRESSES;
    }
    roles
}

impl Program {
    /// Resolves one written word, lower case with е for ё already.
    pub fn resolve(&self, written: &str, number: bool, sign: bool, masked: bool) -> Resolved {
        if number || sign {
            let seen = if number { seen::NUMBER } else { seen::EMOJI };
            let ordinal = if written.contains('-') { ANUM } else { NUMR };
            return Resolved::One(self.info(written, Vec::new(), if number { seen | ordinal } else { seen }));
        }
        if let Some(word) = masked.then(|| self.unmask(written)).flatten() {
            return Resolved::One(self.known(&word));
        }
        if self.knows(written) {
            return Resolved::One(self.known(written));
        }
        if let Some(repaired) = self.respell(written) {
            return Resolved::One(self.known(&repaired));
        }
        if let Some((one, two)) = self.part(written) {
            let letters = one.chars().count() as u32;
            return Resolved::Two(self.known(one), self.known(two), letters);
        }
        self.unknown(written)
    }

    /// The word is in the dictionary, or a rule names this very form.
    pub(crate) fn knows(&self, form: &str) -> bool {
        self.lexicon.knows(form)
            || self.declared.contains_key(form)
            || self.by_form.contains_key(form)
            || self.mishearings.contains_key(form)
    }

    /// Everything that a form in the dictionary or in the rules can be.
    fn analyses(&self, form: &str) -> Vec<Analysis> {
        let mut analyses = self.lexicon.analyses(form);
        analyses.extend(self.declared.get(form).into_iter().flatten().cloned());
        for meant in self.mishearings.get(form).into_iter().flatten() {
            analyses.extend(self.lexicon.analyses(meant));
        }
        analyses
    }

    pub(crate) fn known(&self, form: &str) -> Info {
        self.info(form, self.analyses(form), 0)
    }

    fn info(&self, form: &str, analyses: Vec<Analysis>, seen: Reading) -> Info {
        let mut atoms = Vec::new();
        let mut readings = seen;
        for one in &analyses {
            readings |= one.readings.iter().fold(0, |all, reading| all | reading);
        }
        if readings & NUMR != 0 {
            readings |= seen::NUMBER;
        }
        let seen = readings & (seen::NUMBER | seen::EMOJI | seen::LATIN | seen::UNKNOWN);
        let mut take = |wants: Option<&Vec<Want>>, of: &[Reading]| {
            atoms.extend(
                wants.into_iter().flatten().filter(|want| want.takes(of, seen)).map(|want| want.atom),
            );
        };
        let all: Vec<Reading> = analyses
            .iter()
            .flat_map(|one| one.readings.iter().copied())
            .chain((analyses.is_empty()).then_some(readings))
            .collect();
        for one in &analyses {
            take(self.by_lemma.get(&one.lemma), &one.readings);
        }
        take(self.by_form.get(form), &all);
        for meant in self.mishearings.get(form).into_iter().flatten() {
            take(self.by_form.get(meant), &all);
        }
        for (end, _) in form.char_indices().skip(1).chain([(form.len(), ' ')]) {
            take(self.by_prefix.get(&form[..end]), &all);
        }
        take(Some(&self.by_features), &all);
        atoms.sort_unstable();
        atoms.dedup();
        let mut roles = roles_of(form) | grammar_roles(readings);
        if self.fillers.contains(form) {
            roles |= role::FILLER;
        }
        if form.chars().count() == 1 {
            roles |= role::LETTER;
        }
        Info {
            form: form.into(),
            mask: atoms.iter().fold(0, |mask, atom| mask | self.atoms[*atom as usize].mask),
            atoms: atoms.into(),
            readings,
            roles,
            lemmas: analyses.iter().map(|one| one.lemma).collect(),
        }
    }

    /// A word of no dictionary: its ending tells the grammar; a near word of the rules tells what was meant.
    fn unknown(&self, written: &str) -> Resolved {
        let latin = if written.is_ascii() { seen::LATIN } else { 0 };
        let guesses = if latin == 0 { self.lexicon.guess(written) } else { Vec::new() };
        let mut best: Option<(usize, Analysis, String)> = None;
        let tries = std::iter::once((written.to_owned(), Vec::new()))
            .chain(guesses.iter().map(|guess| (guess.lemma.clone(), guess.readings.clone())));
        for (word, readings) in tries {
            let Some((near, away)) = self.fuzzy.nearest(&word) else { continue };
            if best.as_ref().is_some_and(|best| best.0 <= away) {
                continue;
            }
            if readings.is_empty() && self.by_form.contains_key(near) {
                best = Some((away, Analysis { lemma: u32::MAX, readings }, near.to_owned()));
            } else if let Some(lemma) = self.lemma_of(near) {
                best = Some((away, Analysis { lemma, readings }, near.to_owned()));
            }
        }
        let guessed = guesses.iter().flat_map(|guess| &guess.readings).fold(0, |all, reading| all | reading);
        let mut info = match best {
            Some((_, analysis, near)) if analysis.lemma == u32::MAX => self.known(&near),
            Some((_, analysis, near)) if analysis.readings.is_empty() => self.known(&near),
            Some((_, analysis, _)) => self.info(written, vec![analysis], 0),
            None => self.info(written, Vec::new(), seen::UNKNOWN | latin | guessed),
        };
        info.roles |= role::UNKNOWN;
        Resolved::One(info)
    }

    fn lemma_of(&self, word: &str) -> Option<LemmaId> {
        self.lexicon
            .lemma(word)
            .or_else(|| self.declared.get(word).and_then(|all| all.first()).map(|one| one.lemma))
    }

    /// Looks alike, sounds alike, drawn out: tries spellings until one is a word.
    fn respell(&self, written: &str) -> Option<String> {
        let mixed = written.chars().any(|letter| letter.is_ascii_alphabetic());
        if mixed {
            let alike: String = written.chars().map(look_alike).collect();
            if !alike.is_ascii() && self.knows(&alike) {
                return Some(alike);
            }
            if let Some(word) = self.transliterate(written) {
                return Some(word);
            }
        }
        if written.chars().zip(written.chars().skip(1)).any(|(one, two)| one == two) {
            for kept in [1, 2] {
                let short = squeeze(written, kept);
                if short != written && self.knows(&short) {
                    return Some(short);
                }
            }
        }
        if written.contains(['\'', '’', '\u{301}']) {
            let plain: String =
                written.chars().filter(|letter| !matches!(letter, '\'' | '’' | '\u{301}')).collect();
            return self.knows(&plain).then_some(plain);
        }
        if let Some((one, two)) = written.split_once('-') {
            // «по-быстрому» is in the dictionary, «дайте-ка» is not: the tail is a particle.
            if matches!(two, "ка" | "то" | "таки" | "с") && self.knows(one) {
                return Some(one.to_owned());
            }
            let whole = format!("{one}{two}");
            return self.knows(&whole).then_some(whole);
        }
        None
    }

    /// Words written in Latin letters, accepted only where a rule asks for the result.
    fn transliterate(&self, written: &str) -> Option<String> {
        if !written.is_ascii() {
            return None;
        }
        for soft in [false, true] {
            let word = to_cyrillic(written, soft);
            if self.masks.iter().any(|mask| **mask == *word)
                || self.lexicon.knows(&word)
                    && !self.known(&word).atoms.is_empty()
                    && word.chars().count() > 3
            {
                return Some(word);
            }
        }
        None
    }

    /// «б***ь», «х@й», «п****ц»: the word of the list that fits the visible letters; else letters for the signs alike.
    fn unmask(&self, written: &str) -> Option<String> {
        let shape: Vec<char> = written.chars().map(look_alike).collect();
        let starred = shape.iter().any(|letter| matches!(letter, '*' | '#' | '$' | '@'));
        if let Some(word) = self
            .masks
            .iter()
            .filter(|_| starred)
            .find(|mask| fits_mask(&shape, &mask.chars().collect::<Vec<_>>()))
        {
            return Some(word.to_string());
        }
        let respelt: String = written
            .chars()
            .map(|sign| match sign {
                '@' => 'а',
                '0' => 'о',
                '3' => 'з',
                '4' => 'ч',
                '6' => 'б',
                '1' => 'и',
                '$' => 'с',
                other => look_alike(other),
            })
            .filter(|letter| letter.is_alphabetic())
            .collect();
        self.knows(&respelt).then_some(respelt)
    }

    /// Two words run together; the second must be one that the rules know, the first a short one.
    fn part<'w>(&self, written: &'w str) -> Option<(&'w str, &'w str)> {
        for (end, _) in written.char_indices().skip(1) {
            let (one, two) = (&written[..end], &written[end..]);
            if two.chars().count() < 3 || one.chars().count() > 5 {
                continue;
            }
            let short = roles_of(one) & (role::SHORT | role::I | role::YOU | role::AND) != 0;
            if short
                && self.lexicon.knows(one)
                && self.lexicon.knows(two)
                && !(self.known(two).atoms.is_empty())
            {
                return Some((one, two));
            }
            // «намне», «квам»: a preposition and a pronoun.
        }
        for (end, _) in written.char_indices().skip(1) {
            let (one, two) = (&written[..end], &written[end..]);
            if roles_of(one) & role::SHORT != 0 && roles_of(two) & (role::I | role::YOU) != 0 {
                return Some((one, two));
            }
        }
        None
    }
}

/// Letters of the Latin alphabet that look like Russian ones.
fn look_alike(letter: char) -> char {
    match letter {
        'a' => 'а',
        'e' => 'е',
        'o' => 'о',
        'p' => 'р',
        'c' => 'с',
        'y' => 'у',
        'x' => 'х',
        'k' => 'к',
        'm' => 'м',
        't' => 'т',
        'b' => 'в',
        'h' => 'н',
        'n' => 'п',
        'u' => 'и',
        'r' => 'г',
        '3' => 'з',
        '0' => 'о',
        other => other,
    }
}

/// Keeps at most `kept` equal letters in a row.
fn squeeze(word: &str, kept: usize) -> String {
    let mut out = String::new();
    let (mut last, mut run) = (None, 0);
    for letter in word.chars() {
        run = if last == Some(letter) { run + 1 } else { 1 };
        last = Some(letter);
        if run <= kept {
            out.push(letter);
        }
    }
    out
}

/// Stars stand for letters, as many or a few more or less; other signs for exactly one.
fn fits_mask(shape: &[char], word: &[char]) -> bool {
    if shape.first().is_none_or(|first| matches!(first, '*' | '#' | '$' | '@')) && shape.len() != word.len() {
        return false;
    }
    let visible = shape.iter().filter(|letter| letter.is_alphabetic()).count();
    if visible == 0 || shape.len().abs_diff(word.len()) > 3 {
        return false;
    }
    if shape.len() == word.len() {
        return shape
            .iter()
            .zip(word)
            .all(|(sign, letter)| sign == letter || matches!(sign, '*' | '#' | '$' | '@'));
    }
    let head = shape.iter().take_while(|sign| sign.is_alphabetic()).count();
    let tail = shape.iter().rev().take_while(|sign| sign.is_alphabetic()).count();
    let middle = shape.len() - head - tail;
    let stars = shape[head..shape.len() - tail].iter().all(|sign| *sign == '*');
    stars
        && middle > 1
        && head + tail < word.len()
        && head > 0
        && tail > 0
        && shape[..head] == word[..head]
        && shape[shape.len() - tail..] == word[word.len() - tail..]
}

/// Transliterates by the usual spellings; `soft` reads «y» after a consonant at the end as «ь».
fn to_cyrillic(written: &str, soft: bool) -> String {
    const LONG: [(&str, &str); 18] = [
        ("shch", "щ"),
        ("sch", "щ"),
        ("yo", "е"),
        ("jo", "е"),
        ("zh", "ж"),
        ("kh", "х"),
        ("ts", "ц"),
        ("ch", "ч"),
        ("sh", "ш"),
        ("yu", "ю"),
        ("ju", "ю"),
        ("ya", "я"),
        ("ja", "я"),
        ("ye", "е"),
        ("iy", "ий"),
        ("yy", "ый"),
        ("ei", "ей"),
        ("'", "ь"),
    ];
    let mut out = String::new();
    let mut rest = written;
    'letters: while let Some(letter) = rest.chars().next() {
        for (latin, russian) in LONG {
            if let Some(next) = rest.strip_prefix(latin) {
                out.push_str(russian);
                rest = next;
                continue 'letters;
            }
        }
        rest = &rest[letter.len_utf8()..];
        out.push(match letter {
            'a' => 'а',
            'b' => 'б',
            'c' => 'ц',
            'd' => 'д',
            'e' => 'е',
            'f' => 'ф',
            'g' => 'г',
            'h' => 'х',
            'i' => 'и',
            'j' => 'й',
            'k' => 'к',
            'l' => 'л',
            'm' => 'м',
            'n' => 'н',
            'o' => 'о',
            'p' => 'п',
            'q' => 'к',
            'r' => 'р',
            's' => 'с',
            't' => 'т',
            'u' => 'у',
            'v' | 'w' => 'в',
            'x' => 'х',
            'y' if rest.is_empty() && (soft || out.ends_with(['а', 'о', 'у', 'е', 'и'])) => {
                if out.ends_with(['а', 'о', 'у', 'е', 'и']) { 'й' } else { 'ь' }
            }
            'y' => 'ы',
            'z' => 'з',
            other => other,
        });
    }
    if soft && !written.contains('\'') && out.ends_with(['т', 'д', 'н', 'л']) {
        out.push('ь');
    }
    out
}
