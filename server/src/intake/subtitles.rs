//! WebVTT and SRT: cues with times become utterances, `<v Name>` and «Имя:» name the speaker.
//!
//! Own code, since the published parsers stop at the first cue that is not to the letter, and recognisers write many.

use super::draft::{Draft, When};
use super::fault::{Fault, FaultKind};
use super::html;
use super::{Defaults, Incoming, text, times};

/// Reads the bytes of a WebVTT or SRT file.
///
/// # Errors
/// A [`Fault`] that names the line: a cue without words is fine, times that cannot be read are not.
pub fn parse(bytes: &[u8], source_name: &str, defaults: &Defaults) -> Result<Incoming, Fault> {
    let decoded = text::decode(bytes)?;
    let mut draft = Draft::new(source_name, source_name);
    if let Some(warning) = decoded.warning {
        draft.warn(warning);
    }
    let lines: Vec<&str> = decoded.text.lines().collect();
    let mut speaker = String::new();
    let mut cues = 0_usize;
    let mut named = false;
    let mut at = 0;
    while at < lines.len() {
        if is_skipped_block(lines[at]) {
            while at < lines.len() && !lines[at].trim().is_empty() {
                at += 1;
            }
            continue;
        }
        if !lines[at].contains("-->") {
            at += 1;
            continue;
        }
        let place = format!("line {}", at + 1);
        let (start, end) = cue_times(lines[at], &place)?;
        let end_of_cue = end_of_cue(&lines, at + 1);
        cues += 1;
        for said in voices(&lines[at + 1..end_of_cue]) {
            // A cue without a name goes on with the one who spoke before.
            if let Some(name) = said.speaker {
                speaker = name;
                named = true;
            }
            let party = draft.party(&speaker, &place)?;
            draft.say(party, said.words, Some(When::Ms(start)), Some(When::Ms(end)), &place)?;
        }
        at = end_of_cue;
    }
    if cues == 0 {
        let cure = "a cue is a line «00:00:01.000 --> 00:00:02.500» and the words below it";
        return Err(Fault::new(FaultKind::Missing, "", "there is no cue in it", cure));
    }
    if !named {
        draft.warn("no cue names its speaker: all words are judged as one person's; write «<v Имя>» or «Клиент:» before them".into());
    }
    draft.finish(defaults)
}

fn is_skipped_block(line: &str) -> bool {
    let line = line.trim_start_matches('\u{FEFF}').trim();
    ["WEBVTT", "NOTE", "STYLE", "REGION"].iter().any(|word| {
        line.strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
    }) && !line.contains("-->")
}

/// Words end at an empty line, or where the next cue begins without one.
fn end_of_cue(lines: &[&str], from: usize) -> usize {
    let rest = lines.get(from..).unwrap_or_default();
    let length =
        rest.iter().position(|line| line.trim().is_empty() || line.contains("-->")).unwrap_or(rest.len());
    let cut_by_cue = rest.get(length).is_some_and(|line| line.contains("-->"));
    let has_number = length > 0 && rest[length - 1].trim().bytes().all(|byte| byte.is_ascii_digit());
    from + if cut_by_cue && has_number { length - 1 } else { length }
}

fn cue_times(line: &str, place: &str) -> Result<(u64, u64), Fault> {
    let wrong = |problem: &str| {
        Fault::new(FaultKind::Syntax, place, problem, "write «00:00:01.000 --> 00:00:02.500»")
    };
    let (start, rest) = line.split_once("-->").ok_or_else(|| wrong("no arrow"))?;
    // Settings of the cue follow the second time.
    let end = rest.split_whitespace().next().unwrap_or_default();
    let start = times::position_ms(start).ok_or_else(|| wrong("the start of the cue cannot be read"))?;
    let end = times::position_ms(end).ok_or_else(|| wrong("the end of the cue cannot be read"))?;
    if end < start {
        return Err(wrong("the cue ends before it starts"));
    }
    Ok((start, end))
}

struct Said {
    speaker: Option<String>,
    words: String,
}

/// Splits the words of a cue by who says them.
fn voices(lines: &[&str]) -> Vec<Said> {
    let mut said: Vec<Said> = Vec::new();
    for line in lines {
        let mut rest = *line;
        let mut fresh = true;
        while let Some((before, name, after)) = next_voice(rest) {
            add(&mut said, before, &mut fresh);
            said.push(Said { speaker: Some(name), words: String::new() });
            fresh = false;
            rest = after;
        }
        add(&mut said, rest, &mut fresh);
    }
    said.retain(|one| !one.words.is_empty());
    said
}

/// Finds `<v.class Name>`: what stands before it, the name, what follows.
fn next_voice(line: &str) -> Option<(&str, String, &str)> {
    let open = line.find("<v")?;
    let tag = &line[open + 2..];
    if !tag.starts_with([' ', '.', '\t']) {
        return None;
    }
    let close = tag.find('>')?;
    let inner = &tag[..close];
    let name = inner.split_once(char::is_whitespace).map_or("", |(_, name)| name);
    let name = html::to_text(&name.replace(['<', '>'], " "));
    Some((&line[..open], name, &tag[close + 1..]))
}

fn add(said: &mut Vec<Said>, marked: &str, fresh: &mut bool) {
    let words = html::to_text(marked);
    if words.is_empty() {
        return;
    }
    if *fresh && let Some((name, words)) = prefix(&words) {
        said.push(Said { speaker: Some(name.to_owned()), words: words.to_owned() });
        *fresh = false;
        return;
    }
    *fresh = false;
    match said.last_mut() {
        Some(last) => {
            if !last.words.is_empty() {
                last.words.push(' ');
            }
            last.words.push_str(&words);
        }
        None => said.push(Said { speaker: None, words }),
    }
}

/// Splits «Имя: слова». A name has at most three words, each with a capital or a known role, and no sign but a dot,
/// a dash or a number: «Итак: …» is one word too, so a lone word needs to be followed by what a person can say.
fn prefix(words: &str) -> Option<(&str, &str)> {
    let (name, rest) = words.split_once(':')?;
    let name = name.trim_start_matches(['-', '–', '—', '[']).trim_end_matches(']').trim();
    let rest = rest.trim();
    let parts: Vec<&str> = name.split_whitespace().collect();
    let fits = |part: &&str| {
        part.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '.' | '_' | '№'))
            && part.starts_with(|c: char| c.is_uppercase() || c.is_numeric())
    };
    let is_name =
        (1..=3).contains(&parts.len()) && parts.iter().all(fits) && name.chars().any(char::is_alphabetic);
    let is_role =
        super::IncomingParty::of_role(name).role.as_str() != name || matches!(name, "customer" | "agent");
    let lead_in =
        ["Итак", "Вопрос", "Ответ", "Пример", "Адрес", "Номер", "Внимание", "Цитирую", "Например", "Итого"];
    ((is_name && !lead_in.contains(&name)) || is_role).then_some((name, rest))
}

#[cfg(test)]
#[path = "subtitles_tests.rs"]
mod tests;
