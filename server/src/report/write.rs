//! The forms of the report. All of them are made from one list of sections, so that no two can differ.

use anyhow::Result;
use rust_xlsxwriter::{Format, Workbook};

use super::sections::{Cell, Link, sections};
use super::{Report, attention};
use crate::query::escaped;
use crate::web::Words;

/// Writes the report as JSON.
///
/// # Errors
/// None that outside data can bring about.
pub fn json(report: &Report) -> Result<Vec<u8>> {
    Ok(serde_json::to_vec_pretty(report)?)
}

/// Writes the report as a table: section, name, and a column a week. Numbers are plain; what could be taken for a formula is text.
///
/// # Errors
/// None that outside data can bring about.
pub fn csv(w: &Words, report: &Report) -> Result<Vec<u8>> {
    let mut out = csv::Writer::from_writer(Vec::new());
    let head = [w.t.rp_section, w.t.rp_name].map(str::to_owned);
    out.write_record(head.into_iter().chain(report.weeks.iter().map(|week| week.week.clone())))?;
    for section in sections(w, report) {
        for line in &section.rows {
            let values = line.cells.iter().map(plain);
            out.write_record([safe_cell(section.title), safe_cell(&line.name)].into_iter().chain(values))?;
        }
    }
    Ok(out.into_inner()?)
}

fn plain(cell: &Cell) -> String {
    match cell {
        Cell::Count(count) => count.to_string(),
        Cell::Money(amount, _) => amount.to_string(),
        Cell::Percent(share) => share.map(|share| share.to_string()).unwrap_or_default(),
        Cell::Span(seconds) => seconds.map(|seconds| seconds.to_string()).unwrap_or_default(),
    }
}

/// Returns a cell of a table that cannot become a formula in somebody's office program (OWASP, CSV injection).
pub fn safe_cell(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

/// Writes the report as a workbook: a sheet a section, numbers as numbers.
///
/// # Errors
/// When the workbook cannot be made.
pub fn xlsx(w: &Words, report: &Report) -> Result<Vec<u8>> {
    let mut book = Workbook::new();
    let (bold, money, percent) = (
        Format::new().set_bold(),
        Format::new().set_num_format("#,##0.00"),
        Format::new().set_num_format("0.0\" %\""),
    );
    let sheet = book.add_worksheet();
    sheet.set_name(w.t.rp_sheet)?;
    sheet.set_column_width(0, 44)?;
    sheet.set_freeze_panes(1, 1)?;
    sheet.write_with_format(0, 0, format!("{} {}", w.t.rp_title, title(report)), &bold)?;
    for (column, week) in (1_u16..).zip(&report.weeks) {
        sheet.write_with_format(0, column, &week.week, &bold)?;
    }
    let mut line = 1_u32;
    for section in sections(w, report) {
        line += 1;
        sheet.write_with_format(line, 0, section.title, &bold)?;
        for row in &section.rows {
            line += 1;
            sheet.write_string(line, 0, &row.name)?;
            for (column, cell) in (1_u16..).zip(&row.cells) {
                match cell {
                    Cell::Count(count) => sheet.write_number(line, column, *count as f64)?,
                    Cell::Money(amount, _) => {
                        let amount: f64 = amount.to_string().parse().unwrap_or(f64::NAN);
                        sheet.write_number_with_format(line, column, amount, &money)?
                    }
                    Cell::Percent(Some(share)) => {
                        let share: f64 = share.to_string().parse().unwrap_or(f64::NAN);
                        sheet.write_number_with_format(line, column, share, &percent)?
                    }
                    other => sheet.write_string(line, column, other.text(w))?,
                };
            }
        }
    }
    Ok(book.save_to_buffer()?)
}

fn title(report: &Report) -> String {
    report.this().map(|week| week.week.clone()).unwrap_or_default()
}

/// Returns where the list behind a number is, on a server whose pages begin with `base`.
pub fn address(base: &str, report: &Report, week: &str, (counted, name): &Link) -> String {
    let name = name.as_deref().map(|name| format!("&name={}", escaped(name))).unwrap_or_default();
    let zone = escaped(&report.timezone);
    format!("{base}/week/behind?week={week}&zone={zone}&what={}{name}", counted.name())
}

/// Writes the report as a page of its own: it needs no server, reads on a telephone and prints on paper. Its numbers lead to
/// their lists on the server whose pages begin with `base`.
pub fn html(w: &Words, report: &Report, base: &str) -> String {
    let mut out = format!(
        "<!doctype html><html lang=\"{}\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title}</title><style>{STYLE}</style><h1>{title}</h1>",
        w.t.lang,
        title = escape(&format!("{} {}", w.t.rp_title, title(report))),
    );
    out.push_str(&summary(w, report));
    out.push_str(&remarks(w, report, base));
    for section in sections(w, report) {
        out.push_str(&format!("<h2>{}</h2>", escape(section.title)));
        if section.rows.is_empty() {
            out.push_str(&format!("<p class=\"none\">{}</p>", escape(w.t.rp_nothing)));
            continue;
        }
        out.push_str("<div class=\"wide\"><table><thead><tr><th></th>");
        // The week of the report first: on a telephone the others are found by scrolling.
        for week in report.weeks.iter().rev() {
            out.push_str(&format!("<th>{}</th>", escape(&week.week)));
        }
        out.push_str("</tr></thead><tbody>");
        for line in &section.rows {
            out.push_str(&format!("<tr><th>{}</th>", escape(&line.name)));
            for (cell, week) in line.cells.iter().zip(&report.weeks).rev() {
                let href = escape(&address(base, report, &week.week, &line.link));
                out.push_str(&format!("<td><a href=\"{href}\">{}</a></td>", escape(&cell.text(w))));
            }
            out.push_str("</tr>");
        }
        out.push_str("</tbody></table></div>");
    }
    out.push_str("</html>");
    out
}

/// What a director reads first: the four figures of the week and how they differ from the week before.
fn summary(w: &Words, report: &Report) -> String {
    let [.., before, this] = report.weeks.as_slice() else { return String::new() };
    let card = |name: &str, now: i64, then: i64| {
        let change = match now - then {
            0 => w.t.rp_same.to_owned(),
            change => format!("{change:+} {}", w.t.rp_than_before).replace('-', "−"),
        };
        format!(
            "<li><b>{}</b><span>{}</span><small>{}</small></li>",
            w.number(now),
            escape(name),
            escape(&change)
        )
    };
    let cost: Vec<String> = this.weekly.cost.iter().map(|(currency, sum)| w.money(*sum, currency)).collect();
    let cost = if cost.is_empty() { w.t.rp_none.to_owned() } else { cost.join(", ") };
    format!(
        "<ul class=\"cards\">{}{}{}<li><b>{}</b><span>{}</span></li></ul>",
        card(w.t.w_escalated, this.weekly.escalated, before.weekly.escalated),
        card(w.t.w_left, this.weekly.left_open, before.weekly.left_open),
        card(w.t.w_repeat, this.weekly.repeated, before.weekly.repeated),
        escape(&cost),
        escape(w.t.w_cost),
    )
}

/// What needs an eye, each with the way to its list.
fn remarks(w: &Words, report: &Report, base: &str) -> String {
    let found = attention(w, report);
    let mut out = format!("<h2>{}</h2>", escape(w.t.rp_attention));
    if found.is_empty() {
        out.push_str(&format!("<p class=\"none\">{}</p>", escape(w.t.rp_all_well)));
        return out;
    }
    out.push_str("<ul>");
    for remark in found {
        let href = escape(&address(base, report, &title(report), &remark.link));
        out.push_str(&format!(
            "<li>{}: <a href=\"{href}\">{}</a></li>",
            escape(&remark.what),
            w.number(remark.count)
        ));
    }
    out.push_str("</ul>");
    out
}

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;margin:0 auto;max-width:60rem;padding:1.5rem;color:#1c2430}\
h1{font-size:1.5rem;margin:0 0 1rem}h2{font-size:1.05rem;margin:2rem 0 .5rem;break-after:avoid}\
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(9rem,1fr));gap:.75rem;padding:0;list-style:none}\
.cards li{border:1px solid #d9dee4;border-radius:6px;padding:.75rem 1rem}.cards b{display:block;font-size:1.4rem}\
.cards span,.cards small{display:block;color:#5a6470}.none{color:#5a6470}.wide{overflow-x:auto}\
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}td,thead th{text-align:right;white-space:nowrap}\
th{font-weight:500;text-align:left}td,th{padding:.3rem .6rem;border-bottom:1px solid #e6eaee}td:nth-child(2){font-weight:600}a{color:inherit}td a{text-decoration:none}\
@media (prefers-color-scheme:dark){body{background:#14181e;color:#e6eaee}.cards li,td,th{border-color:#2c343e}\
.cards span,.cards small,.none{color:#9aa4b0}}@media print{body{padding:0;font-size:11px}tr{break-inside:avoid}}";

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::tz::TimeZone;

    use rust_decimal::Decimal;

    use super::super::{Figures, Spread};
    use super::*;
    use crate::store::Weekly;
    use crate::web::Lang;

    fn week(name: &str, escalated: i64, agent: &str) -> Figures {
        let cost = BTreeMap::from([
            ("RUB".to_owned(), Decimal::new(45_050, 2)),
            ("USD".to_owned(), Decimal::new(5, 0)),
        ]);
        Figures {
            week: name.into(),
            monday: "2026-11-16".into(),
            weekly: Weekly {
                conversations: 8,
                escalated,
                by_agent: vec![(agent.into(), escalated)],
                cost: cost.clone(),
                ..Weekly::default()
            },
            to_acknowledge: Spread { count: 1, median_s: Some(75), p90_s: Some(75) },
            cost_by_reason: BTreeMap::from([("legal".to_owned(), cost.clone())]),
            cost_by_kind: BTreeMap::from([("refund".to_owned(), cost)]),
            alerts_right: 3,
            alerts_wrong: 1,
            promises: vec![("kept".into(), 2), ("broken".into(), 1)],
            ..Figures::default()
        }
    }

    fn report() -> Report {
        let weeks = vec![week("2026-W46", 0, "Ольга"), week("2026-W47", 3, "=cmd|'/c calc'!A1")];
        Report { team: None, timezone: "Europe/Moscow".into(), departments: BTreeMap::new(), weeks }
    }

    #[test]
    fn the_table_has_a_column_a_week_and_no_formula() {
        let w = Words::new(Lang::Ru, TimeZone::UTC, 0);
        let text = String::from_utf8(csv(&w, &report()).unwrap()).unwrap();
        let line =
            |begin: &str| text.lines().find(|line| line.contains(begin)).unwrap_or_default().to_owned();
        assert!(text.starts_with("Раздел,Показатель,2026-W46,2026-W47\n"), "{text}");
        assert!(line("доля эскалаций").ends_with(",0.0,37.5"), "{text}");
        assert!(line("доля ложных").ends_with(",25.0,25.0"), "{text}");
        assert!(text.contains("'=cmd") && !text.contains(",=cmd"), "{text}");
        assert!(text.contains("450.50,450.50") && text.contains("5,5"), "each currency by itself: {text}");
        assert!(line("вид: возврат, USD").ends_with(",5,5"), "{text}");
    }

    #[test]
    fn the_page_shows_hostile_names_as_text_and_no_figure_where_there_is_none() {
        let w = Words::new(Lang::Ru, TimeZone::UTC, 0);
        let mut report = report();
        report.weeks[1].weekly.by_agent = vec![("<script>alert(1)</script>".into(), 3)];
        report.weeks[0].weekly.conversations = 0;
        let page = html(&w, &report, "https://g");
        assert!(page.contains("&lt;script&gt;") && !page.contains("<script>"), "{page}");
        assert!(page.contains("+3 к прошлой неделе") && page.contains(">нет</a></td>"), "{page}");
    }

    #[test]
    fn the_workbook_opens_again_as_a_zip_with_its_sheet() {
        let w = Words::new(Lang::En, TimeZone::UTC, 0);
        let book = xlsx(&w, &report()).unwrap();
        let mut zip = zip::ZipArchive::new(std::io::Cursor::new(book)).unwrap();
        let mut sheet = String::new();
        std::io::Read::read_to_string(&mut zip.by_name("xl/worksheets/sheet1.xml").unwrap(), &mut sheet)
            .unwrap();
        assert!(
            sheet.contains("<v>450.5</v>") && !sheet.contains("<f>"),
            "numbers are numbers, nothing is a formula"
        );
    }
}
