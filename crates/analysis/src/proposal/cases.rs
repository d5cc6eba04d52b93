//! Test cases for a proposed policy: for each rule one that it grants and at least one that it denies.
//!
//! Every case is run on the policy before it is written, and only those that pass are written.

use std::collections::HashMap;

use jiff::Timestamp;

use super::model::{Ids, Proposal, Target};
use super::rule::{Filter, ProposedRule};
use super::text::SCHEMAS;
use super::yaml::{comment, member, scalar};
use engine::context::{Base, Context};
use engine::decision::{Decision, Engine, Policies, Provenance, Question, decide};
use engine::policy::{Entry, Format, KNOWN_KEYS, Patterns, PermissionKey, Policy, Rule};

/// A test case.
struct Case {
    name: String,
    permissions: Vec<String>,
    context: Context,
    expect: &'static str,
}

impl Proposal {
    /// Returns the text of the test file for the policy text `policy`, which stands in `file` beside it.
    pub fn cases(&self, target: &Target, file: &str, policy: &str) -> String {
        let mut text = format!(
            "# yaml-language-server: $schema={SCHEMAS}repo-permissions-tests.schema.json\n#\n"
        );
        comment(
            &mut text,
            0,
            "What the policy should allow and deny. `repo-permissions test` runs these cases and shows which ones a change to the policy affects.",
        );
        text.push_str(&format!("policy: {}\n\ntests:\n", scalar(file)));
        let policy = Policy::parse(policy, Format::Yaml).unwrap_or_default();
        let mut engines: HashMap<Option<String>, Engine> = HashMap::new();
        let mut first = true;
        for case in self.all(target) {
            let workflow = case.context.workflow.clone();
            let engine = engines.entry(workflow);
            let engine = engine.or_insert_with_key(|workflow| {
                Engine::new(for_workflow(&policy, workflow.as_deref()))
            });
            if !case.has_passed(engine) {
                continue;
            }
            if !std::mem::take(&mut first) {
                text.push('\n');
            }
            case.write(&mut text);
        }
        text
    }

    fn all(&self, target: &Target) -> Vec<Case> {
        let base = base(target);
        let mut cases: Vec<_> = self
            .rules
            .iter()
            .flat_map(|rule| of_rule(rule, &base))
            .collect();
        // A policy without rules gets a case too: a test file must have at least one.
        let (permissions, context) = match cases.first() {
            Some(case) => (case.permissions.clone(), case.context.clone()),
            None => {
                let known = KNOWN_KEYS.get(1).or(KNOWN_KEYS.first());
                let known = known.map(|(key, _)| (*key).to_owned());
                let context = Context {
                    branch: Some("main".to_owned()),
                    event: Some("push".to_owned()),
                    ..base
                };
                (known.into_iter().collect(), context)
            }
        };
        if let Target::Entry { ids: Ok(ids), .. } = target {
            let other = ids.repository.checked_add(1).unwrap_or(1);
            cases.push(Case {
                name: "another repository that takes over the name is denied".to_owned(),
                permissions: permissions.clone(),
                context: Context {
                    repository_id: Some(other.to_string()),
                    ..context.clone()
                },
                expect: "repository_id_mismatch",
            });
        }
        cases.push(Case {
            name: "another workflow file is denied".to_owned(),
            permissions,
            context: Context {
                workflow: Some("another-workflow.yml".to_owned()),
                ..context
            },
            expect: "denied",
        });
        cases
    }
}

/// Returns the policy without the rules that name only other workflow files: for a job of this file it decides
/// as the whole one, and in less time.
fn for_workflow(policy: &Policy, workflow: Option<&str>) -> Policy {
    let concerns = |rule: &&Rule| {
        let names = rule.workflow.as_ref().and_then(Patterns::names);
        names.is_none_or(|mut names| names.any(|name| Some(&**name) == workflow))
    };
    let concerning = |rules: &[Rule]| rules.iter().filter(concerns).cloned().collect();
    Policy {
        permissions: policy.permissions.as_deref().map(concerning),
        repositories: policy.repositories.as_ref().map(|(position, entries)| {
            let entries = entries.iter().map(|entry| Entry {
                permissions: concerning(&entry.permissions),
                ..entry.clone()
            });
            (*position, entries.collect())
        }),
        ..policy.clone()
    }
}

fn base(target: &Target) -> Context {
    let mut context = Context::default();
    if let Target::Entry { repository, ids } = target {
        context.repository = Some(repository.to_string());
        if let Ok(Ids { repository, owner }) = ids {
            context.repository_id = Some(repository.to_string());
            context.repository_owner_id = Some(owner.to_string());
        }
    }
    context
}

fn of_rule(rule: &ProposedRule, base: &Context) -> Vec<Case> {
    let Some(branch) = rule.branches.first().map(sample) else {
        return Vec::new();
    };
    let into = rule.bases.first().map(sample);
    let of_fork = matches!(rule.branches.first(), Some(Filter::Regex(_)));
    let (other, why) = if of_fork {
        (format!("octocat:{branch}"), "is denied from a fork")
    } else {
        ("another-branch".to_owned(), "is denied from another branch")
    };
    let context = Context {
        workflow: rule.workflows.first().cloned(),
        branch: Some(branch),
        environment: rule.environments.first().cloned(),
        event: rule.events.first().cloned(),
        base: into.clone().map_or(Base::None, Base::Branch),
        ..base.clone()
    };
    let denied = Context {
        branch: Some(other),
        ..context.clone()
    };
    let case = |end: &str, context, expect| Case {
        name: format!("{} {end}", rule.name),
        permissions: rule.permissions.clone(),
        context,
        expect,
    };
    let elsewhere = into.map(|_| Context {
        base: Base::Branch("another-branch".to_owned()),
        ..context.clone()
    });
    let elsewhere = elsewhere.map(|into| case("is denied into another branch", into, "denied"));
    let cases = [
        case("is allowed", context, "allowed"),
        case(why, denied, "denied"),
    ];
    cases.into_iter().chain(elsewhere).collect()
}

impl Case {
    /// Whether the policy decides as the case expects. The time does not matter: no rule has an expiry.
    fn has_passed(&self, policy: &Engine) -> bool {
        let keys = self.permissions.iter();
        let keys: Vec<_> = keys
            .filter_map(|key| PermissionKey::parse(key.into()).ok())
            .collect();
        let question = Question {
            permissions: &keys,
            context: &self.context,
            now: Timestamp::UNIX_EPOCH,
            has_time: &|| true,
        };
        let Ok(decided) = decide(Policies::one(policy, Provenance::Offline), question) else {
            return false;
        };
        let denied = decided
            .iter()
            .find(|permission| permission.decision != Decision::Allowed);
        match (self.expect, denied) {
            ("allowed", denied) => denied.is_none(),
            ("denied", denied) => denied.is_some(),
            (reason, denied) => denied.is_some_and(|denied| denied.reason.code() == reason),
        }
    }

    fn write(&self, text: &mut String) {
        text.push_str(&format!("  - name: {}\n", scalar(&self.name)));
        let keys: Vec<_> = self.permissions.iter().map(|key| scalar(key)).collect();
        member(text, 4, "permission", &keys);
        text.push_str("    context:\n");
        let context = &self.context;
        // A test file has the ids as numbers.
        for (key, value) in [
            ("repository_id", &context.repository_id),
            ("owner_id", &context.repository_owner_id),
        ] {
            if let Some(value) = value {
                text.push_str(&format!("      {key}: {value}\n"));
            }
        }
        for (key, value) in [
            ("repository", context.repository.as_deref()),
            ("workflow", context.workflow.as_deref()),
            ("branch", context.branch.as_deref()),
            ("base", context.base.branch()),
            ("environment", context.environment.as_deref()),
            ("event", context.event.as_deref()),
        ] {
            if let Some(value) = value {
                text.push_str(&format!("      {key}: {}\n", scalar(value)));
            }
        }
        text.push_str(&format!("    expect: {}\n", self.expect));
    }
}

/// Returns a value that the pattern probably matches.
fn sample(filter: &Filter) -> String {
    let glob = match filter {
        Filter::Exact(text) => return text.clone(),
        Filter::Regex(_) => return "feature/example".to_owned(),
        Filter::Glob(glob) => glob,
    };
    let mut value = String::new();
    let mut chars = glob.chars();
    while let Some(c) = chars.next() {
        match c {
            '*' if value.ends_with('x') => {}
            '*' => value.push('x'),
            '?' | '+' => {}
            '\\' => value.extend(chars.next()),
            '[' => {
                value.extend(chars.next());
                chars.by_ref().find(|c| *c == ']');
            }
            c => value.push(c),
        }
    }
    value
}
