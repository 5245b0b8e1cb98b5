//! Rule files multiplied for measurements: copies of the same shape about other words.
//!
//! Real sets of thousands of rules do not exist yet. In every copy each longer word of a pattern is replaced, so that other
//! words call the rules, and rules and macros of the copy get names of their own; shared files stay as they are. Every copy
//! says in its first line that it is one.

use std::collections::HashSet;

use crate::detect::lexicon::Lexicon;

/// Words of so few letters stay: pronouns, prepositions and particles give patterns their shape.
const SHORT: usize = 3;

/// Of so many words put in, one is a word of the texts; the others are of the dictionary at large.
const ONE_OF: usize = 4;

/// Returns `files` with copies of those that have rules, until there are at least `rules` rules in all.
pub fn multiplied(files: &[(&str, &str)], rules: usize, texts: &[&str]) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> =
        files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    let has_rules = |file: &&(&str, &str)| rules_in(file.1) > 0;
    let own: Vec<&(&str, &str)> = files.iter().filter(has_rules).collect();
    let shared: Vec<&(&str, &str)> = files.iter().filter(|file| !has_rules(file)).collect();
    let mut count: usize = own.iter().map(|file| rules_in(file.1)).sum();
    let common: HashSet<&str> =
        shared.iter().flat_map(|file| file.1.lines()).filter_map(macro_name).collect();
    let mut words = Words::of(texts);
    for (place, (name, text)) in own.iter().cycle().enumerate() {
        if count >= rules {
            break;
        }
        let copy = place / own.len() + 1;
        count += rules_in(text);
        let mut copied = format!("# Копия {copy} файла {name} для измерений: слова заменены наугад.\n");
        for line in whole_lines(text) {
            copied.push_str(&substituted(&line, copy, &common, &mut words));
            copied.push('\n');
        }
        all.push((format!("{copy}-{name}"), copied));
    }
    all
}

fn rules_in(text: &str) -> usize {
    text.lines().filter(|line| line.trim_start().starts_with("правило:")).count()
}

fn macro_name(line: &str) -> Option<&str> {
    Some(line.trim().strip_prefix('@')?.split_once('=')?.0.trim())
}

/// Joins the lines that a backslash at the end continues.
fn whole_lines(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut goes_on = false;
    for line in text.lines() {
        let line = if goes_on { line.trim_start() } else { line };
        let part = line.strip_suffix('\\').unwrap_or(line);
        match lines.last_mut().filter(|_| goes_on) {
            Some(last) => last.push_str(part),
            None => lines.push(part.to_owned()),
        }
        goes_on = line.ends_with('\\');
    }
    lines
}

/// What is put in, in an order that looks like chance and is always the same.
struct Words {
    of_texts: Vec<String>,
    of_dictionary: Vec<String>,
    state: usize,
}

impl Words {
    fn of(texts: &[&str]) -> Self {
        let lexicon = Lexicon::builtin();
        let is_word = |word: &str| word.chars().count() > SHORT && lexicon.lemma(word).is_some();
        let mut of_texts: Vec<String> = texts
            .iter()
            .flat_map(|text| text.split(|sign: char| !sign.is_alphabetic()))
            .map(|word| word.to_lowercase().replace('ё', "е"))
            .filter(|word| is_word(word))
            .collect();
        of_texts.sort();
        of_texts.dedup();
        let mut of_dictionary = Vec::new();
        lexicon.each_of(
            |lemma| lemma % 37 == 0,
            |form, _| {
                if is_word(form) && !form.contains('-') {
                    of_dictionary.push(form.to_owned());
                }
            },
        );
        Self { of_texts, of_dictionary, state: 1 }
    }

    fn next(&mut self) -> &str {
        self.state = (self.state * 31 + 7) % 1_000_003;
        let of_texts = self.state.is_multiple_of(ONE_OF) && !self.of_texts.is_empty();
        let list = if of_texts { &self.of_texts } else { &self.of_dictionary };
        let place = (self.state / ONE_OF).checked_rem(list.len());
        place.and_then(|place| list.get(place)).map_or("слово", String::as_str)
    }
}

/// Returns the line for a copy; declarations, exclusions and examples are left out.
fn substituted(line: &str, copy: usize, common: &HashSet<&str>, words: &mut Words) -> String {
    let trimmed = line.trim();
    if let Some(name) = trimmed.strip_prefix("правило:") {
        return format!("правило: {copy} {}", name.trim());
    }
    if let Some(name) = macro_name(trimmed) {
        let body = trimmed.split_once('=').map_or("", |parts| parts.1);
        return format!("@{name}-{copy} ={}", other_words(body, copy, common, words));
    }
    let left_out = ["слова:", "маски:", "ослышки:", "вставные:", "#", "+ ", "- ", "кроме", "признак "];
    if trimmed.is_empty() || left_out.iter().any(|start| trimmed.starts_with(start)) {
        return String::new();
    }
    if trimmed.contains(':') { trimmed.to_owned() } else { other_words(trimmed, copy, common, words) }
}

/// Replaces the longer words of a pattern and renames the macros of the copy; features and `!рядом` stay.
fn other_words(pattern: &str, copy: usize, common: &HashSet<&str>, words: &mut Words) -> String {
    let mut out = String::new();
    let (mut before, mut in_features) = (' ', false);
    let mut rest = pattern;
    while let Some(sign) = rest.chars().next() {
        let length = rest.find(|next: char| !is_of_name(next)).unwrap_or(rest.len());
        if length == 0 {
            in_features = in_features && sign != ']' || sign == '[';
            before = sign;
            out.push(sign);
            rest = &rest[sign.len_utf8()..];
            continue;
        }
        let (word, next) = rest.split_at(length);
        let kept = in_features || matches!(before, '!' | '~') || next.starts_with('*');
        let is_word = word.chars().count() > SHORT && word.starts_with(char::is_alphabetic);
        match before {
            '@' if common.contains(word) => out.push_str(word),
            '@' => out.push_str(&format!("{word}-{copy}")),
            _ if kept || !is_word => out.push_str(word),
            _ => out.push_str(words.next()),
        }
        before = ' ';
        rest = next;
    }
    out
}

fn is_of_name(sign: char) -> bool {
    sign.is_alphanumeric() || sign == '_' || sign == '-'
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: [(&str, &str); 2] = [
        ("общие.rules", "@хочу = (хотеть[1л]|надо)\n"),
        (
            "refusal.rules",
            "вид: refusal\n@зов = (позвать|звать)\nправило: нет; 90\n  @хочу ..2 начальник \\\n    !рядом школа\n  @зов[пов] \"не надо\"\n  + хочу начальника\n",
        ),
    ];

    #[test]
    fn a_copy_has_the_shape_of_its_rules_and_other_words() {
        let files = multiplied(&FILES, 2, &["завтра будет дождь"]);
        assert_eq!(files.len(), 3);
        let copy: Vec<&str> = files[2].1.lines().filter(|line| !line.is_empty()).collect();
        assert_eq!(copy[0], "# Копия 1 файла refusal.rules для измерений: слова заменены наугад.");
        assert_eq!(copy[1], "вид: refusal");
        assert!(copy[2].starts_with("@зов-1 = (") && !copy[2].contains("позвать"), "{}", copy[2]);
        assert_eq!(copy[3], "правило: 1 нет; 90");
        assert!(copy[4].starts_with("@хочу ..2 ") && copy[4].contains(" !рядом "), "{}", copy[4]);
        assert!(!copy[4].contains("начальник") && !copy[4].contains("школа"), "{}", copy[4]);
        assert!(copy[5].starts_with("@зов-1[пов] \"не "), "{}", copy[5]);
        assert_eq!(copy.len(), 6);
    }

    #[test]
    fn copies_of_the_shipped_rules_compile() {
        let files = multiplied(crate::detect::Detector::builtin_files(), 700, &[]);
        let named: Vec<(&str, &str)> =
            files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        let errors = crate::detect::Detector::new(&named).err().unwrap_or_default();
        assert!(errors.is_empty(), "{}", errors[0]);
    }
}
