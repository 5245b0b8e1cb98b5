//! What lists of customers and purchases read as.

use super::*;

const LIST: &str = "tel,email,name,id,revenue_rank,growth_rank,revenue_12m,contract_status,contract_until,personal_terms,manager
+79260000268,,Артём Зуев,c1,500,400,100000,active,2027-01-01,,
8 (908) 000-03-83,Vasily@Example.com,Василий,c2,3,,\"1 234 567,50\",active,31.12.2026,\"отсрочка 30 дней, без штрафа\",Анна
";

#[test]
fn a_customer_is_found_by_each_thing_known_of_them() {
    let customers = parse(LIST.as_bytes()).unwrap_or_default();
    assert_eq!(customers.warnings, Vec::<String>::new());
    let tel = Phone::parse("908 000 03 83");
    let ways = [
        customers.find(Some("c2"), None, None),
        customers.find(None, tel.as_ref(), None),
        customers.find(Some("unknown"), None, Some("VASILY@example.com")),
    ];
    for found in ways {
        let found = found.cloned().unwrap_or_default();
        assert_eq!(
            (found.name.as_deref(), found.revenue_rank, found.growth_rank),
            (Some("Василий"), Some(3), None)
        );
        assert_eq!(found.revenue_12m, "1234567.50".parse().ok());
        assert_eq!(found.contract_until, "2026-12-31".parse().ok());
        assert_eq!(found.personal_terms.as_deref(), Some("отсрочка 30 дней, без штрафа"));
    }
    assert_eq!(customers.find(None, Phone::parse("+79990000000").as_ref(), None), None);
}

#[test]
fn bad_lists_are_refused_with_line_and_column() {
    let cases = [
        ("name,manager\nА,Б\n", "line 1", "«tel»"),
        ("tel,revenue_rank\n89260000268,первый\n", "line 2", "«revenue_rank»"),
        ("tel,revenue_12m\n89260000268,много\n", "line 2", "«revenue_12m»"),
        ("tel,contract_until\n89260000268,весной\n", "line 2", "«contract_until»"),
        ("id,tel\nc1,89260000268\nc1,89260000269\n", "line 3", "earlier line"),
    ];
    for (list, place, problem) in cases {
        let fault = parse(list.as_bytes()).err();
        assert!(
            fault.as_ref().is_some_and(|fault| fault.place == place && fault.problem.contains(problem)),
            "{list}: {fault:?}"
        );
    }
    let partial = parse(b"tel,name\n89260000268,A\n8926000,B\n").unwrap_or_default();
    for words in ["no column email, id", "cannot be read", "never found"] {
        assert!(
            partial.warnings.iter().any(|warning| warning.contains(words)),
            "{words}: {:?}",
            partial.warnings
        );
    }
}

#[test]
fn purchases_are_read_to_the_kopeck() {
    let read =
        parse_purchases("customer_id,date,what,amount\nc1,2025-02-03,Шторы,\"14300,10 ₽\"\n".as_bytes());
    let read = read.unwrap_or_default();
    assert_eq!((read[0].what.as_str(), Some(read[0].amount)), ("Шторы", "14300.10".parse().ok()));
    let fault = parse_purchases(b"customer_id,date,what\nc1,2025-02-03,x\n").err();
    assert!(fault.is_some_and(|fault| fault.problem.contains("«amount»")));
}

#[test]
fn amounts_are_read_as_people_write_them() {
    for (text, value) in [
        ("100000", Some("100000")),
        ("1 234 567 ₽", Some("1234567")),
        ("1,234,567.05", Some("1234567.05")),
        ("99,9 руб.", Some("99.9")),
        ("-5", Some("-5")),
        ("1e999", None),
        ("", None),
        ("1.2.3", None),
        ("много", None),
    ] {
        assert_eq!(money(text), value.and_then(|value| value.parse().ok()), "{text}");
    }
}
