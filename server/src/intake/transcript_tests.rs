//! What JSON transcripts read as.

use gradus_engine::signal::Party;

use super::*;

#[test]
fn lines_of_utterances_become_conversations_in_order_of_appearance() {
    let lines = r#"{"conversation":"b","party":"agent","text":"здравствуйте","start_ms":0,"end_ms":900}
{"conversation":"a","party":"customer","text":"алло","start":"2025-03-01T15:44:20+03:00","channel":"chat"}

{"conversation":"b","party":"customer","text":"добрый день","start":1.5}"#;
    let read = parse_lines(lines.as_bytes(), "x", &Defaults::default()).unwrap_or_default();
    assert_eq!(read.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["b", "a"]);
    assert_eq!(read[0].utterances.iter().map(|one| one.start_ms).collect::<Vec<_>>(), [Some(0), Some(1500)]);
    assert_eq!((read[1].channel, read[1].started_at.is_some()), (Channel::Chat, true));
    assert_eq!(
        read[0].parties.iter().map(|party| party.side).collect::<Vec<_>>(),
        [Party::Agent, Party::Customer]
    );
}

#[test]
fn a_whole_conversation_is_read_with_its_parties() {
    let whole = r#"{"conversation":{"id":"7","channel":"email","started_at":"2025-03-01T10:00:00+03:00",
        "parties":[{"role":"customer","name":"Анна","tel":"89260000268"},{"role":"agent"}]},
        "utterances":[{"party":"customer","start_ms":0,"text":"да"},{"party":1,"start_ms":60000,"text":"нет"}]}"#;
    let read = parse(whole.as_bytes(), "x", &Defaults::default()).unwrap_or_default();
    assert_eq!(read[0].utterances.iter().map(|one| one.party).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(read[0].parties.len(), 2);
    let started = read[0].started_at.map(|at| at.millis());
    assert_eq!(read[0].utterances[1].at.map(|at| at.millis()), started.map(|at| at + 60_000));
}

#[test]
fn each_bad_line_is_named() {
    let cases = [
        ("{\"text\":\"a\"}\n{\"text\":", "line 2, column 8", FaultKind::Syntax),
        ("{\"text\":\"a\"}\n{\"party\":\"agent\"}", "line 2", FaultKind::Missing),
        ("{\"text\":\"a\"}\n[1]", "line 2", FaultKind::Syntax),
        ("{\"text\":\"a\",\"start_ms\":-5}", "line 1, start_ms", FaultKind::Syntax),
        ("{\"text\":\"a\",\"channel\":\"fax\"}", "line 1, channel", FaultKind::Syntax),
        (
            "{\"parties\":[{}],\"utterances\":[{\"party\":3,\"text\":\"a\"}]}",
            "line 1, utterances[0].party",
            FaultKind::UnknownParty,
        ),
        ("[]", "line 1", FaultKind::Syntax),
    ];
    for (lines, place, kind) in cases {
        let fault = parse_lines(lines.as_bytes(), "x", &Defaults::default()).err();
        assert_eq!(
            fault.as_ref().map(|fault| (fault.place.as_str(), fault.kind)),
            Some((place, kind)),
            "{lines}: {fault:?}"
        );
    }
    assert_eq!(parse(b"[]", "x", &Defaults::default()).map_err(|fault| fault.kind), Err(FaultKind::Empty));
}
