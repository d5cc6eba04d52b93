//! What may come of a request that meets a fault: from the contract alone, nothing of the program.

use super::kinds::{Kind, Nature};
use super::requests::{Request, Role};
use super::scene::Ask;

/// A decision with its reason.
pub type Outcome = (&'static str, &'static str);

/// Every outcome that is right. One that grants is among them only where the job is to be allowed.
pub fn expected(request: &Request, kind: &Kind, once: bool, ask: Ask) -> Vec<Outcome> {
    let truth = match ask {
        Ask::Allowed => ("allowed", "granted"),
        Ask::Denied => ("denied", "no_rule_matches"),
    };
    let errors = errors(request.role, kind);
    if errors.is_empty() {
        return vec![truth];
    }
    // It may be the other token that the policy is read with.
    let is_spared = once && matches!(request.role, Role::EitherApp | Role::EitherPolicy);
    let may_be_right = match kind.nature {
        Nature::Harmless => return vec![truth],
        // Asked again, and answered.
        Nature::Passing if once => return vec![truth],
        Nature::Passing | Nature::Lasting => is_spared,
        Nature::Odd => true,
        Nature::Silent => once,
    };
    let right = may_be_right.then_some(truth);
    right.into_iter().chain(errors).collect()
}

/// How a check ends for which a request failed; empty where it ends as if it had not.
fn errors(role: Role, kind: &Kind) -> Vec<Outcome> {
    let is_an_answer = kind.status().is_some_and(|status| status < 300);
    let error = |reason| ("error", reason);
    match role {
        Role::Token => vec![error("token_unavailable")],
        Role::Keys if is_an_answer => vec![error("token_unavailable"), error("token_invalid")],
        Role::Keys => vec![error("token_unavailable")],
        // The job may not read pull requests: the payload says where the head is.
        Role::Head if kind.name == "403" || kind.name == "404" => Vec::new(),
        Role::Head | Role::DefaultBranch => vec![("denied", "no_rule_matches")],
        Role::Policy | Role::EitherPolicy if kind.status() == Some(404) => {
            vec![error("policy_not_found")]
        }
        // There is none: nothing is added to what the central policy grants, which is nothing.
        Role::OwnPolicy if kind.status() == Some(404) => vec![("denied", "permission_not_granted")],
        Role::Policy | Role::EitherPolicy | Role::OwnPolicy if is_an_answer => {
            vec![error("policy_invalid"), error("policy_unreadable")]
        }
        Role::Policy | Role::EitherPolicy | Role::OwnPolicy | Role::App | Role::EitherApp => {
            vec![error("policy_unreadable")]
        }
        Role::Server => vec![error("server_unavailable")],
        Role::CheckRun
        | Role::Status
        | Role::Review
        | Role::ReviewCheckRun
        | Role::Webhook
        | Role::Collector
        | Role::Nothing => Vec::new(),
    }
}

/// Whether a report that meets the fault has to be there in the end: `repeated` for one that is safe to
/// make twice.
pub fn has_to_be_made(kind: &Kind, once: bool, repeated: bool) -> bool {
    let refused = kind.status() == Some(429) || kind.status() == Some(403);
    match kind.nature {
        Nature::Harmless => true,
        // A rate limit refuses a request, so nothing was done.
        Nature::Passing => once && (repeated || refused),
        Nature::Odd | Nature::Lasting | Nature::Silent => false,
    }
}

/// How often a check run may be asked for: more than once only where the answer says that there is none.
pub fn most_check_runs(kind: &Kind) -> usize {
    match kind.status() {
        Some(429 | 307 | 308) => 5,
        Some(403) if kind.nature == Nature::Passing => 5,
        _ => 1,
    }
}
