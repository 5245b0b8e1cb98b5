//! The forms of the report. All of them are made from one list of sections, so that no two can differ.

use anyhow::Result;
use rust_decimal::Decimal;
use rust_xlsxwriter::{Format, Workbook};

use super::{Figures, Report, Spread};
use crate::store::Counts;
use crate::web::Words;

/// A table: its title, and rows of a name with a value for each week.
struct Section {
    title: &'static str,
    rows: Vec<(String, Vec<Cell>)>,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
enum Cell {
    Count(i64),
    Money(Decimal, String),
    Percent(Option<Decimal>),
    Span(Option<i64>),
}

impl Cell {
    fn text(&self, w: &Words) -> String {
        match self {
            Self::Count(count) => w.number(*count),
            Self::Money(amount, currency) => w.money(*amount, currency),
            Self::Percent(share) => share.map_or_else(
                || w.t.rp_none.to_owned(),
                |share| {
                    format!(
                        "{}\u{a0}%",
                        share.to_string().replace('.', if w.t.lang == "ru" { "," } else { "." })
                    )
                },
            ),
            Self::Span(seconds) => {
                seconds.map_or_else(|| w.t.rp_none.to_owned(), |seconds| w.span(seconds * 1_000))
            }
        }
    }
}

fn share(part: i64, whole: i64) -> Cell {
    let tenths = (whole > 0).then(|| Decimal::new((part * 1_000 + whole / 2) / whole, 1));
    Cell::Percent(tenths)
}

fn sections(w: &Words, report: &Report) -> Vec<Section> {
    let weeks = &report.weeks;
    let row =
        |name: &str, cell: &dyn Fn(&Figures) -> Cell| (name.to_owned(), weeks.iter().map(cell).collect());
    let spread = |of: fn(&Figures) -> Spread, median: &str, p90: &str| {
        [row(median, &|week| Cell::Span(of(week).median_s)), row(p90, &|week| Cell::Span(of(week).p90_s))]
    };
    let t = w.t;
    let mut main = vec![
        row(t.w_conversations, &|week| Cell::Count(week.weekly.conversations)),
        row(t.w_escalated, &|week| Cell::Count(week.weekly.escalated)),
        row(t.w_share, &|week| share(week.weekly.escalated, week.weekly.conversations)),
        row(t.w_opened, &|week| Cell::Count(week.weekly.opened)),
        row(t.w_closed, &|week| Cell::Count(week.weekly.closed)),
        row(t.w_left, &|week| Cell::Count(week.weekly.left_open)),
        row(t.w_repeat, &|week| Cell::Count(week.weekly.repeated)),
    ];
    main.extend(spread(|week| week.to_acknowledge, t.rp_ack_median, t.rp_ack_p90));
    main.extend(spread(|week| week.to_resolve, t.rp_resolve_median, t.rp_resolve_p90));
    main.push(row(t.rp_false_share, &|week| share(week.alerts_wrong, week.alerts_right + week.alerts_wrong)));
    let kept = |week: &Figures, state: &str| count_of(&week.promises, state);
    main.push(row(t.rp_kept_share, &|week| {
        share(kept(week, "kept"), kept(week, "kept") + kept(week, "broken"))
    }));
    let mut sections = vec![Section { title: t.rp_main, rows: main }];
    sections.push(Section { title: t.rp_cost, rows: costs(w, report) });
    let by =
        |title, of: fn(&Figures) -> &Counts, name: &dyn Fn(&str) -> String| counts(title, weeks, of, name);
    let agent = |name: &str| if name.is_empty() { t.no_name.to_owned() } else { name.to_owned() };
    sections.push(by(t.w_by_reason, |week| &week.weekly.by_reason, &|name| w.reason(name)));
    sections.push(by(t.w_by_decision, |week| &week.weekly.by_decision, &|name| w.decision(name)));
    sections.push(by(t.w_by_agent, |week| &week.weekly.by_agent, &agent));
    sections.push(by(t.w_by_resolution, |week| &week.weekly.by_resolution, &|name| w.reason(name)));
    sections.push(by(t.rp_without, |week| &week.without_attempt, &agent));
    sections
}

fn count_of(counts: &Counts, name: &str) -> i64 {
    counts.iter().find(|(key, _)| key == name).map_or(0, |(_, count)| *count)
}

/// Rows of everything that occurs in any of the weeks, the most frequent of the last week first.
fn counts(
    title: &'static str,
    weeks: &[Figures],
    of: fn(&Figures) -> &Counts,
    name: &dyn Fn(&str) -> String,
) -> Section {
    let mut keys: Vec<&String> =
        weeks.iter().rev().flat_map(|week| of(week).iter().map(|(key, _)| key)).collect();
    let mut seen = std::collections::BTreeSet::new();
    keys.retain(|key| seen.insert(*key));
    let cells = |key: &str| weeks.iter().map(|week| Cell::Count(count_of(of(week), key))).collect();
    Section { title, rows: keys.into_iter().map(|key| (name(key), cells(key))).collect() }
}

/// What was spent: in all and by reason, each currency by itself.
fn costs(w: &Words, report: &Report) -> Vec<(String, Vec<Cell>)> {
    let mut currencies: Vec<&String> = report.weeks.iter().flat_map(|week| week.weekly.cost.keys()).collect();
    currencies.sort();
    currencies.dedup();
    let mut rows = Vec::new();
    for currency in currencies {
        let sum =
            |amount: Option<&Decimal>| Cell::Money(amount.copied().unwrap_or_default(), currency.clone());
        let all = report.weeks.iter().map(|week| sum(week.weekly.cost.get(currency))).collect();
        rows.push((format!("{}, {currency}", w.t.rp_all), all));
        let reasons: std::collections::BTreeSet<&String> =
            report.weeks.iter().flat_map(|week| week.cost_by_reason.keys()).collect();
        for reason in reasons {
            let of = |week: &Figures| {
                week.cost_by_reason.get(reason).and_then(|costs| costs.get(currency)).copied()
            };
            if report.weeks.iter().any(|week| of(week).is_some()) {
                let cells = report.weeks.iter().map(|week| sum(of(week).as_ref())).collect();
                rows.push((format!("{}, {currency}", w.reason(reason)), cells));
            }
        }
    }
    rows
}

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
        for (name, cells) in &section.rows {
            let values = cells.iter().map(plain);
            out.write_record([harmless(section.title), harmless(name)].into_iter().chain(values))?;
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

/// A name of a customer or an agent must not become a formula in somebody's office program.
pub fn harmless(text: &str) -> String {
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
        for (name, cells) in &section.rows {
            line += 1;
            sheet.write_string(line, 0, name)?;
            for (column, cell) in (1_u16..).zip(cells) {
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

/// Writes the report as a page of its own: it needs no server, reads on a telephone and prints on paper.
pub fn html(w: &Words, report: &Report) -> String {
    let mut out = format!(
        "<!doctype html><html lang=\"{}\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title}</title><style>{STYLE}</style><h1>{title}</h1>",
        w.t.lang,
        title = escape(&format!("{} {}", w.t.rp_title, title(report))),
    );
    out.push_str(&summary(w, report));
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
        for (name, cells) in &section.rows {
            out.push_str(&format!("<tr><th>{}</th>", escape(name)));
            for cell in cells.iter().rev() {
                out.push_str(&format!("<td>{}</td>", escape(&cell.text(w))));
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
    let cost = if cost.is_empty() { w.t.rp_none.to_owned() } else { cost.join(" + ") };
    format!(
        "<ul class=\"cards\">{}{}{}<li><b>{}</b><span>{}</span></li></ul>",
        card(w.t.w_escalated, this.weekly.escalated, before.weekly.escalated),
        card(w.t.w_left, this.weekly.left_open, before.weekly.left_open),
        card(w.t.w_repeat, this.weekly.repeated, before.weekly.repeated),
        escape(&cost),
        escape(w.t.w_cost),
    )
}

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;margin:0 auto;max-width:60rem;padding:1.5rem;color:#1c2430}\
h1{font-size:1.5rem;margin:0 0 1rem}h2{font-size:1.05rem;margin:2rem 0 .5rem;break-after:avoid}\
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(9rem,1fr));gap:.75rem;padding:0;list-style:none}\
.cards li{border:1px solid #d9dee4;border-radius:6px;padding:.75rem 1rem}.cards b{display:block;font-size:1.4rem}\
.cards span,.cards small{display:block;color:#5a6470}.none{color:#5a6470}.wide{overflow-x:auto}\
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}td,thead th{text-align:right;white-space:nowrap}\
th{font-weight:500;text-align:left}td,th{padding:.3rem .6rem;border-bottom:1px solid #e6eaee}td:nth-child(2){font-weight:600}\
@media (prefers-color-scheme:dark){body{background:#14181e;color:#e6eaee}.cards li,td,th{border-color:#2c343e}\
.cards span,.cards small,.none{color:#9aa4b0}}@media print{body{padding:0;font-size:11px}tr{break-inside:avoid}}";

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::tz::TimeZone;

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
            to_resolve: Spread::default(),
            cost_by_reason: BTreeMap::from([("legal".to_owned(), cost)]),
            alerts_right: 3,
            alerts_wrong: 1,
            promises: vec![("kept".into(), 2), ("broken".into(), 1)],
            without_attempt: Vec::new(),
        }
    }

    fn report() -> Report {
        let weeks = vec![week("2026-W46", 0, "Ольга"), week("2026-W47", 3, "=cmd|'/c calc'!A1")];
        Report { team: None, timezone: "Europe/Moscow".into(), weeks }
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
    }

    #[test]
    fn the_page_shows_hostile_names_as_text_and_no_figure_where_there_is_none() {
        let w = Words::new(Lang::Ru, TimeZone::UTC, 0);
        let mut report = report();
        report.weeks[1].weekly.by_agent = vec![("<script>alert(1)</script>".into(), 3)];
        report.weeks[0].weekly.conversations = 0;
        let page = html(&w, &report);
        assert!(page.contains("&lt;script&gt;") && !page.contains("<script>"), "{page}");
        assert!(page.contains("+3 к прошлой неделе") && page.contains("<td>нет</td>"), "{page}");
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
