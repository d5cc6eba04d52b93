//! Escaped pieces of the page.

use crate::report::Phrase;
use crate::report::text::{html, truncate};
use engine::policy::KNOWN_KEYS;

/// Maximum length of a value in characters.
const MAX_VALUE: usize = 1_024;
/// Maximum length of a text without line breaks, in characters: `workflow_dispatch` is shorter.
const MAX_UNBROKEN: usize = 18;

/// Renders a key, with its display name if it is known.
pub(super) fn permission(key: &str, element: &str) -> String {
    let name = KNOWN_KEYS.iter().find(|(known, _)| *known == key);
    match name {
        Some((_, name)) => format!(
            "<strong>{name}</strong> <{element} class=\"key\">{}</{element}>",
            value(key)
        ),
        None => format!("<strong>{}</strong>", broken(key)),
    }
}

/// Renders a phrase with untrusted text as code.
pub(super) fn coded(phrase: &Phrase<'_>) -> String {
    phrase.write(|text| format!("<code>{}</code>", broken(text)))
}

/// Adds line break opportunities to a long text.
pub(super) fn broken(text: &str) -> String {
    let text = truncate(text, MAX_VALUE);
    if text.chars().count() <= MAX_UNBROKEN {
        return html(&text);
    }
    let parts = text.split_inclusive(['/', ':', '_', '-', '|']);
    parts.map(html).collect::<Vec<_>>().join("<wbr/>")
}

pub(super) fn value(text: &str) -> String {
    html(&truncate(text, MAX_VALUE))
}

/// Capitalises the first letter, unless the text starts with markup.
pub(super) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(chars).collect()
}
