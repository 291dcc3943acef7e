//! Statements and expressions of a data file. Every expression gives a list of values, as in Perl's list context.

use std::collections::BTreeMap;

use super::{
    Document, Names, SyntaxError, Unknown, Value,
    lexer::{Lexer, Token},
};

/// How deep brackets and signs may be nested.
const DEPTH_LIMIT: u32 = 100;

type Values = Result<Vec<Value>, SyntaxError>;

pub(super) struct Reader<'a> {
    lexer: Lexer<'a>,
    /// The token that comes next.
    ahead: Token,
    names: &'a dyn Names,
    variables: BTreeMap<String, Value>,
    unknown: Vec<Unknown>,
    depth: u32,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str, names: &'a dyn Names) -> Self {
        Self {
            lexer: Lexer::new(text),
            ahead: Token::End,
            names,
            variables: BTreeMap::new(),
            unknown: Vec::new(),
            depth: 0,
        }
    }

    pub(super) fn document(mut self) -> Result<Document, SyntaxError> {
        let mut assignments = Vec::new();
        self.step()?;
        loop {
            match self.step()? {
                Token::End => break,
                Token::Sign(";") => {}
                Token::Word(word)
                    if matches!(word.as_str(), "package" | "use" | "no" | "require") =>
                {
                    while !matches!(self.step()?, Token::Sign(";") | Token::End) {}
                }
                Token::Word(word) if matches!(word.as_str(), "my" | "our" | "local") => {
                    if self.ahead == Token::Sign("(") {
                        while !matches!(self.step()?, Token::Sign(";") | Token::End) {}
                    }
                }
                Token::Text(_) if matches!(self.ahead, Token::Sign(";") | Token::End) => {}
                Token::Variable(name) => {
                    let value = self.assignment()?;
                    let last = self.names.is_last(&name, &value);
                    self.variables.insert(name.clone(), value.clone());
                    assignments.push((name, value));
                    if last {
                        break;
                    }
                }
                // A list at the end is what the file returns.
                Token::Sign("(" | "[") => break,
                Token::Word(_) => {
                    let next = self.ahead.clone();
                    return Err(self.unexpected(&next));
                }
                other => return Err(self.unexpected(&other)),
            }
        }
        Ok(Document {
            assignments,
            unknown: self.unknown,
        })
    }

    fn assignment(&mut self) -> Result<Value, SyntaxError> {
        if self.accept(";")? || self.ahead == Token::End {
            return Ok(Value::Undef);
        }
        self.expect("=")?;
        let value = self.choice()?.into_iter().next().unwrap_or(Value::Undef);
        if self.ahead != Token::End {
            self.expect(";")?;
        }
        Ok(value)
    }

    /// Values between commas, up to the closing bracket, which is taken.
    fn list(&mut self, close: &'static str) -> Values {
        let mut values = Vec::new();
        while !self.accept(close)? {
            if self.ahead == Token::Sign(",") || self.ahead == Token::Sign("=>") {
                self.step()?;
                continue;
            }
            values.extend(self.choice()?);
        }
        Ok(values)
    }

    fn choice(&mut self) -> Values {
        self.deeper(|reader| {
            let condition = reader.either()?;
            if !reader.accept("?")? {
                return Ok(condition);
            }
            let yes = reader.choice()?;
            reader.expect(":")?;
            let no = reader.choice()?;
            Ok(if is_true(&condition) { yes } else { no })
        })
    }

    fn either(&mut self) -> Values {
        let mut left = self.both()?;
        while self.accept("||")? || self.accept_word("or")? {
            let right = self.both()?;
            left = if is_true(&left) { left } else { right };
        }
        Ok(left)
    }

    fn both(&mut self) -> Values {
        let mut left = self.comparison()?;
        while self.accept("&&")? || self.accept_word("and")? {
            let right = self.comparison()?;
            left = if is_true(&left) { right } else { left };
        }
        Ok(left)
    }

    fn comparison(&mut self) -> Values {
        let left = self.joined()?;
        let same = if self.accept("==")? || self.accept_word("eq")? {
            true
        } else if self.accept("!=")? || self.accept_word("ne")? {
            false
        } else {
            return Ok(left);
        };
        let right = self.joined()?;
        let text = |values: &[Value]| {
            values
                .last()
                .and_then(Value::text)
                .unwrap_or_default()
                .to_owned()
        };
        Ok(vec![Value::truth((text(&left) == text(&right)) == same)])
    }

    fn joined(&mut self) -> Values {
        let mut left = self.one()?;
        while self.accept(".")? {
            let right = self.one()?;
            let parts = left.iter().last().into_iter().chain(right.last());
            let text: String = parts.filter_map(Value::text).collect();
            left = vec![Value::Text(text)];
        }
        Ok(left)
    }

    fn one(&mut self) -> Values {
        self.deeper(|reader| match reader.step()? {
            Token::Text(text) => Ok(vec![Value::Text(text)]),
            Token::Words(words) => Ok(words.into_iter().map(Value::Text).collect()),
            Token::Sign("!") => Ok(vec![Value::truth(!is_true(&reader.one()?))]),
            Token::Sign("(") => reader.list(")"),
            Token::Sign("[") => Ok(vec![Value::List(reader.list("]")?)]),
            Token::Sign("{") => Ok(vec![map(reader.list("}")?)]),
            Token::Variable(name) => reader.variable(name),
            Token::Word(word) => reader.word(word),
            other => Err(reader.unexpected(&other)),
        })
    }

    fn variable(&mut self, mut name: String) -> Values {
        while self.accept("->")? || matches!(self.ahead, Token::Sign("{")) {
            self.expect("{")?;
            match self.step()? {
                Token::Word(key) | Token::Text(key) => {
                    name.push('.');
                    name.push_str(&key);
                }
                other => return Err(self.unexpected(&other)),
            }
            self.expect("}")?;
        }
        let value = self.variables.get(&name).cloned();
        Ok(vec![value.unwrap_or_else(|| self.named(name))])
    }

    fn word(&mut self, word: String) -> Values {
        if self.ahead == Token::Sign("=>") {
            return Ok(vec![Value::Text(word)]);
        }
        if word == "sub" {
            self.skip_block()?;
            return Ok(vec![Value::Undef]);
        }
        if !self.accept("(")? {
            return Ok(vec![self.named(word)]);
        }
        let mut arguments = self.list(")")?;
        match word.as_str() {
            "N_" | "N" | "translate" => Ok(arguments),
            "if_" => {
                if arguments.is_empty() || !arguments.remove(0).is_true() {
                    arguments.clear();
                }
                Ok(arguments)
            }
            _ => Ok(vec![self.named(word)]),
        }
    }

    fn named(&mut self, name: String) -> Value {
        if name == "undef" {
            return Value::Undef;
        }
        self.names.value(&name).unwrap_or_else(|| {
            self.unknown.push(Unknown {
                name,
                line: self.lexer.line,
            });
            Value::Undef
        })
    }

    fn skip_block(&mut self) -> Result<(), SyntaxError> {
        self.expect("{")?;
        let mut open = 1;
        while open > 0 {
            match self.step()? {
                Token::Sign("{") => open += 1,
                Token::Sign("}") => open -= 1,
                Token::End => return Err(self.lexer.error("block without end".to_owned())),
                _ => {}
            }
        }
        Ok(())
    }

    fn deeper<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, SyntaxError>,
    ) -> Result<T, SyntaxError> {
        if self.depth >= DEPTH_LIMIT {
            return Err(self.lexer.error("nested too deep".to_owned()));
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    fn step(&mut self) -> Result<Token, SyntaxError> {
        let next = self.lexer.next()?;
        Ok(std::mem::replace(&mut self.ahead, next))
    }

    fn accept(&mut self, sign: &'static str) -> Result<bool, SyntaxError> {
        let there = matches!(&self.ahead, Token::Sign(ahead) if *ahead == sign);
        if there {
            self.step()?;
        }
        Ok(there)
    }

    fn accept_word(&mut self, word: &str) -> Result<bool, SyntaxError> {
        let there = matches!(&self.ahead, Token::Word(ahead) if ahead == word);
        if there {
            self.step()?;
        }
        Ok(there)
    }

    fn expect(&mut self, sign: &'static str) -> Result<(), SyntaxError> {
        if self.accept(sign)? {
            return Ok(());
        }
        let ahead = self.ahead.clone();
        Err(self.unexpected(&ahead))
    }

    fn unexpected(&self, token: &Token) -> SyntaxError {
        let shown = match token {
            Token::Word(text) | Token::Text(text) => text.chars().take(40).collect(),
            Token::Variable(name) => format!("${name}"),
            Token::Words(_) => "qw".to_owned(),
            Token::Sign(sign) => (*sign).to_owned(),
            Token::End => return self.lexer.error("unexpected end".to_owned()),
        };
        self.lexer.error(format!("unexpected `{shown}`"))
    }
}

fn is_true(values: &[Value]) -> bool {
    values.last().is_some_and(Value::is_true)
}

fn map(values: Vec<Value>) -> Value {
    let mut pairs = Vec::with_capacity(values.len() / 2);
    let mut values = values.into_iter();
    while let Some(key) = values.next() {
        let key = key.text().unwrap_or_default().to_owned();
        pairs.push((key, values.next().unwrap_or(Value::Undef)));
    }
    Value::Map(pairs)
}
