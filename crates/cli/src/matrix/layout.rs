//! Layout of text in columns.

/// Maximum width of a table.
pub(super) const WIDTH: usize = 100;
/// Space between two columns.
pub(super) const GAP: usize = 2;
/// Minimum width of a column. If the columns do not fit, the table becomes a list.
const MIN_COLUMN: usize = 16;

/// Returns the width of each column after the first, from the natural widths. Returns `None` if they do not
/// fit.
pub(super) fn widths(first: usize, natural: &[usize]) -> Option<Vec<usize>> {
    let gaps = GAP * natural.len();
    let left = WIDTH.checked_sub(first + gaps)?;
    let total = |cap: usize| natural.iter().map(|width| (*width).min(cap)).sum::<usize>();
    let widest = natural.iter().copied().max().unwrap_or(0);
    // Narrow columns leave their space to the others.
    let cap = (0..=widest).rev().find(|cap| total(*cap) <= left)?;
    (cap >= MIN_COLUMN.min(widest)).then(|| natural.iter().map(|width| (*width).min(cap)).collect())
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

/// Splits a word into pieces that fit in a line, each with whether it starts a word.
fn pieces(word: &str, room: usize) -> Vec<(bool, String)> {
    if word.chars().count() <= room {
        return vec![(true, word.to_owned())];
    }
    let mut pieces = vec![(true, String::new())];
    for part in word.split_inclusive(['/', ':', '_', '-', '.', ',', '|', ')']) {
        for c in part.chars() {
            match pieces.last_mut() {
                Some((_, piece)) if piece.chars().count() < room => piece.push(c),
                _ => pieces.push((false, c.to_string())),
            }
        }
        pieces.push((false, String::new()));
    }
    pieces.retain(|(_, piece)| !piece.is_empty());
    pieces
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
        assert_eq!(widths(20, &[10, 12]), Some(vec![10, 12]));
        assert_eq!(widths(20, &[10, 90]), Some(vec![10, 66]));
        assert_eq!(widths(20, &[40, 40, 40]), Some(vec![24, 24, 24]));
        assert_eq!(widths(30, &[20, 20, 20, 20]), None);
        assert_eq!(widths(20, &[5; 8]), Some(vec![5; 8]));
        assert_eq!(widths(120, &[5]), None);
        assert_eq!(widths(20, &[]), Some(vec![]));
    }
}
