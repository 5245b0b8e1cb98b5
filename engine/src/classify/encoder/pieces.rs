//! Cutting words into the pieces that the encoder knows: the likeliest cut by a unigram model (Kudo, ACL 2018).

use rustc_hash::FxHashMap;

/// Rows of the embedding that mark begin, end, and a sign without a piece.
pub(super) const BEGIN: usize = 0;
pub(super) const UNKNOWN: usize = 1;
pub(super) const END: usize = 2;
/// What a sign without a piece costs.
const UNKNOWN_COST: f32 = 25.0;
/// Marks the beginning of a word.
const WORD_BEGIN: char = '▁';
/// Longest word that is cut whole, in letters; the rest of a longer one is dropped.
const LONGEST_WORD: usize = 64;
/// Most words that are cut; what is longer is a document, of which begin and end are read.
const MOST_WORDS: usize = 1_000;

/// One piece of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// Row of the embedding.
    pub piece: usize,
    /// Which word it is of.
    pub word: usize,
}

/// The pieces and how likely each is.
#[derive(Debug)]
pub(super) struct Pieces {
    rows: FxHashMap<Box<str>, (usize, f32)>,
    /// Letters of the longest piece.
    longest: usize,
}

impl Pieces {
    /// Takes pieces with the logarithms of their probabilities, in the order of the rows of the embedding.
    pub(super) fn new(pieces: impl Iterator<Item = (Box<str>, f32)>) -> Self {
        let rows: FxHashMap<Box<str>, (usize, f32)> =
            pieces.enumerate().map(|(row, (piece, score))| (piece, (row, score))).collect();
        let longest = rows.keys().map(|piece| piece.chars().count()).max().unwrap_or(1);
        Self { rows, longest }
    }

    /// Cuts a text; returns where its words stand, in code points, and its tokens.
    pub(super) fn tokens(&self, text: &str) -> (Vec<(u32, u32)>, Vec<Token>) {
        let (mut places, mut tokens) = (Vec::new(), Vec::new());
        let words = words(text);
        let dropped =
            if words.len() > MOST_WORDS { MOST_WORDS / 2..words.len() - MOST_WORDS / 2 } else { 0..0 };
        for (_, (word, place)) in words.into_iter().enumerate().filter(|(index, _)| !dropped.contains(index))
        {
            let index = places.len();
            places.push(place);
            tokens.extend(self.cut(&word).into_iter().map(|piece| Token { piece, word: index }));
        }
        (places, tokens)
    }

    /// Finds the likeliest cut of a word.
    fn cut(&self, word: &str) -> Vec<usize> {
        let marked: String = std::iter::once(WORD_BEGIN).chain(word.chars().take(LONGEST_WORD)).collect();
        let bounds: Vec<usize> =
            marked.char_indices().map(|(at, _)| at).chain(std::iter::once(marked.len())).collect();
        let letters = bounds.len() - 1;
        let mut best = vec![(f32::MIN, 0, UNKNOWN); letters + 1];
        best[0].0 = 0.0;
        for begin in 0..letters {
            let score = best[begin].0;
            for end in begin + 1..=letters.min(begin + self.longest) {
                let Some(&(row, gain)) = self.rows.get(&marked[bounds[begin]..bounds[end]]) else { continue };
                if score + gain > best[end].0 {
                    best[end] = (score + gain, begin, row);
                }
            }
            if score - UNKNOWN_COST > best[begin + 1].0 {
                best[begin + 1] = (score - UNKNOWN_COST, begin, UNKNOWN);
            }
        }
        let mut rows = Vec::new();
        let mut at = letters;
        while at > 0 {
            let (_, begin, row) = best[at];
            rows.push(row);
            at = begin;
        }
        rows.reverse();
        rows
    }
}

/// Returns the words between spaces, in small letters with «е» for «ё», and where they stand, in code points.
fn words(text: &str) -> Vec<(String, (u32, u32))> {
    let mut words: Vec<(String, (u32, u32))> = Vec::new();
    let mut open = false;
    for (at, sign) in (0_u32..).zip(text.chars()) {
        if sign.is_whitespace() || sign.is_control() {
            open = false;
            continue;
        }
        if !open {
            words.push((String::new(), (at, at)));
            open = true;
        }
        if let Some((word, place)) = words.last_mut() {
            word.extend(sign.to_lowercase().map(|small| if small == 'ё' { 'е' } else { small }));
            place.1 = at + 1;
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces() -> Pieces {
        let known = [
            ("<s>", 0.0),
            ("<unk>", 0.0),
            ("</s>", 0.0),
            ("▁по", -3.0),
            ("зови", -5.0),
            ("▁позови", -9.0),
            ("те", -4.0),
            ("▁", -6.0),
            ("п", -9.0),
        ];
        Pieces::new(known.into_iter().map(|(piece, score)| (piece.into(), score)))
    }

    #[test]
    fn the_likeliest_cut_is_taken_and_places_are_of_the_text_as_received() {
        let (places, tokens) = pieces().tokens("  ПОЗОВИТЕ п€\u{0}по");
        assert_eq!(places, [(2, 10), (11, 13), (14, 16)]);
        let cut: Vec<(usize, usize)> = tokens.iter().map(|token| (token.piece, token.word)).collect();
        assert_eq!(cut, [(3, 0), (4, 0), (6, 0), (7, 1), (8, 1), (UNKNOWN, 1), (3, 2)]);
    }

    #[test]
    fn an_endless_word_and_an_endless_text_are_cut_in_bounded_time() {
        let (places, tokens) = pieces().tokens(&"п".repeat(1 << 20));
        assert_eq!((places.len(), tokens.len() <= LONGEST_WORD + 1), (1, true));
        let (places, _) = pieces().tokens(&"по ".repeat(400_000));
        assert_eq!(places.len(), MOST_WORDS);
    }
}
