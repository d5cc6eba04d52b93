//! A parsed file of cases.

use std::collections::BTreeSet;

use super::contents::Contents;
use super::grammar::Cases;
use super::result::FileError;
use engine::policy::{Format, document};

/// A file of cases with a valid structure.
#[derive(Debug)]
pub struct Suite<'a> {
    /// Name of the file for messages.
    pub(super) file: &'a str,
    pub(super) contents: Contents<'a>,
}

impl<'a> Suite<'a> {
    /// Parses the text of `file`. The file name determines whether it is YAML or JSON.
    ///
    /// # Errors
    /// All problems, at least one.
    pub fn parse(file: &'a str, text: &'a str) -> Result<Self, Vec<FileError>> {
        match document::read(text, Format::of_path(file), Cases::default()) {
            Ok(contents) => Ok(Self { file, contents }),
            Err(invalid) => Err(FileError::each(file, invalid.iter())),
        }
    }

    /// Returns the path of the tested policy, relative to the directory of the file of cases.
    pub fn policy(&self) -> &str {
        &self.contents.policy
    }

    /// Returns the name of the repository's own policy for messages, if the file of cases has one.
    pub fn own_policy(&self) -> Option<String> {
        let (name, _) = self.contents.own_policy.as_ref()?;
        Some(match self.file.rsplit_once('/') {
            Some((directory, _)) => format!("{directory}/{name}"),
            None => name.to_string(),
        })
    }

    /// Returns the other files of its cases without duplicates, as paths relative to the same directory.
    pub fn files(&self) -> BTreeSet<&str> {
        let files = self.contents.cases.iter();
        let files = files.flat_map(|case| [&case.claims_file, &case.payload_file]);
        let files = files.chain([&self.contents.own_policy]);
        files.flatten().map(|(name, _)| name.as_ref()).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::super::contents::{CaseContext, TestCase};
    use super::super::expect::Expect;
    use super::*;

    #[test]
    fn a_suite_names_what_it_needs() {
        let text = "
policy: ../policy.yml
own_policy: own.yml
tests:
  - { name: a, permission: a:b, claims_file: c.json, payload_file: b.json, expect: denied }
  - { name: b, permission: a:b, claims_file: c.json, expect: denied }
  - { name: c, permission: a:b, context: {}, expect: denied }
";
        let suite = Suite::parse("a/cases.yml", text).unwrap();
        assert_eq!(suite.policy(), "../policy.yml");
        assert_eq!(suite.own_policy().as_deref(), Some("a/own.yml"));
        let files: Vec<_> = suite.files().into_iter().collect();
        assert_eq!(files, ["b.json", "c.json", "own.yml"]);
    }

    /// The reader is the policy's.
    #[test]
    fn a_suite_is_read_as_a_policy_is() {
        let case = |permission: &str, more: &str| {
            format!(
                "policy: p.yml\ntests: [\n  {{\n    name: \"👩\u{200d}🚀\", # ❤\u{fe0f}\n    permission: {permission},\n    expect: denied,\n    {more}\n  }},\n]\n"
            )
        };
        let context = |branch: &str| format!("context: {{ branch: {branch} }}");
        let claims = |id: &str| format!("claims: {{ run_id: {id} }}");
        for (text, is_read) in [
            (case("[\n      \"a:b\",\n    ]", &context("main")), true),
            (case("a:b", &context("\"main\\uFE0F\"")), true),
            (case("a:b", &context("main\u{fe0f}")), false),
            (case("a:b", &context("main # \u{2028}")), false),
            (case("a:b", &context("main # \r")), false),
            (case("a:b", &context("on")), false),
            (case("a:b", &claims("123")), true),
            (case("a:b", &claims("0123")), false),
            (case("a:b", &claims("'0123'")), true),
            (
                case("a:b", "context: {}, now: 2027-01-31T12:00:00+02:00"),
                true,
            ),
            (
                case("a:b", "context: {}, now: 2027-01-31T12:00:00+25:00"),
                false,
            ),
            (case("a:b", "context: { repository_id: 0123 }"), false),
        ] {
            assert_eq!(Suite::parse("t.yml", &text).is_ok(), is_read, "{text}");
        }
    }

    #[test]
    fn every_key_is_in_the_schema_and_the_other_way_round() {
        let schema = include_str!("../../../../schema/repo-permissions-tests.schema.json");
        let schema: Value = serde_json::from_str(schema).unwrap();
        let case = "/definitions/case";
        for (pointer, keys) in [
            ("", &Contents::KEYS[..]),
            (case, &TestCase::KEYS),
            (&format!("{case}/properties/context"), &CaseContext::KEYS),
        ] {
            let properties = schema.pointer(&format!("{pointer}/properties"));
            let properties = properties.and_then(Value::as_object).unwrap();
            let known: BTreeSet<_> = properties.keys().map(String::as_str).collect();
            assert_eq!(known, keys.iter().copied().collect(), "{pointer}");
        }
        let expect = &schema["definitions"]["case"]["properties"]["expect"]["enum"];
        assert_eq!(*expect, Value::from_iter(Expect::all()));
    }
}
