//! As much of JSON Schema draft-07 as the schemas use. A keyword that it does not know fails the
//! test, so that nothing of a schema is passed over. `.ci/run` uses a public validator besides.

use regex::Regex;
use serde_json::Value;

pub struct Schema(Value);

impl Schema {
    pub fn new(text: &str) -> Self {
        Self(serde_json::from_str(text).unwrap())
    }

    pub fn is_valid(&self, instance: &Value) -> bool {
        self.accepts(&self.0, instance)
    }

    /// The sub-schema at a JSON pointer.
    pub fn at(&self, pointer: &str) -> &Value {
        self.0
            .pointer(pointer)
            .unwrap_or_else(|| panic!("no {pointer}"))
    }

    fn accepts(&self, schema: &Value, instance: &Value) -> bool {
        let keywords = schema.as_object().unwrap();
        keywords
            .iter()
            .all(|(keyword, value)| self.keyword(keywords, keyword, value, instance))
    }

    fn keyword(
        &self,
        schema: &serde_json::Map<String, Value>,
        keyword: &str,
        value: &Value,
        instance: &Value,
    ) -> bool {
        let limit = || value.as_u64().unwrap();
        let (object, list, text) = (instance.as_object(), instance.as_array(), instance.as_str());
        match keyword {
            "$schema" | "$id" | "title" | "description" | "examples" | "definitions" | "then" => {
                true
            }
            "$ref" => {
                let pointer = value.as_str().unwrap().strip_prefix('#').unwrap();
                self.accepts(self.at(pointer), instance)
            }
            "type" => {
                let one = std::slice::from_ref(value);
                let kinds = value.as_array().map_or(one, Vec::as_slice);
                kinds.iter().any(|kind| match kind.as_str().unwrap() {
                    "object" => object.is_some(),
                    "array" => list.is_some(),
                    "string" => text.is_some(),
                    "integer" => instance.is_u64() || instance.is_i64(),
                    "boolean" => instance.is_boolean(),
                    "null" => instance.is_null(),
                    other => panic!("type {other}"),
                })
            }
            "enum" => value.as_array().unwrap().contains(instance),
            "const" => value == instance,
            "not" => !self.accepts(value, instance),
            "anyOf" => value
                .as_array()
                .unwrap()
                .iter()
                .any(|schema| self.accepts(schema, instance)),
            "if" => !self.accepts(value, instance) || self.accepts(&schema["then"], instance),
            "properties" => object.is_none_or(|object| {
                object.iter().all(|(key, member)| {
                    let schema = value.get(key);
                    schema.is_none_or(|schema| self.accepts(schema, member))
                })
            }),
            "additionalProperties" => object.is_none_or(|object| {
                let known = schema.get("properties");
                object
                    .iter()
                    .filter(|(key, _)| known.is_none_or(|known| known.get(key).is_none()))
                    .all(|(_, member)| match value {
                        Value::Bool(allowed) => *allowed,
                        schema => self.accepts(schema, member),
                    })
            }),
            "propertyNames" => object.is_none_or(|object| {
                object
                    .keys()
                    .all(|key| self.accepts(value, &Value::from(key.as_str())))
            }),
            "required" => object.is_none_or(|object| {
                let mut keys = value.as_array().unwrap().iter();
                keys.all(|key| object.contains_key(key.as_str().unwrap()))
            }),
            "minProperties" => object.is_none_or(|object| object.len() as u64 >= limit()),
            "maxProperties" => object.is_none_or(|object| object.len() as u64 <= limit()),
            "items" => list.is_none_or(|list| list.iter().all(|item| self.accepts(value, item))),
            "minItems" => list.is_none_or(|list| list.len() as u64 >= limit()),
            "maxItems" => list.is_none_or(|list| list.len() as u64 <= limit()),
            "minLength" => text.is_none_or(|text| text.chars().count() as u64 >= limit()),
            "maxLength" => text.is_none_or(|text| text.chars().count() as u64 <= limit()),
            "pattern" => {
                let regex = Regex::new(value.as_str().unwrap()).unwrap();
                text.is_none_or(|text| regex.is_match(text))
            }
            "minimum" => instance.as_f64().is_none_or(|n| n >= limit() as f64),
            "maximum" => instance.as_f64().is_none_or(|n| n <= limit() as f64),
            other => panic!("the validator does not know `{other}`"),
        }
    }
}
