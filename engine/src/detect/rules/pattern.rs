//! Patterns as written: words, features, groups, gaps, what must not stand near.
//!
//! Only reads the text into a tree; what the words mean is decided in `compile`.

use std::sync::Arc;

use super::error::{Fault, Place, RuleError};
use super::names::{Features, Name, Names};

/// A condition on the reading of a word: some bit of `any` is set, or none of them when `not`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Feature {
    /// Names of features, any of which will do.
    pub names: Arc<[String]>,
    /// None of them may hold.
    pub not: bool,
    /// Asked of a whole macro or group, where some words may well have no such form.
    pub lent: bool,
}

/// Which words are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Word {
    /// Any form of the lemma.
    Lemma(Name),
    /// Any form of the lemma or of the other verbs of its aspect pair.
    Pair(Name),
    /// This form only.
    Exact(Name),
    /// Any word that begins so.
    Prefix(Name),
    /// Any word at all.
    Any,
}

/// One word of a pattern, with the features asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Atom {
    /// Which words.
    pub word: Word,
    /// All of these must hold.
    pub features: Features,
}

/// Where in its file something stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spot {
    line: u32,
    column: u32,
}

impl Spot {
    /// Returns the place in the file that `place` is in.
    pub(crate) fn near(self, place: &Place) -> Place {
        Place { file: place.file.clone(), line: self.line, column: self.column }
    }
}

/// A pattern as a tree.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// One word.
    Word(Atom, Spot),
    /// One after the other.
    Row(Vec<Node>),
    /// One of them.
    Either(Vec<Node>),
    /// Perhaps.
    Maybe(Box<Node>),
    /// Up to so many words in between, within the clause; none: as many as there are.
    Gap(Option<u8>),
    /// The evidence to be quoted.
    Evidence(Box<Node>),
    /// A macro's name, and features that all its words need besides.
    Macro(Name, Features, Spot),
    /// The sentence (or, doubled, the utterance) begins here.
    Begin(bool),
    /// The sentence (or, doubled, the utterance) ends here.
    End(bool),
}

/// Where something must not stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Where {
    /// In the same clause.
    Near,
    /// Right before the match.
    Before,
    /// Right after the match.
    After,
    /// In the same sentence.
    Sentence,
    /// Anywhere in the utterance.
    Anywhere,
}

/// How far apart the parts of a pattern may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// In one clause (`&`).
    Clause,
    /// Anywhere in the utterance (`&&`).
    Utterance,
}

/// One line of a rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// The parts, in any order; the first carries the evidence.
    pub parts: Vec<Node>,
    /// How near the parts must stand.
    pub scope: Scope,
    /// What must not stand near.
    pub without: Vec<(Where, Node)>,
    /// Where the line stands.
    pub place: Place,
}

impl Node {
    /// Asks for more features of every word.
    fn ask_for(&mut self, features: Features, names: &mut Names) {
        match self {
            Self::Word(atom, _) => atom.features = names.lend(atom.features, features),
            Self::Row(items) | Self::Either(items) => {
                items.iter_mut().for_each(|item| item.ask_for(features, names))
            }
            Self::Maybe(inner) | Self::Evidence(inner) => inner.ask_for(features, names),
            Self::Macro(_, own, _) => *own = names.append(*own, features),
            Self::Gap(_) | Self::Begin(_) | Self::End(_) => {}
        }
    }
}

/// Words are compared in lower case and without the dots of ё.
pub(crate) fn plain(word: &str) -> String {
    let mut plain = String::with_capacity(word.len());
    add_plain(word.chars(), &mut plain);
    plain
}

fn add_plain(letters: impl Iterator<Item = char>, plain: &mut String) {
    for letter in letters {
        match letter {
            'ё' | 'Ё' => plain.push('е'),
            'а'..='я' | 'a'..='z' | '0'..='9' => plain.push(letter),
            other => plain.extend(other.to_lowercase()),
        }
    }
}

/// Reads one pattern line that begins at `place`.
pub fn parse_line(text: &str, place: &Place, names: &mut Names) -> Result<Line, RuleError> {
    let mut reader = Reader {
        letters: text.chars().collect(),
        at: 0,
        depth: 0,
        place: place.clone(),
        plain: String::new(),
        names,
    };
    let mut line =
        Line { parts: Vec::new(), scope: Scope::Clause, without: Vec::new(), place: place.clone() };
    line.parts.push(reader.row()?);
    loop {
        reader.skip_space();
        if reader.eat("&&") {
            line.scope = Scope::Utterance;
            line.parts.push(reader.row()?);
        } else if reader.eat("&") {
            line.parts.push(reader.row()?);
        } else if reader.eat("!") {
            let side = reader.side()?;
            line.without.push((side, reader.row()?));
        } else if reader.at >= reader.letters.len() {
            return Ok(line);
        } else if reader.peek() == Some('|') {
            return Err(reader.fault(
                "черта «|» с пробелами делит цепочки только в скобках",
                "возьмите варианты в скобки: (написать отзыв | пост)",
            ));
        } else {
            return Err(reader.fault(
                &format!("лишний знак «{}»", reader.peek().unwrap_or(' ')),
                "уберите его или возьмите текст в кавычки",
            ));
        }
    }
}

/// `вернуть|возвращать[пов]`: the features at the end hold for every choice that has none of its own.
fn share_features(choices: &mut [Node]) {
    let Some(&Node::Word(Atom { features: shared, .. }, _)) = choices.last() else { return };
    for choice in choices.iter_mut() {
        match choice {
            Node::Word(Atom { word: Word::Exact(_), .. }, _) => {}
            Node::Word(atom, _) if atom.features == Features::NONE => atom.features = shared,
            _ => {}
        }
    }
}

/// Brackets within brackets; people cannot read more, and reading is recursive.
const DEEPEST: usize = 12;

struct Reader<'n> {
    letters: Vec<char>,
    at: usize,
    depth: usize,
    place: Place,
    /// The name read last.
    plain: String,
    names: &'n mut Names,
}

impl Reader<'_> {
    fn here(&self) -> Spot {
        Spot { line: self.place.line, column: self.place.column + self.at as u32 }
    }

    fn fault(&self, what: &str, cure: &str) -> RuleError {
        RuleError {
            place: self.here().near(&self.place),
            fault: Fault::Syntax { what: what.to_owned(), cure: cure.to_owned() },
        }
    }

    fn peek(&self) -> Option<char> {
        self.letters.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    fn eat(&mut self, what: &str) -> bool {
        let fits = what
            .chars()
            .enumerate()
            .all(|(index, letter)| self.letters.get(self.at + index) == Some(&letter));
        if fits {
            self.at += what.chars().count();
        }
        fits
    }

    fn side(&mut self) -> Result<Where, RuleError> {
        for (name, side) in [
            ("рядом", Where::Near),
            ("перед", Where::Before),
            ("после", Where::After),
            ("везде", Where::Anywhere),
            ("нигде", Where::Anywhere),
            ("фраза", Where::Sentence),
        ] {
            if self.eat(name) {
                return Ok(side);
            }
        }
        Err(self.fault(
            "после «!» не сказано, где не должно стоять",
            "напишите !рядом, !перед, !после, !фраза или !нигде",
        ))
    }

    /// Items up to a closing bracket, `&`, `!` or `|`.
    fn row(&mut self) -> Result<Node, RuleError> {
        let mut items = Vec::new();
        loop {
            self.skip_space();
            match self.peek() {
                None | Some(')' | '|' | '&' | '!' | '>') => break,
                Some(_) => items.push(self.item()?),
            }
        }
        match items.len() {
            0 => Err(self.fault(
                "здесь нет ни одного слова",
                "напишите слово, группу в скобках или уберите лишний знак",
            )),
            1 => Ok(items.remove(0)),
            _ => Ok(Node::Row(items)),
        }
    }

    /// One item with its tight alternatives (`a|b`) and a question mark.
    fn item(&mut self) -> Result<Node, RuleError> {
        let mut choices = vec![self.single()?];
        while self.peek() == Some('|')
            && !self.letters.get(self.at + 1).is_none_or(|next| next.is_whitespace())
        {
            self.at += 1;
            choices.push(self.single()?);
        }
        share_features(&mut choices);
        let node = if choices.len() == 1 { choices.remove(0) } else { Node::Either(choices) };
        if self.eat("?") {
            return Ok(Node::Maybe(Box::new(node)));
        }
        Ok(node)
    }

    fn single(&mut self) -> Result<Node, RuleError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.fault(
                "слишком много скобок одна в другой",
                "вынесите внутренние группы в наборы «@имя = …»",
            ));
        }
        let node = self.one();
        self.depth -= 1;
        node
    }

    fn one(&mut self) -> Result<Node, RuleError> {
        let place = self.here();
        match self.peek() {
            Some('(') => self.group(),
            Some('<') => {
                self.at += 1;
                let inner = self.row()?;
                if !self.eat(">") {
                    return Err(self.fault("нет закрывающей «>»", "закройте цитату: <слова>"));
                }
                Ok(Node::Evidence(Box::new(inner)))
            }
            Some('"') => self.quoted(),
            Some('[') => Ok(Node::Word(Atom { word: Word::Any, features: self.features()? }, place)),
            Some('@') => {
                self.at += 1;
                let Some(name) = self.name() else {
                    return Err(self.fault("после «@» нет имени набора", "напишите имя: @начальник"));
                };
                Ok(Node::Macro(name, self.features()?, place))
            }
            Some('.') => self.gap(),
            Some('^') => Ok(Node::Begin(self.doubled('^'))),
            Some('$') => Ok(Node::End(self.doubled('$'))),
            Some('*') => {
                self.at += 1;
                Ok(Node::Word(Atom { word: Word::Any, features: self.features()? }, place))
            }
            _ => self.word(place),
        }
    }

    fn doubled(&mut self, sign: char) -> bool {
        self.at += 1;
        if self.peek() == Some(sign) {
            self.at += 1;
            return true;
        }
        false
    }

    fn group(&mut self) -> Result<Node, RuleError> {
        self.at += 1;
        let mut choices = vec![self.group_row()?];
        while self.eat("|") {
            choices.push(self.group_row()?);
        }
        if !self.eat(")") {
            return Err(self.fault("нет закрывающей скобки «)»", "закройте группу"));
        }
        let mut node = if choices.len() == 1 { choices.remove(0) } else { Node::Either(choices) };
        let features = self.features()?;
        if features != Features::NONE {
            node.ask_for(features, self.names);
        }
        Ok(node)
    }

    /// In brackets the bar parts whole rows, with or without spaces.
    fn group_row(&mut self) -> Result<Node, RuleError> {
        let mut items = Vec::new();
        loop {
            self.skip_space();
            match self.peek() {
                Some(')' | '|') | None => break,
                Some('&' | '!') => {
                    return Err(self.fault("«&» и «!» не бывают внутри скобок", "вынесите их в конец строки"));
                }
                Some(_) => {
                    let node = self.single()?;
                    items.push(if self.eat("?") { Node::Maybe(Box::new(node)) } else { node });
                }
            }
        }
        match items.len() {
            0 => Err(self.fault(
                "пустой вариант в скобках",
                "уберите лишнюю черту или сделайте группу необязательной: (…)?",
            )),
            1 => Ok(items.remove(0)),
            _ => Ok(Node::Row(items)),
        }
    }

    fn quoted(&mut self) -> Result<Node, RuleError> {
        self.at += 1;
        let mut words = Vec::new();
        loop {
            self.skip_space();
            let place = self.here();
            match self.peek() {
                Some('"') => break,
                None => {
                    return Err(self.fault("нет закрывающей кавычки", "закройте точную форму: \"позовите\""));
                }
                Some(_) => {
                    let begin = self.at;
                    while self.peek().is_some_and(|letter| !letter.is_whitespace() && letter != '"') {
                        self.at += 1;
                    }
                    words.push((self.numbered(begin), place));
                }
            }
        }
        self.at += 1;
        let features = self.features()?;
        if words.is_empty() {
            return Err(self.fault("пустые кавычки", "впишите форму слова"));
        }
        let mut nodes: Vec<Node> = words
            .into_iter()
            .map(|(form, place)| Node::Word(Atom { word: Word::Exact(form), features }, place))
            .collect();
        Ok(if nodes.len() == 1 { nodes.remove(0) } else { Node::Row(nodes) })
    }

    fn gap(&mut self) -> Result<Node, RuleError> {
        if !self.eat("..") {
            return Err(self.fault("одиночная точка", "промежуток пишется двумя точками: ..3"));
        }
        let begin = self.at;
        while self.peek().is_some_and(|letter| letter.is_ascii_digit()) {
            self.at += 1;
        }
        let digits: String = self.letters[begin..self.at].iter().collect();
        if digits.is_empty() {
            return Ok(Node::Gap(None));
        }
        match digits.parse() {
            Ok(words @ 1..=9) => Ok(Node::Gap(Some(words))),
            _ => Err(self.fault(
                &format!("промежуток «..{digits}» вне пределов"),
                "возьмите от ..1 до ..9 или «..» до конца части предложения",
            )),
        }
    }

    /// Reads a name; none where no letter stands.
    fn name(&mut self) -> Option<Name> {
        let begin = self.at;
        while self.peek().is_some_and(|letter| letter.is_alphanumeric() || letter == '_' || letter == '-') {
            self.at += 1;
        }
        (self.at > begin).then(|| self.numbered(begin))
    }

    /// Returns the number of what has been read since `begin`.
    fn numbered(&mut self, begin: usize) -> Name {
        self.plain.clear();
        add_plain(self.letters[begin..self.at].iter().copied(), &mut self.plain);
        self.names.name(&self.plain)
    }

    fn word(&mut self, place: Spot) -> Result<Node, RuleError> {
        let pair = self.eat("~");
        let Some(name) = self.name() else {
            let sign = self.peek().unwrap_or(' ');
            return Err(self.fault(
                &format!("непонятный знак «{sign}»"),
                "слово пишется буквами; точная форма — в кавычках",
            ));
        };
        let word = if self.eat("*") {
            Word::Prefix(name)
        } else if pair {
            Word::Pair(name)
        } else {
            Word::Lemma(name)
        };
        Ok(Node::Word(Atom { word, features: self.features()? }, place))
    }

    /// `[1л,буд|наст,!кратк]`, or nothing.
    fn features(&mut self) -> Result<Features, RuleError> {
        if !self.eat("[") {
            return Ok(Features::NONE);
        }
        let mut features = Vec::new();
        loop {
            self.skip_space();
            let not = self.eat("!");
            let mut names: Vec<String> = Vec::new();
            loop {
                let Some(name) = self.name() else {
                    return Err(
                        self.fault("пустой признак в квадратных скобках", "напишите, например: [1л,буд]")
                    );
                };
                names.push(self.names.text(name).to_string());
                if !self.eat("|") {
                    break;
                }
            }
            features.push(Feature { names: names.into(), not, lent: false });
            self.skip_space();
            if self.eat("]") {
                return Ok(self.names.features(features));
            }
            if !self.eat(",") {
                return Err(self.fault(
                    "в квадратных скобках ждали «,» или «]»",
                    "перечислите признаки через запятую: [1л,буд]",
                ));
            }
        }
    }
}
