//! `gradus rebuild`: everything that is read off the log of events, read off it again.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::{Ended, progress};
use crate::config::Config;
use crate::desk::existing_store;
use crate::ears;
use crate::pipeline::ReadOff;
use crate::store::{Hold, Store};

#[derive(clap::Args)]
pub struct Arguments {
    /// A protocol that was in force before: events are read off by the version that judged them.
    #[arg(long = "protocol", value_name = "FILE")]
    protocols: Vec<PathBuf>,
}

pub fn run(arguments: &Arguments) -> Result<Ended> {
    let config = Config::load()?;
    let mut protocols = Vec::new();
    for file in &arguments.protocols {
        protocols.push(ears::protocol(Some(file))?);
    }
    // The one in force wins over a file of the same version.
    protocols.push(ears::protocol(config.conversation.protocol_file())?);
    tokio::runtime::Runtime::new()?.block_on(async {
        let store = existing_store(&config).await?;
        let held = Store::hold(config.store.url.reveal(), Hold::Alone).await?;
        let rebuilt = rebuild(&store, protocols).await;
        store.close().await;
        held.end().await;
        println!("{} events read off again", rebuilt.context("nothing was changed")?);
        Ok(Ended::Well)
    })
}

async fn rebuild(store: &Store, protocols: Vec<gradus_engine::protocol::Protocol>) -> Result<i64> {
    // What was published is at hand; a file that is given comes before it.
    let mut all = Vec::new();
    for row in store.published_protocols().await? {
        all.push(gradus_engine::protocol::Protocol::parse(&row.version, &row.text)?);
    }
    all.extend(protocols);
    let mut read_off = ReadOff::new(all, store.conversation_keys().await?);
    let missing = read_off.missing(&store.protocol_versions().await?);
    if !missing.is_empty() {
        let names: Vec<String> = missing.into_iter().map(|version| format!("\"{version}\"")).collect();
        bail!(
            "events were judged by the protocol {}, which is not in force: give its file with --protocol",
            names.join(" and ")
        );
    }
    let events = usize::try_from(store.last_position().await?)?;
    let bar = progress(events, "rebuilding");
    let count = store
        .rebuild(|event| {
            bar.inc(1);
            read_off.changes(event)
        })
        .await;
    bar.finish_and_clear();
    Ok(count?)
}
