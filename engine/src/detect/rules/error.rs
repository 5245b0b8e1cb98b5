//! What can be wrong with rule files, said so that the person who wrote them can cure it.

use std::fmt;
use std::sync::Arc;

/// A place in a rule file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The file's name.
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// What is wrong; the texts are shown to the quality manager who wrote the rule, hence in Russian.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The line is neither option, rule, pattern nor example.
    #[error("{what}; {cure}")]
    Syntax {
        /// What is wrong.
        what: String,
        /// What to write instead.
        cure: String,
    },
    /// A key before the colon that nobody knows.
    #[error("неизвестная настройка «{key}»; известны: {known}")]
    UnknownKey {
        /// The key as written.
        key: String,
        /// The keys that exist.
        known: String,
    },
    /// A value that the key does not take.
    #[error("«{key}: {value}» не годится; возможно: {allowed}")]
    BadValue {
        /// The key.
        key: String,
        /// The value as written.
        value: String,
        /// What is allowed.
        allowed: String,
    },
    /// A kind that is not in the closed list of signals.
    #[error("неизвестный вид сигнала «{name}»; {cure}")]
    UnknownKind {
        /// The name as written.
        name: String,
        /// The nearest name or the list.
        cure: String,
    },
    /// A macro that is not defined anywhere.
    #[error("набор «@{name}» нигде не определён; определите его строкой «@{name} = …»{near}")]
    UnknownMacro {
        /// The name as written.
        name: String,
        /// A similar name, if there is one.
        near: String,
    },
    /// A macro that needs itself.
    #[error("набор «@{name}» определён через самого себя ({path}); разорвите круг")]
    CyclicMacro {
        /// The macro.
        name: String,
        /// The way round.
        path: String,
    },
    /// Two things of one name.
    #[error("{what} «{name}» уже есть в {first}; переименуйте одно из двух")]
    Duplicate {
        /// Rule, macro, mark.
        what: &'static str,
        /// The name.
        name: String,
        /// Where the first one stands.
        first: Place,
    },
    /// An element that no word can match.
    #[error("«{element}» не может совпасть ни с одним словом; {cure}")]
    DeadElement {
        /// The element as written.
        element: String,
        /// What to write instead.
        cure: String,
    },
    /// A pattern that fits any text.
    #[error("образец подходит к любому тексту; добавьте хотя бы одно обязательное слово")]
    MatchesEverything,
    /// A pattern with more positions than the matcher takes.
    #[error(
        "образец слишком длинный: {positions} позиций при пределе {limit}; разбейте его на два или сократите промежутки"
    )]
    TooLong {
        /// What it needs.
        positions: usize,
        /// What there is.
        limit: usize,
    },
    /// A rule with nothing to match.
    #[error("у правила «{rule}» нет ни одного образца; добавьте строку со словами")]
    NoPattern {
        /// The rule.
        rule: String,
    },
    /// A rule without an example that it has to find.
    #[error("у правила «{rule}» нет примера; добавьте строку «+ текст», который оно должно находить")]
    NoExample {
        /// The rule.
        rule: String,
    },
    /// A positive example that the rule does not find.
    #[error("правило «{rule}» не находит свой пример «{example}»{why}; поправьте образец или пример")]
    Missed {
        /// The rule.
        rule: String,
        /// The text of the example.
        example: String,
        /// The guard that prevented the match, if one did.
        why: String,
    },
    /// A negative example in which the kind is found.
    #[error(
        "в «{example}» найдено «{quote}» правилом «{by}», а не должно; сузьте правило или уберите пример"
    )]
    FalseAlarm {
        /// The text of the example.
        example: String,
        /// What was found.
        quote: String,
        /// The rule that fired.
        by: String,
    },
}

/// One thing wrong with a rule file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {fault}")]
pub struct RuleError {
    /// Where.
    pub place: Place,
    /// What, and the cure.
    pub fault: Fault,
}

/// Returns of `known` the name nearest to `name`, if any is near enough to be a slip.
pub(crate) fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let limit = (name.chars().count() / 3).max(1);
    let near = known.into_iter().map(|one| (crate::detect::fuzzy::distance(name, one, limit + 1), one));
    near.filter(|(distance, _)| *distance <= limit).min().map(|(_, one)| one)
}
