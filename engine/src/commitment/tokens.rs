//! Words, numbers and signs of a text, each with its place in code points.

/// What a token is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// Letters.
    Word,
    /// Digits.
    Number,
    /// One sign.
    Sign,
}

/// One token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// What it is made of.
    pub kind: TokenKind,
    /// First code point.
    pub start: u32,
    /// One past the last code point.
    pub end: u32,
    /// The characters in lower case, with «е» for «ё».
    pub text: String,
    /// A line ended right before it.
    pub after_break: bool,
}

impl Token {
    /// Says whether nothing stands between this token and the next.
    pub fn touches(&self, next: &Token) -> bool {
        self.end == next.start
    }

    /// Says whether it is this word or sign.
    pub fn is(&self, text: &str) -> bool {
        self.text == text
    }

    /// Says whether it is one of these.
    pub fn is_one(&self, texts: &[&str]) -> bool {
        texts.contains(&self.text.as_str())
    }
}

/// Splits a text into tokens.
pub(super) fn tokenise(text: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut after_break = false;
    for (at, c) in text.chars().enumerate() {
        let at = u32::try_from(at).unwrap_or(u32::MAX);
        let kind = match c {
            '\n' => {
                after_break = true;
                continue;
            }
            _ if c.is_whitespace() => continue,
            _ if c.is_alphabetic() => TokenKind::Word,
            _ if c.is_ascii_digit() => TokenKind::Number,
            _ => TokenKind::Sign,
        };
        let joins =
            tokens.last_mut().filter(|last| last.kind == kind && last.end == at && kind != TokenKind::Sign);
        match joins {
            Some(last) => {
                push_lower(&mut last.text, c);
                last.end += 1;
            }
            None => {
                let mut text = String::new();
                push_lower(&mut text, c);
                tokens.push(Token { kind, start: at, end: at + 1, text, after_break });
                after_break = false;
            }
        }
    }
    tokens
}

fn push_lower(text: &mut String, c: char) {
    text.extend(c.to_lowercase().map(|c| if c == 'ё' { 'е' } else { c }));
}
