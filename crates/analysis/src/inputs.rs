//! Names of the values that somebody describes, for messages that ask for one.

use engine::policy::quoted;

/// How somebody describes a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inputs {
    /// By flags of the command line.
    Flags,
    /// In the fields of a page, which are labelled like the flags.
    Fields,
}

impl Inputs {
    /// Names an input, and what to put into it: `` `--branch BRANCH` `` or ``the field `Branch` ``.
    pub(crate) fn name(self, flag: &str, placeholder: &str) -> String {
        match self {
            Self::Flags => quoted(&format!("--{flag} {placeholder}")),
            Self::Fields => format!("the field {}", quoted(&label(flag))),
        }
    }

    /// Names an input in a sentence: `` `--branch` `` or ``the field `Branch` ``.
    pub(crate) fn bare(self, flag: &str) -> String {
        match self {
            Self::Flags => quoted(&format!("--{flag}")),
            Self::Fields => self.name(flag, ""),
        }
    }

    /// Names an input at the start of a message: `--branch` or ``the field `Branch` ``.
    pub(crate) fn subject(self, flag: &str) -> String {
        match self {
            Self::Flags => format!("--{flag}"),
            Self::Fields => self.name(flag, ""),
        }
    }

    /// Names an input with its value: `` `--branch main` `` or `` `main` in the field `Branch` ``.
    pub(crate) fn value(self, flag: &str, value: &str) -> String {
        match self {
            Self::Flags => quoted(&format!("--{flag} {value}")),
            Self::Fields => format!("{} in the field {}", quoted(value), quoted(&label(flag))),
        }
    }
}

/// Returns the label of the field that stands for a flag: `Default branch` for `default-branch`. One field has all claims.
fn label(flag: &str) -> String {
    if flag == "claim" {
        return "Claims".to_owned();
    }
    let mut chars = flag.chars().map(|c| if c == '-' { ' ' } else { c });
    let first = chars.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(chars).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_and_its_field_have_the_same_words() {
        for (inputs, texts) in [
            (
                Inputs::Flags,
                [
                    "`--default-branch BRANCH`",
                    "`--default-branch`",
                    "--default-branch",
                    "`--default-branch main`",
                ],
            ),
            (
                Inputs::Fields,
                [
                    "the field `Default branch`",
                    "the field `Default branch`",
                    "the field `Default branch`",
                    "`main` in the field `Default branch`",
                ],
            ),
        ] {
            let flag = "default-branch";
            let named = [
                inputs.name(flag, "BRANCH"),
                inputs.bare(flag),
                inputs.subject(flag),
                inputs.value(flag, "main"),
            ];
            assert_eq!(named, texts);
        }
    }
}
