//! Rules that no workflow of the repository can use, and why.

use super::evaluate::{CompiledRule, Fit};
use super::row::{Row, RowKind};
use crate::pattern_text::file_of;
use crate::report::Phrase;
use crate::workflows::{Environment, Workflows};
use engine::decision::RuleRef;
use engine::policy::{Kind, Pattern, Patterns, nearest};

/// Maximum number of files or environments that an explanation names.
const MAX_NAMED: usize = 4;

/// A rule that no workflow of the repository can use.
#[derive(Clone, Debug)]
pub struct Unused<'a> {
    /// The rule.
    pub rule: RuleRef,
    /// Dimension that fails, named as in a decision's trace: `expires`, `workflow`, `environment`,
    /// `event` or `base`.
    pub dimension: &'static str,
    /// Explanation, without a full stop.
    pub why: Phrase<'a>,
}

/// Explains why no existing file can use the rule; `None` if one can.
pub(super) fn why<'a>(
    compiled: &CompiledRule<'a>,
    fits: &[Fit],
    rows: &[Row<'a>],
    workflows: &'a Workflows,
) -> Option<Unused<'a>> {
    let here = || {
        let all = rows.iter().zip(fits);
        all.filter(|(row, _)| row.kind != RowKind::Other)
    };
    let best = here().map(|(_, fit)| *fit).max().unwrap_or(Fit::None);
    let nearest: Vec<_> = here()
        .filter(|(_, fit)| **fit == best)
        .map(|(row, _)| row)
        .collect();
    let rule = compiled.rule;
    let mut why = Phrase::default();
    let dimension = match best {
        Fit::Grants => return None,
        Fit::None => {
            no_file(&mut why, compiled, workflows);
            "workflow"
        }
        Fit::Workflow => {
            no_environment(&mut why, rule.environment.as_ref(), &nearest);
            "environment"
        }
        Fit::Environment => {
            no_event(&mut why, rule.events.as_deref(), &nearest);
            "event"
        }
        Fit::Event => {
            no_base(
                &mut why,
                rule.base.as_ref().or(rule.branch.as_ref()),
                &nearest,
            );
            "base"
        }
        Fit::Expired => {
            why.words("it has expired");
            if let Some(expires) = &rule.expires {
                why.words(": ");
                why.quoted(&*expires.text);
            }
            "expires"
        }
    };
    Some(Unused {
        rule: RuleRef::of(rule),
        dimension,
        why,
    })
}

fn texts(patterns: Option<&Patterns>) -> Vec<&str> {
    let list = patterns.iter().flat_map(|patterns| &patterns.list);
    list.map(|pattern| &*pattern.text).collect()
}

fn no_file<'a>(why: &mut Phrase<'a>, compiled: &CompiledRule<'a>, workflows: &'a Workflows) {
    let patterns = compiled.rule.workflow.as_ref();
    let mut called = workflows.files.iter().filter(|file| file.is_only_called());
    if workflows.files.is_empty() && workflows.unreadable.is_empty() {
        why.words("the repository has no workflow files");
        return;
    }
    if let Some(called) = called.find(|file| compiled.matches_file(&file.file)) {
        why.quoted(&*called.file);
        why.words(" is only called by other workflows: name its callers");
        return;
    }
    // A file has rows only for the jobs that some run reaches.
    let mut files = workflows.files.iter();
    if let Some(idle) = files.find(|file| compiled.matches_file(&file.file)) {
        why.words("no run reaches a job of ");
        why.quoted(&*idle.file);
        return;
    }
    let mut list = patterns.iter().flat_map(|patterns| &patterns.list);
    let file = |pattern: &'a Pattern| {
        let file = file_of(&pattern.text, pattern.kind, compiled.repository)?;
        Some((&*pattern.text, file))
    };
    if let Some((text, file)) = list.find_map(file) {
        why.words("no job has the workflow ");
        why.quoted(text);
        why.words(": write ");
        why.quoted(file);
        return;
    }
    let texts = texts(patterns);
    if !texts.is_empty() && texts.iter().all(|text| text.contains('/')) {
        why.list(texts, " or ");
        why.words(" belongs to another repository");
        return;
    }
    why.words("the repository has no workflow file ");
    why.list(texts, " or ");
    let mut list = patterns.iter().flat_map(|patterns| &patterns.list);
    if let Some(near) = list.find_map(|pattern| near(pattern, workflows)) {
        why.words("; it has ");
        why.quoted(near);
    }
}

/// Returns the file whose name is most similar to the pattern.
fn near<'a>(pattern: &Pattern, workflows: &'a Workflows) -> Option<&'a str> {
    let is_name = matches!(pattern.kind, Kind::Literal | Kind::Exact);
    let files = workflows.files.iter().map(|file| file.file.as_str());
    is_name.then(|| nearest(&pattern.text, files))?
}

fn no_environment<'a>(why: &mut Phrase<'a>, environment: Option<&'a Patterns>, rows: &[&Row<'a>]) {
    why.words("no job");
    of_files(why, rows);
    why.words(" has the environment ");
    why.list(texts(environment), " or ");
    let mut names: Vec<&str> = Vec::new();
    let mut has_none = false;
    for row in rows {
        match &row.kind {
            RowKind::File {
                environment: Environment::Named(name),
                ..
            } if !names.contains(&name.as_str()) => {
                names.push(name);
            }
            RowKind::File {
                environment: Environment::None,
                ..
            } => has_none = true,
            _ => {}
        }
    }
    let more = names.len() > MAX_NAMED;
    names.truncate(MAX_NAMED);
    if names.is_empty() {
        why.words("; they have no environment");
        return;
    }
    why.words("; they have ");
    why.list(names.into_iter().map(str::to_owned), ", ");
    why.words(match (more, has_none) {
        (true, _) => " and others",
        (false, true) => " or none",
        (false, false) => "",
    });
}

fn no_event<'a>(
    why: &mut Phrase<'a>,
    events: Option<&'a [std::sync::Arc<str>]>,
    rows: &[&Row<'a>],
) {
    let mut starts: Vec<&str> = Vec::new();
    for event in rows.iter().flat_map(|row| row.events.iter().flatten()) {
        if !starts.contains(event) {
            starts.push(event);
        }
    }
    let files = files(rows);
    match events {
        Some(events) => {
            why.words("it accepts only ");
            why.list(events.iter().map(|event| &**event), " or ");
            if files.len() > MAX_NAMED {
                why.words(", and no workflow of the repository starts on that");
                return;
            }
            why.words("; ");
            why.list(files, " and ");
            why.words(" starts on ");
            why.list(starts, " or ");
        }
        None if files.len() > MAX_NAMED => {
            why.words("the workflows start only on events that a rule must name");
        }
        None => {
            why.list(files, " and ");
            why.words(" starts only on ");
            why.list(starts, " or ");
            why.words(", which a rule must name");
        }
    }
}

fn no_base<'a>(why: &mut Phrase<'a>, trusted: Option<&'a Patterns>, rows: &[&Row<'a>]) {
    let mut bases: Vec<&str> = rows
        .iter()
        .flat_map(|row| row.bases.iter().flatten())
        .copied()
        .collect();
    bases.sort_unstable();
    bases.dedup();
    why.words("it accepts only pull requests into ");
    why.list(texts(trusted), " or ");
    why.words("; the workflows start only for pull requests into ");
    why.list(bases, " or ");
}

/// Adds ` of FILE or FILE`, or ` of the repository` for many files.
fn of_files<'a>(why: &mut Phrase<'a>, rows: &[&Row<'a>]) {
    let files = files(rows);
    if files.len() > MAX_NAMED {
        why.words(" of the repository");
    } else {
        why.words(" of ");
        why.list(files, " or ");
    }
}

fn files<'a>(rows: &[&Row<'a>]) -> Vec<&'a str> {
    let mut files: Vec<&str> = Vec::new();
    for file in rows.iter().filter_map(|row| row.kind.file()) {
        if !files.contains(&file) {
            files.push(file);
        }
    }
    files
}
