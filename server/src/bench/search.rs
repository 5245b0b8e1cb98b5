//! How fast the archive answers on generated data: utterances of own writing with numbers of orders strewn in, in
//! conversations of two years and ten teams.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use gradus_engine::archive::Question;
use gradus_engine::signal::Channel;
use gradus_engine::time::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::detect::Line;
use super::process_cpu;
use crate::mask::MaskedText;
use crate::store::{
    ArchiveFilter, Batch, ConversationId, ConversationStatus, NewConversation, Outcome, Progress, Store,
    Utterance, bench_find,
};

/// Utterances of one conversation.
const EACH: usize = 25;
/// Conversations in one batch.
const AT_ONCE: usize = 200;
/// Utterances that are indexed in one transaction.
const FILL: i64 = 5_000;
/// Monday, 2026-11-16, 09:00 UTC: when the last conversation begins.
const END: i64 = 1_794_819_600_000;
/// The conversations begin within so many milliseconds before it.
const SPAN: i64 = 730 * 24 * 3600 * 1000;

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % limit.max(1)
    }
}

/// One way to ask, with its times.
#[derive(Serialize)]
struct Way {
    asked: &'static str,
    /// How often.
    times: usize,
    p50_ms: f64,
    p99_ms: f64,
    most_ms: f64,
    /// Mean number of hits of a page.
    hits: f64,
    /// Median of the time of the index alone, for its newest twenty; nothing where there are no words.
    index_alone_p50_ms: Option<f64>,
}

/// Fills a store in an empty folder with `utterances`, indexes them and asks.
///
/// # Errors
/// When the store fails.
pub async fn measure(store: &Store, folder: &Path, utterances: usize, repeat: usize) -> Result<Value> {
    let lines = super::detect::lines();
    let talks = utterances.div_ceil(EACH);
    let filled = generate(store, &lines, talks).await?;
    let before = folder_bytes(folder);
    let (began, cpu) = (now(), process_cpu());
    let mut indexed = 0;
    loop {
        let taken = store.fill_archive(FILL).await?;
        if taken == 0 {
            break;
        }
        indexed += taken;
    }
    let (seconds, cpu) = (began.elapsed().as_secs_f64(), process_cpu().saturating_sub(cpu).as_secs_f64());
    let ways = ask(store, repeat).await?;
    Ok(json!({
        "utterances": indexed,
        "conversations": talks,
        "stored_per_second": (filled.1 / filled.0).round(),
        "indexed_per_second": (indexed as f64 / seconds).round(),
        "index_cpu_us_an_utterance": round(cpu * 1e6 / indexed.max(1) as f64),
        "bytes_an_utterance_before_indexing": before / indexed.max(1) as u64,
        "bytes_an_utterance": folder_bytes(folder) / indexed.max(1) as u64,
        "ways": ways,
    }))
}

/// Writes the conversations; returns the seconds it took and how many utterances there are.
async fn generate(store: &Store, lines: &[Line], talks: usize) -> Result<(f64, f64)> {
    let mut dice = Dice(7);
    let began = now();
    let step = SPAN / i64::try_from(talks.max(1))?;
    for first in (0..talks).step_by(AT_ONCE) {
        let mut batch = Batch::new();
        for number in first..talks.min(first + AT_ONCE) {
            let at = END - SPAN + step * i64::try_from(number)?;
            batch = conversation(batch, lines, &mut dice, (number, Timestamp::from_millis(at)));
        }
        store.commit(batch).await?;
    }
    Ok((began.elapsed().as_secs_f64(), (talks * EACH) as f64))
}

fn conversation(
    mut batch: Batch,
    lines: &[Line],
    dice: &mut Dice,
    (number, at): (usize, Timestamp),
) -> Batch {
    let id = ConversationId(format!("bench-{number:07}"));
    let mut new = NewConversation::new(id.clone(), Channel::Call, ConversationStatus::Ended, at);
    new.team = Some(format!("team-{}", dice.below(10)));
    new.agent_name = Some(format!("agent-{:03}", dice.below(200)));
    let heat = u8::try_from(dice.below(100)).unwrap_or(0);
    batch = batch.change(new);
    for utterance in (0_i64..).take(EACH) {
        let Some(Line { party, text: line }) = lines.get(dice.below(lines.len())) else { break };
        let text = match dice.below(5) {
            0 => format!("{line} номер {}", 10_000 + dice.below(90_000)),
            _ => line.clone(),
        };
        batch = batch.change(Utterance {
            conversation: id.clone(),
            utterance,
            party: *party,
            speaker: None,
            start_ms: utterance * 5_000,
            end_ms: utterance * 5_000 + 4_000,
            text: MaskedText::of(&text),
            words: None,
        });
    }
    batch.change(Progress {
        conversation: id,
        utterances: EACH as i64,
        heat_last: heat,
        heat_max: heat,
        heat_at: at,
        calmed_at: (heat > 60 && dice.below(2) == 0).then_some(20),
        attempts: 0,
        decision: None,
        quote: None,
        hints: None,
    })
}

async fn ask(store: &Store, repeat: usize) -> Result<Vec<Way>> {
    let frequent = ["деньги", "заказ", "вернуть", "не", "руководитель"];
    let team = |filter: ArchiveFilter| ArchiveFilter { scope: Some("team-3".into()), ..filter };
    let words = |question: &str| -> Result<ArchiveFilter> {
        let words = Some(Question::parse(question)?);
        Ok(ArchiveFilter { words, ..ArchiveFilter::default() })
    };
    let each = |questions: &[&str]| questions.iter().map(|one| words(one)).collect::<Result<Vec<_>>>();
    let mut ways = Vec::new();
    let two = ["вернуть деньги", "когда привезти", "позвать руководитель", "заказ не"];
    ways.push(way(store, "one frequent word", &each(&frequent)?, repeat).await?);
    let scoped: Vec<_> = each(&frequent)?.into_iter().map(team).collect();
    ways.push(way(store, "one frequent word, one team of ten", &scoped, repeat).await?);
    let scoped: Vec<_> = each(&two)?.into_iter().map(team).collect();
    ways.push(way(store, "two words, one team of ten", &scoped, repeat).await?);
    let phrases = ["\"верните деньги\"", "\"в суд\"", "\"позовите руководителя\""];
    ways.push(way(store, "a phrase", &each(&phrases)?, repeat).await?);
    let minus = ["деньги -вернуть", "заказ -не", "руководитель -позвать"];
    ways.push(way(store, "a word without another", &each(&minus)?, repeat).await?);
    ways.push(way(store, "a rare number", &each(&["48213", "77001", "12345"])?, repeat).await?);
    ways.push(way(store, "a word that was never said", &each(&["синхрофазотрон"])?, repeat).await?);
    let half = ArchiveFilter { to: Some(Timestamp::from_millis(END - SPAN / 2)), ..words("деньги")? };
    ways.push(way(store, "a frequent word, of a year ago", &[half], repeat).await?);
    let few = ArchiveFilter { heat: (99, 99), outcome: Some(Outcome::Calmed), ..words("деньги")? };
    ways.push(way(store, "a frequent word, few conversations fit", &[team(few)], repeat.min(20)).await?);
    let nobody = ArchiveFilter { agent: Some("nobody".into()), ..words("не")? };
    ways.push(way(store, "a frequent word, nothing fits", &[nobody], repeat.min(20)).await?);
    let hot = ArchiveFilter { heat: (90, 100), ..ArchiveFilter::default() };
    ways.push(way(store, "no words, hot, one team of ten", &[team(hot)], repeat).await?);
    Ok(ways)
}

async fn way(store: &Store, asked: &'static str, filters: &[ArchiveFilter], repeat: usize) -> Result<Way> {
    let (mut times, mut alone, mut hits) = (Vec::new(), Vec::new(), 0);
    for filter in filters.iter().cycle().take(repeat.max(1) * filters.len()) {
        let began = now();
        let page = store.search(filter).await?;
        times.push(began.elapsed().as_secs_f64() * 1e3);
        hits += page.hits.len();
        if let Some(words) = &filter.words {
            let began = now();
            bench_find(store, words, 20).await?;
            alone.push(began.elapsed().as_secs_f64() * 1e3);
        }
    }
    times.sort_by(f64::total_cmp);
    alone.sort_by(f64::total_cmp);
    let share =
        |times: &[f64], part: usize| times.get((times.len() * part / 100).min(times.len() - 1)).copied();
    Ok(Way {
        asked,
        times: times.len(),
        p50_ms: round(share(&times, 50).context("nothing was asked")?),
        p99_ms: round(share(&times, 99).context("nothing was asked")?),
        most_ms: round(times.last().copied().unwrap_or(0.0)),
        hits: round(hits as f64 / times.len() as f64),
        index_alone_p50_ms: (!alone.is_empty()).then(|| share(&alone, 50).map(round)).flatten(),
    })
}

#[expect(clippy::disallowed_methods, reason = "measuring is its purpose")]
fn now() -> Instant {
    Instant::now()
}

fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

fn folder_bytes(folder: &Path) -> u64 {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    files.filter_map(|file| Some(file.metadata().ok()?.len())).sum()
}
