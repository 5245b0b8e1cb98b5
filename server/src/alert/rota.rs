//! Whom a page calls with an alert, by the rota: the same people to whom it goes beyond the pages.

use gradus_engine::time::Timestamp;

use crate::store::{Absence, AlertRow, Duty, UserId};

/// Returns whom the rota names for an alert at a moment, or who stands in for them; nothing where everybody of the role is
/// called: nobody is on duty who is here, it calls one person or a department, or it must not wait.
pub fn called_by_rota(
    alert: &AlertRow,
    duties: &[Duty],
    absences: &[Absence],
    now: Timestamp,
) -> Option<Vec<UserId>> {
    if alert.recipient_id.is_some() || alert.department.is_some() || alert.decision == "engage_now" {
        return None;
    }
    let at = now.millis();
    let away = |user: &UserId| {
        absences.iter().find(|one| one.user_id == *user && one.from_ms <= at && one.until_ms > at)
    };
    let theirs = |duty: &&Duty| {
        let team = duty.team.is_none() || alert.team.is_none() || duty.team == alert.team;
        team && Some(&duty.role) == alert.recipient_role.as_ref() && duty.from_ms <= at && duty.until_ms > at
    };
    let here = duties.iter().filter(theirs).filter_map(|duty| match away(&duty.user_id) {
        None => Some(duty.user_id.clone()),
        Some(absence) => absence.substitute_id.clone(),
    });
    let here: Vec<UserId> = here.collect();
    (!here.is_empty()).then_some(here)
}
