//! What people do with an incident: its customers hear one text, and when its cause is gone their cases are closed or their
//! owners are told.
//!
//! Each case is moved by itself, through the engine: what one of them refuses (it was resolved meanwhile) is passed over. The
//! incident is closed last, so that a standstill on the way leaves it open and the same call ends the rest.

use std::collections::BTreeSet;

use gradus_engine::case::{Action, Resolution};

use crate::desk::{Desk, digest};
use crate::mask::MaskedText;
use crate::pipeline::ActError;
use crate::store::{CaseRow, IncidentRow, UserId};

/// What becomes of the open cases of an incident whose cause is gone.
#[derive(Clone, Debug)]
pub enum Ending {
    /// They are closed, all with this resolution.
    Resolve(Resolution),
    /// Their owners are told, and speak with each customer themselves.
    Wake,
}

/// To how many cases it applied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reached {
    /// Cases that were moved.
    pub cases: u32,
    /// Cases that refused, such as one that was resolved meanwhile.
    pub passed_over: u32,
}

impl Desk {
    /// Returns the open cases of an incident that somebody may see, each once.
    ///
    /// # Errors
    /// When the store fails.
    async fn open_cases(
        &self,
        incident: &IncidentRow,
        sees: impl Fn(Option<&str>) -> bool,
    ) -> Result<Vec<CaseRow>, ActError> {
        let members = self.store.incident_members(incident.id).await.map_err(anyhow::Error::from)?;
        let mut known = BTreeSet::new();
        let mut cases = Vec::new();
        for member in members {
            let Some(id) = member.case_id.filter(|_| member.case_closed_at_ms.is_none()) else { continue };
            if known.insert(id.clone())
                && let Some(row) = self.store.case(&id).await.map_err(anyhow::Error::from)?
                && sees(row.team.as_deref())
            {
                cases.push(row);
            }
        }
        Ok(cases)
    }

    /// Tells the customers of an incident one text: it is noted in each of their open cases, whose clocks follow.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn inform_incident(
        &self,
        by: &UserId,
        incident: &IncidentRow,
        sees: impl Fn(Option<&str>) -> bool,
        (text, again_minutes): (&str, Option<u32>),
    ) -> Result<Reached, ActError> {
        let text = MaskedText::of(text);
        let action = Action::Inform { text_sha256: digest(text.as_bytes()), again_minutes };
        let cases = self.open_cases(incident, sees).await?;
        let reached = self.move_all(by, &cases, &action, Some(&text)).await?;
        let now = self.clock.now();
        let told = i64::from(reached.cases);
        self.store.say_of_incident(incident.id, (by, now), told, &text).await.map_err(anyhow::Error::from)?;
        self.note_incident(by, incident, "incident.inform", &format!("{told} cases")).await?;
        Ok(reached)
    }

    /// Closes an incident, and closes its cases or wakes their owners.
    ///
    /// # Errors
    /// When the resolution lacks something, or the store fails.
    pub async fn close_incident(
        &self,
        by: &UserId,
        incident: &IncidentRow,
        sees: impl Fn(Option<&str>) -> bool,
        (conclusion, ending): (&str, Ending),
    ) -> Result<Reached, ActError> {
        let conclusion = MaskedText::of(conclusion);
        let action = match ending {
            Ending::Resolve(resolution) => {
                resolution.check()?;
                Action::Resolve { resolution }
            }
            Ending::Wake => Action::CauseGone {
                incident: u64::try_from(incident.id).unwrap_or(0),
                text_sha256: digest(conclusion.as_bytes()),
            },
        };
        let cases = self.open_cases(incident, sees).await?;
        let saying = matches!(action, Action::CauseGone { .. }).then_some(&conclusion);
        let reached = self.move_all(by, &cases, &action, saying).await?;
        let at = self.clock.now();
        self.store.close_incident(incident.id, (by, at), &conclusion).await.map_err(anyhow::Error::from)?;
        self.pipeline.close_incident(u64::try_from(incident.id).unwrap_or(0)).await;
        self.note_incident(by, incident, "incident.close", &format!("{} cases", reached.cases)).await?;
        Ok(reached)
    }

    /// Names an incident.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn name_incident(
        &self,
        by: &UserId,
        incident: &IncidentRow,
        title: &str,
    ) -> Result<(), ActError> {
        let title = MaskedText::of(title);
        self.store.name_incident(incident.id, &title).await.map_err(anyhow::Error::from)?;
        self.note_incident(by, incident, "incident.name", "").await
    }

    async fn move_all(
        &self,
        by: &UserId,
        cases: &[CaseRow],
        action: &Action,
        saying: Option<&MaskedText>,
    ) -> Result<Reached, ActError> {
        let mut reached = Reached::default();
        for row in cases {
            match self.act_saying(by, row, action.clone(), saying.cloned()).await {
                Ok(()) => reached.cases += 1,
                Err(ActError::Refused(_) | ActError::NoCase) => reached.passed_over += 1,
                Err(error) => return Err(error),
            }
        }
        Ok(reached)
    }

    async fn note_incident(
        &self,
        by: &UserId,
        incident: &IncidentRow,
        what: &str,
        detail: &str,
    ) -> Result<(), ActError> {
        let (now, object) = (self.clock.now(), format!("incident:{}", incident.number));
        self.store.audit(now, &by.0, what, &object, detail).await.map_err(anyhow::Error::from)?;
        Ok(())
    }
}
