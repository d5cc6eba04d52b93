//! Table that compares the rules of a permission with the context.

use std::fmt::Write as _;

use crate::style::{Colours, Styled};
use analysis::check::{pattern, shown_rules};
use analysis::report::text::visible;
use analysis::suggestion::hint;
use engine::decision::{PermissionDecision, TracedDimension, TracedRule};
use engine::plural::count;

/// Maximum width of a column. A longer value shifts its own line only.
const MAX_WIDTH: usize = 40;

/// Renders the rules with every dimension: the policy's pattern, its kind, the job's value, and whether it
/// matches. A list has a line for each pattern.
pub(crate) fn explain(permission: &PermissionDecision, colours: Colours) -> String {
    let (key, decision) = (&permission.permission, permission.decision.as_str());
    let mut text = format!("{}: {decision}\n", colours.strong(key));
    let shown = shown_rules(permission);
    let Some(widths) = Widths::of(&shown) else {
        text.push('\n');
        return text;
    };
    let header = widths.line("", "policy", "kind", "this job");
    let _ = writeln!(text, "        {}", colours.dim(&header));
    let nearest = permission.nearest.as_ref().map(|nearest| &nearest.rule);
    for rule in &shown {
        let mark = mark(rule.matched, colours);
        let label = rule.rule.label();
        let _ = write!(text, "  {mark} {}", colours.strong(&label));
        if nearest == Some(&rule.rule) && permission.trace.len() > 1 {
            let _ = write!(text, "  {}", colours.warning("← nearest miss"));
        }
        text.push('\n');
        for dimension in &rule.dimensions {
            explain_dimension(&mut text, dimension, &widths, colours);
            if let Some(hint) = hint(rule, dimension) {
                let _ = writeln!(text, "          {}", colours.warning(&visible(&hint)));
            }
        }
    }
    if let Some(more @ 1..) = permission.trace.len().checked_sub(shown.len()) {
        let more = count(more, "more rule");
        let more = format!("… and {more}: `--format json` has all of them");
        let _ = writeln!(text, "  {}", colours.dim(&more));
    }
    text.push('\n');
    text
}

fn mark(matched: bool, colours: Colours) -> Styled<'static> {
    if matched {
        colours.granted("✓")
    } else {
        colours.denied("✗")
    }
}

fn explain_dimension(
    text: &mut String,
    dimension: &TracedDimension,
    widths: &Widths,
    colours: Colours,
) {
    let value = dimension.value.as_deref().unwrap_or("none");
    let name = visible(&dimension.dimension);
    let matched = mark(dimension.matched, colours);
    let line = match (dimension.any_of.as_slice(), dimension.kind) {
        ([], kind) => widths.line(&name, pattern(dimension), kind, value),
        (several, kind) => {
            let count = format!("any of {}", several.len());
            widths.line(&name, &count, kind, value)
        }
    };
    let _ = writeln!(text, "      {matched} {}", line.trim_end());
    for one in &dimension.any_of {
        let line = widths.line("", &one.pattern, one.kind, "");
        let matched = mark(one.matched, colours);
        let _ = writeln!(text, "        {matched} {}", indented(&line));
    }
}

/// Removes two leading spaces, because the line's mark is indented further.
fn indented(line: &str) -> &str {
    line.strip_prefix("  ").unwrap_or(line).trim_end()
}

/// Widths of the columns in characters.
struct Widths {
    dimension: usize,
    pattern: usize,
    kind: usize,
}

impl Widths {
    fn of(rules: &[&TracedRule]) -> Option<Self> {
        let dimensions = || rules.iter().flat_map(|rule| &rule.dimensions);
        let width = |text: &str| visible(text).chars().count().min(MAX_WIDTH);
        let dimension = dimensions().map(|one| width(&one.dimension)).max()?;
        let patterns = dimensions().map(|one| {
            let several = one.any_of.iter().map(|one| width(&one.pattern)).max();
            several.unwrap_or_else(|| width(pattern(one)))
        });
        let kinds = dimensions().map(|one| {
            let several = one.any_of.iter().map(|one| width(one.kind)).max();
            several.unwrap_or_default().max(width(one.kind))
        });
        Some(Self {
            dimension,
            pattern: patterns.max()?.max("policy".len()),
            kind: kinds.max()?,
        })
    }

    /// Formats a line with its control characters escaped.
    fn line(&self, dimension: &str, pattern: &str, kind: &str, value: &str) -> String {
        format!(
            "{:<dimension$}  {:<pattern$}  {kind:<kinds$}  {}",
            dimension,
            visible(pattern),
            visible(value),
            pattern = self.pattern,
            dimension = self.dimension,
            kinds = self.kind,
        )
    }
}
