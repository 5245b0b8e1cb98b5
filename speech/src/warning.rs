//! What was not as it should be, though the work went on: said with the result, never only in a log.

use serde::{Serialize, Serializer};

/// One thing about a recording that its reader has to know. Serialises as its text.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Warning {
    /// The container promises more sound than there is.
    #[error(
        "the file promises {promised_ms} ms of sound and holds {found_ms} ms: it was cut off or is still being written"
    )]
    Truncated {
        /// Length by the header, in ms.
        promised_ms: u64,
        /// Length of what could be read, in ms.
        found_ms: u64,
    },
    /// Reading stopped at damage.
    #[error("the file is damaged after {at_ms} ms ({reason}): what comes before was read")]
    Broken {
        /// How far it could be read, in ms.
        at_ms: u64,
        /// The decoder's words.
        reason: String,
    },
    /// Single blocks were unreadable and became silence.
    #[error("{blocks} damaged blocks of sound were replaced by silence")]
    DamagedBlocks {
        /// How many.
        blocks: u64,
    },
    /// The length in the wav header was wrong and was taken from the file.
    #[error(
        "the header states a wrong length of the sound ({stated} bytes instead of {found}): the file's own length was used"
    )]
    WrongLength {
        /// Bytes by the header.
        stated: u64,
        /// Bytes in the file.
        found: u64,
    },
    /// The name and the content disagree.
    #[error("the file is named .{extension} and holds {format}: it was read as {format}")]
    MisleadingName {
        /// The file's extension.
        extension: String,
        /// What it is.
        format: String,
    },
    /// More than two channels were mixed.
    #[error(
        "{channels} channels were mixed into one: parties are told apart only in recordings of two channels"
    )]
    MixedDown {
        /// How many channels the file has.
        channels: usize,
    },
    /// Two channels with the same sound.
    #[error("both channels hold the same sound: the recording is mono, its parties are not told apart")]
    IdenticalChannels,
    /// One channel for everybody.
    #[error("the recording has one channel: its parties are not told apart")]
    Mono,
    /// A channel without any sound.
    #[error("channel {channel} is silent from start to end")]
    SilentChannel {
        /// Channel, from 0.
        channel: usize,
    },
    /// The recording is longer than allowed.
    #[error("the recording is longer than {limit_ms} ms: the rest was left out")]
    TooLong {
        /// The limit, in ms.
        limit_ms: u64,
    },
    /// No voice at all.
    #[error("no voice was found in the recording")]
    NoVoice,
    /// Words that the engine made up were removed.
    #[error("{segments} segments of made-up or looping words were removed")]
    MadeUpWords {
        /// How many segments.
        segments: u64,
    },
    /// An engine failed on a segment.
    #[error("{segments} segments could not be recognised ({reason}): their words are missing")]
    NotRecognised {
        /// How many segments.
        segments: u64,
        /// The engine's words for the first of them.
        reason: String,
    },
    /// Who is the agent was a guess by configuration.
    #[error("the agent's channel was not stated: channel {channel} was taken for the agent's")]
    AgentChannelAssumed {
        /// Channel, from 0.
        channel: usize,
    },
}

impl Serialize for Warning {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}
