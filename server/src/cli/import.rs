//! `gradus import`: recordings, conversations, customers, purchases and cases of former times into the store. A second
//! import changes nothing.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use gradus_speech::recognise::Recognizer;

use super::{Ended, progress};
use crate::config::Config;
use crate::desk::{Desk, Sound, digest, make_store_folder};
use crate::ears;
use crate::intake::{self, Incoming, StartFrom, cases, customers};
use crate::listen::{LazyEngine, listen};
use crate::past;
use crate::queue::about::About;
use crate::store::{CustomerFacts, CustomerId, Hold, Purchase, Store};

#[derive(clap::Args)]
pub struct Arguments {
    /// Files or folders: recordings, vCon, transcripts, customers.csv, purchases.csv, cases.csv.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
}

/// What became of a file.
enum Taken {
    Kept(usize),
    KnownAlready,
}

/// What became of all files.
#[derive(Default)]
struct Counts {
    kept: usize,
    known: usize,
    failed: usize,
    by_name: usize,
    by_time: usize,
}

impl Counts {
    fn started(&mut self, from: StartFrom) {
        match from {
            StartFrom::Source => {}
            StartFrom::FileName => self.by_name += 1,
            StartFrom::FileTime => self.by_time += 1,
        }
    }
}

pub fn run(arguments: &Arguments) -> Result<Ended> {
    let config = Config::load()?;
    tokio::runtime::Runtime::new()?.block_on(async {
        make_store_folder(&config)?;
        let held = Store::hold(config.store.url.reveal(), Hold::Shared).await?;
        let desk = Desk::open(config).await?;
        let files = ears::files(&arguments.paths);
        let bar = progress(files.len(), "importing");
        let speech = desk.config.speech.clone();
        let mut engine = LazyEngine::new(&speech);
        let (mut counts, mut cases) = (Counts::default(), Vec::new());
        for file in files {
            let taken = match file {
                // Cases belong to conversations: they come last, whatever their place among the files.
                Ok(path) if lists_cases(&path) => {
                    cases.push(path);
                    continue;
                }
                Ok(path) => {
                    let how = How { engine: &mut engine, about: None, progress: &mut |_, _| {} };
                    one(&desk, (&path, None), how, &mut counts).await.with_context(|| shown(&path))
                }
                Err(error) => Err(error.into()),
            };
            match taken {
                Ok(Taken::Kept(count)) => counts.kept += count,
                Ok(Taken::KnownAlready) => counts.known += 1,
                Err(error) => {
                    counts.failed += 1;
                    bar.suspend(|| eprintln!("gradus: {error:#}"));
                }
            }
            bar.inc(1);
        }
        for path in &cases {
            enter_cases(&desk, path, &mut counts).await;
            bar.inc(1);
        }
        bar.finish_and_clear();
        desk.store.close().await;
        held.end().await;
        let Counts { kept, known, failed, by_name, by_time } = counts;
        if by_name + by_time > 0 {
            println!("starts taken from file names: {by_name}, from the times of files: {by_time}");
        }
        println!("imported {kept}, known already {known}, failed {failed}");
        Ok(if failed == 0 { Ended::Well } else { Ended::SomeFailed })
    })
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// Enters the cases of one file; every line stands for itself.
async fn enter_cases(desk: &Desk, path: &Path, counts: &mut Counts) {
    let entered = match read_cases(desk, path) {
        Ok(cases) => past::enter(desk, cases).await,
        Err(error) => Err(error),
    };
    match entered {
        Ok(entered) => {
            counts.kept += entered.entered;
            counts.known += entered.known;
            counts.failed += entered.faults.len();
            for fault in &entered.faults {
                eprintln!("gradus: {}: {fault}", shown(path));
            }
            for name in &entered.strangers {
                println!("«{name}» is nobody who signs in: kept by name; `gradus user add` adds people");
            }
        }
        Err(error) => {
            counts.failed += 1;
            eprintln!("gradus: {}: {error:#}", shown(path));
        }
    }
}

fn read_cases(desk: &Desk, path: &Path) -> Result<cases::PastCases> {
    let defaults = desk.config.conversation.defaults()?;
    let bytes = std::fs::read(path)?;
    cases::parse(&bytes, &defaults, desk.clock.now()).map_err(|fault| anyhow::anyhow!("{fault}"))
}

/// Says by its first bytes whether a file lists cases; one that cannot be read is refused where it is read whole.
fn lists_cases(path: &Path) -> bool {
    use std::io::Read;
    let mut head = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(4096).read_to_end(&mut head));
    read.is_ok() && cases::are_cases(&head)
}

/// Takes in one recording for the server's queue, with what is known of it; the file was called `name` where it came from.
///
/// # Errors
/// Names what is wrong with it.
pub async fn import_described(
    desk: &Desk,
    (path, name): (&Path, &str),
    about: &About,
    engine: Arc<dyn Recognizer>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<()> {
    let speech = desk.config.speech.clone();
    let mut engine = LazyEngine::ready(&speech, engine);
    let how = How { engine: &mut engine, about: Some(about), progress };
    let taken = one(desk, (path, Some(name)), how, &mut Counts::default()).await;
    taken.with_context(|| name.to_owned())?;
    Ok(())
}

/// How a file is taken in.
struct How<'a, 's> {
    engine: &'a mut LazyEngine<'s>,
    about: Option<&'a About>,
    progress: &'a mut dyn FnMut(u64, u64),
}

async fn one(
    desk: &Desk,
    (path, name): (&Path, Option<&str>),
    how: How<'_, '_>,
    counts: &mut Counts,
) -> Result<Taken> {
    let bytes = std::fs::read(path)?;
    if let Some(taken) = lists(desk, &bytes).await? {
        return Ok(taken);
    }
    let sha256 = digest(&bytes);
    let now = desk.clock.now();
    if desk.store.begin_import(&sha256, &path.display().to_string(), now).await?.is_some() {
        return Ok(Taken::KnownAlready);
    }
    let result = match opened(desk, path, name, how.about) {
        Ok(all) => conversations(desk, (path, &bytes, &sha256), all, how, counts).await,
        Err(error) => Err(error),
    };
    if let Err(error) = &result {
        desk.store.fail_import(&sha256, &format!("{error:#}"), now).await?;
    }
    result
}

/// Reads the conversations of a file. One whose source names no time began when its file says.
fn opened(desk: &Desk, path: &Path, name: Option<&str>, about: Option<&About>) -> Result<Vec<Incoming>> {
    let defaults = desk.config.conversation.defaults()?;
    let mut all = match name {
        Some(name) => intake::open_as(path, name, &defaults)?,
        None => intake::open(path, &defaults)?,
    };
    let own = path.file_name().unwrap_or_default().to_string_lossy();
    for incoming in &mut all {
        if let Some(about) = about {
            about.apply(incoming, &defaults.zone);
        }
        incoming.start_by_file(path, name.unwrap_or(&own), &defaults);
    }
    Ok(all)
}

/// Customers and purchases are told by their header.
async fn lists(desk: &Desk, bytes: &[u8]) -> Result<Option<Taken>> {
    let head: String =
        bytes.iter().take(400).take_while(|byte| **byte != b'\n').map(|&byte| char::from(byte)).collect();
    let columns: Vec<&str> = head.trim_start_matches("ï»¿").split([',', ';', '\t']).map(str::trim).collect();
    if columns.contains(&"customer_id") && columns.contains(&"amount") {
        let rows = customers::parse_purchases(bytes).map_err(|fault| anyhow::anyhow!("{fault}"))?;
        let rows: Vec<Purchase> = rows
            .into_iter()
            .map(|row| Purchase {
                customer_id: CustomerId(row.customer_id),
                bought_on: row.date.to_string(),
                what: row.what,
                amount: row.amount.to_string(),
            })
            .collect();
        desk.store.add_purchases(&rows).await?;
        return Ok(Some(Taken::Kept(rows.len())));
    }
    if !(columns.contains(&"tel") && columns.contains(&"revenue_rank")) {
        return Ok(None);
    }
    let list = customers::parse(bytes).map_err(|fault| anyhow::anyhow!("{fault}"))?;
    let many: Vec<(CustomerFacts, CustomerId)> = list.list.iter().map(known).collect();
    let answers = desk.store.know_customers(&many, desk.clock.now()).await?;
    Ok(Some(Taken::Kept(answers.iter().filter(|answer| answer.is_ok()).count())))
}

fn known(customer: &customers::Customer) -> (CustomerFacts, CustomerId) {
    let id = customer.id.clone().map(CustomerId);
    let fresh = id.clone().unwrap_or_else(|| {
        CustomerId(format!("k-{}", digest(format!("{customer:?}").as_bytes()).get(..16).unwrap_or_default()))
    });
    let facts = CustomerFacts {
        id,
        name: customer.name.clone(),
        tels: customer.tels.iter().map(|tel| tel.as_str().to_owned()).collect(),
        emails: customer.emails.clone(),
        revenue_rank: customer.revenue_rank.map(i64::from),
        growth_rank: customer.growth_rank.map(i64::from),
        revenue_12m: customer.revenue_12m,
        contract_status: customer.contract_status.clone(),
        contract_until: customer.contract_until.map(|date| date.to_string()),
        personal_terms: customer.personal_terms.clone(),
        manager: customer.manager.clone(),
        mark: None,
    };
    (facts, fresh)
}

async fn conversations(
    desk: &Desk,
    (path, bytes, sha256): (&Path, &[u8], &str),
    mut all: Vec<Incoming>,
    how: How<'_, '_>,
    counts: &mut Counts,
) -> Result<Taken> {
    let count = all.len();
    for (number, incoming) in (1..).zip(&mut all) {
        let last = number == count;
        if incoming.recordings.is_empty() || !incoming.utterances.is_empty() {
            desk.import(incoming, sha256, None, last).await?;
        } else {
            let ear = ears::ear(desk.config.notice.rules_folder())?;
            let listened =
                listen(path, incoming, (how.engine.get()?, &ear), &desk.config.speech, &mut |done| {
                    (how.progress)(done.done_ms, done.total_ms)
                })?;
            let extension = path
                .extension()
                .map_or_else(|| "bin".to_owned(), |extension| extension.to_string_lossy().to_lowercase());
            let key = format!("{sha256}.{extension}");
            desk.recordings.put(&key, bytes::Bytes::copy_from_slice(bytes)).await?;
            let mut measures = listened.sound;
            if let Some(object) = measures.as_object_mut() {
                object.insert("waveform".to_owned(), serde_json::json!(listened.waveform));
                object.insert("duration_ms".to_owned(), serde_json::json!(listened.transcript.duration_ms));
            }
            let sound = Sound { heard: &listened.heard, measures, recording: key };
            desk.import(incoming, sha256, Some(sound), last).await?;
        }
        counts.started(incoming.start_from);
    }
    Ok(Taken::Kept(count))
}
