//! The hub of live pages: a change is shown at once, those that follow within a fifth of a second together. Each is read
//! once, rendered once a language, and handed to every open stream. A reader that falls behind is cut off and reads its
//! page anew; it delays nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use crate::alert::called_by_rota;
use crate::desk::Desk;
use crate::pipeline::News;
use crate::store::{AlertId, AlertRow, ConversationId, ConversationRow, StoreError, UserId};
use crate::web::{Lang, Words, alert_words, render_row};

/// Time between two messages, in which changes are collected: at most five a second.
const PAUSE: Duration = Duration::from_millis(200);
/// Messages a slow stream may fall behind by before it is cut off.
const KEPT: usize = 64;
/// From this many changed conversations on the board is read whole instead of row by row.
const MANY: usize = 16;
/// Rows of the board that are read whole.
const BOARD: i64 = 200;

/// What changed since the message before.
pub struct Wave {
    /// The conversations, with the team that sees them.
    pub changed: Vec<(ConversationId, Option<String>)>,
    /// Their rows on the board, in the order of `changed`, by language; empty for one that is not on the board.
    rows: [Vec<String>; 2],
    /// Alerts that were given.
    pub alerts: Vec<LiveAlert>,
}

/// An alert on its way to open pages.
pub struct LiveAlert {
    /// The team of its conversation.
    pub team: Option<String>,
    /// The role of the alert ladder that it calls.
    pub role: String,
    /// The people that it calls instead: one by name, or those on duty.
    pub only: Option<Vec<UserId>>,
    /// The words, by language: JSON for the page.
    json: [String; 2],
}

fn index(lang: Lang) -> usize {
    usize::from(lang == Lang::En)
}

impl Wave {
    /// Returns the changed rows that `sees` lets through, in one language.
    pub fn rows(&self, lang: Lang, sees: impl Fn(Option<&str>) -> bool) -> String {
        let rows = &self.rows[index(lang)];
        let seen = self.changed.iter().zip(rows).filter(|((_, team), _)| sees(team.as_deref()));
        seen.map(|(_, row)| row.as_str()).collect()
    }
}

impl LiveAlert {
    /// Returns what the page is told.
    pub fn json(&self, lang: Lang) -> &str {
        &self.json[index(lang)]
    }
}

/// Where live pages listen. Clones share everything.
#[derive(Clone)]
pub struct Hub {
    waves: broadcast::Sender<Arc<Wave>>,
}

impl Default for Hub {
    fn default() -> Self {
        Self { waves: broadcast::channel(KEPT).0 }
    }
}

impl Hub {
    /// Listens from now on.
    pub fn listen(&self) -> broadcast::Receiver<Arc<Wave>> {
        self.waves.subscribe()
    }

    /// Returns how many streams listen.
    pub fn listeners(&self) -> usize {
        self.waves.receiver_count()
    }

    /// Collects, renders and hands on until told to stop.
    pub async fn run(self, desk: Desk, zone: jiff::tz::TimeZone, stop: CancellationToken) {
        let mut news = desk.pipeline.subscribe();
        loop {
            let first = tokio::select! {
                () = stop.cancelled() => return,
                first = news.recv() => first,
            };
            let mut heard = match first {
                Ok(first) => vec![first],
                // Missed news are old news: every row is read as it stands now.
                Err(RecvError::Lagged(_)) => continue,
                Err(RecvError::Closed) => return,
            };
            while let Ok(more) = news.try_recv() {
                heard.push(more);
            }
            if self.waves.receiver_count() == 0 {
                continue;
            }
            match wave(&desk, &zone, &heard).await {
                Ok(wave) => {
                    // Nobody listening is no fault.
                    let _ = self.waves.send(Arc::new(wave));
                }
                Err(error) => tracing::error!("The live pages get no update: {error:#}"),
            }
            // What comes meanwhile is the next message: the first change is shown at once.
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }
}

async fn wave(desk: &Desk, zone: &jiff::tz::TimeZone, heard: &[News]) -> anyhow::Result<Wave> {
    let ids: BTreeSet<ConversationId> = heard.iter().map(|news| news.conversation.clone()).collect();
    let rows = rows(desk, &ids).await?;
    let known: Vec<ConversationId> = rows.keys().cloned().collect();
    let curves = desk.store.heat_curves(&known).await?;
    let now_ms = desk.clock.now().millis();
    let words = Lang::ALL.map(|lang| Words::new(lang, zone.clone(), now_ms));
    let none = Vec::new();
    let mut wave = Wave { changed: Vec::new(), rows: [Vec::new(), Vec::new()], alerts: Vec::new() };
    for (id, row) in &rows {
        wave.changed.push((id.clone(), row.team.clone()));
        for (w, rendered) in words.iter().zip(&mut wave.rows) {
            rendered.push(render_row(w, row, curves.get(id).unwrap_or(&none))?);
        }
    }
    for news in heard.iter().filter(|news| news.alert) {
        let Some(row) = rows.get(&news.conversation) else { continue };
        let given: BTreeSet<&AlertId> = news.alerts.iter().collect();
        for id in given {
            let alert = desk.store.alert(id).await?;
            let Some(alert) = alert else { continue };
            let now = desk.clock.now();
            let (duties, absences) = (desk.store.duties(now).await?, desk.store.absences(now).await?);
            let named = alert.recipient_id.clone().map(|user| vec![user]);
            let only = named.or_else(|| called_by_rota(&alert, &duties, &absences, now));
            wave.alerts.push(live_alert(&words, row, &alert, only));
        }
    }
    Ok(wave)
}

async fn rows(
    desk: &Desk,
    ids: &BTreeSet<ConversationId>,
) -> Result<BTreeMap<ConversationId, ConversationRow>, StoreError> {
    let mut rows = BTreeMap::new();
    if ids.len() > MANY {
        let board = desk.store.board(None, BOARD).await?;
        rows.extend(board.into_iter().map(|row| (row.id.clone(), row)).filter(|(id, _)| ids.contains(id)));
    }
    // What is over or outside the hottest is read alone, but never without bound.
    let rest: Vec<&ConversationId> = ids.iter().filter(|id| !rows.contains_key(*id)).take(4 * MANY).collect();
    for id in rest {
        if let Some(row) = desk.store.conversation(id).await? {
            rows.insert(id.clone(), row);
        }
    }
    Ok(rows)
}

fn live_alert(
    words: &[Words; 2],
    row: &ConversationRow,
    alert: &AlertRow,
    only: Option<Vec<UserId>>,
) -> LiveAlert {
    let json = |w: &Words| {
        let (what, why) = alert_words(w, alert);
        let customer = row.customer_name.clone().unwrap_or_else(|| w.t.unknown_customer.to_owned());
        let href = match &alert.case_id {
            Some(case) => format!("/cases/{case}"),
            None => format!("/conversations/{}", row.id),
        };
        let repeat = alert.repeats > 0 || alert.level > 0;
        serde_json::json!({
            "id": alert.id, "what": what, "why": format!("{customer} · {why}"), "href": href, "repeat": repeat,
        })
        .to_string()
    };
    LiveAlert {
        team: alert.department.clone().or_else(|| row.team.clone()),
        role: alert.recipient_role.clone().unwrap_or_default(),
        only,
        json: [json(&words[0]), json(&words[1])],
    }
}
