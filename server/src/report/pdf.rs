//! The report on paper: one sheet for whoever has a minute, then every table.

mod font;
mod sheet;

use std::io::Write;

use anyhow::Result;
use pdf_writer::Date;

use self::sheet::{About, Document, INK, LINE, LOUD, MARGIN, SOFT, Type, WIDTH, Weight};
use super::sections::{Cell, Section, sections};
use super::write::address;
use super::{Figures, Report, attention};
use crate::web::Words;

/// Width of a column of a week, in points.
const COLUMN: f32 = 58.0;
/// Height of a line of a table, in points.
const ROW: f32 = 15.0;
/// Lines that a long name may take.
const NAME_LINES: usize = 3;
/// Reasons on the first sheet.
const MOST_REASONS: usize = 5;

/// Reads a count off a week.
type CountOf = fn(&Figures) -> i64;

const TITLE: Type = Type { weight: Weight::Bold, size: 18.0, colour: INK };
const HEAD: Type = Type { weight: Weight::Bold, size: 11.0, colour: INK };
const BODY: Type = Type { weight: Weight::Plain, size: 9.0, colour: INK };
const STRONG: Type = Type { weight: Weight::Bold, size: 9.0, colour: INK };
const NOTE: Type = Type { weight: Weight::Plain, size: 8.5, colour: SOFT };
const BIG: Type = Type { weight: Weight::Bold, size: 20.0, colour: INK };

/// Packs a stream.
///
/// # Errors
/// None: it is written to memory.
fn packed(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut out = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(bytes)?;
    Ok(out.finish()?)
}

/// Writes the report as a PDF of sheets of A4. Its numbers lead to their lists on the server whose pages begin with `base`.
///
/// # Errors
/// When a typeface cannot be embedded.
pub fn pdf(w: &Words, report: &Report, base: &str) -> Result<Vec<u8>> {
    let mut document = Document::new()?;
    first_sheet(&mut document, w, report, base);
    document.turn();
    for section in sections(w, report) {
        table(&mut document, w, report, &section, base);
    }
    let week = report.this().map(|week| week.week.clone()).unwrap_or_default();
    let title = format!("{} {week}", w.t.rp_title);
    let date = date(w.now_ms());
    let about = About { title: &title, language: w.t.lang, date };
    document.finish(&about, |number, count| {
        format!("{title} · {} {number} {} {count}", w.t.rp_page_of, w.t.rp_of)
    })
}

/// Returns a moment as a PDF names it, in UTC.
fn date(at_ms: i64) -> Date {
    let at = jiff::Timestamp::from_millisecond(at_ms)
        .unwrap_or_default()
        .to_zoned_datetime(jiff::tz::TimeZone::UTC);
    let part = |number: i8| u8::try_from(number).unwrap_or(1);
    Date::new(u16::try_from(at.year()).unwrap_or(0))
        .month(part(at.month()))
        .day(part(at.day()))
        .hour(part(at.hour()))
        .minute(part(at.minute()))
        .utc_offset_hour(0)
}

/// What a director reads: the week in four figures, the trend, the reasons, what it cost, what needs an eye.
fn first_sheet(document: &mut Document, w: &Words, report: &Report, base: &str) {
    let Some(this) = report.this() else { return };
    document.at += 18.0;
    document.text(TITLE, MARGIN, document.at, w.t.rp_title);
    document.at += 18.0;
    let team = report.team.as_deref().map(|team| format!(" · {} {team}", w.t.rp_team)).unwrap_or_default();
    let made = format!(
        "{} · {}{team} · {} {}",
        this.week,
        w.week_span(&this.monday),
        w.t.rp_made,
        w.day(w.now_ms())
    );
    for line in document.lines(NOTE, &made, WIDTH - 2.0 * MARGIN, 2) {
        document.text(NOTE, MARGIN, document.at, &line);
        document.at += 12.0;
    }
    document.at += 10.0;
    tiles(document, w, report);
    trend(document, w, report);
    reasons(document, w, this);
    money(document, w, this);
    remarks(document, w, report, base);
}

fn tiles(document: &mut Document, w: &Words, report: &Report) {
    let before = report.weeks.len().checked_sub(2).and_then(|at| report.weeks.get(at));
    let figures: [(&str, CountOf); 4] = [
        (w.t.w_conversations, |week| week.weekly.conversations),
        (w.t.w_escalated, |week| week.weekly.escalated),
        (w.t.w_left, |week| week.weekly.left_open),
        (w.t.w_repeat, |week| week.weekly.repeated),
    ];
    let width = (WIDTH - 2.0 * MARGIN) / 4.0;
    let (mut x, top) = (MARGIN, document.at);
    let Some(this) = report.this() else { return };
    for (name, of) in figures {
        document.fill(LINE, x, top, (1.0, 62.0));
        document.text(BIG, x + 10.0, top + 20.0, &w.number(of(this)));
        for (at, line) in (0_u8..).zip(document.lines(NOTE, name, width - 16.0, 2)) {
            document.text(NOTE, x + 10.0, top + 34.0 + 10.0 * f32::from(at), &line);
        }
        if let Some(before) = before {
            document.text(NOTE, x + 10.0, top + 60.0, &change(w, of(this) - of(before)));
        }
        x += width;
    }
    document.at = top + 90.0;
}

/// Returns how a figure differs from the week before, in words.
pub fn change(w: &Words, change: i64) -> String {
    if change == 0 {
        return w.t.rp_same.to_owned();
    }
    format!("{change:+} {}", w.t.rp_than_before).replace('-', "−")
}

fn trend(document: &mut Document, w: &Words, report: &Report) {
    heading(document, w.t.w_trend);
    let most = report.weeks.iter().map(|week| week.weekly.escalated).max().unwrap_or(0).max(1);
    let count = report.weeks.len().max(1);
    let step = (WIDTH - 2.0 * MARGIN) / count as f32;
    let (height, foot) = (70.0, document.at + 84.0);
    let mut x = MARGIN;
    for (number, week) in (1..).zip(&report.weeks) {
        let bar = height * week.weekly.escalated as f32 / most as f32;
        let last = number == count;
        let width = step.min(70.0) - 18.0;
        document.fill(if last { LOUD } else { SOFT }, x, foot - bar, (width, bar.max(0.5)));
        document.text(STRONG, x, foot - bar - 4.0, &w.number(week.weekly.escalated));
        document.text(NOTE, x, foot + 12.0, &week.week);
        x += step;
    }
    document.at = foot + 34.0;
}

fn reasons(document: &mut Document, w: &Words, this: &Figures) {
    heading(document, w.t.rp_reasons);
    let reasons = &this.weekly.by_reason;
    if reasons.is_empty() {
        return nothing(document, w.t.w_empty_part);
    }
    let most = reasons.iter().map(|(_, count)| *count).max().unwrap_or(1).max(1);
    for (reason, count) in reasons.iter().take(MOST_REASONS) {
        document.at += ROW;
        let name = document.lines(BODY, &w.reason(reason), 190.0, 1).concat();
        document.text(BODY, MARGIN, document.at, &name);
        let bar = 260.0 * *count as f32 / most as f32;
        document.fill(SOFT, MARGIN + 200.0, document.at - 7.0, (bar, 8.0));
        document.text_to(STRONG, WIDTH - MARGIN, document.at, &w.number(*count));
    }
    document.at += 28.0;
}

/// What the decisions of the week cost, by kind, each currency by itself.
fn money(document: &mut Document, w: &Words, this: &Figures) {
    heading(document, w.t.rp_cost);
    if this.weekly.cost.is_empty() {
        return nothing(document, w.t.rp_none);
    }
    for (currency, sum) in &this.weekly.cost {
        document.at += ROW;
        document.text(STRONG, MARGIN, document.at, &w.money(*sum, currency));
        let kinds = this.cost_by_kind.iter().filter_map(|(kind, costs)| {
            Some(format!("{} {}", w.cost_kind(kind), w.money(*costs.get(currency)?, currency)))
        });
        let kinds: Vec<String> = kinds.collect();
        for line in document.lines(BODY, &kinds.join(", "), WIDTH - 2.0 * MARGIN - 120.0, 2) {
            document.text(BODY, MARGIN + 120.0, document.at, &line);
            document.at += 12.0;
        }
        document.at -= 12.0;
    }
    document.at += 28.0;
}

fn remarks(document: &mut Document, w: &Words, report: &Report, base: &str) {
    document.need(40.0);
    heading(document, w.t.rp_attention);
    let found = attention(w, report);
    if found.is_empty() {
        return nothing(document, w.t.rp_all_well);
    }
    let week = report.this().map(|week| week.week.clone()).unwrap_or_default();
    for remark in found {
        document.need(ROW);
        document.at += ROW;
        let what = document.lines(BODY, &remark.what, WIDTH - 2.0 * MARGIN - 50.0, 1).concat();
        document.text(BODY, MARGIN, document.at, &what);
        let count = w.number(remark.count);
        document.text_to(Type { colour: LOUD, ..STRONG }, WIDTH - MARGIN, document.at, &count);
        let address = address(base, report, &week, &remark.link);
        document.link(MARGIN, document.at - 10.0, (WIDTH - 2.0 * MARGIN, ROW), address);
    }
}

fn heading(document: &mut Document, text: &str) {
    document.text(HEAD, MARGIN, document.at, text);
    document.at += 4.0;
}

fn nothing(document: &mut Document, text: &str) {
    document.text(NOTE, MARGIN, document.at + 12.0, text);
    document.at += 34.0;
}

/// Writes one table; where it goes over the end of a sheet its head is repeated.
fn table(document: &mut Document, w: &Words, report: &Report, section: &Section, base: &str) {
    document.need(70.0);
    document.at += 24.0;
    document.text(HEAD, MARGIN, document.at, section.title);
    if section.rows.is_empty() {
        document.at += 14.0;
        document.text(NOTE, MARGIN, document.at, w.t.rp_nothing);
        return;
    }
    weeks(document, report);
    let name_width = WIDTH - 2.0 * MARGIN - COLUMN * report.weeks.len() as f32 - 8.0;
    for line in &section.rows {
        let names = document.lines(BODY, &line.name, name_width, NAME_LINES);
        let height = 11.0 * names.len() as f32 + 6.0;
        if document.need(height) {
            document.at += 8.0;
            document.text(NOTE, MARGIN, document.at, section.title);
            weeks(document, report);
        }
        let top = document.at;
        let mut x = MARGIN + name_width + 8.0;
        for (number, (cell, week)) in (1..).zip(line.cells.iter().zip(&report.weeks)) {
            x += COLUMN;
            let how = if number == report.weeks.len() { STRONG } else { BODY };
            // The name of the row names the currency.
            let text = match cell {
                Cell::Money(amount, _) => w.money(*amount, "").trim_end().to_owned(),
                other => other.text(w),
            };
            // Millions with kopecks are wider than a column at full size.
            let size = (how.size * (COLUMN - 4.0) / document.width(how, &text).max(1.0)).min(how.size);
            document.text_to(Type { size, ..how }, x, top + 13.0, &text);
            document.link(
                x - COLUMN,
                top + 2.0,
                (COLUMN, height),
                address(base, report, &week.week, &line.link),
            );
        }
        for name in names {
            document.at += 11.0;
            document.text(BODY, MARGIN, document.at + 2.0, &name);
        }
        document.at = top + height;
        document.fill(LINE, MARGIN, document.at, (WIDTH - 2.0 * MARGIN, 0.5));
    }
}

/// The head of a table: the weeks.
fn weeks(document: &mut Document, report: &Report) {
    document.at += 14.0;
    let mut x = WIDTH - MARGIN - COLUMN * report.weeks.len() as f32;
    for week in &report.weeks {
        x += COLUMN;
        document.text_to(NOTE, x, document.at, &week.week);
    }
    document.at += 4.0;
    document.fill(LINE, MARGIN, document.at, (WIDTH - 2.0 * MARGIN, 1.0));
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::tz::TimeZone;

    use super::*;
    use crate::store::Weekly;
    use crate::web::Lang;

    fn sheets(weeks: Vec<Figures>) -> usize {
        let report = Report {
            team: Some("Ж".repeat(300)),
            timezone: "UTC".into(),
            departments: BTreeMap::new(),
            weeks,
        };
        let bytes = pdf(&Words::new(Lang::Ru, TimeZone::UTC, 0), &report, "https://g").unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(text.starts_with("%PDF-1.7") && text.trim_end().ends_with("%%EOF"));
        text.matches("/Type /Page").count() - text.matches("/Type /Pages").count()
    }

    #[test]
    fn a_report_of_nothing_is_three_sheets_and_a_long_one_goes_on() {
        assert_eq!(sheets(Vec::new()), 3, "the names of the figures stand there all the same");
        let empty = Figures { week: "2026-W47".into(), monday: "2026-11-16".into(), ..Figures::default() };
        assert_eq!(sheets(vec![empty.clone(), empty.clone()]), 3, "empty tables need two beside the first");
        let by_agent = (0..100).map(|at| (format!("{at} {} 🙂 مرحبا", "Ж".repeat(300)), at)).collect();
        let cost = BTreeMap::from([("RUB".to_owned(), i64::MAX.into()), ("USD".to_owned(), 1.into())]);
        let weekly = Weekly { by_agent, cost, ..Weekly::default() };
        assert!(sheets(vec![empty.clone(), Figures { weekly, ..empty }]) > 6);
    }

    #[test]
    fn a_line_is_broken_between_words_within_long_ones_and_ends_in_an_ellipsis() {
        let document = Document::new().unwrap();
        let lines = |text: &str, most| document.lines(BODY, text, 60.0, most);
        assert_eq!(lines("один", 3), ["один"]);
        assert_eq!(lines("первая вторая третья", 3).len(), 3);
        let long = lines(&"Ж".repeat(300), 3);
        assert_eq!(long.len(), 3);
        assert!(
            long[2].ends_with('…') && long.iter().all(|line| document.width(BODY, line) <= 60.0),
            "{long:?}"
        );
        assert_eq!(lines("", 3), [""]);
    }
}
