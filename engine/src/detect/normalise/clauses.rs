//! Where clauses begin: by punctuation, by conjunctions, and, since recognisers write neither, by the verbs.

use super::words::{Info, role};
use super::{Token, split::before};

/// What may not reach over the place before a word.
pub mod border {
    /// A denial ends.
    pub const DENIAL: u8 = 1;
    /// A clause begins: gaps and `&` end too.
    pub const CLAUSE: u8 = 2;
    /// A sentence begins.
    pub const SENTENCE: u8 = 4;
}

/// A longer sentence is cut, so that no text can make the matcher slow.
pub const LONGEST_SENTENCE: usize = 120;

/// Sets the borders and the numbers of clause and sentence of every token.
pub fn mark(tokens: &mut [Token], words: &[Info]) {
    let mut begin = 0;
    let (mut clause, mut sentence) = (0, 0);
    while begin < tokens.len() {
        let mut end = begin + 1;
        while end < tokens.len()
            && end - begin < LONGEST_SENTENCE
            && tokens[end].before & before::SENTENCE == 0
        {
            end += 1;
        }
        mark_sentence(&mut tokens[begin..end], words);
        for token in &mut tokens[begin..end] {
            if token.border & (border::CLAUSE | border::SENTENCE) != 0 {
                clause += 1;
            }
            token.clause = clause;
            token.sentence = sentence;
        }
        sentence += 1;
        begin = end;
    }
}

fn mark_sentence(tokens: &mut [Token], words: &[Info]) {
    let roles = |token: &Token| words.get(token.word as usize).map_or(0, |word| word.roles);
    // Whether a predicate has been seen since the clause, and a personal verb since the last denial border.
    let (mut predicate, mut finite) = (false, false);
    for index in 0..tokens.len() {
        let own = roles(&tokens[index]);
        let mut border = 0;
        if index == 0 {
            border = border::SENTENCE | border::CLAUSE | border::DENIAL;
        } else if predicate {
            // What is wished or denied goes on in the clause of чтобы.
            let comma = tokens[index].before & before::COMMA != 0 && own & role::SO_THAT == 0;
            let opens = own & role::OPENS != 0;
            if (comma || opens) && predicate_ahead(tokens, index, roles) {
                border = border::CLAUSE | border::DENIAL;
            }
        }
        if border == 0 && index > 0 && finite {
            // A verb, or the pronoun, «и» or «не» right before it, begins something new.
            let leads = own & (role::I | role::YOU | role::THEY | role::AND | role::NOT) != 0;
            let before_verb =
                leads && tokens.get(index + 1).is_some_and(|next| roles(next) & role::FINITE != 0);
            let verb = own & role::FINITE != 0 && roles(&tokens[index - 1]) & role::NOT == 0;
            if verb || before_verb {
                border = border::DENIAL;
            }
        }
        if border & border::CLAUSE != 0 {
            predicate = false;
        }
        if border != 0 || own & role::SO_THAT != 0 {
            finite = false;
        }
        predicate |= own & role::PREDICATE != 0;
        finite |= own & role::FINITE != 0;
        tokens[index].border = border;
    }
}

/// Says whether a predicate stands from `index` on before the next comma.
fn predicate_ahead(tokens: &[Token], index: usize, roles: impl Fn(&Token) -> u32) -> bool {
    for (offset, token) in tokens[index..].iter().enumerate() {
        if offset > 0 && token.before & before::COMMA != 0 {
            return false;
        }
        if roles(token) & role::PREDICATE != 0 {
            return true;
        }
    }
    false
}
