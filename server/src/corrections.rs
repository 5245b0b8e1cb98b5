//! Correcting who said an utterance and what was said: the words before are kept, the signals are those of the corrected
//! words by the rules in force, and what was decided on what was heard stays decided.

use gradus_engine::signal::{Channel, Party};
use gradus_engine::time::Timestamp;

use crate::desk::Desk;
use crate::mask::MaskedText;
use crate::store::{ConversationRow, ConversationStatus, Correction, Signal, StoreError, UserId};

/// Longest text of a correction, in code points.
pub const LONGEST: usize = 10_000;

/// What is corrected in an utterance; what is left out stays.
#[derive(Clone, Debug, Default)]
pub struct Corrected {
    /// Which utterance.
    pub utterance: i64,
    /// Who said it.
    pub party: Option<Party>,
    /// What was said.
    pub text: Option<String>,
}

/// Corrects an utterance in the name of a person. What changes nothing is passed over.
///
/// # Errors
/// [`StoreError::Missing`] when there is no such utterance, [`StoreError::Refused`] while the conversation goes on, when its
/// words were erased, or when the text is empty or too long.
pub async fn correct(
    desk: &Desk,
    by: &UserId,
    talk: &ConversationRow,
    new: Corrected,
) -> Result<(), StoreError> {
    if talk.status != ConversationStatus::Ended.name() {
        return Err(StoreError::Refused("the conversation goes on: correct it when it is over".into()));
    }
    let said = desk.store.utterances(&talk.id).await?;
    let said = said.into_iter().find(|said| said.utterance == new.utterance);
    let said = said.ok_or_else(|| StoreError::Missing(format!("utterance \"{}\"", new.utterance)))?;
    let old = said.text.clone().unwrap_or_default();
    let text = new.text.map_or_else(|| old.clone(), |text| text.trim().to_owned());
    if text.is_empty() || text.chars().count() > LONGEST {
        return Err(StoreError::Refused(format!("the text: from 1 to {LONGEST} characters")));
    }
    let before: Option<Party> = said.party.parse().ok();
    let party = new.party.or(before).unwrap_or(Party::Agent);
    if text == old && before == Some(party) {
        return Ok(());
    }
    let masked = MaskedText::of(&text);
    let channel: Channel = talk.channel.parse().unwrap_or(Channel::Call);
    let ear = desk.pipeline.ear();
    let at = Timestamp::from_millis(talk.started_at_ms.saturating_add(said.start_ms));
    let signals = (0_i64..).zip(ear.signals(masked.as_str(), party, channel)).map(|(number, found)| Signal {
        conversation: talk.id.clone(),
        utterance: new.utterance,
        number,
        kind: found.kind,
        party: found.kind.party(),
        quote: Some((found.start, found.end)),
        measured: None,
        confidence: found.confidence,
        rule: found.rule,
        rules_version: ear.rules_version().to_owned(),
        at,
    });
    let (now, signals) = (desk.clock.now(), signals.collect());
    let (conversation, utterance) = (talk.id.clone(), new.utterance);
    let correction = Correction { conversation, utterance, party, text: masked, signals, by: by.clone() };
    desk.store.correct(&correction, now).await?;
    told(desk, by, talk, utterance, "utterance.correct").await
}

/// Undoes the latest correction of an utterance in the name of a person.
///
/// # Errors
/// [`StoreError::Missing`] when none stands, [`StoreError::Refused`] when the words of then were erased.
pub async fn undo(
    desk: &Desk,
    by: &UserId,
    talk: &ConversationRow,
    utterance: i64,
) -> Result<(), StoreError> {
    if !desk.store.undo_correction(&talk.id, utterance, desk.clock.now()).await? {
        return Err(StoreError::Missing(format!("correction of utterance \"{utterance}\"")));
    }
    told(desk, by, talk, utterance, "utterance.undo").await
}

async fn told(
    desk: &Desk,
    by: &UserId,
    talk: &ConversationRow,
    utterance: i64,
    what: &str,
) -> Result<(), StoreError> {
    let object = format!("utterance:{}:{utterance}", talk.id);
    desk.store.audit(desk.clock.now(), &by.0, what, &object, "").await?;
    desk.pipeline.changed(talk.id.clone());
    Ok(())
}
