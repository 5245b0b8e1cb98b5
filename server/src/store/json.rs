//! JSON in a column of TEXT, the same on both engines.

use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::{Database, Decode, Encode, Type};

use super::error::StoreError;

/// A value that is stored as JSON text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JsonText<T>(pub T);

impl<DB: Database, T> Type<DB> for JsonText<T>
where
    String: Type<DB>,
{
    fn type_info() -> DB::TypeInfo {
        <String as Type<DB>>::type_info()
    }

    fn compatible(info: &DB::TypeInfo) -> bool {
        <String as Type<DB>>::compatible(info)
    }
}

impl<'q, DB: Database, T: Serialize> Encode<'q, DB> for JsonText<T>
where
    String: Encode<'q, DB>,
{
    fn encode_by_ref(&self, out: &mut DB::ArgumentBuffer) -> Result<IsNull, BoxDynError> {
        serde_json::to_string(&self.0)?.encode(out)
    }
}

impl<'r, DB: Database, T: DeserializeOwned> Decode<'r, DB> for JsonText<T>
where
    &'r str: Decode<'r, DB>,
{
    fn decode(value: DB::ValueRef<'r>) -> Result<Self, BoxDynError> {
        let text = <&str as Decode<'r, DB>>::decode(value)?;
        Ok(Self(serde_json::from_str(text)?))
    }
}

/// Collects rows for one bulk statement: `[[column, …], …]`, read back by `json_each` on both engines.
///
/// PostgreSQL knows no NUL in a text, so it becomes the replacement character, which keeps every offset.
#[derive(Debug, Default)]
pub(super) struct Rows {
    text: Vec<u8>,
}

impl Rows {
    /// Adds a row: a tuple or an array of columns.
    pub(super) fn push<T: Serialize>(&mut self, row: T) -> Result<(), StoreError> {
        self.text.push(if self.text.is_empty() { b'[' } else { b',' });
        serde_json::to_writer(&mut self.text, &row)
            .map_err(|error| StoreError::Broken(format!("a row is no JSON: {error}")))
    }

    /// Returns the statement's parameter, or nothing when there are no rows.
    pub(super) fn finish(mut self) -> Option<String> {
        if self.text.is_empty() {
            return None;
        }
        self.text.push(b']');
        // What serde_json writes is always UTF-8.
        let text = String::from_utf8(self.text).ok()?;
        Some(if text.contains("\\u0000") { without_nul(&text) } else { text })
    }
}

/// Replaces an escaped NUL, and leaves a backslash that is itself escaped before `u0000`.
fn without_nul(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = rest.find("\\u0000") {
        let (before, from) = rest.split_at(at);
        let escaped = before.chars().rev().take_while(|&c| c == '\\').count() % 2 == 1;
        out.push_str(before);
        out.push_str(if escaped { "\\u0000" } else { "\u{fffd}" });
        rest = from.strip_prefix("\\u0000").unwrap_or("");
    }
    out.push_str(rest);
    out
}

/// Returns `text` as both engines can hold it.
pub(super) fn clean(text: &str) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text.to_owned() }
}

/// Serialises text that holds JSON as that JSON: who reads the API gets no JSON inside of a string.
pub fn as_json<S: serde::Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    // What cannot be read is shown as the text it is.
    let value = serde_json::from_str(text).unwrap_or_else(|_| serde_json::Value::String(text.to_owned()));
    value.serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nul_becomes_one_replacement_character_and_a_written_escape_stays() {
        let mut rows = Rows::default();
        rows.push(("a\0b", "\\u0000", None::<i64>, 7)).unwrap();
        let text = rows.finish().unwrap();
        assert_eq!(text, "[[\"a\u{fffd}b\",\"\\\\u0000\",null,7]]");
    }
}
