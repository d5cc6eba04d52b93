//! Claims of a token, trusted or not.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// Claims as a JSON object. They can come from any text; the crate `token` verifies who signed them.
///
/// GitHub writes all its own claims as strings, including ids; only `iat`, `nbf` and `exp` are numbers.
///
/// ```
/// # use engine::Claims;
/// let claims: Claims = serde_json::from_str(r#"{ "repository": "acme-org/infra", "iat": 1798761600 }"#)?;
/// assert_eq!(claims.text("repository"), Some("acme-org/infra"));
/// assert_eq!(claims.seconds("iat"), Some(1_798_761_600));
/// // A reader that takes the first of two claims and one that takes the last would disagree.
/// assert!(serde_json::from_str::<Claims>(r#"{ "sub": "a", "sub": "b" }"#).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims(Map<String, Value>);

/// Rejects duplicate claims (RFC 7519, section 4, lets a parser choose): an audit record must show the
/// claims that the decision used.
impl<'de> Deserialize<'de> for Claims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Unique;
        impl<'de> Visitor<'de> for Unique {
            type Value = Claims;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Claims, A::Error> {
                let mut claims = Map::new();
                while let Some((name, value)) = members.next_entry::<String, Value>()? {
                    if claims.insert(name, value).is_some() {
                        return Err(A::Error::custom("duplicate claim"));
                    }
                }
                Ok(Claims(claims))
            }
        }
        deserializer.deserialize_map(Unique)
    }
}

impl Claims {
    /// Returns a claim that is a non-empty string.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str().filter(|text| !text.is_empty())
    }

    /// Returns a claim that is a whole number of seconds since 1970.
    pub fn seconds(&self, name: &str) -> Option<i64> {
        self.0.get(name)?.as_i64()
    }

    /// Returns a claim as JSON.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Sets a claim to a string.
    pub fn set(&mut self, name: String, value: String) {
        self.0.insert(name, Value::String(value));
    }

    /// Returns all claims with a single value: strings unchanged, numbers and booleans in JSON notation.
    /// It leaves out lists, objects and null, which match nothing.
    pub fn values(&self) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
        self.0.iter().filter_map(|(name, value)| {
            let value = match value {
                Value::String(text) if text.is_empty() => return None,
                Value::String(text) => Cow::Borrowed(text.as_str()),
                Value::Number(number) => Cow::Owned(number.to_string()),
                Value::Bool(true) => Cow::Borrowed("true"),
                Value::Bool(false) => Cow::Borrowed("false"),
                Value::Null | Value::Array(_) | Value::Object(_) => return None,
            };
            Some((name.as_str(), value))
        })
    }
}
