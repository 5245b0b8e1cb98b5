//! Words for people: names of decisions, kinds, states, times. Russian; the English half comes with the pages.

use gradus_engine::decision::{DecisionKind, Reason};
use gradus_engine::signal::SignalKind;
use gradus_engine::time::Timestamp;

/// Returns the Russian name of a decision with its reason: «подключить руководителя — угроза ухода».
pub fn decision(decision: &str, reason: &str) -> String {
    let decision =
        decision.parse::<DecisionKind>().map_or(decision.to_owned(), |known| known.title_ru().to_owned());
    let reason = reason.parse::<Reason>().map_or(reason.to_owned(), |known| known.title_ru().to_owned());
    format!("{decision} — {reason}")
}

/// Returns the Russian name of a kind of signal.
pub fn signal(kind: &str) -> String {
    kind.parse::<SignalKind>().map_or(kind.to_owned(), |known| known.title_ru().to_owned())
}

/// Returns the Russian name of a reason.
pub fn reason(reason: &str) -> String {
    reason.parse::<Reason>().map_or(reason.to_owned(), |known| known.title_ru().to_owned())
}

/// Returns the Russian name of a state of a case.
pub fn state(state: &str) -> &'static str {
    match state {
        "open" => "ждёт",
        "acknowledged" => "принят",
        "in_work" => "в работе",
        "resolved" => "разрешён",
        _ => "—",
    }
}

/// Returns the Russian name of a channel.
pub fn channel(channel: &str) -> &'static str {
    match channel {
        "call" => "звонок",
        "chat" => "чат",
        "email" => "письма",
        _ => "лично",
    }
}

/// Returns the Russian name of an entry of the timeline.
pub fn timeline(kind: &str) -> &'static str {
    match kind {
        "opened" => "Кейс открыт по решению регламента",
        "raised" => "Срочность повышена",
        "acknowledged" => "Принято: человек увидел и займётся",
        "in_work" => "Взято в работу",
        "resolved" => "Разрешено",
        "climbed" => "Не подтвердили вовремя: оповещён следующий",
        "overdue" => "Срок разрешения прошёл",
        "open" => "Передано",
        _ => "Событие",
    }
}

/// Returns the role that a case waits for.
pub fn role(role: &str) -> &'static str {
    match role {
        "supervisor" => "руководитель",
        "substitute" => "дежурный заместитель",
        "director" => "директор",
        "conflict_specialist" => "специалист по конфликтам",
        "staff" => "сотрудник",
        _ => "дежурный",
    }
}

/// Returns a point in time as people read it: «24.11 15:04», Moscow time.
pub fn moment(at_ms: i64) -> String {
    let at = Timestamp::from_millis(at_ms);
    let stamp = jiff::Timestamp::from_millisecond(at.millis()).unwrap_or_default();
    jiff::tz::Offset::constant(3).to_datetime(stamp).strftime("%d.%m %H:%M").to_string()
}

/// Returns a place in a conversation: «2:05».
pub fn place(ms: i64) -> String {
    format!("{}:{:02}", ms / 60_000, ms / 1000 % 60)
}

/// Returns the class of a heat, for its colour.
pub fn heat_class(heat: i64) -> &'static str {
    match heat {
        ..30 => "cool",
        30..60 => "warm",
        _ => "hot",
    }
}

/// Returns an amount as Russians write it: «450,50 ₽».
pub fn money(amount: rust_decimal::Decimal, currency: &str) -> String {
    let sign = if currency == "RUB" { "₽" } else { currency };
    format!("{amount:.2} {sign}").replacen('.', ",", 1)
}

/// Returns «1 кейс», «2 кейса», «5 кейсов».
pub fn plural(count: i64, one: &str, few: &str, many: &str) -> String {
    let word = match (count % 10, count % 100) {
        (1, tens) if tens != 11 => one,
        (2..=4, tens) if !(12..=14).contains(&tens) => few,
        _ => many,
    };
    format!("{count} {word}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn russian_counts_are_right() {
        let count = |count| plural(count, "кейс", "кейса", "кейсов");
        assert_eq!(
            [1, 3, 5, 11, 12, 21, 104].map(count).join(", "),
            "1 кейс, 3 кейса, 5 кейсов, 11 кейсов, 12 кейсов, 21 кейс, 104 кейса"
        );
    }
}
