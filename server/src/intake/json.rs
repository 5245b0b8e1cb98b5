//! Strict reading of JSON from outside: no key twice, no deep nesting, and every complaint names the place.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::fault::{Fault, FaultKind};

/// Reads one JSON value.
///
/// # Errors
/// `Syntax` with line and column; nesting deeper than 128 and a key that occurs twice are faults too.
pub fn parse(text: &str) -> Result<Value, Fault> {
    match serde_json::from_str::<Strict>(text) {
        Ok(strict) => Ok(strict.0),
        Err(error) => Err(fault_of(&error)),
    }
}

fn fault_of(error: &serde_json::Error) -> Fault {
    let place = format!("line {}, column {}", error.line(), error.column());
    let (problem, cure) = if error.is_eof() {
        ("the JSON ends in the middle", "send the file whole")
    } else if error.is_data() {
        ("a key occurs twice in one object", "keep one of them")
    } else if error.to_string().starts_with("recursion limit") {
        ("the JSON is nested deeper than 128 levels", "flatten it")
    } else if error.to_string().starts_with("number out of range") {
        ("a number is out of range", "write a number that fits 64 bits")
    } else {
        ("this is no valid JSON", "export it again, or check it with a JSON tool")
    };
    Fault::new(FaultKind::Syntax, place, problem, cure)
}

/// A value whose objects have no key twice; the only data error its reading can give.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        source.deserialize_any(StrictVisitor).map(Strict)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((key, Strict(value))) = entries.next_entry::<String, Strict>()? {
            if object.insert(key, value).is_some() {
                return Err(serde::de::Error::custom("key twice"));
            }
        }
        Ok(Value::Object(object))
    }
}

/// A value and the path that led to it, so that a complaint can name its place.
#[derive(Clone, Debug)]
pub struct Node<'v> {
    value: &'v Value,
    path: String,
}

impl<'v> Node<'v> {
    /// Starts at the root of a document.
    pub fn root(value: &'v Value) -> Self {
        Self { value, path: String::new() }
    }

    /// Returns the value itself.
    pub fn value(&self) -> &'v Value {
        self.value
    }

    /// Returns the place: `dialog[2].parties`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the member `key`; absent and null are the same.
    pub fn get(&self, key: &str) -> Option<Node<'v>> {
        let value = self.value.as_object()?.get(key).filter(|value| !value.is_null())?;
        let path = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        Some(Node { value, path })
    }

    /// Returns the first present of several members: newer and older names of one thing.
    pub fn first(&self, keys: &[&str]) -> Option<Node<'v>> {
        keys.iter().find_map(|key| self.get(key))
    }

    /// Returns the items of the list `key`; an absent list is empty.
    ///
    /// # Errors
    /// When it is no list.
    pub fn list(&self, key: &str) -> Result<Vec<Node<'v>>, Fault> {
        let Some(list) = self.get(key) else { return Ok(Vec::new()) };
        list.items()
    }

    /// Returns the items of this list.
    ///
    /// # Errors
    /// When it is no list.
    pub fn items(&self) -> Result<Vec<Node<'v>>, Fault> {
        let items = self.value.as_array().ok_or_else(|| self.wrong("a list"))?;
        let node = |(index, value)| Node { value, path: format!("{}[{index}]", self.path) };
        Ok(items.iter().enumerate().map(node).collect())
    }

    /// Returns this value as text; a number is taken as its digits, for ids and telephones written without quotes.
    ///
    /// # Errors
    /// When it is neither.
    pub fn text(&self) -> Result<String, Fault> {
        match self.value {
            Value::String(text) => Ok(text.clone()),
            Value::Number(number) => Ok(number.to_string()),
            _ => Err(self.wrong("text")),
        }
    }

    /// Returns the member `key` as text, see [`Node::text`].
    ///
    /// # Errors
    /// When it is there and no text.
    pub fn text_of(&self, key: &str) -> Result<Option<String>, Fault> {
        self.get(key).map(|node| node.text()).transpose()
    }

    /// Returns this value as a number that counts something.
    ///
    /// # Errors
    /// When it is no whole number from 0 to 2³²−1.
    pub fn index(&self) -> Result<u32, Fault> {
        let number = self.value.as_u64().and_then(|number| u32::try_from(number).ok());
        number.ok_or_else(|| self.wrong("a whole number from 0"))
    }

    /// Returns the fault that this value is not `what`.
    pub fn wrong(&self, what: &str) -> Fault {
        let problem = format!("this should be {what}");
        Fault::new(FaultKind::Syntax, self.path.clone(), problem, "correct the value and send the file again")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bad_document_is_named_with_its_place() {
        let deep = "[".repeat(100_000);
        let cases = [
            ("{\"a\":1,\n\"a\":2}", "line 2", "twice"),
            ("{\"a\":", "line 1", "ends in the middle"),
            (deep.as_str(), "line 1", "nested"),
            ("{\"a\":1e999}", "line 1", "range"),
            ("{'a':1}", "line 1", "no valid JSON"),
            ("{} x", "line 1", "no valid JSON"),
        ];
        for (text, place, problem) in cases {
            let fault = parse(text).err();
            let fits = |fault: &Fault| fault.place.starts_with(place) && fault.problem.contains(problem);
            assert!(fault.as_ref().is_some_and(fits), "{text:.20}: {fault:?}");
        }
    }

    #[test]
    fn a_node_knows_its_path() {
        let value = parse("{\"dialog\":[{\"parties\":[true]}]}").unwrap_or_default();
        let dialog = Node::root(&value).list("dialog").unwrap_or_default();
        let wrong = dialog[0].list("parties").unwrap_or_default()[0].index();
        assert_eq!(wrong.map_err(|fault| fault.place), Err("dialog[0].parties[0]".into()));
    }
}
