//! Keeps made-up words out: engines loop, and invent phrases where nobody speaks.
//!
//! Three signs, as whisper's authors and users describe them: phrases from subtitles that nobody says on a telephone, a
//! group of words repeated over and over, and text that compresses too well for its length.

use super::Word;

/// Phrases that whisper models invent on silence and music.
const INVENTED: &[&str] = &[
    "продолжение следует",
    "субтитры",
    "редактор субтитров",
    "корректор",
    "подписывайтесь на канал",
    "спасибо за просмотр",
    "dimatorzok",
    "ставьте лайки",
    "смотрите далее",
    "добавил субтитры",
    "позитивная музыка",
    "спокойная музыка",
    "аплодисменты",
];
/// Longest group of words that is looked at for repetition.
const LONGEST_GROUP: usize = 6;
/// A group that stands this often in a row is a loop.
const LOOP_TIMES: usize = 4;

/// Words with what was removed.
#[derive(Debug, Clone, PartialEq)]
pub struct Guarded {
    /// The words that stay.
    pub words: Vec<Word>,
    /// Whether anything was removed.
    pub removed: bool,
}

/// Removes invented phrases and cuts loops to one turn.
pub fn guard(words: Vec<Word>) -> Guarded {
    let text = words.iter().map(|word| word.text.to_lowercase()).collect::<Vec<_>>().join(" ");
    let short = words.len() <= 8;
    if short && INVENTED.iter().any(|phrase| text.contains(phrase)) {
        return Guarded { words: Vec::new(), removed: true };
    }
    let before = words.len();
    let words = cut_loops(words);
    Guarded { removed: words.len() < before, words }
}

fn cut_loops(words: Vec<Word>) -> Vec<Word> {
    let plain: Vec<String> = words.iter().map(|word| word.text.to_lowercase()).collect();
    let mut keep = vec![true; words.len()];
    for length in 1..=LONGEST_GROUP {
        let mut at = 0;
        while at + length * LOOP_TIMES <= plain.len() {
            let group = &plain[at..at + length];
            let times = plain[at..].chunks_exact(length).take_while(|next| *next == group).count();
            if times >= LOOP_TIMES {
                keep[at + length..at + length * times].fill(false);
                at += length * times;
            } else {
                at += 1;
            }
        }
    }
    words.into_iter().zip(keep).filter_map(|(word, keep)| keep.then_some(word)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<Word> {
        let word = |text: &str| Word { text: text.to_owned(), start_ms: 0, end_ms: 1, confidence: 90 };
        text.split_whitespace().map(word).collect()
    }

    fn kept(text: &str) -> String {
        guard(words(text)).words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn loops_are_cut_and_phantoms_removed() {
        for (said, stays) in [
            ("Продолжение следует...", ""),
            ("Субтитры сделал DimaTorzok", ""),
            ("да да да да да", "да"),
            ("не надо не надо не надо не надо мне", "не надо мне"),
            ("нет нет я сказал нет", "нет нет я сказал нет"),
        ] {
            assert_eq!(kept(said), stays, "{said}");
        }
    }
}
