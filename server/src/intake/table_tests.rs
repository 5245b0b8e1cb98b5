//! What tables of utterances read as.

use super::*;

fn read(text: &str) -> Result<Vec<Incoming>, Fault> {
    parse(text.as_bytes(), "x", &Defaults::default())
}

#[test]
fn russian_and_english_headers_and_every_separator_are_understood() {
    let tables = [
        "conversation,start_ms,party,text,tel\n1,0,agent,\"добрый день, слушаю\",89260000268\n1,1500,customer,нет света,\n",
        "Разговор;Время;Кто;Текст;Телефон\r\n1;0;Оператор;добрый день, слушаю;8 926 000-02-68\r\n1;00:01.5;Клиент;нет света;\r\n",
        "call_id\tstart\tspeaker\tutterance\tphone\n1\t0\tagent\tдобрый день, слушаю\t+79260000268\n1\t1.5\tclient\tнет света\t\n",
    ];
    for table in tables {
        let read = read(table).unwrap_or_default();
        assert_eq!(read.len(), 1, "{table}");
        let said: Vec<_> = read[0].utterances.iter().map(|one| (one.start_ms, one.text.as_str())).collect();
        assert_eq!(said, [(Some(0), "добрый день, слушаю"), (Some(1500), "нет света")], "{table}");
        let roles: Vec<_> =
            read[0].parties.iter().map(|party| (party.role.as_str(), party.tel.is_some())).collect();
        assert_eq!(roles, [("agent", false), ("customer", true)], "{table}");
    }
}

#[test]
fn points_in_time_give_the_start_and_the_places() {
    let table = "conversation;дата и время;кто;текст\nа;01.03.2025 15:44:20;Клиент;алло\nа;01.03.2025 15:45;Оператор;да\n";
    let read = read(table).unwrap_or_default();
    assert_eq!(read[0].started_at.map(|at| at.millis()), Some(1_740_833_060_000));
    assert_eq!(read[0].utterances[1].start_ms, Some(40_000));
}

#[test]
fn a_table_in_windows_1251_is_read_and_says_so() {
    let (bytes, ..) = encoding_rs::WINDOWS_1251.encode("кто;текст\nКлиент;Верните деньги\n");
    let read = parse(&bytes, "x", &Defaults::default()).unwrap_or_default();
    assert_eq!(read[0].utterances[0].text, "Верните деньги");
    assert!(read[0].warnings.iter().any(|warning| warning.contains("windows-1251")));
}

#[test]
fn bad_tables_are_refused_with_line_and_column() {
    let cases = [
        ("party,words\nagent,да\n", FaultKind::Missing, "line 1", "«text»"),
        ("text\nда\n", FaultKind::Missing, "line 1", "«party»"),
        ("party,text\n", FaultKind::Empty, "", "no rows"),
        ("party,text\nagent,да,нет\n", FaultKind::Syntax, "line 2", "3 cells"),
        ("party,text,start\n\nagent,да,вчера\n", FaultKind::Syntax, "line 3", "«start»"),
        ("party,text,channel\nagent,да,факс\n", FaultKind::Syntax, "line 2", "«channel»"),
        ("party,text,текст\nagent,да,да\n", FaultKind::Syntax, "line 1", "two columns"),
        ("party,text\nagent,\n", FaultKind::Empty, "x", "no words"),
        ("tel,name,revenue_rank\n8926,А,1\n", FaultKind::Mislabelled, "line 1", "customers"),
    ];
    for (table, kind, place, problem) in cases {
        let fault = read(table).err();
        let fits =
            |fault: &Fault| fault.kind == kind && fault.place == place && fault.problem.contains(problem);
        assert!(fault.as_ref().is_some_and(fits), "{table}: {fault:?}");
    }
}
