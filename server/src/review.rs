//! The review meeting: which conversations of a week are looked at together, why each, and from which moment. Every test is
//! stated here and in `docs/report.md`; a person can add, leave out and move the moment.

use crate::learn::turned;
use crate::store::{HeatRow, ReviewTalk};

/// Heat at the end from which a conversation counts as lost.
pub const LOST: i64 = 60;
/// Conversations of one sort on the list.
pub const MOST_OF_A_SORT: usize = 10;

/// Why a conversation is on the list, in the order of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// The abuse ladder was climbed.
    Abusive,
    /// It ended hot, or the customer is gone.
    Lost,
    /// It was hot and cooled down.
    Instructive,
    /// Somebody put it there.
    ByHand,
}

impl Why {
    /// Returns the name in the store and in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Abusive => "abusive",
            Self::Lost => "lost",
            Self::Instructive => "instructive",
            Self::ByHand => "by_hand",
        }
    }
}

/// A conversation on the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Which.
    pub talk: ReviewTalk,
    /// Why.
    pub why: Why,
    /// The utterance to play from.
    pub moment: i64,
}

/// Returns why a conversation is to be looked at, with its moment; nothing where there is no reason.
pub fn judge(talk: &ReviewTalk, curve: &[HeatRow]) -> Option<(Why, i64)> {
    let hottest = curve.iter().max_by_key(|point| (point.value, -point.utterance));
    let hottest = hottest.map_or(0, |point| point.utterance);
    if let Some(step) = talk.abuse_at {
        return Some((Why::Abusive, step));
    }
    let gone = talk.contract_status.as_deref() == Some("ended") && talk.heat_max >= LOST;
    if talk.heat_last >= LOST || gone {
        return Some((Why::Lost, hottest));
    }
    if let Some(turned) = turned(curve) {
        return Some((Why::Instructive, turned.at));
    }
    (talk.said_why.as_deref() == Some(Why::ByHand.name())).then_some((Why::ByHand, hottest))
}

/// Returns the list: abusive, lost, instructive, then what people added; of each sort the hottest first, at most ten of what
/// nobody has spoken about.
pub fn list<'a>(talks: Vec<ReviewTalk>, curve: impl Fn(&ReviewTalk) -> &'a [HeatRow]) -> Vec<Item> {
    let mut items: Vec<Item> = talks
        .into_iter()
        .filter_map(|talk| {
            let (why, moment) = judge(&talk, curve(&talk))?;
            Some(Item { moment: talk.said_moment.unwrap_or(moment), why, talk })
        })
        .collect();
    items.sort_by(|one, other| {
        let key = |item: &Item| (item.why, -item.talk.heat_max, item.talk.started_at_ms);
        key(one).cmp(&key(other)).then_with(|| one.talk.id.as_str().cmp(other.talk.id.as_str()))
    });
    let mut counts = std::collections::BTreeMap::<Why, usize>::new();
    items.retain(|item| {
        let count = counts.entry(item.why).or_default();
        *count += 1;
        *count <= MOST_OF_A_SORT || item.talk.said_state.is_some()
    });
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    fn talk(id: &str, heat_max: i64, heat_last: i64) -> ReviewTalk {
        ReviewTalk {
            id: id.into(),
            channel: "call".into(),
            started_at_ms: 0,
            recording_key: None,
            customer_name: None,
            contract_status: None,
            agent_name: None,
            reason: None,
            case_id: None,
            heat_max,
            heat_last,
            abuse_at: None,
            said_why: None,
            said_moment: None,
            said_state: None,
            note: None,
            decision: None,
            said_by_name: None,
            said_at_ms: None,
        }
    }

    fn curve(values: &[i64]) -> Vec<HeatRow> {
        let point = |(utterance, value): (i64, &i64)| HeatRow {
            utterance,
            at_ms: utterance,
            value: *value,
            causes: "[]".into(),
        };
        (0..).zip(values).map(point).collect()
    }

    #[test]
    fn a_conversation_is_abusive_lost_or_instructive_and_its_moment_is_the_step_the_peak_or_the_turn() {
        let hot = curve(&[10, 80, 75]);
        let mut abusive = talk("a", 80, 75);
        abusive.abuse_at = Some(2);
        assert_eq!(judge(&abusive, &hot), Some((Why::Abusive, 2)));
        assert_eq!(judge(&talk("b", 80, 75), &hot), Some((Why::Lost, 1)));
        let cooled = curve(&[10, 60, 20, 15, 10]);
        assert_eq!(judge(&talk("c", 60, 10), &cooled), Some((Why::Instructive, 2)));
        let mut gone = talk("d", 60, 10);
        gone.contract_status = Some("ended".into());
        assert_eq!(judge(&gone, &cooled), Some((Why::Lost, 1)));
        assert_eq!(judge(&talk("e", 30, 20), &curve(&[30, 20])), None);
        let mut added = talk("f", 30, 20);
        added.said_why = Some("by_hand".into());
        assert_eq!(judge(&added, &curve(&[30, 20])), Some((Why::ByHand, 0)));
        assert_eq!(judge(&talk("g", 0, 0), &[]), None);
    }

    #[test]
    fn of_each_sort_the_hottest_come_first_and_what_was_spoken_about_stays() {
        let mut talks: Vec<ReviewTalk> = (0..13).map(|at| talk(&format!("t{at:02}"), 61 + at, 61)).collect();
        talks[0].said_state = Some("discussed".into());
        talks[0].said_moment = Some(7);
        talks[5].abuse_at = Some(3);
        let items = list(talks, |_| &[]);
        let names: Vec<&str> = items.iter().map(|item| item.talk.id.as_str()).collect();
        assert_eq!(names[..3], ["t05", "t12", "t11"]);
        assert_eq!((names.len(), names[11], items[11].moment), (12, "t00", 7));
        assert!(!names.contains(&"t01"), "the mildest of thirteen that nobody spoke about");
    }
}
