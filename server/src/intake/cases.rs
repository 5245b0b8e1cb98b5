//! Cases of former times, from CSV: who took them, what was decided, what it cost. One row a conversation.
//!
//! A row that is wrong is left out with its line, column and cure; the others are taken.

use gradus_engine::case::{Cost, CostKind, Resolution};
use gradus_engine::decision::Reason;
use gradus_engine::time::Timestamp;
use rust_decimal::Decimal;

use super::customers::money;
use super::fault::{Fault, FaultKind};
use super::table::{Line, Table};
use super::{Defaults, text, times};

/// One case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastCase {
    /// The line of the file, from 1.
    pub line: u64,
    /// The conversation: the name of its file, the id its source gave it, or its id here.
    pub conversation: String,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// Who took it, by name or login, and when.
    pub taken: Option<(String, Timestamp)>,
    /// By when it has to be resolved, as agreed.
    pub due_at: Option<Timestamp>,
    /// How it ended, and when.
    pub resolved: Option<(Resolution, Timestamp)>,
}

/// What a file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PastCases {
    /// The rows that are right, in the order of the file.
    pub rows: Vec<PastCase>,
    /// What is wrong with the others.
    pub faults: Vec<Fault>,
}

const COLUMNS: &[(&str, &[&str])] = &[
    ("conversation", &["conversation", "conversation_id", "file", "разговор", "файл"]),
    ("opened_at", &["opened_at", "открыт"]),
    ("acknowledged_at", &["acknowledged_at", "принят"]),
    ("taken_by", &["taken_by", "ответственный", "кто взял"]),
    ("due_at", &["due_at", "срок"]),
    ("resolved_at", &["resolved_at", "разрешён", "разрешен", "закрыт"]),
    ("reason", &["reason", "причина"]),
    ("decision", &["decision", "решение"]),
    ("cost", &["cost", "стоимость"]),
    ("cost_kind", &["cost_kind", "вид стоимости"]),
    ("discount", &["discount", "скидка"]),
    ("bonus", &["bonus", "бонус"]),
    ("refund", &["refund", "возврат"]),
    ("other", &["other", "другое"]),
    ("currency", &["currency", "валюта"]),
    ("conclusion", &["conclusion", "вывод"]),
    ("text", &["text", "текст", "реплика"]),
];

/// Columns without which the file is refused; beside them one of the costs.
const NEEDED: [&str; 7] =
    ["conversation", "opened_at", "taken_by", "resolved_at", "reason", "decision", "conclusion"];
/// Columns of the kinds of cost.
const COSTS: [(&str, CostKind); 4] = [
    ("discount", CostKind::Discount),
    ("bonus", CostKind::Bonus),
    ("refund", CostKind::Refund),
    ("other", CostKind::Other),
];

/// Says by its header whether a table lists cases.
pub fn are_cases(bytes: &[u8]) -> bool {
    let first = bytes.split(|&byte| byte == b'\n').find(|line| !line.trim_ascii().is_empty());
    let Some(Ok(head)) = first.map(text::decode) else { return false };
    let has = |column: &str| {
        let names = COLUMNS.iter().find(|(name, _)| *name == column).map_or(&[][..], |(_, names)| names);
        let cells = head.text.split([',', ';', '\t']);
        cells
            .map(|cell| cell.trim().trim_matches('"').to_lowercase())
            .any(|cell| names.contains(&cell.as_str()))
    };
    has("conversation") && (has("opened_at") || has("resolved_at")) && !has("text")
}

/// Reads the cases as they are known `now`.
///
/// # Errors
/// A [`Fault`] when the table is broken or lacks a column; what is wrong with a row is in [`PastCases::faults`].
pub fn parse(bytes: &[u8], defaults: &Defaults, now: Timestamp) -> Result<PastCases, Fault> {
    let decoded = text::decode(bytes)?;
    let (table, mut faults) = Table::read_rows(&decoded.text, COLUMNS)?;
    for column in NEEDED {
        table.require(column)?;
    }
    if !COSTS.iter().any(|(column, _)| table.has(column)) {
        table.require("cost")?;
    }
    let mut rows: Vec<PastCase> = Vec::new();
    for line in &table.lines {
        let row = Row { table: &table, line, defaults, now };
        let read = row.read().and_then(|case| {
            match rows.iter().find(|known| known.conversation == case.conversation) {
                Some(known) => {
                    let problem = format!("this conversation stands in line {} already", known.line);
                    Err(row.fault("conversation", problem, "keep one line a conversation: it has one case"))
                }
                None => Ok(case),
            }
        });
        match read {
            Ok(case) => rows.push(case),
            Err(fault) => faults.push(fault),
        }
    }
    Ok(PastCases { rows, faults })
}

struct Row<'t> {
    table: &'t Table,
    line: &'t Line,
    defaults: &'t Defaults,
    now: Timestamp,
}

impl Row<'_> {
    fn read(&self) -> Result<PastCase, Fault> {
        let opened_at =
            self.past("opened_at")?.ok_or_else(|| self.empty("opened_at", "write when it was opened"))?;
        let acknowledged = self.past("acknowledged_at")?;
        let resolved_at = self.past("resolved_at")?;
        self.in_order(("opened_at", Some(opened_at)), ("acknowledged_at", acknowledged))?;
        self.in_order(("opened_at", Some(opened_at)), ("resolved_at", resolved_at))?;
        self.in_order(("acknowledged_at", acknowledged), ("resolved_at", resolved_at))?;
        let who = self.cell("taken_by").and_then(text::clean_line);
        if who.is_none() && (acknowledged.is_some() || resolved_at.is_some()) {
            return Err(self.empty("taken_by", "write who took the case, by name or login"));
        }
        let taken = who.map(|who| (who, acknowledged.or(resolved_at).unwrap_or(opened_at)));
        let resolved = match resolved_at {
            Some(at) => Some((self.resolution()?, at)),
            None => None,
        };
        Ok(PastCase {
            line: self.line.number,
            conversation: self
                .cell("conversation")
                .ok_or_else(|| self.empty("conversation", "write the name of its file or its id"))?
                .to_owned(),
            opened_at,
            taken,
            due_at: self.moment("due_at")?,
            resolved,
        })
    }

    fn resolution(&self) -> Result<Resolution, Fault> {
        let words =
            |column, cure| self.cell(column).map(str::to_owned).ok_or_else(|| self.empty(column, cure));
        let reason = words("reason", "write why it escalated")?;
        let resolution = Resolution {
            reason: self.reason(&reason)?,
            decision: words("decision", "write what was decided")?,
            costs: self.costs()?,
            conclusion: words("conclusion", "write what is to be learned")?,
        };
        resolution
            .check()
            .map_err(|refusal| self.fault("decision", refusal.to_string(), "correct the row"))?;
        Ok(resolution)
    }

    fn reason(&self, words: &str) -> Result<Reason, Fault> {
        let lower = words.to_lowercase();
        let found = Reason::ALL.iter().find(|reason| reason.name() == lower || reason.title_ru() == lower);
        found.copied().ok_or_else(|| {
            let names: Vec<&str> = Reason::ALL.iter().map(|reason| reason.name()).collect();
            self.fault(
                "reason",
                "this is no reason of the protocol",
                format!("write one of {}", names.join(", ")),
            )
        })
    }

    /// Zero has to be written: an empty cost is a forgotten one.
    fn costs(&self) -> Result<Vec<Cost>, Fault> {
        let currency = self.cell("currency").unwrap_or("RUB").to_uppercase();
        if currency.len() != 3 || !currency.bytes().all(|sign| sign.is_ascii_uppercase()) {
            return Err(self.fault("currency", "this is no currency", "write three letters, such as RUB"));
        }
        let kind = match self.cell("cost_kind") {
            None => CostKind::Other,
            Some(name) => {
                let lower = name.to_lowercase();
                let called = |column: &str| {
                    COLUMNS.iter().any(|(key, names)| *key == column && names.contains(&lower.as_str()))
                };
                let found = COSTS.iter().find(|(column, _)| called(column)).map(|(_, kind)| *kind);
                found.ok_or_else(|| {
                    self.fault(
                        "cost_kind",
                        "this is no kind of cost",
                        "write discount, bonus, refund or other",
                    )
                })?
            }
        };
        let mut costs = Vec::new();
        let mut given = false;
        for (column, kind) in COSTS.into_iter().chain([("cost", kind)]) {
            let Some(amount) = self.amount(column)? else { continue };
            given = true;
            if !amount.is_zero() {
                costs.push(Cost { kind, amount, currency: currency.clone() });
            }
        }
        if given {
            return Ok(costs);
        }
        let column = if self.table.has("cost") { "cost" } else { "refund" };
        Err(self.empty(column, "write what it cost, 0 if it cost nothing"))
    }

    fn amount(&self, column: &str) -> Result<Option<Decimal>, Fault> {
        let Some(text) = self.cell(column) else { return Ok(None) };
        match money(text) {
            Some(amount) if amount.is_zero() || amount.is_sign_positive() => Ok(Some(amount)),
            Some(_) => Err(self.fault(
                column,
                "a cost is never negative",
                "write what the company paid, without a minus",
            )),
            None => Err(self.fault(column, "this is no amount of money", "write it as 1234.50")),
        }
    }

    fn moment(&self, column: &str) -> Result<Option<Timestamp>, Fault> {
        let Some(text) = self.cell(column) else { return Ok(None) };
        let moment = times::moment(text, &self.defaults.zone);
        let cure = "write it as 2026-11-03T14:25:00+03:00 or 03.11.2026 14:25";
        moment
            .map(|moment| Some(moment.at))
            .ok_or_else(|| self.fault(column, "this is no date with a time", cure))
    }

    fn past(&self, column: &str) -> Result<Option<Timestamp>, Fault> {
        match self.moment(column)? {
            Some(at) if at > self.now => {
                Err(self.fault(column, "this has not come yet", "only what has happened can be entered"))
            }
            at => Ok(at),
        }
    }

    fn in_order(
        &self,
        (before, earlier): (&str, Option<Timestamp>),
        (column, later): (&str, Option<Timestamp>),
    ) -> Result<(), Fault> {
        match (earlier, later) {
            (Some(earlier), Some(later)) if later < earlier => {
                Err(self.fault(column, format!("this is before «{before}»"), "correct one of the two"))
            }
            _ => Ok(()),
        }
    }

    fn cell(&self, column: &str) -> Option<&str> {
        self.table.cell(self.line, column)
    }

    fn empty(&self, column: &str, cure: &str) -> Fault {
        self.fault(column, "the cell is empty", cure)
    }

    fn fault(&self, column: &str, problem: impl Into<String>, cure: impl Into<String>) -> Fault {
        Fault::new(FaultKind::Syntax, place(self.line.number, column), problem, cure)
    }
}

/// Returns the place of a cell, for messages.
pub fn place(line: u64, column: &str) -> String {
    format!("line {line}, column «{column}»")
}

#[cfg(test)]
#[path = "cases_tests.rs"]
mod tests;
