//! Suggests the pattern that an author probably intended, from a value that the pattern does not match or from
//! its form.

use std::borrow::Cow;

use engine::decision::{PermissionDecision, TracedDimension, TracedRule};
use engine::policy::{CaseSensitivity, Format, Kind, Policy, quoted, written};

use crate::lint;
use crate::pattern_text::{branch_of, file_of, kinds, without_anchors, without_position};

/// Maximum length of a value in bytes, so that suggestions stay cheap.
const MAX_VALUE: usize = 1024;
/// Maximum number of patterns in a list to find suggestions for.
const MAX_TRIED: usize = 100;

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
            "repository" | "environment" => CaseSensitivity::ignored_for(Some(value)),
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

    /// Returns the sentence and the pattern to write.
    pub fn hint(&self, format: Format) -> String {
        format!(
            "{}: write {}",
            self.sentence(),
            quoted(&self.written(format))
        )
    }
}

/// Returns a suggestion that would match, for a dimension that does not.
pub fn suggestion<'d>(rule: &TracedRule, dimension: &'d TracedDimension) -> Option<Suggestion<'d>> {
    if dimension.matched {
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

/// Returns the condition of the nearest rule, the job's values and the suggestions, as one sentence without a full
/// stop.
pub fn nearest_miss(permission: &PermissionDecision) -> Option<String> {
    let nearest = permission.nearest.as_ref()?;
    let mut trace = permission.trace.iter();
    let rule = trace.find(|traced| traced.rule == nearest.rule);
    let mut sentences = vec![nearest.sentence.clone()];
    let failed = rule.into_iter().flat_map(TracedRule::failed);
    for hint in failed.filter_map(|dimension| hint(rule?, dimension)) {
        // A pattern of `branch` can decide on the head and on the base.
        if !sentences.contains(&hint) {
            sentences.push(hint);
        }
    }
    Some(sentences.join("; "))
}

/// Says what the author of a pattern probably meant, if it would have matched.
pub fn hint(rule: &TracedRule, dimension: &TracedDimension) -> Option<String> {
    suggestion(rule, dimension).map(|suggestion| suggestion.hint(rule.format))
}

/// Returns the line of the first entry that was probably meant for a repository, and what its author probably meant.
pub fn meant_entry(policy: &Policy, repository: &str) -> Option<(u32, String)> {
    let entries = policy.repositories.iter().flat_map(|(_, list)| list);
    let mut patterns = entries.flat_map(|entry| &entry.repository.list);
    patterns.find_map(|pattern| {
        let written = (&*pattern.text, pattern.kind);
        let suggestion = Suggestion::find("repository", written, repository, None)?;
        Some((pattern.position.line, suggestion.hint(policy.format)))
    })
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
                "repository",
                "Acme-org/*",
                "acme-org/infra",
                "{ glob: \"Acme-org/*\" }",
            ),
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
