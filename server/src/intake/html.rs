//! HTML of letters and chats to plain text. Quotations become lines with «>», as plain letters have them.
//!
//! This is no browser: unknown tags vanish, script and style vanish with what is in them. The words are then the text
//! that everything else counts offsets in.

/// Returns the text of an HTML fragment or page.
pub fn to_text(html: &str) -> String {
    let mut page = Page { out: String::with_capacity(html.len() / 2), quotes: 0, pending: false };
    let mut rest = html;
    while let Some(open) = rest.find('<') {
        page.words(&rest[..open]);
        let tag_on = &rest[open..];
        if let Some(comment) = tag_on.strip_prefix("<!--") {
            rest = comment.find("-->").map_or("", |end| &comment[end + 3..]);
            continue;
        }
        let inner = &tag_on[1..];
        // A «<» that opens no tag is a sign of the text.
        if !inner.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?')) {
            page.words("<");
            rest = inner;
            continue;
        }
        let Some(close) = inner.find('>') else { return page.finish() };
        rest = &inner[close + 1..];
        let name = page.tag(&inner[..close]);
        if matches!(name.as_str(), "script" | "style" | "head" | "title") {
            rest = after_end_tag(rest, &name);
        }
    }
    page.words(rest);
    page.finish()
}

fn after_end_tag<'h>(html: &'h str, name: &str) -> &'h str {
    let mut rest = html;
    while let Some(at) = rest.find("</") {
        rest = &rest[at + 2..];
        if rest.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)) {
            return rest.find('>').map_or("", |end| &rest[end + 1..]);
        }
    }
    ""
}

struct Page {
    out: String,
    quotes: usize,
    /// A blank is due before the next word.
    pending: bool,
}

impl Page {
    fn words(&mut self, html: &str) {
        if html.starts_with(|c: char| c.is_whitespace()) {
            self.pending = true;
        }
        for word in html.split_whitespace() {
            if self.out.is_empty() || self.out.ends_with('\n') {
                for _ in 0..self.quotes.min(9) {
                    self.out.push_str("> ");
                }
            } else if self.pending {
                self.out.push(' ');
            }
            push_decoded(word, &mut self.out);
            self.pending = true;
        }
        if !html.is_empty() {
            self.pending = html.ends_with(|c: char| c.is_whitespace());
        }
    }

    /// Takes a tag without its angle brackets; returns its name in lower case.
    fn tag(&mut self, tag: &str) -> String {
        let closing = tag.starts_with('/');
        let name: String = tag
            .trim_start_matches('/')
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .map(|c| c.to_ascii_lowercase())
            .collect();
        match name.as_str() {
            "blockquote" => {
                self.line_end();
                self.quotes =
                    if closing { self.quotes.saturating_sub(1) } else { self.quotes.saturating_add(1) };
            }
            "br" => self.out.push('\n'),
            "p" | "div" | "tr" | "li" | "ul" | "ol" | "table" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6"
            | "hr" => {
                self.line_end();
            }
            "td" | "th" => self.pending = true,
            _ => {}
        }
        if closing { String::new() } else { name }
    }

    fn line_end(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with('\n') {
            self.out.push('\n');
        }
        self.pending = false;
    }

    fn finish(self) -> String {
        self.out.trim_end().to_owned()
    }
}

fn push_decoded(word: &str, out: &mut String) {
    let mut rest = word;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        // The longest entity read here has ten bytes between the signs.
        let end = rest.bytes().take(12).position(|byte| byte == b';');
        match end.and_then(|end| Some((entity(rest.get(1..end)?)?, end))) {
            Some((character, end)) => {
                out.push(character);
                rest = &rest[end + 1..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
}

fn entity(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code).filter(|c| !c.is_control());
    }
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        "laquo" => '«',
        "raquo" => '»',
        "mdash" => '—',
        "ndash" => '–',
        "hellip" => '…',
        "bdquo" => '„',
        "ldquo" => '“',
        "rdquo" => '”',
        "rsquo" => '’',
        "shy" => '\u{AD}',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_reads_as_its_text() {
        let cases = [
            ("<p>Добрый&nbsp;день!</p><p>Где <b>заказ</b>?</p>", "Добрый день!\nГде заказ?"),
            ("a<br>b<br/>c", "a\nb\nc"),
            ("<style>p{}</style><SCRIPT>x<1</SCRIPT >да", "да"),
            ("нет<blockquote>вы обещали<br>вчера</blockquote>ответ", "нет\n> вы обещали\n> вчера\nответ"),
            ("5 < 6 &amp;&lt;b&gt; &#1078;&#x436; &unknown; &", "5 < 6 &<b> жж &unknown; &"),
            ("<!-- нет --> да <", "да <"),
            ("обрыв <a href=", "обрыв"),
            ("<td>1</td><td>2</td>", "1 2"),
            ("пре<b>красно</b>", "прекрасно"),
        ];
        for (html, text) in cases {
            assert_eq!(to_text(html), text, "{html}");
        }
    }
}
