//! What an alert says outside the pages: the same facts for every channel, in the words of the person who reads them.
//!
//! What customers said is foreign text: controls and marks of direction are taken out, it is cut to a length, and each
//! channel escapes it for itself.

use gradus_engine::time::Timestamp;
use serde_json::{Value, json};

use crate::store::{AlertRow, CaseRow, ConversationRow, Grounds};
use crate::web::{Words, alert_words};

/// Longest quote, in characters.
const QUOTE: usize = 600;
/// Longest name, in characters.
const NAME: usize = 120;

/// Everything that messages about an alert are made of.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The alert.
    pub alert: AlertRow,
    /// What it rests on.
    pub grounds: Option<Grounds>,
    /// Its conversation.
    pub talk: Option<ConversationRow>,
    /// Its case.
    pub case: Option<CaseRow>,
    /// What links begin with.
    pub public: String,
    /// Whether the customer's name and words may be told.
    pub words: bool,
}

/// A message in the words of a language, a line each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The number of the alert.
    pub number: i64,
    /// How often it was given to this person.
    pub round: i64,
    /// Whether it may have been told before.
    pub repeat: bool,
    /// What is needed.
    pub title: String,
    /// «Повтор · Оповещение № 7».
    pub mark: String,
    /// Whom and what it is about.
    pub about: String,
    /// Why, and by which clause.
    pub why: String,
    /// The customer's words.
    pub quote: Option<String>,
    /// Where to read on.
    pub link: String,
    /// Whether somebody asks for leave to grant something.
    pub asks_leave: bool,
}

impl Facts {
    /// Returns the address of the case, or of the conversation.
    pub fn link(&self) -> String {
        let path = match (&self.alert.case_id, &self.alert.conversation_id) {
            (Some(case), _) => format!("/cases/{case}"),
            (None, Some(talk)) => format!("/conversations/{talk}"),
            (None, None) => "/".to_owned(),
        };
        format!("{}{path}", self.public)
    }

    /// Says whether quiet hours do not hide it.
    pub fn is_urgent(&self) -> bool {
        let urgent = self.case.as_ref().is_some_and(|case| case.priority == "urgent");
        urgent || self.alert.decision == "engage_now"
    }

    fn quote(&self) -> Option<String> {
        let told = self.grounds.as_ref().and_then(|grounds| grounds.quote.clone());
        let told = told.or_else(|| self.talk.as_ref().and_then(|talk| talk.quote.clone()));
        told.filter(|_| self.words).map(|text| plain(&text, QUOTE)).filter(|text| !text.is_empty())
    }

    fn customer(&self) -> Option<String> {
        let name = self.talk.as_ref().and_then(|talk| talk.customer_name.clone());
        name.filter(|_| self.words).map(|name| plain(&name, NAME))
    }

    /// Returns the message in the words of a language.
    pub fn note(&self, w: &Words, round: i64, repeat: bool) -> Note {
        let number = self.alert.number.unwrap_or(0);
        let (title, _) = alert_words(w, &self.alert);
        let mark = format!("{}\u{a0}{number}", w.t.m_alert);
        let mark = if repeat { format!("{} · {mark}", w.t.m_repeat) } else { mark };
        let mut about = vec![self.customer().unwrap_or_else(|| w.t.customer_role.to_owned())];
        about.extend(self.talk.as_ref().map(|talk| w.channel(&talk.channel).to_owned()));
        about.extend(self.alert.case_number.map(|number| format!("{}\u{a0}{number}", w.t.go_case)));
        let mut why = Vec::new();
        if let Some(grounds) = &self.grounds {
            why.push(format!("{}: {}", w.t.col_reason, w.reason(&grounds.reason)));
            why.push(format!("{} {}", w.t.clause, grounds.clause));
        }
        if self.alert.level > 0 {
            why.push(w.t.m_climbed.to_owned());
        }
        Note {
            number,
            round,
            repeat,
            title,
            mark,
            about: about.join(" · "),
            why: why.join(" · "),
            quote: self.quote(),
            link: self.link(),
            asks_leave: self.alert.topic == "approval",
        }
    }

    /// Returns the message for programs.
    pub fn event(&self, at: Timestamp, round: i64, repeat: bool) -> Value {
        let alert = &self.alert;
        json!({
            "type": if round > 1 { "alert.repeated" } else { "alert.given" },
            "timestamp": jiff::Timestamp::from_millisecond(at.millis()).unwrap_or_default().to_string(),
            "data": {
                "alert": alert.number, "round": round, "repeat": repeat, "level": alert.level,
                "role": alert.recipient_role, "topic": alert.topic, "department": alert.department,
                "decision": alert.decision,
                "reason": self.grounds.as_ref().map(|grounds| &grounds.reason),
                "clause": self.grounds.as_ref().map(|grounds| &grounds.clause),
                "case": alert.case_id, "case_number": alert.case_number,
                "priority": self.case.as_ref().map(|case| &case.priority),
                "conversation": alert.conversation_id,
                "channel": self.talk.as_ref().map(|talk| &talk.channel),
                "team": self.talk.as_ref().and_then(|talk| talk.team.as_ref()),
                "customer": self.customer(), "quote": self.quote(), "url": self.link(),
            },
        })
    }
}

impl Note {
    /// Returns the message as lines of plain text.
    pub fn text(&self) -> String {
        let quote = self.quote.as_ref().map(|quote| format!("«{quote}»")).unwrap_or_default();
        let lines = [&self.title, &self.mark, &self.about, &self.why, &quote, &self.link];
        let lines: Vec<&str> =
            lines.into_iter().map(String::as_str).filter(|line| !line.is_empty()).collect();
        lines.join("\n")
    }

    /// Returns the message for a channel of Mattermost or Slack. The customer's words stand in a code span, where neither
    /// reads a mention, a link or a picture.
    pub fn markdown(&self) -> String {
        let code = |text: &str| format!("`{}`", text.replace('`', "'"));
        let mut lines =
            vec![format!("*{}*", self.title), self.mark.clone(), code(&self.about), self.why.clone()];
        lines.extend(self.quote.as_deref().map(code));
        lines.push(self.link.clone());
        lines.retain(|line| !line.is_empty());
        lines.join("\n")
    }
}

/// Returns one line of foreign text without controls and without marks that turn the direction of writing.
fn plain(text: &str, most: usize) -> String {
    let turns = |sign: char| matches!(sign, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    let signs =
        text.chars().filter(|sign| !turns(*sign)).map(|sign| if sign.is_control() { ' ' } else { sign });
    let mut short: String = signs.take(most + 1).collect();
    if short.chars().count() > most {
        short = short.chars().take(most).chain(['…']).collect();
    }
    short.trim().to_owned()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::web::Lang;

    pub(crate) fn facts() -> Facts {
        let alert = AlertRow {
            id: "c-1-alert".into(),
            number: Some(7),
            case_id: Some("c-1-case".into()),
            case_number: Some(12),
            conversation_id: Some("c-1".into()),
            decision_id: None,
            decision: "engage_now".into(),
            reason: Some("legal".into()),
            recipient_id: None,
            recipient_role: Some("supervisor".into()),
            level: 0,
            topic: "case".into(),
            department: None,
            team: None,
            state: "open".into(),
            repeats: 0,
            created_at_ms: 0,
            delivered_at_ms: None,
            acknowledged_at_ms: None,
            acknowledged_by: None,
            climbs_at_ms: None,
            ended_at_ms: None,
            verdict: None,
            verdict_reason: None,
            verdict_by: None,
        };
        let grounds = Grounds {
            reason: "legal".into(),
            clause: "1.3".into(),
            quote: Some("я подам\u{202e} на вас\nв суд `@channel` <!here>".into()),
        };
        let public = "https://gradus.example.ru".into();
        Facts { alert, grounds: Some(grounds), talk: None, case: None, public, words: true }
    }

    pub(crate) fn words(lang: Lang) -> Words {
        Words::new(lang, jiff::tz::TimeZone::UTC, 0)
    }

    #[test]
    fn a_message_says_what_why_and_where_in_the_language_of_its_reader() {
        let russian = facts().note(&words(Lang::Ru), 1, false).text().replace('\u{a0}', " ");
        assert_eq!(
            russian,
            "Подключить руководителя немедленно\nОповещение № 7\nКлиент · Кейс № 12\n\
             Причина: юридический вопрос · пункт 1.3\n\
             «я подам на вас в суд `@channel` <!here>»\nhttps://gradus.example.ru/cases/c-1-case"
        );
        let english = facts().note(&words(Lang::En), 2, true).text().replace('\u{a0}', " ");
        assert!(
            english.starts_with("Engage a supervisor now\nRepeat · Alert No. 7\nCustomer · Case No. 12\n"),
            "{english}"
        );
    }

    #[test]
    fn without_words_no_message_carries_what_the_customer_said() {
        let quiet = Facts { words: false, ..facts() };
        let note = quiet.note(&words(Lang::Ru), 1, false);
        assert_eq!(note.quote, None);
        assert!(!quiet.event(Timestamp::from_millis(0), 1, false).to_string().contains("суд"));
    }

    #[test]
    fn what_a_customer_says_mentions_nobody_in_a_team_channel() {
        let text = facts().note(&words(Lang::Ru), 1, false).markdown();
        assert!(text.contains("`я подам на вас в суд '@channel' <!here>`"), "{text}");
        assert_eq!(text.matches('`').count() % 2, 0);
    }

    #[test]
    fn a_long_quote_is_cut() {
        assert_eq!(plain(&"я".repeat(2_000), QUOTE).chars().count(), QUOTE + 1);
        assert_eq!(plain("\u{0}\u{1b}[31m", QUOTE), "[31m");
    }
}
