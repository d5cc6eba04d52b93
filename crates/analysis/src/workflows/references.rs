//! Branches and tags that expressions name.

use github_actions_expressions::call::Function;
use github_actions_expressions::op::BinExpr;
use github_actions_expressions::{Evaluation, Expr, SpannedExpr};

use super::expression::expressions;

/// Branches and tags that expressions compare with those of a run.
#[derive(Clone, Debug, Default)]
pub(super) struct Named {
    pub(super) branches: Vec<String>,
    pub(super) tags: Vec<String>,
}

impl Named {
    pub(super) fn add_branches<'n>(&mut self, names: impl Iterator<Item = &'n str>) {
        names.for_each(|name| add_once(&mut self.branches, name));
    }

    pub(super) fn add_tags<'n>(&mut self, names: impl Iterator<Item = &'n str>) {
        names.for_each(|name| add_once(&mut self.tags, name));
    }

    fn add(&mut self, text: &str) {
        if let Some(tag) = text.strip_prefix("refs/tags/") {
            add_once(&mut self.tags, tag);
        } else if let Some(branch) = text.strip_prefix("refs/heads/") {
            add_once(&mut self.branches, branch);
        } else if !text.is_empty() && !text.starts_with("refs/") {
            // `github.ref_name` does not say which of the two it is.
            add_once(&mut self.branches, text);
            add_once(&mut self.tags, text);
        }
    }

    fn read(&mut self, expression: &SpannedExpr<'_>) {
        match &expression.inner {
            Expr::BinExpr(BinExpr { lhs, rhs, .. }) => {
                for (one, other) in [(lhs, rhs), (rhs, lhs)] {
                    if let (true, Some(Evaluation::String(text))) =
                        (is_reference(one), other.consteval())
                    {
                        self.add(&text);
                    }
                    self.read(one);
                }
            }
            Expr::UnExpr { expr, .. } => self.read(expr),
            Expr::Call(call) => {
                if let (Function::Contains, [list, item]) = (call.func, call.args.as_slice())
                    && let (true, Some(Evaluation::Array(items))) =
                        (is_reference(item), list.consteval())
                {
                    items
                        .iter()
                        .for_each(|item| self.add(&item.sema().to_string()));
                }
                call.args.iter().for_each(|argument| self.read(argument));
            }
            _ => {}
        }
    }
}

fn add_once(names: &mut Vec<String>, name: &str) {
    if !names.iter().any(|known| known == name) {
        names.push(name.to_owned());
    }
}

/// Whether an expression is the branch or tag of a run.
fn is_reference(expression: &SpannedExpr<'_>) -> bool {
    let references = [
        "github.ref",
        "github.ref_name",
        "github.base_ref",
        "github.event.ref",
        "github.event.release.tag_name",
        "github.event.pull_request.base.ref",
    ];
    let raw = expression.origin.raw;
    references
        .iter()
        .any(|reference| reference.eq_ignore_ascii_case(raw))
}

/// Returns the branches and tags that the texts compare with those of a run. A text is a condition, or
/// contains `${{ }}`.
pub(super) fn named_references<'t>(texts: impl Iterator<Item = &'t str>) -> Named {
    let mut named = Named::default();
    for text in texts {
        let condition = (!text.contains("${{")).then_some(text);
        for expression in condition.into_iter().chain(expressions(text)) {
            if let Ok(expression) = Expr::parse(expression) {
                named.read(&expression);
            }
        }
    }
    named
}
