//! Quality: what was drawn of each agent, the card of a conversation, appeals, calibration.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use gradus_engine::time::Millis;
use serde::Deserialize;

use super::{Frame, Section, Words, frame, show};
use crate::api::{ApiError, Asked, Filled};
use crate::auth::{May, Me};
use crate::http::App;
use crate::mask::MaskedText;
use crate::quality::{
    Answer, Answers, FEWEST_UTTERANCES, Facts, Form, Given, agreement, automatic, sample, score,
};
use crate::report::Week;
use crate::store::{CardFilter, CardRow, NewCard};

/// Cards that are looked at.
const MOST: i64 = 2_000;
/// Days over which an agent's mean is taken.
const MEAN_DAYS: u64 = 28;
/// Longest comment, appeal or answer, in code points.
const LONGEST: usize = 2_000;

/// A conversation that was drawn.
pub(super) struct Drawn {
    pub href: String,
    pub title: String,
    pub score: String,
}

/// An agent with what was drawn and how they stand.
pub(super) struct AgentLine {
    pub name: String,
    pub drawn: Vec<Drawn>,
    pub mean: String,
    /// On how many conversations the mean rests; empty for none.
    pub cards: String,
}

/// A card where it is mentioned.
pub(super) struct CardLine {
    pub id: String,
    pub href: String,
    pub title: String,
    pub about: String,
    pub score: String,
    pub before: String,
    pub state: &'static str,
    pub comment: String,
    /// Answered no: what an appeal can be against.
    pub against: Vec<(String, String)>,
    pub appeal: String,
    pub settled: String,
    pub may_appeal: bool,
    pub may_settle: bool,
    pub waits: bool,
}

/// Two reviewers of one conversation.
pub(super) struct PairLine {
    pub href: String,
    pub title: String,
    pub who: String,
    pub alike: String,
    pub gap: String,
    pub apart: String,
}

#[derive(Template)]
#[template(path = "quality.html")]
pub(super) struct QualityPage {
    pub f: Frame,
    pub all: bool,
    pub span: String,
    pub before: String,
    pub after: Option<String>,
    pub fewest: i64,
    pub agents: Vec<AgentLine>,
    pub appeals: Vec<CardLine>,
    pub cards: Vec<CardLine>,
    pub pairs: Vec<PairLine>,
}

/// Which week.
#[derive(Deserialize)]
pub struct Query {
    week: Option<String>,
}

/// Shows what was drawn of a week, appeals and calibration; an agent sees the cards of their own conversations.
pub async fn page(State(app): State<App>, me: Me, Asked(query): Asked<Query>) -> Result<Response, ApiError> {
    let f = frame(&app, &me, Section::Practice);
    let now = Week::of(app.desk.clock.now(), &app.zone);
    let week = query.week.as_deref().map(Week::parse).transpose();
    let week = week.map_err(|error| ApiError::Wrong(error.to_string()))?.unwrap_or_else(|| now.before(1));
    let all = me.role.may(May::Review);
    let cards = app.cards_for(&me, None).await?;
    let agents = if all { agents(&app, &me, &f.w, week, &cards).await? } else { Vec::new() };
    let lines: Vec<CardLine> = cards.iter().map(|card| card_line(&app, &f.w, &me, card)).collect();
    let (appeals, rest): (Vec<CardLine>, Vec<CardLine>) = lines.into_iter().partition(|line| line.waits);
    show(&QualityPage {
        span: f.w.week_span(&week.monday().to_string()),
        before: week.before(1).to_string(),
        after: (week != now).then(|| week.before(-1).to_string()),
        fewest: FEWEST_UTTERANCES,
        agents,
        appeals,
        cards: rest.into_iter().take(if all { 30 } else { 200 }).collect(),
        pairs: if all { pairs(&app, &f.w, &cards) } else { Vec::new() },
        all,
        f,
    })
}

async fn agents(
    app: &App,
    me: &Me,
    w: &Words,
    week: Week,
    cards: &[CardRow],
) -> Result<Vec<AgentLine>, ApiError> {
    let talks = app.desk.store.drawable(me.team(), week.span(&app.zone), FEWEST_UTTERANCES).await?;
    let pairs: Vec<(&str, &str)> = talks.iter().map(|talk| (talk.agent.as_str(), talk.id.as_str())).collect();
    let per_agent = usize::try_from(app.desk.config.quality.per_agent.clamp(1, 50)).unwrap_or(1);
    let since = app.desk.clock.now().minus(Millis::minutes(MEAN_DAYS * 24 * 60)).millis();
    let recent: Vec<&CardRow> = cards.iter().filter(|card| card.made_at_ms >= since).collect();
    let lines = sample(&week.to_string(), &pairs, per_agent).into_iter().map(|(agent, drawn)| {
        let drawn = drawn.into_iter().filter_map(|id| talks.iter().find(|talk| talk.id.as_str() == id));
        let (mean, count) =
            mean(recent.iter().copied().filter(|card| card.agent_name.as_deref() == Some(agent)));
        AgentLine {
            name: agent.to_owned(),
            drawn: drawn
                .map(|talk| Drawn {
                    href: format!("/quality/{}", talk.id),
                    title: talk.customer_name.clone().unwrap_or_else(|| w.t.unknown_customer.to_owned()),
                    score: score_of(cards.iter().filter(|card| card.conversation_id == talk.id)),
                })
                .collect(),
            mean: mean.map(|mean| mean.to_string()).unwrap_or_default(),
            cards: cards_words(w, count),
        }
    });
    Ok(lines.collect())
}

fn cards_words(w: &Words, count: usize) -> String {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    if count == 0 {
        return String::new();
    }
    let word = w.plural(count, ["разговор", "разговора", "разговоров"], ["conversation", "conversations"]);
    format!("{count}\u{a0}{word}")
}

/// The mean over conversations of the mean of their cards, rounded: several reviewers of one conversation weigh as one.
fn mean<'a>(cards: impl Iterator<Item = &'a CardRow>) -> (Option<i64>, usize) {
    let mut talks = BTreeMap::<&str, Vec<i64>>::new();
    for card in cards {
        if let Some(score) = card.score {
            talks.entry(card.conversation_id.as_str()).or_default().push(score);
        }
    }
    // In hundredths, so that means of means do not lose what they rest on.
    let means = talks.values().map(|scores| {
        let count = i64::try_from(scores.len()).unwrap_or(1).max(1);
        scores.iter().sum::<i64>() * 100 / count
    });
    let count = talks.len();
    let sum: i64 = means.sum();
    let mean = i64::try_from(count).ok().filter(|count| *count > 0).map(|count| (sum / count + 50) / 100);
    (mean, count)
}

fn score_of<'a>(cards: impl Iterator<Item = &'a CardRow>) -> String {
    mean(cards).0.map(|score| score.to_string()).unwrap_or_default()
}

/// The conversations that two people judged by the same form, with how far they agree.
fn pairs(app: &App, w: &Words, cards: &[CardRow]) -> Vec<PairLine> {
    let mut by_talk = BTreeMap::<(&str, &str), Vec<&CardRow>>::new();
    for card in cards {
        by_talk.entry((card.conversation_id.as_str(), card.form.as_str())).or_default().push(card);
    }
    let mut lines = Vec::new();
    for ((talk, form), cards) in by_talk {
        let (Some(form), [one, other, ..]) = (app.forms.get(form), cards.as_slice()) else { continue };
        let agreed = agreement(&form, &one.answers, &other.answers);
        let gap = one.score.zip(other.score).map(|(one, other)| (one - other).abs());
        let name = |card: &CardRow| card.reviewer_name.clone().unwrap_or_else(|| w.t.unknown.to_owned());
        lines.push(PairLine {
            href: format!("/quality/{talk}"),
            title: one.customer_name.clone().unwrap_or_else(|| w.t.unknown_customer.to_owned()),
            who: format!("{}, {}", name(one), name(other)),
            alike: format!("{} {} {}", agreed.alike, w.t.rp_of, agreed.asked),
            gap: gap.map(|gap| gap.to_string()).unwrap_or_default(),
            apart: agreed.apart.join("; "),
        });
    }
    lines
}

fn card_line(app: &App, w: &Words, me: &Me, card: &CardRow) -> CardLine {
    let form = app.forms.get(&card.form);
    let text = |id: &str| {
        let known = form.as_ref().and_then(|form| form.questions.iter().find(|question| question.id == id));
        known.map_or_else(|| id.to_owned(), |question| question.text.clone())
    };
    let no = |(id, given): (&String, &Given)| (given.answer == Answer::No).then(|| (id.clone(), text(id)));
    let question = card.appeal_question.as_deref().map(text).unwrap_or_default();
    let appeal = card.appeal.as_ref().map(|words| format!("{question}: {words}")).unwrap_or_default();
    let settled = card.settled_by_name.as_ref().zip(card.settled_at_ms).map(|(by, at)| {
        let words = card.settled_words.as_ref().map(|words| format!(": {words}")).unwrap_or_default();
        format!("{by}, {}{words}", w.moment(at))
    });
    let unknown = || w.t.unknown.to_owned();
    let waits = card.state == "appealed";
    CardLine {
        id: card.id.clone(),
        href: format!("/quality/{}", card.conversation_id),
        title: card.customer_name.clone().unwrap_or_else(|| w.t.unknown_customer.to_owned()),
        about: format!(
            "{} · {} {}, {}",
            card.agent_name.clone().unwrap_or_else(unknown),
            w.t.qu_by,
            card.reviewer_name.clone().unwrap_or_else(unknown),
            w.moment(card.made_at_ms)
        ),
        score: card.score.map(|score| score.to_string()).unwrap_or_default(),
        before: card
            .score_before
            .filter(|before| Some(*before) != card.score)
            .map(|before| before.to_string())
            .unwrap_or_default(),
        state: match card.state.as_str() {
            "appealed" => w.t.qu_appealed,
            "settled" => w.t.qu_settled,
            _ => "",
        },
        comment: card.comment.clone().unwrap_or_default(),
        against: card.answers.iter().filter_map(no).collect(),
        appeal,
        settled: settled.unwrap_or_default(),
        may_appeal: card.state == "given" && is_own(me, card),
        may_settle: waits && me.role.may(May::Review) && card.reviewer_id != me.user.id,
        waits,
    }
}

/// Whether a card is of a conversation of who asks.
fn is_own(me: &Me, card: &CardRow) -> bool {
    match &card.agent_id {
        Some(id) => *id == me.user.id,
        None => card.agent_name.as_deref() == Some(me.user.name.as_str()),
    }
}

/// A question with its answer, ready for the form.
pub(super) struct QuestionLine {
    pub id: String,
    pub part: String,
    /// Whether it begins a part.
    pub begins: bool,
    pub text: String,
    pub points: u32,
    pub critical: bool,
    pub auto: bool,
    pub answer: &'static str,
    pub answer_class: &'static str,
    pub evidence: Vec<i64>,
    /// What is chosen: yes, no, not_asked, or nothing.
    pub chosen: &'static str,
}

#[derive(Template)]
#[template(path = "quality_card.html")]
pub(super) struct CardPage {
    pub f: Frame,
    pub id: String,
    pub title: String,
    pub about: String,
    pub form: String,
    pub form_title: String,
    pub forms: Vec<(String, String)>,
    pub questions: Vec<QuestionLine>,
    pub comment: String,
    pub locked: bool,
    /// Whether cards of others are kept back until one's own is made: who knows them does not judge by themselves.
    pub blind: bool,
    pub cards: Vec<CardLine>,
}

/// By which form.
#[derive(Deserialize)]
pub struct ByForm {
    form: Option<String>,
}

/// Shows the card of a conversation: what it answers by itself, and the form for the rest.
pub async fn talk(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    Asked(by): Asked<ByForm>,
) -> Result<Response, ApiError> {
    let f = frame(&app, &me, Section::Practice);
    let row = app.conversation_row_for(&me, id).await?;
    let cards = app.cards_for(&me, Some(&row.id)).await?;
    if cards.is_empty() {
        me.may(May::Review)?;
    }
    let form = app.form(by.form.as_deref())?;
    let page = app.desk.store.conversation_page(&row.id).await?.ok_or(ApiError::NotFound)?;
    let given = automatic(&form, &Facts::of(&page));
    let mine = cards.iter().find(|card| card.reviewer_id == me.user.id && card.form == form.id);
    let blind = mine.is_none() && me.role.may(May::Review);
    show(&CardPage {
        id: row.id.to_string(),
        title: row.customer_name.clone().unwrap_or_else(|| f.w.t.unknown_customer.to_owned()),
        about: format!(
            "{} · {}, {}",
            row.agent_name.clone().unwrap_or_else(|| f.w.t.no_name.to_owned()),
            f.w.channel(&row.channel),
            f.w.moment(row.started_at_ms)
        ),
        form: form.id.clone(),
        form_title: form.title.clone(),
        forms: app.forms.all().iter().map(|form| (form.id.clone(), form.title.clone())).collect(),
        questions: questions(&f.w, &form, &given, mine.map(|card| &card.answers)),
        comment: mine.and_then(|card| card.comment.clone()).unwrap_or_default(),
        locked: mine.is_some_and(|card| card.state != "given"),
        blind: blind && !cards.is_empty(),
        cards: cards.iter().filter(|_| !blind).map(|card| card_line(&app, &f.w, &me, card)).collect(),
        f,
    })
}

fn questions(w: &Words, form: &Form, auto: &Answers, mine: Option<&Answers>) -> Vec<QuestionLine> {
    let mut part = "";
    let mut lines = Vec::with_capacity(form.questions.len());
    for question in &form.questions {
        let given = auto.get(&question.id);
        let (answer, answer_class) = match given.map(|given| given.answer) {
            Some(Answer::Yes) => (w.t.qu_yes, "good"),
            Some(Answer::No) => (w.t.qu_no, "late"),
            Some(Answer::NotAsked) => (w.t.qu_not_asked, "faint"),
            None => ("", ""),
        };
        // What the conversation answers is left to it unless a person says otherwise.
        let own = mine.and_then(|mine| mine.get(&question.id)).filter(|own| !own.auto);
        lines.push(QuestionLine {
            id: question.id.clone(),
            part: question.part.clone(),
            begins: question.part != part,
            text: question.text.clone(),
            points: question.points,
            critical: question.critical,
            auto: given.is_some(),
            answer,
            answer_class,
            evidence: given.map(|given| given.evidence.clone()).unwrap_or_default(),
            chosen: own.map_or("", |own| name_of(own.answer)),
        });
        part = &question.part;
    }
    lines
}

const fn name_of(answer: Answer) -> &'static str {
    match answer {
        Answer::Yes => "yes",
        Answer::No => "no",
        Answer::NotAsked => "not_asked",
    }
}

/// The form that a reviewer sends: `csrf`, `form`, `comment`, and `q_ID` for each answer.
pub type Fields = BTreeMap<String, String>;

/// Keeps a card.
pub async fn keep(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    Filled(fields): Filled<Fields>,
) -> Result<Response, ApiError> {
    me.changes(fields.get("csrf").map_or("", String::as_str), May::Review)?;
    let row = app.conversation_row_for(&me, id).await?;
    let form = app.form(fields.get("form").map(String::as_str))?;
    let page = app.desk.store.conversation_page(&row.id).await?.ok_or(ApiError::NotFound)?;
    let mut answers = automatic(&form, &Facts::of(&page));
    for question in &form.questions {
        let answer = match fields.get(&format!("q_{}", question.id)).map(String::as_str) {
            Some("yes") => Answer::Yes,
            Some("no") => Answer::No,
            Some("not_asked") => Answer::NotAsked,
            None | Some("") => continue,
            Some(other) => {
                return Err(ApiError::Wrong(format!(
                    "q_{}: \"{other}\", not yes, no or not_asked",
                    question.id
                )));
            }
        };
        answers.insert(question.id.clone(), Given { answer, auto: false, evidence: Vec::new() });
    }
    let now = app.desk.clock.now();
    let card = NewCard {
        id: uuid::Uuid::new_v4().to_string(),
        conversation: row.id.clone(),
        form: (form.id.clone(), form.version),
        reviewer: me.user.id.clone(),
        score: score(&form, &answers),
        answers,
        comment: text(fields.get("comment").map_or("", String::as_str), "comment")?,
        at: now,
    };
    if !app.desk.store.keep_card(&card).await? {
        return Err(ApiError::Wrong(
            "the agent appealed against this card: it is settled, not changed".into(),
        ));
    }
    app.desk
        .store
        .audit(now, &me.user.id.0, "quality.keep", &format!("conversation:{}", row.id), &form.id)
        .await?;
    Ok(Redirect::to(&format!("/quality/{}", row.id)).into_response())
}

fn text(words: &str, field: &str) -> Result<Option<MaskedText>, ApiError> {
    if words.chars().count() > LONGEST {
        return Err(ApiError::Wrong(format!("{field}: at most {LONGEST} signs")));
    }
    Ok(Some(words.trim()).filter(|words| !words.is_empty()).map(MaskedText::of))
}

/// An appeal.
#[derive(Deserialize)]
pub struct Appeal {
    #[serde(default)]
    csrf: String,
    question: String,
    words: String,
}

/// Takes the appeal of an agent against an answer.
pub async fn appeal(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    Filled(form): Filled<Appeal>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::Read)?;
    let card = app.card_for(&me, &id).await?;
    if !is_own(&me, &card) {
        return Err(ApiError::NotFound);
    }
    if card.answers.get(&form.question).is_none_or(|given| given.answer != Answer::No) {
        return Err(ApiError::Wrong("question: an appeal is against an answer no of the card".into()));
    }
    let words = text(&form.words, "words")?.ok_or_else(|| ApiError::Wrong("words: say why".into()))?;
    let now = app.desk.clock.now();
    app.desk.store.appeal_card(&id, (&form.question, &words), now).await?;
    app.desk.store.audit(now, &me.user.id.0, "quality.appeal", &format!("card:{id}"), &form.question).await?;
    Ok(Redirect::to("/quality").into_response())
}

/// What is said to an appeal.
#[derive(Deserialize)]
pub struct Settled {
    #[serde(default)]
    csrf: String,
    /// `yes`: the answer becomes yes; `no`: it stays.
    accept: String,
    #[serde(default)]
    words: String,
}

/// Settles an appeal: never by the reviewer whose card it is.
pub async fn settle(
    State(app): State<App>,
    me: Me,
    Path(id): Path<String>,
    Filled(form): Filled<Settled>,
) -> Result<Response, ApiError> {
    me.changes(&form.csrf, May::Review)?;
    let card = app.card_for(&me, &id).await?;
    if card.reviewer_id == me.user.id {
        return Err(ApiError::Wrong("an appeal is settled by somebody else than the reviewer".into()));
    }
    let mut answers = card.answers.clone();
    let mut worth = card.score;
    match (form.accept.as_str(), card.appeal_question.as_ref()) {
        ("yes", Some(question)) => {
            answers
                .insert(question.clone(), Given { answer: Answer::Yes, auto: false, evidence: Vec::new() });
            let known = app.form(Some(&card.form))?;
            worth = score(&known, &answers);
        }
        ("no", _) => {}
        _ => return Err(ApiError::Wrong("accept: yes or no".into())),
    }
    let words = text(&form.words, "words")?;
    let now = app.desk.clock.now();
    app.desk.store.settle_card(&id, (&answers, worth), words.as_ref(), &me.user.id, now).await?;
    app.desk.store.audit(now, &me.user.id.0, "quality.settle", &format!("card:{id}"), &form.accept).await?;
    Ok(Redirect::to("/quality").into_response())
}

impl App {
    /// Returns the cards that somebody may see: those of their team, or of their own conversations.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn cards_for(
        &self,
        me: &Me,
        talk: Option<&crate::store::ConversationId>,
    ) -> Result<Vec<CardRow>, ApiError> {
        let all = me.role.may(May::Review);
        let filter = CardFilter {
            id: None,
            conversation: talk.cloned(),
            agent: (!all).then(|| (me.user.id.clone(), me.user.name.clone())),
            team: me.team().filter(|_| all).map(str::to_owned),
            since: None,
            limit: MOST,
        };
        Ok(self.desk.store.cards(&filter).await?)
    }

    /// Returns one card.
    ///
    /// # Errors
    /// `NotFound` where it is not theirs to see.
    pub async fn card_for(&self, me: &Me, id: &str) -> Result<CardRow, ApiError> {
        let cards = self.cards_for(me, None).await?;
        cards.into_iter().find(|card| card.id == id).ok_or(ApiError::NotFound)
    }

    /// Returns a form, the first where none is named.
    ///
    /// # Errors
    /// `Wrong` names the forms that there are.
    pub fn form(&self, id: Option<&str>) -> Result<std::sync::Arc<Form>, ApiError> {
        let found = match id.filter(|id| !id.is_empty()) {
            Some(id) => self.forms.get(id),
            None => self.forms.first(),
        };
        found.ok_or_else(|| {
            let known: Vec<&str> = self.forms.all().iter().map(|form| form.id.as_str()).collect();
            ApiError::Wrong(format!("form: unknown; there are {}", known.join(", ")))
        })
    }
}
