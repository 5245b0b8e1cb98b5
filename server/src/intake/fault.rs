//! What can be wrong with data from outside: the kind, the place and the cure.
//!
//! A message never repeats the words of a conversation: messages are logged and shown to people without the right to
//! read it.

use std::fmt;
use std::path::PathBuf;

/// The kind of a fault, for callers that answer each differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// The operating system did not let us read it.
    Unreadable,
    /// It holds nothing to read.
    Empty,
    /// It is larger than what is accepted.
    TooLarge,
    /// Its bytes are not the text they should be.
    Encoding,
    /// It breaks the rules of its format, or ends in the middle.
    Syntax,
    /// Something required is absent.
    Missing,
    /// A party is named that is not on the list.
    UnknownParty,
    /// The name promises another kind of content.
    Mislabelled,
    /// A known form that is not read here.
    Unsupported,
    /// Signed or encrypted.
    Protected,
    /// What is wanted lies elsewhere and is not fetched.
    Remote,
}

/// A fault in some bytes, before it is known which file they came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which kind of fault it is.
    pub kind: FaultKind,
    /// Where in the data (`line 3`, `dialog[2].parties`); empty when it is the whole.
    pub place: String,
    /// What is wrong there.
    pub problem: String,
    /// What the sender can do about it.
    pub cure: String,
}

impl Fault {
    /// Makes a fault; `place` may be empty.
    pub fn new(
        kind: FaultKind,
        place: impl Into<String>,
        problem: impl Into<String>,
        cure: impl Into<String>,
    ) -> Self {
        Self { kind, place: place.into(), problem: problem.into(), cure: cure.into() }
    }

    /// Returns the fault with `outer` put before its place, as for one line of a file of many.
    pub fn within(mut self, outer: &str) -> Self {
        self.place =
            if self.place.is_empty() { outer.to_owned() } else { format!("{outer}, {}", self.place) };
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.place.is_empty() {
            write!(out, "{}: ", self.place)?;
        }
        write!(out, "{}; {}", self.problem, self.cure)
    }
}

impl std::error::Error for Fault {}

/// A file that could not be taken in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot read \"{}\": {fault}", file.display())]
pub struct IntakeError {
    /// The file as it was given.
    pub file: PathBuf,
    /// What is wrong with it.
    pub fault: Fault,
}
