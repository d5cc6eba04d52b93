//! Comparison for people.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::view::View;
use crate::style::Colours;
use analysis::compare::{AccessChange, Check, Replayed, Times};
use analysis::report::access;

pub(super) fn render(view: &View<'_>, colours: Colours) -> String {
    let mut text = String::new();
    let comparison = view.comparison;
    for (section, changes) in access::by_section(comparison) {
        let heading = section.phrase().plain();
        let _ = writeln!(text, "{}", colours.strong(&heading));
        for (change, is_added) in changes {
            text.push_str(&render_change(change, is_added, view.files, colours));
        }
        text.push('\n');
    }
    if let Some(replayed) = view.replayed {
        text.push_str(&render_replay(replayed, colours));
    }
    let [old, new] = view.files;
    let summary = format!("{} (from {old} to {new})", access::summary(comparison));
    let _ = writeln!(text, "{}", colours.strong(&summary));
    text
}

fn render_change(
    change: &AccessChange<'_>,
    is_added: bool,
    [old, new]: [&str; 2],
    colours: Colours,
) -> String {
    let file = if is_added { new } else { old };
    let sentence = change.sentence(is_added).plain();
    let sentence = if is_added {
        colours.warning(&format!("+ {sentence}")).to_string()
    } else {
        colours.denied(&format!("- {sentence}")).to_string()
    };
    let place = format!("{file}, {}", change.rule_label());
    format!(
        "  {sentence}\n      {}\n      {}\n",
        colours.dim(&place),
        colours.dim(&change.remark(is_added).plain())
    )
}

fn render_replay(replayed: &Replayed, colours: Colours) -> String {
    let mut text = format!("{}\n", colours.strong(&access::replay_summary(replayed)));
    let mut list = |checks: &BTreeMap<Check, Times>, sign: &str, is_added: bool| {
        for (check, times) in access::most_frequent(checks) {
            let line = format!("{sign} {}", check.phrase(*times).plain());
            let line = if is_added {
                colours.warning(&line).to_string()
            } else {
                colours.denied(&line).to_string()
            };
            let _ = writeln!(text, "  {line}");
        }
        if let Some(more) = access::more(checks) {
            let _ = writeln!(text, "  {}", colours.dim(&more));
        }
    };
    list(&replayed.allowed, "+", true);
    list(&replayed.denied, "-", false);
    text.push('\n');
    text
}
