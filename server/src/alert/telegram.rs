//! The company's Telegram bot: what it says. What people answer is in [`super::bot`].

use std::time::Duration;

use anyhow::{Context, Result};
use gradus_engine::time::Millis;
use serde_json::{Value, json};

use super::Failure;
use super::address::Target;
use super::http::Client;
use super::message::Note;
use crate::config;
use crate::web::Words;

/// The bot. Its token is a part of every path and is never shown.
pub struct Telegram {
    client: Client,
    api: Target,
    within: Duration,
}

/// Buttons under a message: rows of words and what they send.
pub type Buttons = Vec<Vec<(&'static str, String)>>;

impl Telegram {
    /// Reads the configuration.
    ///
    /// # Errors
    /// Names the key that is wrong.
    pub fn open(
        telegram: &config::Telegram,
        client: Client,
        allow_private: bool,
        within: Duration,
    ) -> Result<Self> {
        let api = Target::parse(&telegram.api, allow_private).context("telegram.api")?;
        let token = telegram.token.reveal();
        let known = |sign: char| sign.is_ascii_alphanumeric() || ":_-".contains(sign);
        anyhow::ensure!(token.chars().all(known), "telegram.token: a token looks like 123456:ABC-…");
        Ok(Self { client, api: api.at(&format!("/bot{token}")), within })
    }

    /// Calls a method of the Bot API and returns its result.
    ///
    /// # Errors
    /// Says whether it is worth another try.
    pub async fn call(&self, method: &str, body: &Value, longer: Duration) -> Result<Value, Failure> {
        let target = self.api.at(&format!("/{method}"));
        let answer = self.client.post(&target, &[], body.to_string(), self.within + longer).await;
        let answer = answer.map_err(|error| Failure::again(error.what, error.uncertain))?;
        let mut told: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        if told["ok"] == json!(true) {
            return Ok(told["result"].take());
        }
        let code = told["error_code"].as_u64().unwrap_or(u64::from(answer.status));
        let why = told["description"].as_str().unwrap_or("an answer that is not of the Bot API");
        let what = format!("Telegram: {code} {}", why.chars().take(200).collect::<String>());
        match code {
            // The chat is gone or the bot is blocked in it: only the person can change that.
            400 | 403 => Err(Failure::never(what)),
            429 => {
                let asked = told["parameters"]["retry_after"].as_u64().or(answer.retry_after_s).unwrap_or(1);
                Err(Failure { after: Some(Millis::seconds(asked)), ..Failure::again(what, false) })
            }
            _ => Err(Failure::again(what, code >= 500)),
        }
    }

    /// Sends a message about an alert; returns the number of the message.
    ///
    /// # Errors
    /// Says whether it is worth another try.
    pub async fn send(&self, chat: &str, note: &Note, w: &Words) -> Result<Option<String>, Failure> {
        let body = json!({
            "chat_id": chat_id(chat), "text": note.text(), "reply_markup": keyboard(&asking(w, note)),
            "link_preview_options": {"is_disabled": true},
        });
        let sent = self.call("sendMessage", &body, Duration::ZERO).await?;
        Ok(sent["message_id"].as_i64().map(|id| id.to_string()))
    }

    /// Says something without buttons.
    ///
    /// # Errors
    /// Says what went wrong.
    pub async fn say(&self, chat: &str, text: &str) -> Result<(), Failure> {
        let body = json!({"chat_id": chat_id(chat), "text": text});
        self.call("sendMessage", &body, Duration::ZERO).await.map(|_| ())
    }

    /// Changes a message and its buttons.
    ///
    /// # Errors
    /// Says what went wrong.
    pub async fn edit(
        &self,
        chat: &str,
        message: &str,
        text: &str,
        buttons: &Buttons,
    ) -> Result<(), Failure> {
        let body = json!({
            "chat_id": chat_id(chat), "message_id": chat_id(message), "text": text, "reply_markup": keyboard(buttons),
            "link_preview_options": {"is_disabled": true},
        });
        self.call("editMessageText", &body, Duration::ZERO).await.map(|_| ())
    }
}

fn chat_id(text: &str) -> Value {
    text.parse::<i64>().map_or_else(|_| json!(text), |number| json!(number))
}

fn keyboard(buttons: &Buttons) -> Value {
    let row = |row: &Vec<(&'static str, String)>| -> Vec<Value> {
        row.iter().map(|(words, data)| json!({"text": words, "callback_data": data})).collect()
    };
    json!({"inline_keyboard": buttons.iter().map(row).collect::<Vec<_>>()})
}

/// The buttons of a message that was just sent.
fn asking(w: &Words, note: &Note) -> Buttons {
    if note.asks_leave { approving(w, note.number) } else { waiting(w, note.number) }
}

/// The buttons of a request for leave.
pub fn approving(w: &Words, number: i64) -> Buttons {
    vec![vec![(w.t.g_allow, format!("allow:{number}")), (w.t.g_refuse, format!("refuse:{number}"))]]
}

/// The buttons of an alert that waits for an answer.
pub fn waiting(w: &Words, number: i64) -> Buttons {
    let mut buttons =
        vec![vec![(w.t.m_accept, format!("accept:{number}")), (w.t.m_snooze, format!("snooze:{number}"))]];
    buttons.extend(judging(w, number));
    buttons
}

/// The buttons of an alert that somebody has answered.
pub fn judging(w: &Words, number: i64) -> Buttons {
    vec![vec![(w.t.m_right, format!("right:{number}")), (w.t.m_wrong, format!("wrong:{number}"))]]
}

/// Why an alert was false, as people may say.
pub fn reasons(w: &Words) -> [(&'static str, &'static str); 4] {
    [
        ("misheard", w.t.v_misheard),
        ("no_anger", w.t.v_no_anger),
        ("solved", w.t.v_solved),
        ("other", w.t.v_other),
    ]
}

/// The buttons that ask why an alert was false.
pub fn doubting(w: &Words, number: i64) -> Buttons {
    reasons(w).into_iter().map(|(name, words)| vec![(words, format!("why:{number}:{name}"))]).collect()
}
