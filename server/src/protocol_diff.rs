//! What differs between two protocol files, by the place in the file and not by the line: order and comments do not count.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use toml::{Table, Value};

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The place is only in the new file.
    Added(String, String),
    /// The place is only in the old file.
    Removed(String, String),
    /// The value at the place differs: old, new.
    Changed(String, String, String),
}

impl std::fmt::Display for Change {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Added(place, new) => write!(out, "+ {place} = {new}"),
            Self::Removed(place, old) => write!(out, "- {place} = {old}"),
            Self::Changed(place, old, new) => write!(out, "~ {place}: {old} → {new}"),
        }
    }
}

/// Keys by which the elements of a list are told apart.
const NAMES: &[&str] = &["id", "name", "step", "role"];

/// Compares two protocol files.
///
/// # Errors
/// When one of them is no TOML.
pub fn diff(old: &str, new: &str) -> Result<Vec<Change>> {
    let old: Table = old.parse().context("the old file is not TOML")?;
    let new: Table = new.parse().context("the new file is not TOML")?;
    let (old, new) = (places(old), places(new));
    let mut changes = Vec::new();
    for (place, value) in &old {
        match new.get(place) {
            None => changes.push(Change::Removed(place.clone(), value.clone())),
            Some(now) if now != value => {
                changes.push(Change::Changed(place.clone(), value.clone(), now.clone()));
            }
            Some(_) => {}
        }
    }
    let added = new.iter().filter(|(place, _)| !old.contains_key(*place));
    changes.extend(added.map(|(place, value)| Change::Added(place.clone(), value.clone())));
    Ok(changes)
}

fn places(table: Table) -> BTreeMap<String, String> {
    let mut places = BTreeMap::new();
    walk("", &Value::Table(table), &mut places);
    places
}

fn walk(place: &str, value: &Value, places: &mut BTreeMap<String, String>) {
    let below = |name: &str| if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") };
    match value {
        Value::Table(table) => {
            for (name, value) in table {
                walk(&below(name), value, places);
            }
        }
        Value::Array(values) if values.iter().all(Value::is_table) && !values.is_empty() => {
            for (index, value) in values.iter().enumerate() {
                let named = NAMES.iter().find_map(|key| value.get(key).and_then(Value::as_str));
                let name = named.map_or_else(|| format!("[{index}]"), |name| format!("[{name}]"));
                walk(&format!("{place}{name}"), value, places);
            }
        }
        value => {
            places.insert(place.to_owned(), value.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_compared_and_order_and_comments_are_not() {
        let old = "a = 1\n[[clause]]\nid = '1.1'\nwhen = 'x'\n[[clause]]\nid = '1.2'\nwhen = 'y'\n";
        let new = "# новое\n[[clause]]\nid = '1.2'\nwhen = 'z'\n[[clause]]\nid = '1.3'\nwhen = 'y'\n";
        let said: Vec<String> =
            diff(old, &format!("b = 2\n{new}")).unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            [
                "- a = 1",
                "- clause[1.1].id = \"1.1\"",
                "- clause[1.1].when = \"x\"",
                "~ clause[1.2].when: \"y\" → \"z\"",
                "+ b = 2",
                "+ clause[1.3].id = \"1.3\"",
                "+ clause[1.3].when = \"y\"",
            ]
        );
        assert!(diff(old, old).unwrap().is_empty());
    }
}
