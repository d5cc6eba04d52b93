//! Values of expressions, with GitHub's conversions. What only a run knows is a value of its own.

use std::rc::Rc;

use super::choices::Choices;

/// The members of an object.
pub type Members = Vec<(String, Value)>;

/// A value. A copy of an object is cheap.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Value>),
    /// Members, whose names are compared without case.
    Object(Rc<Members>),
    /// An object with more members than are known.
    Open(Rc<str>, Rc<Members>),
    Unknown(Unknown),
    /// One of these, by the question that decides which.
    OneOf(String, Vec<Value>),
}

/// What only a run knows.
#[derive(Clone, Debug, PartialEq)]
pub struct Unknown {
    /// How it is written, so that the same one is the same everywhere in a run.
    pub name: String,
    /// A text, which can be empty and is nothing else.
    pub is_text: bool,
    /// Never empty, null, false or 0.
    pub is_truthy: bool,
}

impl Value {
    pub fn object(members: Members) -> Self {
        Self::Object(Rc::new(members))
    }

    pub fn open(name: &str, members: Members) -> Self {
        Self::Open(name.into(), Rc::new(members))
    }

    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// Anything.
    pub fn unknown(name: impl Into<String>) -> Self {
        Self::Unknown(Unknown {
            name: name.into(),
            is_text: false,
            is_truthy: false,
        })
    }

    /// Some text, perhaps empty.
    pub fn some_text(name: impl Into<String>) -> Self {
        Self::Unknown(Unknown {
            name: name.into(),
            is_text: true,
            is_truthy: false,
        })
    }

    /// Some text that is not empty.
    pub fn full_text(name: impl Into<String>) -> Self {
        Self::Unknown(Unknown {
            name: name.into(),
            is_text: true,
            is_truthy: true,
        })
    }

    /// How it is written in the name of an unknown value.
    pub fn name(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Text(text) => format!("'{text}'"),
            Self::Unknown(unknown) => unknown.name.clone(),
            Self::Open(name, _) => name.to_string(),
            Self::OneOf(name, _) => name.clone(),
            Self::List(items) => {
                let items: Vec<_> = items.iter().map(Self::name).collect();
                format!("[{}]", items.join(","))
            }
            Self::Object(members) => {
                let members = members.iter();
                let members: Vec<_> = members.map(|(k, v)| format!("{k}:{}", v.name())).collect();
                format!("{{{}}}", members.join(","))
            }
            other => other.plain(),
        }
    }

    /// The text of a value that is known and plain; what an object becomes in a text is of no interest.
    fn plain(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Bool(value) => value.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
            Self::List(_) => "Array".to_owned(),
            _ => "Object".to_owned(),
        }
    }

    /// The value as a text, or an unknown one.
    pub fn to_text(&self, choices: &mut Choices) -> Self {
        match self.bound(choices) {
            Self::Unknown(unknown) => Self::Unknown(Unknown {
                is_text: true,
                ..unknown
            }),
            known => Self::Text(known.plain()),
        }
    }

    /// What the value is in this run, as far as something has decided it.
    pub fn bound(&self, choices: &mut Choices) -> Self {
        match self {
            Self::OneOf(question, values) => {
                let answer = choices.choose(question, values.len());
                values[answer].bound(choices)
            }
            Self::Unknown(unknown) => choices.bound(&unknown.name).unwrap_or(self).clone(),
            known => known.clone(),
        }
    }

    pub fn is_truthy(&self, choices: &mut Choices) -> bool {
        match self.bound(choices) {
            Self::Null => false,
            Self::Bool(value) => value,
            Self::Number(number) => number != 0.0 && !number.is_nan(),
            Self::Text(text) => !text.is_empty(),
            Self::Unknown(unknown) if unknown.is_truthy => true,
            Self::Unknown(unknown) => {
                let truthy = choices.decide(&format!("{} is true", unknown.name));
                if !truthy && unknown.is_text {
                    choices.bind(&unknown.name, Self::text(""));
                }
                truthy
            }
            _ => true,
        }
    }

    fn number(&self) -> f64 {
        match self {
            Self::Null => 0.0,
            Self::Bool(value) => f64::from(u8::from(*value)),
            Self::Number(number) => *number,
            Self::Text(text) => match text.trim() {
                "" => 0.0,
                text => match text.strip_prefix("0x") {
                    Some(hex) => u32::from_str_radix(hex, 16).map_or(f64::NAN, f64::from),
                    None => text.parse().unwrap_or(f64::NAN),
                },
            },
            _ => f64::NAN,
        }
    }

    /// `==`: without case for texts, as numbers for different kinds.
    pub fn equals(&self, other: &Self, choices: &mut Choices) -> bool {
        match (self.bound(choices), other.bound(choices)) {
            (Self::Unknown(a), Self::Unknown(b)) if a.name == b.name => true,
            (Self::Unknown(unknown), known) | (known, Self::Unknown(unknown)) => {
                equals_unknown(&unknown, &known, choices)
            }
            (Self::Text(a), Self::Text(b)) => a.to_uppercase() == b.to_uppercase(),
            (Self::Null, Self::Null) => true,
            (Self::List(_) | Self::Object(_) | Self::Open(..), _)
            | (_, Self::List(_) | Self::Object(_) | Self::Open(..)) => false,
            (a, b) => a.number() == b.number(),
        }
    }

    /// `<`, or `None` where one is not known.
    pub fn is_less(&self, other: &Self, choices: &mut Choices) -> Option<bool> {
        match (self.bound(choices), other.bound(choices)) {
            (Self::Unknown(_), _) | (_, Self::Unknown(_)) => None,
            (Self::Text(a), Self::Text(b)) => Some(a.to_uppercase() < b.to_uppercase()),
            (a, b) => Some(a.number() < b.number()),
        }
    }

    /// `a.name`, `a['name']`.
    pub fn member(&self, name: &str, choices: &mut Choices) -> Self {
        let find = |members: &[(String, Self)]| {
            let same = |known: &str| known.to_uppercase() == name.to_uppercase();
            let found = members.iter().find(|(known, _)| same(known));
            found.map(|(_, value)| value.clone())
        };
        match self.bound(choices) {
            Self::Object(members) => find(&members).unwrap_or(Self::Null),
            Self::Open(own, members) => {
                let name = format!("{own}.{}", name.to_lowercase());
                // Variables, secrets and outputs are texts.
                let is_text = ["vars.", "secrets."].iter().any(|of| name.starts_with(of))
                    || name.contains(".outputs.");
                find(&members).unwrap_or_else(|| match is_text {
                    true => Self::some_text(name),
                    false => Self::unknown(name),
                })
            }
            Self::Unknown(unknown) => {
                Self::unknown(format!("{}.{}", unknown.name, name.to_lowercase()))
            }
            _ => Self::Null,
        }
    }

    /// `a[0]`.
    pub fn item(&self, index: &Self, choices: &mut Choices) -> Self {
        match (self.bound(choices), index.bound(choices)) {
            (Self::List(items), Self::Number(at)) if at >= 0.0 => {
                items.get(at as usize).cloned().unwrap_or(Self::Null)
            }
            (own, Self::Text(name)) => own.member(&name, choices),
            (own @ (Self::Object(_) | Self::Open(..)), Self::Number(at)) => {
                own.member(&at.to_string(), choices)
            }
            (own @ (Self::Unknown(_) | Self::Open(..)), index) => {
                Self::unknown(format!("{}[{}]", own.name(), index.name()))
            }
            (own @ (Self::List(_) | Self::Object(_)), Self::Unknown(index)) => {
                Self::unknown(format!("{}[{}]", own.name(), index.name))
            }
            _ => Self::Null,
        }
    }

    /// `a.*`: the items of a list, the values of an object.
    pub fn all(&self, choices: &mut Choices) -> Self {
        match self.bound(choices) {
            Self::List(items) => Self::List(items),
            Self::Object(members) => Self::List(members.iter().map(|(_, v)| v.clone()).collect()),
            own @ (Self::Open(..) | Self::Unknown(_)) => Self::unknown(format!("{}.*", own.name())),
            _ => Self::List(Vec::new()),
        }
    }
}

fn equals_unknown(unknown: &Unknown, known: &Value, choices: &mut Choices) -> bool {
    match known {
        Value::Text(text) if text.is_empty() && unknown.is_truthy => return false,
        // An object equals only itself.
        Value::List(_) | Value::Object(_) | Value::Open(..) => return false,
        _ => {}
    }
    let equal = choices.decide(&format!("{}=={}", unknown.name, known.name()));
    if equal && matches!(known, Value::Text(_)) {
        choices.bind(&unknown.name, known.clone());
    }
    equal
}
