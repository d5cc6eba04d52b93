//! What the text of a pattern contains: anchors, a path, or a full ref, which no value has.

use engine::policy::{Kind, Pattern, Position};

/// Prefix of a branch's full ref. A branch whose own name starts with `refs/` keeps it.
const HEADS: &str = "refs/heads/";
/// Directory of workflow files, as text and as a regex.
const WORKFLOWS: [&str; 2] = [".github/workflows/", r"\.github/workflows/"];

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
