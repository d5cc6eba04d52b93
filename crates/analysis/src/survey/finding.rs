//! What is found. The codes are stable: other programs may rely on them.

use serde::Serialize;

use crate::lint::Level;
use crate::workflows::Unreadable;

macro_rules! codes {
    ($($name:ident $code:literal $level:ident $what:literal $help:literal;)*) => {
        /// One kind of finding.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        pub enum Code {
            $(
                #[doc = $what]
                #[serde(rename = $code)]
                $name,
            )*
        }

        impl Code {
            /// Every kind of finding, the worst first.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The stable code.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code),* }
            }

            /// How much it matters. Notes are no problems.
            pub fn level(self) -> Level {
                match self { $(Self::$name => Level::$level),* }
            }

            /// What it finds, and what comes of it.
            pub fn what(self) -> &'static str {
                match self { $(Self::$name => $what),* }
            }

            /// What to do about it.
            pub fn help(self) -> &'static str {
                match self { $(Self::$name => $help),* }
            }
        }
    };
}

codes! {
    MissingIdToken "missing-id-token" Error
        "a job asks without `id-token: write`: there is no token, every check ends in `token_unavailable`"
        "add it to the job's `permissions:`; a called workflow needs it in the job that calls it too";
    MissingContents "missing-contents" Error
        "a job asks without `contents: read` in a private repository: its policy cannot be read"
        "add it to the job's `permissions:`";
    InvalidPermission "invalid-permission" Error
        "a step asks for what is no permission: every check ends in `input_invalid`"
        "write a key such as `ws:deployments:create`";
    NoEntry "no-entry" Error
        "a repository asks the policy, and no entry speaks for it: every check ends in `repository_not_found`"
        "add an entry to the policy";
    PermissionNotNamed "permission-not-named" Error
        "a step asks for a permission that no rule of the repository's entries names: every check ends in `permission_not_granted`"
        "add a rule to the entry, or correct the step";
    IdDiffers "id-differs" Error
        "an entry names a repository whose id is not the one it pins: every check ends in `repository_id_mismatch`"
        "find out why the id changed before you pin the new one";
    Renamed "renamed" Error
        "an entry has the old name of a repository: it does not speak for it any more, and whoever takes the name gets the entry, unless it pins an id"
        "write the new name";
    Gone "gone" Error
        "an entry names a repository that does not exist, or that this token cannot see"
        "remove the entry: whoever creates a repository of that name gets it, unless it pins an id";
    NotRead "not-read" Warning
        "the workflow files of a repository could not be read: it may ask or not"
        "see what GitHub said; the token needs `contents: read` and `metadata: read`";
    NotUnderstood "not-understood" Warning
        "a workflow file that speaks of this action or of `id-token` is not understood"
        "correct it; GitHub will hardly run it either";
    UntrustedEvent "untrusted-event" Warning
        "a workflow that asks runs trusted code on untrusted input: only a rule that names the event grants there"
        "use another trigger, or name the event in `events:` of a rule if nothing of the event's content is run";
    MissingChecks "missing-checks" Warning
        "a job asks without `checks: write`: there is no check run"
        "add it to the job's `permissions:`, or leave `check-run` out of `report:`";
    MissingStatuses "missing-statuses" Warning
        "a job asks without `statuses: write`: there is no commit status"
        "add it to the job's `permissions:`, or leave `status` out of `report:`";
    MatchesNothing "matches-nothing" Warning
        "a pattern of an entry matches no repository that this token can see"
        "correct it or remove it";
    MutableRef "mutable-ref" Note
        "a step uses the action by a branch or a tag, which others can move"
        "pin it to the full SHA of a commit";
}

/// One thing that somebody should look at.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Finding {
    /// Which kind it is.
    pub code: Code,
    /// How much it matters.
    pub level: Level,
    /// The workflow file, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// What is seen at this place, in one sentence.
    pub message: String,
}

impl Finding {
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
        // Without a place there is no text.
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
