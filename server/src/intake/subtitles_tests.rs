//! What subtitles read as.

use super::*;

#[track_caller]
fn check(file: &str, expected: &[(&str, u64, &str)]) {
    let read = parse(file.as_bytes(), "x", &Defaults::default()).unwrap_or_default();
    let said: Vec<_> = read
        .utterances
        .iter()
        .map(|one| {
            let party = &read.parties[one.party as usize];
            (
                party.name.clone().unwrap_or_else(|| party.role.clone()),
                one.start_ms.unwrap_or_default(),
                one.text.as_str(),
            )
        })
        .collect();
    assert_eq!(
        said.iter().map(|(who, at, words)| (who.as_str(), *at, *words)).collect::<Vec<_>>(),
        expected,
        "{file}"
    );
}

#[test]
fn cues_become_utterances_with_their_speakers() {
    check(
        "WEBVTT - заголовок\n\nNOTE пояснение\n00\n\nSTYLE\n::cue {}\n\n1\n00:01.000 --> 00:02.000 align:left\n<v Анна>Добрый день</v>\n\n\
         00:00:03.000 --> 00:00:04.000\n<v.loud Пётр Ильич>Где\n<i>заказ</i>?\n",
        &[("Анна", 1000, "Добрый день"), ("Пётр Ильич", 3000, "Где заказ?")],
    );
    check(
        "1\r\n00:00:01,000 --> 00:00:02,500\r\nОператор: слушаю вас\r\n\r\n2\r\n00:00:03,000 --> 00:00:04,000\r\nклиент: верните деньги\r\n",
        &[("agent", 1000, "слушаю вас"), ("customer", 3000, "верните деньги")],
    );
    check(
        "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Анна>да<v Олег>нет\n\n00:02.000 --> 00:03.000\nи ещё\n",
        &[("Анна", 1000, "да"), ("Олег", 1000, "нет"), ("Олег", 2000, "и ещё")],
    );
    check(
        "WEBVTT\n\n00:01.000 --> 00:02.000\nКлиент: итак: нет\n2\n00:03.000 --> 00:04.000\nУточню: адрес тот же\nв 10:30 приеду",
        &[("customer", 1000, "итак: нет"), ("Уточню", 3000, "адрес тот же в 10:30 приеду")],
    );
}

#[test]
fn bad_subtitles_are_refused_with_the_line() {
    let cases = [
        ("WEBVTT\n\n", FaultKind::Missing, ""),
        ("WEBVTT\n\nab --> 00:02.000\nда", FaultKind::Syntax, "line 3"),
        ("WEBVTT\n\n00:01.000 -->\nда", FaultKind::Syntax, "line 3"),
        ("WEBVTT\n\n00:05.000 --> 00:02.000\nда", FaultKind::Syntax, "line 3"),
        ("WEBVTT\n\n00:01.000 --> 00:02.000\n\n", FaultKind::Empty, "x"),
    ];
    for (file, kind, place) in cases {
        let fault = parse(file.as_bytes(), "x", &Defaults::default()).err();
        assert_eq!(
            fault.as_ref().map(|fault| (fault.kind, fault.place.as_str())),
            Some((kind, place)),
            "{file}"
        );
    }
}

#[test]
fn without_speakers_it_is_said_that_nobody_is_told_apart() {
    let read =
        parse(b"WEBVTT\n\n00:01.000 --> 00:02.000\nhello\n", "x", &Defaults::default()).unwrap_or_default();
    assert!(read.warnings.iter().any(|warning| warning.contains("no cue names its speaker")));
}
