//! `gradus transcribe`: recordings in; words with times per channel out, as JSON, WebVTT or vCon.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::ValueEnum;
use gradus_engine::ear::Ear;
use serde_json::json;

use super::{Ended, progress};
use crate::config::Config;
use crate::intake::{self, vcon_out};
use crate::listen::{LazyEngine, listen, shorten, webvtt};
use crate::{ears, intake::Defaults};

#[derive(clap::Args)]
pub struct Arguments {
    /// Recordings or folders of them: wav, mp3, ogg, flac, m4a.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// The form of the result.
    #[arg(long, value_enum, default_value = "json")]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Json,
    Vtt,
    Vcon,
}

pub fn run(arguments: &Arguments) -> Result<Ended> {
    let config = Config::load()?;
    let defaults = config.conversation.defaults()?;
    let ear = ears::ear(config.notice.rules_folder())?;
    let mut engine = LazyEngine::new(&config.speech);
    let mut failed = false;
    let mut out = std::io::stdout().lock();
    for file in ears::files(&arguments.paths) {
        let result = match file {
            Ok(path) => one(&path, arguments.format, &mut engine, &ear, &config, &defaults)
                .map_err(|error| (path, error)),
            Err(error) => Err((error.file.clone(), error.into())),
        };
        let line = match (result, arguments.format) {
            (Ok(text), _) => text,
            (Err((path, error)), Format::Json) => {
                failed = true;
                json!({"file": path.display().to_string(), "error": format!("{error:#}")}).to_string()
            }
            (Err((path, error)), Format::Vtt | Format::Vcon) => {
                failed = true;
                eprintln!("gradus: {}: {error:#}", path.display());
                continue;
            }
        };
        // A reader that has enough, such as `head`, ends the work.
        if writeln!(out, "{line}").is_err() {
            break;
        }
    }
    Ok(if failed { Ended::SomeFailed } else { Ended::Well })
}

fn one(
    path: &Path,
    format: Format,
    engine: &mut LazyEngine<'_>,
    ear: &Ear,
    config: &Config,
    defaults: &Defaults,
) -> Result<String> {
    let mut found = intake::open(path, defaults)?;
    let Some(mut incoming) = found.pop().filter(|incoming| !incoming.recordings.is_empty()) else {
        anyhow::bail!("there is no sound in it: give a recording (wav, mp3, ogg, flac, m4a)");
    };
    let bar = progress(0, "recognising");
    let listened = listen(path, &mut incoming, (engine.get()?, ear), &config.speech, &mut |at| {
        bar.set_length(at.total_ms);
        bar.set_position(at.done_ms);
    })?;
    bar.finish_and_clear();
    Ok(match format {
        Format::Vtt => webvtt(&listened.transcript, config.speech.agent_channel.min(1)),
        Format::Json => {
            let mut value = json!(listened.transcript);
            shorten(&mut value);
            if let Some(object) = value.as_object_mut() {
                object.insert("file".to_owned(), json!(path.display().to_string()));
            }
            value.to_string()
        }
        Format::Vcon => vcon_out::write(&vcon_out::Outgoing {
            uuid: &incoming.id,
            created_at: incoming.started_at.unwrap_or_default(),
            subject: incoming.subject.as_deref(),
            channel: incoming.channel,
            utc_offset_s: incoming.utc_offset_s,
            parties: &incoming.parties,
            utterances: &incoming.utterances,
            analyses: &[],
            attachments: &[],
        })
        .to_string(),
    })
}
