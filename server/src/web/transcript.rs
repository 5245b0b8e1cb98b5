//! A transcript with its signals in their places: texts are cut at the borders of the quotes, also where they overlap.

use super::Words;
use super::corrections::Fix;
use super::feedback::kinds;
use super::words::{heat_class, signal_class};
use crate::store::{ConversationPage, HeatRow, SignalRow, UtteranceRow};

/// A signal as it is shown at its quote and in the margin.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct SignalNote {
    pub number: i64,
    /// `right`, `wrong` or nothing.
    pub verdict: String,
    pub title: String,
    pub class: &'static str,
    pub rule: String,
    pub confidence: i64,
    pub measured: String,
}

/// A stretch of text with the signals that rest on it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Piece {
    pub text: String,
    pub class: &'static str,
    pub signals: Vec<SignalNote>,
}

/// A decision where it was made, in one line.
#[derive(Clone, Debug)]
pub(super) struct Decided {
    pub number: usize,
    pub title: String,
    pub reason: String,
    pub class: &'static str,
}

/// One utterance.
pub(super) struct Line {
    pub index: i64,
    pub side: &'static str,
    pub who: String,
    pub place: String,
    pub start_ms: i64,
    pub end_ms: i64,
    pub heat_class: &'static str,
    pub pieces: Vec<Piece>,
    pub signals: Vec<SignalNote>,
    /// What people found where nothing did: name, title, class.
    pub missed: Vec<(String, String, &'static str)>,
    /// What can be added to the line that somebody chose.
    pub kinds: Vec<(&'static str, String)>,
    pub change: String,
    pub change_class: &'static str,
    pub causes: String,
    pub decisions: Vec<Decided>,
    /// What people corrected in it; added by [`super::corrections`].
    pub fix: Fix,
}

/// Returns the lines of a conversation; `decided` gives the decisions of an utterance.
/// `marked` is the utterance in which somebody marks something that was missed.
pub(super) fn lines(
    w: &Words,
    page: &ConversationPage,
    marked: Option<i64>,
    decided: &dyn Fn(i64) -> Vec<Decided>,
) -> Vec<Line> {
    let mut heat = 0;
    let line = |said: &UtteranceRow| {
        let signals: Vec<&SignalRow> =
            page.signals.iter().filter(|signal| signal.utterance == said.utterance).collect();
        let point = page.heat.iter().find(|point| point.utterance == said.utterance);
        let before = heat;
        heat = point.map_or(before, |point| point.value);
        let change = heat - before;
        Line {
            index: said.utterance,
            side: if said.party == "customer" { "customer" } else { "agent" },
            who: speaker(w, page, said),
            place: w.place(said.start_ms),
            start_ms: said.start_ms,
            end_ms: said.end_ms,
            heat_class: heat_class(heat),
            pieces: pieces(w, said.text.as_deref().unwrap_or(w.t.erased), &signals),
            signals: signals.iter().map(|signal| note(w, signal)).collect(),
            missed: missed(w, page, said),
            kinds: if marked == Some(said.utterance) { kinds(w, &said.party) } else { Vec::new() },
            change: if change == 0 { String::new() } else { format!("{change:+}°").replace('-', "−") },
            change_class: if change > 0 { "up" } else { "down" },
            causes: point.map(|point| causes(w, point)).unwrap_or_default(),
            decisions: decided(said.utterance),
            fix: Fix::default(),
        }
    };
    page.utterances.iter().map(line).collect()
}

/// Returns what changed the heat at a point, in words.
pub(super) fn causes(w: &Words, point: &HeatRow) -> String {
    let causes: Vec<String> = serde_json::from_str(&point.causes).unwrap_or_default();
    causes.iter().map(|cause| w.cause(cause)).collect::<Vec<_>>().join(", ")
}

fn missed(w: &Words, page: &ConversationPage, said: &UtteranceRow) -> Vec<(String, String, &'static str)> {
    let of_line = page.missed.iter().filter(|missed| missed.utterance == said.utterance);
    of_line
        .map(|missed| (missed.kind.clone(), w.signal(&missed.kind), signal_class(&missed.kind, &said.party)))
        .collect()
}

/// Returns the name of a speaker of the company, else their role. The customer's name stands above the page.
fn speaker(w: &Words, page: &ConversationPage, said: &UtteranceRow) -> String {
    let party = said.speaker.and_then(|at| usize::try_from(at).ok()).and_then(|at| page.parties.get(at));
    let role = match party.map(|party| party.role.as_str()) {
        _ if said.party == "customer" => w.t.customer_role,
        Some("supervisor") => w.t.supervisor_role,
        Some("specialist" | "conflict_specialist") => w.t.specialist_role,
        _ => w.t.agent_role,
    };
    let named = party.filter(|_| said.party != "customer").and_then(|party| party.name.clone());
    let name = named.filter(|name| !name.trim().is_empty());
    name.unwrap_or_else(|| role.to_owned())
}

fn note(w: &Words, signal: &SignalRow) -> SignalNote {
    let measured = match signal.quote_start {
        Some(_) => String::new(),
        None => w.t.measured.to_owned(),
    };
    SignalNote {
        number: signal.number,
        verdict: signal.verdict.clone().unwrap_or_default(),
        title: w.signal(&signal.kind),
        class: signal_class(&signal.kind, &signal.party),
        rule: signal.rule.clone(),
        confidence: signal.confidence,
        measured,
    }
}

/// Cuts a text at every border of a quote; each piece knows all signals that rest on it.
pub(super) fn pieces(w: &Words, text: &str, signals: &[&SignalRow]) -> Vec<Piece> {
    let letters: Vec<char> = text.chars().collect();
    let spans: Vec<(usize, usize, &SignalRow)> = signals
        .iter()
        .filter_map(|signal| {
            let start = usize::try_from(signal.quote_start?).ok()?;
            let end = usize::try_from(signal.quote_end?).ok()?.min(letters.len());
            (start < end).then_some((start, end, *signal))
        })
        .collect();
    let mut borders: Vec<usize> = spans.iter().flat_map(|(start, end, _)| [*start, *end]).collect();
    borders.extend([0, letters.len()]);
    borders.sort_unstable();
    borders.dedup();
    let piece = |pair: &[usize]| {
        let &[from, to] = pair else { return None };
        let covering: Vec<SignalNote> = spans
            .iter()
            .filter(|(start, end, _)| *start <= from && to <= *end)
            .map(|(.., signal)| note(w, signal))
            .collect();
        let loudest = ["s-hot", "s-bad", "s-warm", "s-good", "s-plain"]
            .into_iter()
            .find(|class| covering.iter().any(|note| note.class == *class));
        Some(Piece {
            text: letters.get(from..to).unwrap_or_default().iter().collect(),
            class: loudest.unwrap_or(""),
            signals: covering,
        })
    };
    borders.windows(2).filter_map(piece).collect()
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::web::Lang;

    fn signal(kind: &str, span: Option<(i64, i64)>) -> SignalRow {
        SignalRow {
            utterance: 0,
            number: 0,
            kind: kind.into(),
            party: "customer".into(),
            quote_start: span.map(|span| span.0),
            quote_end: span.map(|span| span.1),
            quote: None,
            measured: None,
            confidence: 90,
            rule: "r".into(),
            rules_version: "1".into(),
            verdict: None,
        }
    }

    #[test]
    fn overlapping_quotes_are_cut_at_every_border_and_nothing_is_lost() {
        let w = Words::new(Lang::Ru, TimeZone::UTC, 0);
        let (a, b, c) = (
            signal("churn_threat", Some((2, 8))),
            signal("distrust", Some((5, 99))),
            signal("shouting", None),
        );
        let pieces = pieces(&w, "да уйду я от вас", &[&a, &b, &c]);
        let shown: Vec<(&str, &str, usize)> =
            pieces.iter().map(|piece| (piece.text.as_str(), piece.class, piece.signals.len())).collect();
        let expected = [("да", "", 0), (" уй", "s-hot", 1), ("ду ", "s-hot", 2), ("я от вас", "s-warm", 1)];
        assert_eq!(shown, expected);
    }
}
