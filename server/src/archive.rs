//! The archive: what a person may ask of it, excerpts of what was found, the files it is exported as, and the task that
//! keeps its index filled.

use std::time::Duration;

use anyhow::Result;
use gradus_engine::archive::{Question, QuestionError};
use gradus_engine::time::Timestamp;
use jiff::ToSpan;
use jiff::tz::TimeZone;
use rust_xlsxwriter::{Format, Workbook};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use crate::desk::Desk;
use crate::query::escaped;
use crate::report::safe_cell;
use crate::store::{ArchiveFilter, ArchiveHit, Outcome, Store, StoreError};
use crate::web::Words;

/// How often it is looked whether something waits for the index: new words are found after it.
const EVERY: Duration = Duration::from_millis(500);
/// Utterances that are indexed in one transaction: others write in between.
const AT_ONCE: i64 = 400;
/// The time that others get between two transactions while much waits.
const BREATH: Duration = Duration::from_millis(5);

/// Rows of one export.
pub const MOST_EXPORTED: usize = 10_000;
/// Most hits of one page.
pub const MOST_HITS: usize = 200;
/// Pages that one export reads, however little they hold.
const EXPORT_PAGES: usize = 200;
/// Code points that an excerpt shows around what was found.
const AROUND: usize = 160;

/// Fills the index until told to stop: first what was just said, then what was there before the index.
pub async fn run(desk: Desk, stop: CancellationToken) {
    match desk.store.renew_archive(desk.clock.now()).await {
        Ok(true) => tracing::info!("The index of the archive is made anew: the dictionary has changed"),
        Ok(false) => {}
        Err(error) => tracing::error!("The index of the archive cannot be looked at: {error}"),
    }
    let mut wait = EVERY;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
        wait = match desk.store.fill_archive(AT_ONCE).await {
            Ok(taken) if i64::try_from(taken).is_ok_and(|taken| taken >= AT_ONCE) => BREATH,
            Ok(_) => EVERY,
            Err(error) => {
                tracing::error!("The index of the archive is not filled: {error}");
                EVERY * 10
            }
        };
    }
}

/// What somebody asks for, as an address carries it. What is empty is not asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asking {
    /// The words.
    pub q: String,
    /// A kind of signal, by its name in the contract.
    pub signal: String,
    /// The lowest highest heat, 0–100.
    pub heat_from: String,
    /// The highest highest heat, 0–100.
    pub heat_to: String,
    /// The agent's name.
    pub agent: String,
    /// The team.
    pub team: String,
    /// The first day, `YYYY-MM-DD`.
    pub from: String,
    /// The last day, `YYYY-MM-DD`.
    pub to: String,
    /// `call`, `chat`, `email`, `in_person`.
    pub channel: String,
    /// How it ended.
    pub outcome: String,
    /// Where the page before ended.
    pub before: String,
    /// How many hits; of the API alone.
    pub limit: String,
    /// `csv` or `xlsx`; of the export alone.
    pub format: String,
}

/// What of an asking cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskingError {
    /// The words.
    #[error("q: {0}")]
    Question(QuestionError),
    /// Another field: its name, and what it takes.
    #[error("{0}: {1}")]
    Field(&'static str, &'static str),
}

impl Asking {
    /// Says whether nothing at all is asked for.
    pub fn is_empty(&self) -> bool {
        self.fields().into_iter().all(|(_, value)| value.trim().is_empty())
    }

    /// Says whether something is asked for beside words.
    pub fn is_narrowed(&self) -> bool {
        self.fields().into_iter().skip(1).any(|(_, value)| !value.trim().is_empty())
    }

    fn fields(&self) -> [(&'static str, &str); 10] {
        [
            ("q", &self.q),
            ("signal", &self.signal),
            ("heat_from", &self.heat_from),
            ("heat_to", &self.heat_to),
            ("agent", &self.agent),
            ("team", &self.team),
            ("from", &self.from),
            ("to", &self.to),
            ("channel", &self.channel),
            ("outcome", &self.outcome),
        ]
    }

    /// Returns the query of an address that asks the same from the beginning; it ends with `&` or is empty.
    pub fn query(&self) -> String {
        let asked = self.fields().into_iter().filter(|(_, value)| !value.trim().is_empty());
        asked.map(|(name, value)| format!("{name}={}&", escaped(value.trim()))).collect()
    }

    /// Returns what the store is asked, for somebody who may see one team or, with nothing, all.
    ///
    /// # Errors
    /// Names the field that cannot be understood and what it takes.
    pub fn filter(&self, zone: &TimeZone, scope: Option<&str>) -> Result<ArchiveFilter, AskingError> {
        let text = |value: &str| Some(value.trim().to_owned()).filter(|value| !value.is_empty());
        let words = text(&self.q).map(|words| Question::parse(&words)).transpose();
        let heat = |name, value: &str, empty| {
            let takes = "a number from 0 to 100";
            let heat: i64 = parsed(name, takes, value)?.unwrap_or(empty);
            if (0..=100).contains(&heat) { Ok(heat) } else { Err(AskingError::Field(name, takes)) }
        };
        let limit: Option<usize> = parsed("limit", "a number from 1 to 200", &self.limit)?;
        Ok(ArchiveFilter {
            words: words.map_err(AskingError::Question)?,
            signal: parsed("signal", "a kind of signal", &self.signal)?,
            heat: (heat("heat_from", &self.heat_from, 0)?, heat("heat_to", &self.heat_to, 100)?),
            agent: text(&self.agent),
            team: text(&self.team),
            scope: scope.map(str::to_owned),
            from: day("from", &self.from, zone, 0)?,
            to: day("to", &self.to, zone, 1)?,
            channel: parsed("channel", "call, chat, email or in_person", &self.channel)?,
            outcome: self.outcome()?,
            before: parsed("before", "the next of the page before", &self.before)?,
            limit: limit.unwrap_or(20).clamp(1, MOST_HITS),
        })
    }

    fn outcome(&self) -> Result<Option<Outcome>, AskingError> {
        let asked = self.outcome.trim();
        if asked.is_empty() {
            return Ok(None);
        }
        let known = Outcome::ALL.into_iter().find(|outcome| outcome.name() == asked);
        let takes = "calmed, not_calmed, case, no_case, open or closed";
        known.map(Some).ok_or(AskingError::Field("outcome", takes))
    }
}

fn parsed<T: std::str::FromStr>(
    name: &'static str,
    takes: &'static str,
    text: &str,
) -> Result<Option<T>, AskingError> {
    match text.trim() {
        "" => Ok(None),
        given => given.parse().map(Some).map_err(|_| AskingError::Field(name, takes)),
    }
}

/// Returns the beginning of a day, or of the day after it.
///
/// # Errors
/// Names the field when it is no day.
pub fn day(
    name: &'static str,
    text: &str,
    zone: &TimeZone,
    later: i64,
) -> Result<Option<Timestamp>, AskingError> {
    let takes = "a day as YYYY-MM-DD";
    let date = parsed::<jiff::civil::Date>(name, takes, text)?;
    let Some(date) = date else { return Ok(None) };
    let begin = date.checked_add(later.days()).and_then(|date| date.to_zoned_datetime(zone.clone()));
    let begin = begin.map_err(|_| AskingError::Field(name, takes))?;
    Ok(Some(Timestamp::from_millis(begin.timestamp().as_millisecond())))
}

/// Cuts a text around what is marked: pieces and whether they are marked, with «…» where something is left out.
pub fn excerpt(text: &str, marks: &[(u32, u32)]) -> Vec<(String, bool)> {
    let letters: Vec<char> = text.chars().collect();
    let mark = |(start, end): &(u32, u32)| {
        let (start, end) = (*start as usize, (*end as usize).min(letters.len()));
        (start < end).then_some((start, end))
    };
    let marks: Vec<(usize, usize)> = marks.iter().filter_map(mark).collect();
    let first = marks.first().map_or(0, |mark| mark.0);
    let from = if first > AROUND { word_begin(&letters, first - AROUND) } else { 0 };
    let to = letters.len().min(from + 3 * AROUND);
    let to = if to < letters.len() { word_end(&letters, to) } else { to };
    let mut pieces: Vec<(String, bool)> = Vec::new();
    let mut push = |from: usize, to: usize, marked: bool| {
        let piece: String = letters.get(from..to).unwrap_or_default().iter().collect();
        if !piece.is_empty() {
            pieces.push((piece, marked));
        }
    };
    let mut at = from;
    for (start, end) in marks.into_iter().filter(|mark| mark.1 <= to) {
        push(at, start, false);
        push(start.max(at), end, true);
        at = at.max(end);
    }
    push(at, to, false);
    if from > 0 {
        pieces.insert(0, ("… ".to_owned(), false));
    }
    if to < letters.len() {
        pieces.push((" …".to_owned(), false));
    }
    pieces
}

fn word_begin(letters: &[char], at: usize) -> usize {
    let spaces = letters.iter().skip(at).take(40);
    at + spaces.take_while(|letter| !letter.is_whitespace()).count().min(39)
}

fn word_end(letters: &[char], at: usize) -> usize {
    let back = letters.iter().take(at).rev().take(40);
    at - back.take_while(|letter| !letter.is_whitespace()).count().min(39)
}

/// Returns everything that was found, up to [`MOST_EXPORTED`] rows, and whether there is more.
///
/// # Errors
/// When the store cannot be read.
pub async fn all(store: &Store, filter: &ArchiveFilter) -> Result<(Vec<ArchiveHit>, bool), StoreError> {
    let mut filter = ArchiveFilter { limit: 500, ..filter.clone() };
    let mut hits = Vec::new();
    for _ in 0..EXPORT_PAGES {
        let page = store.search(&filter).await?;
        hits.extend(page.hits);
        filter.before = page.next;
        if filter.before.is_none() || hits.len() >= MOST_EXPORTED {
            break;
        }
    }
    let more = filter.before.is_some() || hits.len() > MOST_EXPORTED;
    hits.truncate(MOST_EXPORTED);
    Ok((hits, more))
}

fn head(w: &Words) -> [&'static str; 14] {
    let t = w.t;
    [
        t.ar_c_begun,
        t.ar_c_channel,
        t.ar_c_customer,
        t.ar_c_agent,
        t.ar_c_team,
        t.ar_c_heat,
        t.ar_c_calmed,
        t.ar_c_case,
        t.ar_c_state,
        t.ar_c_place,
        t.ar_c_who,
        t.ar_c_text,
        t.ar_c_signals,
        t.ar_c_link,
    ]
}

/// The values of a row; `link` is where the server is reached.
fn row(w: &Words, hit: &ArchiveHit, link: &str) -> [String; 14] {
    let at = hit.utterance.map(|utterance| format!("#u{utterance}")).unwrap_or_default();
    let who = match hit.party.as_deref() {
        Some("customer") => w.t.customer_role,
        Some(_) => w.t.agent_role,
        None => "",
    };
    [
        w.iso(hit.started_at_ms),
        w.channel(&hit.channel).to_owned(),
        hit.customer_name.clone().unwrap_or_default(),
        hit.agent_name.clone().unwrap_or_default(),
        hit.team.clone().unwrap_or_default(),
        hit.heat_max.to_string(),
        if hit.calmed { w.t.ar_yes } else { w.t.ar_no }.to_owned(),
        hit.case_number.map(|number| number.to_string()).unwrap_or_default(),
        hit.case_state.as_deref().map(|state| w.state(state).to_owned()).unwrap_or_default(),
        hit.start_ms.map(|at| w.place(at)).unwrap_or_default(),
        who.to_owned(),
        hit.text.clone().unwrap_or_default(),
        hit.signals.iter().map(|kind| w.signal(kind)).collect::<Vec<_>>().join("; "),
        format!("{link}/conversations/{}{at}", hit.conversation_id),
    ]
}

/// Writes hits as a table: what could be taken for a formula is text.
///
/// # Errors
/// None that outside data can bring about.
pub fn csv(w: &Words, hits: &[ArchiveHit], link: &str) -> Result<Vec<u8>> {
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(head(w))?;
    for hit in hits {
        out.write_record(row(w, hit, link).iter().map(|cell| safe_cell(cell)))?;
    }
    Ok(out.into_inner()?)
}

/// Writes hits as a workbook. Cells are texts and numbers, never formulas.
///
/// # Errors
/// When the workbook cannot be made.
pub fn xlsx(w: &Words, hits: &[ArchiveHit], link: &str) -> Result<Vec<u8>> {
    /// Characters that a cell takes.
    const LONGEST: usize = 32_000;
    let mut book = Workbook::new();
    let bold = Format::new().set_bold();
    let sheet = book.add_worksheet();
    sheet.set_name(w.t.archive)?;
    sheet.set_freeze_panes(1, 0)?;
    sheet.set_column_width(11, 80)?;
    for (column, name) in (0_u16..).zip(head(w)) {
        sheet.write_with_format(0, column, name, &bold)?;
    }
    for (line, hit) in (1_u32..).zip(hits) {
        for (column, cell) in (0_u16..).zip(row(w, hit, link)) {
            let number = matches!(column, 5 | 7).then(|| cell.parse::<f64>().ok()).flatten();
            match number {
                Some(number) => sheet.write_number(line, column, number)?,
                None => sheet.write_string(line, column, cell.chars().take(LONGEST).collect::<String>())?,
            };
        }
    }
    Ok(book.save_to_buffer()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::Lang;

    fn cut(text: &str, marks: &[(u32, u32)]) -> String {
        let show = |(piece, marked): (String, bool)| if marked { format!("[{piece}]") } else { piece };
        excerpt(text, marks).into_iter().map(show).collect()
    }

    #[test]
    fn an_excerpt_marks_what_was_found_and_leaves_out_what_is_far() {
        assert_eq!(cut("верните деньги", &[(0, 7)]), "[верните] деньги");
        assert_eq!(cut("верните деньги", &[(8, 99)]), "верните [деньги]");
        assert_eq!(cut("", &[(0, 4)]), "");
        let long = format!("{}верните деньги {}", "слово ".repeat(100), "потом ".repeat(200));
        let shown = cut(&long, &[(600, 607)]);
        assert!(shown.starts_with("…  слово") || shown.starts_with("… "), "{shown}");
        assert!(shown.contains("[верните] деньги") && shown.ends_with(" …"), "{shown}");
        assert!(shown.chars().count() < 3 * AROUND + 20, "{}", shown.chars().count());
        let one_word = "ж".repeat(1 << 20);
        assert!(cut(&one_word, &[]).chars().count() < 3 * AROUND + 20);
    }

    #[test]
    fn an_asking_is_read_and_what_is_wrong_is_named() {
        let zone = TimeZone::get("Europe/Moscow").unwrap();
        let asking = Asking {
            q: " вернуть -\"в суд\" ".into(),
            heat_from: "60".into(),
            from: "2026-11-01".into(),
            to: "2026-11-01".into(),
            outcome: "no_case".into(),
            ..Asking::default()
        };
        let filter = asking.filter(&zone, Some("север")).unwrap();
        let day = filter.to.unwrap().millis() - filter.from.unwrap().millis();
        assert_eq!((filter.heat, filter.outcome, day), ((60, 100), Some(Outcome::NoCase), 86_400_000));
        assert_eq!((filter.scope.as_deref(), filter.limit), (Some("север"), 20));
        assert!(asking.query().starts_with("q=%D0%B2") && asking.query().ends_with("outcome=no_case&"));
        assert!(Asking::default().is_empty() && !asking.is_empty() && asking.is_narrowed());
        for (field, wrong) in [
            ("signal", Asking { signal: "x".into(), ..Asking::default() }),
            ("heat_from", Asking { heat_from: "-1".into(), ..Asking::default() }),
            ("to", Asking { to: "9999-12-31".into(), ..Asking::default() }),
            ("from", Asking { from: "01.11.2026".into(), ..Asking::default() }),
            ("channel", Asking { channel: "fax".into(), ..Asking::default() }),
            ("outcome", Asking { outcome: "won".into(), ..Asking::default() }),
            ("before", Asking { before: "1; DROP".into(), ..Asking::default() }),
            ("q", Asking { q: "-суд".into(), ..Asking::default() }),
        ] {
            let refused = wrong.filter(&zone, None).unwrap_err().to_string();
            assert!(refused.starts_with(&format!("{field}: ")), "{refused}");
        }
    }

    #[test]
    fn no_cell_of_an_export_is_a_formula() {
        let w = Words::new(Lang::Ru, TimeZone::UTC, 0);
        let hit = ArchiveHit {
            customer_name: Some("=HYPERLINK(\"http://x\")".into()),
            text: Some("@SUM(1), верните".into()),
            agent_name: Some("-1+1".into()),
            signals: vec!["legal_threat".into()],
            ..hit()
        };
        let table = String::from_utf8(csv(&w, std::slice::from_ref(&hit), "https://g").unwrap()).unwrap();
        assert!(
            table.contains("'=HYPERLINK") && table.contains("'@SUM(1)") && table.contains("'-1+1"),
            "{table}"
        );
        assert!(table.contains("https://g/conversations/c-1#u4"), "{table}");
        let book = xlsx(&w, &[hit], "https://g").unwrap();
        let mut zip = zip::ZipArchive::new(std::io::Cursor::new(book)).unwrap();
        let mut sheet = String::new();
        std::io::Read::read_to_string(&mut zip.by_name("xl/worksheets/sheet1.xml").unwrap(), &mut sheet)
            .unwrap();
        assert!(sheet.contains("<v>81</v>") && !sheet.contains("<f>"), "{sheet}");
    }

    fn hit() -> ArchiveHit {
        ArchiveHit {
            place: 1,
            conversation_id: "c-1".into(),
            channel: "call".into(),
            status: "ended".into(),
            started_at_ms: 1_795_510_800_000,
            heat_max: 81,
            calmed: true,
            team: None,
            recorded: true,
            agent_name: None,
            customer_name: None,
            case_id: None,
            case_number: None,
            case_state: None,
            utterance: Some(4),
            party: Some("customer".into()),
            start_ms: Some(4_000),
            end_ms: Some(5_000),
            text: None,
            marks: Vec::new(),
            signals: Vec::new(),
        }
    }
}
