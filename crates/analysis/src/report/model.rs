//! Model of a check's outcome, shared by all reports.

use serde::Serialize;

use super::reasons::advice;
use super::text::{truncate, visible};
use crate::TopIsLeftOut;
use crate::suggestion::{meant_entry, nearest_miss};
use engine::context::{Base, Context};
use engine::decision::{Decision, PermissionDecision, Reason, TracedRule};
use engine::policy::{Policy, quoted};

/// Maximum length of a message in characters.
const MAX_MESSAGE: usize = 4_000;
/// Maximum numbers of rules in each trace, tried in this order on a JSON that is too large.
const TRACE_LIMITS: [usize; 4] = [200, 50, 1, 0];

/// How much of the policy reports may show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// The decision only.
    None,
    /// The reason, without rules, names or patterns.
    Reason,
    /// Everything.
    Full,
}

/// The complete outcome of a check: the decision, the job and the policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Outcome<'a> {
    /// `Allowed` only if every permission is allowed; `Error` without a decision.
    pub decision: Decision,
    /// Reason of the first permission that is not allowed.
    pub reason: Reason,
    /// HTTP status of the reason.
    pub status: u16,
    /// The decision as one sentence without a full stop.
    pub message: String,
    /// Decisions on the permissions; empty for an error.
    pub permissions: Vec<PermissionDecision>,
    /// The job's context, if known.
    pub context: Option<&'a Context>,
    /// The policy, if it was read.
    pub policy: Option<PolicyRecord>,
    /// The repository's own policy, if a central one delegates and the decision used it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub own_policy: Option<PolicyRecord>,
    /// Server that decided, as `HOST[:PORT]`, if it was not this program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<String>,
    /// Missing value that the decision assumed: `base`. Never set in a job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assumed: Option<&'static str>,
    /// Maximum number of rules in each trace, if the JSON has not all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_limit: Option<usize>,
    /// Line of the error in an invalid policy.
    #[serde(skip)]
    pub invalid_at: Option<u32>,
    /// What to do, in one or two sentences.
    #[serde(skip)]
    pub advice: Option<&'static str>,
}

/// Returns at most `max` rules of a trace, in its order: the first ones and the one that granted or is nearest to a
/// match, wherever it stands.
pub fn shown_rules(
    permission: &PermissionDecision,
    max: usize,
) -> impl Iterator<Item = &TracedRule> {
    let nearest = permission.nearest.as_ref().map(|nearest| &nearest.rule);
    let decisive = permission.rule.as_ref().or(nearest);
    let trace = &permission.trace;
    let decisive = trace.iter().position(|one| Some(&one.rule) == decisive);
    let last = max.saturating_sub(1);
    let others = trace.iter().take(last);
    others
        .chain(trace.get(decisive.unwrap_or(last).max(last)))
        .take(max)
}

/// Identity of a policy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PolicyRecord {
    /// Source, as in the input.
    pub source: String,
    /// SHA-256 of its bytes in hexadecimal.
    pub sha256: String,
    /// Repository of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// Ref of the file; absent for the default branch.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Commit of the ref, if the response arrived in time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Git blob SHA.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blob: Option<String>,
    /// Path, for messages and annotations.
    #[serde(skip)]
    pub file: String,
    /// Whether the API served it from the job's repository.
    #[serde(skip)]
    pub is_own: bool,
}

impl PolicyRecord {
    /// Describes the origin of the policy with its identifiers.
    pub fn provenance(&self) -> Vec<(&'static str, &str)> {
        let mut parts = vec![("", self.source.as_str())];
        if self.repository.is_some() && self.reference.is_none() {
            parts.push(("at the", "default branch"));
        }
        let named = [
            ("repository", &self.repository),
            ("commit", &self.commit),
            ("blob", &self.blob),
        ];
        let named = named.into_iter();
        parts.extend(named.filter_map(|(name, value)| Some((name, value.as_deref()?))));
        parts
    }
}

/// An error with its reason code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Reason code.
    pub reason: Reason,
    /// Description and advice.
    pub message: String,
    /// The message without text of the policy, if it differs.
    pub redacted: Option<String>,
    /// Line of the policy, if the error has one.
    pub line: Option<u32>,
    /// Origin of the policy that is not valid, if no decision rests on it.
    pub policy: Option<Box<PolicyRecord>>,
    /// Advice, if the cause is known more precisely than by the reason.
    pub advice: Option<&'static str>,
}

impl Failure {
    /// Creates an error whose message contains no text of the policy.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            redacted: None,
            line: None,
            policy: None,
            advice: None,
        }
    }

    /// Replaces the advice for the reason.
    pub fn advising(self, advice: &'static str) -> Self {
        Self {
            advice: Some(advice),
            ..self
        }
    }

    /// Creates the error of an invalid policy.
    pub fn invalid_policy(file: &str, invalid: &engine::policy::Invalid) -> Self {
        let position = invalid.first().position;
        let message = format!("the policy {} is not valid: {invalid}", quoted(file));
        Self {
            redacted: Some(format!("the policy is not valid at {position}")),
            line: Some(position.line),
            ..Self::new(Reason::PolicyInvalid, message)
        }
    }
}

impl<'a> Outcome<'a> {
    /// Creates the outcome of a decision.
    pub fn decided(
        permissions: Vec<PermissionDecision>,
        context: &'a Context,
        policy: impl Into<Option<PolicyRecord>>,
        detail: Detail,
    ) -> Self {
        let first_denied = permissions
            .iter()
            .find(|permission| permission.decision != Decision::Allowed);
        let reason = match first_denied {
            Some(permission) => permission.reason,
            // Without a permission, nothing is granted. The inputs prevent this.
            None if permissions.is_empty() => Reason::Internal,
            None => Reason::Granted,
        };
        let sentences = permissions.iter().filter(|permission| {
            first_denied.is_none() || permission.decision != Decision::Allowed
        });
        let sentences: Vec<_> = sentences
            .map(|one| sentence(one, context, detail))
            .collect();
        Self {
            decision: reason.decision(),
            reason,
            status: reason.status(),
            message: printable(sentences.join("; ")),
            permissions,
            context: Some(context),
            policy: policy.into(),
            own_policy: None,
            decided_by: None,
            assumed: (context.base == Base::Assumed).then_some("base"),
            trace_limit: None,
            invalid_at: None,
            advice: advice(reason),
        }
    }

    /// Creates the outcome of an error.
    pub fn failed(
        failure: &Failure,
        context: Option<&'a Context>,
        policy: Option<PolicyRecord>,
        detail: Detail,
    ) -> Self {
        let message = match &failure.redacted {
            Some(redacted) if detail < Detail::Full => redacted.clone(),
            _ => failure.message.clone(),
        };
        Self {
            decision: Decision::Error,
            reason: failure.reason,
            status: failure.reason.status(),
            message: printable(message),
            permissions: Vec::new(),
            context,
            policy,
            own_policy: None,
            decided_by: None,
            assumed: None,
            trace_limit: None,
            invalid_at: failure.line,
            advice: failure.advice.or_else(|| advice(failure.reason)),
        }
    }

    /// Says in the message and in each report that a server decided.
    pub fn decided_by(mut self, host: &str) -> Self {
        self.message = printable(decided_by(host, &self.message));
        self.decided_by = Some(host.to_owned());
        self
    }

    /// Says in the message that rules at the top of the policy did not count, if they name a denied permission.
    pub(crate) fn leaving_out(self, left_out: Option<TopIsLeftOut<'_>>) -> Self {
        let mut denied = self.permissions.iter();
        let names = |top: &TopIsLeftOut<'_>| {
            denied.any(|one| one.decision != Decision::Allowed && top.names(&one.permission))
        };
        match left_out.filter(names) {
            Some(left_out) => self.noting(&left_out.why()),
            None => self,
        }
    }

    /// Adds a note to the message.
    pub fn noting(mut self, note: &str) -> Self {
        self.message = printable(format!("{}; {note}", self.message));
        self
    }

    /// Says in the message which entry of the policy was probably meant, if none applies to the repository.
    pub(crate) fn naming_entry(mut self, policy: Option<&Policy>) -> Self {
        let repository = self.context.and_then(|one| one.repository.as_deref());
        if let (Reason::RepositoryNotFound, Some(policy), Some(repository)) =
            (self.reason, policy, repository)
            && let Some((line, hint)) = meant_entry(policy, repository)
        {
            self.message = printable(format!("{}; at line {line}, {hint}", self.message));
        }
        self
    }

    /// Returns a sentence with the server that decided, if one did. It stands first, where nothing cuts it off.
    pub(crate) fn attributed(&self, sentence: String) -> String {
        match &self.decided_by {
            Some(host) => decided_by(host, &sentence),
            None => sentence,
        }
    }

    /// Removes the parts of the policy that `detail` does not allow. Trace and nearest miss need
    /// [`Detail::Full`]; the rule's line needs [`Detail::Reason`].
    pub fn redacted(mut self, detail: Detail) -> Self {
        if detail == Detail::Full {
            return self;
        }
        for permission in &mut self.permissions {
            permission.trace.clear();
            permission.nearest = None;
            match (&mut permission.rule, detail) {
                (Some(rule), Detail::Reason) => rule.name = None,
                (rule, _) => *rule = None,
            }
        }
        self
    }

    /// Returns `FILE:LINE` of each granting rule, separated by `, `.
    pub fn rule(&self) -> String {
        let rules = self
            .permissions
            .iter()
            .filter_map(|permission| permission.rule.as_ref());
        let locations: Vec<_> = rules
            .map(|rule| format!("{}:{}", self.file(rule.own_policy), rule.line))
            .collect();
        locations.join(", ")
    }

    /// Returns the file of the policy, or of the repository's own one.
    pub fn file(&self, own_policy: bool) -> &str {
        let policy = match own_policy {
            true => &self.own_policy,
            false => &self.policy,
        };
        policy.as_ref().map_or("policy", |policy| &policy.file)
    }

    /// Returns the JSON. If its traces make it larger than `max` bytes, returns it with a part of each, and the number
    /// of rules in a part.
    pub fn to_json_within(&self, max: usize) -> String {
        let mut json = self.to_json();
        if json.len() <= max {
            return json;
        }
        let mut short = self.clone();
        for limit in TRACE_LIMITS {
            for permission in &mut short.permissions {
                permission.trace = shown_rules(permission, limit).cloned().collect();
            }
            short.trace_limit = Some(limit);
            json = short.to_json();
            if json.len() <= max {
                break;
            }
        }
        json
    }

    /// Returns the JSON in one line.
    pub fn to_json(&self) -> String {
        // Serializing strings and numbers cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}

fn decided_by(host: &str, sentence: &str) -> String {
    format!("decided by {host}: {sentence}")
}

/// Escapes and truncates a sentence, because names, patterns and values can have any length and characters.
fn printable(sentence: String) -> String {
    truncate(&visible(&sentence), MAX_MESSAGE).into_owned()
}

/// Returns the decision on a permission as a sentence.
fn sentence(permission: &PermissionDecision, context: &Context, detail: Detail) -> String {
    let key = &permission.permission;
    if detail == Detail::None {
        return match permission.decision {
            Decision::Allowed => format!("`{key}` is allowed"),
            _ => format!("`{key}` is denied"),
        };
    }
    let why = why(permission, context, detail);
    let decision = permission.decision.as_str();
    format!("`{key}` is {decision}: {why}")
}

/// Returns why a decision is as it is. The words depend on how much of the policy a report may show.
fn why(permission: &PermissionDecision, context: &Context, detail: Detail) -> String {
    let repository = context.repository.as_deref();
    let repository = repository.map_or("this repository".into(), quoted);
    let nearest = (detail == Detail::Full)
        .then(|| nearest_miss(permission))
        .flatten();
    match permission.reason {
        Reason::Granted => matching_rule(permission, detail),
        Reason::RepositoryNotFound => format!("the policy has no entry for {repository}"),
        Reason::RepositoryIdMismatch if context.repository_id.is_none() => {
            format!("the policy pins the id of {repository}, and no repository id is known here")
        }
        Reason::RepositoryIdMismatch => {
            let ids = [&context.repository_id, &context.repository_owner_id];
            let ids: Vec<_> = ids.into_iter().flatten().map(String::as_str).collect();
            format!(
                "the policy names {repository}, but pins another repository or owner id than {}: \
                 the repository was renamed, transferred or re-created",
                ids.join(" and "),
            )
        }
        Reason::PermissionNotGranted if permission.delegated && !permission.by_own_policy => format!(
            "no rule of {repository} in the central policy names it, and no policy of the repository's own, to which it is \
                 delegated, was read"
        ),
        Reason::PermissionNotGranted if permission.delegated => format!(
            "no rule of {repository} names it, neither in the central policy nor in the repository's own, to which it \
             is delegated"
        ),
        Reason::PermissionNotGranted => format!("no rule of {repository} names it"),
        Reason::UntrustedEvent => nearest.unwrap_or_else(|| {
            let event = context.event.as_deref();
            let event = event.map_or("this event".into(), |event| {
                format!("the event {}", quoted(event))
            });
            format!("a rule matches but does not name {event}")
        }),
        Reason::Expired => {
            nearest.unwrap_or_else(|| "the only rules that match have expired".to_owned())
        }
        _ => nearest.unwrap_or_else(|| {
            let base = match context.base {
                Base::None => "",
                _ => ", the base of its pull request",
            };
            format!("no rule matches this job in all of workflow, branch{base}, environment, claims, event and expiry")
        }),
    }
}

/// Names the rule that matches.
fn matching_rule(permission: &PermissionDecision, detail: Detail) -> String {
    match (&permission.rule, detail) {
        (Some(rule), Detail::Full) => format!("{} matches", rule.label()),
        (Some(rule), _) if rule.own_policy => {
            format!(
                "the rule at line {} of the repository's own policy matches",
                rule.line
            )
        }
        (Some(rule), _) => format!("the rule at line {} matches", rule.line),
        (None, _) => "a rule matches".to_owned(),
    }
}
