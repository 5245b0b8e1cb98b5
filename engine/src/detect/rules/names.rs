//! Words and feature lists of rule files by number: each is kept once, however many rules use it.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::pattern::Feature;

/// The number of a word as written in lower case with е for ё.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Name(u32);

/// The number of a list of features; the default is the empty list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Features(u32);

impl Name {
    /// Returns a number in which neighbours differ in every bit.
    pub(crate) fn spread(self) -> u32 {
        spread(self.0)
    }
}

impl Features {
    /// No feature is asked for.
    pub const NONE: Self = Self(0);

    /// Returns a number in which neighbours differ in every bit.
    pub(crate) fn spread(self) -> u32 {
        spread(self.0)
    }
}

fn spread(number: u32) -> u32 {
    number.wrapping_mul(0x9E37_79B9) >> 16
}

/// Everything numbered so far.
#[derive(Clone, Debug)]
pub struct Names {
    texts: Vec<Arc<str>>,
    by_text: FxHashMap<Arc<str>, Name>,
    features: Vec<Arc<[Feature]>>,
    by_features: FxHashMap<Arc<[Feature]>, Features>,
    /// Lists already joined.
    joined: FxHashMap<(Features, Features), Features>,
}

impl Default for Names {
    fn default() -> Self {
        let none: Arc<[Feature]> = Arc::new([]);
        Self {
            texts: Vec::new(),
            by_text: FxHashMap::default(),
            features: vec![none.clone()],
            by_features: FxHashMap::from_iter([(none, Features::NONE)]),
            joined: FxHashMap::default(),
        }
    }
}

impl Names {
    /// Returns the number of a word.
    pub fn name(&mut self, text: &str) -> Name {
        if let Some(name) = self.by_text.get(text) {
            return *name;
        }
        let name = Name(self.texts.len() as u32);
        let text: Arc<str> = text.into();
        self.texts.push(text.clone());
        self.by_text.insert(text, name);
        name
    }

    /// Returns the word of a number.
    pub fn text(&self, name: Name) -> &Arc<str> {
        &self.texts[name.0 as usize]
    }

    /// Returns the number of a list of features.
    pub fn features(&mut self, list: Vec<Feature>) -> Features {
        if let Some(known) = self.by_features.get(list.as_slice()) {
            return *known;
        }
        let features = Features(self.features.len() as u32);
        let list: Arc<[Feature]> = list.into();
        self.features.push(list.clone());
        self.by_features.insert(list, features);
        features
    }

    /// Returns the list of a number.
    pub fn list(&self, features: Features) -> &Arc<[Feature]> {
        &self.features[features.0 as usize]
    }

    /// Returns the list of `own` with those of `lent` behind it, which are asked of a whole macro or group.
    pub fn lend(&mut self, own: Features, lent: Features) -> Features {
        if lent == Features::NONE {
            return own;
        }
        if let Some(known) = self.joined.get(&(own, lent)) {
            return *known;
        }
        let lent_list = self.list(lent).iter().map(|one| Feature { lent: true, ..one.clone() });
        let list = self.list(own).iter().cloned().chain(lent_list).collect();
        let whole = self.features(list);
        self.joined.insert((own, lent), whole);
        whole
    }

    /// Returns both lists as one, for a macro that is given features of its own.
    pub fn append(&mut self, own: Features, more: Features) -> Features {
        if more == Features::NONE {
            return own;
        }
        let list = self.list(own).iter().chain(self.list(more).iter()).cloned().collect();
        self.features(list)
    }
}
