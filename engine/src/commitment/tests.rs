//! Promises by data: `tests.tsv` holds an utterance, the promise and the time in each line.

use super::*;

/// Saturday, 1 March 2025, 15:44:20 in Moscow.
const NOW_MS: i64 = 1_740_833_060_000;

fn spans(text: &str, reference: &Reference) -> Vec<(String, String, String)> {
    let words = |(start, end): (u32, u32)| {
        text.chars().skip(start as usize).take((end - start) as usize).collect::<String>()
    };
    let shown = |commitment: Commitment| {
        let due_text = commitment.due_text.map(words).unwrap_or_else(|| "-".into());
        (words(commitment.what), due_text, commitment.due.unwrap_or_else(|| "-".into()))
    };
    find(text, reference).into_iter().map(shown).collect()
}

#[test]
fn every_line_of_the_data_reads_as_it_says() {
    let reference = Reference::new(Timestamp::from_millis(NOW_MS), 10_800);
    let mut wrong = Vec::new();
    let mut lines = 0;
    for line in include_str!("tests.tsv").lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        lines += 1;
        let fields: Vec<&str> = line.split('\t').collect();
        let expected: Vec<(String, String, String)> = fields[1..]
            .chunks(3)
            .filter(|chunk| chunk.len() == 3)
            .map(|chunk| {
                let due = if chunk[2] == "-" { "-".to_owned() } else { format!("{}+03:00", chunk[2]) };
                (chunk[0].to_owned(), chunk[1].to_owned(), due)
            })
            .collect();
        let got = spans(fields[0], &reference);
        if got != expected {
            wrong.push(format!("{}\n  expected {expected:?}\n  got      {got:?}", fields[0]));
        }
    }
    assert!(lines >= 80, "only {lines} lines");
    assert!(wrong.is_empty(), "{} of {lines} lines are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn without_a_time_of_its_own_an_utterance_still_shows_what_was_promised() {
    let found = spans("перезвоню завтра до шести", &Reference::UNKNOWN);
    assert_eq!(found, [("перезвоню".into(), "завтра до шести".into(), "-".into())]);
    assert_eq!(Reference::new(Timestamp::from_millis(i64::MAX), 0), Reference::UNKNOWN);
}

#[test]
fn a_due_keeps_the_offset_of_the_conversation() {
    let reference = Reference::new(Timestamp::from_millis(NOW_MS), -12_600);
    assert_eq!(spans("перезвоню через час", &reference)[0].2, "2025-03-01T10:14:20-03:30");
}

#[test]
fn at_the_end_of_the_calendar_nothing_breaks() {
    let reference = Reference::new(Timestamp::from_millis(253_402_207_200_000), 0);
    for text in [
        "перезвоню через 99999 лет",
        "верну до конца года",
        "приеду в понедельник",
        "сделаю через 99999 рабочих дней",
        "отвечу 31 февраля",
    ] {
        let _ = spans(text, &reference);
    }
}

proptest::proptest! {
    #[test]
    fn spans_lie_inside_of_any_text(text in "(перезвоню|завтра|до|шести|в|с|12|:|00|,|через|три|дня|пятого|не|и|мая|\\.|\\?| |\n|x){0,30}") {
        let length = text.chars().count() as u32;
        let reference = Reference::new(Timestamp::from_millis(NOW_MS), 10_800);
        for found in find(&text, &reference) {
            proptest::prop_assert!(found.what.0 < found.what.1 && found.what.1 <= length);
            proptest::prop_assert!(found.due_text.is_none_or(|(start, end)| start < end && end <= length));
        }
    }
}
