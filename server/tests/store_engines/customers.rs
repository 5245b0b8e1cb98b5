//! Customers: one person over every address.

use gradus::store::{Contact, ContactKind, Customer, CustomerFacts, CustomerId, Purchase, StoreError};

use super::desk::{Desk, at, on_both_engines};

pub fn facts(name: &str, tel: &str, email: &str) -> CustomerFacts {
    let some = |text: &str| if text.is_empty() { Vec::new() } else { vec![text.to_owned()] };
    CustomerFacts {
        name: Some(name.into()),
        tels: some(tel),
        emails: some(email),
        ..CustomerFacts::default()
    }
}

async fn know(desk: &Desk, facts: CustomerFacts, fresh: &str) -> Result<CustomerId, StoreError> {
    desk.store.know_customer(&facts, fresh.into(), at(0)).await
}

fn names(found: Vec<Customer>) -> Vec<String> {
    found.into_iter().filter_map(|customer| customer.name).collect()
}

on_both_engines! {
    async fn a_customer_is_one_over_telephone_and_mail_in_any_form(desk) {
        let id = know(&desk, facts("Пётр", "8 (916) 123-45-67", ""), "n1").await.unwrap();
        assert_eq!(know(&desk, facts("Пётр", "+79161234567", "Petr@Firma.ru"), "n2").await.unwrap(), id);
        let mut more = facts("Пётр Петров", "", "petr@firma.ru");
        (more.revenue_rank, more.revenue_12m) = (Some(3), Some("1200000.00".parse().unwrap()));
        assert_eq!(know(&desk, more, "n3").await.unwrap(), id);
        let row = desk.store.customer(&id).await.unwrap().unwrap();
        assert_eq!(row.name.as_deref(), Some("Пётр Петров"));
        assert_eq!((row.revenue_rank, row.revenue_12m.as_deref()), (Some(3), Some("1200000")));
        assert_eq!(desk.store.customer_by_tel("9161234567").await.unwrap().as_ref(), Some(&row));
        assert_eq!(desk.store.customer_by_email("PETR@firma.RU").await.unwrap().as_ref(), Some(&row));
        assert_eq!(desk.store.customer_by_tel("не номер").await.unwrap(), None);
        assert_eq!(desk.store.customer_by_email("никто").await.unwrap(), None);
        let contacts = desk.store.contacts(&id).await.unwrap();
        assert_eq!(contacts, [
            Contact { kind: ContactKind::Tel, value: "79161234567".into() },
            Contact { kind: ContactKind::Email, value: "petr@firma.ru".into() },
        ]);
    }

    async fn addresses_of_two_people_are_not_joined_by_a_machine(desk) {
        know(&desk, facts("Пётр", "89161234567", ""), "n1").await.unwrap();
        know(&desk, facts("Анна", "", "anna@firma.ru"), "n2").await.unwrap();
        let both = know(&desk, facts("Кто", "89161234567", "anna@firma.ru"), "n3").await;
        assert!(matches!(both, Err(StoreError::Conflict(_))), "{both:?}");
        let mut other = facts("Кто", "89161234567", "");
        other.id = Some("n2".into());
        assert!(matches!(know(&desk, other, "n4").await, Err(StoreError::Conflict(_))));
    }

    async fn many_customers_come_in_at_once_each_with_its_answer(desk) {
        know(&desk, facts("Пётр", "89161234567", ""), "n1").await.unwrap();
        let mut wrong = facts("Кто", "89161234567", "");
        wrong.id = Some("x".into());
        let many = [(facts("Ольга", "89160000001", ""), "m1".into()), (wrong, "m2".into()), (facts("Иван", "89160000002", ""), "m3".into())];
        let answers = desk.store.know_customers(&many, at(0)).await.unwrap();
        assert_eq!(answers[0], Ok("m1".into()));
        assert!(matches!(answers[1], Err(StoreError::Conflict(_))));
        assert_eq!(answers[2], Ok("m3".into()));
        assert_eq!(desk.store.customer(&"x".into()).await.unwrap(), None);
    }

    async fn customers_are_found_by_any_part(desk) {
        know(&desk, facts("Ёлкин Пётр", "89161234567", "petr@firma.ru"), "n1").await.unwrap();
        know(&desk, facts("ООО «Ромашка» 100%", "", "info@romashka.ru"), "n2").await.unwrap();
        let find = async |words: &str| names(desk.store.search_customers(words, 10).await.unwrap());
        assert_eq!(find("ёлкин").await, ["Ёлкин Пётр"]);
        assert_eq!(find("ЁЛКИН пёт").await, ["Ёлкин Пётр"]);
        assert_eq!(find("+7 916 123-45-67").await, ["Ёлкин Пётр"]);
        assert_eq!(find("romash").await, ["ООО «Ромашка» 100%"]);
        assert_eq!(find("100%").await, ["ООО «Ромашка» 100%"]);
        assert!(find("1_0").await.is_empty());
        assert_eq!(find("").await.len(), 2);
        assert_eq!(desk.store.search_customers("", 1).await.unwrap().len(), 1);
    }

    async fn purchases_are_added_once_and_read_newest_first(desk) {
        know(&desk, facts("Пётр", "89161234567", ""), "n1").await.unwrap();
        let bought = |day: &str, what: &str| Purchase { customer_id: "n1".into(), bought_on: day.into(), what: what.into(), amount: "10.50".into() };
        let all = [bought("2025-01-01", "стол"), bought("2026-05-01", "стул"), bought("2026-06-01", "шкаф")];
        desk.store.add_purchases(&all).await.unwrap();
        desk.store.add_purchases(&all).await.unwrap();
        desk.store.add_purchases(&[]).await.unwrap();
        let year = desk.store.purchases(&"n1".into(), "2025-11-16").await.unwrap();
        assert_eq!(year, [all[2].clone(), all[1].clone()]);
    }

    async fn a_mark_is_set_and_removed(desk) {
        know(&desk, facts("Пётр", "89161234567", ""), "n1").await.unwrap();
        desk.store.mark_customer(&"n1".into(), Some("conflict")).await.unwrap();
        assert_eq!(desk.store.customer(&"n1".into()).await.unwrap().unwrap().mark.as_deref(), Some("conflict"));
        desk.store.mark_customer(&"n1".into(), None).await.unwrap();
        assert_eq!(desk.store.customer(&"n1".into()).await.unwrap().unwrap().mark, None);
        assert!(matches!(desk.store.mark_customer(&"none".into(), None).await, Err(StoreError::Missing(_))));
    }
}
