//! Words a few letters off: recogniser's slips and typing errors, looked up in the rules' own vocabulary only.
//!
//! Symmetric deletion: every word of the vocabulary is filed under what remains when letters are left out; a word within
//! the limit shares such a remainder. Looking up costs the same whatever the size of the vocabulary.

use std::hash::{Hash, Hasher};

use rustc_hash::FxHasher;

/// Shorter words are too much alike.
const SHORTEST: usize = 5;

/// From this length on two slips are forgiven.
const LONG: usize = 9;

/// Words to be found again when misspelt.
#[derive(Default)]
pub(crate) struct Fuzzy {
    words: Vec<Box<str>>,
    /// Hash of a remainder and number of a word it is left of, sorted; equal hashes of different remainders only cost a look.
    by_remainder: Vec<(u32, u32)>,
}

impl Fuzzy {
    /// Files the words; short ones are left out.
    pub(crate) fn of(words: impl IntoIterator<Item = String>) -> Self {
        let mut fuzzy = Self::default();
        for word in words {
            let letters: Vec<char> = word.chars().collect();
            if letters.len() < SHORTEST {
                continue;
            }
            let id = fuzzy.words.len() as u32;
            fuzzy.words.push(word.into_boxed_str());
            let by_remainder = &mut fuzzy.by_remainder;
            each_remainder(&letters, limit_of(letters.len()), &mut |remainder| {
                by_remainder.push((remainder, id))
            });
        }
        fuzzy.by_remainder.sort_unstable();
        fuzzy.by_remainder.dedup();
        fuzzy.by_remainder.shrink_to_fit();
        fuzzy
    }

    /// Returns the nearest word within the limit for its length, and how many slips it is away; ties go to the first filed.
    pub(crate) fn nearest(&self, word: &str) -> Option<(&str, usize)> {
        let letters: Vec<char> = word.chars().collect();
        if letters.len() < SHORTEST {
            return None;
        }
        let mut best: Option<(usize, u32)> = None;
        each_remainder(&letters, limit_of(letters.len()), &mut |remainder| {
            let begin = self.by_remainder.partition_point(|entry| entry.0 < remainder);
            for &(_, id) in self.by_remainder[begin..].iter().take_while(|entry| entry.0 == remainder) {
                let known = &self.words[id as usize];
                let limit = limit_of(letters.len().min(known.chars().count()));
                // The first letter is the one people and recognisers rarely get wrong.
                if !known.starts_with(letters[0]) || best.is_some_and(|(_, best)| best == id) {
                    continue;
                }
                let away = distance(word, known, limit + 1);
                if away <= limit && best.is_none_or(|best| (away, id) < best) {
                    best = Some((away, id));
                }
            }
        });
        best.map(|(away, id)| (&*self.words[id as usize], away))
    }
}

fn limit_of(letters: usize) -> usize {
    if letters >= LONG { 2 } else { 1 }
}

fn each_remainder(letters: &[char], limit: usize, each: &mut impl FnMut(u32)) {
    each(hash_without(letters, usize::MAX, usize::MAX));
    for first in 0..letters.len() {
        each(hash_without(letters, first, usize::MAX));
        if limit > 1 {
            for second in first + 1..letters.len() {
                each(hash_without(letters, first, second));
            }
        }
    }
}

fn hash_without(letters: &[char], first: usize, second: usize) -> u32 {
    let mut hasher = FxHasher::default();
    for (index, letter) in letters.iter().enumerate() {
        if index != first && index != second {
            letter.hash(&mut hasher);
        }
    }
    (hasher.finish() >> 32) as u32
}

/// Returns how many letters have to be changed, added, dropped or swapped with their neighbour; at most `cap`.
pub(crate) fn distance(one: &str, other: &str, cap: usize) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    if one.len().abs_diff(other.len()) >= cap {
        return cap;
    }
    let width = other.len() + 1;
    let mut older = vec![0; width];
    let mut old: Vec<usize> = (0..width).collect();
    let mut new = vec![0; width];
    for row in 1..=one.len() {
        new[0] = row;
        for column in 1..width {
            let change = usize::from(one[row - 1] != other[column - 1]);
            new[column] = (old[column] + 1).min(new[column - 1] + 1).min(old[column - 1] + change);
            let swapped = row > 1
                && column > 1
                && one[row - 1] == other[column - 2]
                && one[row - 2] == other[column - 1];
            if swapped {
                new[column] = new[column].min(older[column - 2] + 1);
            }
        }
        std::mem::swap(&mut older, &mut old);
        std::mem::swap(&mut old, &mut new);
    }
    old[width - 1].min(cap)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word_and_a_different_word_does_not() {
        let fuzzy = Fuzzy::of(["роспотребнадзор", "начальник", "отзыв", "суд"].map(str::to_owned));
        for (slip, word) in
            [("роспотрепнадзор", "роспотребнадзор"), ("начяльник", "начальник"), ("отзвы", "отзыв")]
        {
            assert_eq!(fuzzy.nearest(slip).map(|found| found.0), Some(word), "{slip}");
        }
        for other in ["начало", "отвод", "суть", "чальник"] {
            assert_eq!(fuzzy.nearest(other), None, "{other}");
        }
    }
}
