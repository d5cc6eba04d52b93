//! Evaluates expressions in one world.
//!
//! zizmor's `github-actions-expressions` parses them, and provides GitHub's comparisons and functions.
//! Source: docs.github.com, "Evaluate expressions in workflows and actions".

use github_actions_expressions::call::{Call, Function};
use github_actions_expressions::context::Context;
use github_actions_expressions::literal::Literal;
use github_actions_expressions::op::{BinExpr, BinOp, UnOp};
use github_actions_expressions::{Evaluation, Expr, SpannedExpr};

use super::value::{Unknown, Value};
use super::world::World;

/// Maximum length of a text, in bytes; only a run knows a longer one.
const MAX_LENGTH: usize = 4_096;
/// Functions that make a condition hold after a failure, or say that it needs success.
pub(super) const STATUS: [&str; 4] = ["always", "failure", "cancelled", "success"];
/// Contexts that are the same for all jobs of a run.
const SHARED: [&str; 2] = ["github", "vars"];

/// What the names in an expression stand for.
pub(super) struct Scope<'s> {
    pub(super) world: &'s World,
    /// Name of the job, so that its questions are not those of another job.
    pub(super) name: &'s str,
    /// Contexts by name; only a run knows the others.
    pub(super) contexts: &'s [(&'static str, Value)],
    /// Result of what ran before.
    pub(super) status: Status,
}

/// What can have become of the jobs or steps before the one with the expression.
#[derive(Clone, Copy, Debug)]
pub(super) struct Status {
    /// Whether one of them was skipped.
    pub(super) has_skipped: bool,
    /// Whether one of them ran, and so can have failed.
    pub(super) can_fail: bool,
}

impl Status {
    /// Status of a step: those before it ran.
    pub(super) const OF_STEP: Self = Self {
        has_skipped: false,
        can_fail: true,
    };
}

impl Scope<'_> {
    /// Evaluates a text with expressions in `${{ }}`.
    pub(super) fn text(&self, text: &str) -> Value {
        let Some((before, rest)) = text.split_once("${{") else {
            return Value::text(text);
        };
        let Some((expression, mut rest)) = split_end(rest) else {
            return Value::unknown();
        };
        let value = self.parsed(expression);
        if before.trim().is_empty() && rest.trim().is_empty() {
            return value;
        }
        let mut all = Joined::default();
        all.add(before);
        all.value(&value);
        while let Some((before, after)) = rest.split_once("${{") {
            let Some((expression, after)) = split_end(after) else {
                return Value::unknown();
            };
            all.add(before);
            all.value(&self.parsed(expression));
            rest = after;
        }
        all.add(rest);
        all.finish()
    }

    /// Whether a condition, as in `if:`, holds. Without a function of status, it holds only after success.
    pub(super) fn condition(&self, text: &str) -> bool {
        let whole = text.trim();
        let inner = whole.strip_prefix("${{").and_then(|rest| {
            let (expression, rest) = split_end(rest)?;
            rest.is_empty().then_some(expression)
        });
        let value = match inner {
            Some(expression) => self.parsed(expression),
            None if whole.contains("${{") => self.text(whole),
            None => self.parsed(whole),
        };
        let holds = self.truth(&value, &format!("{} {whole}", self.name));
        holds && (!self.status.has_skipped || has_status_function(whole, &STATUS))
    }

    /// Whether a value of `true` or `false`, which can be an expression, can be true.
    pub(super) fn flag(&self, text: &str) -> bool {
        let value = self.text(text);
        match &value {
            Value::Scalar(Evaluation::String(text)) => text.eq_ignore_ascii_case("true"),
            value => self.truth(value, &format!("{} {text}", self.name)),
        }
    }

    fn parsed(&self, expression: &str) -> Value {
        match Expr::parse(expression) {
            Ok(expression) => self.value(&expression),
            Err(_) => Value::unknown(),
        }
    }

    fn value(&self, expression: &SpannedExpr<'_>) -> Value {
        match &expression.inner {
            Expr::Context(context) => self.context(context),
            Expr::Call(call) => self.call(call, expression),
            Expr::BinExpr(binary) => self.binary(binary, expression),
            Expr::UnExpr {
                op: UnOp::Not,
                expr,
            } => Value::boolean(!self.is_true(expr)),
            literal => literal.consteval().map_or_else(Value::unknown, Value::from),
        }
    }

    pub(super) fn context(&self, context: &Context<'_>) -> Value {
        let mut parts = context.parts.iter();
        let mut value = match parts.next().map(|first| (&first.inner, first)) {
            Some((Expr::Identifier(name), _)) => {
                let mut contexts = self.contexts.iter();
                let found = contexts.find(|(known, _)| known.eq_ignore_ascii_case(name.as_str()));
                found.map_or_else(Value::unknown, |(_, value)| value.chosen(self.world))
            }
            Some((_, first)) => self.value(first),
            None => Value::unknown(),
        };
        for part in parts {
            let is_star = match &part.inner {
                Expr::Star => true,
                Expr::Index(index) => matches!(index.inner, Expr::Star),
                _ => false,
            };
            // `*` of something without members is an empty list, and stays one.
            if is_star && matches!(value, Value::Scalar(_)) {
                return Value::List(Vec::new());
            }
            let name = match &part.inner {
                Expr::Identifier(name) => Some(Evaluation::String(name.as_str().to_owned())),
                Expr::Index(index) => match self.value(index) {
                    Value::Scalar(name) => Some(name),
                    _ => None,
                },
                _ => None,
            };
            value = match name {
                Some(name) => value.member(&name, self.world),
                None => Value::unknown(),
            };
        }
        value
    }

    fn binary(&self, binary: &BinExpr<'_>, whole: &SpannedExpr<'_>) -> Value {
        let left = self.value(&binary.lhs);
        match binary.op {
            BinOp::And | BinOp::Or => {
                let is_true = self.truth(&left, &self.question(&binary.lhs));
                match is_true == (binary.op == BinOp::And) {
                    true => self.value(&binary.rhs),
                    false => answered(left, is_true),
                }
            }
            BinOp::Eq | BinOp::Neq => {
                let right = self.value(&binary.rhs);
                let is_equal = equal(&left, &right).unwrap_or_else(|| {
                    let (left, right) = (self.question(&binary.lhs), self.question(&binary.rhs));
                    self.world.is(&format!("{left} == {right}"))
                });
                Value::boolean(is_equal == (binary.op == BinOp::Eq))
            }
            _ => match (left, self.value(&binary.rhs)) {
                (Value::Scalar(left), Value::Scalar(right)) => {
                    let (left, right) = (left.sema(), right.sema());
                    Value::boolean(match binary.op {
                        BinOp::Lt => left < right,
                        BinOp::Le => left <= right,
                        BinOp::Gt => left > right,
                        _ => left >= right,
                    })
                }
                _ => Value::boolean(self.world.is(&self.question(whole))),
            },
        }
    }

    fn call(&self, call: &Call<'_>, whole: &SpannedExpr<'_>) -> Value {
        match call.func {
            Function::Always => return Value::boolean(true),
            Function::Success | Function::Failure | Function::Cancelled => {
                return Value::boolean(self.status(call.func));
            }
            Function::Case => return self.case(&call.args),
            Function::HashFiles => return Value::unknown(),
            _ => {}
        }
        let arguments: Vec<_> = call.args.iter().map(|arg| self.value(arg)).collect();
        let known = arguments.iter().map(|argument| argument.known(self.world));
        if let Some(known) = known.collect::<Option<Vec<_>>>() {
            let args = call.args.iter().zip(known);
            let args = args.map(|(arg, value)| {
                Some(SpannedExpr {
                    origin: arg.origin,
                    inner: written(value)?,
                })
            });
            let call = args.collect::<Option<_>>().map(|args| Call {
                func: call.func,
                args,
            });
            let value = call.and_then(|call| Expr::Call(call).consteval());
            return value.map_or_else(Value::unknown, Value::from);
        }
        let certain = match (call.func, arguments.as_slice()) {
            (Function::StartsWith, [Value::Unknown(text), Value::Scalar(start)]) => {
                text.starts_with(&start.sema().to_string())
            }
            (Function::EndsWith, [Value::Unknown(text), Value::Scalar(end)]) => {
                text.ends_with(&end.sema().to_string())
            }
            (Function::Contains, [Value::Unknown(text), Value::Scalar(part)]) => {
                text.contains(&part.sema().to_string())
            }
            (Function::Contains, [Value::List(items), item]) => {
                let equal = items.iter().map(|known| equal(known, item));
                let equal: Vec<_> = equal.collect();
                match equal.contains(&Some(true)) {
                    true => Some(true),
                    false => equal
                        .iter()
                        .all(|equal| *equal == Some(false))
                        .then_some(false),
                }
            }
            (Function::Contains | Function::StartsWith | Function::EndsWith, _) => None,
            (Function::Format, [Value::Scalar(format), ..]) => {
                let format = format.sema().to_string();
                let mut all = Joined::default();
                // Every second part is the number of a value.
                for (index, part) in format.split(['{', '}']).enumerate() {
                    match index % 2 {
                        0 => all.add(part),
                        _ => all.value(&Value::unknown()),
                    }
                }
                return all.finish();
            }
            _ => return Value::unknown(),
        };
        Value::boolean(certain.unwrap_or_else(|| self.world.is(&self.question(whole))))
    }

    /// Evaluates `case(CONDITION, VALUE, …, DEFAULT)`.
    fn case(&self, arguments: &[SpannedExpr<'_>]) -> Value {
        let mut rest = arguments;
        while let [condition, value, others @ ..] = rest {
            if self.is_true(condition) {
                return self.value(value);
            }
            rest = others;
        }
        rest.first()
            .map_or_else(Value::unknown, |value| self.value(value))
    }

    fn status(&self, function: Function) -> bool {
        let status = self.world.answer(&format!("{} status", self.name), 3);
        match function {
            Function::Success => status == 0 && !self.status.has_skipped,
            Function::Failure => status == 1 && self.status.can_fail,
            _ => status == 2,
        }
    }

    /// Whether an expression counts as true.
    pub(super) fn is_true(&self, expression: &SpannedExpr<'_>) -> bool {
        self.truth(&self.value(expression), &self.question(expression))
    }

    fn truth(&self, value: &Value, question: &str) -> bool {
        match value {
            Value::Scalar(scalar) => scalar.as_boolean(),
            Value::Unknown(unknown) if !unknown.prefix.is_empty() => true,
            Value::Unknown(unknown) => unknown.truth.unwrap_or_else(|| self.world.is(question)),
            _ => true,
        }
    }

    /// Names an expression. Equal texts of two jobs are the same question only if they use nothing of their
    /// jobs.
    fn question(&self, expression: &SpannedExpr<'_>) -> String {
        let raw = expression.origin.raw;
        let contexts = expression.contexts();
        let is_shared = contexts.iter().all(|(context, _)| {
            let head = context.parts.first().map(|first| &first.inner);
            matches!(head, Some(Expr::Identifier(name)) if SHARED.iter().any(|shared| shared.eq_ignore_ascii_case(name.as_str())))
        });
        match is_shared {
            true => raw.to_owned(),
            false => format!("{} {raw}", self.name),
        }
    }
}

/// Returns what `evaluate` says with these contexts, if it is the same in all worlds.
pub(super) fn certain<T>(
    contexts: &[(&'static str, Value)],
    evaluate: impl FnOnce(&Scope<'_>) -> T,
) -> Option<T> {
    let world = World::default();
    let value = evaluate(&Scope {
        world: &world,
        name: "",
        contexts,
        status: Status::OF_STEP,
    });
    (!world.has_answered()).then_some(value)
}

/// Returns the expressions of a text, without `${{` and `}}`.
pub(super) fn expressions(text: &str) -> Vec<&str> {
    let mut all = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("${{") {
        let Some((expression, after)) = split_end(after) else {
            break;
        };
        all.push(expression);
        rest = after;
    }
    all
}

/// Whether a condition contains one of these functions of status.
pub(super) fn has_status_function(text: &str, names: &[&str]) -> bool {
    let text = text.to_ascii_lowercase();
    names.iter().any(|name| {
        text.match_indices(name).any(|(at, _)| {
            let rest = text.get(at + name.len()..).unwrap_or_default();
            rest.trim_start().starts_with('(')
        })
    })
}

/// Notes on an unknown value that the world has answered whether it counts as true.
fn answered(value: Value, is_true: bool) -> Value {
    match value {
        Value::Unknown(unknown) => Value::Unknown(Unknown {
            truth: Some(is_true),
            ..unknown
        }),
        value => value,
    }
}

/// Whether two values are equal, as far as that is certain.
pub(super) fn equal(left: &Value, right: &Value) -> Option<bool> {
    match (left, right) {
        (Value::Scalar(left), Value::Scalar(right)) => Some(left.sema() == right.sema()),
        (Value::Unknown(unknown), Value::Scalar(Evaluation::String(text)))
        | (Value::Scalar(Evaluation::String(text)), Value::Unknown(unknown)) => {
            unknown.differs_from(text).then_some(false)
        }
        _ => None,
    }
}

/// Returns an expression with this value.
fn written(value: Evaluation) -> Option<Expr<'static>> {
    Some(Expr::Literal(match value {
        Evaluation::String(text) => Literal::String(text.into()),
        Evaluation::Number(number) => Literal::Number(number),
        Evaluation::Boolean(value) => Literal::Boolean(value),
        Evaluation::Null => Literal::Null,
        value => {
            let json: serde_json::Value = value.try_into().ok()?;
            return parsed_json(json.to_string());
        }
    }))
}

/// Returns `fromJSON('TEXT')`.
fn parsed_json(text: String) -> Option<Expr<'static>> {
    let Expr::Call(mut call) = Expr::parse("fromJSON('')").ok()?.inner else {
        return None;
    };
    for argument in &mut call.args {
        argument.inner = Expr::Literal(Literal::String(text.clone().into()));
    }
    Some(Expr::Call(call))
}

/// Splits at the end of an expression: `}}` outside a string.
fn split_end(text: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    let end = text.char_indices().find(|(at, c)| {
        quoted ^= *c == '\'';
        !quoted && text.get(*at..).is_some_and(|rest| rest.starts_with("}}"))
    });
    let (at, _) = end?;
    Some((text.get(..at)?, text.get(at + 2..)?))
}

/// A text that is put together from parts.
#[derive(Default)]
struct Joined {
    text: String,
    is_unknown: bool,
    /// Whether some of it is certain, so that it is not empty.
    has_text: bool,
}

impl Joined {
    fn add(&mut self, text: &str) {
        self.has_text |= !text.is_empty();
        if !self.is_unknown {
            self.text.push_str(text);
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Scalar(scalar) => self.add(&scalar.sema().to_string()),
            Value::Unknown(unknown) => {
                self.add(&unknown.prefix);
                self.is_unknown = true;
            }
            // GitHub writes the words `Array` and `Object`; nobody means them.
            _ => self.is_unknown = true,
        }
    }

    fn finish(self) -> Value {
        match self.is_unknown || self.text.len() > MAX_LENGTH {
            true => Value::Unknown(Unknown {
                prefix: self.text,
                truth: self.has_text.then_some(true),
                ..Unknown::default()
            }),
            false => Value::text(self.text),
        }
    }
}
