//! What a pattern was probably meant to be: by a value that it does not match, or by how it is written.

use std::borrow::Cow;

use engine::decision::{PermissionDecision, TracedDimension, TracedRule};
use engine::policy::{Case, Format, Kind, Pattern, Position, quoted, written};

use crate::lint;

/// The longest value that a pattern is tried with, in bytes: a hint must cost nothing.
const MAX_VALUE: usize = 1024;
/// The most patterns of a list that are tried in another way.
const MAX_TRIED: usize = 100;
/// How a full ref of a branch starts. A branch whose own name starts with `refs/` keeps it.
const HEADS: &str = "refs/heads/";
/// Where workflow files are, as a text and as a regex.
const WORKFLOWS: [&str; 2] = [".github/workflows/", r"\.github/workflows/"];

/// The pattern that was probably meant by one that does not match a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meant<'p> {
    /// The pattern as it is written.
    pub instead_of: Cow<'p, str>,
    text: Cow<'p, str>,
    kind: Kind,
    /// How it differs, in words.
    pub how: &'static str,
}

impl<'p> Meant<'p> {
    /// Finds it: the same text as a plain text or as a glob, or a name without the path or the ref
    /// that no value has. It matches the value, and the lint accepts it.
    ///
    /// `dimension` is named as in a trace; `repository` is the job's, where it is known.
    pub fn find(
        dimension: &str,
        (written, kind): (&'p str, Kind),
        value: &str,
        repository: Option<&str>,
    ) -> Option<Self> {
        if value.len() > MAX_VALUE {
            return None;
        }
        let bare = without_anchors(written);
        let of_regex = [
            (bare, Kind::Exact, "as a plain text"),
            (written, Kind::Exact, "as a plain text"),
            (bare, Kind::Glob, "as a glob"),
        ];
        let of_regex = of_regex
            .into_iter()
            .filter(|(text, as_kind, _)| *as_kind != Kind::Glob || may_be_glob_of(text, value))
            .filter(|_| kind == Kind::Regex);
        let of_name = match dimension {
            "workflow" => file_of(written, kind, repository).map(|file| (file, "by its file name")),
            "branch" | "base" => {
                branch_of(written, kind).map(|name| (name, "without `refs/heads/`"))
            }
            _ => None,
        };
        let of_name = of_name
            .into_iter()
            .flat_map(|(text, how)| kinds(text, kind).map(|kind| (text, kind, how)));
        let case = match dimension {
            "environment" => Case::ignored_for(Some(value)),
            _ => Case::Sensitive,
        };
        let is_meant = |text: &str, kind: Kind| {
            let pattern = unplaced(text, kind);
            let matcher = pattern.compile(case);
            matcher.is_ok_and(|matcher| matcher.matches(Some(value)))
                && lint::accepts(dimension, &pattern, repository)
        };
        let mut candidates = of_regex.chain(of_name);
        let found = candidates.find(|(text, kind, _)| is_meant(text, *kind));
        let found = found.map(|(text, kind, how)| (Cow::Borrowed(text), kind, how));
        // As a glob, `*` ends at a slash.
        let deeper = || {
            let every = format!("{}**", bare.strip_suffix('*')?);
            let is_glob =
                kind == Kind::Regex && !bare.ends_with("**") && may_be_glob_of(bare, value);
            let is_meant = is_glob && is_meant(&every, Kind::Glob);
            is_meant.then_some((Cow::Owned(every), Kind::Glob, "as a glob with `**`"))
        };
        let (text, kind, how) = found.or_else(deeper)?;
        Some(Self {
            instead_of: written.into(),
            text,
            kind,
            how,
        })
    }

    /// As it is written in a policy.
    pub fn written(&self, format: Format) -> String {
        written::pattern(&self.text, self.kind, format)
    }

    /// How it differs, in a sentence: `` `feature/*` would match as a glob ``.
    pub fn sentence(&self) -> String {
        format!("{} would match {}", quoted(&self.instead_of), self.how)
    }
}

/// Returns what a pattern of a dimension that does not match was probably meant to be: it would match.
pub fn meant<'d>(rule: &TracedRule, dimension: &'d TracedDimension) -> Option<Meant<'d>> {
    // Of a base that `branch` decides on, the base is what is wrong.
    if dimension.matched || dimension.of_branch {
        return None;
    }
    let value = dimension.value.as_deref()?;
    let repository = rule.repository.as_deref();
    let find = |text, kind| {
        let kind = Kind::named(kind)?;
        Meant::find(&dimension.dimension, (text, kind), value, repository)
    };
    let list = dimension.any_of.iter().take(MAX_TRIED);
    let mut list = list.filter_map(|one| find(&one.pattern, one.kind));
    list.next()
        .or_else(|| find(&dimension.pattern, dimension.kind))
}

/// Returns what the rule that came nearest to a match needs, what this job has, and the pattern that was
/// probably meant, in one sentence without a full stop.
pub fn nearest_miss(permission: &PermissionDecision) -> Option<String> {
    let nearest = permission.nearest.as_ref()?;
    let mut trace = permission.trace.iter();
    let rule = trace.find(|traced| traced.rule == nearest.rule);
    let hint = rule.and_then(|rule| {
        let meant = rule.failed().find_map(|dimension| meant(rule, dimension))?;
        let written = quoted(&meant.written(Format::Yaml));
        Some(format!("; {}: write {written}", meant.sentence()))
    });
    Some(format!("{}{}", nearest.sentence, hint.unwrap_or_default()))
}

/// Whether a text could be a glob that matches a value, by its start: most regexes could not, and need not
/// be compiled to see it. A text that is the value itself is taken as it is.
fn may_be_glob_of(text: &str, value: &str) -> bool {
    let Some(at) = text.find(['*', '?', '+', '[', '\\']) else {
        return false;
    };
    let (start, rest) = text.split_at(at);
    let mut start = start.chars();
    // These repeat the character before them.
    if rest.starts_with(['?', '+']) {
        start.next_back();
    }
    let start = start.as_str();
    let of_value = value.get(..start.len());
    text != value && of_value.is_some_and(|value| value.eq_ignore_ascii_case(start))
}

/// What a part of a pattern of some kind may be.
pub fn kinds(part: &str, kind: Kind) -> [Kind; 3] {
    let first = match (kind, Kind::of(part)) {
        (Kind::Regex, Kind::Literal) => Kind::Literal,
        _ => kind,
    };
    [first, Kind::Glob, Kind::Exact]
}

/// A pattern that stands in no file.
pub fn unplaced(text: &str, kind: Kind) -> Pattern {
    Pattern {
        text: text.into(),
        kind,
        position: Position::START,
    }
}

/// A regex without `^` at its start and `$` at its end, which change nothing.
pub fn without_anchors(regex: &str) -> &str {
    let regex = match regex.strip_prefix('^') {
        // A repeated anchor is not meant as one.
        Some(bare) if !bare.starts_with(['*', '+', '?', '{']) => bare,
        _ => regex,
    };
    match regex.strip_suffix('$') {
        Some(bare) if !bare.ends_with('\\') => bare,
        _ => regex,
    }
}

/// The file name of a pattern that has a path before it. A workflow of its own repository is a file
/// name, so no value has that path.
pub fn file_of<'t>(text: &'t str, kind: Kind, repository: Option<&str>) -> Option<&'t str> {
    let text = match kind {
        Kind::Regex => without_anchors(text),
        _ => text,
    };
    let path = text.trim_start_matches("./").trim_start_matches('/');
    let mut parts = path.splitn(3, '/');
    let path = match (parts.next(), parts.next(), parts.next(), repository) {
        (Some(owner), Some(name), Some(rest), Some(repository))
            if format!("{owner}/{name}").eq_ignore_ascii_case(repository) =>
        {
            rest
        }
        _ => path,
    };
    let file = WORKFLOWS
        .iter()
        .find_map(|directory| path.strip_prefix(directory))?;
    let file = match kind {
        Kind::Literal | Kind::Exact => file.split('@').next().unwrap_or(file),
        _ => file,
    };
    (!file.is_empty()).then_some(file)
}

/// The branch of a pattern that has `refs/heads/` before it.
pub fn branch_of(text: &str, kind: Kind) -> Option<&str> {
    let text = match kind {
        Kind::Regex => without_anchors(text),
        _ => text,
    };
    let name = text.strip_prefix(HEADS)?;
    (!name.is_empty() && !name.starts_with("refs/")).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meant(dimension: &str, pattern: &str, value: &str) -> Option<String> {
        let kind = Kind::of(pattern);
        let meant = Meant::find(dimension, (pattern, kind), value, Some("acme-org/infra"))?;
        Some(meant.written(Format::Yaml))
    }

    #[test]
    fn the_pattern_that_was_probably_meant() {
        for (dimension, pattern, value, expected) in [
            (
                "environment",
                "Production (EU)",
                "production (eu)",
                "{ exact: \"Production (EU)\" }",
            ),
            (
                "environment",
                "^Production (EU)$",
                "Production (EU)",
                "{ exact: \"Production (EU)\" }",
            ),
            ("claims.x", "c++", "c++", "{ exact: \"c++\" }"),
            (
                "branch",
                "feature/*",
                "feature/x",
                "{ glob: \"feature/*\" }",
            ),
            (
                "branch",
                "^feature/**$",
                "feature/x/y",
                "{ glob: \"feature/**\" }",
            ),
            (
                "branch",
                "dependabot/*",
                "dependabot/npm_and_yarn/lodash-4",
                "{ glob: \"dependabot/**\" }",
            ),
            ("branch", "v1+x*", "v11xy", "{ glob: \"v1+x*\" }"),
            ("branch", "refs/heads/main", "main", "main"),
            (
                "branch",
                "refs/heads/feature/*",
                "feature/x",
                "{ glob: \"feature/*\" }",
            ),
            ("branch", "^refs/heads/(a|b)$", "b", "(a|b)"),
            ("branch", "^refs/heads/main$", "main", "main"),
            ("workflow", ".github/workflows/x.yml", "x.yml", "x.yml"),
            (
                "workflow",
                "Acme-org/infra/.github/workflows/x.yml@refs/heads/main",
                "x.yml",
                "x.yml",
            ),
            (
                "workflow",
                r"\.github/workflows/x-.*\.yml",
                "x-y.yml",
                r"x-.*\.yml",
            ),
        ] {
            let found = meant(dimension, pattern, value);
            assert_eq!(found.as_deref(), Some(expected), "{pattern}");
        }
        for (dimension, pattern, value) in [
            ("branch", "main", "develop"),
            ("branch", "main|develop", "x"),
            ("branch", "feature/*", "release/x"),
            ("branch", "refs/heads/refs/x", "refs/x"),
            // No branch is named so, and a file of another repository has its path.
            ("branch", "feature (x)", "feature (x)"),
            (
                "workflow",
                "acme-org/other/.github/workflows/x.yml",
                "x.yml",
            ),
            ("environment", "feature/*", &"feature/x".repeat(200)),
        ] {
            assert_eq!(meant(dimension, pattern, value), None, "{pattern}");
        }
    }
}
