//! Permission keys: `ws:deployments:create` and their display names.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use super::nearest::nearest;
use super::problem::quoted;

/// Keys of Atmos Pro with their display names. Other keys are valid too.
pub const KNOWN: [(&str, &str); 6] = [
    ("ws:affected_stacks:create", "Affected Stacks Create"),
    ("ws:deployments:create", "Deployments Create"),
    ("ws:locks:create", "Locks Create"),
    ("ws:locks:delete", "Locks Delete"),
    ("ws:instances:create", "Instances Create"),
    ("ws:instances:update", "Instances Update"),
];

/// Maximum length of a permission key, in bytes.
const MAX_LENGTH: usize = 256;

/// A permission key: `[a-z0-9_]+(:[a-z0-9_]+)+`, at most 256 bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct PermissionKey(Arc<str>);

impl PermissionKey {
    /// Parses a key, or the display name of a known key in any case.
    ///
    /// ```
    /// # use engine::policy::PermissionKey;
    /// assert_eq!(PermissionKey::parse("acme:wiki:edit".into())?.as_str(), "acme:wiki:edit");
    /// assert_eq!(PermissionKey::parse("Locks Create".into())?.as_str(), "ws:locks:create");
    /// let error = PermissionKey::parse("Lock Create".into()).unwrap_err();
    /// assert_eq!(error.help(), "did you mean `ws:locks:create`?");
    /// # Ok::<(), engine::policy::InvalidKey>(())
    /// ```
    ///
    /// # Errors
    /// The text is neither a key nor a known display name.
    pub fn parse(text: Cow<'_, str>) -> Result<Self, InvalidKey> {
        Ok(Self(canonical(text)?.into()))
    }

    /// Wraps a key that [`canonical`] returned.
    pub(super) fn of_canonical(key: Arc<str>) -> Self {
        Self(key)
    }

    /// Returns the key, shared.
    pub(crate) fn shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }

    /// Returns the key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PermissionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Returns the key that a text names: the text itself, or the key of a display name.
pub(super) fn canonical(text: Cow<'_, str>) -> Result<Cow<'_, str>, InvalidKey> {
    if is_key(&text) {
        return Ok(text);
    }
    KNOWN
        .iter()
        .find(|(_, name)| name.eq_ignore_ascii_case(text.trim()))
        .map(|(key, _)| Cow::Borrowed(*key))
        .ok_or_else(|| InvalidKey {
            suggestion: nearest_key(&text),
            length: text.len(),
            text: quoted(&text),
        })
}

fn is_key(text: &str) -> bool {
    // A colon separates words, so it is neither first nor last, nor beside another colon.
    let (mut colons, mut before) = (0_usize, b':');
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'_' => {}
            b':' if before != b':' => colons += 1,
            _ => return false,
        }
        before = byte;
    }
    text.len() <= MAX_LENGTH && colons > 0 && before != b':'
}

/// Returns the known key that is most similar to `text`, by itself or by its display name, if one is similar.
pub fn nearest_key(text: &str) -> Option<&'static str> {
    let names = KNOWN.iter().flat_map(|(key, name)| [*key, *name]);
    let near = nearest(text.trim(), names)?;
    let mut keys = KNOWN.iter();
    keys.find(|(key, name)| [*key, *name].contains(&near))
        .map(|(key, _)| *key)
}

/// A text that is neither a permission key nor a known display name.
#[derive(Debug, thiserror::Error)]
#[error("{text} is not a permission key")]
pub struct InvalidKey {
    /// Quoted text.
    text: String,
    length: usize,
    suggestion: Option<&'static str>,
}

impl InvalidKey {
    /// Returns what to write instead.
    pub fn help(&self) -> String {
        match self.suggestion {
            Some(key) => format!("did you mean `{key}`?"),
            None if self.length > MAX_LENGTH => {
                format!("it has {} bytes, the limit is {MAX_LENGTH}", self.length)
            }
            None => "write lower-case words joined by `:`, such as `ws:deployments:create`".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_display_names() {
        for (text, key) in [
            ("ws:deployments:create", "ws:deployments:create"),
            ("Deployments Create", "ws:deployments:create"),
            (" affected stacks CREATE ", "ws:affected_stacks:create"),
            ("a:b", "a:b"),
            ("team_1:x:y:z", "team_1:x:y:z"),
        ] {
            assert_eq!(PermissionKey::parse(text.into()).unwrap().as_str(), key);
        }
        for text in [
            "",
            "ws",
            "ws:",
            ":ws",
            "ws::x",
            "WS:locks:create",
            "ws:locks:create ",
            "ws:löcks:x",
            "*",
            "ws:*",
        ] {
            assert!(PermissionKey::parse(text.into()).is_err(), "{text}");
        }
    }

    #[test]
    fn a_misspelt_key_is_recognised() {
        assert_eq!(
            nearest_key("ws:deployment:create"),
            Some("ws:deployments:create")
        );
        assert_eq!(nearest_key("Lock Create"), Some("ws:locks:create"));
        assert_eq!(nearest_key("ws:something:else"), None);
    }
}
