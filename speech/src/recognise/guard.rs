//! Speech models make words up: phrases of their training films on silence, loops, text where nobody speaks. Such words
//! would become signals of a customer who never said them, so they are refused here, whatever the engine.

use std::io::Write;

use flate2::{Compression, write::ZlibEncoder};

use super::{Heard, Word};

/// Why words were left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// A phrase of the training films.
    Phantom,
    /// The same words again and again.
    Loop,
    /// The engine itself doubts that anybody speaks.
    NoSpeech,
    /// More text than anybody can say in that time.
    TooFast,
}

/// What the engine knows about a segment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evidence {
    /// Probability that nobody speaks, 0 to 1.
    pub no_speech: f32,
    /// Mean natural logarithm of the parts' probabilities.
    pub mean_log_probability: f32,
    /// Length of the segment, in ms.
    pub duration_ms: u64,
}

/// Limits of Whisper's own reference decoder for «nobody speaks» and for looping text.
const NO_SPEECH: f32 = 0.6;
const LOW_LOG_PROBABILITY: f32 = -1.0;
const COMPRESSION: f32 = 2.4;

/// Shortest text whose compression says something, in bytes.
const COMPRESSION_FROM: usize = 120;

/// Letters a second beyond anybody's tongue: quick Russian speech has about 20.
const MAX_LETTERS_PER_S: u64 = 35;

/// A word may be said this often in a row («нет, нет, нет»), a longer phrase this often.
const WORD_REPEATS: usize = 4;
const PHRASE_REPEATS: usize = 2;

/// Longest phrase that is looked at for loops, in words.
const PHRASE_WORDS: usize = 12;

/// Phrases, in lower case without punctuation, that Russian models make up on silence and music. A sentence that is or
/// begins with one of them is refused.
const PHANTOMS: [&str; 17] = [
    "продолжение следует",
    "субтитры",
    "редактор субтитров",
    "корректор",
    "добавил субтитры",
    "спасибо за просмотр",
    "спасибо за внимание и просмотр",
    "спасибо за субтитры",
    "подписывайтесь на канал",
    "подписывайтесь на мой канал",
    "подпишись на канал",
    "ставьте лайки",
    "не забудьте подписаться",
    "смотрите продолжение",
    "до новых встреч в следующем видео",
    "всем спасибо за просмотр",
    "игорь негода",
];

/// Keeps what was said and refuses what was made up.
pub fn keep_real(words: Vec<Word>, evidence: Evidence) -> Heard {
    if evidence.no_speech > NO_SPEECH && evidence.mean_log_probability < LOW_LOG_PROBABILITY {
        return refuse(Refusal::NoSpeech, words);
    }
    let words = without_brackets(words);
    if evidence.mean_log_probability < DOUBTFUL_LOG_PROBABILITY
        && !words.iter().any(|word| has_russian(&word.text))
    {
        return refuse(Refusal::NoSpeech, words);
    }
    if is_caption(&words) {
        return refuse(Refusal::Phantom, words);
    }
    let (words, phantom) = without_phantoms(words);
    let before = words.len();
    let words = without_loops(words);
    let looped = words.len() < before;
    let letters: usize = words.iter().map(|word| bare(&word.text).chars().count()).sum();
    // A short segment may be cut tightly; ten letters are said in no time.
    if letters as u64 * 1000 > 10_000 + MAX_LETTERS_PER_S * evidence.duration_ms {
        return refuse(Refusal::TooFast, words);
    }
    if looped && words.len() * 6 < before || compression(&words) > COMPRESSION {
        return refuse(Refusal::Loop, words);
    }
    let refused = if looped {
        Some(Refusal::Loop)
    } else if phantom {
        Some(Refusal::Phantom)
    } else {
        None
    };
    Heard { words, refused }
}

/// A foreign word alone needs more certainty than this to be believed in a Russian conversation.
const DOUBTFUL_LOG_PROBABILITY: f32 = -0.5;

fn has_russian(text: &str) -> bool {
    text.chars().any(|c| matches!(c, 'а'..='я' | 'А'..='Я' | 'ё' | 'Ё') || c.is_ascii_digit())
}

/// Captions of noises are written in capitals from start to end: «ТЕЛЕФОННЫЙ ЗВОНОК».
fn is_caption(words: &[Word]) -> bool {
    let letters = || words.iter().flat_map(|word| word.text.chars()).filter(|c| c.is_alphabetic());
    letters().count() >= 6 && letters().all(char::is_uppercase)
}

fn refuse(why: Refusal, words: Vec<Word>) -> Heard {
    Heard { words: Vec::new(), refused: (!words.is_empty()).then_some(why) }
}

/// Leaves out what is no speech: «[музыка]», «(смех)», «*звонок*», notes.
fn without_brackets(words: Vec<Word>) -> Vec<Word> {
    let mut until: Option<char> = None;
    let mut kept = Vec::with_capacity(words.len());
    for word in words {
        let text = word.text.trim();
        if until.is_none() {
            until = match text.chars().next() {
                Some('[') => Some(']'),
                Some('(') => Some(')'),
                Some('*') => Some('*'),
                _ => None,
            };
            if until.is_none() {
                if text.chars().any(char::is_alphanumeric) {
                    kept.push(word);
                }
                continue;
            }
            // A lone star is both the beginning and nothing more.
            if text.chars().count() == 1 {
                continue;
            }
        }
        if let Some(end) = until
            && text.trim_end_matches(['.', ',', '!', '?']).ends_with(end)
        {
            until = None;
        }
    }
    kept
}

/// Refuses whole sentences that are phantoms.
fn without_phantoms(words: Vec<Word>) -> (Vec<Word>, bool) {
    let mut kept = Vec::with_capacity(words.len());
    let mut found = false;
    for sentence in words.chunk_by(|word, _| !word.text.ends_with(['.', '!', '?', '…'])) {
        let text = sentence.iter().map(|word| bare(&word.text)).collect::<Vec<_>>().join(" ");
        if is_phantom(&text) { found = true } else { kept.extend_from_slice(sentence) }
    }
    (kept, found)
}

fn is_phantom(sentence: &str) -> bool {
    PHANTOMS.iter().any(|phantom| {
        sentence.strip_prefix(phantom).is_some_and(|rest| {
            // The rest is a name («субтитры сделал …»): a customer's longer sentence only begins like a phantom.
            rest.is_empty() || (rest.starts_with(' ') && rest.split_whitespace().count() <= 4)
        })
    })
}

/// Shortens phrases that are repeated more often than people do.
fn without_loops(mut words: Vec<Word>) -> Vec<Word> {
    for size in 1..=PHRASE_WORDS {
        let allowed = if size == 1 { WORD_REPEATS } else { PHRASE_REPEATS };
        let bare: Vec<String> = words.iter().map(|word| bare(&word.text)).collect();
        let mut keep = vec![true; words.len()];
        let mut at = 0;
        while at + size <= words.len() {
            let mut times = 1;
            while bare.get(at + times * size..at + (times + 1) * size) == Some(&bare[at..at + size]) {
                times += 1;
            }
            if times > allowed {
                let kept = if size == 1 { 2 } else { 1 };
                keep[at + size * kept..at + size * times].fill(false);
                at += size * times;
            } else {
                at += 1;
            }
        }
        let mut flags = keep.into_iter();
        words.retain(|_| flags.next().unwrap_or(true));
    }
    words
}

/// Lower case, letters and digits only.
fn bare(word: &str) -> String {
    word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// How many times shorter the text becomes by compression.
fn compression(words: &[Word]) -> f32 {
    let text = words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
    if text.len() < COMPRESSION_FROM {
        return 0.0;
    }
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    match encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish()) {
        Ok(packed) if !packed.is_empty() => text.len() as f32 / packed.len() as f32,
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SURE: Evidence = Evidence { no_speech: 0.1, mean_log_probability: -0.3, duration_ms: 10_000 };

    fn words(text: &str) -> Vec<Word> {
        let word = |text: &str| Word { text: text.to_owned(), start_ms: 0, end_ms: 100, confidence: 0.9 };
        text.split_whitespace().map(word).collect()
    }

    fn check(said: &str, kept: &str, refused: Option<Refusal>) {
        let heard = keep_real(words(said), SURE);
        let text = heard.words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
        assert_eq!((text.as_str(), heard.refused), (kept, refused), "{said}");
    }

    #[test]
    fn made_up_phrases_are_refused_and_real_ones_kept() {
        check("Продолжение следует...", "", Some(Refusal::Phantom));
        check("Субтитры сделал DimaTorzok", "", Some(Refusal::Phantom));
        check("Редактор субтитров А.Семкин Корректор А.Егорова", "", Some(Refusal::Phantom));
        check("Верните деньги! Продолжение следует...", "Верните деньги!", Some(Refusal::Phantom));
        check("Спасибо за просмотр!", "", Some(Refusal::Phantom));
        check("Спасибо за внимание.", "Спасибо за внимание.", None);
        let said = "Субтитры у вас на сайте не работают уже вторую неделю.";
        check(said, said, None);
    }

    #[test]
    fn loops_are_shortened_and_a_segment_of_nothing_else_is_refused() {
        check("Нет, нет, нет, я сказал нет.", "Нет, нет, нет, я сказал нет.", None);
        check("Алло! Алло! Алло! Алло!", "Алло! Алло! Алло! Алло!", None);
        check(&"и так далее ".repeat(12), "", Some(Refusal::Loop));
        check(
            "Я жду ответа. и вот и вот и вот и вот и вот уже неделю",
            "Я жду ответа. и вот уже неделю",
            Some(Refusal::Loop),
        );
    }

    #[test]
    fn what_is_no_speech_is_left_out() {
        check("[музыка]", "", None);
        check("*телефонный звонок* Алло", "Алло", None);
        check("(смех в зале) Да.", "Да.", None);
        check("- Добрый день", "Добрый день", None);
        check("ТЕЛЕФОННЫЙ ЗВОНОК", "", Some(Refusal::Phantom));
        check("ООО", "ООО", None);
    }

    #[test]
    fn the_engines_doubt_and_an_impossible_pace_are_believed() {
        let doubtful = Evidence { no_speech: 0.8, mean_log_probability: -1.4, duration_ms: 4_000 };
        assert_eq!(keep_real(words("Спасибо большое"), doubtful).refused, Some(Refusal::NoSpeech));
        let unsure = Evidence { mean_log_probability: -0.9, ..SURE };
        assert_eq!(keep_real(words("drill"), unsure).refused, Some(Refusal::NoSpeech));
        assert_eq!(keep_real(words("Windows 10"), unsure).refused, None);
        let short = Evidence { duration_ms: 500, ..SURE };
        let said = "Сегодня мы поговорим о том как правильно готовить борщ";
        assert_eq!(keep_real(words(said), short).refused, Some(Refusal::TooFast));
    }
}
