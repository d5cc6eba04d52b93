//! Text to a policy.

use super::document::{read, read_partly};
use super::format::Format;
use super::grammar::PolicyGrammar;
use super::model::{Policy, PolicyQuery};
use super::problem::Invalid;

impl Policy {
    /// Parses a policy.
    ///
    /// ```
    /// # use engine::policy::{Format, Policy};
    /// let policy = Policy::parse("version: 1\npermissions: []\n", Format::Yaml)?;
    /// assert_eq!(policy.rules().count(), 0);
    ///
    /// let invalid = Policy::parse("version: 1\npermisions: []\n", Format::Yaml).unwrap_err();
    /// let problem = invalid.first();
    /// assert_eq!((problem.position.line, problem.position.column), (2, 1));
    /// assert_eq!(problem.help.as_deref(), Some("did you mean `permissions`?"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// All problems found, at least one: an exceeded limit, a syntax error (which ends the parsing), or a part
    /// that does not match the schema.
    pub fn parse(text: &str, format: Format) -> Result<Self, Invalid> {
        let policy = read(text, format, PolicyGrammar::new(None))?;
        Ok(Self { format, ..policy })
    }

    /// Parses a policy for one check. It validates all of it in the same way, but keeps only parts that can
    /// affect the check. The decision is the same as with the complete policy.
    ///
    /// ```
    /// # use engine::policy::{Format, PermissionKey, Policy, PolicyQuery};
    /// let text = "
    /// version: 1
    /// permissions:
    ///   - { permission: 'ws:locks:create', branch: main }
    ///   - { permission: 'ws:locks:delete', branch: main }
    /// ";
    /// let query = PolicyQuery {
    ///     repository: Some("acme-org/infra"),
    ///     permissions: &[PermissionKey::parse("ws:locks:create".into())?],
    /// };
    /// let policy = Policy::parse_for(text, Format::Yaml, &query)?;
    /// assert_eq!(policy.rules().count(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The same as [`Policy::parse`].
    pub fn parse_for(text: &str, format: Format, asked: &PolicyQuery<'_>) -> Result<Self, Invalid> {
        let policy = read(text, format, PolicyGrammar::new(Some(asked)))?;
        Ok(Self { format, ..policy })
    }

    /// Parses the valid parts of a policy that can be invalid. The result lacks the invalid parts, so it is for
    /// advice only.
    pub fn parse_partly(text: &str, format: Format) -> (Option<Self>, Option<Invalid>) {
        let (policy, invalid) = read_partly(text, format, PolicyGrammar::new(None));
        (policy.map(|policy| Self { format, ..policy }), invalid)
    }
}
