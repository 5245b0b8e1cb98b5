//! Sample rows as the store would return them.

use gradus_engine::decision::DecisionKind;
use gradus_engine::protocol::Protocol;
use serde_json::json;

use crate::backtest::{Backtest, Both};
use crate::queue::QueueFigures;
use crate::report::{Costs, Figures, Hot, Report, Spread};
use crate::store::{
    AlertId, AlertRow, ArchiveFound, ArchiveHit, AskRow, Behind, CaseId, CaseRow, ClockRow, CommitmentId,
    CommitmentRow, ConversationId, ConversationPage, ConversationRow, Customer, CustomerId, CustomerNote,
    DecisionId, DecisionRow, DeliveryRow, DocumentRow, Evidence, HeatRow, IncidentRow, MemberRow, NewParty,
    Purchase, QueueShare, QueuedRecording, Rating, RelatedRow, SignalRow, TaskRow, TimelineRow, User, UserId,
    UtteranceRow, Weekly, WordsRow,
};
use crate::tasks::{Comeback, Verdict};
use crate::web::Words;
use crate::web::tasks::{CaseTasks, TaskLine, shown};

/// Tuesday, 2026-11-24, 15:20 in Moscow.
pub const NOW: i64 = 1_795_522_800_000;

pub fn protocol() -> Protocol {
    crate::ears::protocol(None).unwrap()
}

fn row(id: &str, customer: &str, channel: &str, heat: i64) -> ConversationRow {
    ConversationRow {
        id: ConversationId(id.into()),
        channel: channel.into(),
        status: "live".into(),
        started_at_ms: NOW - 372_000,
        ended_at_ms: None,
        customer_id: Some(CustomerId("c011".into())),
        customer_name: Some(customer.into()),
        customer_mark: None,
        revenue_rank: None,
        growth_rank: None,
        agent_id: None,
        agent_name: Some("Ольга Нечаева".into()),
        team: None,
        subject: None,
        source: None,
        recording_key: None,
        sound: None,
        note: None,
        history_before_ms: None,
        utterances: 12,
        heat_last: heat,
        heat_max: heat,
        heat_at_ms: NOW,
        calmed_at: None,
        attempts: 0,
        decision: None,
        decision_reason: None,
        decision_at_ms: None,
        quote: None,
        quote_kind: None,
        quote_utterance: None,
        hints: None,
        case_id: None,
        case_number: None,
        case_state: None,
        case_due_at_ms: None,
        owner_id: None,
        owner_name: None,
    }
}

fn curve(values: &[i64]) -> Vec<HeatRow> {
    let point =
        |(at, value): (i64, &i64)| HeatRow { utterance: at, at_ms: NOW, value: *value, causes: "[]".into() };
    (0..).zip(values).map(point).collect()
}

pub fn board() -> Vec<(ConversationRow, Vec<HeatRow>)> {
    let mut court = row("c1", "Кузьмина Татьяна Сергеевна", "call", 91);
    court.decision = Some("engage_now".into());
    court.decision_reason = Some("legal".into());
    court.quote = Some("я подам на вас в суд и в роспотребнадзор, у меня все чеки".into());
    court.quote_kind = Some("legal_threat".into());
    court.case_id = Some(CaseId("k1".into()));
    court.case_number = Some(118);
    court.case_state = Some("open".into());
    court.case_due_at_ms = Some(NOW + 21_000);
    court.revenue_rank = Some(4);
    let mut channel = row("c2", "Руслан Ахметов", "chat", 68);
    channel.decision = Some("engage_now".into());
    channel.decision_reason = Some("reputation".into());
    channel.quote = Some("а у меня канал на 40 тысяч подписчиков, как раз ищу тему на выходные".into());
    channel.quote_kind = Some("reputation_threat".into());
    channel.case_id = Some(CaseId("k2".into()));
    channel.case_number = Some(117);
    channel.case_state = Some("in_work".into());
    channel.case_due_at_ms = Some(NOW + 25_000_000);
    channel.owner_name = Some("Игорь Панов".into());
    let mut rude = row("c3", "Бурдин Олег", "call", 54);
    rude.customer_mark = Some("конфликтный".into());
    rude.decision = Some("abuse_step".into());
    rude.decision_reason = Some("insult".into());
    rude.quote = Some("вы там совсем тупые сидите".into());
    rude.quote_kind = Some("insult".into());
    let mut bargain = row("c4", "ООО «Стройсервис-Урал»", "email", 33);
    bargain.decision = Some("coach".into());
    bargain.decision_reason = Some("bargaining".into());
    bargain.quote = Some("при таком объёме рассчитываем минимум на 15 процентов".into());
    bargain.quote_kind = Some("concession_demand".into());
    bargain.started_at_ms = NOW - 7_300_000;
    let mut calm = row("c5", "Гусарова Ирина", "chat", 4);
    calm.quote_kind = None;
    let mut unknown = row("c6", "", "call", 0);
    unknown.customer_name = None;
    unknown.customer_id = None;
    unknown.started_at_ms = NOW - 9_000;
    vec![
        (court, curve(&[0, 9, 20, 31, 28, 44, 52, 60, 58, 91])),
        (channel, curve(&[10, 12, 24, 40, 55, 70, 82, 76, 68])),
        (rude, curve(&[5, 20, 48, 40, 54])),
        (bargain, curve(&[0, 6, 12, 30, 33])),
        (calm, curve(&[12, 8, 4])),
        (unknown, curve(&[])),
    ]
}

pub fn alerts() -> Vec<AlertRow> {
    let alert = |id: &str, decision: &str, reason: &str, number, repeats| AlertRow {
        id: AlertId(id.into()),
        number: Some(number - 20),
        case_id: Some(CaseId("k1".into())),
        case_number: Some(number),
        conversation_id: Some(ConversationId("c1".into())),
        decision_id: None,
        decision: decision.into(),
        reason: Some(reason.into()),
        recipient_id: None,
        recipient_role: Some("supervisor".into()),
        level: 0,
        topic: "case".into(),
        department: None,
        team: None,
        state: "open".into(),
        repeats,
        created_at_ms: NOW - 9_000,
        delivered_at_ms: None,
        acknowledged_at_ms: None,
        acknowledged_by: None,
        climbs_at_ms: Some(NOW + 21_000),
        ended_at_ms: None,
        verdict: (repeats > 0).then(|| "wrong".into()),
        verdict_reason: (repeats > 0).then(|| "misheard".into()),
        verdict_by: None,
    };
    vec![alert("a1", "engage_now", "legal", 118, 0), alert("a2", "engage", "three_attempts", 116, 1)]
}

/// Deliveries in every state.
pub fn deliveries() -> Vec<DeliveryRow> {
    let row = |user: &str, name: Option<&str>, channel: &str, state: &str, error: Option<&str>| DeliveryRow {
        alert_id: AlertId("a1".into()),
        number: Some(98),
        case_id: Some(CaseId("k1".into())),
        user_id: UserId(user.into()),
        user_name: name.map(str::to_owned),
        channel: channel.into(),
        state: state.into(),
        round: 1,
        attempts: 2,
        created_at_ms: NOW - 9_000,
        next_try_ms: NOW + 5_000,
        sent_at_ms: (state == "sent").then_some(NOW - 8_000),
        error: error.map(str::to_owned),
    };
    let anna = Some("Анна Власова");
    vec![
        row("user-rop", anna, "telegram", "sent", None),
        row("user-rop", anna, "email", "failed", Some("mail.example.ru did not answer in time")),
        row("", None, "webhook:crm", "dead", Some("crm.example.ru: 410, it wants no more messages")),
        row("user-two", Some("Игорь Панов"), "email", "waiting", None),
        row("user-two", Some("Игорь Панов"), "telegram", "dropped", None),
    ]
}

/// Recordings in every state, and the figures of the queue.
pub fn recordings() -> (Vec<QueuedRecording>, QueueFigures) {
    let row = |place: &str, state: &str, attempts: i64, reason: Option<&str>| QueuedRecording {
        id: format!("{:0<24}", state.len() * place.len()),
        source: if place.contains('/') { "/var/spool/asterisk/monitor".into() } else { "inbox".into() },
        place: place.into(),
        size_bytes: 4_218_000,
        about: String::new(),
        priority: if attempts == 0 { 10 } else { 0 },
        state: state.into(),
        attempts,
        due_ms: if state == "waiting" && attempts > 0 { NOW + 480_000 } else { NOW - 60_000 },
        progress: if state == "working" { 430 } else { 0 },
        reason: reason.map(str::to_owned),
        conversation_id: (state == "done").then(|| ConversationId("c-1".into())),
        queued_at_ms: NOW - 900_000,
        begun_at_ms: Some(NOW - 40_000),
        ended_at_ms: (state != "waiting").then_some(NOW - 20_000),
    };
    let rows = vec![
        row("2026/11/24/out-79991234567-101-20261124-114205-1795509725.77.wav", "working", 1, None),
        row(
            "2026/11/24/in-89001112233-20261124-113010.wav",
            "failed",
            5,
            Some("звонок.wav: there is nothing to hear in it"),
        ),
        row("9f86d081-смена-12.mp3", "waiting", 0, None),
        row(
            "2026/11/24/in-88002000600-20261124-112900.wav",
            "waiting",
            2,
            Some("the JSON beside it is wrong"),
        ),
        row("2026/11/24/in-88002000600-20261124-112811.wav", "done", 1, None),
    ];
    let share = |state: &str, count| QueueShare { state: state.into(), count, size_bytes: 1, left_bytes: 1 };
    let figures = QueueFigures {
        shares: vec![share("waiting", 248), share("working", 1), share("failed", 1), share("done", 1_312)],
        seconds_left: Some(9_000),
        trouble: vec![],
        missing: None,
        watched: vec!["/var/spool/asterisk/monitor".into(), "s3://records/2026".into()],
    };
    (rows, figures)
}

/// Party, seconds, text, signals with their quotes, heat, causes.
type Said =
    (&'static str, i64, &'static str, &'static [(&'static str, &'static str)], i64, &'static [&'static str]);

const CALL: &[Said] = &[
    ("agent", 0, "компания вектор ольга здравствуйте", &[("introduction", "ольга")], 0, &[]),
    (
        "customer",
        4,
        "здравствуйте третий раз вам звоню интернета так и нет",
        &[
            ("repeated_contact", "третий раз вам звоню"),
            ("unresolved_problem", "интернета так и нет"),
            ("outage", "интернета так и нет"),
        ],
        29,
        &["repeated_contact +10", "unresolved_problem +11", "outage +8"],
    ),
    (
        "agent",
        11,
        "понимаю сейчас посмотрю а вы роутер перезагружали",
        &[("empathy", "понимаю"), ("clarifying_question", "роутер перезагружали")],
        21,
        &["empathy -7", "clarifying_question -1"],
    ),
    (
        "customer",
        17,
        "да сколько можно я уже всё перезагружал вы меня вообще слышите",
        &[("not_heard", "вы меня вообще слышите"), ("refusal", "сколько можно")],
        45,
        &["not_heard +16", "refusal +8"],
    ),
    (
        "agent",
        24,
        "успокойтесь пожалуйста у нас такого почти не бывает",
        &[("dismissal", "успокойтесь"), ("defect_is_rare", "такого почти не бывает")],
        56,
        &["dismissal +7", "defect_is_rare +4"],
    ),
    (
        "customer",
        31,
        "что значит успокойтесь я подам на вас в суд и в роспотребнадзор у меня все чеки и договор",
        &[("legal_threat", "подам на вас в суд и в роспотребнадзор"), ("shouting", "")],
        91,
        &["legal_threat +32", "shouting +3"],
    ),
    (
        "agent",
        41,
        "приношу извинения вы правы три обращения без ответа это наша вина подключаю старшего смены",
        &[
            ("apology", "приношу извинения"),
            ("active_listening", "три обращения без ответа"),
            ("escalation_offer", "подключаю старшего смены"),
        ],
        75,
        &["apology -7", "active_listening -4", "escalation_offer -5"],
    ),
    (
        "supervisor",
        55,
        "татьяна сергеевна здравствуйте игорь панов мастер будет у вас сегодня до восемнадцати ноль ноль и спишем оплату за эти дни",
        &[
            ("introduction", "игорь панов"),
            ("time_commitment", "сегодня до восемнадцати ноль ноль"),
            ("compensation_offer", "спишем оплату за эти дни"),
        ],
        58,
        &["time_commitment -5", "compensation_offer -6", "ownership -6"],
    ),
    (
        "customer",
        71,
        "ладно хорошо буду ждать",
        &[("acceptance", "ладно хорошо")],
        41,
        &["acceptance -14", "calm -3"],
    ),
    (
        "customer",
        82,
        "спасибо что разобрались",
        &[("gratitude", "спасибо")],
        16,
        &["gratitude -22", "calm -3"],
    ),
];

fn talk(conversation: ConversationRow, said: &[Said]) -> ConversationPage {
    let parties = ["agent", "customer", "supervisor"].map(|role| NewParty {
        role: role.into(),
        name: Some(
            match role {
                "agent" => "Ольга Нечаева",
                "customer" => "Татьяна Сергеевна",
                _ => "Игорь Панов",
            }
            .into(),
        ),
        ..NewParty::default()
    });
    let speaker = |party: &str| match party {
        "agent" => 0,
        "customer" => 1,
        _ => 2,
    };
    let mut page = ConversationPage {
        conversation,
        parties: parties.to_vec(),
        utterances: Vec::new(),
        signals: Vec::new(),
        heat: Vec::new(),
        decisions: Vec::new(),
        commitments: Vec::new(),
        missed: Vec::new(),
    };
    for (index, (party, at, text, signals, heat, causes)) in (0..).zip(said) {
        page.utterances.push(UtteranceRow {
            utterance: index,
            party: if *party == "customer" { "customer" } else { "agent" }.into(),
            speaker: Some(speaker(party)),
            start_ms: at * 1000,
            end_ms: at * 1000 + 5_000,
            text: Some((*text).into()),
            words: None,
        });
        for (number, (kind, quote)) in (0..).zip(*signals) {
            page.signals.push(signal(index, number, kind, party, text, quote));
        }
        let causes = serde_json::to_string(causes).unwrap();
        page.heat.push(HeatRow { utterance: index, at_ms: NOW, value: *heat, causes });
    }
    page
}

fn signal(utterance: i64, number: i64, kind: &str, party: &str, text: &str, quote: &str) -> SignalRow {
    let start = text.find(quote).map(|byte| text[..byte].chars().count()).unwrap();
    let span = (!quote.is_empty()).then(|| (start as i64, (start + quote.chars().count()) as i64));
    SignalRow {
        utterance,
        number,
        kind: kind.into(),
        party: if party == "customer" { "customer" } else { "agent" }.into(),
        quote_start: span.map(|span| span.0),
        quote_end: span.map(|span| span.1),
        quote: (!quote.is_empty()).then(|| quote.into()),
        measured: quote.is_empty().then_some(9.4),
        confidence: 92,
        rule: format!("{kind}.main"),
        rules_version: "1".into(),
        verdict: None,
    }
}

fn decision(
    number: i64,
    utterance: i64,
    kind: DecisionKind,
    reason: &str,
    clause: &str,
    evidence: (&str, &str),
) -> DecisionRow {
    let found = Evidence { utterance, signal: evidence.0.into(), start: Some(0), end: Some(5) };
    DecisionRow {
        id: DecisionId(format!("d{number}")),
        conversation_id: ConversationId("c1".into()),
        utterance: Some(utterance),
        at_ms: NOW,
        decision: kind.name().into(),
        reason: reason.into(),
        step: None,
        clause: clause.into(),
        protocol_version: "2026.11".into(),
        rules_version: "1".into(),
        evidence: vec![(found, Some(evidence.1.into()))],
    }
}

pub fn call() -> ConversationPage {
    let mut conversation = board().remove(0).0;
    conversation.status = "ended".into();
    conversation.ended_at_ms = Some(conversation.started_at_ms + 90_000);
    conversation.heat_last = 16;
    conversation.calmed_at = Some(9);
    conversation.attempts = 1;
    conversation.recording_key = Some("x.wav".into());
    conversation.subject = Some("Нет интернета третий день".into());
    conversation.note = Some("Роли взяты по каналам: левый оператор, правый клиент.".into());
    let wave = |seed: i64| {
        (0..900)
            .map(|at: i64| {
                u8::try_from(((at * seed) % 211 * ((at / 60 + seed) % 2 * 2 + 1) / 3).min(255)).unwrap()
            })
            .collect::<Vec<u8>>()
    };
    let sound = json!({"duration_ms": 90_000, "waveform": [wave(37), wave(54)], "silence_ms": 11_000, "hold_ms": 0, "overlap_ms": 2_400});
    conversation.sound = Some(sound.to_string());
    let mut page = talk(conversation, CALL);
    page.decisions = vec![
        decision(1, 3, DecisionKind::Watch, "rising", "4.1", ("not_heard", "вы меня вообще слышите")),
        decision(
            2,
            5,
            DecisionKind::EngageNow,
            "legal",
            "1.1",
            ("legal_threat", "подам на вас в суд и в роспотребнадзор"),
        ),
        decision(
            3,
            5,
            DecisionKind::Functional,
            "legal",
            "3.1",
            ("legal_threat", "подам на вас в суд и в роспотребнадзор"),
        ),
    ];
    page.commitments = vec![CommitmentRow {
        id: CommitmentId("p1".into()),
        conversation_id: ConversationId("c1".into()),
        utterance: 7,
        what: Some("мастер будет у вас сегодня до восемнадцати ноль ноль".into()),
        due_at_ms: Some(NOW + 9_600_000),
        due_text: Some("сегодня до восемнадцати ноль ноль".into()),
        state: "open".into(),
        closed_at_ms: None,
    }];
    page
}

pub fn live_chat() -> ConversationPage {
    let mut conversation = board().remove(2).0;
    conversation.attempts = 2;
    conversation.heat_max = 72;
    let mut page = talk(conversation, &CALL[..6]);
    let mut step =
        decision(1, 5, DecisionKind::AbuseStep, "insult", "5.2", ("insult", "вы там совсем тупые сидите"));
    step.step = Some(2);
    page.decisions = vec![step];
    page
}

pub fn just_begun() -> ConversationPage {
    let mut page = talk(board().remove(5).0, &[("customer", 0, "алло", &[], 0, &[])]);
    page.parties.clear();
    page
}

pub fn related() -> Vec<RelatedRow> {
    let other = |number: i64, relation: &str| RelatedRow {
        id: CaseId(format!("k{number}")),
        number,
        state: if relation == "merged" { "merged".into() } else { "in_work".into() },
        customer_name: Some("Кузьмина <Татьяна>".into()),
        team: None,
        opened_at_ms: NOW - 7_200_000,
        relation: relation.into(),
    };
    vec![other(120, "merged"), other(117, "linked"), other(91, "alike")]
}

pub fn incidents() -> Vec<IncidentRow> {
    let incident = |number: i64, closed: bool| IncidentRow {
        id: 1_795_000_000 + number,
        number,
        kind: "outage".into(),
        title: closed.then(|| "Нет интернета <на Лесной>".into()),
        opened_at_ms: NOW - 5_400_000,
        last_at_ms: NOW - 240_000,
        closed_at_ms: closed.then_some(NOW - 60_000),
        closed_by_name: closed.then(|| "Игорь Панов".into()),
        conclusion: closed.then(|| "Перегорел порт коммутатора. Ставим запасной.".into()),
        conversations: 7,
        open_cases: if closed { 0 } else { 5 },
        quote: Some("у нас опять не работает интернет уже третий день".into()),
    };
    vec![incident(4, false), incident(3, true)]
}

pub fn reports() -> (Vec<MemberRow>, Vec<WordsRow>) {
    let member = |number: i64, case: bool| MemberRow {
        conversation_id: ConversationId(format!("c{number}")),
        utterance: 2,
        at_ms: NOW - 240_000 * number,
        channel: "call".into(),
        team: None,
        agent: Some("Ольга Ветрова".into()),
        customer_id: Some(CustomerId("c011".into())),
        customer_name: Some("Кузьмина Татьяна Сергеевна".into()),
        case_id: case.then(|| CaseId(format!("k{number}"))),
        case_number: case.then_some(110 + number),
        case_state: case.then(|| "in_work".into()),
        case_closed_at_ms: None,
        quote: Some("второй час сижу без <связи>".into()),
    };
    let told = WordsRow {
        at_ms: NOW - 120_000,
        told_by_name: Some("Игорь Панов".into()),
        cases: 5,
        text: "Знаем о сбое, чиним & вернёмся до 18:00.".into(),
    };
    (vec![member(1, true), member(2, false)], vec![told])
}

pub fn backtest() -> Backtest {
    let both = |in_force, draft| Both { in_force, draft };
    let mut found = Backtest {
        conversations: 12_400,
        utterances: 310_000,
        engaged: both(240, 190),
        busiest_hour: both(11, 12),
        alerts: both(300, 300),
        ..Backtest::default()
    };
    found.by_hour[11] = both(30, 22);
    found
}

pub fn rating() -> Rating {
    Rating { stars: 4, words: Some("быстро & по делу".into()), rated_at_ms: NOW - 60_000 }
}

pub fn customer_notes() -> Vec<CustomerNote> {
    vec![CustomerNote {
        id: "n1".into(),
        text: "Звонить <после> 18:00".into(),
        written_by: UserId("user-rop".into()),
        written_by_name: Some("Игорь Панов".into()),
        written_at_ms: NOW - 86_400_000,
    }]
}

pub fn documents() -> Vec<DocumentRow> {
    let document = |id: &str, name: &str, size_bytes: i64| DocumentRow {
        id: id.into(),
        case_id: CaseId("k118".into()),
        name: name.into(),
        media_type: "application/pdf".into(),
        size_bytes,
        sha256: "0".repeat(64),
        object_key: format!("documents/{id}"),
        added_by: UserId("user-rop".into()),
        added_by_name: Some("Игорь Панов".into()),
        added_at_ms: NOW - 300_000,
    };
    vec![document("d1", "Акт осмотра <2>.pdf", 1_530_000), document("d2", "переписка.txt", 812)]
}

pub fn cases() -> Vec<CaseRow> {
    let case = |number: i64, customer: &str, state: &str, priority: &str, due: i64| CaseRow {
        id: CaseId(format!("k{number}")),
        number,
        version: 1,
        conversation_id: Some(ConversationId("c1".into())),
        customer_id: Some(CustomerId("c011".into())),
        customer_name: Some(customer.into()),
        incident_id: None,
        subject: None,
        state: state.into(),
        stage: "supervisor".into(),
        priority: priority.into(),
        owner_id: (state != "open").then(|| UserId("user-rop".into())),
        owner_name: (state != "open").then(|| "Игорь Панов".into()),
        team: None,
        opened_at_ms: NOW - 600_000,
        first_response_ms: None,
        due_at_ms: Some(NOW + due),
        paused_until_ms: None,
        acknowledged_at_ms: None,
        acknowledged_by: None,
        cause: Some("legal".into()),
        reason: None,
        decision: None,
        cost: None,
        currency: None,
        conclusion: None,
        closed_at_ms: None,
        closed_by: None,
        merged_into: None,
    };
    let mut closed = case(102, "Чуйков Павел", "closed", "high", 0);
    closed.closed_at_ms = Some(NOW - 86_400_000);
    closed.reason = Some("churn".into());
    closed.decision = Some("Вернули 897 ₽ на карту, пакет убран из договора совсем.".into());
    closed.cost = Some("897".into());
    closed.currency = Some("RUB".into());
    closed.conclusion = Some("Проверять, что платный пакет отключён, до конца разговора.".into());
    vec![
        case(118, "Кузьмина Татьяна Сергеевна", "open", "urgent", 21_000),
        case(116, "Орешко Виктор", "open", "high", -184_000),
        case(117, "Руслан Ахметов", "in_work", "urgent", 25_000_000),
        case(115, "ООО «Стройсервис-Урал»", "acknowledged", "normal", 9_000_000),
        closed,
    ]
}

pub fn timeline() -> Vec<TimelineRow> {
    let entry = |at: i64, kind: &str, who: Option<&str>, text: Option<&str>| TimelineRow {
        key: format!("{at}"),
        at_ms: NOW - at,
        actor: who.map(|_| UserId("user-rop".into())),
        actor_name: who.map(str::to_owned),
        kind: kind.into(),
        text: text.map(str::to_owned),
        detail: "{}".into(),
    };
    vec![
        entry(600_000, "opened", None, None),
        entry(570_000, "climbed", None, None),
        entry(540_000, "acknowledged", Some("Игорь Панов"), None),
        entry(
            300_000,
            "note",
            Some("Игорь Панов"),
            Some("Созвонились с монтажниками: кабель перебит на чердаке, бригада выехала."),
        ),
    ]
}

pub fn people() -> Vec<User> {
    let person = |login: &str, name: &str, role: &str, active| User {
        id: UserId(format!("user-{login}")),
        login: login.into(),
        name: name.into(),
        role: role.into(),
        team: (role == "agent").then(|| "Линия 1".into()),
        password_hash: None,
        locale: "ru".into(),
        active,
        created_at_ms: NOW,
    };
    vec![
        person("rop", "Игорь Панов", "supervisor", true),
        person("anna", "Анна Белова", "administrator", true),
        person("jurist", "Мария Юрьевна Остапчук", "department", true),
        person("olga", "Ольга Нечаева", "agent", true),
        person("timur", "Тимур Гареев", "agent", false),
    ]
}

pub fn customer() -> Customer {
    Customer {
        id: CustomerId("c011".into()),
        name: Some("Кузьмина Татьяна Сергеевна".into()),
        revenue_rank: Some(4),
        growth_rank: Some(37),
        revenue_12m: Some("1284500".into()),
        contract_status: Some("действует".into()),
        contract_until: Some("2027-03-31".into()),
        personal_terms: Some("скидка 7 %, отсрочка 14 дней".into()),
        manager: Some("Лидия Хохлова".into()),
        mark: None,
        created_at_ms: NOW,
        erased_at_ms: None,
    }
}

pub fn purchases() -> Vec<Purchase> {
    let bought = |on: &str, what: &str, amount: &str| Purchase {
        customer_id: CustomerId("c011".into()),
        bought_on: on.into(),
        what: what.into(),
        amount: amount.into(),
    };
    vec![bought("2026-11-01", "Тариф «Дом 500»", "790"), bought("2026-04-12", "Роутер AX3000", "5490.50")]
}

fn week() -> Weekly {
    let counts =
        |list: &[(&str, i64)]| list.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
    Weekly {
        conversations: 104,
        escalated: 14,
        repeated: 22,
        repeated_soon: 9,
        opened: 13,
        closed: 9,
        left_open: 4,
        by_decision: counts(&[
            ("watch", 22),
            ("coach", 17),
            ("engage_now", 11),
            ("functional", 8),
            ("abuse_step", 6),
            ("engage", 3),
        ]),
        by_reason: counts(&[("churn", 5), ("legal", 4), ("reputation", 2), ("three_attempts", 3)]),
        by_agent: counts(&[("Ольга Нечаева", 6), ("Тимур Гареев", 5), ("Артём Воскобойников", 2), ("", 1)]),
        by_resolution: counts(&[("churn", 4), ("billing", 3), ("technical", 2)]),
        cost: [("RUB".to_owned(), "18450.5".parse().unwrap())].into(),
    }
}

/// A week with something of everything, two currencies and a hostile name, and a quiet one before it.
pub fn report() -> Report {
    let counts =
        |list: &[(&str, i64)]| list.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
    let money = |list: &[(&str, &str, &str)]| {
        let mut costs = Costs::new();
        for (name, currency, sum) in list {
            costs.entry((*name).to_owned()).or_default().insert((*currency).to_owned(), sum.parse().unwrap());
        }
        costs
    };
    let mut weekly = week();
    weekly.cost.insert("USD".into(), 20.into());
    let this = Figures {
        week: "2026-W47".into(),
        monday: "2026-11-16".into(),
        weekly,
        to_acknowledge: Spread { count: 13, median_s: Some(95), p90_s: Some(410) },
        to_resolve: Spread { count: 9, median_s: Some(11_400), p90_s: Some(93_600) },
        cost_by_reason: money(&[
            ("churn", "RUB", "12950.5"),
            ("billing", "RUB", "5500"),
            ("billing", "USD", "20"),
        ]),
        cost_by_kind: money(&[
            ("discount", "RUB", "12950.5"),
            ("refund", "RUB", "5500"),
            ("bonus", "USD", "20"),
        ]),
        alerts_right: 11,
        alerts_wrong: 2,
        promises: counts(&[("kept", 12), ("broken", 2), ("open", 1)]),
        without_attempt: counts(&[("Артём Воскобойников", 3)]),
        clocks: counts(&[("acknowledge", 13), ("resolve", 13)]),
        clocks_breached: counts(&[("resolve", 4)]),
        asked: counts(&[("legal", 6), ("technical", 3)]),
        asked_late: counts(&[("legal", 2)]),
        granted: counts(&[("used", 5), ("spoken", 2)]),
        overspent: 1,
        customers: vec![Hot { id: "k-1".into(), name: "Анна <b>Кравцова</b>".into(), count: 3 }],
    };
    let before = Figures { week: "2026-W46".into(), monday: "2026-11-09".into(), ..Figures::default() };
    let departments = [("legal".to_owned(), "Юристы".to_owned())].into();
    Report { team: None, timezone: "Europe/Moscow".into(), departments, weeks: vec![before, this] }
}

/// Tasks: one late, one done after which the reason came back.
pub fn tasks(w: &Words) -> Vec<TaskLine> {
    let row = |id: &str, state: &str, due: i64| TaskRow {
        id: id.into(),
        case_id: Some("case-1".into()),
        case_number: Some(12),
        conversation_id: Some("c-1".into()),
        reason: "billing".into(),
        team: None,
        what: "Проверять акт <b>до</b> выставления счёта".into(),
        owner_id: "user-rop".into(),
        owner_name: Some("Игорь Панов".into()),
        due_at_ms: due,
        made_by: "user-rop".into(),
        made_by_name: Some("Игорь Панов".into()),
        made_at_ms: NOW - 30 * 86_400_000,
        state: state.into(),
        ended_by_name: (state != "open").then(|| "Ольга Ветрова".into()),
        ended_at_ms: (state != "open").then_some(NOW - 12 * 86_400_000),
        result: (state != "open").then(|| "сверка добавлена".into()),
    };
    let back = Comeback {
        before: 5,
        after: 1,
        days: 12,
        verdict: Verdict::Rarer,
        last: Some(("c-2".into(), NOW - 86_400_000)),
    };
    vec![
        shown(w, &row("task-1", "open", NOW - 86_400_000), None, true),
        shown(w, &row("task-2", "done", NOW - 13 * 86_400_000), Some(back), true),
    ]
}

/// The tasks of a case with the form for another.
pub fn case_tasks(w: &Words) -> CaseTasks {
    CaseTasks {
        lines: tasks(w),
        people: vec![("user-rop".into(), "Игорь Панов".into())],
        what: String::new(),
        due: "2026-12-01".into(),
        may: true,
    }
}

/// Rows behind a sum of money.
pub fn behind() -> Vec<Behind> {
    let row = |number: i64, what: &str, amount: &str, currency: &str| Behind {
        conversation_id: Some("c-1".into()),
        case_id: Some("case-1".into()),
        case_number: Some(number),
        at_ms: NOW - number * 3_600_000,
        customer_name: Some("Анна <b>Кравцова</b>".into()),
        who: Some("Игорь Панов".into()),
        what: Some(what.into()),
        amount: Some(amount.into()),
        currency: Some(currency.into()),
    };
    vec![row(12, "discount", "18450.5", "RUB"), row(9, "bonus", "20", "USD")]
}

/// The clocks of a case: one done, one nearly over, one late, one that rests.
pub fn clocks() -> Vec<ClockRow> {
    let clock = |clock: &str, due: Option<i64>, met: Option<i64>, warned, breached| ClockRow {
        clock: clock.into(),
        limit_ms: 3_600_000,
        calendar: "office".into(),
        due_at_ms: due,
        met_at_ms: met,
        spent_ms: 900_000,
        warned,
        breached,
    };
    vec![
        clock("acknowledge", None, Some(NOW - 600_000), false, false),
        clock("first_response", Some(NOW + 300_000), None, true, false),
        clock("next_update", Some(NOW - 300_000), None, true, true),
        clock("resolve", None, None, false, false),
    ]
}

/// A question that waits and one that was answered, with hostile words.
pub fn asks() -> Vec<AskRow> {
    let ask = |number: i64, answered: Option<i64>| AskRow {
        case_id: "case-1".into(),
        case_number: 12,
        conversation_id: Some("c-1".into()),
        customer_name: Some("Анна <b>Кравцова</b>".into()),
        priority: "high".into(),
        number,
        department: "legal".into(),
        asked_by: None,
        asked_by_name: None,
        asked_at_ms: NOW - 900_000,
        due_at_ms: NOW + 900_000,
        late: number == 1,
        answered_by: answered.map(|_| "user-department".into()),
        answered_by_name: answered.map(|_| "Юрий Листов".into()),
        answered_at_ms: answered,
        question: answered.map(|_| "Есть ли <script>основания</script> для возврата?".into()),
        answer: answered.map(|_| "Да, вернуть до пятницы".into()),
    };
    vec![ask(1, None), ask(2, Some(NOW - 60_000))]
}

/// What a search found: a call with two places and a recording, a chat, words that were erased.
pub fn archive() -> ArchiveFound {
    let hit = |id: &str, utterance: i64, party: &str, text: Option<&str>, marks: &[(u32, u32)]| ArchiveHit {
        place: 7,
        conversation_id: id.into(),
        channel: if id == "c-2" { "chat" } else { "call" }.into(),
        status: "ended".into(),
        started_at_ms: NOW - 86_400_000,
        heat_max: if id == "c-2" { 44 } else { 88 },
        calmed: id == "c-1",
        team: Some("север".into()),
        recorded: id == "c-1",
        agent_name: Some("Ольга Ветрова".into()),
        customer_name: (id != "c-2").then(|| "Кузьмина <b>Татьяна</b>".into()),
        case_id: (id == "c-1").then(|| "k-1".into()),
        case_number: (id == "c-1").then_some(118),
        case_state: (id == "c-1").then(|| "closed".into()),
        utterance: Some(utterance),
        party: Some(party.into()),
        start_ms: Some(utterance * 7_000),
        end_ms: Some(utterance * 7_000 + 4_000),
        text: text.map(str::to_owned),
        marks: marks.to_vec(),
        signals: if utterance == 3 { vec!["legal_threat".into()] } else { vec![] },
    };
    let sorry = "понимаю вас, деньги вернём в течение трёх дней";
    let court = "верните деньги, иначе я подам на вас в суд <img src=x>";
    ArchiveFound {
        hits: vec![
            hit("c-1", 9, "agent", Some(sorry), &[(13, 19), (20, 26)]),
            hit("c-1", 3, "customer", Some(court), &[(0, 7), (8, 14)]),
            hit("c-2", 1, "customer", Some("вернёте деньги?"), &[(0, 7), (8, 14)]),
            hit("c-3", 0, "customer", None, &[]),
        ],
        next: Some(7),
        cut: true,
    }
}
