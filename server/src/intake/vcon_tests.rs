//! What a vCon reads as, and how each bad one is refused.

use gradus_engine::signal::Party;

use super::super::{Roles, roles};
use super::*;

fn read_text(text: &str) -> Result<Incoming, Fault> {
    parse(text.as_bytes(), "x", &Defaults::default())
}

/// A vCon with this dialog and these parties.
fn of(parties: &str, dialog: &str) -> String {
    format!("{{\"vcon\":\"0.4.0\",\"uuid\":\"u\",\"parties\":[{parties}],\"dialog\":[{dialog}]}}")
}

const TWO: &str = r#"{"role":"customer"},{"role":"agent"}"#;

#[test]
fn entries_keep_their_number_and_come_in_order_of_time() {
    let chat = read_text(include_str!("testdata/chat.vcon.json")).unwrap_or_default();
    let read: Vec<_> =
        chat.utterances.iter().map(|one| (one.index, one.party, one.start_ms, one.text.as_str())).collect();
    let expected = [
        (0, 0, Some(0), "посылки нет вторую неделю"),
        (3, 1, Some(70_000), "Минуту"),
        (2, 2, Some(100_000), "Проверю «трек»"),
        // Without a time it stays behind the one before it in the list that has one and words.
        (5, 0, None, "жду"),
    ];
    assert_eq!(read.iter().map(|one| one.0).collect::<Vec<_>>(), [0, 3, 5, 2]);
    for one in expected {
        assert!(read.contains(&one), "{one:?} in {read:?}");
    }
    assert_eq!(chat.channel, Channel::Chat);
    assert_eq!(chat.utc_offset_s, 10_800);
    assert_eq!(chat.subject.as_deref(), Some("Чат: не пришла посылка"));
    assert_eq!(chat.parties[0].tel.as_ref().map(Phone::as_str), Some("+79080000383"));
    assert_eq!((chat.parties[2].role.as_str(), chat.parties[2].side), ("supervisor", Party::Agent));
    assert_eq!(chat.roles, Roles::Given);
}

#[test]
fn the_channel_follows_the_rule() {
    let lasting = r#"{"type":"text","parties":[0],"duration":1.5,"body":"да"}"#;
    let momentary = r#"{"type":"text","parties":[0],"duration":0,"body":"да"}"#;
    let plain = r#"{"type":"text","parties":[0],"body":"да"}"#;
    let cases = [
        (of(TWO, lasting), Channel::Call),
        (of(TWO, momentary), Channel::Chat),
        (of(TWO, plain), Channel::Chat),
        (of(TWO, &format!("{plain},{lasting}")), Channel::Call),
        (of(r#"{"role":"customer","mailto":"A@b.ru"},{"role":"agent"}"#, lasting), Channel::Email),
        (
            of(TWO, plain).replace("\"uuid\"", "\"gradus\":{\"channel\":\"in_person\"},\"uuid\""),
            Channel::InPerson,
        ),
    ];
    for (text, channel) in cases {
        assert_eq!(read_text(&text).map(|read| read.channel), Ok(channel), "{text}");
    }
}

#[test]
fn older_and_looser_spellings_are_read_too() {
    let old = r#"{"vcon":"0.0.1","uuid":7,"parties":[{"role":"Клиент","tel":"tel:89260000268"},{"role":"Agent"}],
        "dialog":[{"type":"text","start":"Sat, 01 Mar 2025 15:44:20 +0300","parties":1,"mimetype":"text/plain; charset=utf-8",
        "body":"алло","duration":"2"}]}"#;
    let read = read_text(old).unwrap_or_default();
    assert_eq!(read.id, "7");
    assert_eq!(read.utterances.first().map(|one| (one.party, one.end_ms)), Some((1, Some(2000))));
    assert_eq!(
        read.parties.iter().map(|party| party.role.as_str()).collect::<Vec<_>>(),
        ["customer", "agent"]
    );
}

#[test]
fn sound_inside_is_taken_and_sound_elsewhere_is_not_fetched() {
    let wav = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(b"RIFF\x24\0\0\0WAVEfmt ");
    let inside = format!(
        r#"{{"type":"recording","parties":[[1],[0]],"mediatype":"audio/x-wav","body":"{wav}","encoding":"base64url"}}"#
    );
    let read = read_text(&of(TWO, &inside)).unwrap_or_default();
    assert_eq!(read.channel, Channel::Call);
    let recording = read.recordings.first();
    assert_eq!(recording.map(|one| (one.index, one.format)), Some((Some(0), SoundFormat::Wav)));
    assert_eq!(recording.map(|one| one.channels.clone()), Some(vec![vec![1], vec![0]]));

    let remote = r#"{"type":"recording","parties":[0,1],"url":"https://pbx.example/1.wav"}"#;
    let fault = read_text(&of(TWO, remote)).map_err(|fault| (fault.kind, fault.to_string())).err();
    assert!(fault.is_some_and(|(kind, text)| kind == FaultKind::Remote && text.contains("not fetched")));
    let with_words = format!(r#"{remote},{{"type":"text","parties":[0],"body":"да"}}"#);
    let read = read_text(&of(TWO, &with_words)).unwrap_or_default();
    assert_eq!(read.utterances.len(), 1);
    assert!(read.warnings.iter().any(|warning| warning.contains("dialog[0].url")), "{:?}", read.warnings);
}

#[test]
fn without_roles_the_agent_is_known_by_his_words_or_by_configuration() {
    let dialog = |first: &str| {
        format!(
            r#"{{"type":"text","parties":[0],"body":"{first}"}},{{"type":"text","parties":[1],"body":"да"}}"#
        )
    };
    let sides = |first: &str, defaults: &Defaults| {
        let read = parse(of("{},{}", &dialog(first)).as_bytes(), "x", defaults).unwrap_or_default();
        assert!(
            read.warnings.iter().any(|warning| warning.starts_with("no roles given")),
            "{:?}",
            read.warnings
        );
        read.parties.iter().map(|party| party.side).collect::<Vec<_>>()
    };
    let customer_first = Defaults::default();
    let agent_first = Defaults { first_party: Party::Agent, ..Defaults::default() };
    assert_eq!(sides("меня зовут олег чем могу помочь", &customer_first), [Party::Agent, Party::Customer]);
    assert_eq!(sides("алло", &customer_first), [Party::Customer, Party::Agent]);
    assert_eq!(sides("алло", &agent_first), [Party::Agent, Party::Customer]);
    let one_named = of(r#"{"role":"agent"},{}"#, &dialog("алло"));
    let read = read_text(&one_named).unwrap_or_default();
    assert_eq!(read.parties.get(1).map(|party| party.side), Some(Party::Customer));
    assert_eq!(roles::guess(&read), None);
}

#[test]
fn every_bad_vcon_is_refused_with_kind_place_and_cure() {
    let text = r#"{"type":"text","parties":[0],"body":"да"}"#;
    let cases = [
        (r#"{"payload":"x","signatures":[]}"#.to_owned(), FaultKind::Protected, ""),
        (r#"{"ciphertext":"x","unprotected":{}}"#.to_owned(), FaultKind::Protected, ""),
        (of(TWO, ""), FaultKind::Missing, "dialog"),
        (r#"{"vcon":"0.4.0","parties":[]}"#.to_owned(), FaultKind::Missing, "dialog"),
        (of(TWO, r#"{"type":"incomplete","parties":[0]}"#), FaultKind::Missing, "dialog"),
        (of(TWO, &text.replace("[0]", "[5]")), FaultKind::UnknownParty, "dialog[0].parties[0]"),
        (of(TWO, &text.replace("[0]", "2")), FaultKind::UnknownParty, "dialog[0].parties"),
        (of(TWO, &text.replace("[0]", "[-1]")), FaultKind::Syntax, "dialog[0].parties[0]"),
        (of(TWO, &text.replace("\"parties\":[0],", "")), FaultKind::UnknownParty, "dialog[0]"),
        (of(TWO, &text.replace("\"да\"", "[1]")), FaultKind::Syntax, "dialog[0].body"),
        (
            of(TWO, &text.replace("\"body\"", "\"encoding\":\"rot13\",\"body\"")),
            FaultKind::Unsupported,
            "dialog[0].encoding",
        ),
        (
            of(TWO, &text.replace("\"body\"", "\"encoding\":\"base64url\",\"body\"")),
            FaultKind::Syntax,
            "dialog[0].body",
        ),
        (of(TWO, "7"), FaultKind::Syntax, "dialog[0]"),
        (of("7", text), FaultKind::Syntax, "parties[0]"),
        (
            of(TWO, text).replace("\"dialog\":[", "\"dialog\":[[").replace("}]}", "}]]}"),
            FaultKind::Syntax,
            "dialog[0]",
        ),
        (
            of(TWO, text).replace("\"uuid\":\"u\"", "\"gradus\":{\"channel\":\"fax\"}"),
            FaultKind::Syntax,
            "gradus.channel",
        ),
    ];
    for (bad, kind, place) in cases {
        let fault = read_text(&bad).err();
        assert_eq!(
            fault.as_ref().map(|fault| (fault.kind, fault.place.as_str())),
            Some((kind, place)),
            "{bad}: {fault:?}"
        );
        assert!(fault.is_some_and(|fault| !fault.cure.is_empty()));
    }
}

#[test]
fn odd_values_are_taken_with_a_warning_and_never_lost() {
    let text = r#"{"type":"text","parties":[0],"start":"вчера","duration":-4,"body":"а\u0000б"}"#;
    let read = read_text(&of(TWO, text)).unwrap_or_default();
    assert_eq!(
        read.utterances.first().map(|one| (one.text.as_str(), one.start_ms)),
        Some(("а\u{FFFD}б", None))
    );
    for place in ["dialog[0].start", "dialog[0].duration", "dialog[0]: held NUL"] {
        assert!(
            read.warnings.iter().any(|warning| warning.starts_with(place)),
            "{place}: {:?}",
            read.warnings
        );
    }
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
        let defaults = Defaults::default();
        for name in ["a.json", "a.ndjson", "a.vtt", "a.csv", "a"] {
            let _ = super::super::parse(&bytes, name, &defaults);
        }
    }
}
