//! Measuring whole conversations: does each expected decision come in its window, and none that is wrong.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;

/// What has to happen in one conversation; a line of the file of expectations.
#[derive(Clone, Debug, Deserialize)]
pub struct Expected {
    /// Name of the conversation's file.
    pub file: String,
    /// Decisions that must come.
    pub expected: Vec<ExpectedDecision>,
    /// Decisions that would be wrong anywhere.
    #[serde(default)]
    pub must_not: Vec<String>,
}

/// A decision and the window of utterances in which it must come.
#[derive(Clone, Debug, Deserialize)]
pub struct ExpectedDecision {
    /// Its name.
    pub decision: String,
    /// Its reason.
    pub reason: String,
    /// First utterance at which it is not too early.
    pub not_before: i64,
    /// Last utterance at which it is not too late.
    pub by: i64,
    /// The step of the abuse ladder, where it matters.
    #[serde(default)]
    pub step: Option<String>,
}

/// Decisions that are scored; watching, hints and paperwork are not.
const SCORED: &[&str] = &["engage", "engage_now", "abuse_step"];

/// Reads the file of expectations: a JSON object a line.
///
/// # Errors
/// Names the line that is wrong.
pub fn read_expected(path: &Path) -> Result<BTreeMap<String, Expected>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut known = BTreeMap::new();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let expected: Expected = serde_json::from_str(line).with_context(|| {
            format!("{}:{number}: a line is an object with file, expected, must_not", path.display())
        })?;
        known.insert(expected.file.clone(), expected);
    }
    Ok(known)
}

/// Returns what is wrong with the judgement of a conversation, as `gradus analyze` prints it; nothing when all is right.
pub fn faults(expected: &Expected, judged: &Value) -> Vec<String> {
    let decisions: Vec<Decided<'_>> =
        judged["decisions"].as_array().into_iter().flatten().map(Decided::of).collect();
    let scored = |decision: &str| SCORED.contains(&decision);
    let mut faults = Vec::new();
    for wanted in expected.expected.iter().filter(|wanted| scored(&wanted.decision)) {
        let come = |decided: &Decided<'_>| {
            decided.decision == wanted.decision
                && decided.reason == wanted.reason
                && (wanted.not_before..=wanted.by).contains(&decided.utterance)
                && wanted.step.as_deref().is_none_or(|step| decided.step == Some(step))
        };
        if !decisions.iter().any(come) {
            faults.push(format!(
                "missing {} {} {} in {}–{}",
                wanted.decision,
                wanted.reason,
                wanted.step.as_deref().unwrap_or_default(),
                wanted.not_before,
                wanted.by
            ));
        }
    }
    for decided in &decisions {
        let supervisor = matches!(decided.decision, "engage" | "engage_now");
        let wanted = |wanted: &ExpectedDecision| {
            wanted.decision == decided.decision && wanted.reason == decided.reason
        };
        let wrong = if supervisor {
            !expected.expected.iter().any(wanted)
        } else {
            expected.must_not.iter().any(|not| not == decided.decision)
        };
        if wrong {
            faults.push(format!(
                "wrong {} {} at {} by {}",
                decided.decision, decided.reason, decided.utterance, decided.evidence
            ));
        }
    }
    faults
}

/// A decision as it was printed.
struct Decided<'v> {
    decision: &'v str,
    reason: &'v str,
    step: Option<&'v str>,
    utterance: i64,
    evidence: String,
}

impl<'v> Decided<'v> {
    fn of(printed: &'v Value) -> Self {
        let text = |key: &str| printed[key].as_str();
        let quotes = printed["evidence"].as_array().into_iter().flatten().map(|evidence| {
            format!(
                "{} «{}»",
                evidence["signal"].as_str().unwrap_or_default(),
                evidence["quote"].as_str().unwrap_or_default()
            )
        });
        Self {
            decision: text("decision").unwrap_or_default(),
            reason: text("reason").unwrap_or_default(),
            step: text("step"),
            utterance: printed["utterance"].as_i64().unwrap_or(-1),
            evidence: quotes.collect::<Vec<_>>().join(", "),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn expected() -> Expected {
        serde_json::from_value(json!({
            "file": "a.vcon.json", "must_not": ["abuse_step"],
            "expected": [
                {"decision": "engage_now", "reason": "legal", "not_before": 4, "by": 6},
                {"decision": "coach", "reason": "bargaining", "not_before": 1, "by": 2},
            ],
        }))
        .unwrap()
    }

    fn decided(decisions: Value) -> Value {
        json!({ "decisions": decisions })
    }

    #[test]
    fn right_is_every_scored_decision_in_its_window_and_none_besides() {
        let at = |utterance| json!({"decision": "engage_now", "reason": "legal", "utterance": utterance});
        assert!(faults(&expected(), &decided(json!([at(5)]))).is_empty());
        assert_eq!(faults(&expected(), &decided(json!([at(7)]))).len(), 1, "too late");
        assert_eq!(faults(&expected(), &decided(json!([]))).len(), 1, "missing");
        let churn = json!({"decision": "engage_now", "reason": "churn", "utterance": 5});
        assert_eq!(faults(&expected(), &decided(json!([at(4), churn]))).len(), 1, "one too many");
        let abuse =
            json!({"decision": "abuse_step", "reason": "insult", "step": "warning_1", "utterance": 5});
        assert_eq!(faults(&expected(), &decided(json!([at(4), abuse]))).len(), 1, "must not");
    }
}
