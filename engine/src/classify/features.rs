//! Features of an utterance: words, neighbouring words, and letter groups of 2–5 within a word, hashed into buckets.

use super::BUCKETS;

/// Longest text that is looked at, in words; beyond it an utterance is a document.
const MAX_WORDS: usize = 400;
/// Letter groups, shortest and longest.
const GROUP_LENGTHS: std::ops::RangeInclusive<usize> = 2..=5;

/// Which sum a feature belongs to; each sum has a length of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Group {
    Words = 0,
    Letters = 1,
}

/// One feature and the words it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Feature {
    pub bucket: usize,
    pub group: Group,
    pub first: usize,
    pub last: usize,
}

/// The features of a text, each bucket once, and where its words stand, in code points.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    pub features: Vec<Feature>,
    pub words: Vec<(u32, u32)>,
}

/// Returns the features of a text.
pub(crate) fn features(text: &str) -> Found {
    let (words, spans) = words(text);
    let mut found: Vec<Feature> = Vec::with_capacity(words.len() * 24);
    let mut padded: Vec<char> = Vec::new();
    for (index, word) in words.iter().enumerate() {
        found.push(Feature { bucket: hash(&[word], 1), group: Group::Words, first: index, last: index });
        if let Some(next) = words.get(index + 1) {
            let pair = hash(&[word, next], 2);
            found.push(Feature { bucket: pair, group: Group::Words, first: index, last: index + 1 });
        }
        padded.clear();
        padded.push(' ');
        padded.extend(word);
        padded.push(' ');
        for length in GROUP_LENGTHS {
            for letters in padded.windows(length) {
                found.push(Feature {
                    bucket: hash(&[letters], 3),
                    group: Group::Letters,
                    first: index,
                    last: index,
                });
            }
        }
    }
    found.sort_unstable_by_key(|feature| (feature.group, feature.bucket, feature.first));
    found.dedup_by_key(|feature| (feature.group, feature.bucket));
    Found { features: found, words: spans }
}

/// Words in lower case with «е» for «ё», digits as 0, long repetitions cut to two; exclamation and question marks are words.
fn words(text: &str) -> (Vec<Vec<char>>, Vec<(u32, u32)>) {
    let mut words: Vec<Vec<char>> = Vec::new();
    let mut spans: Vec<(u32, u32)> = Vec::new();
    let mut open = false;
    for (at, sign) in (0_u32..).zip(text.chars()) {
        if words.len() > MAX_WORDS {
            break;
        }
        if sign.is_alphanumeric() || sign == '*' || sign == '@' {
            let lower = lower(sign);
            if !open {
                words.push(Vec::new());
                spans.push((at, at + 1));
                open = true;
            }
            let (Some(word), Some(span)) = (words.last_mut(), spans.last_mut()) else { continue };
            let repeated = word.ends_with(&[lower, lower]);
            if !repeated && word.len() < 40 {
                word.push(lower);
            }
            span.1 = at + 1;
            continue;
        }
        open = false;
        let emoji = u32::from(sign) >= 0x2600;
        if matches!(sign, '!' | '?' | ')' | '(') || emoji {
            let repeated = words.last().is_some_and(|word| word == &[sign]);
            if !repeated {
                words.push(vec![sign]);
                spans.push((at, at + 1));
            }
        }
    }
    (words, spans)
}

fn lower(sign: char) -> char {
    match sign {
        'ё' | 'Ё' => 'е',
        '0'..='9' => '0',
        _ => sign.to_lowercase().next().unwrap_or(sign),
    }
}

/// FNV-1a over the letters, finished by a multiplicative mix; stable across versions, because weights depend on it.
fn hash(parts: &[&[char]], seed: u64) -> usize {
    let mut state = 0xCBF2_9CE4_8422_2325_u64 ^ seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    for part in parts {
        for &letter in *part {
            state = (state ^ u64::from(u32::from(letter))).wrapping_mul(0x0000_0100_0000_01B3);
        }
        state = (state ^ 0xFFFF).wrapping_mul(0x0000_0100_0000_01B3);
    }
    state ^= state >> 29;
    state = state.wrapping_mul(0xBF58_476D_1CE4_E5B9);
    state ^= state >> 32;
    usize::try_from(state).unwrap_or(0) % BUCKETS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_keep_their_place_in_code_points() {
        let found = features("Ёлки, сколлллько МОЖНО!!!");
        assert_eq!(found.words, vec![(0, 4), (6, 16), (17, 22), (22, 23)]);
    }

    #[test]
    fn every_bucket_counts_once() {
        let once = features("да");
        let thrice = features("да да да");
        let words =
            |found: &Found| found.features.iter().filter(|feature| feature.group == Group::Words).count();
        assert_eq!((words(&once), words(&thrice)), (1, 2));
    }
}
