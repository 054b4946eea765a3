//! Rust source as far as the layer rule needs it: words, and the paths that they form.

/// A word or a sign, with its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) line: usize,
}

/// A path as written, its `use` groups multiplied out: `a::{b, c::d}` is `a::b` and `a::c::d`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    pub(crate) segments: Vec<String>,
    pub(crate) line: usize,
    /// Inline modules around it, outermost first.
    pub(crate) modules: Vec<String>,
    /// True after a dot: a method or a field.
    pub(crate) is_member: bool,
}

/// All paths of a file, single words included; nothing of comments, strings and tests.
pub(crate) fn paths(source: &str) -> Vec<Path> {
    let tokens = without_tests(&tokens(source));
    let mut found = Vec::new();
    let mut modules: Vec<(String, usize)> = Vec::new();
    let mut depth = 0;
    let mut at = 0;
    while at < tokens.len() {
        let before = |back: usize| at.checked_sub(back).map_or("", |at| tokens[at].text.as_str());
        match tokens[at].text.as_str() {
            "{" => {
                depth += 1;
                if before(2) == "mod" {
                    modules.push((before(1).into(), depth));
                }
            }
            "}" => {
                if modules.last().is_some_and(|(_, opened)| *opened == depth) {
                    modules.pop();
                }
                depth -= 1;
            }
            text if is_word(text) => {
                let is_member = before(1) == ".";
                let around: Vec<_> = modules.iter().map(|(name, _)| name.clone()).collect();
                let mut tree = Tree { tokens: &tokens, at, found: Vec::new() };
                tree.read(&[]);
                at = tree.at;
                found.extend(tree.found.into_iter().map(|(segments, line)| Path {
                    segments,
                    line,
                    modules: around.clone(),
                    is_member,
                }));
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// Reads one path with its groups.
struct Tree<'a> {
    tokens: &'a [Token],
    at: usize,
    found: Vec<(Vec<String>, usize)>,
}

impl Tree<'_> {
    fn read(&mut self, prefix: &[String]) {
        let mut segments = prefix.to_vec();
        let line = self.tokens[self.at].line;
        loop {
            match self.text(0) {
                "{" => return self.read_group(&segments),
                "*" => segments.push("*".into()),
                word if is_word(word) => segments.push(word.into()),
                _ => break,
            }
            self.at += 1;
            let goes_on = is_word(self.text(1)) || ["{", "*"].contains(&self.text(1));
            let is_keyword = segments.last().is_some_and(|word| KEYWORDS.contains(&word.as_str()));
            if self.text(0) != "::" || !goes_on || is_keyword {
                break;
            }
            self.at += 1;
        }
        self.found.push((segments, line));
    }

    fn read_group(&mut self, prefix: &[String]) {
        self.at += 1;
        while !["}", ""].contains(&self.text(0)) {
            match self.text(0) {
                word if is_word(word) || word == "*" || word == "{" => self.read(prefix),
                _ => self.at += 1,
            }
        }
        self.at += 1;
    }

    fn text(&self, ahead: usize) -> &str {
        self.tokens.get(self.at + ahead).map_or("", |token| token.text.as_str())
    }
}

/// Tests may name what they test with: their items are left out.
fn without_tests(tokens: &[Token]) -> Vec<Token> {
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let is_attribute =
            tokens[at].text == "#" && tokens.get(at + 1).is_some_and(|t| t.text == "[");
        if !is_attribute {
            kept.push(tokens[at].clone());
            at += 1;
            continue;
        }
        let end = closing(tokens, at + 1);
        let words: Vec<_> = tokens[at..end].iter().map(|token| token.text.as_str()).collect();
        let is_test = words.contains(&"cfg") && words.contains(&"test") && !words.contains(&"not");
        if is_test {
            at = end_of_item(tokens, end);
        } else {
            kept.extend_from_slice(&tokens[at..end]);
            at = end;
        }
    }
    kept
}

/// The index after the bracket that closes the one at `open`.
fn closing(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    tokens.len()
}

fn end_of_item(tokens: &[Token], start: usize) -> usize {
    let mut at = start;
    while at < tokens.len() {
        match tokens[at].text.as_str() {
            ";" | "," => return at + 1,
            "{" => return closing(tokens, at),
            "(" | "[" => at = closing(tokens, at),
            _ => at += 1,
        }
    }
    at
}

fn is_word(text: &str) -> bool {
    text.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// Words and signs of `source`, without comments, strings and characters.
pub(crate) fn tokens(source: &str) -> Vec<Token> {
    let mut reader = Reader { rest: source, line: 1, found: Vec::new() };
    while reader.step() {}
    reader.found
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
    found: Vec<Token>,
}

impl Reader<'_> {
    fn step(&mut self) -> bool {
        let Some(first) = self.rest.chars().next() else { return false };
        let length = match first {
            '/' if self.rest.starts_with("//") => self.rest.find('\n').unwrap_or(self.rest.len()),
            '/' if self.rest.starts_with("/*") => block_comment(self.rest),
            '"' => quoted(self.rest),
            '\'' => character(self.rest),
            _ if raw_string(self.rest).is_some() => raw_string(self.rest).unwrap(),
            'b' if self.rest.starts_with("b\"") || self.rest.starts_with("c\"") => 1,
            'b' if self.rest.starts_with("b'") => 1 + character(&self.rest[1..]),
            _ if first.is_alphanumeric() || first == '_' => self.word(),
            ':' if self.rest.starts_with("::") => self.push(2),
            _ if first.is_whitespace() => first.len_utf8(),
            _ => self.push(first.len_utf8()),
        };
        let (passed, rest) = self.rest.split_at(length);
        self.line += passed.matches('\n').count();
        self.rest = rest;
        true
    }

    fn word(&mut self) -> usize {
        let end = self.rest.find(|c: char| !c.is_alphanumeric() && c != '_');
        self.push(end.unwrap_or(self.rest.len()))
    }

    fn push(&mut self, length: usize) -> usize {
        self.found.push(Token { text: self.rest[..length].into(), line: self.line });
        length
    }
}

fn block_comment(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    at
}

fn quoted(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// `r"…"`, `r#"…"#`, `br"…"`: their length; None for anything else.
fn raw_string(text: &str) -> Option<usize> {
    let marks = text.trim_start_matches('b').strip_prefix('r')?;
    let hashes = marks.len() - marks.trim_start_matches('#').len();
    let body = marks[hashes..].strip_prefix('"')?;
    let end = body.find(&format!("\"{}", "#".repeat(hashes)))?;
    Some(text.len() - body.len() + end + 1 + hashes)
}

/// A character literal; of a lifetime only the quote.
fn character(text: &str) -> usize {
    let mut inner = text.char_indices().skip(1);
    match inner.next() {
        Some((_, '\\')) => {
            text.char_indices().skip(3).find(|(_, c)| *c == '\'').map_or(1, |(at, _)| at + 1)
        }
        Some(_) => match inner.next() {
            Some((at, '\'')) => at + 1,
            _ => 1,
        },
        None => 1,
    }
}

/// Words that may stand before a path that begins with `::`.
const KEYWORDS: &[&str] = &[
    "as", "dyn", "else", "extern", "for", "if", "impl", "in", "let", "match", "mut", "return",
    "use", "where",
];
