//! JSON without duplicate members.

use std::fmt;

use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// Parses JSON, and rejects an object that has a member twice, at any depth: a reader that takes the first of them and
/// one that takes the last would disagree (RFC 8259, section 4, lets parsers choose).
///
/// ```
/// # use engine::unique_json;
/// assert_eq!(unique_json(br#"{"decision": true}"#)?["decision"], true);
/// assert!(unique_json(br#"{"decision": false, "decision": true}"#).is_err());
/// assert!(unique_json(br#"[{"a": {"b": 1, "b": 1}}]"#).is_err());
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// # Errors
/// The text is not JSON, or an object has a member twice.
pub fn unique_json(text: &[u8]) -> serde_json::Result<Value> {
    serde_json::from_slice(text).map(|Unique(value)| value)
}

struct Unique(Value);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueVisitor).map(Self)
    }
}

struct UniqueVisitor;

impl<'de> Visitor<'de> for UniqueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Unique(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((name, Unique(value))) = members.next_entry::<String, Unique>()? {
            if object.contains_key(&name) {
                return Err(A::Error::custom("an object has a member twice"));
            }
            object.insert(name, value);
        }
        Ok(object.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_is_that_of_serde_json() {
        for text in [
            "null",
            " [true, false, -1, 18446744073709551615, 1.5e3, \"a\\u0000\\\"\", {}, []] ",
            r#"{"a": {"a": [{"a": null}]}, "": 0, "b": "a"}"#,
        ] {
            let expected: Value = serde_json::from_str(text).unwrap();
            assert_eq!(unique_json(text.as_bytes()).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_not_read() {
        let deep = "[".repeat(200) + &"]".repeat(200);
        for text in [
            "",
            "{",
            "{} {}",
            "{\"a\": 1,}",
            "nul",
            "\u{feff}{}",
            "'a'",
            "{\"a\": 1, \"\\u0061\": 2}",
            "{\"x\": [[{\"a\": 1, \"a\": 1}]]}",
            &deep,
        ] {
            assert!(unique_json(text.as_bytes()).is_err(), "{text}");
        }
        assert!(unique_json(b"\"\xff\"").is_err());
        assert!(unique_json(br#""\ud800""#).is_err());
    }
}
