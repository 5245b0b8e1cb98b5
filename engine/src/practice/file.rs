//! Scenario files: TOML that a coach can write, checked whole, with tests inside that run when it is read.

use std::fmt;

use serde::Deserialize;
use toml::Spanned;

use super::{Outcome, Session, Stage, Turn};
use crate::judge::Notices;
use crate::protocol::Protocol;
use crate::signal::{Channel, Party, SignalKind};

/// A scenario.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its name.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// What the trainee knows before they begin.
    pub about: String,
    /// What the customer card would say.
    pub facts: Vec<String>,
    /// The channel.
    pub channel: Channel,
    /// Place by revenue, for a strategic customer.
    pub revenue_rank: Option<u32>,
    /// Heat at which the customer leaves.
    pub lose_heat: u8,
    /// Replies after which a talk that went in circles is lost.
    pub most_replies: usize,
    /// What the customer says first.
    pub opening: Vec<String>,
    /// The customer's states; the first is where it begins.
    pub states: Vec<Place>,
    tests: Vec<Test>,
}

/// A state of the customer.
#[derive(Clone, Debug)]
pub struct Place {
    /// Its name.
    pub id: String,
    /// What is said when nothing fits, one after the other.
    pub again: Vec<String>,
    /// Ways out, the first that fits is taken.
    pub moves: Vec<Way>,
    /// How the session ends here.
    pub ends: Option<Outcome>,
}

/// A way from one state to another.
#[derive(Clone, Debug)]
pub struct Way {
    any: Vec<SignalKind>,
    all: Vec<SignalKind>,
    without: Vec<SignalKind>,
    before: Vec<SignalKind>,
    /// Where it leads.
    pub to: usize,
    /// What the customer says.
    pub say: String,
}

impl Way {
    /// Says whether the reply has what the way asks for, now and earlier.
    pub fn fits(&self, signals: &[SignalKind], turns: &[Turn]) -> bool {
        let has = |kind: &SignalKind| signals.contains(kind);
        let ever = |kind: &SignalKind| {
            turns
                .iter()
                .any(|turn| turn.party == Party::Agent && turn.signals.iter().any(|(seen, ..)| seen == kind))
        };
        (self.any.is_empty() || self.any.iter().any(has))
            && self.all.iter().all(has)
            && !self.without.iter().any(has)
            && self.before.iter().all(ever)
    }
}

#[derive(Clone, Debug)]
struct Test {
    at: usize,
    replies: Vec<String>,
    outcome: Outcome,
}

/// All faults of a scenario file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ScenarioErrors {
    /// Name of the file.
    pub file: String,
    /// Line, what is wrong and what to do.
    pub errors: Vec<(usize, String)>,
}

impl fmt::Display for ScenarioErrors {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (line, message)) in self.errors.iter().enumerate() {
            let end = if index == 0 { "" } else { "\n" };
            write!(out, "{end}{}:{line}: {message}", self.file)?;
        }
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    id: Spanned<String>,
    title: String,
    about: String,
    #[serde(default)]
    facts: Vec<String>,
    channel: Channel,
    #[serde(default)]
    revenue_rank: Option<u32>,
    #[serde(default = "usual_heat")]
    lose_heat: Spanned<u8>,
    #[serde(default = "usual_replies")]
    most_replies: Spanned<usize>,
    opening: Spanned<Vec<String>>,
    #[serde(rename = "state")]
    states: Vec<Spanned<PlaceBody>>,
    #[serde(default, rename = "test")]
    tests: Vec<Spanned<TestBody>>,
}

fn usual_heat() -> Spanned<u8> {
    Spanned::new(0..0, 95)
}

fn usual_replies() -> Spanned<usize> {
    Spanned::new(0..0, 10)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlaceBody {
    id: String,
    #[serde(default)]
    again: Vec<String>,
    #[serde(default)]
    ends: Option<Outcome>,
    #[serde(default, rename = "way")]
    ways: Vec<Spanned<WayBody>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WayBody {
    #[serde(default)]
    any: Vec<String>,
    #[serde(default)]
    all: Vec<String>,
    #[serde(default)]
    without: Vec<String>,
    #[serde(default)]
    before: Vec<String>,
    to: String,
    #[serde(default)]
    say: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TestBody {
    outcome: Outcome,
    replies: Vec<String>,
}

struct Faults<'t> {
    text: &'t str,
    errors: Vec<(usize, String)>,
}

impl Faults<'_> {
    fn add(&mut self, at: usize, message: String) {
        let line = self.text.get(..at).unwrap_or(self.text).matches('\n').count() + 1;
        self.errors.push((line, message));
    }

    fn kinds(&mut self, at: usize, names: &[String]) -> Vec<SignalKind> {
        let mut kinds = Vec::new();
        for name in names {
            match name.parse::<SignalKind>() {
                Ok(kind) if kind.party() == Party::Agent => kinds.push(kind),
                Ok(kind) => self.add(at, format!("{kind} is said by the customer: name a move of the agent")),
                Err(error) => self.add(at, format!("{error}: name a signal of the agent, such as empathy")),
            }
        }
        kinds
    }
}

/// Reads a scenario without playing its tests.
///
/// # Errors
/// Every fault with its line and cure: states that nothing leads to, ways to nowhere, no way to win.
pub fn parse(name: &str, text: &str) -> Result<Scenario, ScenarioErrors> {
    let mut faults = Faults { text, errors: Vec::new() };
    let fail = |errors| Err(ScenarioErrors { file: name.to_owned(), errors });
    let body: Body = match toml::from_str(text) {
        Ok(body) => body,
        Err(error) => {
            faults.add(error.span().map_or(0, |span| span.start), error.message().to_owned());
            return fail(faults.errors);
        }
    };
    let ids: Vec<String> = body.states.iter().map(|place| place.get_ref().id.clone()).collect();
    check_shape(&body, &ids, &mut faults);
    let states = body.states.into_iter().map(|place| place_of(place, &ids, &mut faults)).collect();
    let tests = body.tests;
    let scenario = Scenario {
        id: body.id.into_inner(),
        title: body.title,
        about: body.about,
        facts: body.facts,
        channel: body.channel,
        revenue_rank: body.revenue_rank,
        lose_heat: body.lose_heat.into_inner(),
        most_replies: body.most_replies.into_inner(),
        opening: body.opening.into_inner(),
        states,
        tests: tests
            .iter()
            .map(|test| Test {
                at: test.span().start,
                replies: test.get_ref().replies.clone(),
                outcome: test.get_ref().outcome,
            })
            .collect(),
    };
    faults.errors.sort();
    if faults.errors.is_empty() { Ok(scenario) } else { fail(faults.errors) }
}

/// Reads a scenario and plays its tests.
///
/// # Errors
/// As [`parse`], and every test that ends otherwise, with what was noticed.
pub fn read(
    name: &str,
    text: &str,
    (protocol, notices): (&Protocol, &(dyn Notices + Sync)),
) -> Result<Scenario, ScenarioErrors> {
    let scenario = parse(name, text)?;
    let mut faults = Faults { text, errors: Vec::new() };
    let stage = Stage { protocol, notices, scenario: &scenario };
    for test in &scenario.tests {
        let played = Session::replay(stage, test.replies.iter().map(String::as_str));
        if played.outcome != Some(test.outcome) {
            let last = played.turns.last().map(|turn| turn.text.clone()).unwrap_or_default();
            let heard: Vec<String> = played
                .turns
                .iter()
                .filter(|turn| turn.party == Party::Agent)
                .map(|turn| turn.signals.iter().map(|(kind, ..)| kind.name()).collect::<Vec<_>>().join("+"))
                .collect();
            let outcome = played.outcome;
            faults.add(
                test.at,
                format!(
                    "the test ends {outcome:?} at heat {}, after «{last}»; noticed: {}",
                    played.heat(),
                    heard.join(" | ")
                ),
            );
        }
    }
    if faults.errors.is_empty() {
        return Ok(scenario);
    }
    Err(ScenarioErrors { file: name.to_owned(), errors: faults.errors })
}

fn check_shape(body: &Body, ids: &[String], faults: &mut Faults<'_>) {
    if body.id.get_ref().is_empty()
        || !body.id.get_ref().chars().all(|sign| sign.is_ascii_alphanumeric() || sign == '-')
    {
        faults.add(body.id.span().start, "the id is made of Latin letters, digits and hyphens".to_owned());
    }
    if body.opening.get_ref().is_empty() {
        faults.add(
            body.opening.span().start,
            "the customer says nothing at first: write at least one line".to_owned(),
        );
    }
    if body.lose_heat.get_ref() > &100 {
        faults.add(body.lose_heat.span().start, "heat ends at 100".to_owned());
    }
    if *body.most_replies.get_ref() == 0 {
        faults.add(body.most_replies.span().start, "the trainee may reply at least once".to_owned());
    }
    let won = body.states.iter().any(|place| place.get_ref().ends == Some(Outcome::Won));
    if !won {
        faults.add(0, "nothing leads to ends = \"won\": the scenario could only be lost".to_owned());
    }
    for (at, place) in body.states.iter().enumerate() {
        let (start, place) = (place.span().start, place.get_ref());
        if ids.iter().filter(|id| **id == place.id).count() > 1 {
            faults.add(start, format!("state {} stands twice", place.id));
        }
        let reached =
            body.states.iter().any(|from| from.get_ref().ways.iter().any(|way| way.get_ref().to == place.id));
        if at > 0 && !reached {
            faults.add(start, format!("no way leads to state {}", place.id));
        }
        if place.ends.is_none() && place.again.is_empty() {
            faults.add(
                start,
                format!("state {} has nothing to say when nothing fits: write again = [\"…\"]", place.id),
            );
        }
    }
    for outcome in [Outcome::Won, Outcome::Lost] {
        if !body.tests.iter().any(|test| test.get_ref().outcome == outcome) {
            let name = if outcome == Outcome::Won { "won" } else { "lost" };
            faults.add(0, format!("no [[test]] with outcome = \"{name}\": show that it can be {name}"));
        }
    }
}

fn place_of(place: Spanned<PlaceBody>, ids: &[String], faults: &mut Faults<'_>) -> Place {
    let place = place.into_inner();
    let mut moves = Vec::new();
    for way in place.ways {
        let (at, way) = (way.span().start, way.into_inner());
        let Some(to) = ids.iter().position(|id| *id == way.to) else {
            faults.add(at, format!("way to unknown state \"{}\": one of {}", way.to, ids.join(", ")));
            continue;
        };
        moves.push(Way {
            any: faults.kinds(at, &way.any),
            all: faults.kinds(at, &way.all),
            without: faults.kinds(at, &way.without),
            before: faults.kinds(at, &way.before),
            to,
            say: way.say,
        });
    }
    Place { id: place.id, again: place.again, moves, ends: place.ends }
}
