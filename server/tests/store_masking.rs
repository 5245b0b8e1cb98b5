//! Masking, by examples and by generated dialogues: what share of cards is masked, and what share of other numbers is not.

#![expect(clippy::unwrap_used, reason = "a step that fails fails its test")]

use gradus::mask::{MASK, MaskedText, Masker};
use gradus_engine::signal::Party;

/// A small generator with a fixed seed: SplitMix64 (Steele, Lea, Flood 2014).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    fn pick<'t>(&mut self, of: &[&'t str]) -> &'t str {
        of[self.roll(of.len() as u64) as usize]
    }

    fn digits(&mut self, count: usize) -> String {
        (0..count).map(|_| char::from(b'0' + self.roll(10) as u8)).collect()
    }

    /// A number with a true check digit and the first digits and length of a card.
    fn card(&mut self) -> String {
        let (lead, length) = match self.roll(20) {
            0..=5 => (format!("220{}", self.roll(5)), 16),
            6..=10 => ("4".into(), 16),
            11..=14 => (format!("5{}", 1 + self.roll(5)), 16),
            15 => (format!("{}", 2221 + self.roll(500)), 16),
            16 => (self.pick(&["34", "37"]).into(), 15),
            17 => ("62".into(), 16 + self.roll(4) as usize),
            18 => (self.pick(&["36", "38"]).into(), 14),
            _ => (self.pick(&["67", "63", "50"]).into(), 16 + self.roll(4) as usize),
        };
        let body = format!("{lead}{}", self.digits(length - 1 - lead.len()));
        let check = (0..10).find(|check| luhn(&format!("{body}{check}"))).unwrap();
        format!("{body}{check}")
    }
}

fn luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, byte)| {
            let digit = u32::from(byte - b'0') * if place % 2 == 1 { 2 } else { 1 };
            digit / 10 + digit % 10
        })
        .sum();
    sum.is_multiple_of(10)
}

const UNITS: [&str; 20] = [
    "ноль",
    "один",
    "два",
    "три",
    "четыре",
    "пять",
    "шесть",
    "семь",
    "восемь",
    "девять",
    "десять",
    "одиннадцать",
    "двенадцать",
    "тринадцать",
    "четырнадцать",
    "пятнадцать",
    "шестнадцать",
    "семнадцать",
    "восемнадцать",
    "девятнадцать",
];
const TENS: [&str; 10] = [
    "",
    "",
    "двадцать",
    "тридцать",
    "сорок",
    "пятьдесят",
    "шестьдесят",
    "семьдесят",
    "восемьдесят",
    "девяносто",
];
const HUNDREDS: [&str; 10] =
    ["", "сто", "двести", "триста", "четыреста", "пятьсот", "шестьсот", "семьсот", "восемьсот", "девятьсот"];

/// Says a group of digits: each leading nought by itself, the rest as one number.
fn say(group: &str) -> String {
    let rest = group.trim_start_matches('0');
    let mut words = vec!["ноль"; group.len() - rest.len()];
    let value: usize = rest.parse().unwrap_or(0);
    let thousands = value / 1000;
    if thousands > 1 {
        small(&mut words, thousands);
        // «Две тысячи», «двадцать одна тысяча».
        match words.last().copied() {
            Some("один") => *words.last_mut().unwrap() = "одна",
            Some("два") => *words.last_mut().unwrap() = "две",
            _ => {}
        }
    }
    match (thousands % 10, thousands / 10 % 10) {
        _ if thousands == 0 => {}
        (1, tens) if tens != 1 => words.push("тысяча"),
        (2..=4, tens) if tens != 1 => words.push("тысячи"),
        _ => words.push("тысяч"),
    }
    small(&mut words, value % 1000);
    words.join(" ")
}

fn small(words: &mut Vec<&'static str>, value: usize) {
    if value >= 100 {
        words.push(HUNDREDS[value / 100]);
    }
    match value % 100 {
        0 => {}
        below @ 1..=19 => words.push(UNITS[below]),
        below => {
            words.push(TENS[below / 10]);
            if below % 10 > 0 {
                words.push(UNITS[below % 10]);
            }
        }
    }
}

/// Splits digits into groups as people say or write them.
fn groups(dice: &mut Dice, card: &str) -> Vec<String> {
    let size = |at: usize, kind: u64, dice: &mut Dice| match kind {
        0 | 1 => 4,
        2 => 2,
        3 => 3,
        4 => [4, 6, 5][at.min(2)],
        5 => 1,
        _ => 1 + dice.roll(4) as usize,
    };
    let kind = dice.roll(7);
    let mut out = Vec::new();
    let mut rest = card;
    while !rest.is_empty() {
        let (group, left) = rest.split_at(size(out.len(), kind, dice).min(rest.len()));
        out.push(group.to_owned());
        rest = left;
    }
    out
}

/// A dialogue: who says what, and where in it the number is (utterance, code points).
struct Told {
    lines: Vec<(Party, String)>,
    digits: Vec<(usize, usize, usize)>,
}

/// Builds lines out of a preface, the parts of a number, and words after it; more lines when it is split.
fn tell(dice: &mut Dice, preface: &str, parts: &[String], glue: &[&str], split: bool) -> Told {
    let mut told = Told { lines: vec![(Party::Customer, preface.to_owned())], digits: Vec::new() };
    let cut = if split { 1 + dice.roll(parts.len() as u64 - 1) as usize } else { parts.len() };
    for (index, part) in parts.iter().enumerate() {
        if index == cut {
            if dice.roll(2) == 0 {
                told.lines.push((
                    Party::Agent,
                    dice.pick(&["Так", "Угу, записываю.", "Да, дальше", "Слушаю"]).into(),
                ));
            }
            told.lines.push((Party::Customer, dice.pick(&["", "Так, ", "Дальше ", "и "]).into()));
        }
        let at = told.lines.len() - 1;
        let line = &mut told.lines[at].1;
        if index > 0 && index != cut {
            line.push_str(dice.pick(glue));
        }
        let start = line.chars().count();
        line.push_str(part);
        told.digits.push((at, start, line.chars().count()));
    }
    if !split {
        let at = told.lines.len() - 1;
        told.lines[at].1.push_str(dice.pick(&[
            "",
            ".",
            ", запишите",
            " вот такая",
            ", проверьте, пожалуйста",
        ]));
    }
    told
}

/// Masks the lines and says whether every character of the number is masked at the end, and whether anything is.
fn masked(told: &Told) -> (bool, bool) {
    let mut masker = Masker::default();
    let mut stored: Vec<String> = Vec::new();
    for (number, (party, line)) in told.lines.iter().enumerate() {
        let masked = masker.utterance(number as i64, *party, line);
        for (earlier, text) in masked.earlier {
            stored[earlier as usize] = text.to_string();
        }
        assert_eq!(masked.text.chars().count(), line.chars().count(), "offsets move in {line}");
        stored.push(masked.text.to_string());
    }
    let all = told.digits.iter().all(|&(line, from, to)| {
        stored[line].chars().skip(from).take(to - from).all(|c| c == MASK || !c.is_alphanumeric())
    });
    (all, stored.iter().any(|line| line.contains(MASK)))
}

fn show(told: &Told) -> String {
    told.lines.iter().map(|(_, line)| line.as_str()).collect::<Vec<_>>().join(" | ")
}

const CARD_PREFACES: [&str; 12] = [
    "",
    "Номер карты ",
    "Карта ",
    "Записывайте: ",
    "Моя карта ",
    "списали с карты ",
    "Вот номер: ",
    "оплачивал ",
    "да, ",
    "Я вам диктую, ",
    "верните на карту ",
    "Сбербанк, ",
];

fn share(hits: usize, of: usize) -> f64 {
    hits as f64 / of as f64
}

#[test]
fn of_ten_thousand_cards_at_least_995_in_a_thousand_are_masked() {
    let mut dice = Dice(20_261_116);
    let mut count = [[0_usize; 2]; 4];
    let mut missed = Vec::new();
    for number in 0..12_000 {
        let card = dice.card();
        let preface = dice.pick(&CARD_PREFACES);
        let way = number % 4;
        let told = match way {
            0 | 1 => {
                let parts = if way == 0 && dice.roll(3) == 0 { vec![card] } else { groups(&mut dice, &card) };
                tell(
                    &mut dice,
                    preface,
                    &parts,
                    &[" ", "-", " - ", "  ", "\u{a0}", ", ", "."],
                    way == 1 && parts.len() > 1,
                )
            }
            _ => {
                let parts: Vec<String> = groups(&mut dice, &card).iter().map(|group| say(group)).collect();
                tell(&mut dice, preface, &parts, &[" ", ", ", " так ", " - "], way == 3)
            }
        };
        let (all, _) = masked(&told);
        count[way][0] += usize::from(all);
        count[way][1] += 1;
        if !all {
            missed.push(format!("{way} {}", show(&told)));
        }
    }
    missed.sort();
    let ways = ["written", "written, split", "spoken", "spoken, split"];
    for (way, [hits, of]) in ways.iter().zip(count) {
        println!("{way}: {:.4} of {of}", share(hits, of));
    }
    let hits: usize = count.iter().map(|way| way[0]).sum();
    println!(
        "recall {:.5}\n{}",
        share(hits, 12_000),
        missed.iter().step_by(missed.len() / 40 + 1).cloned().collect::<Vec<_>>().join("\n")
    );
    assert!(share(hits, 12_000) >= 0.995, "{:.5}", share(hits, 12_000));
}

#[test]
fn of_ten_thousand_codes_at_least_995_in_a_thousand_are_masked() {
    let mut dice = Dice(7);
    let (mut hits, mut missed) = (0, Vec::new());
    const ALL: usize = 10_000;
    for number in 0..ALL {
        let length = if dice.roll(8) == 0 { 4 } else { 3 };
        let code = dice.digits(length);
        let parts: Vec<String> = match dice.roll(4) {
            0 => vec![code],
            1 => vec![say(&code)],
            2 => code.chars().map(|digit| say(&digit.to_string())).collect(),
            _ => code.chars().map(String::from).collect(),
        };
        let name = dice.pick(&[
            "cvv",
            "CVC",
            "цвв",
            "ЦВС код",
            "си ви ви",
            "CVV2",
            "код с обратной стороны",
            "три цифры на обороте",
            "код безопасности",
            "цифры с обратной стороны карты",
            "сиви",
            "три цифры на обратной стороне",
        ]);
        let told = if number % 2 == 0 {
            let preface = format!("{name} {}", dice.pick(&["", "- ", "у меня ", "там ", "такой: "]));
            tell(&mut dice, &preface, &parts, &[" ", ", "], false)
        } else {
            let ask = format!(
                "{} {name}{}",
                dice.pick(&["Назовите", "Подскажите", "И ещё"]),
                dice.pick(&["", "?", ", пожалуйста."])
            );
            let preface = dice.pick(&["", "Да, ", "Сейчас... ", "Так, "]);
            let mut told = tell(&mut dice, preface, &parts, &[" ", ", "], false);
            told.lines.insert(0, (Party::Agent, ask));
            told.digits.iter_mut().for_each(|place| place.0 += 1);
            told
        };
        let (all, _) = masked(&told);
        hits += usize::from(all);
        if !all {
            missed.push(show(&told));
        }
    }
    println!("recall {:.5}\n{}", share(hits, ALL), missed[..missed.len().min(12)].join("\n"));
    assert!(share(hits, ALL) >= 0.995, "{:.5}", share(hits, ALL));
}

#[test]
fn of_ten_thousand_other_numbers_at_least_98_in_a_hundred_are_left_alone() {
    let mut dice = Dice(99);
    let (mut left, mut touched) = (0, Vec::new());
    const ALL: usize = 12_000;
    for number in 0..ALL {
        let (preface, parts): (String, Vec<String>) = match number % 15 {
            0 => (
                "Мой телефон ".into(),
                vec![
                    "8".into(),
                    format!("9{}", dice.digits(2)),
                    dice.digits(3),
                    dice.digits(2),
                    dice.digits(2),
                ],
            ),
            11 => ("У меня тут ".into(), vec![dice.digits(5 + number % 12)]),
            12 => (
                "С карты списали ".into(),
                vec![format!("{} рублей и {} рублей", dice.digits(4), dice.digits(3))],
            ),
            13 => (
                dice.pick(&["Код домофона ", "Код города ", "Дом ", "Код из смс "]).into(),
                vec![dice.digits(3)],
            ),
            1 => ("Перезвоните на +7".into(), vec![format!("9{}", dice.digits(9))]),
            2 => ("Номер заказа ".into(), vec![dice.digits(6 + (number % 11))]),
            3 => ("ИНН ".into(), vec![dice.digits(if number % 2 == 0 { 10 } else { 12 })]),
            4 => ("Списали ".into(), vec![format!("{} {} рублей", 1 + dice.roll(900), dice.digits(3))]),
            5 => ("Договор номер ".into(), vec![dice.digits(8 + number % 9)]),
            6 => ("Расчётный счёт 40817".into(), vec![dice.digits(15)]),
            7 => ("Трек ".into(), vec![dice.digits(14)]),
            8 => (
                "Телефон ".into(),
                [
                    "8".to_owned(),
                    format!("9{}", dice.digits(2)),
                    dice.digits(3),
                    dice.digits(2),
                    dice.digits(2),
                ]
                .iter()
                .map(|group| say(group))
                .collect(),
            ),
            9 => {
                ("Обращение ".into(), vec![say(&dice.digits(2)), say(&dice.digits(2)), say(&dice.digits(2))])
            }
            10 => {
                ("Заплатила ".into(), vec![format!("{} рублей", say(&format!("{}", 1000 + dice.roll(8000))))])
            }
            _ => (
                format!("{}.{}.20{} в ", 1 + dice.roll(28), 1 + dice.roll(12), dice.digits(2)),
                vec![format!("{}:{}", dice.digits(2), dice.digits(2))],
            ),
        };
        let asked = number % 3 == 0;
        let mut told =
            tell(&mut dice, &preface, &parts, &[" ", "-", " "], number % 5 == 0 && parts.len() > 1);
        if asked {
            told.lines.insert(0, (Party::Agent, "Продиктуйте, пожалуйста, номер.".into()));
        }
        let (_, any) = masked(&told);
        left += usize::from(!any);
        if any {
            touched.push(show(&told));
        }
    }
    println!("left alone {:.5}\n{}", share(left, ALL), touched[..touched.len().min(12)].join("\n"));
    assert!(share(left, ALL) >= 0.98, "{:.5}", share(left, ALL));
}

#[test]
fn examples_are_masked_character_for_character() {
    for (text, masked) in [
        ("карта 4276 3800 1234 5679, срок 12/27", "карта •••• •••• •••• ••••, срок 12/27"),
        ("4276380012345679", "••••••••••••••••"),
        (
            "сорок два семьдесят шесть тридцать восемь ноль ноль двенадцать тридцать четыре пятьдесят шесть семьдесят девять",
            "••••• ••• ••••••••• ••••• •••••••• •••••• •••• •••• •••••••••• •••••••• •••••• ••••••••• ••••• ••••••••• ••••••",
        ),
        ("cvv 123", "cvv •••"),
        ("код с обратной стороны сто двадцать три", "код с обратной стороны ••• •••••••• •••"),
        ("карта 4276 3800 1234 5679 12 27 123", "карта •••• •••• •••• •••• 12 27 •••"),
        ("карта 4276 3800 1234 5679, код 123", "карта •••• •••• •••• ••••, код •••"),
        // None of these is a card.
        ("мой телефон 8 916 123-45-67", "мой телефон 8 916 123-45-67"),
        ("код города 495", "код города 495"),
        ("код из смс 4471", "код из смс 4471"),
        ("заказ 4276380012345679 не пришёл", "заказ 4276380012345679 не пришёл"),
        ("sha 4276380012345679ab", "sha 4276380012345679ab"),
        ("последние четыре цифры карты 5679", "последние четыре цифры карты 5679"),
        (
            "позвоните через три дня, в двести пятом кабинете",
            "позвоните через три дня, в двести пятом кабинете",
        ),
        ("", ""),
        ("алло", "алло"),
    ] {
        assert_eq!(MaskedText::of(text).as_str(), masked, "{text}");
    }
}

#[test]
fn where_a_card_is_dictated_no_part_of_it_is_shown_even_for_a_moment() {
    let mut masker = Masker::default();
    masker.utterance(0, Party::Agent, "Продиктуйте номер карты, пожалуйста");
    for (number, part) in (1..).zip(["4276", "3800", "1234", "5679"]) {
        let masked = masker.utterance(number, Party::Customer, part);
        assert_eq!(masked.text.as_str(), "••••");
    }
}

#[test]
fn a_number_completed_later_is_masked_where_it_began() {
    let mut masker = Masker::default();
    let first = masker.utterance(4, Party::Customer, "записывайте 4276 3800");
    assert_eq!(first.text.as_str(), "записывайте 4276 3800");
    masker.utterance(5, Party::Agent, "Угу");
    let second = masker.utterance(6, Party::Customer, "1234 5679");
    assert_eq!(second.text.as_str(), "•••• ••••");
    assert_eq!(second.earlier.len(), 1);
    assert_eq!((second.earlier[0].0, second.earlier[0].1.as_str()), (4, "записывайте •••• ••••"));
}

#[test]
fn long_and_broken_texts_are_masked_in_no_time() {
    let words = "слово ".repeat(200_000);
    assert_eq!(MaskedText::of(&words).as_str(), words);
    let digits = "1".repeat(1 << 20);
    assert_eq!(MaskedText::of(&digits).as_str(), digits);
    let numbers = "12 ".repeat(100_000);
    assert_eq!(MaskedText::of(&numbers).chars().count(), 300_000);
    let spoken = "сорок два ".repeat(50_000);
    assert_eq!(MaskedText::of(&spoken).chars().count(), 500_000);
    MaskedText::of("\u{202e}4276\u{200b}3800 \u{0}\u{feff}");
}
