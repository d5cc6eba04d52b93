//! Reads requests of AuthZEN's Authorization API 1.0.
//!
//! Members that nobody knows are ignored, as the API demands. A member twice is an error: what stands before this
//! server could look at the other one.

use std::fmt;

use engine::unique_json;
use serde_json::{Map, Value};

use crate::resource::Resource;

/// Maximum number of evaluations in a request.
pub(super) const MAX_EVALUATIONS: usize = 50;
/// Maximum size of a resource in JSON, which the audit record repeats.
const MAX_RESOURCE: usize = 4 << 10;

/// A question: may this subject do this?
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Evaluation {
    /// Type of the subject.
    pub(super) subject_type: String,
    /// The subject: a token, if its type is the one that counts.
    pub(super) subject: String,
    /// The permission.
    pub(super) action: String,
    /// What it is about.
    pub(super) resource: Resource,
}

/// Why a request, or one of its evaluations, cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Malformed(pub(super) String);

/// The questions of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Evaluations {
    /// A single one.
    One(Evaluation),
    /// A list, which is not empty. One that cannot be read is denied, and the others are not.
    Several(Vec<Result<Evaluation, Malformed>>, Semantic),
}

/// When a list of evaluations ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Semantic {
    /// After the last one.
    ExecuteAll,
    /// After the first that is not granted.
    DenyOnFirstDeny,
    /// After the first that is granted.
    PermitOnFirstPermit,
}

impl Semantic {
    /// Returns whether nothing is evaluated after this decision.
    pub(super) fn ends_after(self, decision: bool) -> bool {
        match self {
            Self::ExecuteAll => false,
            Self::DenyOnFirstDeny => !decision,
            Self::PermitOnFirstPermit => decision,
        }
    }
}

type Object = Map<String, Value>;
type Read<T> = Result<T, Malformed>;

fn malformed<T>(message: impl fmt::Display) -> Read<T> {
    Err(Malformed(message.to_string()))
}

/// Reads a request for one evaluation.
pub(super) fn evaluation(body: &[u8]) -> Read<Evaluation> {
    one(&root(body)?, &Object::new())
}

/// Reads a request for several evaluations. Without a list, or with an empty one, it is a request for one.
pub(super) fn evaluations(body: &[u8]) -> Read<Evaluations> {
    let root = root(body)?;
    let semantic = semantic(&root)?;
    let list = match root.get("evaluations") {
        None => &Vec::new(),
        Some(Value::Array(list)) => list,
        Some(other) => return malformed(wrong("evaluations", other, "an array")),
    };
    if list.is_empty() {
        return one(&root, &Object::new()).map(Evaluations::One);
    }
    if list.len() > MAX_EVALUATIONS {
        let count = list.len();
        return malformed(format_args!(
            "`evaluations` has {count} members, the limit is {MAX_EVALUATIONS}"
        ));
    }
    for name in ["subject", "action", "resource", "context"] {
        object(&root, name)?;
    }
    let each = list.iter().map(|item| match item {
        Value::Object(item) => Ok(one(item, &root)),
        other => malformed(wrong("evaluations", other, "an array of objects")),
    });
    Ok(Evaluations::Several(
        each.collect::<Read<Vec<_>>>()?,
        semantic,
    ))
}

fn root(body: &[u8]) -> Read<Object> {
    match unique_json(body) {
        Ok(Value::Object(root)) => Ok(root),
        Ok(_) => malformed("the body is not a JSON object"),
        Err(error) => malformed(format_args!("the body is not valid JSON: {error}")),
    }
}

fn semantic(root: &Object) -> Read<Semantic> {
    let options = object(root, "options")?;
    let Some(semantic) = options.and_then(|options| options.get("evaluations_semantic")) else {
        return Ok(Semantic::ExecuteAll);
    };
    match semantic.as_str() {
        Some("execute_all") => Ok(Semantic::ExecuteAll),
        Some("deny_on_first_deny") => Ok(Semantic::DenyOnFirstDeny),
        Some("permit_on_first_permit") => Ok(Semantic::PermitOnFirstPermit),
        _ => malformed(
            "`options.evaluations_semantic` is not `execute_all`, `deny_on_first_deny` or `permit_on_first_permit`",
        ),
    }
}

/// Reads an evaluation. Each object that it leaves out, and each required member of an object, is that of the
/// defaults.
fn one(own: &Object, defaults: &Object) -> Read<Evaluation> {
    let entity = |name| Entity::of(name, own, defaults);
    let (subject, action, resource) = (entity("subject")?, entity("action")?, entity("resource")?);
    object(own, "context")?;
    let evaluation = Evaluation {
        subject_type: subject.text("type")?,
        subject: subject.text("id")?,
        action: action.text("name")?,
        resource: Resource {
            kind: resource.text("type")?,
            id: resource.text("id")?,
            properties: resource.properties()?.cloned(),
        },
    };
    // A subject and an action can have properties too. This server knows none.
    subject.properties()?;
    action.properties()?;
    if evaluation.resource.to_json().to_string().len() > MAX_RESOURCE {
        return malformed(format_args!(
            "`resource` is larger than {MAX_RESOURCE} bytes, which is the limit"
        ));
    }
    Ok(evaluation)
}

/// A subject, an action or a resource.
struct Entity<'v> {
    name: &'static str,
    own: &'v Object,
    default: Option<&'v Object>,
}

impl<'v> Entity<'v> {
    fn of(name: &'static str, own: &'v Object, defaults: &'v Object) -> Read<Self> {
        let (own, default) = (object(own, name)?, object(defaults, name)?);
        match own.or(default) {
            Some(own) => Ok(Self { name, own, default }),
            None => malformed(format_args!("`{name}` is missing")),
        }
    }

    /// Returns a required member.
    fn text(&self, member: &str) -> Read<String> {
        let default = self.default.and_then(|default| default.get(member));
        let name = format_args!("{}.{member}", self.name).to_string();
        match self.own.get(member).or(default) {
            Some(Value::String(text)) => Ok(text.clone()),
            Some(other) => malformed(wrong(&name, other, "a string")),
            None => malformed(format_args!("`{name}` is missing")),
        }
    }

    fn properties(&self) -> Read<Option<&'v Object>> {
        match self.own.get("properties") {
            None => Ok(None),
            Some(Value::Object(properties)) => Ok(Some(properties)),
            Some(other) => {
                let name = format!("{}.properties", self.name);
                malformed(wrong(&name, other, "an object"))
            }
        }
    }
}

/// Returns an object that may be absent.
fn object<'v>(root: &'v Object, name: &str) -> Read<Option<&'v Object>> {
    match root.get(name) {
        None => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object)),
        Some(other) => malformed(wrong(name, other, "an object")),
    }
}

fn wrong(name: &str, seen: &Value, expected: &str) -> String {
    let seen = match seen {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    };
    format!("`{name}` is {seen}, expected {expected}")
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
