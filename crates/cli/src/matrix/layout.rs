//! Layout of text in columns.

/// Space between two columns.
pub(super) const GAP: usize = 2;
/// Minimum width of a column: `ws:affected_stacks:create` is shorter. If the columns do not fit, the table becomes a
/// list.
const MIN_COLUMN: usize = 26;

/// Width of a column's content.
pub(super) struct Content {
    /// Of the longest line.
    pub(super) natural: usize,
    /// Of the longest word.
    pub(super) word: usize,
}

/// Returns the width of each column in `room`. Returns `None` if the columns do not fit, or if the first one would have
/// to break a word or take more than a third.
pub(super) fn widths(
    room: usize,
    first: &Content,
    others: &[usize],
) -> Option<(usize, Vec<usize>)> {
    let start = first.natural.min(room / 3);
    if start < first.word {
        return None;
    }
    let left = room.checked_sub(start + GAP * others.len())?;
    let total = |cap: usize| others.iter().map(|width| (*width).min(cap)).sum::<usize>();
    let widest = others.iter().copied().max().unwrap_or(0);
    // Narrow columns leave their space to the others.
    let cap = (0..=widest).rev().find(|cap| total(*cap) <= left)?;
    let others = others.iter().map(|width| (*width).min(cap)).collect();
    (cap >= MIN_COLUMN.min(widest)).then_some((start, others))
}

/// Wraps a text at spaces. Breaks a word longer than a line after punctuation, or anywhere. All lines have the
/// indentation of the first one.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let indent = text.chars().take_while(|c| *c == ' ').count();
    let room = width.saturating_sub(indent).max(1);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        for (is_whole, piece) in pieces(word, room) {
            let space = usize::from(is_whole && !line.is_empty());
            if line.chars().count() + space + piece.chars().count() > room && !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            if is_whole && !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&piece);
        }
    }
    lines.push(line);
    let start = " ".repeat(indent);
    lines.iter().map(|line| format!("{start}{line}")).collect()
}

/// Puts short texts into lines, without a break inside those that fit.
pub(super) fn wrap_parts(parts: &[&str], width: usize) -> Vec<String> {
    const SPACE: &str = "   ";
    let mut lines: Vec<String> = Vec::new();
    for part in parts {
        match lines.last_mut() {
            Some(line) if length(line) + SPACE.len() + length(part) <= width => {
                line.extend([SPACE, part]);
            }
            _ => lines.extend(wrap(part, width)),
        }
    }
    lines
}

/// Splits a word into pieces that fit in a line, each with whether it starts a word.
fn pieces(word: &str, room: usize) -> Vec<(bool, String)> {
    if word.chars().count() <= room {
        return vec![(true, word.to_owned())];
    }
    let mut pieces = vec![(true, String::new())];
    let mut before = None;
    for c in word.chars() {
        let may_break = matches!(before, Some('/' | ':' | '_' | '-' | ',' | '|' | ')'));
        // `/.github` and `deploy.yml@v1` read best with the mark at the start of a line.
        let may_break = may_break || matches!(c, '.' | '@') && before != Some('/');
        match pieces.last_mut() {
            Some((_, piece)) if !may_break && piece.chars().count() < room => piece.push(c),
            _ => pieces.push((false, c.to_string())),
        }
        before = Some(c);
    }
    pieces
}

/// Returns the length of a text in characters.
pub(super) fn length(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_broken_where_it_can_be() {
        for (text, width, lines) in [
            ("main", 10, &["main"][..]),
            (
                "on push, workflow_dispatch",
                17,
                &["on push,", "workflow_dispatch"],
            ),
            (
                "on push, workflow_dispatch",
                12,
                &["on push,", "workflow_", "dispatch"],
            ),
            ("  on push, schedule", 10, &["  on push,", "  schedule"]),
            (
                "there is `deploy-production.yml`",
                30,
                &["there is", "`deploy-production.yml`"],
            ),
            ("ws:deployments:create", 15, &["ws:deployments:", "create"]),
            (
                "acme-org/infra/.github/workflows/deploy.yml@0d6f",
                20,
                &["acme-org/infra/", ".github/workflows/", "deploy.yml@0d6f"],
            ),
            ("inputs.environment", 12, &["inputs", ".environment"]),
            (
                "^(main|develop|feature/.*)$",
                16,
                &["^(main|develop|", "feature/.*)$"],
            ),
            ("abcdefghij", 4, &["abcd", "efgh", "ij"]),
            ("  abcdef", 4, &["  ab", "  cd", "  ef"]),
            ("äöü äöü", 3, &["äöü", "äöü"]),
            ("", 5, &[""]),
            ("a", 0, &["a"]),
        ] {
            assert_eq!(wrap(text, width), lines, "{text}");
        }
    }

    #[test]
    fn columns_share_the_room() {
        let of = |room, natural, word, others: &[usize]| {
            widths(room, &Content { natural, word }, others)
        };
        assert_eq!(of(100, 20, 9, &[10, 12]), Some((20, vec![10, 12])));
        assert_eq!(of(100, 20, 9, &[10, 90]), Some((20, vec![10, 66])));
        assert_eq!(of(140, 20, 9, &[10, 90]), Some((20, vec![10, 90])));
        assert_eq!(of(104, 20, 9, &[40; 3]), Some((20, vec![26; 3])));
        assert_eq!(of(103, 20, 9, &[40; 3]), None);
        assert_eq!(of(100, 30, 9, &[20; 4]), None);
        assert_eq!(of(120, 30, 9, &[20; 4]), Some((30, vec![20; 4])));
        assert_eq!(of(100, 20, 9, &[5; 8]), Some((20, vec![5; 8])));
        assert_eq!(of(100, 20, 9, &[]), Some((20, vec![])));
        // A long text wraps, a long word does not.
        assert_eq!(of(100, 400, 33, &[20]), Some((33, vec![20])));
        assert_eq!(of(100, 400, 34, &[20]), None);
    }
}
