//! Forms of quality cards as files: questions that the conversation answers by itself, and questions for a person.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use gradus_engine::signal::SignalKind;
use serde::Deserialize;

/// The form that ships.
const BUILTIN: (&str, &str) = ("service.toml", include_str!("../../quality/service.toml"));

/// A form.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Form {
    /// Its name, in addresses.
    pub id: String,
    /// Its version: cards remember by which they were made.
    pub version: i64,
    /// Its title.
    pub title: String,
    /// Its questions.
    #[serde(rename = "question")]
    pub questions: Vec<Question>,
}

/// A question.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Its name within the form.
    pub id: String,
    /// The part of the form it stands in.
    pub part: String,
    /// What is asked.
    pub text: String,
    /// What a yes is worth, 1–100.
    pub points: u32,
    /// Whether a no makes the whole card zero.
    #[serde(default)]
    pub critical: bool,
    /// How the conversation answers it; a person answers it where this is absent.
    pub auto: Option<Auto>,
}

/// How a conversation answers a question: exactly one of `any`, `none`, `attempts`, `cools_by`, `ladder`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Auto {
    /// Yes when the agent did one of these.
    pub any: Vec<SignalKind>,
    /// Yes when the agent did none of these.
    pub none: Vec<SignalKind>,
    /// Yes when the agent made so many attempts before somebody was called; not asked where nobody was.
    pub attempts: Option<i64>,
    /// Yes when heat fell by so much from its peak to the end.
    pub cools_by: Option<i64>,
    /// Yes when the abuse ladder was climbed in its order; not asked where there was no abuse.
    pub ladder: bool,
    /// Only within so many seconds from the start.
    pub within_s: Option<i64>,
    /// Asked only when the customer did one of these, and then from there on.
    pub given: Vec<SignalKind>,
    /// Asked only when the agent did one of these.
    pub given_agent: Vec<SignalKind>,
}

/// The forms of the company.
#[derive(Debug, Default)]
pub struct Forms(Vec<Arc<Form>>);

impl Forms {
    /// Reads the form that ships, and those of a folder besides; one of the folder replaces one of the same id.
    ///
    /// # Errors
    /// Every fault of a file with its name and cure.
    pub fn open(folder: Option<&Path>) -> Result<Self> {
        let mut forms = vec![Arc::new(parse(BUILTIN.0, BUILTIN.1)?)];
        let Some(folder) = folder else { return Ok(Self(forms)) };
        let entries = std::fs::read_dir(folder)
            .with_context(|| format!("quality.folder: cannot read {}", folder.display()))?;
        let mut files: Vec<_> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
        files.retain(|path| path.extension().is_some_and(|end| end == "toml"));
        files.sort();
        for file in files {
            let text =
                std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
            let form = Arc::new(parse(&file.display().to_string(), &text)?);
            match forms.iter_mut().find(|known| known.id == form.id) {
                Some(known) => *known = form,
                None => forms.push(form),
            }
        }
        Ok(Self(forms))
    }

    /// Returns every form.
    pub fn all(&self) -> &[Arc<Form>] {
        &self.0
    }

    /// Returns a form by its id.
    pub fn get(&self, id: &str) -> Option<Arc<Form>> {
        self.0.iter().find(|known| known.id == id).cloned()
    }

    /// Returns the form that cards are made by when none is named: the first.
    pub fn first(&self) -> Option<Arc<Form>> {
        self.0.first().cloned()
    }
}

/// Reads a form.
///
/// # Errors
/// The first fault, with the file, the question and the cure.
pub fn parse(name: &str, text: &str) -> Result<Form> {
    let form: Form = toml::from_str(text).with_context(|| format!("{name} is no form of a quality card"))?;
    let plain =
        |id: &str| !id.is_empty() && id.bytes().all(|sign| sign.is_ascii_alphanumeric() || sign == b'_');
    if !plain(&form.id) {
        bail!("{name}: id \"{}\": letters a–z, digits and _ alone", form.id);
    }
    if form.questions.is_empty() {
        bail!("{name}: no [[question]]: a form asks at least one");
    }
    let mut seen = std::collections::BTreeSet::new();
    for question in &form.questions {
        let at = format!("{name}: question \"{}\"", question.id);
        if !plain(&question.id) || !seen.insert(&question.id) {
            bail!("{at}: its id is letters a–z, digits and _, and once in the form");
        }
        if !(1..=100).contains(&question.points) {
            bail!("{at}: points {} are not 1 to 100", question.points);
        }
        if let Some(auto) = &question.auto {
            check(auto).with_context(|| at)?;
        }
    }
    Ok(form)
}

fn check(auto: &Auto) -> Result<()> {
    let ways = [
        !auto.any.is_empty(),
        !auto.none.is_empty(),
        auto.attempts.is_some(),
        auto.cools_by.is_some(),
        auto.ladder,
    ];
    if ways.iter().filter(|way| **way).count() != 1 {
        bail!("auto: exactly one of any, none, attempts, cools_by, ladder");
    }
    if auto.within_s.is_some_and(|seconds| seconds < 1) {
        bail!("auto: within_s is 1 or more");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_that_ships_is_right_and_a_wrong_one_says_where_and_how() {
        let forms = Forms::open(None).unwrap();
        let form = forms.first().unwrap();
        assert!(form.questions.len() >= 10 && form.questions.iter().any(|question| question.auto.is_none()));
        let wrong = |question: &str| {
            let text = format!(
                "id = \"a\"\nversion = 1\ntitle = \"А\"\n[[question]]\npart = \"п\"\ntext = \"т\"\n{question}"
            );
            format!("{:#}", parse("a.toml", &text).unwrap_err())
        };
        assert!(wrong("id = \"q\"\npoints = 0").contains("question \"q\": points 0 are not 1 to 100"));
        assert!(wrong("id = \"q-1\"\npoints = 5").contains("letters a–z"));
        assert!(wrong("id = \"q\"\npoints = 5\nauto = { within_s = 5 }").contains("exactly one of any"));
        assert!(wrong("id = \"q\"\npoints = 5\nauto = { any = [\"smile\"] }").contains("smile"));
        assert!(wrong("id = \"q\"\npoints = 5\nwho = 1").contains("who"));
    }

    #[test]
    fn a_form_of_the_company_replaces_the_one_of_the_same_id() {
        let folder = tempfile::tempdir().unwrap();
        let own = BUILTIN.1.replace("version = 1", "version = 7");
        std::fs::write(folder.path().join("own.toml"), own).unwrap();
        std::fs::write(folder.path().join("readme.md"), "no form").unwrap();
        let forms = Forms::open(Some(folder.path())).unwrap();
        assert_eq!((forms.all().len(), forms.get("service").unwrap().version), (1, 7));
        assert!(Forms::open(Some(Path::new("/nowhere"))).unwrap_err().to_string().contains("quality.folder"));
    }
}
