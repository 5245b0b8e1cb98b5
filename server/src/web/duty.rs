//! The duty rota: who is on duty now, the turns to come, who is away and who stands in.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use gradus_engine::time::Timestamp;
use jiff::civil::DateTime;
use serde::Deserialize;

use super::sign_in::OnlyToken;
use super::{Frame, Section, Words, frame, show};
use crate::api::{ApiError, Filled, mend};
use crate::auth::{May, Me};
use crate::http::App;
use crate::password;
use crate::store::{Absence, Duty, User, UserId};

/// Roles of the alert ladder that people are on duty for.
pub(crate) const ROLES: [&str; 5] =
    ["supervisor", "substitute", "director", "conflict_specialist", "department"];
/// Weeks over which one entry can be repeated.
const MOST_WEEKS: i64 = 26;

/// A turn or an absence in words.
pub(super) struct TurnLine {
    pub id: String,
    pub role: &'static str,
    pub who: String,
    pub team: String,
    pub from: String,
    pub until: String,
    pub now: bool,
}

/// Who answers a role now.
pub(super) struct NowLine {
    pub role: &'static str,
    pub who: String,
    /// Nobody is on duty: who is told instead.
    pub gap: bool,
}

#[derive(Template)]
#[template(path = "duty.html")]
pub(super) struct DutyPage {
    pub f: Frame,
    pub now: Vec<NowLine>,
    pub turns: Vec<TurnLine>,
    pub away: Vec<TurnLine>,
    pub people: Vec<(String, String)>,
    pub roles: Vec<(&'static str, &'static str)>,
    pub zone: String,
    pub wrong: Option<&'static str>,
}

/// Shows the rota.
pub async fn page(State(app): State<App>, me: Me) -> Result<Response, ApiError> {
    me.may(May::Duty)?;
    render(&app, &me, None).await
}

async fn render(app: &App, me: &Me, wrong: Option<&'static str>) -> Result<Response, ApiError> {
    let f = frame(app, me, Section::Other);
    let store = &app.desk.store;
    let now = app.desk.clock.now();
    let (duties, absences, people) =
        (store.duties(now).await?, store.absences(now).await?, store.users().await?);
    let name = |id: &UserId| {
        people.iter().find(|user| user.id == *id).map_or_else(|| id.to_string(), |user| user.name.clone())
    };
    let here = |from_ms: i64| from_ms <= now.millis();
    let turn = |duty: &Duty| TurnLine {
        id: duty.id.clone(),
        role: f.w.role(&duty.role),
        who: name(&duty.user_id),
        team: duty.team.clone().unwrap_or_default(),
        from: f.w.moment(duty.from_ms),
        until: f.w.moment(duty.until_ms),
        now: here(duty.from_ms),
    };
    let gone = |absence: &Absence| TurnLine {
        id: absence.id.clone(),
        role: "",
        who: name(&absence.user_id),
        team: absence.substitute_id.as_ref().map(&name).unwrap_or_default(),
        from: f.w.moment(absence.from_ms),
        until: f.w.moment(absence.until_ms),
        now: here(absence.from_ms),
    };
    let (turns, away) = (duties.iter().map(turn).collect(), absences.iter().map(gone).collect());
    let protocol = app.desk.pipeline.protocol();
    let ladder = protocol.alerts.ladder.iter().map(|step| step.role.as_str());
    let now = on_duty(&f.w, ladder, &duties, &absences, now, &name);
    let roles = ROLES.iter().map(|role| (*role, f.w.role(role))).collect();
    let zone = app.desk.config.conversation.timezone.clone();
    show(&DutyPage { now, turns, away, people: choices(&f.w, &people), roles, zone, wrong, f })
}

/// Returns who answers each role of the ladder at a moment, those who stand in for the absent among them.
pub(super) fn on_duty<'r>(
    w: &Words,
    ladder: impl Iterator<Item = &'r str>,
    duties: &[Duty],
    absences: &[Absence],
    now: Timestamp,
    name: &impl Fn(&UserId) -> String,
) -> Vec<NowLine> {
    let now = now.millis();
    let away = |user: &UserId| {
        absences
            .iter()
            .find(|absence| absence.user_id == *user && absence.from_ms <= now && absence.until_ms > now)
    };
    let line = |role: &str| {
        let here =
            duties.iter().filter(|duty| duty.role == role && duty.from_ms <= now && duty.until_ms > now);
        let who: Vec<String> = here
            .map(|duty| match away(&duty.user_id) {
                None => name(&duty.user_id),
                Some(Absence { substitute_id: Some(other), .. }) => {
                    format!("{} ({} {})", name(other), w.t.du_for, name(&duty.user_id))
                }
                Some(_) => format!("{} ({})", name(&duty.user_id), w.t.du_away),
            })
            .collect();
        NowLine { role: w.role(role), gap: who.is_empty(), who: who.join(", ") }
    };
    ladder.map(line).collect()
}

fn choices(w: &Words, people: &[User]) -> Vec<(String, String)> {
    let active = people.iter().filter(|user| user.active && user.role != "agent");
    active.map(|user| (user.id.to_string(), format!("{}, {}", user.name, w.role(&user.role)))).collect()
}

/// A turn of duty or an absence, as a form gives it: times by the wall clock of the company.
#[derive(Deserialize)]
pub struct TurnForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    role: String,
    #[serde(default)]
    user: String,
    #[serde(default)]
    team: String,
    #[serde(default)]
    from: String,
    #[serde(default)]
    until: String,
    #[serde(default)]
    weeks: String,
    #[serde(default)]
    substitute: String,
}

/// Enters a turn of duty, for as many weeks as are asked for.
pub async fn add(
    State(app): State<App>,
    me: Me,
    Filled(form): Filled<TurnForm>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::Duty)?;
    let t = frame(&app, &me, Section::Other).w.t;
    let Some(user) = person(&app, &form.user).await? else {
        return Ok(mend(render(&app, &me, Some(t.e_du_person)).await?));
    };
    if !ROLES.contains(&form.role.as_str()) {
        return Err(ApiError::Wrong(format!("role: one of {}", ROLES.join(", "))));
    }
    let weeks = form.weeks.trim().parse().unwrap_or(1).clamp(1, MOST_WEEKS);
    let team = Some(form.team.trim().to_owned()).filter(|team| !team.is_empty());
    for week in 0..weeks {
        let Some((from, until)) = span(&app, &form.from, &form.until, week) else {
            return Ok(mend(render(&app, &me, Some(t.e_du_span)).await?));
        };
        let duty = Duty {
            id: password::token()?,
            role: form.role.clone(),
            team: team.clone(),
            user_id: user.id.clone(),
            from_ms: from.millis(),
            until_ms: until.millis(),
            made_by: me.user.id.clone(),
        };
        app.desk.store.add_duty(&duty).await?;
    }
    let what = format!("{} {} {}–{} ×{weeks}", form.role, user.login, form.from, form.until);
    app.desk.store.audit(app.desk.clock.now(), &me.user.id.0, "duty.add", "duty", &what).await?;
    Ok(Redirect::to("/duty").into_response())
}

/// Takes a turn of duty away.
pub async fn remove(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    Filled(form): Filled<OnlyToken>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::Duty)?;
    app.desk.store.remove_duty(&id).await?;
    app.desk
        .store
        .audit(app.desk.clock.now(), &me.user.id.0, "duty.remove", &format!("duty:{id}"), "")
        .await?;
    Ok(Redirect::to("/duty").into_response())
}

/// Enters an absence.
pub async fn leave(
    State(app): State<App>,
    me: Me,
    Filled(form): Filled<TurnForm>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::Duty)?;
    let t = frame(&app, &me, Section::Other).w.t;
    let Some(user) = person(&app, &form.user).await? else {
        return Ok(mend(render(&app, &me, Some(t.e_du_person)).await?));
    };
    let substitute = person(&app, &form.substitute).await?;
    if substitute.as_ref().is_some_and(|other| other.id == user.id) {
        return Ok(mend(render(&app, &me, Some(t.e_du_same)).await?));
    }
    let Some((from, until)) = span(&app, &form.from, &form.until, 0) else {
        return Ok(mend(render(&app, &me, Some(t.e_du_span)).await?));
    };
    let absence = Absence {
        id: password::token()?,
        user_id: user.id.clone(),
        substitute_id: substitute.map(|other| other.id),
        from_ms: from.millis(),
        until_ms: until.millis(),
        made_by: me.user.id.clone(),
    };
    app.desk.store.add_absence(&absence).await?;
    let what = format!("{} {}–{}", user.login, form.from, form.until);
    app.desk.store.audit(app.desk.clock.now(), &me.user.id.0, "absence.add", "duty", &what).await?;
    Ok(Redirect::to("/duty").into_response())
}

/// Takes an absence away.
pub async fn back(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    Filled(form): Filled<OnlyToken>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::Duty)?;
    app.desk.store.remove_absence(&id).await?;
    app.desk
        .store
        .audit(app.desk.clock.now(), &me.user.id.0, "absence.remove", &format!("absence:{id}"), "")
        .await?;
    Ok(Redirect::to("/duty").into_response())
}

async fn person(app: &App, id: &str) -> Result<Option<User>, ApiError> {
    Ok(app.desk.store.user(&UserId(id.to_owned())).await?.filter(|user| user.active))
}

/// Returns a span by the wall clock of the company, `week` weeks later; nothing when it cannot be read or is none.
fn span(app: &App, from: &str, until: &str, week: i64) -> Option<(Timestamp, Timestamp)> {
    let moment = |text: &str| {
        let local: DateTime = text.parse().ok()?;
        let local = local.checked_add(jiff::Span::new().try_weeks(week).ok()?).ok()?;
        let at = app.zone.to_ambiguous_timestamp(local).compatible().ok()?;
        Some(Timestamp::from_millis(at.as_millisecond()))
    };
    let (from, until) = (moment(from)?, moment(until)?);
    (until > from).then_some((from, until))
}
