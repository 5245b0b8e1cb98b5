//! Which rows are taken, and what is said of those that are not.

use super::*;

const HEAD: &str = "conversation,opened_at,acknowledged_at,taken_by,due_at,resolved_at,reason,decision,cost,refund,currency,conclusion";

/// 2026-11-24, 12:00 in Moscow.
const NOW: Timestamp = Timestamp::from_millis(1_795_510_800_000);

fn read(rows: &str) -> PastCases {
    let file = format!("{HEAD}\n{rows}");
    parse(file.as_bytes(), &Defaults::default(), NOW).unwrap_or_else(|fault| panic!("{fault}"))
}

fn faults(rows: &str) -> Vec<String> {
    read(rows).faults.iter().map(ToString::to_string).collect()
}

#[test]
fn a_row_is_read_with_its_times_costs_and_words() {
    let all = read(
        "a.wav,2026-11-03 14:25,2026-11-03 14:27,Игорь Панов,,04.11.2026 10:00,legal,\"вернули, извинились\",0,\"1 200,50\",,проверять счёт\n\
         b.wav,2026-11-20T10:00:00+03:00,,,2026-11-30 18:00,,,,,,,\n",
    );
    assert_eq!(all.faults, []);
    let [done, open] = all.rows.as_slice() else { panic!("{all:?}") };
    let (resolution, at) = done.resolved.clone().unwrap_or_else(|| panic!("{done:?}"));
    assert_eq!((done.opened_at.millis(), at.millis()), (1_793_705_100_000, 1_793_775_600_000));
    assert_eq!(done.taken, Some(("Игорь Панов".to_owned(), Timestamp::from_millis(1_793_705_220_000))));
    assert_eq!((resolution.reason, resolution.decision.as_str()), (Reason::Legal, "вернули, извинились"));
    assert_eq!((resolution.total("RUB").to_string(), resolution.costs.len()), ("1200.50".to_owned(), 1));
    assert_eq!((open.taken.clone(), open.resolved.clone()), (None, None));
    assert_eq!(open.due_at.map(Timestamp::millis), Some(1_796_050_800_000));
}

#[test]
fn reasons_and_columns_may_be_russian() {
    let file = "Разговор;Открыт;Ответственный;Разрешён;Причина;Решение;Вывод;Скидка\n\
                a;03.11.2026 14:25;Панов;03.11.2026 15:00;Угроза ухода;скидка на год;звонить раньше;1500\n";
    assert!(are_cases(file.as_bytes()));
    let all = parse(file.as_bytes(), &Defaults::default(), NOW).unwrap_or_else(|fault| panic!("{fault}"));
    let found = all.rows.first().and_then(|row| row.resolved.clone());
    assert_eq!(
        found.map(|(how, _)| (how.reason, how.total("RUB").to_string())),
        Some((Reason::Churn, "1500".into()))
    );
}

#[test]
fn a_wrong_row_is_named_with_line_column_and_cure_and_the_others_are_taken() {
    let good = "a,2026-11-03 14:25,,Панов,,2026-11-03 15:00,legal,вернули,0,,,проверять";
    let cases = [
        (",2026-11-03 14:25,,,,,,,,,,", "column «conversation»: the cell is empty"),
        ("b,,,,,,,,,,,", "column «opened_at»: the cell is empty"),
        ("b,вчера,,,,,,,,,,", "column «opened_at»: this is no date with a time; write it as"),
        ("b,2026-12-03 14:25,,,,,,,,,,", "column «opened_at»: this has not come yet"),
        ("b,2026-11-03 14:25,,,,2026-11-03 15:00,legal,x,0,,,y", "column «taken_by»: the cell is empty"),
        (
            "b,2026-11-03 14:25,,Панов,,2026-11-03 14:00,legal,x,0,,,y",
            "column «resolved_at»: this is before «opened_at»",
        ),
        (
            "b,2026-11-03 14:25,,Панов,,2026-11-03 15:00,грубость,x,0,,,y",
            "column «reason»: this is no reason",
        ),
        ("b,2026-11-03 14:25,,Панов,,2026-11-03 15:00,legal,,0,,,y", "column «decision»: the cell is empty"),
        (
            "b,2026-11-03 14:25,,Панов,,2026-11-03 15:00,legal,x,много,,,y",
            "column «cost»: this is no amount of money",
        ),
        (
            "b,2026-11-03 14:25,,Панов,,2026-11-03 15:00,legal,x,-5,,,y",
            "column «cost»: a cost is never negative",
        ),
        (
            "b,2026-11-03 14:25,,Панов,,2026-11-03 15:00,legal,x,,,,y",
            "column «cost»: the cell is empty; write what it cost, 0",
        ),
        (
            "b,2026-11-03 14:25,,Панов,,2026-11-03 15:00,legal,x,1,,рубли,y",
            "column «currency»: this is no currency",
        ),
        (
            "b,2026-11-03 14:25,,Панов,,2026-11-03 15:00,legal,x,1,,,",
            "column «conclusion»: the cell is empty",
        ),
        ("a,2026-11-03 14:25,,,,,,,,,,", "column «conversation»: this conversation stands in line 2 already"),
        (
            "b,2026-11-03 14:25,,Панов,,2026-11-03 15:00,legal,x, y,0,,,z",
            "there are 13 cells under 12 headers",
        ),
    ];
    for (row, says) in cases {
        let all = read(&format!("{good}\n{row}\n"));
        let words: Vec<String> = all.faults.iter().map(ToString::to_string).collect();
        assert_eq!((all.rows.len(), words.len()), (1, 1), "{row}: {words:?}");
        let word = words.first().cloned().unwrap_or_default();
        assert!(word.starts_with("line 3") && word.contains(says) && word.contains(';'), "{row}: {word}");
    }
    assert_eq!(faults(good), [""; 0]);
}

#[test]
fn a_missing_column_refuses_the_file_and_names_it() {
    for column in NEEDED {
        let head = HEAD
            .replace(&format!("{column},"), "")
            .replace(",conclusion", if column == "conclusion" { "" } else { ",conclusion" });
        let said = parse(format!("{head}\na\n").as_bytes(), &Defaults::default(), NOW)
            .map_err(|fault| fault.to_string());
        assert!(
            said.clone().is_err_and(|said| said.contains(&format!("there is no column «{column}»"))),
            "{said:?}"
        );
    }
    let said = parse(
        b"conversation,opened_at,taken_by,resolved_at,reason,decision,conclusion\na\n",
        &Defaults::default(),
        NOW,
    );
    assert!(said.is_err_and(|fault| fault.to_string().contains("«cost»")));
}

#[test]
fn a_table_of_utterances_or_customers_lists_no_cases() {
    assert!(are_cases(HEAD.as_bytes()));
    assert!(are_cases(b"\xEF\xBB\xBFconversation,opened_at\r\n"));
    for other in [
        "conversation,start,party,text",
        "tel,email,name,id,revenue_rank",
        "customer_id,date,what,amount",
        "",
    ] {
        assert!(!are_cases(other.as_bytes()), "{other}");
    }
}
