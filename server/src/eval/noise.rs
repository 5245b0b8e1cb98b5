//! Corrupts words as recognisers do: splits, merges, wrong endings, lost letters. Seeded, so that a run repeats.

use super::{JudgeText, Labelled, score};

/// The macro F1 of the same lines with some share of their words corrupted.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct WithNoise {
    /// Of a hundred words so many are corrupted.
    pub percent: u32,
    /// The macro F1, 0–1.
    pub macro_f1: f64,
    /// What was lost against the lines as they are; below zero where noise helped by chance.
    pub lost: f64,
}

/// Scores the lines with each share of their words corrupted. Every line has a seed of its own, its number, so that the same
/// lines give the same figures.
pub fn with_noise(lines: &[Labelled], percents: &[u32], clean: f64, judge: JudgeText<'_>) -> Vec<WithNoise> {
    let measured = percents.iter().map(|&percent| {
        let mut corrupted = lines.to_vec();
        for (line, seed) in corrupted.iter_mut().zip(1..) {
            line.text = corrupt(&line.text, percent, seed);
        }
        let macro_f1 = score(&corrupted, judge).macro_f1();
        WithNoise { percent, macro_f1, lost: clean - macro_f1 }
    });
    measured.collect()
}

/// Returns `text` with about `percent` of its words corrupted; the same seed gives the same text.
pub fn corrupt(text: &str, percent: u32, seed: u64) -> String {
    let mut dice = Dice(seed ^ 0x9E37_79B9_7F4A_7C15);
    let mut out = String::with_capacity(text.len() + 8);
    for word in text.split_whitespace() {
        let glue = !out.is_empty();
        if dice.roll(100) >= percent {
            if glue {
                out.push(' ');
            }
            out.push_str(word);
            continue;
        }
        let letters: Vec<char> = word.chars().collect();
        let kind = dice.roll(5);
        if glue && kind != 0 {
            out.push(' ');
        }
        push_corrupted(&mut out, &letters, kind, &mut dice);
    }
    out
}

fn push_corrupted(out: &mut String, letters: &[char], kind: u32, dice: &mut Dice) {
    let length = u32::try_from(letters.len()).unwrap_or(u32::MAX);
    let short = length < 4;
    match kind {
        // Merged with the word before, or a short word left as it is.
        0 => out.extend(letters),
        // Split in two.
        1 if !short => {
            let at = (1 + dice.roll(length - 2)) as usize;
            out.extend(letters.iter().take(at));
            out.push(' ');
            out.extend(letters.iter().skip(at));
        }
        // A letter lost.
        2 if !short => {
            let at = (1 + dice.roll(length - 1)) as usize;
            out.extend(
                letters.iter().enumerate().filter(|(index, _)| *index != at).map(|(_, letter)| letter),
            );
        }
        // Another vowel or consonant that sounds alike.
        3 => out.extend(letters.iter().map(|&letter| alike(letter))),
        // A wrong ending.
        _ if !short => {
            out.extend(letters.iter().take(letters.len() - 1));
            let endings = ['а', 'о', 'и', 'е', 'ы', 'у'];
            out.extend(endings.get(dice.roll(6) as usize));
        }
        _ => out.extend(letters),
    }
}

fn alike(letter: char) -> char {
    match letter {
        'о' => 'а',
        'е' => 'и',
        'д' => 'т',
        'з' => 'с',
        'в' => 'ф',
        other => other,
    }
}

/// A small generator (SplitMix64); good enough to choose words, not for secrets.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let rolled = (mixed ^ (mixed >> 31)) % u64::from(sides.max(1));
        u32::try_from(rolled).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use gradus_engine::signal::{Channel, Party, SignalKind};

    use super::*;

    #[test]
    fn noise_repeats_and_grows_with_its_share() {
        let text = "до сих пор ничего не сделали и никто мне не перезвонил хотя обещали";
        assert_eq!(corrupt(text, 0, 1), text);
        assert_eq!(corrupt(text, 50, 7), corrupt(text, 50, 7));
        assert_ne!(corrupt(text, 100, 7), text);
    }

    #[test]
    fn half_of_a_percentage_is_about_half_of_the_words() {
        let text = "совершенно ".repeat(2_000);
        let changed = |percent| {
            let noisy = corrupt(&text, percent, 3);
            2_000 - noisy.split(' ').filter(|word| *word == "совершенно").count()
        };
        assert_eq!(changed(0), 0);
        let (ten, twenty) = (changed(10), changed(20));
        // Merging spoils two words at once, an ending can stay as it was.
        assert!((150..=260).contains(&ten) && (300..=500).contains(&twenty), "{ten}, {twenty}");
    }

    #[test]
    fn a_judge_that_looks_for_whole_words_loses_more_the_more_noise_there_is() {
        let line = |text: &str| Labelled {
            party: Party::Customer,
            channel: Channel::Call,
            text: text.to_owned(),
            labels: [SignalKind::LegalThreat].into(),
            trap: None,
        };
        let lines: Vec<Labelled> =
            (0..300).map(|number| line(&format!("иск номер {number} завтра подаю"))).collect();
        let judge = |text: &str, _: Party, _: Channel| {
            let found = text.split(' ').any(|word| word == "подаю");
            found.then_some(SignalKind::LegalThreat).into_iter().collect()
        };
        let clean = score(&lines, &judge).macro_f1();
        let noisy = with_noise(&lines, &[5, 20, 50], clean, &judge);
        assert_eq!(noisy.iter().map(|one| one.percent).collect::<Vec<_>>(), [5, 20, 50]);
        assert!(
            0.0 < noisy[0].lost && noisy[0].lost < noisy[1].lost && noisy[1].lost < noisy[2].lost,
            "{noisy:?}"
        );
        assert_eq!(noisy, with_noise(&lines, &[5, 20, 50], clean, &judge));
    }
}
