//! Aspect pairs of verbs (уйти/уходить), so that a rule can name one verb and mean both.
//!
//! The pairs are derived from `engine/data/lexicon/aspect.txt` and accepted only where the dictionary confirms them.

use super::Lexicon;
use super::features::{IMPF, INFN, PERF, Reading};

const RULES: &str = include_str!("../../../data/lexicon/aspect.txt");

/// Returns the other verbs of the aspect pair of `verb` (an infinitive); nothing when none is known.
pub fn partners(lexicon: &Lexicon, verb: &str) -> Vec<String> {
    let (stem, reflexive) = match verb.strip_suffix("ся").or_else(|| verb.strip_suffix("сь")) {
        Some(stem) => (stem, true),
        None => (verb, false),
    };
    let mut found: Vec<String> = Vec::new();
    let (mut whole, mut general) = (Vec::new(), Vec::new());
    for line in RULES.lines() {
        if let Some((perfective, imperfective)) = line.split_once(' ').filter(|_| !line.starts_with('#')) {
            let side = if perfective.starts_with('*') { &mut general } else { &mut whole };
            side.push((perfective, imperfective));
        }
    }
    for (perfective, imperfective) in whole {
        for (from, to, wanted) in [(perfective, imperfective, IMPF), (imperfective, perfective, PERF)] {
            if from == verb && to != verb && has_aspect(lexicon, to, wanted) {
                found.push(to.to_owned());
            } else if reflexive && from == stem {
                found.extend(Some(format!("{to}ся")).filter(|pair| has_aspect(lexicon, pair, wanted)));
            }
        }
    }
    if !found.is_empty() {
        return found;
    }
    for (perfective, imperfective) in general {
        for (from, to, own, wanted) in
            [(perfective, imperfective, PERF, IMPF), (imperfective, perfective, IMPF, PERF)]
        {
            let Some(head) = stem.strip_suffix(from.trim_start_matches('*')) else { continue };
            let tail = if reflexive { "ся" } else { "" };
            let pair = format!("{head}{}{tail}", to.trim_start_matches('*'));
            if has_aspect(lexicon, verb, own) && pair != verb && has_aspect(lexicon, &pair, wanted) {
                return vec![pair];
            }
        }
    }
    Vec::new()
}

fn has_aspect(lexicon: &Lexicon, verb: &str, aspect: Reading) -> bool {
    let wanted = INFN | aspect;
    lexicon.analyses(verb).iter().flat_map(|one| &one.readings).any(|reading| reading & wanted == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verb_finds_its_pair_in_both_directions() {
        let lexicon = Lexicon::builtin();
        for (one, other) in [
            ("уйти", "уходить"),
            ("позвать", "звать"),
            ("расторгнуть", "расторгать"),
            ("пожаловаться", "жаловаться"),
            ("обратиться", "обращаться"),
            ("переплатить", "переплачивать"),
            ("вернуть", "возвращать"),
            ("перезвонить", "перезванивать"),
            ("дозвониться", "дозваниваться"),
        ] {
            assert!(
                partners(lexicon, one).contains(&other.to_owned()),
                "{one}: {:?}",
                partners(lexicon, one)
            );
            assert!(
                partners(lexicon, other).contains(&one.to_owned()),
                "{other}: {:?}",
                partners(lexicon, other)
            );
        }
        assert!(partners(lexicon, "стол").is_empty());
    }
}
