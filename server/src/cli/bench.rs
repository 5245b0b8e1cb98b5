//! `gradus bench`: the benchmarks that the product carries. One JSON line each.

use anyhow::{Context, Result};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::Ended;
use crate::bench;
use crate::store::{AppendLoad, bench_append, bench_store};

#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// How fast signals are noticed, beside pymorphy3 and `re` in the same run.
    Detect(Detect),
    /// How fast events become durable, beside a bare loop on the same table in the same run.
    Ingest(Ingest),
    /// A desk with many open cases: clocks that ring at one second, requests that open, list and create cases.
    Cases(CasesArguments),
    /// How many live streams of sound this machine takes, beside what decoding and voice activity cost alone.
    Live(LiveArguments),
    /// How fast the archive answers on generated data, beside its index alone.
    Search(Search),
    /// How much processor time the words of a recording cost, beside faster-whisper with the same weights in the same run.
    Speech(SpeechArguments),
}

#[derive(Args)]
struct SpeechArguments {
    /// The recording: wav, mp3, ogg, flac, m4a.
    recording: std::path::PathBuf,
    /// What to compare with.
    #[arg(long, value_enum, default_value = "python")]
    peer: Peer,
}

#[derive(Args)]
struct Search {
    /// Utterances in all.
    #[arg(long, default_value_t = 1_000_000)]
    utterances: usize,
    /// How often each question is asked.
    #[arg(long, default_value_t = 40)]
    repeat: usize,
}

#[derive(Args)]
struct CasesArguments {
    /// Open cases.
    #[arg(long, default_value_t = 100_000)]
    cases: usize,
    /// Cases whose clock runs out at the same second.
    #[arg(long, default_value_t = 1_000)]
    storm: usize,
}

#[derive(Args)]
struct LiveArguments {
    /// Streams of 20 ms frames, rounded up to a multiple of four: half by AudioSocket, half as JSON media streams.
    #[arg(long, default_value_t = 1_000)]
    streams: usize,
    /// How long they last, in seconds.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
}

#[derive(Args)]
struct Detect {
    /// Numbers of rules to measure with; the shipped rules are multiplied with other words.
    #[arg(long, value_delimiter = ',', default_values_t = [500, 3_000, 5_000])]
    rules: Vec<usize>,
    /// What to compare with.
    #[arg(long, value_enum, default_value_t = Peer::Python)]
    peer: Peer,
    /// Patterns of the peer.
    #[arg(long, default_value_t = 500)]
    patterns: usize,
}

#[derive(Clone, Copy, ValueEnum)]
enum Peer {
    /// The usual way in Python, installed by pip into an environment that is thrown away.
    Python,
    /// Nothing.
    None,
}

#[derive(Args)]
struct Ingest {
    /// Events in all.
    #[arg(long, default_value_t = 100_000)]
    events: usize,
    /// Callers that wait for their answer at the same time.
    #[arg(long, default_value_t = 500)]
    producers: usize,
    /// Events a call.
    #[arg(long, default_value_t = 1)]
    per_call: usize,
    /// Turns of store and bare loop.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

pub fn run(arguments: &Arguments) -> Result<Ended> {
    match &arguments.what {
        What::Detect(detect) => measure_detection(detect)?,
        What::Ingest(ingest) => measure_ingest(ingest)?,
        What::Live(live) => measure_live(live)?,
        What::Cases(cases) => measure_cases(cases)?,
        What::Search(search) => measure_search(search)?,
        What::Speech(speech) => measure_speech(speech)?,
    }
    Ok(Ended::Well)
}

fn measure_detection(arguments: &Detect) -> Result<()> {
    let lines = bench::detect::lines();
    let mut by_rules = Vec::new();
    for &count in &arguments.rules {
        by_rules.push(bench::detect::rules(count, &lines)?);
    }
    let trained = bench::detect::trained(&lines)?;
    let peer = match arguments.peer {
        Peer::None => None,
        Peer::Python => {
            let folder = tempfile::tempdir().context("no folder for the peer")?;
            Some(bench::detect::peer(folder.path(), &lines, arguments.patterns)?)
        }
    };
    let speed = |figures: &serde_json::Value| figures["cold"]["utterances_per_cpu_second"].as_f64();
    let ratio = peer.as_ref().and_then(speed).zip(by_rules.first().and_then(speed));
    let line = json!({
        "bench": "detect",
        "optimised": !cfg!(debug_assertions),
        "utterances": lines.len(),
        "rules_alone": by_rules,
        "most_to_fewest_rules": {
            "cold": bench::detect::growth(&by_rules, "cold"),
            "warm": bench::detect::growth(&by_rules, "warm"),
        },
        "trained_parts": trained,
        "peer": peer,
        "ratio_to_peer_cold": ratio.map(|(peer, own)| (own / peer * 10.0).round() / 10.0),
    });
    println!("{line}");
    Ok(())
}

fn measure_cases(arguments: &CasesArguments) -> Result<()> {
    let cases = arguments.cases.max(2);
    let load = bench::cases::Load { cases, storm: arguments.storm.clamp(1, cases) };
    let folder = tempfile::tempdir().context("no folder for the measurement")?;
    let figures = tokio::runtime::Runtime::new()?.block_on(bench::cases::measure(folder.path(), load))?;
    println!("{}", json!({"bench": "cases", "optimised": !cfg!(debug_assertions), "figures": figures}));
    Ok(())
}

fn measure_live(arguments: &LiveArguments) -> Result<()> {
    let streams = arguments.streams.max(1).next_multiple_of(4);
    let load = bench::live::Load { streams, seconds: arguments.seconds.max(1) };
    let folder = tempfile::tempdir().context("no folder for the measurement")?;
    let alone = bench::live::alone(600)?;
    let figures = bench::live::streams(folder.path(), load)?;
    let frame = |figures: &serde_json::Value, name: &str| figures[name].as_f64();
    let ratio = frame(&figures, "intake_cpu_us_a_frame").zip(frame(&alone, "cpu_us_a_frame"));
    let line = json!({
        "bench": "live",
        "optimised": !cfg!(debug_assertions),
        "streams": load.streams,
        "figures": figures,
        "decode_voice_level_alone": alone,
        "ratio_intake_to_alone": ratio.map(|(intake, alone)| (intake / alone.max(1e-9) * 100.0).round() / 100.0),
    });
    println!("{line}");
    Ok(())
}

fn measure_speech(arguments: &SpeechArguments) -> Result<()> {
    let speech = crate::config::Config::load()?.speech;
    let measured = bench::speech::own(&arguments.recording, &speech)?;
    let peer = match arguments.peer {
        Peer::None => None,
        Peer::Python => {
            let folder = tempfile::tempdir().context("no folder for the peer")?;
            let model = gradus_speech::model::ModelStore::new(&speech.models).path(&speech.model)?;
            Some(bench::speech::peer(folder.path(), &model, &measured)?)
        }
    };
    let own = measured.figures["recognition"]["voice_seconds_a_cpu_second"].as_f64();
    let theirs = peer.as_ref().and_then(|peer| peer["voice_seconds_a_cpu_second"].as_f64());
    let ratio = own.zip(theirs).map(|(own, theirs)| (own / theirs.max(1e-9) * 100.0).round() / 100.0);
    let line = json!({
        "bench": "speech",
        "optimised": !cfg!(debug_assertions),
        "threads": 1,
        "figures": measured.figures,
        "peer": peer,
        "ratio_to_peer": ratio,
    });
    println!("{line}");
    Ok(())
}

fn measure_ingest(arguments: &Ingest) -> Result<()> {
    let load = AppendLoad {
        events: arguments.events.max(1),
        producers: arguments.producers.max(1),
        per_call: arguments.per_call.max(1),
        rounds: arguments.rounds.max(1),
    };
    let folder = tempfile::tempdir().context("no folder for the measurement")?;
    let figures = tokio::runtime::Runtime::new()?.block_on(async {
        let store = bench_store(folder.path()).await?;
        let figures = bench_append(&store, folder.path(), load).await;
        store.close().await;
        figures
    })?;
    let line = json!({
        "bench": "ingest",
        "optimised": !cfg!(debug_assertions),
        "events": load.events,
        "producers": load.producers,
        "figures": figures,
    });
    println!("{line}");
    Ok(())
}

fn measure_search(arguments: &Search) -> Result<()> {
    let folder = tempfile::tempdir().context("no folder for the measurement")?;
    let figures = tokio::runtime::Runtime::new()?.block_on(async {
        let store = bench_store(folder.path()).await?;
        let utterances = arguments.utterances.max(1);
        let figures =
            bench::search::measure(&store, folder.path(), utterances, arguments.repeat.max(1)).await;
        store.close().await;
        figures
    })?;
    println!("{}", json!({"bench": "search", "optimised": !cfg!(debug_assertions), "figures": figures}));
    Ok(())
}
