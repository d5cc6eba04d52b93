//! Permission keys: `ws:deployments:create` and their display names.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;

use super::nearest::nearest;
use super::problem::quoted;

/// The keys of Atmos Pro with their display names. Keys are open-ended: others are valid too.
pub const KNOWN: [(&str, &str); 6] = [
    ("ws:affected_stacks:create", "Affected Stacks Create"),
    ("ws:deployments:create", "Deployments Create"),
    ("ws:locks:create", "Locks Create"),
    ("ws:locks:delete", "Locks Delete"),
    ("ws:instances:create", "Instances Create"),
    ("ws:instances:update", "Instances Update"),
];

/// The longest permission key in bytes.
const MAX_LENGTH: usize = 256;

/// A permission key: `[a-z0-9_]+(:[a-z0-9_]+)+`, at most 256 bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct PermissionKey<'a>(Cow<'a, str>);

impl<'a> PermissionKey<'a> {
    /// Reads a key or the display name of a known one (any case).
    ///
    /// # Errors
    /// The text is neither.
    pub fn parse(text: Cow<'a, str>) -> Result<Self, InvalidKey> {
        if is_key(&text) {
            return Ok(Self(text));
        }
        KNOWN
            .iter()
            .find(|(_, name)| name.eq_ignore_ascii_case(text.trim()))
            .map(|(key, _)| Self(Cow::Borrowed(*key)))
            .ok_or_else(|| InvalidKey {
                suggestion: nearest_key(&text),
                text: quoted(&text),
            })
    }

    /// The key.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same key with its own text.
    pub fn into_owned(self) -> PermissionKey<'static> {
        PermissionKey(Cow::Owned(self.0.into_owned()))
    }
}

impl fmt::Display for PermissionKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_key(text: &str) -> bool {
    // A colon stands between words: not first, not last, not beside another.
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

/// Returns the known key that is nearest to `text`, or whose display name is, if one is near.
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
    /// In quotes.
    text: String,
    suggestion: Option<&'static str>,
}

impl InvalidKey {
    /// What to write instead.
    pub fn help(&self) -> String {
        match self.suggestion {
            Some(key) => format!("did you mean `{key}`?"),
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
