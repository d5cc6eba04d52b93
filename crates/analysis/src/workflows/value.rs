//! Values of expressions, as far as the files determine them.

use std::sync::Arc;

use github_actions_expressions::Evaluation;

use super::world::World;

/// A value in one world.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// `null`, a boolean, a number or a string.
    Scalar(Evaluation),
    /// A list.
    List(Vec<Value>),
    /// A mapping; its names ignore case, as the dictionaries of GitHub's runner do.
    Object(Arc<Object>),
    /// One of several values: the world says which.
    OneOf(Arc<Alternatives>),
    /// Only a run knows it.
    Unknown(Unknown),
}

/// Members of a mapping.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) members: Vec<(String, Value)>,
    /// Whether a member that is not listed does not exist. Otherwise only a run knows it.
    pub(super) is_complete: bool,
}

/// Possible values, and the question that decides between them.
#[derive(Debug)]
pub(super) struct Alternatives {
    pub(super) question: String,
    pub(super) values: Vec<Value>,
}

/// What is certain about a value that only a run knows.
#[derive(Clone, Debug, Default)]
pub(super) struct Unknown {
    /// Start of its text.
    pub(super) prefix: String,
    /// End of its text.
    pub(super) suffix: String,
    /// Whether only a number stands between the start and the end.
    pub(super) is_number: bool,
    /// Texts that it is not.
    pub(super) except: Arc<[String]>,
    /// Whether it counts as true, where the world has answered that.
    pub(super) truth: Option<bool>,
}

impl Value {
    pub(super) const NULL: Self = Self::Scalar(Evaluation::Null);

    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Scalar(Evaluation::String(text.into()))
    }

    pub(super) fn boolean(value: bool) -> Self {
        Self::Scalar(Evaluation::Boolean(value))
    }

    pub(super) fn unknown() -> Self {
        Self::Unknown(Unknown::default())
    }

    pub(super) fn object(members: Vec<(String, Value)>, is_complete: bool) -> Self {
        Self::Object(Arc::new(Object {
            members,
            is_complete,
        }))
    }

    /// Returns the only value, or the alternatives.
    pub(super) fn one_of(question: String, mut values: Vec<Value>) -> Self {
        match values.len() {
            0 => Self::NULL,
            1 => values.swap_remove(0),
            _ => Self::OneOf(Arc::new(Alternatives { question, values })),
        }
    }

    /// Returns the value that the world chooses.
    pub(super) fn chosen(&self, world: &World) -> Self {
        match self {
            Self::OneOf(alternatives) => {
                let count = alternatives.values.len();
                let answer = world.answer(&alternatives.question, count);
                let chosen = alternatives.values.get(answer);
                chosen.map_or_else(Self::unknown, |value| value.chosen(world))
            }
            other => other.clone(),
        }
    }

    /// Returns a member of a mapping, or an item of a list.
    pub(super) fn member(&self, name: &Evaluation, world: &World) -> Self {
        let text = name.sema().to_string();
        let member = match self {
            Self::Object(object) => {
                let mut members = object.members.iter();
                let found = members.find(|(key, _)| key.eq_ignore_ascii_case(&text));
                match found {
                    Some((_, value)) => value.clone(),
                    None if object.is_complete => Self::NULL,
                    None => Self::unknown(),
                }
            }
            Self::List(items) => match text.parse::<usize>() {
                Ok(index) => items.get(index).cloned().unwrap_or(Self::NULL),
                Err(_) => Self::NULL,
            },
            Self::Unknown(_) => Self::unknown(),
            // A scalar has no members.
            _ => Self::NULL,
        };
        member.chosen(world)
    }

    /// Returns the value, if the files determine all of it.
    pub(super) fn known(&self, world: &World) -> Option<Evaluation> {
        match self.chosen(world) {
            Self::Scalar(scalar) => Some(scalar),
            Self::List(items) => {
                let items = items.iter().map(|item| item.known(world));
                Some(Evaluation::Array(items.collect::<Option<_>>()?))
            }
            Self::Object(object) if object.is_complete => {
                let members = object.members.iter();
                let members = members.map(|(key, value)| Some((key.clone(), value.known(world)?)));
                Some(Evaluation::Object(members.collect::<Option<_>>()?))
            }
            _ => None,
        }
    }
}

impl From<Evaluation> for Value {
    fn from(value: Evaluation) -> Self {
        match value {
            Evaluation::Array(items) => Self::List(items.into_iter().map(Self::from).collect()),
            Evaluation::Object(members) => {
                let members = members.into_iter();
                let members = members.map(|(key, value)| (key, Self::from(value)));
                Self::object(members.collect(), true)
            }
            scalar => Self::Scalar(scalar),
        }
    }
}

impl Unknown {
    /// Whether it certainly differs from the text. GitHub compares without case.
    pub(super) fn differs_from(&self, text: &str) -> bool {
        let mut except = self.except.iter();
        let starts = text.get(..self.prefix.len());
        let ends = text
            .len()
            .checked_sub(self.suffix.len())
            .and_then(|at| text.get(at..));
        except.any(|except| except.eq_ignore_ascii_case(text))
            || text.is_empty() && self.truth == Some(true)
            || !starts.is_some_and(|start| start.eq_ignore_ascii_case(&self.prefix))
            || !ends.is_some_and(|end| end.eq_ignore_ascii_case(&self.suffix))
    }

    /// Whether it starts with the text, as far as that is certain.
    pub(super) fn starts_with(&self, text: &str) -> Option<bool> {
        let length = text.len().min(self.prefix.len());
        let (own, other) = self.prefix.get(..length).zip(text.get(..length))?;
        match own.eq_ignore_ascii_case(other) {
            false => Some(false),
            true if text.len() <= self.prefix.len() => Some(true),
            true => None,
        }
    }

    /// Whether it contains the text, as far as that is certain. GitHub compares without case.
    pub(super) fn contains(&self, text: &str) -> Option<bool> {
        let text = text.to_ascii_lowercase();
        let has = |part: &str| part.to_ascii_lowercase().contains(&text);
        let has_digit = text.bytes().any(|byte| byte.is_ascii_digit());
        match has(&self.prefix) || has(&self.suffix) {
            true => Some(true),
            // The number separates start and end, and has only digits.
            false => (self.is_number && !has_digit).then_some(false),
        }
    }

    /// Whether it ends with the text, as far as that is certain.
    pub(super) fn ends_with(&self, text: &str) -> Option<bool> {
        let length = text.len().min(self.suffix.len());
        let own = self.suffix.get(self.suffix.len() - length..);
        let (own, other) = own.zip(text.get(text.len() - length..))?;
        match own.eq_ignore_ascii_case(other) {
            false => Some(false),
            true if text.len() <= self.suffix.len() => Some(true),
            true => None,
        }
    }
}
