//! Renders every page from sample rows in both languages, checks what holds for all of them, and writes them to
//! `target/pages`, where a browser can open them.

mod samples;

use std::path::PathBuf;

use askama::Template;
use gradus_engine::time::Timestamp;
use jiff::tz::TimeZone;

use super::account::{AccountPage, Wrongs};
use super::archive::{Around, SearchPage, view as archive_view};
use super::backtest::{self, BacktestPage, FoundView};
use super::behind::{Page as BehindPage, shown, title};
use super::board::{ArchivePage, BoardPage, alert_lines, render_row, summary};
use super::brief::brief;
use super::case::{Care, CaseForm, CaseParts, Page as CasePage, view as case_view};
use super::cases::{CasesPage, lead, line, tabs};
use super::channels::{ChannelView, ChannelsView, CodeView, Tried};
use super::conversation::{Page as ConversationPage, view as conversation_view};
use super::customers::{
    CardPage, ListPage, bought_line, customer_facts, customer_line, note_line, telephone,
};
use super::deliveries::{DeliveriesPage, delivery_line};
use super::enter::{CodePage, EnterPage};
use super::error::page as error_page;
use super::factor::{FactorPage, SessionLine, WaysIn};
use super::incidents::{EndForm, IncidentPage, IncidentsPage, incident_line, member_line, told_line};
use super::rating::RatingPage;
use super::recordings::{self, RecordingsPage, recording_line};
use super::sign_in::SignInPage;
use super::tasks::TasksPage;
use super::upload::Uploaded;
use super::users::{AddForm, UsersPage, lines, roles};
use super::week::{Page as WeekPage, span, tables, tiles, trend};
use super::{Frame, Lang, Pager, Section, Who, Words, badges};
use crate::api::Problem;
use crate::archive::Asking;
use crate::auth::Role;
use crate::rating::Closed;
use crate::report::Week;
use crate::store::{ArchiveFound, Counted, UserId};

fn words(lang: Lang) -> Words {
    Words::new(lang, TimeZone::get("Europe/Moscow").unwrap(), samples::NOW)
}

fn frame(lang: Lang, section: Section) -> Frame {
    let who = Who { name: "Игорь Панов".into(), role: Role::Administrator, csrf: "token".into() };
    Frame { w: words(lang), who, section, flash: None, unread: true }
}

fn board(lang: Lang) -> Vec<(&'static str, String)> {
    let w = words(lang);
    let protocol = samples::protocol();
    let rows = samples::board();
    let html: Vec<String> = rows.iter().map(|(row, curve)| render_row(&w, row, curve).unwrap()).collect();
    let plain: Vec<_> = rows.iter().map(|(row, _)| row.clone()).collect();
    let customer = || Some("Кузьмина Татьяна Сергеевна".to_owned());
    let named: Vec<_> = samples::alerts()
        .into_iter()
        .map(|alert| (alert, customer(), Some("я подам <в суд>".to_owned())))
        .collect();
    let alerts = alert_lines(&w, &named);
    let full = BoardPage {
        f: frame(lang, Section::Board),
        summary: summary(&w, &plain, protocol.heat.high),
        alerts,
        rows: html.clone(),
    };
    let quiet = BoardPage {
        f: frame(lang, Section::Board),
        summary: summary(&w, &[], 60),
        alerts: vec![],
        rows: vec![],
    };
    let upload = |name: &str, class, says: &str| Uploaded {
        name: name.into(),
        class,
        says: says.into(),
        links: vec![],
    };
    let archive = ArchivePage {
        f: frame(lang, Section::Conversations),
        hot: false,
        high: 60,
        rows: html,
        pager: Pager::new("/conversations?heat=0", 1, true),
        uploads: vec![
            upload("смена-12.wav", "good", w.t.upload_waits),
            upload("пусто.json", "bad", "the file is empty"),
        ],
    };
    let none = ArchivePage {
        f: frame(lang, Section::Conversations),
        hot: false,
        high: 60,
        rows: vec![],
        pager: Pager::default(),
        uploads: vec![],
    };
    vec![
        ("board", full.render().unwrap()),
        ("board-empty", quiet.render().unwrap()),
        ("conversations", archive.render().unwrap()),
        ("conversations-empty", none.render().unwrap()),
    ]
}

fn conversations(lang: Lang) -> Vec<(&'static str, String)> {
    let page = |page| {
        let f = frame(lang, Section::Conversations);
        let v = conversation_view(&f.w, &samples::protocol(), page, None);
        ConversationPage { f, v }.render().unwrap()
    };
    vec![
        ("conversation", page(samples::call())),
        ("conversation-live", page(samples::live_chat())),
        ("conversation-new", page(samples::just_begun())),
    ]
}

fn care() -> Care {
    Care {
        rating: Some(samples::rating()),
        link: "https://gradus.example/rate/118-0a".into(),
        stayed: Some(true),
        incident: Some(4),
        costs: vec![
            ("refund".into(), "897".into(), "RUB".into()),
            ("bonus".into(), "20".into(), "USD".into()),
        ],
    }
}

fn cases(lang: Lang) -> Vec<(&'static str, String)> {
    let w = words(lang);
    let rows = samples::cases();
    let list = CasesPage {
        f: frame(lang, Section::Cases),
        lead: lead(&w, &rows, false),
        tabs: tabs(&w, "", [4, 1]),
        empty: w.t.cases_empty_title,
        closed: false,
        rows: rows.iter().map(|row| line(&w, row)).collect(),
        pager: Pager::default(),
    };
    let empty = CasesPage {
        f: frame(lang, Section::Cases),
        lead: lead(&w, &[], false),
        tabs: tabs(&w, "mine", [0, 0]),
        empty: w.t.cases_empty_mine,
        closed: false,
        rows: vec![],
        pager: Pager::default(),
    };
    let people = samples::people();
    let me = UserId("user-rop".into());
    let one = |at: usize, form: CaseForm| {
        let timeline = samples::timeline();
        let (alerts, deliveries) = (samples::alerts(), samples::deliveries());
        let parts = CaseParts {
            options: &[crate::dossier::PreparedOption {
                decision: "вернули <b>деньги</b>".into(),
                cost: 900.into(),
                currency: "RUB".into(),
                held: 3,
                of: 4,
            }],
            promises: &[("kept".into(), 2), ("late".into(), 1)],
            related: &samples::related(),
            documents: &samples::documents(),
            care: &care(),
            clocks: &samples::clocks(),
            asks: &samples::asks(),
            followers: &[("user-agent".into(), Some("Ольга Ветрова".into()))],
            template: "taken",
            writer: "Пётр Сомов",
            row: &rows[at],
            timeline: &timeline,
            talk: Some(samples::call()),
            customer: Some(samples::customer()),
            earlier: samples::board().into_iter().map(|(row, _)| row).take(3).collect(),
            people: &people,
            alerts: &alerts,
            deliveries: &deliveries,
            me: &me,
        };
        let f = frame(lang, Section::Cases);
        let v = case_view(&f.w, &samples::protocol(), parts);
        CasePage { f, v, form, tasks: samples::case_tasks(&w) }.render().unwrap()
    };
    let mut wrong: CaseForm = CaseForm::default();
    assert!(wrong.resolution(&w).is_none());
    vec![
        ("cases", list.render().unwrap()),
        ("cases-empty", empty.render().unwrap()),
        ("case", one(0, CaseForm::default())),
        ("case-wrong", one(2, wrong)),
        ("case-closed", one(4, CaseForm::default())),
    ]
}

fn weeks(lang: Lang) -> Vec<(&'static str, String)> {
    let w = words(lang);
    let zone = TimeZone::get("Europe/Moscow").unwrap();
    let report = samples::report();
    let day = |days: i64| Timestamp::from_millis(samples::NOW - days * 86_400_000);
    let spans: Vec<_> = (0..8).rev().map(|at| (day(at * 7 + 1), day(at * 7 - 6))).collect();
    let counted = [(92, 9), (104, 14), (88, 7), (121, 18), (97, 11), (110, 12), (101, 21), (64, 13)];
    let week_page = WeekPage {
        f: frame(lang, Section::Week),
        span: span(&w, day(1), day(-6)),
        back: 1,
        week: "2026-W47".into(),
        figures: tiles(&w, &report),
        trend: trend(&w, &zone, &spans, &counted, 1),
        tables: tables(&w, &report),
    };
    let week = Week::parse("2026-W47").unwrap();
    let brief = brief(frame(lang, Section::Week), &report, week, Some("2026-W48".into()));
    let behind = BehindPage {
        f: frame(lang, Section::Week),
        title: title(&w, Counted::SpentAs).to_owned(),
        span: w.week_span("2026-11-16"),
        back: "/week?back=1".into(),
        count: format!("2 {}", w.t.bh_rows),
        sums: "18 450,50 ₽, 20 $".into(),
        amounts: true,
        rows: samples::behind()
            .iter()
            .map(|row| shown(&w, row, &|kind| w.cost_kind(kind).to_owned()))
            .collect(),
        pager: Pager::default(),
    };
    vec![
        ("week", week_page.render().unwrap()),
        ("week-short", brief.render().unwrap()),
        ("week-behind", behind.render().unwrap()),
    ]
}

fn customers(lang: Lang) -> Vec<(&'static str, String)> {
    let w = words(lang);
    let customer = samples::customer();
    let card = CardPage {
        id: "k-1".into(),
        marked: true,
        f: frame(lang, Section::Customers),
        name: customer.name.clone().unwrap(),
        badges: badges(&w, [customer.revenue_rank, None], customer.mark.as_deref()),
        contacts: vec![telephone("79211234567"), "ruslan@primer.ru".into()],
        facts: customer_facts(&w, &customer),
        rows: samples::board().iter().map(|(row, curve)| render_row(&w, row, curve).unwrap()).collect(),
        cases: samples::cases().iter().map(|row| line(&w, row)).collect(),
        purchases: samples::purchases().iter().map(|bought| bought_line(&w, bought)).collect(),
        notes: samples::customer_notes()
            .iter()
            .map(|note| note_line(&w, note, &UserId("user-rop".into())))
            .collect(),
        joined: vec![("c012".into(), "Руслан А.".into())],
        lives_on: None,
        wrong: None,
    };
    let list = ListPage {
        f: frame(lang, Section::Customers),
        query: "куз".into(),
        rows: vec![customer_line(&w, &customer)],
    };
    vec![("customer", card.render().unwrap()), ("customers", list.render().unwrap())]
}

fn incidents(lang: Lang) -> Vec<(&'static str, String)> {
    let w = words(lang);
    let rows = samples::incidents();
    let lines = |closed: bool| {
        let of = rows.iter().filter(|row| row.closed_at_ms.is_some() == closed);
        of.map(|row| incident_line(&w, row)).collect::<Vec<_>>()
    };
    let list = |open, closed| IncidentsPage { f: frame(lang, Section::Cases), open, closed };
    let (members, told) = samples::reports();
    let one = |closed: bool| IncidentPage {
        f: frame(lang, Section::Cases),
        i: lines(closed).pop().unwrap(),
        members: members.iter().map(|row| member_line(&w, row)).collect(),
        told: told.iter().map(|row| told_line(&w, row)).collect(),
        done: String::new(),
        wrong_text: (!closed).then_some(w.t.e_text),
        wrong_end: (!closed).then_some(w.t.e_conclusion),
        form: EndForm::default(),
    };
    vec![
        ("incidents", list(lines(false), lines(true)).render().unwrap()),
        ("incidents-empty", list(vec![], vec![]).render().unwrap()),
        ("incident", one(false).render().unwrap()),
        ("incident-closed", one(true).render().unwrap()),
    ]
}

fn backtests(lang: Lang) -> Vec<(&'static str, String)> {
    let w = words(lang);
    let found = samples::backtest();
    let view = FoundView {
        lead: w.t.bt_lead.to_owned(),
        figures: backtest::figures(&w, &found),
        hours: backtest::hours(&found.by_hour),
        teams: vec![],
        changed: vec![],
        hidden: 12,
    };
    let page = |runs, found| BacktestPage {
        f: frame(lang, Section::Other),
        version: "черновик <2>".into(),
        weeks: "8 недель".into(),
        asked: 8,
        runs,
        stopped: false,
        failed: false,
        none: false,
        found,
    };
    vec![
        ("backtest", page(None, Some(view)).render().unwrap()),
        ("backtest-runs", page(Some(40), None).render().unwrap()),
    ]
}

fn ratings(lang: Lang) -> Vec<(&'static str, String)> {
    let page = |closed, done| RatingPage {
        w: words(lang),
        number: 118,
        stars: 4,
        words: "быстро <и> хорошо".into(),
        closed,
        done,
        wrong: None,
    };
    vec![
        ("rating", page(None, false).render().unwrap()),
        ("rating-done", page(None, true).render().unwrap()),
        ("rating-closed", page(Some(Closed::TooLate), false).render().unwrap()),
    ]
}

fn others(lang: Lang) -> Vec<(&'static str, String)> {
    let w = words(lang);
    let users = UsersPage {
        f: frame(lang, Section::Users),
        rows: lines(&w, &samples::people(), &[UserId("user-rop".into())], &UserId("user-rop".into())),
        roles: roles(&w),
        form: AddForm::default(),
    };
    let wrongs = Wrongs { old: Some(w.t.e_password_old), new: None };
    let (channels, ways) = (channels_view(&w), ways_view(&w));
    let account = AccountPage { f: frame(lang, Section::Other), wrongs, channels, ways };
    let factor = |codes: &[&str]| FactorPage {
        f: frame(lang, Section::Other),
        picture: super::svg::qr("otpauth://totp/Gradus:anna?secret=ABCD", w.t.fa_picture),
        secret: "ABCD EFGH".into(),
        wrong: None,
        codes: codes.iter().map(|code| (*code).to_owned()).collect(),
    };
    let deliveries = DeliveriesPage {
        f: frame(lang, Section::Other),
        rows: samples::deliveries().iter().map(|row| delivery_line(&w, row)).collect(),
        company: vec![("webhook:crm".into(), "crm".into())],
        tried: Some(Tried { good: false, says: format!("{}: crm.example.ru: 502", w.t.ch_failed) }),
    };
    let (rows, all) = samples::recordings();
    let queue = |rows: &[crate::store::QueuedRecording]| RecordingsPage {
        f: frame(lang, Section::Other),
        figures: recordings::figures(&w, &all),
        tabs: recordings::tabs(&w, ""),
        state: String::new(),
        rows: rows.iter().map(|row| recording_line(&w, row)).collect(),
        trouble: vec!["/mnt/ats: cannot be listed: permission denied".into()],
        watched: if rows.is_empty() { vec![] } else { all.watched.clone() },
        upload: "https://gradus.example.ru/api/v1/recordings".into(),
        failed: !rows.is_empty(),
        wrong: "",
    };
    vec![
        ("tasks", tasks_page(lang).render().unwrap()),
        ("recordings", queue(&rows).render().unwrap()),
        ("recordings-empty", queue(&[]).render().unwrap()),
        ("users", users.render().unwrap()),
        ("factor", factor(&["ABCD-EFGH-2345"]).render().unwrap()),
        ("factor-begin", factor(&[]).render().unwrap()),
        ("account", account.render().unwrap()),
        ("deliveries", deliveries.render().unwrap()),
    ]
}

fn tasks_page(lang: Lang) -> TasksPage {
    let (open, done) = samples::tasks(&words(lang)).into_iter().partition(|line| line.open);
    TasksPage { f: frame(lang, Section::Other), all: true, may_all: true, open, done }
}

fn ways_view(w: &Words) -> WaysIn {
    let session = |here| SessionLine {
        which: "0123456789abcdef".into(),
        agent: "Firefox".into(),
        begun: w.moment(samples::NOW - 90_000_000),
        seen: w.moment(samples::NOW),
        here,
    };
    WaysIn {
        sessions: vec![session(true), session(false)],
        factor: true,
        codes_left: 9,
        wrong: Some(w.t.e_password_old),
    }
}

fn archives(lang: Lang) -> Vec<(&'static str, String)> {
    let page = |asking: Asking, found, wrong, waiting| -> SearchPage {
        let around = Around { wrong, waiting, users: &samples::people(), team: None };
        archive_view(frame(lang, Section::Archive), &asking, found, around)
    };
    let asking = |q: &str| Asking { q: q.into(), heat_from: "60".into(), ..Asking::default() };
    let wrong = words(lang).t.ar_nothing;
    let found = samples::archive();
    let cut = ArchiveFound { hits: vec![], ..found.clone() };
    vec![
        ("archive", page(asking("вернуть деньги"), found, "", 0).render().unwrap()),
        ("archive-start", page(Asking::default(), ArchiveFound::default(), "", 12_400).render().unwrap()),
        ("archive-cut", page(asking("заказ"), cut, "", 0).render().unwrap()),
        ("archive-wrong", page(asking("-суд"), ArchiveFound::default(), wrong, 0).render().unwrap()),
    ]
}

fn channels_view(w: &Words) -> ChannelsView {
    let channel = |address: &str| ChannelView { here: true, address: address.into(), active: true };
    ChannelsView {
        email: channel("panov@example.ru"),
        telegram: channel(""),
        quiet_from: "22:00".into(),
        quiet_to: "08:00".into(),
        code: Some(CodeView {
            command: "/start 0f3a9c".into(),
            link: Some("https://t.me/GradusBot?start=0f3a9c".into()),
        }),
        tried: Some(Tried { good: true, says: format!("{}: panov@example.ru", w.t.ch_sent) }),
        e_email: None,
        e_hours: None,
    }
}

fn gates(lang: Lang) -> Vec<(&'static str, String)> {
    let gate = |setup, wrong| SignInPage {
        w: words(lang),
        setup,
        name: String::new(),
        login: "anna".into(),
        wrong,
        done: None,
    };
    let enter = |who: Option<(&str, &str)>, wrong| EnterPage {
        w: words(lang),
        token: "0f".into(),
        who: who.map(|(name, login)| (name.to_owned(), login.to_owned())),
        invited: true,
        wrong,
    };
    let problem = |kind, reference: Option<&str>| {
        let problem = Problem {
            kind,
            detail: "подробность".into(),
            refusal: None,
            reference: reference.map(str::to_owned),
        };
        error_page(lang, &problem).render().unwrap()
    };
    vec![
        ("sign-in", gate(false, Some(words(lang).t.sign_in_wrong)).render().unwrap()),
        ("setup", gate(true, None).render().unwrap()),
        ("enter", enter(Some(("Anna", "anna")), Some(words(lang).t.en_differ)).render().unwrap()),
        ("enter-over", enter(None, None).render().unwrap()),
        ("code", CodePage { w: words(lang), wrong: None }.render().unwrap()),
        ("error-404", problem("not-found", None)),
        ("error-500", problem("broken", Some("4F2A91C0"))),
    ]
}

fn all(lang: Lang) -> Vec<(&'static str, String)> {
    [
        board(lang),
        conversations(lang),
        cases(lang),
        weeks(lang),
        others(lang),
        customers(lang),
        incidents(lang),
        backtests(lang),
        ratings(lang),
        archives(lang),
        gates(lang),
    ]
    .concat()
}

#[test]
fn every_page_renders_in_both_languages_and_keeps_its_own_content_policy() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/pages");
    std::fs::create_dir_all(&folder).unwrap();
    for lang in Lang::ALL {
        for (name, html) in all(lang) {
            for forbidden in [" style=", "onclick=", "<script>", "javascript:", "<style"] {
                assert!(!html.contains(forbidden), "{name} has {forbidden}");
            }
            assert!(html.contains(&format!("<html lang=\"{}\">", lang.code())), "{name}");
            assert!(html.contains("<h1"), "{name} has no heading");
            std::fs::write(folder.join(format!("{name}.{}.html", lang.code())), html).unwrap();
        }
    }
}

#[test]
fn an_english_page_has_no_russian_words_of_the_interface() {
    let russian = |text: &str| text.chars().any(|letter| ('\u{410}'..='\u{44f}').contains(&letter));
    for (name, html) in gates(Lang::En) {
        let visible = html.replace("подробность", "");
        assert!(!russian(&visible), "{name}: {visible}");
    }
}

#[test]
fn what_a_hostile_customer_says_stays_text() {
    let mut page = samples::just_begun();
    page.conversation.customer_name = Some("<script>alert(1)</script>".into());
    page.utterances[0].text = Some("<img src=x onerror=alert(1)>".into());
    let f = frame(Lang::Ru, Section::Conversations);
    let v = conversation_view(&f.w, &samples::protocol(), page, None);
    let html = ConversationPage { f, v }.render().unwrap();
    assert!(!html.contains("<img src=x") && !html.contains("<script>alert"), "{html}");
}
