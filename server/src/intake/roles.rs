//! Who is the agent, where the data does not say: who gives their name, greets for a company and asks.
//!
//! A guess is a guess: it comes with its confidence, and whoever shows the conversation says that it was one.

use gradus_engine::signal::Party;

use super::{Incoming, IncomingParty, Roles};

/// The guess which party is the agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guess {
    /// Index of the party.
    pub agent: u32,
    /// Per cent, 50–99. Set by hand: one clear sign is worth 80, a second one 95.
    pub confidence: u8,
}

/// How many utterances of each party are read: people introduce themselves at the start.
const OPENING: usize = 4;

/// Guesses the agent from what the parties say; `None` when nobody shows a sign.
pub fn guess(conversation: &Incoming) -> Option<Guess> {
    let mut scores = vec![0_u32; conversation.parties.len()];
    for (party, score) in scores.iter_mut().enumerate() {
        let own = conversation.utterances.iter().filter(|utterance| utterance.party as usize == party);
        *score = own.take(OPENING).map(|utterance| signs(&utterance.text)).sum();
    }
    let best = *scores.iter().max()?;
    let agent = scores.iter().position(|&score| score == best)?;
    let second =
        scores.iter().enumerate().filter(|&(party, _)| party != agent).map(|(_, &score)| score).max();
    let lead = best - second.unwrap_or(0);
    if lead < CLEAR {
        return None;
    }
    let confidence = match lead {
        0..4 => 80,
        4..6 => 90,
        _ => 95,
    };
    Some(Guess { agent: u32::try_from(agent).ok()?, confidence })
}

/// A lead of one clear sign.
const CLEAR: u32 = 2;

/// Weighs the signs of an agent in one utterance: a clear one 3, a likely one 2, a weak one 1; words of a customer take away.
fn signs(text: &str) -> u32 {
    let lower = text.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let mut score = 0_u32;
    if has(&["меня зовут", "моё имя", "мое имя"]) {
        score += 2;
    }
    if has(&[
        "чем могу помочь",
        "чем могу быть полез",
        "чем помочь",
        "слушаю вас",
        "как могу к вам обращаться",
        "вы позвонили",
    ]) {
        score += 3;
    }
    if has(&[
        "спасибо за обращение",
        "спасибо за звонок",
        "спасибо что обратились",
        "благодарю за обращение",
        "служба поддержки",
        "техподдержка",
        "горячая линия",
        "оператор",
        "старший менеджер",
        "менеджер компании",
    ]) {
        score += 2;
    }
    if greets_for_company(&lower) {
        score += 3;
    }
    if has(&[
        "подскажите номер",
        "назовите номер",
        "назовите фамилию",
        "продиктуйте",
        "уточните пожалуйста",
        "представьтесь",
        "как я могу к вам",
        "оставайтесь на линии",
        "вижу ваш",
        "проверяю",
        "приносим извинения",
        "приношу извинения",
    ]) {
        score += 2;
    }
    if has(&[
        "у меня ",
        "я звоню",
        "я заказ",
        "мне не ",
        "моему заказу",
        "мой заказ",
        "хочу ",
        "почему вы",
        "у вас ",
    ]) {
        score = score.saturating_sub(2);
    }
    score
}

/// Kinds of companies and departments that open a greeting: «домашний интернет вектор здравствуйте».
const COMPANIES: &[&str] = &[
    "компания",
    "магазин",
    "банк",
    "интернет",
    "клиника",
    "салон",
    "сервис",
    "служба",
    "отдел",
    "центр",
    "типография",
    "страховая",
    "доставка",
    "гостиница",
    "отель",
    "диспетчерская",
    "аптека",
    "школа",
    "такси",
    "мастерская",
    "управляющая",
    "турагентство",
    "агентство",
    "ресторан",
    "фирма",
    "поддержка",
    "контакт",
];

fn greets_for_company(lower: &str) -> bool {
    let opening: Vec<&str> =
        lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).take(9).collect();
    let greets = opening.iter().any(|word| {
        matches!(
            *word,
            "здравствуйте"
                | "добрый"
                | "доброе"
                | "приветствую"
                | "алло"
                | "слушаю"
                | "приветствует"
        )
    });
    let company = opening.iter().any(|word| COMPANIES.contains(word));
    // «здравствуйте это магазин?» is a customer's question; a company that greets does not ask who it is.
    let asks = opening.contains(&"это") && lower.contains('?')
        || opening.contains(&"ваш")
        || opening.contains(&"ваша");
    greets && company && !asks
}

/// Puts the parties into the conversation, each with whether the source gave its role. One without a role among others
/// that have one is whoever is still missing; without any role, [`assign`] decides.
pub(super) fn settle(conversation: &mut Incoming, given: Vec<(bool, IncomingParty)>, first: Party) {
    let named = given.iter().any(|(has_role, _)| *has_role);
    let customer_known = given.iter().any(|(has_role, party)| *has_role && party.side == Party::Customer);
    let missing = if customer_known { Party::Agent } else { Party::Customer };
    let complete = |(has_role, party): (bool, IncomingParty)| {
        if has_role || !named {
            return party;
        }
        IncomingParty { role: missing.name().to_owned(), side: missing, ..party }
    };
    conversation.parties = given.into_iter().map(complete).collect();
    if !named {
        assign(conversation, first);
    }
}

/// Gives every party of a conversation without roles its side, and says in `warnings` how.
///
/// The party with the signs of an agent is the agent; where nobody shows any, `first` is the side of the first party
/// and everybody else is on the other side.
pub fn assign(conversation: &mut Incoming, first: Party) {
    let guess = guess(conversation);
    let agent = match guess {
        Some(guess) => guess.agent as usize,
        None if first == Party::Agent => 0,
        None => 1,
    };
    let evidence = guess.is_some();
    for (index, party) in conversation.parties.iter_mut().enumerate() {
        let side = if index == agent || (!evidence && first == Party::Customer && index > 0) {
            Party::Agent
        } else {
            Party::Customer
        };
        *party = IncomingParty { role: side.name().to_owned(), side, ..std::mem::take(party) };
    }
    let (roles, how) = match guess {
        Some(Guess { agent, confidence }) => (
            Roles::Guessed { confidence },
            format!("no roles given: party {agent} taken for the agent by what is said, {confidence} % sure"),
        ),
        None => (
            Roles::Configured,
            format!("no roles given: the first party taken for the {} as configured", first.name()),
        ),
    };
    conversation.roles = roles;
    conversation.warnings.push(how);
}

#[cfg(test)]
mod tests {
    use super::super::{Defaults, transcript};
    use super::*;

    #[track_caller]
    fn check(lines: &[(u32, &str)], expected: Option<u32>) {
        let rows: Vec<String> = lines
            .iter()
            .map(|(party, text)| {
                serde_json::json!({"speaker": format!("s{party}"), "text": text}).to_string()
            })
            .collect();
        let parsed = transcript::parse_lines(rows.join("\n").as_bytes(), "x", &Defaults::default());
        let conversation = parsed.unwrap_or_default().into_iter().next().unwrap_or_default();
        assert_eq!(guess(&conversation).map(|guess| guess.agent), expected, "{lines:?}");
    }

    #[test]
    fn the_agent_is_known_by_how_he_opens() {
        check(
            &[
                (0, "домашний интернет вектор здравствуйте меня зовут оксана"),
                (1, "хочу расторгнуть договор"),
            ],
            Some(0),
        );
        check(
            &[
                (0, "алло у меня не работает интернет"),
                (1, "служба поддержки меня зовут иван чем могу помочь"),
            ],
            Some(1),
        );
        check(&[(0, "да слушаю вас"), (1, "здравствуйте я звоню по заказу")], Some(0));
        check(&[(0, "здравствуйте меня зовут пётр у меня беда"), (1, "назовите номер договора")], Some(1));
        check(&[(0, "привет"), (1, "привет")], None);
        check(&[(0, "да"), (1, "здравствуйте это магазин?")], None);
    }
}
