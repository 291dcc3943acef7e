//! Words, texts and signs of a data file, taken one at a time so that nothing behind the data is looked at.

use super::SyntaxError;

/// A piece of the text.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A bare word, with `::` inside.
    Word(String),
    /// `$name`, without the sign.
    Variable(String),
    /// A quoted text or a number.
    Text(String),
    /// `qw(…)`
    Words(Vec<String>),
    /// Operators and brackets.
    Sign(&'static str),
    /// The end.
    End,
}

const SIGNS: [&str; 24] = [
    "=>", "->", "||", "&&", "==", "!=", "(", ")", "[", "]", "{", "}", ",", ";", "?", ":", "!", "=",
    ".", "@", "%", "&", "<", ">",
];

/// Takes tokens from a text.
pub(super) struct Lexer<'a> {
    rest: &'a str,
    /// Line of what comes next.
    pub(super) line: u32,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            rest: text,
            line: 1,
        }
    }

    pub(super) fn next(&mut self) -> Result<Token, SyntaxError> {
        self.skip_blanks();
        let Some(first) = self.rest.chars().next() else {
            return Ok(Token::End);
        };
        if let Some(name) = self.rest.strip_prefix('$') {
            self.rest = name;
            return Ok(Token::Variable(self.word()));
        }
        if first == '"' || first == '\'' {
            return self.quoted(first).map(Token::Text);
        }
        if first.is_ascii_digit() {
            let end = self
                .rest
                .find(|c: char| !c.is_ascii_digit() && c != '_')
                .unwrap_or(self.rest.len());
            return Ok(Token::Text(self.take(end).replace('_', "")));
        }
        if first.is_alphabetic() || first == '_' {
            let word = self.word();
            if word == "qw" {
                return self.words();
            }
            if word == "__END__" || word == "__DATA__" {
                self.rest = "";
                return Ok(Token::End);
            }
            return Ok(Token::Word(word));
        }
        let Some(sign) = SIGNS.iter().find(|sign| self.rest.starts_with(**sign)) else {
            return Err(self.error(format!("unexpected `{first}`")));
        };
        self.take(sign.len());
        Ok(Token::Sign(sign))
    }

    pub(super) fn error(&self, message: String) -> SyntaxError {
        SyntaxError {
            line: self.line,
            message,
        }
    }

    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length);
        self.line = self.line.saturating_add(taken.matches('\n').count() as u32);
        self.rest = rest;
        taken
    }

    fn word(&mut self) -> String {
        let part = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
        let mut end = self.rest.find(|c| !part(c)).unwrap_or(self.rest.len());
        // A single colon is the sign of a choice.
        let mut from = 0;
        while let Some(colon) = self.rest[from..end].find(':') {
            let at = from + colon;
            if !self.rest[at..end].starts_with("::") {
                end = at;
                break;
            }
            from = at + 2;
        }
        self.take(end).to_owned()
    }

    fn skip_blanks(&mut self) {
        loop {
            let end = self
                .rest
                .find(|c: char| !c.is_whitespace())
                .unwrap_or(self.rest.len());
            self.take(end);
            if !self.rest.starts_with('#') {
                return;
            }
            let end = self.rest.find('\n').unwrap_or(self.rest.len());
            self.take(end);
        }
    }

    fn quoted(&mut self, quote: char) -> Result<String, SyntaxError> {
        let mut text = String::new();
        let mut escaped = false;
        for (at, c) in self.rest.char_indices().skip(1) {
            if escaped {
                escaped = false;
                match (quote, c) {
                    ('"', 'n') => text.push('\n'),
                    ('"', 't') => text.push('\t'),
                    ('\'', c) if c != '\'' && c != '\\' => text.extend(['\\', c]),
                    (_, c) => text.push(c),
                }
            } else if c == '\\' {
                escaped = true;
            } else if c == quote {
                self.take(at + 1);
                return Ok(text);
            } else {
                text.push(c);
            }
        }
        Err(self.error("text without end".to_owned()))
    }

    fn words(&mut self) -> Result<Token, SyntaxError> {
        self.skip_blanks();
        let close = match self.rest.chars().next() {
            Some('(') => ')',
            Some('[') => ']',
            Some('{') => '}',
            Some('<') => '>',
            Some(c @ ('/' | '|' | '!')) => c,
            _ => return Err(self.error("`qw` without a bracket".to_owned())),
        };
        let Some(end) = self.rest[1..].find(close) else {
            return Err(self.error("`qw` without end".to_owned()));
        };
        let words = self.take(end + 2);
        let words = words[1..=end].split_whitespace().map(str::to_owned);
        Ok(Token::Words(words.collect()))
    }
}
