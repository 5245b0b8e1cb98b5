//! Corrupts words as recognisers do: splits, merges, wrong endings, lost letters. Seeded, so that a run repeats.

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
    use super::*;

    #[test]
    fn noise_repeats_and_grows_with_its_share() {
        let text = "до сих пор ничего не сделали и никто мне не перезвонил хотя обещали";
        assert_eq!(corrupt(text, 0, 1), text);
        assert_eq!(corrupt(text, 50, 7), corrupt(text, 50, 7));
        assert_ne!(corrupt(text, 100, 7), text);
    }
}
