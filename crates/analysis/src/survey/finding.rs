//! Findings of a survey. Their codes are stable, so other programs can rely on them.

use serde::Serialize;

use crate::lint::Level;
use crate::workflows::Unreadable;

macro_rules! codes {
    ($($name:ident $code:literal $level:ident $what:literal $help:literal;)*) => {
        /// Kind of a finding.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        pub enum Code {
            $(
                #[doc = $what]
                #[serde(rename = $code)]
                $name,
            )*
        }

        impl Code {
            /// All kinds of findings, the most severe first.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Returns the stable code.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code),* }
            }

            /// Returns the severity; a note is not a problem.
            pub fn level(self) -> Level {
                match self { $(Self::$name => Level::$level),* }
            }

            /// Describes the finding and its consequence.
            pub fn what(self) -> &'static str {
                match self { $(Self::$name => $what),* }
            }

            /// Describes the fix.
            pub fn help(self) -> &'static str {
                match self { $(Self::$name => $help),* }
            }
        }
    };
}

codes! {
    MissingIdToken "missing-id-token" Error
        "a job uses this action without `id-token: write`: it gets no token, and every check ends with `token_unavailable`"
        "add it to the job's `permissions:`; for a called workflow, also to the job that calls it";
    MissingContents "missing-contents" Error
        "a job uses this action without `contents: read` in a private repository: the action cannot read the repository's policy"
        "add it to the job's `permissions:`";
    InvalidPermission "invalid-permission" Error
        "a step requests an invalid permission: every check ends with `input_invalid`"
        "use a key such as `ws:deployments:create`";
    NoEntry "no-entry" Error
        "a repository uses the policy, but no entry applies to it: every check ends with `repository_not_found`"
        "add an entry to the policy";
    PermissionNotNamed "permission-not-named" Error
        "a step requests a permission that no rule of the repository's entries names: every check ends with `permission_not_granted`"
        "add a rule to the entry, or correct the step";
    IdDiffers "id-differs" Error
        "an entry names a repository and pins another id than it has: every check ends with `repository_id_mismatch`"
        "find out why the id changed before you pin the new one";
    Renamed "renamed" Error
        "an entry has the old name of a repository: it no longer applies to it, and applies to any repository that takes over the name, unless it pins an id"
        "use the new name";
    Gone "gone" Error
        "an entry names a repository that does not exist, or that this token cannot see"
        "remove the entry: it applies to any repository that is created with that name, unless it pins an id";
    NotRead "not-read" Warning
        "the workflow files of a repository could not be read: the survey does not know whether it uses this action"
        "see GitHub's message; the token needs `contents: read` and `metadata: read`";
    NotUnderstood "not-understood" Warning
        "a workflow file that contains this action's name or `id-token` cannot be parsed"
        "correct it; GitHub will probably not run it either";
    UntrustedEvent "untrusted-event" Warning
        "a workflow that uses this action runs trusted code on untrusted input: only a rule that names the event grants permissions there"
        "use another trigger, or name the event in `events:` of a rule if the workflow runs none of the event's content";
    MissingChecks "missing-checks" Warning
        "a job uses this action without `checks: write`: the action cannot create a check run"
        "add it to the job's `permissions:`, or leave `check-run` out of `report:`";
    MissingStatuses "missing-statuses" Warning
        "a job uses this action without `statuses: write`: the action cannot create a commit status"
        "add it to the job's `permissions:`, or leave `status` out of `report:`";
    MatchesNothing "matches-nothing" Warning
        "a pattern of an entry matches no repository that this token can see"
        "correct it or remove it";
    MutableRef "mutable-ref" Note
        "a step pins this action to a branch or a tag, which others can move"
        "pin the action to the full SHA of a commit";
}

/// A finding.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct SurveyFinding {
    /// Kind of the finding.
    pub code: Code,
    /// Severity.
    pub level: Level,
    /// Workflow file that the finding concerns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Line in that file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Details, in one sentence.
    pub message: String,
}

impl SurveyFinding {
    pub(super) fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            level: code.level(),
            file: None,
            line: None,
            message: message.into(),
        }
    }

    pub(super) fn at(self, file: &str, line: u32) -> Self {
        Self {
            file: Some(file.to_owned()),
            line: Some(line),
            ..self
        }
    }

    pub(super) fn of_unreadable(unreadable: &Unreadable) -> Self {
        // An error without a position means that the file has no text.
        let code = match unreadable.position {
            Some(_) => Code::NotUnderstood,
            None => Code::NotRead,
        };
        Self {
            file: Some(unreadable.file.clone()),
            line: unreadable.position.map(|position| position.line),
            ..Self::new(code, &*unreadable.message)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_has_every_code() {
        let documented = include_str!("../../../../docs/survey.md");
        for code in Code::ALL {
            let level = code.level().as_str();
            let row = format!(
                "| `{}` | {level} | {} | {} |",
                code.as_str(),
                code.what(),
                code.help()
            );
            assert!(documented.lines().any(|line| line == row), "{row}");
        }
        let levels: Vec<_> = Code::ALL.iter().map(|code| code.level() as u8).collect();
        assert!(levels.is_sorted());
    }
}
