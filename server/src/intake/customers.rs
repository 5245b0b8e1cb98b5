//! The company's customers and their purchases, from CSV: who is strategic, what is agreed, what was bought.

use std::collections::HashMap;

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::fault::{Fault, FaultKind};
use super::table::{Line, Table};
use super::{Phone, text, times, vcon};

/// One customer of the company.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Customer {
    /// The id in the company's own system.
    pub id: Option<String>,
    /// All their telephones.
    pub tels: Vec<Phone>,
    /// All their e-mail addresses, in lower case.
    pub emails: Vec<String>,
    /// Their name.
    pub name: Option<String>,
    /// Place among all customers by revenue, from 1.
    pub revenue_rank: Option<u32>,
    /// Place among all customers by potential for growth, from 1.
    pub growth_rank: Option<u32>,
    /// Revenue of the last twelve months, roubles.
    pub revenue_12m: Option<Decimal>,
    /// The state of the contract: `active`, `ended`, …
    pub contract_status: Option<String>,
    /// The last day of the contract.
    pub contract_until: Option<Date>,
    /// What was agreed with them alone.
    pub personal_terms: Option<String>,
    /// The one who looks after them.
    pub manager: Option<String>,
}

/// One purchase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purchase {
    /// Whose it is.
    pub customer_id: String,
    /// When.
    pub date: Date,
    /// What.
    pub what: String,
    /// For how much, roubles.
    pub amount: Decimal,
}

/// All customers, to be found by telephone, address or id.
#[derive(Clone, Debug, Default)]
pub struct Customers {
    /// In the order of the file.
    pub list: Vec<Customer>,
    /// What had to be assumed or left out.
    pub warnings: Vec<String>,
    by_tel: HashMap<Phone, usize>,
    by_email: HashMap<String, usize>,
    by_id: HashMap<String, usize>,
}

impl Customers {
    /// Finds a customer: by id first, then telephone, then address.
    pub fn find(&self, id: Option<&str>, tel: Option<&Phone>, email: Option<&str>) -> Option<&Customer> {
        let by_id = id.and_then(|id| self.by_id.get(id));
        let by_tel = || tel.and_then(|tel| self.by_tel.get(tel));
        let by_email = || email.and_then(|email| self.by_email.get(&email.to_lowercase()));
        self.list.get(*by_id.or_else(by_tel).or_else(by_email)?)
    }

    fn add(&mut self, customer: Customer, line: u64) -> Result<(), Fault> {
        let at = self.list.len();
        if let Some(id) = &customer.id
            && self.by_id.insert(id.clone(), at).is_some()
        {
            let problem = "this id stands in an earlier line already";
            return Err(Fault::new(
                FaultKind::Syntax,
                format!("line {line}"),
                problem,
                "keep one line a customer",
            ));
        }
        let mut shared = false;
        for tel in &customer.tels {
            shared |= *self.by_tel.entry(tel.clone()).or_insert(at) != at;
        }
        for email in &customer.emails {
            shared |= *self.by_email.entry(email.clone()).or_insert(at) != at;
        }
        if shared {
            self.warnings.push(format!(
                "line {line}: shares a telephone or address with an earlier customer, who is found by it"
            ));
        }
        self.list.push(customer);
        Ok(())
    }
}

const CUSTOMER_COLUMNS: &[(&str, &[&str])] = &[
    ("tel", &["tel", "phone", "телефон"]),
    ("email", &["email", "e-mail", "почта"]),
    ("name", &["name", "имя", "название", "фио"]),
    ("id", &["id", "customer_id", "код"]),
    ("revenue_rank", &["revenue_rank", "место_по_выручке"]),
    ("growth_rank", &["growth_rank", "место_по_росту"]),
    ("revenue_12m", &["revenue_12m", "выручка_12м"]),
    ("contract_status", &["contract_status", "договор"]),
    ("contract_until", &["contract_until", "договор_до"]),
    ("personal_terms", &["personal_terms", "условия"]),
    ("manager", &["manager", "менеджер"]),
];

const PURCHASE_COLUMNS: &[(&str, &[&str])] = &[
    ("customer_id", &["customer_id", "id", "клиент"]),
    ("date", &["date", "дата"]),
    ("what", &["what", "что", "товар"]),
    ("amount", &["amount", "сумма"]),
];

/// Reads the customers.
///
/// # Errors
/// A [`Fault`] that names the line: a cell of the wrong kind, an id twice, no column to know a customer by.
pub fn parse(bytes: &[u8]) -> Result<Customers, Fault> {
    let decoded = text::decode(bytes)?;
    let table = Table::read(&decoded.text, CUSTOMER_COLUMNS)?;
    if !["tel", "email", "id"].iter().any(|column| table.has(column)) {
        table.require("tel")?;
    }
    let mut customers = Customers::default();
    customers.warnings.extend(decoded.warning);
    let absent: Vec<&str> =
        CUSTOMER_COLUMNS.iter().map(|(column, _)| *column).filter(|column| !table.has(column)).collect();
    if !absent.is_empty() {
        let effect = if absent.iter().any(|column| column.ends_with("_rank")) {
            "; without ranks fewer customers are strategic"
        } else {
            ""
        };
        customers.warnings.push(format!("line 1: no column {}{effect}", absent.join(", ")));
    }
    for line in &table.lines {
        let customer = customer(&table, line, &mut customers.warnings)?;
        customers.add(customer, line.number)?;
    }
    Ok(customers)
}

fn customer(table: &Table, line: &Line, warnings: &mut Vec<String>) -> Result<Customer, Fault> {
    let cell = |column| table.cell(line, column);
    let several = |column| {
        cell(column).into_iter().flat_map(|text: &str| text.split([';', ',', '/', '|'])).map(str::trim)
    };
    let tels: Vec<Phone> = several("tel").filter_map(Phone::parse).collect();
    if tels.is_empty() && cell("tel").is_some() {
        warnings.push(format!("line {}: the telephone cannot be read", line.number));
    }
    let customer = Customer {
        id: cell("id").and_then(text::clean_line),
        tels,
        emails: several("email").filter_map(vcon::address_of).collect(),
        name: cell("name").and_then(text::clean_line),
        revenue_rank: rank(table, line, "revenue_rank")?,
        growth_rank: rank(table, line, "growth_rank")?,
        revenue_12m: cell("revenue_12m")
            .map(|text| money(text).ok_or_else(|| wrong(line, "revenue_12m", MONEY)))
            .transpose()?,
        contract_status: cell("contract_status").and_then(text::clean_line),
        contract_until: cell("contract_until")
            .map(|text| times::date(text).ok_or_else(|| wrong(line, "contract_until", DAY)))
            .transpose()?,
        personal_terms: cell("personal_terms").map(str::to_owned),
        manager: cell("manager").and_then(text::clean_line),
    };
    if customer.id.is_none() && customer.tels.is_empty() && customer.emails.is_empty() {
        warnings
            .push(format!("line {}: no id, telephone or address: this customer is never found", line.number));
    }
    Ok(customer)
}

fn rank(table: &Table, line: &Line, column: &str) -> Result<Option<u32>, Fault> {
    let Some(text) = table.cell(line, column) else { return Ok(None) };
    let rank = text.parse().ok().filter(|&rank: &u32| rank > 0);
    rank.map(Some).ok_or_else(|| wrong(line, column, "a place from 1"))
}

/// Reads purchases.
///
/// # Errors
/// A [`Fault`] that names the line or the missing column.
pub fn parse_purchases(bytes: &[u8]) -> Result<Vec<Purchase>, Fault> {
    let decoded = text::decode(bytes)?;
    let table = Table::read(&decoded.text, PURCHASE_COLUMNS)?;
    for (column, _) in PURCHASE_COLUMNS {
        table.require(column)?;
    }
    let purchase = |line: &Line| {
        let cell = |column| table.cell(line, column).ok_or_else(|| wrong(line, column, "filled"));
        Ok(Purchase {
            customer_id: cell("customer_id")?.to_owned(),
            date: times::date(cell("date")?).ok_or_else(|| wrong(line, "date", DAY))?,
            what: text::clean_line(cell("what")?).unwrap_or_default(),
            amount: money(cell("amount")?).ok_or_else(|| wrong(line, "amount", MONEY))?,
        })
    };
    table.lines.iter().map(purchase).collect()
}

const MONEY: &str = "an amount of money as 1234.50";
const DAY: &str = "a day as 2027-01-31 or 31.01.2027";

fn wrong(line: &Line, column: &str, expected: &str) -> Fault {
    let problem = format!("column «{column}» is not {expected}");
    Fault::new(FaultKind::Syntax, format!("line {}", line.number), problem, "correct the cell")
}

/// Reads an amount: `1234.5`, `1 234,50`, `1 234 567 ₽`, `1,234,567.00`.
pub fn money(text: &str) -> Option<Decimal> {
    let bare: String =
        text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '₽' | '\'' | '\u{A0}')).collect();
    let lower = bare.to_lowercase();
    let bare =
        ["руб.", "руб", "р.", "rub", "р"].iter().find_map(|unit| lower.strip_suffix(unit)).unwrap_or(&lower);
    let plain = match (bare.matches(',').count(), bare.contains('.')) {
        (0, _) => bare.to_owned(),
        (1, false) => bare.replace(',', "."),
        _ => bare.replace(',', ""),
    };
    let digits = plain.strip_prefix('-').unwrap_or(&plain);
    if digits.is_empty()
        || digits.len() > 25
        || !digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
    {
        return None;
    }
    plain.parse().ok()
}

#[cfg(test)]
#[path = "customers_tests.rs"]
mod tests;
