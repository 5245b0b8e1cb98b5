//! Where alerts of a person go beside the page: their address, their chat, their quiet hours, and a way to try each.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use std::time::Duration;

use super::account::{AccountPage, Wrongs};
use super::sign_in::OnlyToken;
use super::{Section, Words, frame, show};
use crate::alert::{EMAIL, TELEGRAM, is_address, link_code};
use crate::api::{ApiError, Filled, mend};
use crate::auth::{May, Me};
use crate::http::App;
use crate::store::{QuietHours, UserChannel};

/// Least time between two tries of one person, in milliseconds.
const PATIENCE_MS: i64 = 5_000;

/// A channel of a person, as the page shows it.
#[derive(Clone, Debug, Default)]
pub(super) struct ChannelView {
    /// Whether the company has it.
    pub here: bool,
    /// The address or the chat; empty when there is none yet.
    pub address: String,
    /// Whether alerts go there.
    pub active: bool,
}

/// The code that links a chat, shown once.
#[derive(Clone, Debug)]
pub(super) struct CodeView {
    pub command: String,
    pub link: Option<String>,
}

/// What came of trying a channel.
#[derive(Clone, Debug)]
pub(super) struct Tried {
    pub good: bool,
    pub says: String,
}

/// Where alerts go, as the page shows it.
#[derive(Clone, Debug, Default)]
pub(super) struct ChannelsView {
    pub email: ChannelView,
    pub telegram: ChannelView,
    pub quiet_from: String,
    pub quiet_to: String,
    pub code: Option<CodeView>,
    pub tried: Option<Tried>,
    pub e_email: Option<&'static str>,
    pub e_hours: Option<&'static str>,
}

fn clock(minute: i64) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

/// Reads «22:30»; nothing when it is empty.
fn minute(text: &str) -> Result<Option<i64>, ()> {
    if text.is_empty() {
        return Ok(None);
    }
    let (hours, minutes) = text.split_once(':').ok_or(())?;
    let (hours, minutes): (i64, i64) = (hours.parse().map_err(|_| ())?, minutes.parse().map_err(|_| ())?);
    let valid = (0..24).contains(&hours) && (0..60).contains(&minutes);
    if valid { Ok(Some(hours * 60 + minutes)) } else { Err(()) }
}

/// Returns where the alerts of a person go.
pub(super) async fn channels_of(app: &App, me: &Me) -> Result<ChannelsView, ApiError> {
    let store = &app.desk.store;
    let own = store.channels_of(&me.user.id).await?;
    let quiet = store.quiet_hours(&me.user.id).await?;
    let view = |name: &str| {
        let found = own.iter().find(|channel| channel.channel == name);
        ChannelView {
            here: app.channels.lane(name).is_some(),
            address: found.map(|channel| channel.address.clone()).unwrap_or_default(),
            active: found.is_none_or(|channel| channel.active),
        }
    };
    Ok(ChannelsView {
        email: view(EMAIL),
        telegram: view(TELEGRAM),
        quiet_from: quiet.map(|hours| clock(hours.from_minute)).unwrap_or_default(),
        quiet_to: quiet.map(|hours| clock(hours.to_minute)).unwrap_or_default(),
        ..ChannelsView::default()
    })
}

async fn page(app: &App, me: &Me, channels: ChannelsView) -> Result<Response, ApiError> {
    let f = frame(app, me, Section::Other);
    let ways = super::factor::ways_in(app, me, &f.w).await?;
    show(&AccountPage { f, wrongs: Wrongs::default(), channels, ways })
}

/// The form of the channels.
#[derive(Deserialize)]
pub struct ChannelsForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    email_on: String,
    #[serde(default)]
    telegram_on: String,
    #[serde(default)]
    quiet_from: String,
    #[serde(default)]
    quiet_to: String,
}

impl ChannelsForm {
    fn hours(&self) -> Result<Option<QuietHours>, ()> {
        match (minute(self.quiet_from.trim())?, minute(self.quiet_to.trim())?) {
            (None, None) => Ok(None),
            (Some(from_minute), Some(to_minute)) => Ok(Some(QuietHours { from_minute, to_minute })),
            _ => Err(()),
        }
    }
}

/// Changes address, switches and quiet hours.
pub async fn save(
    State(app): State<App>,
    me: Me,
    Filled(form): Filled<ChannelsForm>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::Read)?;
    let t = me.lang.texts();
    let email = form.email.trim();
    let mut view = channels_of(&app, &me).await?;
    view.e_email = (!email.is_empty() && !is_address(email)).then_some(t.ch_e_email);
    let hours = form.hours();
    view.e_hours = hours.is_err().then_some(t.ch_e_hours);
    let (Ok(hours), None) = (hours, view.e_email) else {
        email.clone_into(&mut view.email.address);
        (view.quiet_from, view.quiet_to) = (form.quiet_from, form.quiet_to);
        return Ok(mend(page(&app, &me, view).await?));
    };
    let store = &app.desk.store;
    let now = app.desk.clock.now();
    let channel = |name: &str, address: &str, active: bool| UserChannel {
        user_id: me.user.id.clone(),
        channel: name.to_owned(),
        address: address.to_owned(),
        active,
    };
    if view.email.here && email.is_empty() {
        store.remove_channel(&me.user.id, EMAIL).await?;
    } else if view.email.here {
        store.set_channel(&channel(EMAIL, email, !form.email_on.is_empty()), now).await?;
    }
    if !view.telegram.address.is_empty() {
        let telegram = channel(TELEGRAM, &view.telegram.address, !form.telegram_on.is_empty());
        store.set_channel(&telegram, now).await?;
    }
    store.set_quiet_hours(&me.user.id, hours).await?;
    store.audit(now, &me.user.id.0, "channel.change", &format!("user:{}", me.user.id), "").await?;
    Ok(Redirect::to("/account?saved=1").into_response())
}

/// Which channel is tried.
#[derive(Deserialize)]
pub struct TryForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    channel: String,
}

/// Sends a message to the person's own address and says what came of it.
pub async fn test(
    State(app): State<App>,
    me: Me,
    Filled(form): Filled<TryForm>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::Read)?;
    let mut view = channels_of(&app, &me).await?;
    let to = match form.channel.as_str() {
        EMAIL => view.email.address.clone(),
        TELEGRAM => view.telegram.address.clone(),
        _ => String::new(),
    };
    if to.is_empty() {
        return Err(ApiError::NotFound);
    }
    view.tried = Some(try_channel(&app, &me, &form.channel, &to).await?);
    page(&app, &me, view).await
}

/// Tries a channel in the name of somebody, who waits a few seconds between two tries.
pub(super) async fn try_channel(app: &App, me: &Me, name: &str, to: &str) -> Result<Tried, ApiError> {
    let lane = app.channels.lane(name).ok_or(ApiError::NotFound)?;
    let now = app.desk.clock.now();
    let words: Words = super::words_for(app, me.lang);
    let soon = {
        let mut tries = app.tries.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        tries.retain(|_, at| now.millis() - *at < PATIENCE_MS);
        tries.insert(me.user.id.clone(), now.millis()).is_some()
    };
    if soon {
        return Ok(Tried { good: false, says: words.t.ch_wait.to_owned() });
    }
    Ok(match app.channels.test(lane, to, &words, now).await {
        Ok(()) => {
            Tried { good: true, says: format!("{}: {to}", words.t.ch_sent).trim_end_matches(": ").to_owned() }
        }
        Err(failure) => Tried { good: false, says: format!("{}: {}", words.t.ch_failed, failure.what) },
    })
}

/// Makes a code that links a chat, and shows it once.
pub async fn link(
    State(app): State<App>,
    me: Me,
    Filled(form): Filled<OnlyToken>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::Read)?;
    let bot = app.channels.telegram.as_ref().ok_or(ApiError::NotFound)?;
    let code = link_code(&app.desk, &me.user.id).await?;
    // The name of the bot makes a link of it; without an answer the command alone is shown.
    let about = bot.call("getMe", &serde_json::json!({}), Duration::ZERO).await.unwrap_or_default();
    let known = |name: &&str| name.chars().all(|sign| sign.is_ascii_alphanumeric() || sign == '_');
    let name = about["username"].as_str().filter(known);
    let link = name.map(|name| format!("https://t.me/{name}?start={code}"));
    let mut view = channels_of(&app, &me).await?;
    view.code = Some(CodeView { command: format!("/start {code}"), link });
    page(&app, &me, view).await
}

/// Forgets the chat.
pub async fn unlink(
    State(app): State<App>,
    me: Me,
    Filled(form): Filled<OnlyToken>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::Read)?;
    app.desk.store.remove_channel(&me.user.id, TELEGRAM).await?;
    let (now, object) = (app.desk.clock.now(), format!("user:{}", me.user.id));
    app.desk.store.audit(now, &me.user.id.0, "channel.unlink", &object, TELEGRAM).await?;
    Ok(Redirect::to("/account?saved=1").into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_the_day_are_read_and_shown_alike() {
        for (text, read) in [("", Ok(None)), ("22:30", Ok(Some(1350))), ("24:00", Err(())), ("7", Err(()))] {
            assert_eq!(minute(text), read, "{text}");
        }
        assert_eq!(clock(485), "08:05");
    }
}
