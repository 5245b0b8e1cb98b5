//! Cuts a text into words, numbers and emoji with their code-point offsets, and notes what stands between them.

/// What stands before a word.
pub mod before {
    /// A sentence ends.
    pub const SENTENCE: u8 = 1;
    /// A comma, dash, colon or bracket.
    pub const COMMA: u8 = 2;
    /// The word stands in quotation marks.
    pub const QUOTED: u8 = 4;
    /// The sentence before ended with a question mark.
    pub const ASKED: u8 = 8;
    /// The word touches the one before without a space.
    pub const GLUED: u8 = 16;
}

/// One piece of the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Piece {
    /// First byte.
    pub byte: u32,
    /// One past the last byte.
    pub byte_end: u32,
    /// First code point.
    pub start: u32,
    /// One past the last code point.
    pub end: u32,
    /// What stands before it: bits of [`before`].
    pub before: u8,
    /// Consists of digits.
    pub number: bool,
    /// Is an emoji or a sign that stands for a word («+»).
    pub sign: bool,
    /// Contains characters that mask letters.
    pub masked: bool,
}

/// What the text looks like as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// Has marks that end sentences or clauses.
    pub punctuated: bool,
    /// The last sentence ends with a question mark.
    pub asks: bool,
    /// Letters in upper case.
    pub upper: u32,
    /// Letters in lower case.
    pub lower: u32,
    /// Most exclamation marks in a row.
    pub exclamations: u32,
    /// First and last code point of the words in capitals.
    pub capitals: Option<(u32, u32)>,
    /// Words of three letters and more in capitals.
    pub capital_words: u32,
    /// Most words in capitals one after the other.
    pub capital_run: u32,
}

/// Abbreviations whose dot does not end a sentence.
const ABBREVIATIONS: [&str; 24] = [
    "руб", "тел", "стр", "ул", "кв", "тыс", "млн", "млрд", "шт", "мин", "сек", "др", "пр", "им", "гр", "см",
    "обл", "эт", "корп", "оф", "коп", "доб", "г", "д",
];

/// Says whether it is a letter; the ranges that nearly all text is in are told without the tables of Unicode.
fn is_letter(sign: char) -> bool {
    match sign {
        'а'..='я' | 'А'..='Я' | 'ё' | 'Ё' | 'a'..='z' | 'A'..='Z' => true,
        '\0'..='\u{7f}' => false,
        other => other.is_alphabetic(),
    }
}

fn is_digit(sign: char) -> bool {
    match sign {
        '0'..='9' => true,
        '\0'..='\u{7f}' | '\u{400}'..='\u{45f}' => false,
        other => other.is_numeric(),
    }
}

/// One for a letter in upper case, and one for a letter in lower case.
fn cases(letter: char) -> (u32, u32) {
    match letter {
        'а'..='я' | 'ё' | 'a'..='z' => (0, 1),
        'А'..='Я' | 'Ё' | 'A'..='Z' => (1, 0),
        '\0'..='\u{7f}' => (0, 0),
        other => (u32::from(other.is_uppercase()), u32::from(other.is_lowercase())),
    }
}

fn is_mask(letter: char) -> bool {
    matches!(letter, '*' | '@' | '#' | '$')
}

fn is_emoji(letter: char) -> bool {
    matches!(u32::from(letter), 0x1F300..=0x1FAFF | 0x2600..=0x27BF | 0x2B50 | 0x2B55)
}

/// Cuts `text`; `pieces` is emptied first so that it can be reused.
pub fn split(text: &str, pieces: &mut Vec<Piece>) -> Look {
    pieces.clear();
    let mut cutter = Cutter {
        text,
        pieces,
        look: Look::default(),
        pending: before::SENTENCE,
        quotes: 0,
        straight: text.bytes().filter(|byte| *byte == b'"').count().is_multiple_of(2),
        after: 0,
        bangs: 0,
        run: 0,
    };
    let mut letters = Letters { inner: text.char_indices().peekable(), point: 0, text };
    let mut line_begins = true;
    while let Some((byte, point, letter)) = letters.next() {
        if line_begins && letter == '>' {
            // Quoted lines of an e-mail are not the writer's words.
            while letters.next().is_some_and(|next| next.2 != '\n') {}
            cutter.pending |= before::SENTENCE;
            continue;
        }
        line_begins = letter == '\n' || line_begins && letter.is_whitespace();
        if is_letter(letter) || is_digit(letter) || is_mask(letter) && letters.peek().is_some_and(is_letter) {
            let piece = letters.word(byte, point, letter);
            cutter.word(piece);
        } else {
            cutter.between(byte, point, letter, letters.peek());
        }
    }
    cutter.look.asks = cutter.pending & before::ASKED != 0;
    cutter.look
}

struct Letters<'t> {
    inner: std::iter::Peekable<std::str::CharIndices<'t>>,
    point: u32,
    text: &'t str,
}

impl Letters<'_> {
    fn next(&mut self) -> Option<(usize, u32, char)> {
        let (byte, letter) = self.inner.next()?;
        self.point += 1;
        Some((byte, self.point - 1, letter))
    }

    fn peek(&mut self) -> Option<char> {
        self.inner.peek().map(|next| next.1)
    }

    fn peek_second(&mut self) -> Option<char> {
        let at = self.inner.peek().map_or(self.text.len(), |next| next.0);
        self.text.get(at..).and_then(|rest| rest.chars().nth(1))
    }

    /// Reads a word or number that begins with `letter`.
    fn word(&mut self, byte: usize, point: u32, letter: char) -> Piece {
        let number = is_digit(letter);
        let mut piece =
            Piece { byte: byte as u32, start: point, number, masked: is_mask(letter), ..Piece::default() };
        let mut end = byte + letter.len_utf8();
        let mut ordinal = false;
        while let Some(next) = self.peek() {
            let goes_on = if number {
                ordinal |= self.ordinal_ending(next);
                is_digit(next)
                    || ordinal && (next == '-' || is_letter(next))
                    || matches!(next, '.' | ',' | ':' | '-' | '/') && self.peek_second().is_some_and(is_digit)
            } else {
                // A mask may stand inside a word or at its end; digits stand for letters only inside.
                is_letter(next)
                    || is_mask(next)
                    || next == '\u{301}'
                    || (matches!(next, '-' | '\'' | '’') || next.is_ascii_digit())
                        && self.peek_second().is_some_and(is_letter)
            };
            if !goes_on {
                break;
            }
            piece.masked |= !number && (is_mask(next) || next.is_ascii_digit());
            let Some((at, _, letter)) = self.next() else { break };
            end = at + letter.len_utf8();
        }
        piece.byte_end = end as u32;
        piece.end = self.point;
        piece
    }

    /// «2-й», «3-го»: the ending belongs to the number.
    fn ordinal_ending(&mut self, next: char) -> bool {
        next == '-' && self.peek_second().is_some_and(|letter| "йягмхе".contains(letter))
    }
}

struct Cutter<'t, 'p> {
    text: &'t str,
    pieces: &'p mut Vec<Piece>,
    look: Look,
    pending: u8,
    quotes: u32,
    straight: bool,
    /// The code point at which the last piece ended.
    after: u32,
    bangs: u32,
    run: u32,
}

impl Cutter<'_, '_> {
    fn word(&mut self, mut piece: Piece) {
        piece.before = self.pending;
        if self.quotes > 0 {
            piece.before |= before::QUOTED;
        }
        if piece.start == self.after && !self.pieces.is_empty() {
            piece.before |= before::GLUED;
        }
        self.pending = 0;
        self.bangs = 0;
        self.after = piece.end;
        let word = self.text.get(piece.byte as usize..piece.byte_end as usize).unwrap_or("");
        let (upper, lower) = word.chars().map(cases).fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1));
        self.look.upper += upper;
        self.look.lower += lower;
        if lower > 0 {
            self.run = 0;
        }
        if upper >= 2 && lower == 0 {
            self.run += 1;
            self.look.capital_run = self.look.capital_run.max(self.run);
            self.look.capital_words += u32::from(upper >= 3);
            let start = self.look.capitals.map_or(piece.start, |span| span.0);
            self.look.capitals = Some((start, piece.end));
        }
        self.pieces.push(piece);
    }

    fn between(&mut self, byte: usize, point: u32, letter: char, next: Option<char>) {
        match letter {
            '.' | '…' if self.is_abbreviation(next) => {}
            '.' | '…' | ';' | '\n' | '!' | '?' => {
                self.pending |= before::SENTENCE;
                self.look.punctuated |= letter != '\n';
                if letter == '?' {
                    self.pending |= before::ASKED;
                }
                if letter == '!' {
                    self.bangs += 1;
                    self.look.exclamations = self.look.exclamations.max(self.bangs);
                }
            }
            ',' | ':' | '—' | '–' | '(' | ')' | '-' => {
                // A smile of two brackets ends a sentence as a full stop does.
                let smile = letter == ')' && next == Some(')');
                self.pending |= if smile { before::SENTENCE } else { before::COMMA };
                self.look.punctuated |= letter == ',';
            }
            '«' | '“' | '„' => self.quotes += 1,
            '»' | '”' => self.quotes = self.quotes.saturating_sub(1),
            '"' if self.straight => self.quotes = u32::from(self.quotes == 0),
            '+' if !next.is_some_and(|next| is_letter(next) || is_digit(next)) => {
                self.sign(byte, point, letter)
            }
            _ if is_emoji(letter) => self.sign(byte, point, letter),
            _ => {}
        }
    }

    fn sign(&mut self, byte: usize, point: u32, letter: char) {
        let byte_end = (byte + letter.len_utf8()) as u32;
        let piece = Piece {
            byte: byte as u32,
            byte_end,
            start: point,
            end: point + 1,
            before: self.pending,
            sign: true,
            ..Piece::default()
        };
        self.pending = 0;
        self.pieces.push(piece);
    }

    /// «руб.» in the middle of a sentence; before a capital letter or at the end the dot ends the sentence all the same.
    fn is_abbreviation(&self, next: Option<char>) -> bool {
        let Some(last) = self.pieces.last().filter(|last| last.end == self.after && self.pending == 0) else {
            return false;
        };
        let word = self.text.get(last.byte as usize..last.byte_end as usize).unwrap_or("");
        next.is_some_and(|next| next != '\n')
            && (ABBREVIATIONS.contains(&word) || word.chars().count() == 1 && !last.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let mut pieces = Vec::new();
        split(text, &mut pieces);
        let cut = |piece: &Piece| {
            let by_points: String =
                text.chars().skip(piece.start as usize).take((piece.end - piece.start) as usize).collect();
            assert_eq!(by_points, text[piece.byte as usize..piece.byte_end as usize]);
            by_points
        };
        pieces.iter().map(cut).collect()
    }

    #[test]
    fn words_numbers_masks_and_emoji_are_cut_with_their_offsets() {
        assert_eq!(words("Верните 3 490 руб., х*й вам!"), ["Верните", "3", "490", "руб", "х*й", "вам"]);
        assert_eq!(words("2-й раз, 12.05 в 10:30"), ["2-й", "раз", "12.05", "в", "10:30"]);
        assert_eq!(words("б***ь как-то 990р 🙏 +"), ["б***ь", "как-то", "990", "р", "🙏", "+"]);
    }

    #[test]
    fn quoted_lines_of_a_letter_are_left_out() {
        assert_eq!(words("Добрый день\n> вы идиоты\n > все\nспасибо"), ["Добрый", "день", "спасибо"]);
    }

    #[test]
    fn a_dot_after_an_abbreviation_ends_nothing() {
        let mut pieces = Vec::new();
        split("сто руб. за штуку. Дорого", &mut pieces);
        let ends: Vec<bool> = pieces.iter().map(|piece| piece.before & before::SENTENCE != 0).collect();
        assert_eq!(ends, [true, false, false, false, true]);
    }
}
