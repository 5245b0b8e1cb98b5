//! Finds the promises among an agent's words: who will do what, and which time belongs to it.
//!
//! A promise needs a verb that promises; opening hours, durations, questions, conditions and duties of the customer
//! have none, or stand where none counts.

use super::due::Due;
use super::phrases::phrase_at;
use super::tokens::{Token, TokenKind};
use super::verbs::{Force, Person, verb};

/// A promise: the tokens of what is promised and the expression of time that belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Promise {
    /// First token of what is promised.
    pub first: usize,
    /// The token behind it.
    pub past: usize,
    /// Index into the expressions of time.
    pub due: Option<usize>,
}

/// Words behind which a new clause begins.
const CONJUNCTIONS: &[&str] = &[
    "но",
    "а",
    "или",
    "чтобы",
    "чтоб",
    "потому",
    "поэтому",
    "зато",
    "тогда",
    "что",
    "так",
    "как",
    "где",
    "если",
    "который",
    "которая",
    "которые",
    "пока",
    "хотя",
];

/// Words that make what follows a condition or a question.
const CONDITIONS: &[&str] = &["если", "когда", "иначе", "разве", "ли", "вдруг"];

/// Words that make a question of a sentence that they open.
const QUESTIONS: &[&str] =
    &["что", "кто", "где", "сколько", "почему", "зачем", "какой", "какая", "чем", "куда", "насколько"];

/// Words that make an announcement of hours, terms or offers of what follows.
const NO_PROMISE: &[&str] = &[
    "можем",
    "могу",
    "можно",
    "хотите",
    "хотел",
    "хотела",
    "режим",
    "гарантия",
    "обычно",
    "обещали",
    "говорили",
    "надо",
    "нужно",
];

/// Words that say who speaks or greet, and are no part of what is promised.
const FILLERS: &[&str] = &[
    "да",
    "нет",
    "хорошо",
    "харашо",
    "ладно",
    "ну",
    "так",
    "тогда",
    "поняла",
    "понял",
    "понятно",
    "конечно",
    "и",
    "а",
    "но",
    "вот",
    "значит",
    "смотрите",
    "давайте",
    "все",
    "ок",
    "ага",
    "угу",
    "же",
    "обязательно",
    "поэтому",
    "пожалуйста",
    "обещаю",
];

/// Says whether any word can promise: most utterances have none, and need no reading of times.
pub(super) fn is_possible(tokens: &[Token]) -> bool {
    let yours = |token: &Token| token.is_one(&["вас", "увас"]) || token.is_one(APPOINTMENTS);
    (0..tokens.len()).any(|at| yours(&tokens[at]) || verb(tokens, at).is_some())
}

/// Finds the promises of a text.
pub(super) fn find(tokens: &[Token], dues: &[Due]) -> Vec<Promise> {
    let mut found = Vec::new();
    let mut used = vec![false; dues.len()];
    for (first, past) in sentences(tokens, dues) {
        if tokens.get(past - 1).is_some_and(|token| token.is("?")) {
            continue;
        }
        // What follows a condition is promised only if it comes true.
        let end = condition(tokens, first, past).unwrap_or(past);
        let clauses = clauses(tokens, dues, first, end);
        let mut kept: Vec<(usize, usize, Vec<Verb>)> = Vec::new();
        for (first, past) in clauses {
            kept.push((first, past, verbs(tokens, dues, first, past)));
        }
        for at in 0..kept.len() {
            found.extend(of_clause(tokens, dues, &kept, at, &mut used));
        }
    }
    found.sort_by_key(|promise| promise.first);
    found
}

#[derive(Clone, Copy, Debug)]
struct Verb {
    at: usize,
    past: usize,
    force: Force,
    person: Person,
}

/// Splits at the signs that end a sentence; a line ends one too. Signs inside of a time do not count.
fn sentences(tokens: &[Token], dues: &[Due]) -> Vec<(usize, usize)> {
    let mut sentences = Vec::new();
    let mut first = 0;
    let mut dues = dues.iter().peekable();
    for (at, token) in tokens.iter().enumerate() {
        while dues.next_if(|due| due.past <= at).is_some() {}
        if dues.peek().is_some_and(|due| due.first <= at) {
            continue;
        }
        if token.after_break && at > first {
            sentences.push((first, at));
            first = at;
        }
        if token.is_one(&[".", "!", "?", "…", ";"]) {
            sentences.push((first, at + 1));
            first = at + 1;
        }
    }
    if first < tokens.len() {
        sentences.push((first, tokens.len()));
    }
    sentences
}

fn condition(tokens: &[Token], first: usize, past: usize) -> Option<usize> {
    (first..past).find(|&at| {
        let word = &tokens[at];
        let harmless =
            word.is("если") && tokens.get(at + 1).is_some_and(|next| next.is("что")) || word.is("как");
        let asks = word.is_one(QUESTIONS) && tokens[first..at].iter().all(|before| before.is_one(FILLERS));
        (word.is_one(CONDITIONS) && !harmless) || asks
    })
}

/// Splits a sentence at commas, dashes and conjunctions that are not inside of a time.
fn clauses(tokens: &[Token], dues: &[Due], first: usize, past: usize) -> Vec<(usize, usize)> {
    let mut clauses = Vec::new();
    let mut start = first;
    let mut next_due = dues.partition_point(|due| due.past <= first);
    for (at, token) in tokens.iter().enumerate().take(past).skip(first) {
        while dues.get(next_due).is_some_and(|due| due.past <= at) {
            next_due += 1;
        }
        if dues.get(next_due).is_some_and(|due| due.first <= at) {
            continue;
        }
        let sign =
            token.kind == TokenKind::Sign && !token.is_one(&["-", "«", "»", "\"", "'", "/", "%", "№", "₽"]);
        if sign || token.is_one(CONJUNCTIONS) {
            if at > start {
                clauses.push((start, at));
            }
            start = at + 1;
        }
    }
    if start < past {
        clauses.push((start, past));
    }
    clauses
}

fn verbs(tokens: &[Token], dues: &[Due], first: usize, past: usize) -> Vec<Verb> {
    let mut found = Vec::new();
    let mut at = first;
    while at < past {
        let in_due = dues.partition_point(|due| due.past <= at);
        if let Some(due) = dues.get(in_due).filter(|due| due.first <= at) {
            at = due.past;
            continue;
        }
        let Some((force, person, behind)) = verb(tokens, at).filter(|(.., behind)| *behind <= past) else {
            at += 1;
            continue;
        };
        if !is_denied(tokens, first, at) && !speaks_of_others(tokens, first, at) {
            found.push(Verb { at, past: behind, force, person });
        }
        at = behind;
    }
    if blocked(tokens, dues, first, past) { Vec::new() } else { found }
}

/// Says whether a word outside of the times makes the clause no promise.
fn blocked(tokens: &[Token], dues: &[Due], first: usize, past: usize) -> bool {
    let in_due =
        |at: usize| dues.get(dues.partition_point(|due| due.past <= at)).is_some_and(|due| due.first <= at);
    (first..past).any(|at| tokens[at].is_one(NO_PROMISE) && !in_due(at))
}

fn is_denied(tokens: &[Token], first: usize, at: usize) -> bool {
    at > first && tokens[at - 1].is_one(&["не", "ни", "никогда"])
}

/// «вы получите», «ты напишешь» are the customer's; «магазин будет открыт» are opening hours.
fn speaks_of_others(tokens: &[Token], first: usize, at: usize) -> bool {
    let place = |token: &Token| {
        token.is_one(&[
            "магазин",
            "офис",
            "склад",
            "салон",
            "отделение",
            "пункт",
            "касса",
            "клиника",
            "мы",
            "буду",
            "будем",
        ])
    };
    let rest = tokens.get(at..).unwrap_or_default().iter().take(4);
    let hours = tokens[at].is_one(&["будет", "будут", "будем", "буду"])
        && rest.clone().any(|token| {
            ["открыт", "закрыт", "работать", "принимать"].iter().any(|stem| token.text.starts_with(stem))
        });
    let who =
        tokens.get(first..at).unwrap_or_default().iter().rev().take(3).any(place) || tokens[at].is("будем");
    let ends_talk = ["законч", "заверш", "закро"].iter().any(|stem| tokens[at].text.starts_with(stem))
        && tokens
            .get(at.saturating_sub(5).max(first)..)
            .unwrap_or_default()
            .iter()
            .take(9)
            .any(|token| token.is_one(&["звонок", "разговор", "соединение", "чат", "линию"]));
    // «вы услышите ответ» is what the customer gets.
    let gets = tokens[at].is_one(&["получите", "увидите", "услышите", "заберете", "сможете"]);
    hours && who || ends_talk || (!gets && at > first && tokens[at - 1].is_one(&["вы", "ты"]))
}

/// Makes the promise of one clause, with its own time or that of a neighbour that has no verb.
fn of_clause(
    tokens: &[Token],
    dues: &[Due],
    clauses: &[(usize, usize, Vec<Verb>)],
    at: usize,
    used: &mut [bool],
) -> Option<Promise> {
    let (first, past, verbs) = clauses.get(at)?;
    // «хоть завтра», «не сегодня так завтра» name no time.
    let meant = |due: &usize| {
        dues[*due].first.checked_sub(1).is_none_or(|before| !tokens[before].is_one(&["хоть", "не"]))
    };
    let own: Vec<usize> = within(dues, *first, *past).filter(|&due| !used[due]).filter(meant).collect();
    if verbs.is_empty() {
        return appointment(tokens, dues, clauses, at, &own, used);
    }
    let anchor = verbs.last().map_or(*first, |verb| verb.at);
    let nearest = own.iter().copied().min_by_key(|&due| dues[due].first.abs_diff(anchor));
    let due = nearest.or_else(|| neighbour(dues, clauses, at, used));
    let counts = |verb: &&Verb| match (verb.force, verb.person, due) {
        // «скоро проверю» names no time, and checking is done on the spot.
        (force, _, Some(due)) => dues[due].when.is_some() || dues[due].dated || force != Force::Now,
        (Force::Deed, Person::First, None) => !is_at_once(tokens, *first, *past),
        (Force::Deed, Person::Third, None) => tokens[verb.at].is_one(SURE_EVENTS),
        _ => false,
    };
    let chosen: Vec<&Verb> = verbs.iter().filter(counts).collect();
    let verb = match due {
        Some(due) => *chosen.iter().min_by_key(|verb| verb.at.abs_diff(dues[due].first))?,
        None => *chosen.first()?,
    };
    if let Some(due) = due {
        used[due] = true;
    }
    let (first, past) = span(tokens, due.map(|due| dues[due]), dues, *first, *past, verb);
    (first < past).then_some(Promise { first, past, due })
}

/// Third persons that promise without a time too.
const SURE_EVENTS: &[&str] =
    &["перезвонят", "перезвонит", "свяжутся", "свяжется", "позвонят", "ответят", "пришлют", "вернут"];

/// «сейчас соединю», «минуту, передам»: it is done at once and nothing is left to keep.
fn is_at_once(tokens: &[Token], first: usize, past: usize) -> bool {
    (first..past).any(|at| {
        tokens[at].is_one(&[
            "сейчас",
            "щас",
            "счас",
            "немедленно",
            "давайте",
            "секунду",
            "секундочку",
            "минуту",
            "минутку",
            "предлагаю",
        ])
    })
}

fn within(dues: &[Due], first: usize, past: usize) -> impl Iterator<Item = usize> + '_ {
    let from = dues.partition_point(|due| due.first < first);
    (from..dues.len()).take_while(move |&at| dues[at].first < past)
}

/// Returns the time of the clause before or behind, if that clause has no verb of its own.
fn neighbour(dues: &[Due], clauses: &[(usize, usize, Vec<Verb>)], at: usize, used: &[bool]) -> Option<usize> {
    let free = |other: usize| {
        let (first, past, verbs) = clauses.get(other)?;
        verbs.is_empty().then(|| within(dues, *first, *past).find(|&due| !used[due]))?
    };
    let behind = free(at + 1);
    behind.or_else(|| free(at.checked_sub(1)?))
}

/// «выезд 15.05 в 11:00», «завтра в десять мастер у вас»: an appointment without a verb, told by hour or date.
fn appointment(
    tokens: &[Token],
    dues: &[Due],
    clauses: &[(usize, usize, Vec<Verb>)],
    at: usize,
    own: &[usize],
    used: &mut [bool],
) -> Option<Promise> {
    let (first, past, _) = clauses.get(at)?;
    let blocked = blocked(tokens, dues, *first, *past) || (*first..*past).any(|at| is_past(&tokens[at]));
    let due =
        own.first().copied().or_else(|| neighbour(dues, clauses, at, used)).filter(|&due| dues[due].dated)?;
    let (near, far) = (dues[due].first.saturating_sub(2), dues[due].past + 2);
    let named = (*first..*past).any(|at| tokens[at].is_one(APPOINTMENTS) && (near..far).contains(&at));
    let yours = past.checked_sub(2).is_some_and(|at| phrase_at(tokens, at, "у вас").is_some())
        || tokens.get(past - 1).is_some_and(|token| token.is("увас"));
    if blocked || !(named || yours) {
        return None;
    }
    used[due] = true;
    let verb = Verb { at: *first, past: *first, force: Force::Event, person: Person::Third };
    let (first, past) = span(tokens, Some(dues[due]), dues, *first, *past, &verb);
    (first < past).then_some(Promise { first, past, due: Some(due) })
}

const APPOINTMENTS: &[&str] = &["выезд", "визит", "доставка", "монтаж", "замер", "установка", "отгрузка"];

/// A clause longer than this holds more than the promise: recognised speech has no signs.
const LONGEST: usize = 12;

/// Returns the words of what is promised: the clause without the time. Where the time stands in the middle, the part
/// with the verb, or both parts if that one is the verb alone.
fn span(
    tokens: &[Token],
    own: Option<Due>,
    dues: &[Due],
    first: usize,
    past: usize,
    verb: &Verb,
) -> (usize, usize) {
    let (mut first, mut past) = (first, past);
    // Another time belongs to another promise.
    if let Some(behind) = within(dues, verb.past, past).next().map(|at| dues[at]).filter(|_| own.is_none()) {
        past = behind.first;
    }
    while first + 1 < past && first < verb.at && tokens[first].is_one(FILLERS) {
        first += 1;
    }
    if let Some(due) = own.filter(|due| due.first >= first && due.past <= past) {
        let verb_before = verb.at < due.first;
        let (start, end) = if verb_before { (first, due.first) } else { (due.past, past) };
        let words = (start..end).filter(|&at| !tokens[at].is_one(FILLERS)).count();
        // Who will do it stands before the time: «Инна Марковна сегодня после 16:00 свяжется с вами».
        let subject_before = verb.person == Person::Third && !verb_before && due.first > first;
        if (words >= 2 && !subject_before) || due.first == first || due.past == past {
            (first, past) = (start, end);
        }
    }
    // Speech without signs: a finished sentence before the promise ends where its own verb does.
    for at in (first..verb.at).rev() {
        if is_past(&tokens[at]) || tokens[at].is_one(SAID) {
            first = at + 1;
            break;
        }
    }
    if past - first > LONGEST {
        first = first.max(verb.at.saturating_sub(LONGEST / 2));
        past = past.min(first + LONGEST);
    }
    while first < past
        && (tokens[first].kind == TokenKind::Sign || tokens[first].is_one(FILLERS))
        && first < verb.at.max(first + 1)
    {
        first += 1;
    }
    let trailing = |at: usize| {
        tokens[at].kind == TokenKind::Sign
            || tokens[at].is_one(&["и", "а", "в", "на", "к", "до", "вам", "то", "обязательно"])
    };
    while past > first + 1 && past > verb.past && trailing(past - 1) {
        past -= 1;
    }
    (first, past)
}

/// Words that end what was said before.
const SAID: &[&str] = &[
    "понимаю",
    "вижу",
    "извините",
    "простите",
    "здравствуйте",
    "спасибо",
    "жаль",
    "согласна",
    "согласен",
    "слышу",
    "добрый",
    "день",
    "смотрю",
];

fn is_past(token: &Token) -> bool {
    let long = token.kind == TokenKind::Word && token.text.chars().count() >= 5;
    long && [
        "ал",
        "ала",
        "али",
        "ил",
        "ила",
        "или",
        "ыл",
        "ела",
        "ели",
        "улся",
        "алась",
        "ались",
        "илась",
        "ились",
        "ался",
        "ился",
        "ошел",
        "ошла",
        "ошли",
    ]
    .iter()
    .any(|ending| token.text.ends_with(ending))
        && !token.is_one(&[
            "материал",
            "неделе",
            "недели",
            "сила",
            "канал",
            "журнал",
            "филиал",
            "персонал",
            "терминал",
            "портал",
            "профили",
            "дели",
        ])
}
