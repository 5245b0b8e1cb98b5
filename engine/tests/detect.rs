//! The detector as its users see it: texts in, findings with quotes out; rule files in, errors with places out.

use std::fmt::Write as _;

use gradus_engine::detect::{Detector, Fault, Scratch};
use gradus_engine::signal::{Channel, JudgedBy, Party, SignalKind};
use proptest::prelude::*;

/// What files need besides their own rules.
const HEAD: &str = "вставные: ну, э\nне отрицание: не мочь[прош] ..1 бы\nотрицание после: не (быть[буд]|надо)\nпризнак пересказ: говорить[3л]\n";

fn with(rules: &str) -> Detector {
    match Detector::new(&[("head", HEAD), ("test", rules)]) {
        Ok(detector) => detector,
        Err(errors) => panic!("{}", errors.iter().map(|error| format!("{error}\n")).collect::<String>()),
    }
}

fn quotes(detector: &Detector, text: &str) -> Vec<String> {
    let kinds = detector.detect(text, Party::Customer, Channel::Chat);
    kinds.iter().map(|found| found.quote(text).to_owned()).collect()
}

/// Lines «text → quote», or «text → » where nothing may be found.
fn check(rules: &str, lines: &str) {
    let detector = with(rules);
    let mut wrong = String::new();
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (text, wanted) = line.split_once('→').unwrap_or((line, "the line needs an arrow"));
        let found = quotes(&detector, text.trim()).join(" + ");
        if found != wanted.trim() {
            let _ = writeln!(wrong, "{text}→ {found}, wanted {wanted}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn every_shipped_rule_compiles_and_keeps_its_examples() {
    let errors = Detector::check(Detector::builtin_files());
    assert!(errors.is_empty(), "{}", errors.iter().map(|error| format!("{error}\n")).collect::<String>());
}

#[test]
fn every_kind_judged_by_the_text_has_rules() {
    let all: String = Detector::builtin_files().iter().map(|file| file.1).collect();
    for kind in SignalKind::ALL.iter().filter(|kind| kind.judged_by() == JudgedBy::Utterance) {
        assert!(all.contains(&format!("вид: {kind}\n")), "{kind}");
    }
}

#[test]
fn a_pattern_finds_forms_gaps_groups_and_orders() {
    check(
        "вид: legal_threat\nправило: суд\n  подать[1л,буд] ..2 (в суд | жалоба)\n  ~уйти[1л] & конкурент\n  расторг*\n  \"жду\" ответ?",
        "
        Подам на вас в суд! → Подам на вас в суд
        подам официальную жалобу → подам официальную жалобу
        подаст на вас в суд →
        подам а потом вы пойдёте в суд →
        к конкурентам я ухожу → конкурентам я ухожу
        сегодня же расторгнем → расторгнем
        ну жду, ну ответа → жду
        ",
    );
}

#[test]
fn the_evidence_is_what_the_rule_marks_and_edges_hold() {
    check(
        "вид: refusal\nправило: нет\n  ^^ нет $$\n  \"хватит\" <кормить завтрак>\n  ^ увы",
        "
        Нет. → Нет
        ну нет → нет
        нет спасибо →
        хватит нас кормить завтраками →
        хватит кормить завтраками → кормить завтраками
        Жаль. Увы, это так → Увы
        вот увы →
        ",
    );
}

#[test]
fn a_denial_binds_within_its_clause() {
    check(
        "вид: reputation_threat\nправило: отзыв\n  написать|писать ..2 отзыв\n  обратиться[1л] ..1 в роспотребнадзор\n  позвать ..2 начальник\n  отзыв ..1 написать\nслова: роспотребнадзор как надзор",
        "
        не буду писать отзыв обращусь в роспотребнадзор → обращусь в роспотребнадзор
        не надо писать отзыв →
        писать отзыв не буду →
        я не хочу, чтобы вы писали отзыв →
        я не шучу напишу отзыв → напишу отзыв
        не могли бы вы позвать начальника → позвать начальника
        напишу не отзыв →
        я не доволен, а потому напишу вам отзыв → напишу вам отзыв
        позвать без начальника →
        ",
    );
}

#[test]
fn circumstances_forbid_or_are_needed() {
    check(
        "вид: churn_threat\nправило: уйду; лицо: 1; время: буд, наст; вопрос: нельзя; условие: нельзя; цитата: нельзя; пересказ: нельзя\n  уйти|уходить\n\nправило: к вам; адресат: нужно\n  достать",
        "
        я от вас уйду → уйду
        он уйдёт →
        я ушла →
        мне уходить? →
        если уйду →
        вот «уйду» и всё →
        говорят уйду →
        вы меня достали → достали
        меня достали →
        ",
    );
}

#[test]
fn exclusions_reach_as_far_as_they_say() {
    check(
        "вид: churn_threat\nкроме: шутка\nправило: уйду\n  уйти[1л] !рядом пенсия !после на работа\n  кроме: отпуск\n  кроме везде: спасибо\n",
        "
        уйду от вас → уйду
        уйду на пенсию →
        уйду на работу →
        уйду в отпуск →
        уйду. спасибо →
        это шутка но уйду →
        это шутка. Уйду → Уйду
        ",
    );
}

#[test]
fn disguised_and_broken_words_are_read() {
    check(
        "вид: profanity\nотрицание: можно\nслова: хуй как чай, хуйня как фигня, блять, пиздец\nмаски: хуй, хуйня, блять, пиздец, сука\nправило: мат\n  хуй|хуйня|блять|пиздец|сука\n  доделать|недоделать\n  начальник|роспотребнадзор|сколько\n  на я\nслова: роспотребнадзор как надзор\nослышки: скоко=сколько",
        "
        xуй → xуй
        ХУЙ вам → ХУЙ
        х*й → х*й
        бл@ть → бл@ть
        п****ц → п****ц
        х у й н я какая → х у й н я
        blyat → blyat
        опять недо делали → недо делали
        сккоооолько → сккоооолько
        скоко → скоко
        начяльника → начяльника
        роспотрепнадзором → роспотрепнадзором
        наменя → наменя
        начало →
        с у к и → с у к и
        ",
    );
}

#[test]
fn quoted_lines_of_a_letter_are_nobodys_words_here() {
    let detector = with("вид: insult\nправило: дурак\n  дурак");
    assert_eq!(quotes(&detector, "> да\nвы дураки"), ["дураки"]);
    assert!(quotes(&detector, "> вы дураки\nПонятно").is_empty());
}

#[test]
fn capitals_and_exclamation_marks_are_shouting() {
    let detector = with("вид: insult\nправило: дурак\n  дурак");
    let shouts = |text: &str| {
        detector
            .detect(text, Party::Customer, Channel::Chat)
            .iter()
            .any(|found| found.kind == SignalKind::Shouting)
    };
    for text in ["СКОЛЬКО МОЖНО!!!", "ВЫ ГДЕ ВСЕ ТАМ", "верните деньги!!!!!"]
    {
        assert!(shouts(text), "{text}");
    }
    for text in ["Сколько можно!", "ООО ПРОМСНАБ, ИНН тот же, договор тот же", "ОК"]
    {
        assert!(!shouts(text), "{text}");
    }
}

#[test]
fn of_each_kind_the_surest_finding_is_kept() {
    let detector = with("вид: insult\nправило: слабое; 50\n  дурак\nправило: сильное; 90\n  идиот\n");
    let found = detector.detect("дурак и идиот", Party::Customer, Channel::Call);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].rule.as_str(), found[0].confidence), ("сильное", 90));
    assert!(detector.detect("дурак и идиот", Party::Agent, Channel::Call).is_empty());
}

/// Everything wrong in `rules`, as text.
fn faults(rules: &str) -> Vec<String> {
    Detector::check(&[("f", rules)]).iter().map(|error| error.to_string()).collect()
}

#[test]
fn errors_name_file_line_column_and_cure_all_at_once() {
    let errors = faults(
        "вид: insult\nправило: раз\n  жду ..2 @нечто\n  дурак[ъ]\n  + дурак\nправило: раз\n  (а | б\n  * ..3\nвид: insalt\nхолод: да\n",
    );
    let wanted = [
        "f:3:3: «жду» не может совпасть ни с одним словом; это не начальная форма: напишите ждать",
        "f:3:11: набор «@нечто» нигде не определён",
        "f:4:3: «признак слова: ъ» не годится",
        "f:6:10: правило «раз» уже есть в f:2:10",
        "f:6:10: у правила «раз» нет примера",
        "f:7:9: нет закрывающей скобки",
        "f:8:3: образец подходит к любому тексту",
        "f:9:6: неизвестный вид сигнала «insalt»; возможно, «insult»",
        "f:10:8: неизвестная настройка «холод»",
    ];
    for text in wanted {
        assert!(errors.iter().any(|error| error.starts_with(text)), "no «{text}» in\n{}", errors.join("\n"));
    }
}

#[test]
fn a_macro_defined_through_itself_is_refused() {
    let files = [("f", "@а = @б|стол\n@б = (@а | стул)\nвид: insult\nправило: р\n  @а\n  + стол")];
    let errors = Detector::check(&files);
    let cyclic = |fault: &Fault| matches!(fault, Fault::CyclicMacro { path, .. } if path == "а → б → а");
    assert!(errors.iter().any(|error| cyclic(&error.fault)), "{errors:?}");
}

#[test]
fn ten_thousand_rules_are_compiled_and_the_last_one_still_finds() {
    let syllables = ["ба", "ве", "ги", "до", "жу", "за", "ки", "ле", "мо", "ну"];
    let word = |number: usize| -> String {
        [1_000, 100, 10, 1].iter().map(|place| syllables[number / place % 10]).collect()
    };
    let mut rules = String::from("вид: legal_threat\n");
    for number in 0..10_000 {
        rules.push_str(&format!("правило: {number}\n  подать ..2 \"{}\"\n", word(number)));
    }
    let detector = with(&rules);
    assert_eq!(detector.rule_count(), 10_000);
    let text = format!("подам ещё {}", word(9_999));
    assert_eq!(quotes(&detector, &text), [text.as_str()]);
}

#[test]
fn examples_that_fail_say_why() {
    let errors = faults("вид: insult\nправило: р\n  дурак\n  + ты не дурак\n  - вот дурак\n");
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert!(errors[0].contains("не находит свой пример «ты не дурак» (помешало: отрицание)"), "{errors:?}");
    assert!(errors[1].contains("в «вот дурак» найдено «дурак» правилом «р»"), "{errors:?}");
}

#[test]
fn impossible_features_are_dead_elements() {
    let errors = faults("вид: insult\nправило: р\n  стол[1л]\n  дурак\n  + дурак\n");
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].starts_with("f:3:3: «стол» не может совпасть"), "{errors:?}");
}

#[test]
fn a_pattern_that_is_too_long_and_brackets_without_end_are_refused() {
    let long = format!("вид: insult\nправило: р\n  дурак {}\n  + дурак", "..9 дурак ".repeat(9));
    assert!(faults(&long).iter().any(|error| error.contains("образец слишком длинный")));
    let deep = format!("вид: insult\nправило: р\n  {}\n  + дурак", "(".repeat(200_000));
    assert!(!faults(&deep).is_empty());
}

#[test]
fn the_version_changes_with_the_rules_only() {
    let version = |rules: &str| with(rules).rules_version().to_owned();
    let rules = "вид: insult\nправило: р\n  дурак";
    assert_eq!(version(rules), version(rules));
    assert_ne!(version(rules), version("вид: insult\nправило: р\n  болван"));
}

#[test]
fn one_megabyte_in_one_utterance_is_read_to_its_end() {
    let detector = shared();
    let long = format!("{} позовите руководителя", "слово ".repeat(90_000));
    let found = detector.detect(&long, Party::Customer, Channel::Chat);
    let asked = found
        .iter()
        .find(|found| found.kind == SignalKind::SupervisorRequest)
        .map(|found| found.quote(&long));
    assert_eq!(asked, Some("позовите руководителя"));
    detector.detect(&"х у й н я ".repeat(60_000), Party::Customer, Channel::Chat);
    detector.detect(&"ъ".repeat(500_000), Party::Customer, Channel::Chat);
}

/// Texts of words that rules know, words nobody knows, signs and other alphabets.
fn texts() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("не".to_owned()),
        Just("позовите руководителя".to_owned()),
        Just("если".to_owned()),
        Just("б***ь".to_owned()),
        Just("х у й".to_owned()),
        Just("верните, деньги".to_owned()),
        Just("напишу отзыв".to_owned()),
        Just("> ".to_owned()),
        Just("\n".to_owned()),
        "[а-яёА-ЯЁ]{1,12}",
        "[a-z0-9*@.+!?«»\"]{1,8}",
        ".{0,6}",
        "\\PC{0,4}",
    ];
    prop::collection::vec(word, 0..25).prop_map(|words| words.join(" "))
}

fn shared() -> &'static Detector {
    static SHARED: std::sync::OnceLock<Detector> = std::sync::OnceLock::new();
    SHARED.get_or_init(Detector::builtin)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_quote_is_the_exact_text_and_memory_changes_nothing(text in texts(), agent: bool) {
        let party = if agent { Party::Agent } else { Party::Customer };
        let mut scratch = Scratch::default();
        shared().detect_with("позовите руководителя дурак", party, Channel::Call, &mut scratch);
        let found = shared().detect_with(&text, party, Channel::Chat, &mut scratch);
        prop_assert_eq!(&found, &shared().detect(&text, party, Channel::Chat));
        let points = text.chars().count() as u32;
        for one in &found {
            prop_assert!(one.start < one.end && one.end <= points, "{:?} of {}", one, points);
            let quote: String = text.chars().skip(one.start as usize).take((one.end - one.start) as usize).collect();
            prop_assert_eq!(one.quote(&text), quote);
        }
        for pair in found.windows(2) {
            prop_assert!(pair[0].start <= pair[1].start && pair[0].kind != pair[1].kind);
        }
    }

    #[test]
    fn no_rule_file_makes_the_compiler_panic(text in "(вид: insult\n|правило: я\n|[а-я]{1,4}|[(|)\\[\\]<>?.&!~^$@*\": \n;,+=-]|..3|@а = )*") {
        let _ = Detector::new(&[("f", &text)]);
    }
}
