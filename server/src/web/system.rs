//! How the system is: queues, clocks, disk; and how long words and recordings are kept.

use std::path::Path;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use gradus_engine::time::Timestamp;
use serde::Deserialize;

use super::{Frame, Section, Words, frame, show};
use crate::api::{ApiError, Asked, Filled, mend};
use crate::auth::{May, Me};
use crate::doctor::{LEAST_FREE_BYTES, free_bytes};
use crate::http::App;
use crate::retention::{self, LEAST_DAYS, MOST_DAYS, Retention};
use crate::store::CaseFilter;

/// A clock that is overdue by more than this is late: it is looked at twice a second.
const LATE_MS: i64 = 5_000;
/// How far the counting of what waits for the index goes.
const MOST_COUNTED: i64 = 1_000_000;

/// One thing that was looked at.
pub(super) struct Gauge {
    pub name: &'static str,
    pub value: String,
    /// `good`, `soon`, `late`
    pub class: &'static str,
    pub href: &'static str,
    /// What to do; empty when all is well.
    pub cure: &'static str,
}

#[derive(Template)]
#[template(path = "system.html")]
pub(super) struct SystemPage {
    pub f: Frame,
    pub lead: &'static str,
    pub version: &'static str,
    pub engine: &'static str,
    pub gauges: Vec<Gauge>,
    /// Days that words are kept; empty for ever.
    pub days: String,
    /// How many conversations would lose their words now; asked for before it is set.
    pub due: Option<String>,
    pub wrong: Option<&'static str>,
}

/// What was just done, or is to be looked at before it is done.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Which {
    saved: Option<String>,
}

/// Shows how the system is.
pub async fn page(State(app): State<App>, me: Me, Asked(which): Asked<Which>) -> Result<Response, ApiError> {
    me.may(May::People)?;
    let kept = retention::kept(&app.desk).await?.words_days;
    let days = kept.map(|days| days.to_string()).unwrap_or_default();
    view(&app, &me, days, None, which.saved.is_some()).await
}

async fn view(
    app: &App,
    me: &Me,
    days: String,
    asked: Option<Result<String, &'static str>>,
    saved: bool,
) -> Result<Response, ApiError> {
    let mut f = frame(app, me, Section::Other);
    f.flash = saved.then(|| f.w.t.sy_saved.to_owned());
    let gauges = gauges(app, &f.w).await?;
    let (due, wrong) = match asked {
        None => (None, None),
        Some(Ok(due)) => (Some(due), None),
        Some(Err(wrong)) => (None, Some(wrong)),
    };
    let well = gauges.iter().all(|gauge| gauge.class == "good");
    show(&SystemPage {
        lead: if well { f.w.t.sy_well } else { f.w.t.sy_look },
        version: env!("CARGO_PKG_VERSION"),
        engine: app.desk.store.engine(),
        gauges,
        days,
        due,
        wrong,
        f,
    })
}

/// The form of the retention.
#[derive(Deserialize)]
pub struct RetentionForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    days: String,
    /// Whether somebody has seen how much would go.
    #[serde(default)]
    seen: Option<String>,
}

/// Sets how long words are kept. A shorter time is set only after it was shown how much goes at once: it cannot be undone.
pub async fn retain(
    State(app): State<App>,
    me: Me,
    Filled(form): Filled<RetentionForm>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::People)?;
    let w = frame(&app, &me, Section::Other).w;
    let given = form.days.trim().to_owned();
    let words_days = match given.as_str() {
        "" => None,
        days => match days.parse::<u32>() {
            Ok(days) if (LEAST_DAYS..=MOST_DAYS).contains(&days) => Some(days),
            _ => return Ok(mend(view(&app, &me, given, Some(Err(w.t.sy_wrong_days)), false).await?)),
        },
    };
    if let (Some(days), None) = (words_days, &form.seen) {
        let due = retention::due(&app.desk, days).await?;
        if due > 0 {
            let words =
                w.plural(due, ["разговор", "разговора", "разговоров"], ["conversation", "conversations"]);
            let due = format!("{} {words}", w.number(due));
            return view(&app, &me, given, Some(Ok(due)), false).await;
        }
    }
    retention::set(&app.desk, Retention { words_days }).await?;
    let (now, detail) =
        (app.desk.clock.now(), words_days.map_or("for ever".into(), |days| format!("{days} days")));
    app.desk.store.audit(now, &me.user.id.0, "retention.set", "retention", &detail).await?;
    Ok(Redirect::to("/system?saved=1#retention").into_response())
}

async fn gauges(app: &App, w: &Words) -> Result<Vec<Gauge>, ApiError> {
    let (store, now) = (&app.desk.store, app.desk.clock.now());
    let open = store.count_cases(&CaseFilter { open: Some(true), ..CaseFilter::default() }).await?;
    let mut gauges =
        vec![clock(w, store.next_due().await?, now), plain(w.t.sy_open, w.number(open), "/cases")];
    let (waiting, failed) =
        (store.count_deliveries("waiting").await?, store.count_deliveries("failed").await?);
    let dead = store.count_deliveries("dead").await?;
    gauges.push(Gauge {
        name: w.t.sy_deliveries,
        value: format!("{} · {} · {}", w.number(waiting), w.number(failed), w.number(dead)),
        class: if dead > 0 {
            "late"
        } else if failed > 0 {
            "soon"
        } else {
            "good"
        },
        href: "/deliveries",
        cure: if dead + failed > 0 { w.t.sy_deliveries_do } else { "" },
    });
    let shares = store.queue_shares(app.desk.clock.now()).await?;
    let share = |state: &str| shares.iter().find(|share| share.state == state).map_or(0, |share| share.count);
    let (waits, broken) = (share("waiting") + share("working"), share("failed"));
    gauges.push(Gauge {
        name: w.t.sy_recordings,
        value: format!("{} · {}", w.number(waits), w.number(broken)),
        class: if broken > 0 { "soon" } else { "good" },
        href: "/recordings",
        cure: if broken > 0 { w.t.sy_recordings_do } else { "" },
    });
    let unindexed = store.archive_waits(MOST_COUNTED).await?;
    gauges.push(Gauge {
        name: w.t.sy_index,
        value: w.number(unindexed),
        class: if unindexed > 10_000 { "soon" } else { "good" },
        href: "/archive",
        cure: if unindexed > 10_000 { w.t.sy_index_do } else { "" },
    });
    gauges.extend(live(app, w));
    gauges.extend(disks(app, w));
    let found = i64::try_from(store.findings().await?.len()).unwrap_or(i64::MAX);
    gauges.push(Gauge {
        name: w.t.findings,
        value: w.number(found),
        class: if found > 0 { "late" } else { "good" },
        href: "/findings",
        cure: if found > 0 { w.t.sy_findings_do } else { "" },
    });
    Ok(gauges)
}

fn plain(name: &'static str, value: String, href: &'static str) -> Gauge {
    Gauge { name, value, class: "good", href, cure: "" }
}

/// How late the clock is that rings next.
pub(super) fn clock(w: &Words, next: Option<Timestamp>, now: Timestamp) -> Gauge {
    let behind = next.map_or(0, |next| now.millis() - next.millis());
    let late = behind > LATE_MS;
    Gauge {
        name: w.t.sy_clocks,
        value: match next {
            None => w.t.sy_no_clock.to_owned(),
            Some(_) if late => format!("{} {}", w.t.sy_behind, w.span(behind)),
            Some(next) => format!("{} {}", w.t.sy_next, w.moment(next.millis())),
        },
        class: if late { "late" } else { "good" },
        href: "",
        cure: if late { w.t.sy_clocks_do } else { "" },
    }
}

fn live(app: &App, w: &Words) -> Vec<Gauge> {
    let streams = app.live.open_streams();
    let behind = streams.iter().filter(|stream| stream.behind).count();
    let count = |count: usize| w.number(i64::try_from(count).unwrap_or(i64::MAX));
    let rules = app.desk.rules.state();
    vec![
        Gauge {
            name: w.t.sy_streams,
            value: format!("{} · {}", count(streams.len()), count(behind)),
            class: if behind > 0 { "soon" } else { "good" },
            href: "/streams",
            cure: if behind > 0 { w.t.sy_streams_do } else { "" },
        },
        plain(w.t.sy_boards, count(app.hub.listeners()), ""),
        Gauge {
            name: w.t.sy_rules,
            value: if rules.refused.is_some() { w.t.sy_rules_old } else { w.t.sy_rules_well }.to_owned(),
            class: if rules.refused.is_some() { "late" } else { "good" },
            href: "",
            cure: if rules.refused.is_some() { w.t.sy_rules_do } else { "" },
        },
    ]
}

fn disks(app: &App, w: &Words) -> Vec<Gauge> {
    let url = app.desk.config.store.url.reveal();
    let file = url.strip_prefix("sqlite:").map(|path| path.strip_prefix("//").unwrap_or(path));
    let mut gauges = Vec::new();
    if let Some(bytes) = file.and_then(|file| Path::new(file).metadata().ok()).map(|data| data.len()) {
        gauges.push(plain(w.t.sy_database, size(w, bytes), ""));
    }
    let folder = file.and_then(|file| Path::new(file).parent()).map(Path::to_path_buf);
    let places = [
        (w.t.sy_disk, folder.filter(|folder| !folder.as_os_str().is_empty())),
        (w.t.sy_disk_recordings, Some(app.desk.config.store.recordings.clone())),
    ];
    for (name, place) in places {
        let Some(free) = place.as_deref().and_then(free_bytes) else { continue };
        let little = free < LEAST_FREE_BYTES;
        gauges.push(Gauge {
            name,
            value: size(w, free),
            class: if little { "late" } else { "good" },
            href: "",
            cure: if little { w.t.sy_disk_do } else { "" },
        });
    }
    gauges
}

/// Returns a number of bytes for people: «3,4 ГБ».
pub(super) fn size(w: &Words, bytes: u64) -> String {
    let units = if w.t.lang == "ru" { ["КБ", "МБ", "ГБ", "ТБ"] } else { ["KB", "MB", "GB", "TB"] };
    let (mut tenths, mut at) = (bytes / 102, 0);
    while tenths >= 10_240 && at < 3 {
        (tenths, at) = (tenths / 1024, at + 1);
    }
    let point = if w.t.lang == "ru" { "," } else { "." };
    let unit = units.get(at).copied().unwrap_or("");
    format!("{}{point}{}\u{a0}{unit}", tenths / 10, tenths % 10)
}
