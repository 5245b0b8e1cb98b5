//! The lines of a rule file: kinds, rules, patterns, examples, options and the shared declarations.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::error::{Fault, Place, RuleError, nearest};
use super::names::{Name, Names};
use super::pattern::{Line, Node, Where, parse_line, plain};
use crate::signal::{Channel, Party, SignalKind};

/// Whether a circumstance of the match is forbidden, allowed or needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// The match dies when it holds («нельзя»).
    Forbidden,
    /// It does not matter («можно»).
    Allowed,
    /// The match dies unless it holds («нужно»).
    Needed,
}

/// What may be set for a rule, for all rules under a kind, or for everything.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// «уверенность», per cent.
    pub confidence: Option<u8>,
    /// «сторона».
    pub party: Option<Party>,
    /// «канал»: none means all.
    pub channels: Option<Vec<Channel>>,
    /// «лицо»: allowed persons 1–3.
    pub persons: Option<Vec<u8>>,
    /// «время»: allowed tenses by their feature names.
    pub tenses: Option<Vec<String>>,
    /// «слов»: the utterance has at most so many words.
    pub words: Option<u16>,
    /// Circumstances by name: «отрицание», «вопрос», …, and the marks that files declare.
    pub needs: BTreeMap<String, (Need, Place)>,
}

impl Options {
    /// Returns these options where set, else those of `base`.
    pub fn over(&self, base: &Options) -> Options {
        let mut needs = base.needs.clone();
        needs.extend(self.needs.clone());
        Options {
            confidence: self.confidence.or(base.confidence),
            party: self.party.or(base.party),
            channels: self.channels.clone().or_else(|| base.channels.clone()),
            persons: self.persons.clone().or_else(|| base.persons.clone()),
            tenses: self.tenses.clone().or_else(|| base.tenses.clone()),
            words: self.words.or(base.words),
            needs,
        }
    }
}

/// One rule as written.
#[derive(Clone, Debug)]
pub struct SourceRule {
    /// What it finds.
    pub kind: SignalKind,
    /// Its name, shown with every signal it finds.
    pub name: String,
    /// Where it begins.
    pub place: Place,
    /// Its own options over those of its kind.
    pub options: Options,
    /// Its patterns.
    pub lines: Vec<Line>,
    /// What must not stand near.
    pub except: Vec<(Where, Node)>,
    /// Texts it has to find.
    pub positive: Vec<(String, Place)>,
    /// Texts in which the kind must not be found.
    pub negative: Vec<(String, Place)>,
}

/// Everything that the files say.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// The words and features that the patterns name by number.
    pub names: Names,
    /// «@имя = …».
    pub macros: FxHashMap<Name, (Node, Place)>,
    /// «признак имя: …».
    pub marks: BTreeMap<String, (Vec<Line>, Place)>,
    /// «не отрицание: …».
    pub no_denial: Vec<Line>,
    /// «отрицание после: …».
    pub denial_after: Vec<Line>,
    /// «слова: ютуб как клуб».
    pub words: Vec<(String, Option<String>, Place)>,
    /// «вставные: ну, э».
    pub fillers: Vec<String>,
    /// «маски: …».
    pub masks: Vec<String>,
    /// «ослышки: будите=будете».
    pub mishearings: Vec<(String, String)>,
    /// «кроме: …» under a kind.
    pub kind_except: Vec<(SignalKind, Where, Node)>,
    /// The options of «по умолчанию».
    pub defaults: Options,
    /// The rules in the order of the files.
    pub rules: Vec<SourceRule>,
}

/// The circumstances that need no declaration.
pub const BUILTIN_NEEDS: [&str; 5] = ["отрицание", "вопрос", "условие", "цитата", "адресат"];

const KEYS: [&str; 20] = [
    "вид",
    "правило",
    "кроме",
    "кроме везде",
    "слова",
    "вставные",
    "маски",
    "ослышки",
    "не отрицание",
    "отрицание после",
    "по умолчанию",
    "признак",
    "уверенность",
    "сторона",
    "канал",
    "лицо",
    "время",
    "слов",
    "отрицание",
    "вопрос",
];

/// Reads one file into `source`, adding what is wrong to `errors`.
pub fn read(file: &str, text: &str, source: &mut Source, errors: &mut Vec<RuleError>) {
    let mut reader = FileReader { source, errors, kind: None, base: Options::default(), rule: None };
    let file: Arc<str> = file.into();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = text.lines().zip(1u32..);
    while let Some((line, number)) = lines.next() {
        let mut whole = line.to_owned();
        while whole.ends_with('\\') {
            whole.pop();
            match lines.next() {
                Some((next, _)) => whole.push_str(next.trim_start()),
                None => break,
            }
        }
        let column = whole.chars().take_while(|letter| letter.is_whitespace()).count() as u32 + 1;
        let place = Place { file: file.clone(), line: number, column };
        let trimmed = whole.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        if let Err(error) = reader.line(trimmed, &place) {
            reader.errors.push(error);
        }
    }
    reader.close_rule();
}

struct FileReader<'s> {
    source: &'s mut Source,
    errors: &'s mut Vec<RuleError>,
    kind: Option<SignalKind>,
    base: Options,
    rule: Option<SourceRule>,
}

fn syntax(place: &Place, what: impl Into<String>, cure: &str) -> RuleError {
    RuleError { place: place.clone(), fault: Fault::Syntax { what: what.into(), cure: cure.to_owned() } }
}

fn after(place: &Place, letters: usize) -> Place {
    Place { column: place.column + letters as u32, ..place.clone() }
}

impl FileReader<'_> {
    fn line(&mut self, line: &str, place: &Place) -> Result<(), RuleError> {
        if let Some(name) = line.strip_prefix('@').filter(|rest| rest.contains('=')) {
            return self.define_macro(name, place);
        }
        if let Some(text) = line.strip_prefix("+ ").or_else(|| line.strip_prefix("- ")) {
            let Some(rule) = &mut self.rule else {
                return Err(syntax(place, "пример вне правила", "сначала строка «правило: имя»"));
            };
            let side = if line.starts_with('+') { &mut rule.positive } else { &mut rule.negative };
            side.push((text.trim().to_owned(), place.clone()));
            return Ok(());
        }
        if let Some((key, value)) = line.split_once(':').filter(|(key, _)| looks_like_key(key)) {
            let shift = line.chars().count() - value.trim_start().chars().count();
            return self.keyed(&plain(key.trim()), value.trim(), &after(place, shift));
        }
        let Some(rule) = &mut self.rule else {
            return Err(syntax(place, "образец вне правила", "сначала строка «правило: имя»"));
        };
        rule.lines.push(parse_line(line, place, &mut self.source.names)?);
        Ok(())
    }

    fn define_macro(&mut self, line: &str, place: &Place) -> Result<(), RuleError> {
        let Some((name, body)) = line.split_once('=') else { return Ok(()) };
        let shift = 1 + line.chars().count() - body.trim_start().chars().count();
        let name = plain(name.trim());
        let number = self.source.names.name(&name);
        let parsed = parse_line(body.trim(), &after(place, shift), &mut self.source.names)?;
        if parsed.parts.len() != 1 || !parsed.without.is_empty() {
            return Err(syntax(
                place,
                format!("в наборе «@{name}» есть «&» или «!»"),
                "набор — это слова и группы; условия пишите в правиле",
            ));
        }
        if let Some((_, first)) = self.source.macros.get(&number) {
            return Err(RuleError {
                place: place.clone(),
                fault: Fault::Duplicate { what: "набор", name, first: first.clone() },
            });
        }
        let node = parsed.parts.into_iter().next().unwrap_or(Node::Row(Vec::new()));
        self.source.macros.insert(number, (node, place.clone()));
        Ok(())
    }

    fn keyed(&mut self, key: &str, value: &str, place: &Place) -> Result<(), RuleError> {
        match key {
            "вид" => return self.open_kind(value, place),
            "правило" => return self.open_rule(value, place),
            "кроме" | "кроме везде" => return self.except(key, value, place),
            "слова" => {
                for word in list(value) {
                    let (new, like) = match word.split_once(" как ") {
                        Some((new, like)) => (plain(new.trim()), Some(plain(like.trim()))),
                        None => (plain(&word), None),
                    };
                    self.source.words.push((new, like, place.clone()));
                }
            }
            "вставные" => self.source.fillers.extend(list(value).map(|word| plain(&word))),
            "маски" => self.source.masks.extend(list(value).map(|word| plain(&word))),
            "ослышки" => {
                for pair in list(value) {
                    let Some((heard, meant)) = pair.split_once('=') else {
                        return Err(syntax(
                            place,
                            format!("«{pair}» без знака «=»"),
                            "пишите услышанное=имелось в виду: будите=будете",
                        ));
                    };
                    self.source.mishearings.push((plain(heard.trim()), plain(meant.trim())));
                }
            }
            "не отрицание" => {
                let line = parse_line(value, place, &mut self.source.names)?;
                self.source.no_denial.push(line);
            }
            "отрицание после" => {
                let line = parse_line(value, place, &mut self.source.names)?;
                self.source.denial_after.push(line);
            }
            "по умолчанию" => {
                let mut defaults = std::mem::take(&mut self.source.defaults);
                let done = each_option(value, place, |key, value, place| {
                    set_option(&mut defaults, key, value, place)
                });
                self.source.defaults = defaults;
                done?;
            }
            _ => {
                if let Some(name) = key.strip_prefix("признак ") {
                    let line = parse_line(value, place, &mut self.source.names)?;
                    let mark = self
                        .source
                        .marks
                        .entry(name.trim().to_owned())
                        .or_insert_with(|| (Vec::new(), place.clone()));
                    mark.0.push(line);
                    return Ok(());
                }
                let options = self.rule.as_mut().map_or(&mut self.base, |rule| &mut rule.options);
                set_option(options, key, value, place)?;
            }
        }
        Ok(())
    }

    fn open_kind(&mut self, value: &str, place: &Place) -> Result<(), RuleError> {
        self.close_rule();
        self.kind = None;
        self.base = Options::default();
        let name = value.trim();
        let kind: SignalKind = name.parse().map_err(|_| {
            let near = nearest(name, SignalKind::ALL.iter().map(|kind| kind.name()));
            let cure = near.map_or_else(
                || "имена — в первом столбце списка видов".to_owned(),
                |near| format!("возможно, «{near}»"),
            );
            RuleError { place: place.clone(), fault: Fault::UnknownKind { name: name.to_owned(), cure } }
        })?;
        self.kind = Some(kind);
        Ok(())
    }

    fn open_rule(&mut self, value: &str, place: &Place) -> Result<(), RuleError> {
        self.close_rule();
        let Some(kind) = self.kind else {
            return Err(syntax(
                place,
                "правило до строки «вид:»",
                "сначала назовите вид: «вид: supervisor_request»",
            ));
        };
        let (name, rest) = value.split_once(';').unwrap_or((value, ""));
        let mut options = Options::default();
        let done = each_option(rest, place, |key, value, place| set_option(&mut options, key, value, place));
        self.rule = Some(SourceRule {
            kind,
            name: name.trim().to_owned(),
            place: place.clone(),
            options,
            lines: Vec::new(),
            except: Vec::new(),
            positive: Vec::new(),
            negative: Vec::new(),
        });
        done
    }

    fn except(&mut self, key: &str, value: &str, place: &Place) -> Result<(), RuleError> {
        let line = parse_line(value, place, &mut self.source.names)?;
        if line.parts.len() != 1 || !line.without.is_empty() {
            return Err(syntax(
                place,
                "в «кроме» есть «&» или «!»",
                "напишите одну цепочку слов; для нескольких — несколько строк",
            ));
        }
        let everywhere = key == "кроме везде";
        for node in line.parts {
            match (&mut self.rule, self.kind) {
                (Some(rule), _) => {
                    rule.except.push((if everywhere { Where::Anywhere } else { Where::Near }, node))
                }
                (None, Some(kind)) => {
                    let side = if everywhere { Where::Anywhere } else { Where::Sentence };
                    self.source.kind_except.push((kind, side, node));
                }
                (None, None) => {
                    return Err(syntax(
                        place,
                        "«кроме» до строки «вид:»",
                        "поставьте его под видом или под правилом",
                    ));
                }
            }
        }
        Ok(())
    }

    fn close_rule(&mut self) {
        if let Some(mut rule) = self.rule.take() {
            rule.options = rule.options.over(&self.base);
            self.source.rules.push(rule);
        }
    }
}

/// A key is one to three words of letters; patterns never have a colon after such a beginning.
fn looks_like_key(text: &str) -> bool {
    text.split_whitespace().count() <= 4
        && text
            .chars()
            .all(|letter| letter.is_alphabetic() || letter == ' ' || letter == '_' || letter == '-')
}

fn list(value: &str) -> impl Iterator<Item = String> {
    value.split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty())
}

/// Options after the rule's name: «95; вопрос: нельзя; лицо: 1».
fn each_option(
    text: &str,
    place: &Place,
    mut set: impl FnMut(&str, &str, &Place) -> Result<(), RuleError>,
) -> Result<(), RuleError> {
    for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
        match part.split_once(':') {
            Some((key, value)) => set(&plain(key.trim()), value.trim(), place)?,
            None if part.chars().all(|letter| letter.is_ascii_digit()) => set("уверенность", part, place)?,
            None => {
                return Err(syntax(
                    place,
                    format!("«{part}» — не настройка"),
                    "после имени пишите через «;»: 95; вопрос: нельзя; лицо: 1",
                ));
            }
        }
    }
    Ok(())
}

fn set_option(options: &mut Options, key: &str, value: &str, place: &Place) -> Result<(), RuleError> {
    let bad = |allowed: &str| RuleError {
        place: place.clone(),
        fault: Fault::BadValue { key: key.to_owned(), value: value.to_owned(), allowed: allowed.to_owned() },
    };
    match key {
        "уверенность" => {
            let number = value.parse().ok().filter(|number| (1..=100).contains(number));
            options.confidence = Some(number.ok_or_else(|| bad("целое от 1 до 100"))?);
        }
        "сторона" => {
            options.party = Some(match value {
                "клиент" => Party::Customer,
                "оператор" => Party::Agent,
                _ => return Err(bad("клиент, оператор")),
            });
        }
        "канал" => {
            let one = |name: String| match name.as_str() {
                "звонок" => Ok(Channel::Call),
                "чат" => Ok(Channel::Chat),
                "письмо" => Ok(Channel::Email),
                "встреча" => Ok(Channel::InPerson),
                _ => Err(bad("звонок, чат, письмо, встреча")),
            };
            options.channels = Some(list(value).map(one).collect::<Result<_, _>>()?);
        }
        "лицо" => {
            let one = |name: String| {
                name.parse().ok().filter(|person| (1..=3).contains(person)).ok_or_else(|| bad("1, 2, 3"))
            };
            options.persons = Some(list(value).map(one).collect::<Result<_, _>>()?);
        }
        "время" => {
            let one = |name: String| match name.as_str() {
                "прош" | "наст" | "буд" => Ok(name),
                _ => Err(bad("прош, наст, буд")),
            };
            options.tenses = Some(list(value).map(one).collect::<Result<_, _>>()?);
        }
        "слов" => {
            options.words =
                Some(value.trim_start_matches("до ").parse().map_err(|_| bad("наибольшее число слов"))?)
        }
        _ => {
            let need = match value {
                "нельзя" => Need::Forbidden,
                "можно" => Need::Allowed,
                "нужно" => Need::Needed,
                _ if BUILTIN_NEEDS.contains(&key) => return Err(bad("нельзя, можно, нужно")),
                _ => {
                    let known = KEYS.join(", ");
                    return Err(RuleError {
                        place: place.clone(),
                        fault: Fault::UnknownKey { key: key.to_owned(), known },
                    });
                }
            };
            options.needs.insert(key.to_owned(), (need, place.clone()));
        }
    }
    Ok(())
}
