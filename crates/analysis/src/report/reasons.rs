//! What reports say about each reason.

use engine::decision::Reason;

/// Returns why a permission is denied or allowed, as a short sentence without names.
pub(super) fn describe(reason: Reason) -> &'static str {
    match reason {
        Reason::RepositoryNotFound => "the policy has no entry for this repository",
        Reason::RepositoryIdMismatch => "the policy pins another repository id",
        Reason::PermissionNotGranted => "no rule of this repository names the permission",
        Reason::UntrustedEvent => "a rule matches but does not name the event",
        Reason::Expired => "the only rules that match have expired",
        Reason::Granted => "a rule matches",
        _ => "no rule matches",
    }
}

/// Returns advice for a reason, in one or two sentences.
pub fn advice(reason: Reason) -> Option<&'static str> {
    Some(match reason {
        Reason::Granted => return None,
        Reason::RepositoryNotFound => {
            "Add an entry for the repository under `repositories:` of the policy, or top-level `permissions:` to a policy in this repository."
        }
        Reason::RepositoryIdMismatch => {
            "If this is the intended repository, update `repository_id` or `owner_id` of its entry."
        }
        Reason::PermissionNotGranted => {
            "Ask for a permission that the policy grants, or add a rule with this one to the policy by a reviewed change."
        }
        Reason::UntrustedEvent => {
            "Use another trigger, or one that the rule names. People who cannot write to the repository can start events such as `pull_request_target`, `workflow_run` and `issue_comment`, so only a rule that names the event in `events:` matches it; name one only if the job runs no code from the event."
        }
        Reason::Expired => "Renew `expires` of the rule by a reviewed change of the policy.",
        Reason::NoRuleMatches => {
            "Run the job from a workflow, branch and environment that a rule allows (in a pull request into a base that it trusts), or change the policy by a reviewed pull request."
        }
        Reason::InputInvalid => "Correct the inputs of the step.",
        Reason::RuntimeMissing => {
            "Run it as a step of a GitHub Actions job; outside a job, use `repo-permissions check`."
        }
        Reason::TokenUnavailable => {
            "Run the job again. If the error persists, check the network and the proxy of the runner; name the certificate of a private authority in `ca-bundle`."
        }
        Reason::TokenInvalid => {
            "Nothing was granted. Run the job again; if the error persists, look for a step or a proxy that replaces the token, and check `issuer` and `audience`."
        }
        Reason::TokenMismatch => {
            "Nothing was granted. Look for an earlier step that replaces the token or the job's variables, and put the gate before it. Leave the input `check-run-id` at its default."
        }
        Reason::PolicyNotFound => {
            "Commit the policy to the default branch, or name its location in the input `policy`. For another private repository, the token needs access to it. The job needs `contents: read`."
        }
        Reason::PolicyUnreadable => {
            "If GitHub or the network failed, run the job again. Otherwise correct what the message names."
        }
        Reason::PolicyInvalid => {
            "Correct the policy; `repo-permissions lint FILE` shows its problems."
        }
        Reason::ServerUnavailable => {
            "Run the job again. If the error persists, ask the people who run the server, and check the input `server`."
        }
        Reason::Cancelled => "Run the job again.",
        Reason::Internal => "This is a bug in repo-permissions: please report it with this log.",
    })
}
