//! From the text as received to words with offsets, readings, clauses: everything the rules look at.

pub mod clauses;
pub mod split;
pub mod words;

use rustc_hash::FxHashMap;

use super::rules::program::Program;
use split::{Look, Piece, before};
use words::{Info, Resolved, role};

/// One word of the utterance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Token {
    /// First code point in the text as received.
    pub start: u32,
    /// One past the last code point.
    pub end: u32,
    /// Index of its [`Info`] in [`Normalised::words`].
    pub word: u32,
    /// What stands before it: bits of [`split::before`].
    pub before: u8,
    /// Borders before it: bits of [`clauses::border`].
    pub border: u8,
    /// Number of its clause.
    pub clause: u32,
    /// Number of its sentence.
    pub sentence: u32,
    /// Together with the next token it can also be this word; 0: it cannot.
    pub joined: u32,
}

/// Most spellings that are kept; then the memory starts afresh.
const MOST_WORDS: usize = 50_000;

/// Most numbers of atoms that are kept with the spellings (four bytes each).
const MOST_NUMBERS: usize = 2_000_000;

/// The words of one utterance, and the memory of spellings that outlives it. One for each thread; not shared.
#[derive(Default)]
pub struct Normalised {
    /// The words in order.
    pub tokens: Vec<Token>,
    /// What the spellings seen so far stand for; number 0 is nothing.
    pub words: Vec<Info>,
    /// What the text looks like as a whole.
    pub look: Look,
    by_spelling: FxHashMap<Box<str>, Known>,
    by_joint: FxHashMap<Box<str>, u32>,
    /// Two words → what they are when read together.
    by_pair: FxHashMap<(u32, u32), u32>,
    pieces: Vec<Piece>,
    buffer: String,
    /// How many numbers of atoms the words carry.
    numbers: usize,
    /// Which program the memory belongs to.
    program: u64,
}

#[derive(Clone, Copy)]
enum Known {
    One(u32),
    Two(u32, u32, u32),
}

impl Normalised {
    /// Returns what the token stands for.
    pub fn info(&self, token: &Token) -> &Info {
        &self.words[token.word as usize]
    }

    /// Reads `text`; `program_id` must differ between programs.
    pub(crate) fn read(&mut self, program: &Program, program_id: u64, text: &str) {
        if self.program != program_id
            || self.words.len() > MOST_WORDS
            || self.by_joint.len() > MOST_WORDS
            || self.by_pair.len() > MOST_WORDS
            || self.numbers > MOST_NUMBERS
            || self.words.is_empty()
        {
            self.by_spelling.clear();
            self.by_joint.clear();
            self.by_pair.clear();
            self.words.clear();
            self.numbers = 0;
            self.words.push(Info::default());
            self.program = program_id;
        }
        self.tokens.clear();
        let mut pieces = std::mem::take(&mut self.pieces);
        self.look = split::split(text, &mut pieces);
        for piece in &pieces {
            let written = text.get(piece.byte as usize..piece.byte_end as usize).unwrap_or("");
            self.piece(program, piece, written);
        }
        self.pieces = pieces;
        self.join_letters(program);
        self.join_torn(program);
        clauses::mark(&mut self.tokens, &self.words);
    }

    fn piece(&mut self, program: &Program, piece: &Piece, written: &str) {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        for letter in written.chars() {
            match letter {
                'ё' | 'Ё' => buffer.push('е'),
                'а'..='я' | 'a'..='z' | '0'..='9' => buffer.push(letter),
                'А'..='Я' => buffer.push(char::from_u32(letter as u32 + 32).unwrap_or(letter)),
                _ => buffer.extend(letter.to_lowercase()),
            }
        }
        let known = match self.by_spelling.get(buffer.as_str()) {
            Some(known) => *known,
            None => self.learn(program, piece, &buffer),
        };
        let token = Token { start: piece.start, end: piece.end, before: piece.before, ..Token::default() };
        match known {
            Known::One(word) => self.tokens.push(Token { word, ..token }),
            Known::Two(one, two, letters) => {
                let middle = (piece.start + letters).min(piece.end);
                self.tokens.push(Token { word: one, end: middle, ..token });
                self.tokens.push(Token {
                    word: two,
                    start: middle,
                    before: piece.before & before::QUOTED,
                    ..token
                });
            }
        }
        self.buffer = buffer;
    }

    fn learn(&mut self, program: &Program, piece: &Piece, spelling: &str) -> Known {
        // Nobody's word is longer; what is, is noise and not worth remembering.
        let short: String = spelling.chars().take(60).collect();
        let known = match program.resolve(&short, piece.number, piece.sign, piece.masked) {
            Resolved::One(info) => Known::One(self.add(info)),
            Resolved::Two(one, two, letters) => Known::Two(self.add(one), self.add(two), letters),
        };
        self.by_spelling.insert(spelling.into(), known);
        known
    }

    fn add(&mut self, info: Info) -> u32 {
        self.numbers += info.atoms.len();
        self.words.push(info);
        self.words.len() as u32 - 1
    }

    /// «х у й н я»: single letters in a row that make a word the rules know.
    fn join_letters(&mut self, program: &Program) {
        let is_letter = |this: &Self, index: usize| {
            this.words[this.tokens[index].word as usize].roles & role::LETTER != 0
        };
        let mut index = 0;
        while index < self.tokens.len() {
            let mut end = index;
            while end < self.tokens.len() && is_letter(self, end) {
                end += 1;
            }
            if end - index >= 3 {
                self.join_run(program, index, end);
            }
            index = end.max(index) + 1;
        }
    }

    fn join_run(&mut self, program: &Program, begin: usize, end: usize) {
        for from in begin..end.saturating_sub(2) {
            for to in (from + 3..=end.min(from + 14)).rev() {
                let whole: String = self.tokens[from..to]
                    .iter()
                    .map(|token| &*self.words[token.word as usize].form)
                    .collect();
                let word = self.joint(program, &whole);
                if word != 0 {
                    let (first, last) = (self.tokens[from], self.tokens[to - 1]);
                    self.tokens.splice(from..to, [Token { end: last.end, word, ..first }]);
                    return;
                }
            }
        }
    }

    /// «недо делали», «на путал»: words that a recogniser tore apart can be read together as well.
    fn join_torn(&mut self, program: &Program) {
        let mut buffer = std::mem::take(&mut self.buffer);
        for index in 1..self.tokens.len() {
            let (one, two) = (self.tokens[index - 1], self.tokens[index]);
            let roles = self.words[one.word as usize].roles;
            let torn = roles & (role::SHORT | role::UNKNOWN) != 0
                || self.words[two.word as usize].roles & role::UNKNOWN != 0;
            if !torn || two.before & !before::QUOTED != 0 {
                continue;
            }
            let pair = (one.word, two.word);
            let known = self.by_pair.get(&pair).copied();
            self.tokens[index - 1].joined = known.unwrap_or_else(|| {
                buffer.clear();
                buffer.push_str(&self.words[one.word as usize].form);
                buffer.push_str(&self.words[two.word as usize].form);
                let word = self.joint(program, &buffer);
                self.by_pair.insert(pair, word);
                word
            });
        }
        self.buffer = buffer;
    }

    /// Returns the word that the joined spelling is, if the rules know it; 0 otherwise.
    fn joint(&mut self, program: &Program, whole: &str) -> u32 {
        if let Some(word) = self.by_joint.get(whole) {
            return *word;
        }
        let mut word = 0;
        if whole.len() < 80 && program.knows(whole) {
            let info = program.known(whole);
            if info.atoms.iter().any(|atom| program.atoms[*atom as usize].named) {
                word = self.add(info);
            }
        }
        self.by_joint.insert(whole.into(), word);
        word
    }
}
