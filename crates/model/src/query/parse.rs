//! Text to tree. Depth and length are bounded, so that hostile queries cost nothing.

use super::{Field, Node, Op};
use crate::ByteCount;

const MAX_LENGTH: usize = 4096;
const MAX_DEPTH: usize = 64;

/// What is wrong with a query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("query, column {column}: {message}")]
pub struct QueryError {
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong, and what would be right.
    pub message: String,
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Open,
    Close,
    Not,
    /// A word; quoted ones are never keywords. `quoted` begins at that byte of the text, if any part was in quotes.
    Word {
        text: String,
        bare: bool,
        operator: Option<(usize, Op, usize)>,
    },
}

const OPERATORS: [(&str, Op); 8] = [
    ("<=", Op::LessEqual),
    (">=", Op::GreaterEqual),
    ("!=", Op::NotEqual),
    (":", Op::Is),
    ("~", Op::Contains),
    ("<", Op::Less),
    ("=", Op::Equal),
    (">", Op::Greater),
];

pub(super) fn parse(text: &str) -> Result<Node, QueryError> {
    if text.len() > MAX_LENGTH {
        return Err(QueryError {
            column: 1,
            message: format!("longer than {MAX_LENGTH} bytes"),
        });
    }
    let tokens = tokens(text)?;
    let mut parser = Parser {
        tokens,
        at: 0,
        depth: 0,
        end: text.chars().count() + 1,
    };
    let node = parser.any()?;
    match parser.tokens.get(parser.at) {
        None => Ok(node),
        Some((column, _)) => Err(QueryError {
            column: *column,
            message: "this `)` closes nothing".to_owned(),
        }),
    }
}

/// Cuts into words; each remembers its first operator outside quotes (byte offset, operator, length).
fn tokens(text: &str) -> Result<Vec<(usize, Token)>, QueryError> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut i = 0;
    while i < chars.len() {
        let column = i + 1;
        match chars[i] {
            c if c.is_whitespace() => i += 1,
            '(' => {
                tokens.push((column, Token::Open));
                i += 1;
            }
            ')' => {
                tokens.push((column, Token::Close));
                i += 1;
            }
            '-' | '!'
                if chars
                    .get(i + 1)
                    .is_some_and(|c| !c.is_whitespace() && *c != '=') =>
            {
                tokens.push((column, Token::Not));
                i += 1;
            }
            _ => {
                let mut word = String::new();
                let mut bare = true;
                let mut operator = None;
                while i < chars.len() && !chars[i].is_whitespace() && !matches!(chars[i], '(' | ')')
                {
                    if chars[i] == '"' {
                        bare = false;
                        let close =
                            chars[i + 1..]
                                .iter()
                                .position(|&c| c == '"')
                                .ok_or_else(|| QueryError {
                                    column: i + 1,
                                    message: "this quote is never closed".to_owned(),
                                })?;
                        word.extend(&chars[i + 1..i + 1 + close]);
                        i += close + 2;
                        continue;
                    }
                    if operator.is_none() && bare {
                        let found = OPERATORS.iter().find(|(sign, _)| {
                            sign.chars()
                                .enumerate()
                                .all(|(k, c)| chars.get(i + k) == Some(&c))
                        });
                        if let Some((sign, op)) = found {
                            operator = Some((word.len(), *op, sign.len()));
                            word.push_str(sign);
                            i += sign.len();
                            continue;
                        }
                    }
                    word.push(chars[i]);
                    i += 1;
                }
                tokens.push((
                    column,
                    Token::Word {
                        text: word,
                        bare,
                        operator,
                    },
                ));
            }
        }
    }
    Ok(tokens)
}

struct Parser {
    tokens: Vec<(usize, Token)>,
    at: usize,
    depth: usize,
    end: usize,
}

impl Parser {
    fn keyword(&self, wanted: &str) -> bool {
        matches!(self.tokens.get(self.at), Some((_, Token::Word { text, bare: true, operator: None })) if text.eq_ignore_ascii_case(wanted))
    }

    fn column(&self) -> usize {
        self.tokens
            .get(self.at)
            .map_or(self.end, |(column, _)| *column)
    }

    fn error<T>(&self, message: impl Into<String>) -> Result<T, QueryError> {
        Err(QueryError {
            column: self.column(),
            message: message.into(),
        })
    }

    fn any(&mut self) -> Result<Node, QueryError> {
        let mut parts = vec![self.all()?];
        while self.keyword("or") {
            self.at += 1;
            parts.push(self.all()?);
        }
        if parts.len() > 1
            && parts
                .iter()
                .any(|part| matches!(part, Node::All(inner) if inner.is_empty()))
        {
            return self.error("`or` wants a term on both sides");
        }
        Ok(if parts.len() == 1 {
            parts.remove(0)
        } else {
            Node::Any(parts)
        })
    }

    fn all(&mut self) -> Result<Node, QueryError> {
        let mut parts = Vec::new();
        loop {
            if self.keyword("and") {
                if parts.is_empty() {
                    return self.error("`and` wants a term on both sides");
                }
                self.at += 1;
                parts.push(self.unary()?);
            } else if self.keyword("or")
                || matches!(self.tokens.get(self.at), None | Some((_, Token::Close)))
            {
                break;
            } else {
                parts.push(self.unary()?);
            }
        }
        Ok(if parts.len() == 1 {
            parts.remove(0)
        } else {
            Node::All(parts)
        })
    }

    fn unary(&mut self) -> Result<Node, QueryError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return self.error("nested too deeply");
        }
        let node =
            if self.keyword("not") || matches!(self.tokens.get(self.at), Some((_, Token::Not))) {
                self.at += 1;
                Node::Not(Box::new(self.unary()?))
            } else {
                match self.tokens.get(self.at).cloned() {
                    Some((column, Token::Open)) => {
                        self.at += 1;
                        let node = self.any()?;
                        if !matches!(self.tokens.get(self.at), Some((_, Token::Close))) {
                            return Err(QueryError {
                                column,
                                message: "this `(` is never closed".to_owned(),
                            });
                        }
                        self.at += 1;
                        node
                    }
                    Some((column, Token::Word { text, operator, .. })) => {
                        self.at += 1;
                        term(column, text, operator)?
                    }
                    _ => return self.error("a term is missing here"),
                }
            };
        self.depth -= 1;
        Ok(node)
    }
}

fn term(
    column: usize,
    text: String,
    operator: Option<(usize, Op, usize)>,
) -> Result<Node, QueryError> {
    let Some((at, op, length)) = operator else {
        return Ok(Node::Word(text.to_lowercase()));
    };
    let (name, value) = (&text[..at], &text[at + length..]);
    let wrong = |message: String| Err(QueryError { column, message });
    if value.is_empty() {
        return wrong(format!("`{name}` wants a value after the operator"));
    }
    if name.eq_ignore_ascii_case("has") {
        return has(column, value);
    }
    let Some((_, field)) = Field::WORDS
        .iter()
        .find(|(word, _)| word.eq_ignore_ascii_case(name))
    else {
        let known: Vec<&str> = Field::WORDS.iter().map(|(word, _)| *word).collect();
        return wrong(format!(
            "no field is called `{name}`; there are {}, has",
            known.join(", ")
        ));
    };
    if field.is_number() && value.parse::<ByteCount>().is_err() {
        return wrong(format!(
            "`{name}` wants a number such as 4 or 4GiB, not `{value}`"
        ));
    }
    if !field.is_number()
        && matches!(
            op,
            Op::Less | Op::LessEqual | Op::Greater | Op::GreaterEqual
        )
        && *field != Field::Os
    {
        return wrong(format!(
            "`{name}` has no order; use `{name}:value` or `{name}~text`"
        ));
    }
    if *field == Field::Ip && op != Op::Contains && super::eval::subnet(value).is_none() {
        return wrong(format!(
            "`{value}` is neither an address nor a subnet such as 10.0.0.0/8"
        ));
    }
    Ok(Node::Term {
        field: *field,
        op,
        value: value.to_lowercase(),
    })
}

fn has(column: usize, value: &str) -> Result<Node, QueryError> {
    let found = OPERATORS
        .iter()
        .filter(|(_, op)| !matches!(op, Op::Is | Op::Contains));
    let cut = found
        .filter_map(|(sign, op)| value.find(sign).map(|at| (at, sign.len(), *op)))
        .min_by_key(|(at, len, _)| (*at, usize::MAX - len));
    match cut {
        None => Ok(Node::Has {
            package: value.to_lowercase(),
            version: None,
        }),
        Some((at, length, _)) if at == 0 || at + length == value.len() => Err(QueryError {
            column,
            message: "`has:` wants PACKAGE or PACKAGE<VERSION".to_owned(),
        }),
        Some((at, length, op)) => Ok(Node::Has {
            package: value[..at].to_lowercase(),
            version: Some((op, value[at + length..].to_owned())),
        }),
    }
}
