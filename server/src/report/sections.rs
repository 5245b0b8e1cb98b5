//! The sections of the report: which figures stand where, and what lies behind each. Every form is made from them, so that
//! no two can differ.

use std::collections::BTreeSet;

use rust_decimal::Decimal;

use super::{Costs, Figures, Report};
use crate::store::{Counted, Counts};
use crate::web::Words;

/// A table: its title, and rows of a name with a value for each week.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    /// Its title.
    pub title: &'static str,
    /// Its rows.
    pub rows: Vec<Line>,
}

/// A figure over the weeks.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// What it is called.
    pub name: String,
    /// Its values, the earliest week first.
    pub cells: Vec<Cell>,
    /// What it counts.
    pub link: Link,
}

/// What lies behind a figure: what is counted, and of it one name or all.
pub type Link = (Counted, Option<String>);

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// How many.
    Count(i64),
    /// How much, with its currency.
    Money(Decimal, String),
    /// Per cent, one place; nothing where there is nothing to divide by.
    Percent(Option<Decimal>),
    /// Seconds; nothing where there were none.
    Span(Option<i64>),
}

impl Cell {
    /// Returns the value in words.
    pub fn text(&self, w: &Words) -> String {
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

/// Returns a part of a whole in per cent, rounded to tenths.
pub fn share(part: i64, whole: i64) -> Cell {
    let tenths = (whole > 0).then(|| Decimal::new((part * 1_000 + whole / 2) / whole, 1));
    Cell::Percent(tenths)
}

/// Returns how often a name occurred.
pub(super) fn count_of(counts: &Counts, name: &str) -> i64 {
    counts.iter().find(|(key, _)| key == name).map_or(0, |(_, count)| *count)
}

/// Returns how often anything occurred.
pub(super) fn sum_of(counts: &Counts) -> i64 {
    counts.iter().map(|(_, count)| count).sum()
}

/// Returns the sections of the report.
pub fn sections(w: &Words, report: &Report) -> Vec<Section> {
    let weeks = &report.weeks;
    let t = w.t;
    let mut sections = vec![
        Section { title: t.rp_main, rows: main(w, weeks) },
        Section { title: t.rp_times, rows: times(w, weeks) },
    ];
    sections.push(Section { title: t.rp_cost, rows: costs(w, weeks) });
    let by = |title, of: fn(&Figures) -> &Counts, counted, name: &dyn Fn(&str) -> String| Section {
        title,
        rows: counts(weeks, of, counted, name),
    };
    let agent = |name: &str| if name.is_empty() { t.no_name.to_owned() } else { name.to_owned() };
    sections.push(by(t.w_by_reason, |week| &week.weekly.by_reason, Counted::Engaged, &|name| w.reason(name)));
    sections.push(by(t.w_by_decision, |week| &week.weekly.by_decision, Counted::Decided, &|name| {
        w.decision(name)
    }));
    sections.push(by(t.w_by_agent, |week| &week.weekly.by_agent, Counted::Escalated, &agent));
    sections.push(Section { title: t.rp_customers, rows: customers(w, weeks) });
    sections.push(by(t.w_by_resolution, |week| &week.weekly.by_resolution, Counted::Closed, &|name| {
        w.reason(name)
    }));
    sections.push(by(t.rp_without, |week| &week.without_attempt, Counted::Handed, &agent));
    sections.push(Section { title: t.rp_departments, rows: departments(w, report) });
    sections.push(by(t.rp_breached, |week| &week.clocks_breached, Counted::Breached, &|name| {
        w.clock(name).to_owned()
    }));
    sections.push(by(t.rp_granted, |week| &week.granted, Counted::Granted, &|name| {
        w.grant_state(name).to_owned()
    }));
    sections
}

fn line(name: &str, weeks: &[Figures], link: Link, cell: &dyn Fn(&Figures) -> Cell) -> Line {
    Line { name: name.to_owned(), cells: weeks.iter().map(cell).collect(), link }
}

fn main(w: &Words, weeks: &[Figures]) -> Vec<Line> {
    let t = w.t;
    let count = |name: &str, counted, of: fn(&Figures) -> i64| {
        line(name, weeks, (counted, None), &|week| Cell::Count(of(week)))
    };
    vec![
        count(t.w_conversations, Counted::Talks, |week| week.weekly.conversations),
        count(t.w_escalated, Counted::Escalated, |week| week.weekly.escalated),
        line(t.w_share, weeks, (Counted::Escalated, None), &|week| {
            share(week.weekly.escalated, week.weekly.conversations)
        }),
        count(t.w_opened, Counted::Opened, |week| week.weekly.opened),
        count(t.w_closed, Counted::Closed, |week| week.weekly.closed),
        count(t.w_left, Counted::Left, |week| week.weekly.left_open),
        count(t.w_repeat_soon, Counted::RepeatedSoon, |week| week.weekly.repeated_soon),
        count(t.w_repeat, Counted::Repeated, |week| week.weekly.repeated),
        line(t.rp_repeat_share, weeks, (Counted::Repeated, None), &|week| {
            share(week.weekly.repeated, week.weekly.conversations)
        }),
    ]
}

fn times(w: &Words, weeks: &[Figures]) -> Vec<Line> {
    let t = w.t;
    let spread = |name: &str, counted, of: fn(&Figures) -> Option<i64>| {
        line(name, weeks, (counted, None), &|week| Cell::Span(of(week)))
    };
    let named = |counted, name: &str| (counted, Some(name.to_owned()));
    vec![
        spread(t.rp_ack_median, Counted::Seen, |week| week.to_acknowledge.median_s),
        spread(t.rp_ack_p90, Counted::Seen, |week| week.to_acknowledge.p90_s),
        spread(t.rp_resolve_median, Counted::Settled, |week| week.to_resolve.median_s),
        spread(t.rp_resolve_p90, Counted::Settled, |week| week.to_resolve.p90_s),
        line(t.rp_breached_share, weeks, (Counted::Breached, None), &|week| {
            share(sum_of(&week.clocks_breached), sum_of(&week.clocks))
        }),
        line(t.rp_false_share, weeks, named(Counted::Judged, "wrong"), &|week| {
            share(week.alerts_wrong, week.alerts_right + week.alerts_wrong)
        }),
        line(t.rp_kept_share, weeks, named(Counted::Promised, "kept"), &|week| {
            let kept = count_of(&week.promises, "kept");
            share(kept, kept + count_of(&week.promises, "broken"))
        }),
        line(t.rp_broken, weeks, named(Counted::Promised, "broken"), &|week| {
            Cell::Count(count_of(&week.promises, "broken"))
        }),
        line(t.rp_overspent, weeks, (Counted::Overspent, None), &|week| Cell::Count(week.overspent)),
    ]
}

/// Rows of everything that occurs in any of the weeks, the most frequent of the last week first.
fn counts(
    weeks: &[Figures],
    of: fn(&Figures) -> &Counts,
    counted: Counted,
    name: &dyn Fn(&str) -> String,
) -> Vec<Line> {
    let mut keys: Vec<&String> =
        weeks.iter().rev().flat_map(|week| of(week).iter().map(|(key, _)| key)).collect();
    let mut seen = BTreeSet::new();
    keys.retain(|key| seen.insert(*key));
    keys.into_iter()
        .map(|key| {
            line(&name(key), weeks, (counted, Some(key.clone())), &|week| {
                Cell::Count(count_of(of(week), key))
            })
        })
        .collect()
}

/// The customers of the last week, with how many of their conversations escalated in each.
fn customers(w: &Words, weeks: &[Figures]) -> Vec<Line> {
    let Some(this) = weeks.last() else { return Vec::new() };
    let known = this.customers.iter().filter(|hot| !hot.id.is_empty());
    known
        .map(|hot| {
            let name = if hot.name.is_empty() { w.t.unknown_customer } else { hot.name.as_str() };
            line(name, weeks, (Counted::EscalatedOf, Some(hot.id.clone())), &|week| {
                let count =
                    week.customers.iter().find(|other| other.id == hot.id).map_or(0, |other| other.count);
                Cell::Count(count)
            })
        })
        .collect()
}

/// How many questions each department got, and how many it did not answer in time.
fn departments(w: &Words, report: &Report) -> Vec<Line> {
    let weeks = &report.weeks;
    let asked = counts(weeks, |week| &week.asked, Counted::Asked, &|name| report.department(name).to_owned());
    asked
        .into_iter()
        .flat_map(|all| {
            let name = all.link.1.clone().unwrap_or_default();
            let late = line(
                &format!("{}, {}", all.name, w.t.rp_late),
                weeks,
                (Counted::AskedLate, Some(name.clone())),
                &|week| Cell::Count(count_of(&week.asked_late, &name)),
            );
            [all, late]
        })
        .collect()
}

/// What was spent: in all, by kind and by reason, each currency by itself.
fn costs(w: &Words, weeks: &[Figures]) -> Vec<Line> {
    let currencies: BTreeSet<&String> = weeks.iter().flat_map(|week| week.weekly.cost.keys()).collect();
    let mut rows = Vec::new();
    for currency in currencies {
        let money =
            |amount: Option<&Decimal>| Cell::Money(amount.copied().unwrap_or_default(), currency.clone());
        rows.push(line(
            &format!("{}, {currency}", w.t.rp_all),
            weeks,
            (Counted::Spent, Some(currency.clone())),
            &|week| money(week.weekly.cost.get(currency)),
        ));
        let mut part = |counted, of: fn(&Figures) -> &Costs, title: &dyn Fn(&str) -> String| {
            let names: BTreeSet<&String> = weeks.iter().flat_map(|week| of(week).keys()).collect();
            let amount = |week: &'_ Figures, name: &str| -> Option<Decimal> {
                of(week).get(name).and_then(|costs| costs.get(currency)).copied()
            };
            for name in names {
                if weeks.iter().any(|week| amount(week, name).is_some()) {
                    let link = (counted, Some(format!("{currency}/{name}")));
                    let title = format!("{}, {currency}", title(name));
                    rows.push(line(&title, weeks, link, &|week| money(amount(week, name).as_ref())));
                }
            }
        };
        part(Counted::SpentAs, |week| &week.cost_by_kind, &|kind| {
            format!("{}: {}", w.t.rp_kind, w.cost_kind(kind))
        });
        part(Counted::SpentFor, |week| &week.cost_by_reason, &|reason| {
            format!("{}: {}", w.t.rp_reason, w.reason(reason))
        });
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_rounded_to_tenths_and_none_of_nothing() {
        assert_eq!(share(1, 3), Cell::Percent(Some(Decimal::new(333, 1))));
        assert_eq!(share(2, 3), Cell::Percent(Some(Decimal::new(667, 1))));
        assert_eq!(share(0, 0), Cell::Percent(None));
    }
}
