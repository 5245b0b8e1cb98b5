//! Which words of a letter are its writer's: quoted lines, headers of quotations and signatures are not judged.
//!
//! Nothing is cut: what is not the writer's is blanked with spaces of the same number of code points, so that every
//! offset into the letter stays true.

/// Whose words a line of a letter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineKind {
    /// The writer's.
    Own,
    /// Quoted from another letter.
    Quoted,
    /// The line that announces a quotation: «… писал(а):», «On … wrote:».
    QuoteHeader,
    /// The writer's name and the like, below the text.
    Signature,
}

/// Returns the letter with quotations and their headers blanked; as many code points, the same line breaks.
pub fn blank_quoted(letter: &str) -> String {
    blank(letter, |kind| matches!(kind, LineKind::Quoted | LineKind::QuoteHeader))
}

/// Returns the letter with everything but the writer's own text blanked: signatures too.
pub fn blank_all_but_own(letter: &str) -> String {
    blank(letter, |kind| kind != LineKind::Own)
}

fn blank(letter: &str, gone: impl Fn(LineKind) -> bool) -> String {
    let mut out = String::with_capacity(letter.len());
    for (line, kind) in letter.split_inclusive('\n').zip(line_kinds(letter)) {
        if gone(kind) {
            out.extend(line.chars().map(|c| if matches!(c, '\n' | '\r') { c } else { ' ' }));
        } else {
            out.push_str(line);
        }
    }
    out
}

/// Returns the kind of every line, one for each that `split_inclusive('\n')` gives.
pub fn line_kinds(letter: &str) -> Vec<LineKind> {
    let lines: Vec<&str> = letter.split_inclusive('\n').map(str::trim).collect();
    let mut kinds = vec![LineKind::Own; lines.len()];
    let mut at = 0;
    while at < lines.len() {
        if lines[at].starts_with('>') {
            kinds[at] = LineKind::Quoted;
        } else if let Some(length) = header_at(&lines, at) {
            let quote = at + length;
            kinds[at..quote].fill(LineKind::QuoteHeader);
            let next = lines[quote..].iter().find(|line| !line.is_empty());
            // Without a mark on the next line the rest of the letter is the quotation.
            if next.is_some_and(|line| !line.starts_with('>')) {
                kinds[quote..].fill(LineKind::Quoted);
                break;
            }
            at = quote;
            continue;
        }
        at += 1;
    }
    mark_signature(&lines, &mut kinds);
    kinds
}

/// Returns how many lines the header of a quotation at `at` takes, if there is one.
fn header_at(lines: &[&str], at: usize) -> Option<usize> {
    let line = lines[at];
    if is_divider(line) || is_address_block(&lines[at..]) {
        return Some(1);
    }
    let opens = ["On ", "Le ", "Am "].iter().any(|word| line.starts_with(word)) || has_date_or_address(line);
    if !opens {
        return None;
    }
    // Mail programs break the header at 76 columns, so it can take up to three lines.
    let mut joined = String::new();
    for (length, part) in lines[at..].iter().take(3).enumerate() {
        if part.is_empty() || part.starts_with('>') || joined.len() + part.len() > 400 {
            return None;
        }
        joined.push_str(part);
        joined.push(' ');
        if announces(joined.trim_end()) {
            return Some(length + 1);
        }
    }
    None
}

fn announces(text: &str) -> bool {
    let Some(body) = text.strip_suffix(':') else { return false };
    let lower = body.trim_end().to_lowercase();
    let verb =
        ["wrote", "писал(а)", "писал", "писала", "написал(а)", "написал", "написала", "пишет", "сообщил(а)"];
    let says = verb.iter().any(|verb| lower.ends_with(verb));
    let from = (lower.contains(" от ") || lower.contains(" from ")) && lower.contains('@');
    (says || from) && has_date_or_address(body)
}

fn has_date_or_address(line: &str) -> bool {
    line.contains('@')
        || (line.contains(':') || line.contains("20")) && line.bytes().any(|byte| byte.is_ascii_digit())
}

fn is_divider(line: &str) -> bool {
    let inner = line.trim_matches(['-', '_', '—', ' ']);
    let dashes = line.starts_with("--") || line.starts_with("__") || line.starts_with("——");
    let words = [
        "original message",
        "исходное сообщение",
        "forwarded message",
        "пересылаемое сообщение",
        "пересланное сообщение",
        "пересылаемое письмо",
        "конец пересылаемого сообщения",
    ];
    dashes && words.iter().any(|word| inner.to_lowercase().starts_with(word))
}

/// Says whether the lines open the block of addresses that desktop mail programs put above a quotation.
fn is_address_block(lines: &[&str]) -> bool {
    let starts = |line: &&str, names: &[&str]| names.iter().any(|name| line.starts_with(name));
    lines.first().is_some_and(|line| starts(line, &["From:", "От:", "От кого:"]))
        && lines.iter().skip(1).take(3).any(|line| starts(line, &["Sent:", "Отправлено:", "Date:", "Дата:"]))
        && lines.iter().skip(1).take(5).any(|line| starts(line, &["To:", "Кому:", "Subject:", "Тема:"]))
}

/// A signature is the last lines of the writer's own text: at most this many that are not empty.
const SIGNATURE_LINES: usize = 8;

fn mark_signature(lines: &[&str], kinds: &mut [LineKind]) {
    let mut end = kinds.iter().position(|&kind| kind == LineKind::QuoteHeader).unwrap_or(lines.len());
    while end > 0 && (lines[end - 1].is_empty() || kinds[end - 1] != LineKind::Own) {
        end -= 1;
    }
    let mut seen = 0;
    for at in (0..end).rev() {
        if lines[at].is_empty() || kinds[at] != LineKind::Own {
            continue;
        }
        seen += 1;
        if seen > SIGNATURE_LINES {
            return;
        }
        if opens_signature(lines[at]) {
            for kind in kinds[at..end].iter_mut().filter(|kind| **kind == LineKind::Own) {
                *kind = LineKind::Signature;
            }
            return;
        }
    }
}

fn opens_signature(line: &str) -> bool {
    let lower = line.to_lowercase();
    line == "--"
        || [
            "с уважением",
            "с наилучшими",
            "с благодарностью,",
            "best regards",
            "kind regards",
            "regards,",
            "отправлено с ",
            "отправлено из ",
            "sent from ",
        ]
        .iter()
        .any(|opening| lower.starts_with(opening))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(letter: &str, expected: &str) {
        let short = |kind: &LineKind| match kind {
            LineKind::Own => 'о',
            LineKind::Quoted => 'ц',
            LineKind::QuoteHeader => 'з',
            LineKind::Signature => 'п',
        };
        let kinds = line_kinds(letter);
        assert_eq!(kinds.iter().map(short).collect::<String>(), expected, "{letter}");
        for blanked in [blank_quoted(letter), blank_all_but_own(letter)] {
            assert_eq!(blanked.chars().count(), letter.chars().count());
        }
    }

    #[test]
    fn each_line_of_a_letter_is_known_for_what_it_is() {
        check("Добрый день\n> вы обещали\n  > и не сделали\nгде деньги", "оццо");
        check("Нет.\n\nOn Mon, Apr 7, 2025 at 12:05 PM Dmitry <z@example.org> wrote:\n> Предлагаю", "оозц");
        check(
            "Нет.\nпт, 4 апр. 2025 г. в 12:40, Дмитрий <z@example.org>\nнаписал(а):\n> Предлагаю\nжду",
            "оззцо",
        );
        check("Жду.\n04.04.2025 12:40, Дмитрий пишет:\nПредлагаю тюль\nСуд", "озцц");
        check("Понедельник, 7 апреля 2025, 12:05 +03:00 от Дмитрий <z@example.org>:\nТекст", "зц");
        check("Да\n-----Original Message-----\nFrom: A\nтекст", "озцц");
        check("Да\nОт: Анна\nОтправлено: 4 апреля 2025\nКому: Б\nтекст", "озццц");
        check("Мне ваш менеджер вчера написал:\nденег не вернём", "оо");
        check("В 15:40 я получила ответ\nи он меня не устроил", "оо");
        check("Прошу вернуть деньги.\n\nС уважением,\nЕлизавета\n\n> цитата", "ооппоц");
        check("Текст\n--\nАнна, менеджер\n+7 926", "оппп");
        check("С уважением к вам отношусь\n1\n2\n3\n4\n5\n6\n7\n8", "ооооооооо");
        check("", "");
    }

    #[test]
    fn blanking_keeps_offsets_and_line_breaks() {
        assert_eq!(blank_quoted("да\r\n> не\nя"), "да\r\n    \nя");
    }
}
