//! Values of the engine and the store in words of one language, times in one time zone, seen from one moment.

use gradus_engine::decision::{DecisionKind, LadderStep, Reason};
use gradus_engine::signal::{Group, Party, SignalKind};
use gradus_engine::time::Timestamp;
use jiff::ZonedDateTime;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;

use crate::pipeline::SHADOW;

use super::texts::{EN, RU, Texts, en_plural, ru_plural};

/// A language of the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lang {
    /// Russian.
    Ru,
    /// English.
    En,
}

impl Lang {
    /// Both, in the order of the switch.
    pub const ALL: [Lang; 2] = [Lang::Ru, Lang::En];

    /// Reads a code such as `en` or `en-GB`; anything else is Russian.
    pub fn of(code: &str) -> Self {
        if code.trim().to_ascii_lowercase().starts_with("en") { Self::En } else { Self::Ru }
    }

    /// Returns the code stored with a user.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Ru => "ru",
            Self::En => "en",
        }
    }

    /// Returns the fixed texts.
    pub fn texts(self) -> &'static Texts {
        match self {
            Self::Ru => &RU,
            Self::En => &EN,
        }
    }
}

/// What turns values into words.
#[derive(Clone, Debug)]
pub struct Words {
    /// The fixed texts.
    pub t: &'static Texts,
    /// The language.
    pub lang: Lang,
    zone: TimeZone,
    now_ms: i64,
}

impl Words {
    /// Makes the words of a language, with times in `zone` as seen at `now_ms`.
    pub fn new(lang: Lang, zone: TimeZone, now_ms: i64) -> Self {
        Self { t: lang.texts(), lang, zone, now_ms }
    }

    /// Returns the present moment, milliseconds.
    pub fn now_ms(&self) -> i64 {
        self.now_ms
    }

    fn zoned(&self, at_ms: i64) -> ZonedDateTime {
        jiff::Timestamp::from_millisecond(at_ms).unwrap_or_default().to_zoned_datetime(self.zone.clone())
    }

    /// Returns a point in time: «15:04» today, «вчера 15:04», «24 окт 15:04», with the year when it is another one.
    pub fn moment(&self, at_ms: i64) -> String {
        let (at, now) = (self.zoned(at_ms), self.zoned(self.now_ms));
        let clock = at.strftime("%H:%M").to_string();
        if at.date() == now.date() {
            return clock;
        }
        format!("{} {clock}", self.date_of(&at, &now))
    }

    /// Returns a point in time for tables of other programs: `2026-11-24 12:00`.
    pub fn iso(&self, at_ms: i64) -> String {
        self.zoned(at_ms).strftime("%F %H:%M").to_string()
    }

    /// Returns a day: «24 окт», with the year when it is another one.
    pub fn day(&self, at_ms: i64) -> String {
        self.date_of(&self.zoned(at_ms), &self.zoned(self.now_ms))
    }

    fn date_of(&self, at: &ZonedDateTime, now: &ZonedDateTime) -> String {
        let ru = ["янв", "фев", "мар", "апр", "мая", "июн", "июл", "авг", "сен", "окт", "ноя", "дек"];
        let en = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let months = if self.lang == Lang::Ru { ru } else { en };
        let month =
            usize::try_from(at.month() - 1).ok().and_then(|month| months.get(month)).copied().unwrap_or("");
        let day = format!("{}\u{a0}{month}", at.day());
        if at.year() == now.year() { day } else { format!("{day} {}", at.year()) }
    }

    /// Returns a day as it stands in a table of the store, `YYYY-MM-DD`, in words.
    pub fn civil(&self, day: &str) -> String {
        match day.parse::<jiff::civil::Date>().and_then(|date| date.to_zoned_datetime(self.zone.clone())) {
            Ok(at) => self.date_of(&at, &self.zoned(self.now_ms)),
            Err(_) => day.to_owned(),
        }
    }

    /// Returns the week that begins on a Monday, `YYYY-MM-DD`: «16–22 ноя».
    pub fn week_span(&self, monday: &str) -> String {
        let Ok(first) = monday.parse::<jiff::civil::Date>() else { return monday.to_owned() };
        let last = first.checked_add(jiff::Span::new().days(6)).unwrap_or(first);
        let (begin, end) = (self.civil(&first.to_string()), self.civil(&last.to_string()));
        if first.month() == last.month() {
            format!("{}–{end}", first.day())
        } else {
            format!("{begin} – {end}")
        }
    }

    /// Returns the week that it is now, such as `2026-W47`.
    pub fn this_week(&self) -> String {
        crate::report::Week::of(Timestamp::from_millis(self.now_ms), &self.zone).to_string()
    }

    /// Returns a day as forms take it, `YYYY-MM-DD`.
    pub fn civil_day(&self, at_ms: i64) -> String {
        self.zoned(at_ms).date().to_string()
    }

    /// Returns a place in a conversation: «2:05», «1:02:05».
    pub fn place(&self, ms: i64) -> String {
        let seconds = ms.max(0) / 1000;
        let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        if hours > 0 {
            format!("{hours}:{minutes:02}:{seconds:02}")
        } else {
            format!("{minutes}:{seconds:02}")
        }
    }

    /// Returns a length for people: «45 с», «12 мин», «3 ч 20 мин», «2 дня».
    pub fn span(&self, ms: i64) -> String {
        let seconds = ms.max(0) / 1000;
        let (hour, day) = if self.lang == Lang::Ru {
            ("ч", self.days(seconds / 86_400))
        } else {
            ("h", self.days(seconds / 86_400))
        };
        match seconds {
            ..60 => format!("{seconds}\u{a0}{}", self.t.second),
            60..3_600 => format!("{}\u{a0}{}", seconds / 60, self.t.minute),
            3_600..86_400 if seconds / 60 % 60 > 0 => {
                format!("{}\u{a0}{hour} {}\u{a0}{}", seconds / 3600, seconds / 60 % 60, self.t.minute)
            }
            3_600..86_400 => format!("{}\u{a0}{hour}", seconds / 3600),
            _ => day,
        }
    }

    /// Returns a size for people: «18 Б», «120 КБ», «4,2 МБ», «1,1 ГБ».
    pub fn size(&self, bytes: i64) -> String {
        let units = if self.lang == Lang::Ru { ["КБ", "МБ", "ГБ"] } else { ["KB", "MB", "GB"] };
        if bytes < 1_000 {
            return format!("{}\u{a0}{}", bytes.max(0), if self.lang == Lang::Ru { "Б" } else { "B" });
        }
        let (tenths, unit) = match bytes {
            bytes @ ..1_000_000 => (bytes / 100, units[0]),
            bytes @ ..1_000_000_000 => (bytes / 100_000, units[1]),
            bytes => (bytes / 100_000_000, units[2]),
        };
        let comma = if self.lang == Lang::Ru { ',' } else { '.' };
        match (tenths / 10, tenths % 10) {
            (whole, part) if whole < 10 && part > 0 => format!("{whole}{comma}{part}\u{a0}{unit}"),
            (whole, _) => format!("{whole}\u{a0}{unit}"),
        }
    }

    fn days(&self, days: i64) -> String {
        format!("{days}\u{a0}{}", self.plural(days, ["день", "дня", "дней"], ["day", "days"]))
    }

    /// Returns the word that goes with a number.
    pub fn plural(&self, count: i64, ru: [&'static str; 3], en: [&'static str; 2]) -> &'static str {
        match self.lang {
            Lang::Ru => ru_plural(count, ru[0], ru[1], ru[2]),
            Lang::En => en_plural(count, en[0], en[1]),
        }
    }

    /// Returns a number with thin spaces between thousands.
    pub fn number(&self, number: i64) -> String {
        grouped(&number.to_string())
    }

    /// Returns an amount of money: «12 500 ₽».
    pub fn money(&self, amount: Decimal, currency: &str) -> String {
        let amount = if amount.fract().is_zero() { amount.trunc() } else { amount.round_dp(2) };
        let text = amount.to_string();
        let (whole, rest) = text.split_once('.').map_or((text.as_str(), String::new()), |(whole, rest)| {
            (whole, format!("{}{rest:0<2}", if self.lang == Lang::Ru { "," } else { "." }))
        });
        let sign = match currency {
            "RUB" => "₽",
            "USD" => "$",
            "EUR" => "€",
            other => other,
        };
        format!("{}{rest}\u{a0}{sign}", grouped(whole))
    }

    /// Returns an amount kept as text, as it is when it is no number.
    pub fn money_text(&self, amount: &str, currency: &str) -> String {
        amount.parse::<Decimal>().map_or_else(|_| amount.to_owned(), |amount| self.money(amount, currency))
    }

    /// Returns the name of a kind of signal.
    pub fn signal(&self, kind: &str) -> String {
        match (self.lang, kind.parse::<SignalKind>()) {
            (Lang::Ru, Ok(kind)) => kind.title_ru().to_owned(),
            _ => spaced(kind),
        }
    }

    /// Returns the word for a decision that called nobody: it was history, or made in the shadow.
    pub fn history_word(&self, before_ms: Option<i64>) -> &'static str {
        if before_ms.is_some_and(|before| before >= SHADOW.millis()) {
            self.t.shadow
        } else {
            self.t.from_history
        }
    }

    /// Returns the name of a decision, as a title.
    pub fn decision(&self, decision: &str) -> String {
        capital(&self.decision_name(decision))
    }

    fn decision_name(&self, decision: &str) -> String {
        match (self.lang, decision.parse::<DecisionKind>()) {
            (Lang::Ru, Ok(kind)) => kind.title_ru().to_owned(),
            (Lang::En, Ok(DecisionKind::Engage)) => "engage a supervisor".to_owned(),
            (Lang::En, Ok(DecisionKind::EngageNow)) => "engage a supervisor now".to_owned(),
            (Lang::En, Ok(DecisionKind::Functional)) => "bring in a department".to_owned(),
            (Lang::En, Ok(DecisionKind::AbuseStep)) => "step of the abuse ladder".to_owned(),
            (Lang::En, Ok(DecisionKind::Coach)) => "help the agent".to_owned(),
            _ => spaced(decision),
        }
    }

    /// Returns the name of a step of the abuse ladder, by its number in the store.
    pub fn step(&self, step: i64) -> String {
        let step = match step {
            1 => LadderStep::Warning1,
            2 => LadderStep::Warning2,
            _ => LadderStep::Closing,
        };
        capital(&match self.lang {
            Lang::Ru => step.title_ru().to_owned(),
            Lang::En => spaced(step.name()),
        })
    }

    /// Returns the name of a reason.
    pub fn reason(&self, reason: &str) -> String {
        match (self.lang, reason.parse::<Reason>()) {
            (Lang::Ru, Ok(reason)) => reason.title_ru().to_owned(),
            _ => spaced(reason),
        }
    }

    /// Returns what became of a promise.
    pub fn promise_state(&self, state: &str) -> &'static str {
        match state {
            "kept" => self.t.p_kept,
            "broken" => self.t.p_broken,
            "dropped" => self.t.p_dropped,
            _ => self.t.p_open,
        }
    }

    /// Returns the name of a kind of cost.
    pub fn cost_kind(&self, kind: &str) -> &'static str {
        match kind {
            "discount" => self.t.c_discount,
            "bonus" => self.t.c_bonus,
            "refund" => self.t.c_refund,
            "unknown" => self.t.ck_unknown,
            _ => self.t.c_other,
        }
    }

    /// Returns what a line of the ledger of authority is.
    pub fn grant_state(&self, state: &str) -> &'static str {
        match state {
            "approved" => self.t.g_approved,
            "refused" => self.t.g_refused,
            "requested" => self.t.g_requested,
            "spoken" => self.t.g_spoken,
            _ => self.t.g_used,
        }
    }

    /// Returns the name of a state of a case; the store and the engine name the last one differently.
    pub fn state(&self, state: &str) -> &'static str {
        match state {
            "open" => self.t.st_open,
            "merged" => self.t.st_merged,
            "acknowledged" => self.t.st_acknowledged,
            "in_work" => self.t.st_in_work,
            _ => self.t.st_resolved,
        }
    }

    /// Returns the name of a priority.
    pub fn priority(&self, priority: &str) -> &'static str {
        match priority {
            "urgent" => self.t.p_urgent,
            "high" => self.t.p_high,
            _ => self.t.p_normal,
        }
    }

    /// Returns the name of a channel.
    pub fn channel(&self, channel: &str) -> &'static str {
        match (self.lang, channel) {
            (Lang::Ru, "call") => "звонок",
            (Lang::Ru, "chat") => "чат",
            (Lang::Ru, "email") => "письма",
            (Lang::Ru, _) => "встреча",
            (Lang::En, "call") => "call",
            (Lang::En, "chat") => "chat",
            (Lang::En, "email") => "e-mail",
            (Lang::En, _) => "in person",
        }
    }

    /// Returns the name of a role, of people or of the alert ladder.
    pub fn role(&self, role: &str) -> &'static str {
        let (ru, en) = match role {
            "agent" => ("оператор", "agent"),
            "supervisor" => ("руководитель", "supervisor"),
            "substitute" => ("дежурный заместитель", "substitute on duty"),
            "conflict_specialist" | "specialist" => ("специалист по конфликтам", "conflict specialist"),
            "department" => ("смежный отдел", "department"),
            "coach" => ("тренер", "coach"),
            "director" => ("директор", "director"),
            "administrator" => ("администратор", "administrator"),
            _ => ("дежурный", "whoever is on duty"),
        };
        if self.lang == Lang::Ru { ru } else { en }
    }

    /// Returns the state of a contract; what a company calls otherwise stands as it is.
    pub fn contract(&self, status: &str) -> String {
        let words = match status {
            "active" => ["действует", "active"],
            "renewal" => ["продлевается", "up for renewal"],
            "ending" => ["заканчивается", "ending"],
            "ended" => ["закончился", "ended"],
            "none" => ["нет", "none"],
            other => [other, other],
        };
        words[usize::from(self.lang == Lang::En)].to_owned()
    }

    /// Returns the name of a kind of entry of the timeline.
    pub fn timeline(&self, kind: &str) -> &'static str {
        match kind {
            "opened" => self.t.t_opened,
            "entered" => self.t.t_entered,
            "raised" => self.t.t_raised,
            "acknowledged" => self.t.t_acknowledged,
            "in_work" => self.t.t_in_work,
            "resolved" => self.t.t_resolved,
            "climbed" => self.t.t_climbed,
            "overdue" => self.t.t_overdue,
            "open" => self.t.t_open,
            "note" => self.t.t_note,
            "clock_warning" => self.t.t_clock_warning,
            "clock_breach" => self.t.t_clock_breach,
            "informed" => self.t.t_informed,
            "paused" => self.t.t_paused,
            "resumed" => self.t.t_resumed,
            "prioritised" => self.t.t_prioritised,
            "asked" => self.t.t_asked,
            "answered" => self.t.t_answered,
            "unanswered" => self.t.t_unanswered,
            "grant_used" => self.t.g_used_entry,
            "grant_requested" => self.t.g_requested_entry,
            "grant_approved" => self.t.g_approved_entry,
            "grant_refused" => self.t.g_refused_entry,
            "cause_gone" => self.t.t_cause_gone,
            "merged" => self.t.t_merged,
            "took_in" => self.t.t_took_in,
            "linked" => self.t.t_linked,
            "unlinked" => self.t.t_unlinked,
            "document" => self.t.t_document,
            "document_removed" => self.t.t_document_removed,
            "followed" => self.t.t_followed,
            "unfollowed" => self.t.t_unfollowed,
            _ => self.t.t_other,
        }
    }

    /// Returns a size in bytes as people say it.
    pub fn bytes(&self, bytes: i64) -> String {
        let units = if self.lang == Lang::Ru { ["Б", "КБ", "МБ"] } else { ["B", "KB", "MB"] };
        let comma = if self.lang == Lang::Ru { "," } else { "." };
        match bytes.max(0) {
            bytes @ ..1_024 => format!("{bytes}\u{a0}{}", units[0]),
            bytes @ 1_024..1_048_576 => format!("{}\u{a0}{}", (bytes + 512) / 1_024, units[1]),
            bytes => {
                let tenths = (bytes + 52_428) / 104_857;
                format!("{}{comma}{}\u{a0}{}", tenths / 10, tenths % 10, units[2])
            }
        }
    }

    /// Returns what a clock of a case waits for.
    pub fn clock(&self, clock: &str) -> &'static str {
        match clock {
            "acknowledge" => self.t.k_acknowledge,
            "join" => self.t.k_join,
            "first_response" => self.t.k_first_response,
            "next_update" => self.t.k_next_update,
            _ => self.t.k_resolve,
        }
    }

    /// Returns what an alert is about, where it is not the case itself.
    pub fn topic(&self, topic: &str) -> Option<&'static str> {
        Some(match topic {
            "join_warning" | "join_breach" => self.t.al_join_breach,
            "first_response_warning" => self.t.al_first_response_warning,
            "first_response_breach" => self.t.al_first_response_breach,
            "next_update_warning" => self.t.al_next_update_warning,
            "next_update_breach" => self.t.al_next_update_breach,
            "resolve_warning" => self.t.al_resolve_warning,
            "resolve_breach" => self.t.al_resolve_breach,
            "ask" => self.t.al_ask,
            "ask_late" => self.t.al_ask_late,
            "answer" => self.t.al_answer,
            "promise_soon" => self.t.al_promise_soon,
            "promise_late" => self.t.al_promise_late,
            "approval" => self.t.al_approval,
            "waited_in_vain" => self.t.al_waited_in_vain,
            "cause_gone" => self.t.al_cause_gone,
            _ => return None,
        })
    }

    /// Returns a cause of a change of heat, kept as «insult +28», in words.
    pub fn cause(&self, cause: &str) -> String {
        let (what, change) = cause.rsplit_once(' ').unwrap_or((cause, ""));
        let what = match what {
            "calm" => self.t.calm_phase.to_owned(),
            "time" => self.t.time_phase.to_owned(),
            kind => self.signal(kind),
        };
        format!("{what} {}", change.replace('-', "−")).trim_end().to_owned()
    }
}

/// Returns the class that gives a heat its colour: one of ten steps.
pub fn heat_class(heat: i64) -> &'static str {
    const CLASSES: [&str; 10] = ["h0", "h1", "h2", "h3", "h4", "h5", "h6", "h7", "h8", "h9"];
    let step = usize::try_from(heat.clamp(0, 99) / 10).unwrap_or(0);
    CLASSES.get(step).copied().unwrap_or("h9")
}

/// Returns the class of a signal by its group: what warms, what cools, what must never be said.
pub fn signal_class(kind: &str, party: &str) -> &'static str {
    match kind.parse::<SignalKind>() {
        Ok(SignalKind::Acceptance | SignalKind::Gratitude) => "s-good",
        Ok(SignalKind::DesiredOutcome) => "s-plain",
        Ok(kind) => match kind.group() {
            Group::Escalation | Group::Abuse => "s-hot",
            Group::Trigger | Group::Flow => "s-warm",
            Group::Good => "s-good",
            Group::Ladder => "s-plain",
            Group::Forbidden => "s-bad",
        },
        Err(_) if party == Party::Agent.name() => "s-plain",
        Err(_) => "s-warm",
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn spaced(name: &str) -> String {
    name.replace('_', " ")
}

/// Puts a thin no-break space between thousands.
fn grouped(digits: &str) -> String {
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |rest| ("−", rest));
    let mut out = String::from(sign);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tuesday, 2026-11-24, 12:00 in Moscow.
    const NOON: i64 = 1_795_510_800_000;

    fn words(lang: Lang) -> Words {
        Words::new(lang, TimeZone::fixed(jiff::tz::offset(3)), NOON)
    }

    #[test]
    fn times_are_as_short_as_they_can_be() {
        let ru = words(Lang::Ru);
        assert_eq!(ru.moment(NOON), "12:00");
        assert_eq!(ru.moment(NOON - 32 * 86_400_000), "23\u{a0}окт 12:00");
        assert_eq!(words(Lang::En).day(NOON - 365 * 86_400_000), "24\u{a0}Nov 2025");
        assert_eq!(ru.civil("2026-10-01"), "1\u{a0}окт");
        assert_eq!(ru.place(125_400), "2:05");
    }

    #[test]
    fn spans_and_money_read_naturally() {
        let ru = words(Lang::Ru);
        let spans =
            [45_000, 12 * 60_000, 12_000_000, 2 * 86_400_000].map(|ms| ru.span(ms).replace('\u{a0}', " "));
        assert_eq!(spans, ["45 с", "12 мин", "3 ч 20 мин", "2 дня"]);
        assert_eq!(ru.money_text("1234567.5", "RUB"), "1\u{202f}234\u{202f}567,50\u{a0}₽");
        assert_eq!(ru.money_text("897", "RUB"), "897\u{a0}₽");
    }

    #[test]
    fn sizes_are_in_the_unit_that_reads_best() {
        let sizes = [0, 1_200, 640_000, 4_250_000, 87_000_000, 1_100_000_000]
            .map(|bytes| words(Lang::Ru).size(bytes).replace('\u{a0}', " "));
        assert_eq!(sizes, ["0 Б", "1,2 КБ", "640 КБ", "4,2 МБ", "87 МБ", "1,1 ГБ"]);
        assert_eq!(words(Lang::En).size(4_250_000).replace('\u{a0}', " "), "4.2 MB");
    }

    #[test]
    fn causes_of_heat_are_in_words() {
        assert_eq!(words(Lang::Ru).cause("insult +28"), "оскорбление +28");
        assert_eq!(words(Lang::En).cause("calm -3"), "calm utterance −3");
    }

    #[test]
    fn every_signal_has_a_class_and_a_name_in_both_languages() {
        for kind in SignalKind::ALL {
            assert!(signal_class(kind.name(), kind.party().name()).starts_with("s-"));
            assert!(!words(Lang::En).signal(kind.name()).contains('_'));
        }
        assert_eq!([heat_class(0), heat_class(35), heat_class(100)], ["h0", "h3", "h9"]);
    }
}
