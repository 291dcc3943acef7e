//! Rich (boolean) dependencies of rpm: `(a and (b >= 2 or c))`, `(a if b else c)`, `(a with b)`.
//!
//! Nesting deeper than [`DEPTH_LIMIT`] is refused, so that no input can exhaust the stack.

use crate::package::{Op, Property};

/// How deep parentheses may nest; rpm's own packages use three levels.
pub const DEPTH_LIMIT: usize = 24;

/// A rich dependency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rich {
    /// A name with a range.
    One(Property),
    /// All of them.
    And(Vec<Rich>),
    /// Any of them.
    Or(Vec<Rich>),
    /// One package that answers all of them.
    With(Vec<Rich>),
    /// A package that answers the first and not the second.
    Without(Box<Rich>, Box<Rich>),
    /// `(wanted if condition else otherwise)`.
    If(Box<Rich>, Box<Rich>, Option<Box<Rich>>),
    /// `(wanted unless condition else otherwise)`.
    Unless(Box<Rich>, Box<Rich>, Option<Box<Rich>>),
}

/// Why a text is no rich dependency: a fragment, said of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RichError {
    /// A parenthesis is missing, or one too many.
    #[error("has unbalanced parentheses")]
    Unbalanced,
    /// Too deep.
    #[error("nests too deep")]
    TooDeep,
    /// An operator stands where none may.
    #[error("mixes operators or lacks an operand")]
    Operator,
}

/// Reads a rich dependency, with its outer parentheses.
pub fn parse(text: &str) -> Result<Rich, RichError> {
    let mut tokens = Tokens { rest: text };
    if tokens.next() != Some(Token::Open) {
        return Err(RichError::Unbalanced);
    }
    let rich = inside(&mut tokens, 0)?;
    if tokens.next().is_some() {
        Err(RichError::Unbalanced)
    } else {
        Ok(rich)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    Open,
    Close,
    Word(&'a str),
}

struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    /// A word goes to a blank, or to a parenthesis that it did not open (`perl(Foo)` is one word).
    fn next(&mut self) -> Option<Token<'a>> {
        self.rest = self.rest.trim_start();
        let first = self.rest.chars().next()?;
        if first == '(' || first == ')' {
            self.rest = &self.rest[1..];
            return Some(if first == '(' {
                Token::Open
            } else {
                Token::Close
            });
        }
        let mut open = 0usize;
        let end = self.rest.find(|c: char| {
            match c {
                '(' => open += 1,
                ')' if open == 0 => return true,
                ')' => open -= 1,
                c => return c.is_whitespace(),
            }
            false
        });
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        Some(Token::Word(word))
    }
}

/// What follows an opening parenthesis, to the closing one.
fn inside(tokens: &mut Tokens<'_>, depth: usize) -> Result<Rich, RichError> {
    if depth > DEPTH_LIMIT {
        return Err(RichError::TooDeep);
    }
    let mut operands = Vec::new();
    let mut operators: Vec<&str> = Vec::new();
    loop {
        operands.push(operand(tokens, depth)?);
        match tokens.next() {
            Some(Token::Close) => return combine(operands, &operators),
            Some(Token::Word(word)) => operators.push(word),
            Some(Token::Open) => return Err(RichError::Operator),
            None => return Err(RichError::Unbalanced),
        }
    }
}

fn operand(tokens: &mut Tokens<'_>, depth: usize) -> Result<Rich, RichError> {
    match tokens.next() {
        Some(Token::Open) => inside(tokens, depth + 1),
        Some(Token::Word(name)) => {
            let mut ahead = Tokens { rest: tokens.rest };
            let op = match ahead.next() {
                Some(Token::Word(word)) => Op::parse(word),
                _ => None,
            };
            match (op, ahead.next()) {
                (Some(op), Some(Token::Word(version))) => {
                    tokens.rest = ahead.rest;
                    Ok(Rich::One(Property::versioned(name, op, version)))
                }
                (Some(_), _) => Err(RichError::Operator),
                (None, _) => Ok(Rich::One(Property::any(name))),
            }
        }
        Some(Token::Close) => Err(RichError::Operator),
        None => Err(RichError::Unbalanced),
    }
}

fn combine(operands: Vec<Rich>, operators: &[&str]) -> Result<Rich, RichError> {
    let same = |word: &str| operators.iter().all(|operator| *operator == word);
    let mut each = operands.into_iter();
    let mut boxed = || each.next().map(Box::new).ok_or(RichError::Operator);
    Ok(match operators {
        [] => *boxed()?,
        ["if"] => Rich::If(boxed()?, boxed()?, None),
        ["if", "else"] => Rich::If(boxed()?, boxed()?, Some(boxed()?)),
        ["unless"] => Rich::Unless(boxed()?, boxed()?, None),
        ["unless", "else"] => Rich::Unless(boxed()?, boxed()?, Some(boxed()?)),
        ["without"] => Rich::Without(boxed()?, boxed()?),
        _ if same("and") => Rich::And(each.collect()),
        _ if same("or") => Rich::Or(each.collect()),
        _ if same("with") => Rich::With(each.collect()),
        _ => return Err(RichError::Operator),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(rich: &Rich) -> String {
        let list = |word: &str, all: &[Rich]| {
            format!(
                "{word}({})",
                all.iter().map(shown).collect::<Vec<_>>().join(", ")
            )
        };
        let three = |word: &str, a: &Rich, b: &Rich, c: &Option<Box<Rich>>| {
            let last = c
                .as_ref()
                .map_or(String::new(), |c| format!(", {}", shown(c)));
            format!("{word}({}, {}{last})", shown(a), shown(b))
        };
        match rich {
            Rich::One(property) => property.to_string(),
            Rich::And(all) => list("and", all),
            Rich::Or(all) => list("or", all),
            Rich::With(all) => list("with", all),
            Rich::Without(a, b) => three("without", a, b, &None),
            Rich::If(a, b, c) => three("if", a, b, c),
            Rich::Unless(a, b, c) => three("unless", a, b, c),
        }
    }

    #[test]
    fn forms() {
        for (text, expected) in [
            ("(a or b)", "or(a, b)"),
            (
                "(a >= 2 and (b or c < 1:3-4) and d)",
                "and(a >= 2, or(b, c < 1:3-4), d)",
            ),
            ("(a if b)", "if(a, b)"),
            ("((a or x) if b else c)", "if(or(a, x), b, c)"),
            ("(a unless b)", "unless(a, b)"),
            (
                "(perl(Foo) >= 1 with perl(Foo) < 2)",
                "with(perl(Foo) >= 1, perl(Foo) < 2)",
            ),
            ("(a without b)", "without(a, b)"),
            ("(a)", "a"),
            ("(font(:lang=fr) or b)", "or(font(:lang=fr), b)"),
        ] {
            assert_eq!(
                parse(text).as_ref().map(shown).as_deref(),
                Ok(expected),
                "{text}"
            );
        }
        for (text, error) in [
            ("a or b", RichError::Unbalanced),
            ("(a or b", RichError::Unbalanced),
            ("(a or b) c", RichError::Unbalanced),
            ("(a or)", RichError::Operator),
            ("(a or b and c)", RichError::Operator),
            ("(a >=)", RichError::Operator),
            ("()", RichError::Operator),
        ] {
            assert_eq!(parse(text), Err(error), "{text}");
        }
        assert_eq!(parse(&"(".repeat(100_000)), Err(RichError::TooDeep));
    }
}
