//! Expressions and texts that contain them.

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    /// `github`, `inputs`, …
    Context(String),
    Member(Box<Expression>, String),
    Item(Box<Expression>, Box<Expression>),
    All(Box<Expression>),
    Call(String, Vec<Expression>),
    Not(Box<Expression>),
    /// `||`, `&&`, `==`, `!=`, `<`, `<=`, `>`, `>=`.
    Binary(&'static str, Box<Expression>, Box<Expression>),
}

/// A part of a text.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    Plain(String),
    Expression(Expression),
}

/// The parts of a text with `${{ … }}` in it.
pub fn parts(text: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("${{") {
        if start > 0 {
            parts.push(Part::Plain(rest[..start].to_owned()));
        }
        let inside = &rest[start + 3..];
        let end = end(inside).ok_or_else(|| format!("`{text}` has a `${{{{` without an end"))?;
        parts.push(Part::Expression(Expression::parse(&inside[..end])?));
        rest = &inside[end + 2..];
    }
    if !rest.is_empty() {
        parts.push(Part::Plain(rest.to_owned()));
    }
    Ok(parts)
}

/// Where `}}` stands outside of quotes.
fn end(text: &str) -> Option<usize> {
    let mut quoted = false;
    for (at, c) in text.char_indices() {
        match c {
            '\'' => quoted = !quoted,
            '}' if !quoted && text[at..].starts_with("}}") => return Some(at),
            _ => {}
        }
    }
    None
}

impl Expression {
    pub fn parse(text: &str) -> Result<Self, String> {
        let tokens = tokens(text)?;
        let mut parser = Parser {
            tokens: &tokens,
            text,
        };
        let expression = parser.binary(0)?;
        match parser.tokens {
            [] => Ok(expression),
            _ => Err(parser.wrong()),
        }
    }

    /// Whether one of these functions is in it.
    pub fn calls(&self, functions: &[&str]) -> bool {
        match self {
            Self::Call(name, arguments) => {
                functions.contains(&name.as_str())
                    || arguments.iter().any(|argument| argument.calls(functions))
            }
            Self::Member(of, _) | Self::All(of) | Self::Not(of) => of.calls(functions),
            Self::Item(a, b) | Self::Binary(_, a, b) => a.calls(functions) || b.calls(functions),
            _ => false,
        }
    }

    /// Each context that it names, with the members after it: `github.event.inputs.x`.
    pub fn paths(&self) -> Vec<String> {
        if let Some(path) = self.path() {
            return vec![path];
        }
        match self {
            Self::Call(_, arguments) => arguments.iter().flat_map(Self::paths).collect(),
            Self::Member(of, _) | Self::All(of) | Self::Not(of) => of.paths(),
            Self::Item(a, b) | Self::Binary(_, a, b) => [a.paths(), b.paths()].concat(),
            _ => Vec::new(),
        }
    }

    fn path(&self) -> Option<String> {
        match self {
            Self::Context(name) => Some(name.clone()),
            Self::Member(of, name) => Some(format!("{}.{}", of.path()?, name.to_lowercase())),
            Self::Item(of, name) => match &**name {
                Self::Text(name) => Some(format!("{}.{}", of.path()?, name.to_lowercase())),
                _ => None,
            },
            _ => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Text(String),
    Number(f64),
    Name(String),
    Sign(&'static str),
}

const SIGNS: [&str; 16] = [
    "||", "&&", "==", "!=", "<=", ">=", "<", ">", "!", "(", ")", "[", "]", ",", ".", "*",
];

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let after_dot = tokens.last() == Some(&Token::Sign("."));
        let length = match first {
            '\'' => {
                let (value, length) = quoted(rest).ok_or_else(|| format!("`{text}`: a quote"))?;
                tokens.push(Token::Text(value));
                length
            }
            c if c.is_ascii_digit() || (matches!(c, '-' | '+' | '.') && starts_number(rest)) => {
                let length = word(rest, |c| c.is_ascii_alphanumeric() || "+-.".contains(c));
                let number = match rest[..length].strip_prefix("0x") {
                    Some(hex) => u32::from_str_radix(hex, 16).ok().map(f64::from),
                    None => rest[..length].parse().ok(),
                };
                tokens.push(Token::Number(
                    number.ok_or_else(|| format!("`{text}`: a number"))?,
                ));
                length
            }
            c if c.is_ascii_alphabetic() || c == '_' || (after_dot && c == '-') => {
                let length = word(rest, |c| c.is_ascii_alphanumeric() || "_-".contains(c));
                tokens.push(Token::Name(rest[..length].to_owned()));
                length
            }
            _ => {
                let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
                let sign = sign.ok_or_else(|| format!("`{text}`: `{first}`"))?;
                tokens.push(Token::Sign(sign));
                sign.len()
            }
        };
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

fn starts_number(text: &str) -> bool {
    text[1..].starts_with(|c: char| c.is_ascii_digit())
}

fn word(text: &str, is_part: impl Fn(char) -> bool) -> usize {
    text.find(|c| !is_part(c)).unwrap_or(text.len())
}

/// A text in quotes and how long it is with them.
fn quoted(text: &str) -> Option<(String, usize)> {
    let mut value = String::new();
    let mut at = 1;
    loop {
        let end = at + text[at..].find('\'')?;
        value.push_str(&text[at..end]);
        if !text[end + 1..].starts_with('\'') {
            return Some((value, end + 1));
        }
        value.push('\'');
        at = end + 2;
    }
}

struct Parser<'t> {
    tokens: &'t [Token],
    text: &'t str,
}

/// From the weakest to the strongest.
const LEVELS: [&[&str]; 4] = [&["||"], &["&&"], &["==", "!="], &["<", "<=", ">", ">="]];

impl Parser<'_> {
    fn wrong(&self) -> String {
        format!("`{}`: not understood at {:?}", self.text, self.tokens)
    }

    fn accept(&mut self, sign: &str) -> bool {
        match self.tokens {
            [Token::Sign(first), rest @ ..] if *first == sign => {
                self.tokens = rest;
                true
            }
            _ => false,
        }
    }

    fn expect(&mut self, sign: &str) -> Result<(), String> {
        match self.accept(sign) {
            true => Ok(()),
            false => Err(self.wrong()),
        }
    }

    fn binary(&mut self, level: usize) -> Result<Expression, String> {
        let Some(signs) = LEVELS.get(level) else {
            return self.unary();
        };
        let mut left = self.binary(level + 1)?;
        while let Some(sign) = signs.iter().find(|sign| self.accept(sign)) {
            let right = self.binary(level + 1)?;
            left = Expression::Binary(sign, left.into(), right.into());
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Expression, String> {
        match self.accept("!") {
            true => Ok(Expression::Not(self.unary()?.into())),
            false => self.postfix(),
        }
    }

    fn postfix(&mut self) -> Result<Expression, String> {
        let mut own = self.primary()?;
        loop {
            if self.accept("[") {
                own = match self.accept("*") {
                    true => Expression::All(own.into()),
                    false => Expression::Item(own.into(), self.binary(0)?.into()),
                };
                self.expect("]")?;
            } else if self.accept(".") {
                own = match self.tokens {
                    [Token::Sign("*"), rest @ ..] => {
                        self.tokens = rest;
                        Expression::All(own.into())
                    }
                    [Token::Name(name), rest @ ..] => {
                        self.tokens = rest;
                        Expression::Member(own.into(), name.clone())
                    }
                    _ => return Err(self.wrong()),
                };
            } else {
                return Ok(own);
            }
        }
    }

    fn primary(&mut self) -> Result<Expression, String> {
        if self.accept("(") {
            let inside = self.binary(0)?;
            self.expect(")")?;
            return Ok(inside);
        }
        let [first, rest @ ..] = self.tokens else {
            return Err(self.wrong());
        };
        let name = match first {
            Token::Text(text) => {
                self.tokens = rest;
                return Ok(Expression::Text(text.clone()));
            }
            Token::Number(number) => {
                self.tokens = rest;
                return Ok(Expression::Number(*number));
            }
            Token::Sign(_) => return Err(self.wrong()),
            Token::Name(name) => name,
        };
        self.tokens = rest;
        if !self.accept("(") {
            return Ok(match name.as_str() {
                "null" => Expression::Null,
                "true" => Expression::Bool(true),
                "false" => Expression::Bool(false),
                _ => Expression::Context(name.to_lowercase()),
            });
        }
        let mut arguments = Vec::new();
        while !self.accept(")") {
            if !arguments.is_empty() {
                self.expect(",")?;
            }
            arguments.push(self.binary(0)?);
        }
        Ok(Expression::Call(name.to_lowercase(), arguments))
    }
}
