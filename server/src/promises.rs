//! What was promised to customers: a reminder before it is due, an escalation when it is late, and who says that it was kept.

use anyhow::Result;
use gradus_engine::time::Millis;

use crate::desk::Desk;
use crate::store::{
    AlertId, Batch, Change, CommitmentId, CommitmentState, ConversationId, DuePromise, NewAlert, StoreError,
    UserId,
};

/// How long before its time somebody is reminded.
const REMINDER: Millis = Millis::minutes(15);

/// Tells of what falls due and of what is late; each once, also over a restart and among several nodes.
///
/// # Errors
/// When the store fails.
pub async fn watch(desk: &Desk) -> Result<()> {
    let now = desk.clock.now();
    for promise in desk.store.promises_soon(now, now.plus(REMINDER)).await? {
        tell(desk, &promise, false).await?;
    }
    for promise in desk.store.promises_late(now).await? {
        tell(desk, &promise, true).await?;
    }
    Ok(())
}

fn alert_id(promise: &CommitmentId, late: bool) -> AlertId {
    AlertId(format!("{promise}-{}", if late { "late" } else { "soon" }))
}

async fn tell(desk: &Desk, promise: &DuePromise, late: bool) -> Result<()> {
    let now = desk.clock.now();
    // Who promised, or has the case, is reminded; when it is late, the supervisors hear of it.
    let only = promise.responsible.clone().filter(|_| !late);
    let mut reach = desk.pipeline.reach("supervisor", promise.team.as_deref());
    reach.only.clone_from(&only);
    let alert = NewAlert {
        id: alert_id(&promise.id, late),
        case_id: promise.case_id.clone(),
        conversation_id: Some(promise.conversation_id.clone()),
        decision_id: None,
        decision: String::new(),
        recipient_id: only,
        recipient_role: Some("supervisor".to_owned()),
        level: 0,
        created_at: now,
        climbs_at: None,
        topic: if late { "promise_late" } else { "promise_soon" }.to_owned(),
        department: None,
        reach,
    };
    let id = alert.id.clone();
    let told = Change::PromiseTold { id: promise.id.clone(), late, at: now };
    match desk.store.commit(Batch::new().change(told).change(alert)).await {
        Ok(_) => desk.pipeline.gave(promise.conversation_id.clone(), id),
        // Another node was faster, or it was settled meanwhile.
        Err(StoreError::Refused(_)) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// Notes what became of a promise; what was told of it is over. A later word replaces an earlier one.
///
/// # Errors
/// When there is no such promise in the conversation, or the store fails.
pub async fn settle(
    desk: &Desk,
    by: &UserId,
    (conversation, promise): (&ConversationId, &CommitmentId),
    state: CommitmentState,
) -> Result<(), StoreError> {
    let known = desk.store.commitments(conversation).await?;
    if !known.iter().any(|known| known.id == *promise) {
        return Err(StoreError::Missing(format!("promise {promise}")));
    }
    let now = desk.clock.now();
    let settled = Change::SettlePromise { id: promise.clone(), state, by: Some(by.clone()), at: now };
    let mut batch = Batch::new().change(settled);
    for late in [false, true] {
        let id = alert_id(promise, late);
        if desk.store.alert(&id).await?.is_some_and(|alert| alert.ended_at_ms.is_none()) {
            batch = batch
                .change(Change::AcknowledgeAlert { id: id.clone(), by: by.clone(), at: now })
                .change(Change::EndAlert { id, state: "handled".to_owned(), at: now });
        }
    }
    desk.store.commit(batch).await?;
    desk.store.audit(now, &by.0, "promise.settle", &format!("promise:{promise}"), state.name()).await?;
    desk.pipeline.changed(conversation.clone());
    Ok(())
}
