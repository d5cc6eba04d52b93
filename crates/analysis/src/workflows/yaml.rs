//! Parses YAML to a tree with positions.
//!
//! Unlike a policy, a workflow can have anchors and aliases. Scalars stay text: `on` is not
//! a boolean. An alias shares the tree of its anchor; the size that all aliases add is limited.

use std::borrow::Cow;
use std::collections::HashMap;
use std::rc::Rc;

use github_actions_expressions::Evaluation;
use granit_parser::{ErrorKind, Event, ScalarStyle};

use engine::policy::yaml::{parser, position};
use engine::policy::{Position, Problem, quoted};

/// Maximum nesting of mappings and lists.
const MAX_NESTING: usize = 64;
/// Maximum size that aliases can add, counted as [`Node::weight`].
const MAX_SHARED: usize = 1 << 20;

/// A value with its position.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) at: Position,
    /// Size: the bytes of all texts in it, and one for each value.
    weight: usize,
    value: Value,
}

#[derive(Debug)]
enum Value {
    Null,
    /// Text, and whether it is plain: not quoted and no block.
    Scalar(String, bool),
    List(Vec<Rc<Node>>),
    Mapping(Vec<Member>),
}

/// A key, its position, and its value.
type Member = (String, Position, Rc<Node>);

impl Node {
    /// Parses a text with one document.
    pub(super) fn parse(text: &str) -> Result<Rc<Self>, Problem> {
        let text = lines(text)?;
        let mut builder = Builder::default();
        let mut documents = 0;
        for event in parser(&text, MAX_NESTING) {
            let (event, span) = event.map_err(|error| {
                let at = position(*error.marker());
                if *error.kind() == ErrorKind::RecursionLimitExceeded {
                    return too_deep(at);
                }
                Problem::new(at, format!("not valid YAML: {}", error.info()))
            })?;
            let at = position(span.start);
            if let Event::DocumentStart(..) = event {
                documents += 1;
                if documents > 1 {
                    let message = "a second document starts here, but a workflow is one document";
                    return Err(Problem::new(at, message));
                }
            }
            builder.take(event, at)?;
        }
        builder
            .root
            .ok_or_else(|| Problem::new(Position::START, "the workflow is empty"))
    }

    /// Returns a member of a mapping, unless its value is empty.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        let mut members = self.members();
        let (.., node) = members.find(|(name, ..)| *name == key)?;
        (!matches!(node.value, Value::Null)).then_some(node)
    }

    /// Returns the members of a mapping in file order.
    pub(super) fn members(&self) -> impl Iterator<Item = (&str, Position, &Self)> {
        let members = match &self.value {
            Value::Mapping(members) => members.as_slice(),
            _ => &[],
        };
        members
            .iter()
            .map(|(key, at, node)| (key.as_str(), *at, &**node))
    }

    /// Returns the items of a list.
    pub(super) fn items(&self) -> impl Iterator<Item = &Self> {
        let items = match &self.value {
            Value::List(items) => items.as_slice(),
            _ => &[],
        };
        items.iter().map(|node| &**node)
    }

    /// Returns a scalar as in the file; this includes numbers and booleans.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(text, _) => Some(text),
            _ => None,
        }
    }

    /// Returns `null`, a boolean, a number or a string, as YAML 1.2 reads it; `None` for a list or mapping.
    pub(super) fn scalar(&self) -> Option<Evaluation> {
        let text = match &self.value {
            Value::Null => return Some(Evaluation::Null),
            Value::Scalar(text, true) => text,
            Value::Scalar(text, false) => return Some(Evaluation::String(text.clone())),
            Value::List(_) | Value::Mapping(_) => return None,
        };
        let is_number = text
            .bytes()
            .all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
        Some(match (text.as_str(), text.parse::<f64>()) {
            ("true" | "True" | "TRUE", _) => Evaluation::Boolean(true),
            ("false" | "False" | "FALSE", _) => Evaluation::Boolean(false),
            (_, Ok(number)) if is_number => Evaluation::Number(number),
            _ => Evaluation::String(text.clone()),
        })
    }

    /// Returns a scalar, or the scalars of a list.
    pub(super) fn texts(&self) -> Vec<String> {
        let own = self.text().into_iter();
        own.chain(self.items().filter_map(Self::text))
            .map(str::to_owned)
            .collect()
    }

    pub(super) fn is_mapping(&self) -> bool {
        matches!(self.value, Value::Mapping(_))
    }

    pub(super) fn is_list(&self) -> bool {
        matches!(self.value, Value::List(_))
    }

    /// Names the kind of the value, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "empty",
            Value::Scalar(..) => "a string",
            Value::List(_) => "a list",
            Value::Mapping(_) => "a mapping",
        }
    }
}

pub(super) fn unexpected(node: &Node, what: &str, expected: &str) -> Problem {
    let seen = node.kind();
    Problem::new(node.at, format!("{what} is {seen}, expected {expected}"))
}

fn too_deep(at: Position) -> Problem {
    let message = format!("nested deeper than {MAX_NESTING} levels, which is the limit");
    Problem::new(at, message)
}

/// Replaces line breaks so that the text has GitHub's lines: its parser reads YAML 1.1, in which NEL, LS
/// and PS end a line too (yaml.org/spec/1.1, section 4.1.4).
fn lines(text: &str) -> Result<Cow<'_, str>, Problem> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // For the parser, NUL ends the text: it would ignore the rest.
    if let Some((before, _)) = text.split_once('\0') {
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let last_line = before.rsplit('\n').next().unwrap_or_default();
        let position = Position {
            line: number(before.matches('\n').count().saturating_add(1)),
            column: number(last_line.chars().count().saturating_add(1)),
        };
        let message = "the workflow contains a NUL character, which YAML does not allow";
        return Err(Problem::new(position, message).help("remove it"));
    }
    let ends = ['\u{85}', '\u{2028}', '\u{2029}'];
    Ok(match text.is_ascii() || !text.contains(ends) {
        true => Cow::Borrowed(text),
        false => Cow::Owned(text.replace(ends, "\n")),
    })
}

/// Builds the tree from parser events.
#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    anchors: HashMap<usize, Rc<Node>>,
    shared: usize,
    root: Option<Rc<Node>>,
}

/// A list or mapping whose end the parser has not reached.
struct Open {
    at: Position,
    anchor: usize,
    /// Key of a mapping whose value comes next.
    key: Option<(String, Position)>,
    value: Value,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, at: Position) -> Result<(), Problem> {
        match event {
            Event::Scalar(text, style, anchor, _) => {
                let value = match (&*text, style) {
                    ("" | "~" | "null" | "Null" | "NULL", ScalarStyle::Plain) => Value::Null,
                    _ => Value::Scalar(text.into_owned(), style == ScalarStyle::Plain),
                };
                self.put(Node::new(at, value), anchor)
            }
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor) else {
                    return Err(Problem::new(at, "this alias stands inside its own anchor"));
                };
                self.shared = self.shared.saturating_add(node.weight);
                if self.shared > MAX_SHARED {
                    let message =
                        format!("aliases add more than {MAX_SHARED} bytes, which is the limit");
                    return Err(Problem::new(at, message));
                }
                let node = Rc::clone(node);
                self.insert(node, at)
            }
            Event::SequenceStart(_, anchor, _) => self.open(at, anchor, Value::List(Vec::new())),
            Event::MappingStart(_, anchor, _) => self.open(at, anchor, Value::Mapping(Vec::new())),
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(open) => {
                    let value = open.value.complete()?;
                    self.put(Node::new(open.at, value), open.anchor)
                }
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn open(&mut self, at: Position, anchor: usize, value: Value) -> Result<(), Problem> {
        if self.open.len() >= MAX_NESTING {
            return Err(too_deep(at));
        }
        self.open.push(Open {
            at,
            anchor,
            key: None,
            value,
        });
        Ok(())
    }

    fn put(&mut self, node: Node, anchor: usize) -> Result<(), Problem> {
        let at = node.at;
        let node = Rc::new(node);
        if anchor > 0 {
            self.anchors.insert(anchor, Rc::clone(&node));
        }
        self.insert(node, at)
    }

    fn insert(&mut self, node: Rc<Node>, at: Position) -> Result<(), Problem> {
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match (&mut open.value, open.key.take()) {
            (Value::List(items), _) => items.push(node),
            (Value::Mapping(members), Some((key, at))) => members.push((key, at, node)),
            _ => match &node.value {
                Value::Scalar(text, _) => open.key = Some((text.clone(), at)),
                Value::Null => open.key = Some((String::new(), at)),
                _ => return Err(Problem::new(at, "a key must be a string")),
            },
        }
        Ok(())
    }
}

impl Node {
    fn new(at: Position, value: Value) -> Self {
        let inside: usize = match &value {
            Value::Null => 0,
            Value::Scalar(text, _) => text.len(),
            Value::List(items) => items.iter().map(|node| node.weight).sum(),
            Value::Mapping(members) => members
                .iter()
                .map(|(key, _, node)| key.len() + node.weight)
                .sum(),
        };
        Self {
            at,
            weight: inside.saturating_add(1),
            value,
        }
    }
}

impl Value {
    /// Checks the keys of a mapping. GitHub knows anchors and aliases, and takes `<<` for a key like others, which
    /// no workflow has.
    fn complete(self) -> Result<Self, Problem> {
        let Self::Mapping(members) = &self else {
            return Ok(self);
        };
        let mut lines: HashMap<&str, u32> = HashMap::new();
        for (key, at, _) in members {
            if key == "<<" {
                let problem = Problem::new(*at, "GitHub does not support the merge key `<<`");
                return Err(problem.help("repeat the members, or use an alias for a whole value"));
            }
            if let Some(first) = lines.insert(key, at.line) {
                let message = format!("duplicate key {}, first at line {first}", quoted(key));
                return Err(Problem::new(*at, message));
            }
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Prints the tree on one line.
    fn show(node: &Node) -> String {
        match &node.value {
            Value::Null => "~".to_owned(),
            Value::Scalar(text, _) => text.clone(),
            Value::List(items) => {
                let items: Vec<_> = items.iter().map(|node| show(node)).collect();
                format!("[{}]", items.join(","))
            }
            Value::Mapping(members) => {
                let members = members.iter();
                let members: Vec<_> = members
                    .map(|(key, _, node)| format!("{key}:{}", show(node)))
                    .collect();
                format!("{{{}}}", members.join(","))
            }
        }
    }

    fn read(text: &str) -> String {
        match Node::parse(text) {
            Ok(node) => show(&node),
            Err(problem) => problem.to_string(),
        }
    }

    #[test]
    fn scalars_stay_text() {
        for (text, tree) in [
            ("on: push", "{on:push}"),
            ("\u{feff}yes: no\r\nb: 1.0", "{yes:no,b:1.0}"),
            ("a:\nb: ~\nc: ''\nd: 'null'", "{a:~,b:~,c:,d:null}"),
            ("a: |\n  x\n  y\n", "{a:x\ny\n}"),
            ("- &x a\n- *x\n- !!str 1", "[a,a,1]"),
            (
                "on:\n  push:\n    branches: [\n      \"main\", # why\n      x\n    ]\njobs: {\n}\n",
                "{on:{push:{branches:[main,x]}},jobs:{}}",
            ),
            // libyaml and GitHub split lines this way.
            (
                "a: b # c\u{2028}d: e\rf: |\n  g\u{85}  h",
                "{a:b,d:e,f:g\nh\n}",
            ),
        ] {
            assert_eq!(read(text), tree);
        }
    }

    #[test]
    fn errors_have_positions() {
        for (text, problem) in [
            ("", "line 1, column 1: the workflow is empty"),
            (
                "a: 1\nb: 2\na: 3",
                "line 3, column 1: duplicate key `a`, first at line 1",
            ),
            (
                "a: 1\n---\nb: 2",
                "line 2, column 1: a second document starts here, but a workflow is one document",
            ),
            (
                "a: &x [*x]",
                "line 1, column 8: this alias stands inside its own anchor",
            ),
            (
                "a: {<<: b}",
                "line 1, column 5: GitHub does not support the merge key `<<` (repeat the members, or use an alias for a whole value)",
            ),
            ("{[a]: b}", "line 1, column 2: a key must be a string"),
            (
                "a: 1\n\0b: 2",
                "line 2, column 1: the workflow contains a NUL character, which YAML does not allow (remove it)",
            ),
        ] {
            assert_eq!(read(text), problem, "{text:?}");
        }
        for text in ["a: b: c", "a: [", "a: *x", "a:\n\t- x"] {
            assert!(
                read(text).contains("not valid YAML"),
                "{text:?} {}",
                read(text)
            );
        }
    }

    #[test]
    fn aliases_and_nesting_are_limited() {
        for deep in ["[", "- "]
            .map(|open| [65, 100_000].map(|times| open.repeat(times)))
            .concat()
        {
            assert!(read(&deep).contains("nested deeper than 64 levels"));
        }
        let mut laughs = format!("a0: &a0 {}\n", "x".repeat(64));
        for level in 1..40 {
            let previous = level - 1;
            laughs.push_str(&format!(
                "a{level}: &a{level} [*a{previous}, *a{previous}]\n"
            ));
        }
        assert!(read(&laughs).contains("aliases add more than 1048576 bytes"));
    }
}
