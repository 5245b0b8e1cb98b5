//! Tables of utterances: comma, semicolon or tab, headers in Russian or English, one row an utterance.

use std::collections::HashMap;

use gradus_engine::signal::Channel;

use super::draft::{Drafts, Row, When};
use super::fault::{Fault, FaultKind};
use super::{Defaults, Incoming, Phone, text, times, vcon};

/// Reads the bytes of a table of utterances.
///
/// # Errors
/// A [`Fault`] that names the line or the missing column.
pub fn parse(bytes: &[u8], source_name: &str, defaults: &Defaults) -> Result<Vec<Incoming>, Fault> {
    let decoded = text::decode(bytes)?;
    let table = Table::read(&decoded.text, COLUMNS)?;
    if !table.has("text") && table.has("revenue_rank") {
        let cure = "give it with --customers, or import it as customers";
        return Err(Fault::new(
            FaultKind::Mislabelled,
            "line 1",
            "this is a list of customers, not of utterances",
            cure,
        ));
    }
    for column in ["text", "party"] {
        table.require(column)?;
    }
    let mut drafts = Drafts::new(source_name);
    for line in &table.lines {
        let place = format!("line {}", line.number);
        drafts.add(row(&table, line, &place, defaults)?, &place)?;
    }
    drafts.finish(defaults, decoded.warning)
}

/// Names of the columns, each with what it is called in files.
const COLUMNS: &[(&str, &[&str])] = &[
    (
        "conversation",
        &[
            "conversation",
            "conversation_id",
            "call_id",
            "call",
            "dialog",
            "dialog_id",
            "разговор",
            "диалог",
            "звонок",
            "id разговора",
            "номер разговора",
        ],
    ),
    ("start_ms", &["start_ms", "начало_мс", "начало мс"]),
    ("end_ms", &["end_ms", "конец_мс", "конец мс"]),
    ("start", &["start", "time", "at", "started_at", "timestamp", "время", "начало", "дата", "дата и время"]),
    ("end", &["end", "конец", "окончание"]),
    (
        "party",
        &[
            "party",
            "speaker",
            "role",
            "who",
            "кто",
            "сторона",
            "участник",
            "говорит",
            "говорящий",
            "роль",
            "спикер",
            "автор",
        ],
    ),
    ("name", &["name", "имя", "фио"]),
    ("tel", &["tel", "phone", "телефон", "номер телефона"]),
    ("email", &["email", "e-mail", "mail", "почта", "эл. почта"]),
    ("channel", &["channel", "канал"]),
    ("subject", &["subject", "тема"]),
    ("text", &["text", "utterance", "message", "body", "текст", "реплика", "сообщение", "фраза"]),
    ("revenue_rank", &["revenue_rank"]),
];

fn row(table: &Table, line: &Line, place: &str, defaults: &Defaults) -> Result<Row, Fault> {
    let cell = |column| table.cell(line, column);
    let when = |ms_column, column| -> Result<Option<When>, Fault> {
        if let Some(text) = cell(ms_column) {
            let ms = text.parse().ok().filter(|&ms| ms <= times::LONGEST_MS);
            return ms.map(|ms| Some(When::Ms(ms))).ok_or_else(|| wrong(place, ms_column, "milliseconds"));
        }
        let Some(text) = cell(column) else { return Ok(None) };
        let read = When::read(text, &defaults.zone);
        read.map(Some)
            .ok_or_else(|| wrong(place, column, "a time as 2025-03-01T15:44:20+03:00 or 00:01:02.5"))
    };
    let channel = match cell("channel") {
        Some(name) => Some(
            channel(name).ok_or_else(|| wrong(place, "channel", "one of call, chat, email, in_person"))?,
        ),
        None => None,
    };
    Ok(Row {
        conversation: cell("conversation").map(str::to_owned),
        speaker: cell("party").unwrap_or_default().to_owned(),
        name: cell("name").and_then(text::clean_line),
        tel: cell("tel").and_then(Phone::parse),
        email: cell("email").and_then(vcon::address_of),
        channel,
        subject: cell("subject").map(str::to_owned),
        start: when("start_ms", "start")?,
        end: when("end_ms", "end")?,
        text: table.raw(line, "text").to_owned(),
    })
}

fn wrong(place: &str, column: &str, expected: &str) -> Fault {
    let problem = format!("column «{column}» is not {expected}");
    Fault::new(FaultKind::Syntax, place, problem, "correct the cell")
}

fn channel(name: &str) -> Option<Channel> {
    let lower = name.to_lowercase();
    Some(match lower.as_str() {
        "звонок" | "телефон" => Channel::Call,
        "чат" => Channel::Chat,
        "почта" | "письмо" | "e-mail" => Channel::Email,
        "лично" | "встреча" => Channel::InPerson,
        _ => return lower.parse().ok(),
    })
}

/// A table whose columns are found by their headers.
#[derive(Debug)]
pub(super) struct Table {
    columns: HashMap<&'static str, usize>,
    header: Vec<String>,
    /// The rows below the header that are not empty.
    pub lines: Vec<Line>,
}

/// One row.
#[derive(Debug)]
pub(super) struct Line {
    /// The line of the file it begins at, from 1.
    pub number: u64,
    cells: csv::StringRecord,
}

/// How many rows a table can have.
const ROWS: usize = super::limits::UTTERANCES;

impl Table {
    /// Reads a table; `names` gives each column and what it may be called. The separator is the one of comma, semicolon
    /// and tab that the header has most of.
    pub fn read(text: &str, names: &[(&'static str, &[&str])]) -> Result<Table, Fault> {
        let (table, faults) = Self::read_rows(text, names)?;
        faults.into_iter().next().map_or(Ok(table), Err)
    }

    /// Reads a table of which each row stands for itself: those with too many cells are left out, each with its fault.
    pub fn read_rows(text: &str, names: &[(&'static str, &[&str])]) -> Result<(Table, Vec<Fault>), Fault> {
        let mut faults = Vec::new();
        let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        let count = |separator: u8| first.bytes().filter(|&byte| byte == separator).count();
        let separator =
            [b'\t', b';', b','].into_iter().max_by_key(|&separator| count(separator)).unwrap_or(b',');
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(separator)
            .has_headers(false)
            .flexible(true)
            .from_reader(text.as_bytes());
        let mut table = Table { columns: HashMap::new(), header: Vec::new(), lines: Vec::new() };
        let mut cells = csv::StringRecord::new();
        while reader.read_record(&mut cells).map_err(|error| broken(&error))? {
            if cells.iter().all(|cell| cell.trim().is_empty()) {
                continue;
            }
            let number = line_of(&cells, text);
            if table.header.is_empty() {
                table.take_header(&cells, names)?;
                continue;
            }
            if cells.len() > table.header.len()
                && cells.iter().skip(table.header.len()).any(|cell| !cell.is_empty())
            {
                let problem = format!("there are {} cells under {} headers", cells.len(), table.header.len());
                let cure = "put cells that hold the separator into quotes";
                faults.push(Fault::new(FaultKind::Syntax, format!("line {number}"), problem, cure));
                continue;
            }
            if table.lines.len() >= ROWS {
                let problem = format!("there are more than {ROWS} rows");
                return Err(Fault::new(
                    FaultKind::TooLarge,
                    format!("line {number}"),
                    problem,
                    "split the file",
                ));
            }
            table.lines.push(Line { number, cells: cells.clone() });
        }
        if table.lines.is_empty() && faults.is_empty() {
            return Err(Fault::new(
                FaultKind::Empty,
                "",
                "there are no rows below the header",
                "export the table again",
            ));
        }
        Ok((table, faults))
    }

    fn take_header(
        &mut self,
        cells: &csv::StringRecord,
        names: &[(&'static str, &[&str])],
    ) -> Result<(), Fault> {
        self.header = cells.iter().map(|cell| cell.trim().to_lowercase()).collect();
        for (at, cell) in self.header.iter().enumerate() {
            let Some((column, _)) = names.iter().find(|(_, called)| called.contains(&cell.as_str())) else {
                continue;
            };
            if self.columns.insert(column, at).is_some() {
                let problem = format!("two columns are «{column}»");
                return Err(Fault::new(FaultKind::Syntax, "line 1", problem, "rename or remove one of them"));
            }
        }
        Ok(())
    }

    /// Says whether there is such a column.
    pub fn has(&self, column: &str) -> bool {
        self.columns.contains_key(column)
    }

    /// Refuses a table without the column.
    pub fn require(&self, column: &str) -> Result<(), Fault> {
        if self.has(column) {
            return Ok(());
        }
        let found: Vec<String> =
            self.header.iter().take(20).map(|name| name.chars().take(30).collect()).collect();
        let problem = format!("there is no column «{column}» (found: {})", found.join(", "));
        let cure = "add it to the header; the first line of the table names the columns";
        Err(Fault::new(FaultKind::Missing, "line 1", problem, cure))
    }

    /// Returns a cell without outer blanks; empty ones are absent.
    pub fn cell<'l>(&self, line: &'l Line, column: &str) -> Option<&'l str> {
        let text = self.raw(line, column).trim();
        (!text.is_empty()).then_some(text)
    }

    /// Returns a cell as it is.
    pub fn raw<'l>(&self, line: &'l Line, column: &str) -> &'l str {
        self.columns.get(column).and_then(|&at| line.cells.get(at)).unwrap_or_default()
    }
}

/// The reader counts the empty lines before a row as part of it; people do not.
fn line_of(cells: &csv::StringRecord, text: &str) -> u64 {
    let Some(at) = cells.position() else { return 0 };
    let rest =
        usize::try_from(at.byte()).ok().and_then(|byte| text.as_bytes().get(byte..)).unwrap_or_default();
    let empty =
        rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).filter(|&&byte| byte == b'\n').count();
    at.line().saturating_add(empty as u64)
}

fn broken(error: &csv::Error) -> Fault {
    let place = error.position().map(|at| format!("line {}", at.line())).unwrap_or_default();
    Fault::new(FaultKind::Syntax, place, "the table is broken here", "check the quotes around the cell")
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
