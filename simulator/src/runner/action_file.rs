//! Parses `action.yml`: inputs, defaults and arguments.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use granit_parser::{Event, Parser, ScalarStyle};

/// An input in `action.yml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredInput {
    /// Name as written.
    pub name: String,
    /// Default, which can contain expressions; empty if absent.
    pub default: String,
}

/// The parts of `action.yml` that the runner needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ActionFile {
    /// Inputs in the order of the file.
    pub inputs: Vec<DeclaredInput>,
    /// Names under `outputs`.
    pub outputs: Vec<String>,
    /// `runs.args`.
    pub arguments: Vec<String>,
    /// The step of a composite action.
    pub step: Option<ShellStep>,
}

/// A step of a composite action that runs a bash script.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ShellStep {
    /// `run`.
    pub script: String,
    /// `env`, whose values can contain expressions.
    pub env: Vec<(String, String)>,
    /// Directory of the action's files: `GITHUB_ACTION_PATH`.
    pub action_path: PathBuf,
}

impl ActionFile {
    /// Reads the file at `path`.
    ///
    /// # Errors
    ///
    /// The file cannot be read or is not YAML.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
        let mut action = Self::parse(&text).with_context(|| format!("{}", path.display()))?;
        if let (Some(step), Some(directory)) = (&mut action.step, path.parent()) {
            step.action_path = directory.to_owned();
        }
        Ok(action)
    }

    /// Parses the text of an `action.yml`.
    ///
    /// # Errors
    ///
    /// The text is not YAML, uses an alias, or is a composite action with anything but one bash step.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let root = load(text)?;
        let inputs = root.get("inputs").map(Node::entries).unwrap_or_default();
        let runs = root.get("runs");
        Ok(Self {
            inputs: inputs
                .iter()
                .map(|(name, input)| DeclaredInput {
                    name: name.clone(),
                    default: input.get("default").map(Node::text).unwrap_or_default(),
                })
                .collect(),
            outputs: root
                .get("outputs")
                .map(Node::entries)
                .unwrap_or_default()
                .iter()
                .map(|(name, _)| name.clone())
                .collect(),
            arguments: runs
                .and_then(|runs| runs.get("args"))
                .map(Node::items)
                .unwrap_or_default()
                .iter()
                .map(Node::text)
                .collect(),
            step: match runs.and_then(|runs| runs.get("using")).map(Node::text) {
                Some(using) if using == "composite" => {
                    let steps = runs.and_then(|runs| runs.get("steps"));
                    Some(shell_step(steps.map(Node::items).unwrap_or_default())?)
                }
                _ => None,
            },
        })
    }
}

fn shell_step(steps: &[Node]) -> anyhow::Result<ShellStep> {
    let [step] = steps else {
        bail!(
            "the simulator does not support a composite action of {} steps",
            steps.len()
        );
    };
    let text = |name| step.get(name).map(Node::text).unwrap_or_default();
    if text("shell") != "bash" || text("run").contains("${{") {
        bail!("the simulator supports only a bash script without expressions");
    }
    let env = step.get("env").map(Node::entries).unwrap_or_default();
    Ok(ShellStep {
        script: text("run"),
        env: env
            .iter()
            .map(|(name, value)| (name.clone(), value.text()))
            .collect(),
        action_path: PathBuf::new(),
    })
}

/// Replaces each `${{ … }}` in a default with the value of `lookup`.
///
/// # Errors
///
/// An expression is unknown. A guess would start another step than the runner does.
pub(crate) fn resolve(
    text: &str,
    lookup: impl Fn(&str) -> Option<String>,
) -> anyhow::Result<String> {
    let mut resolved = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${{") {
        let (expression, after) = after
            .split_once("}}")
            .context("an expression without `}}`")?;
        let expression = expression.trim();
        resolved.push_str(before);
        resolved.push_str(&lookup(expression).with_context(|| {
            format!("the simulator does not support the expression `{expression}`")
        })?);
        rest = after;
    }
    resolved.push_str(rest);
    Ok(resolved)
}

/// The subset of YAML that actions need.
enum Node {
    Scalar(String),
    Sequence(Vec<Node>),
    Mapping(Vec<(String, Node)>),
}

impl Node {
    fn get(&self, name: &str) -> Option<&Self> {
        self.entries()
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value)
    }

    fn entries(&self) -> &[(String, Self)] {
        if let Self::Mapping(entries) = self {
            entries
        } else {
            &[]
        }
    }

    fn items(&self) -> &[Self] {
        if let Self::Sequence(items) = self {
            items
        } else {
            &[]
        }
    }

    fn text(&self) -> String {
        if let Self::Scalar(text) = self {
            text.clone()
        } else {
            String::new()
        }
    }
}

fn load(text: &str) -> anyhow::Result<Node> {
    let mut parser = Parser::new_from_str(text);
    loop {
        match next(&mut parser)? {
            Event::DocumentStart(..) => {
                let first = next(&mut parser)?;
                return node(first, &mut parser);
            }
            Event::StreamEnd => bail!("an empty document"),
            _ => {}
        }
    }
}

type Events<'a> = Parser<'a, granit_parser::StrInput<'a>>;

fn next<'a>(parser: &mut Events<'a>) -> anyhow::Result<Event<'a>> {
    let (event, _) = parser
        .next_event()
        .context("the document ends too early")??;
    Ok(event)
}

fn node(event: Event<'_>, parser: &mut Events<'_>) -> anyhow::Result<Node> {
    match event {
        Event::Scalar(text, style, ..) => {
            let null = style == ScalarStyle::Plain && matches!(text.as_ref(), "" | "~" | "null");
            Ok(Node::Scalar(if null {
                String::new()
            } else {
                text.into_owned()
            }))
        }
        Event::SequenceStart(..) => {
            let mut items = Vec::new();
            loop {
                match next(parser)? {
                    Event::SequenceEnd => return Ok(Node::Sequence(items)),
                    event => items.push(node(event, parser)?),
                }
            }
        }
        Event::MappingStart(..) => {
            let mut entries = Vec::new();
            loop {
                let key = match next(parser)? {
                    Event::MappingEnd => return Ok(Node::Mapping(entries)),
                    event => node(event, parser)?.text(),
                };
                let event = next(parser)?;
                entries.push((key, node(event, parser)?));
            }
        }
        other => bail!("{other:?} is not supported"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_are_read_in_order_with_their_defaults() {
        let action = ActionFile::parse(
            "name: x\ninputs:\n  permission:\n    required: true\n  token:\n    default: ${{ github.token }}\n  timeout:\n    default: 60\n  empty:\n    default: ''\n\
             outputs:\n  decision: {description: d}\nruns:\n  using: docker\n  args: [a, 'b c']\n",
        )
        .unwrap();
        let inputs: Vec<(&str, &str)> = action
            .inputs
            .iter()
            .map(|input| (input.name.as_str(), input.default.as_str()))
            .collect();
        assert_eq!(
            inputs,
            [
                ("permission", ""),
                ("token", "${{ github.token }}"),
                ("timeout", "60"),
                ("empty", "")
            ]
        );
        assert_eq!(action.outputs, ["decision"]);
        assert_eq!(action.arguments, ["a", "b c"]);
    }

    #[test]
    fn expressions_are_resolved_or_refused() {
        let lookup = |name: &str| (name == "github.token").then(|| "ghs_1".to_owned());
        assert_eq!(
            resolve("x ${{github.token}} y", lookup).unwrap(),
            "x ghs_1 y"
        );
        assert!(resolve("${{ secrets.A }}", lookup).is_err());
    }
}
