//! Suggests the pattern that an author probably intended, from a value that the pattern does not match or from
//! its form.

use std::borrow::Cow;

use engine::decision::{PermissionDecision, TracedDimension, TracedRule};
use engine::policy::{CaseSensitivity, Format, Kind, Pattern, Position, quoted, written};

use crate::lint;

/// Maximum length of a value in bytes, so that suggestions stay cheap.
const MAX_VALUE: usize = 1024;
/// Maximum number of patterns in a list to find suggestions for.
const MAX_TRIED: usize = 100;
/// Prefix of a branch's full ref. A branch whose own name starts with `refs/` keeps it.
const HEADS: &str = "refs/heads/";
/// Directory of workflow files, as text and as a regex.
const WORKFLOWS: [&str; 2] = [".github/workflows/", r"\.github/workflows/"];

/// The probably intended pattern, instead of one that does not match a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion<'p> {
    /// The pattern as written.
    pub instead_of: Cow<'p, str>,
    text: Cow<'p, str>,
    kind: Kind,
    /// The difference, in words.
    pub how: &'static str,
}

impl<'p> Suggestion<'p> {
    /// Finds a suggestion: the same text as plain text or as a glob, or a name without a path or a ref that no
    /// value has. The suggestion matches the value, and lint accepts it.
    ///
    /// `dimension` is the name in a trace; `repository` is the job's, if known.
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
            "environment" => CaseSensitivity::ignored_for(Some(value)),
            _ => CaseSensitivity::Sensitive,
        };
        let fits = |text: &str, kind: Kind| {
            let pattern = without_position(text, kind);
            let matcher = pattern.compile(case);
            matcher.is_ok_and(|matcher| matcher.matches(Some(value)))
                && lint::accepts(dimension, &pattern, repository)
        };
        let mut candidates = of_regex.chain(of_name);
        let found = candidates.find(|(text, kind, _)| fits(text, *kind));
        let found = found.map(|(text, kind, how)| (Cow::Borrowed(text), kind, how));
        // In a glob, `*` does not match a slash.
        let deeper = || {
            let every = format!("{}**", bare.strip_suffix('*')?);
            let is_glob =
                kind == Kind::Regex && !bare.ends_with("**") && may_be_glob_of(bare, value);
            let fits = is_glob && fits(&every, Kind::Glob);
            fits.then_some((Cow::Owned(every), Kind::Glob, "as a glob with `**`"))
        };
        let (text, kind, how) = found.or_else(deeper)?;
        Some(Self {
            instead_of: written.into(),
            text,
            kind,
            how,
        })
    }

    /// Returns the pattern in a policy's syntax.
    pub fn written(&self, format: Format) -> String {
        written::pattern(&self.text, self.kind, format)
    }

    /// Returns the difference as a sentence: `` `feature/*` would match as a glob ``.
    pub fn sentence(&self) -> String {
        format!("{} would match {}", quoted(&self.instead_of), self.how)
    }
}

/// Returns a suggestion that would match, for a dimension that does not.
pub fn suggestion<'d>(rule: &TracedRule, dimension: &'d TracedDimension) -> Option<Suggestion<'d>> {
    // If `branch` decides on a base, the problem is the base and not the pattern.
    if dimension.matched || dimension.of_branch {
        return None;
    }
    let value = dimension.value.as_deref()?;
    let repository = rule.repository.as_deref();
    let find = |text, kind| {
        let kind = Kind::named(kind)?;
        Suggestion::find(&dimension.dimension, (text, kind), value, repository)
    };
    let list = dimension.any_of.iter().take(MAX_TRIED);
    let mut list = list.filter_map(|one| find(&one.pattern, one.kind));
    list.next()
        .or_else(|| find(&dimension.pattern, dimension.kind))
}

/// Returns the condition of the nearest rule, the job's value and a suggestion, as one sentence without a full
/// stop.
pub fn nearest_miss(permission: &PermissionDecision) -> Option<String> {
    let nearest = permission.nearest.as_ref()?;
    let mut trace = permission.trace.iter();
    let rule = trace.find(|traced| traced.rule == nearest.rule);
    let hint = rule.and_then(|rule| {
        let suggestion = rule
            .failed()
            .find_map(|dimension| suggestion(rule, dimension))?;
        let written = quoted(&suggestion.written(Format::Yaml));
        Some(format!("; {}: write {written}", suggestion.sentence()))
    });
    Some(format!("{}{}", nearest.sentence, hint.unwrap_or_default()))
}

/// Returns whether a text could be a glob that matches a value, judging by its start. This saves compiling most
/// regexes. It excludes a text that equals the value.
fn may_be_glob_of(text: &str, value: &str) -> bool {
    let Some(at) = text.find(['*', '?', '+', '[', '\\']) else {
        return false;
    };
    let (start, rest) = text.split_at(at);
    let mut start = start.chars();
    // These quantifiers apply to the character before them.
    if rest.starts_with(['?', '+']) {
        start.next_back();
    }
    let start = start.as_str();
    let of_value = value.get(..start.len());
    text != value && of_value.is_some_and(|value| value.eq_ignore_ascii_case(start))
}

/// Returns the kinds to try for a part of a pattern.
pub fn kinds(part: &str, kind: Kind) -> [Kind; 3] {
    let first = match (kind, Kind::of(part)) {
        (Kind::Regex, Kind::Literal) => Kind::Literal,
        _ => kind,
    };
    [first, Kind::Glob, Kind::Exact]
}

/// Creates a pattern that is not part of a file.
pub fn without_position(text: &str, kind: Kind) -> Pattern {
    Pattern {
        text: text.into(),
        kind,
        position: Position::START,
    }
}

/// Removes `^` at the start and `$` at the end of a regex, which have no effect.
pub fn without_anchors(regex: &str) -> &str {
    let regex = match regex.strip_prefix('^') {
        // A repeated anchor is not an anchor.
        Some(bare) if !bare.starts_with(['*', '+', '?', '{']) => bare,
        _ => regex,
    };
    match regex.strip_suffix('$') {
        Some(bare) if !bare.ends_with('\\') => bare,
        _ => regex,
    }
}

/// Returns the file name of a pattern with a path. The value for a workflow of the own repository is a file
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

/// Returns the branch of a pattern that starts with `refs/heads/`.
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

    fn suggestion(dimension: &str, pattern: &str, value: &str) -> Option<String> {
        let kind = Kind::of(pattern);
        let suggestion =
            Suggestion::find(dimension, (pattern, kind), value, Some("acme-org/infra"))?;
        Some(suggestion.written(Format::Yaml))
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
            let found = suggestion(dimension, pattern, value);
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
            assert_eq!(suggestion(dimension, pattern, value), None, "{pattern}");
        }
    }
}
