//! One central policy, and the same policy as the experts of each peer would write it.

use std::fmt::Write as _;

use serde_json::{Value, json};

/// What one rule asks for. Absent means everything.
pub struct Rule {
    pub permissions: &'static [&'static str],
    pub workflow: Option<&'static str>,
    pub branch: Branch,
    pub environment: Option<&'static str>,
}

pub enum Branch {
    Literals(&'static [&'static str]),
    /// A name, nothing, or a text that starts with `prefix`: as a regex, the usual notation, and in the
    /// notation of engines without regexes.
    Regex {
        regex: &'static str,
        name: Option<&'static str>,
        prefix: &'static str,
    },
}

pub const PERMISSIONS: [&str; 6] = [
    "ws:deployments:create",
    "ws:affected_stacks:create",
    "ws:locks:create",
    "ws:locks:delete",
    "ws:instances:create",
    "ws:instances:update",
];

/// The rules of each repository: literals, lists, regexes, environments.
pub const RULES: [Rule; 5] = [
    Rule {
        permissions: &["ws:deployments:create"],
        workflow: Some("deploy.yml"),
        branch: Branch::Literals(&["main"]),
        environment: Some("production"),
    },
    Rule {
        permissions: &["ws:deployments:create"],
        workflow: None,
        branch: Branch::Literals(&["main", "develop"]),
        environment: Some("staging"),
    },
    Rule {
        permissions: &["ws:affected_stacks:create"],
        workflow: None,
        branch: Branch::Regex {
            regex: "feature/.*",
            name: None,
            prefix: "feature/",
        },
        environment: None,
    },
    Rule {
        permissions: &["ws:locks:create", "ws:locks:delete"],
        workflow: None,
        branch: Branch::Regex {
            regex: "main|hotfix/.*",
            name: Some("main"),
            prefix: "hotfix/",
        },
        environment: None,
    },
    Rule {
        permissions: &["ws:instances:update"],
        workflow: Some("drift.yml"),
        branch: Branch::Literals(&["main"]),
        environment: None,
    },
];

/// The last entry is for all repositories whose name starts so.
pub const LIBRARIES: &str = "acme/lib-";

/// The policy with `rules` rules: five for each repository, the last five for the libraries.
#[derive(Clone, Copy)]
pub struct Policy {
    pub rules: usize,
}

enum Repository {
    Name(String),
    Libraries,
}

impl Policy {
    pub fn named_repositories(self) -> usize {
        self.rules / RULES.len() - 1
    }

    fn repositories(self) -> impl Iterator<Item = Repository> {
        let names = (0..self.named_repositories()).map(|n| Repository::Name(name(n)));
        names.chain([Repository::Libraries])
    }

    pub fn yaml(self) -> String {
        let mut text = "version: 1\nrepositories:\n".to_owned();
        for repository in self.repositories() {
            _ = match repository {
                Repository::Name(name) => writeln!(text, "- repository: {name}"),
                Repository::Libraries => {
                    writeln!(text, "- repository: {{ glob: \"{LIBRARIES}*\" }}")
                }
            };
            text += "  permissions:\n";
            for rule in &RULES {
                _ = match rule.permissions {
                    [one] => writeln!(text, "  - permission: {one}"),
                    several => writeln!(text, "  - permission: [{}]", several.join(", ")),
                };
                if let Some(workflow) = rule.workflow {
                    _ = writeln!(text, "    workflow: {workflow}");
                }
                _ = match &rule.branch {
                    Branch::Literals([one]) => writeln!(text, "    branch: {one}"),
                    Branch::Literals(several) => {
                        writeln!(text, "    branch: [{}]", several.join(", "))
                    }
                    Branch::Regex { regex, .. } => writeln!(text, "    branch: {regex}"),
                };
                if let Some(environment) = rule.environment {
                    _ = writeln!(text, "    environment: {environment}");
                }
            }
        }
        text
    }

    pub fn json(self) -> String {
        let one_or_list = |list: &[&str]| match list {
            [one] => json!(one),
            several => json!(several),
        };
        let rules = RULES.iter().map(|rule| {
            let mut written = json!({ "permission": one_or_list(rule.permissions) });
            if let Some(workflow) = rule.workflow {
                written["workflow"] = json!(workflow);
            }
            written["branch"] = match &rule.branch {
                Branch::Literals(list) => one_or_list(list),
                Branch::Regex { regex, .. } => json!(regex),
            };
            if let Some(environment) = rule.environment {
                written["environment"] = json!(environment);
            }
            written
        });
        let rules = Value::from_iter(rules);
        let entries = self.repositories().map(|repository| {
            let repository = match repository {
                Repository::Name(name) => json!(name),
                Repository::Libraries => json!({ "glob": format!("{LIBRARIES}*") }),
            };
            json!({ "repository": repository, "permissions": rules })
        });
        json!({ "version": 1, "repositories": Value::from_iter(entries) }).to_string()
    }

    /// One `permit` a rule: action and resource in the head, the rest as conditions. Cedar has no
    /// regexes; `like` is all that these need.
    pub fn cedar(self) -> String {
        let mut text = String::new();
        for repository in self.repositories() {
            for rule in &RULES {
                let mut conditions = Vec::new();
                text += "permit (principal, ";
                match rule.permissions {
                    [one] => _ = write!(text, "action == Action::\"{one}\", "),
                    several => {
                        let list: Vec<_> = several
                            .iter()
                            .map(|one| format!("Action::\"{one}\""))
                            .collect();
                        _ = write!(text, "action in [{}], ", list.join(", "));
                    }
                }
                match &repository {
                    Repository::Name(name) => {
                        _ = write!(text, "resource == Repository::\"{name}\")")
                    }
                    Repository::Libraries => {
                        text += "resource)";
                        conditions.push(format!("context.repository like \"{LIBRARIES}*\""));
                    }
                }
                if let Some(workflow) = rule.workflow {
                    conditions.push(format!("context.workflow == \"{workflow}\""));
                }
                conditions.push(match &rule.branch {
                    Branch::Literals([one]) => format!("context.branch == \"{one}\""),
                    Branch::Literals(several) => format!("{several:?}.contains(context.branch)"),
                    Branch::Regex { name, prefix, .. } => {
                        let name = name.map(|name| format!("context.branch == \"{name}\" || "));
                        let name = name.unwrap_or_default();
                        format!("({name}context.branch like \"{prefix}*\")")
                    }
                });
                if let Some(environment) = rule.environment {
                    conditions.push(format!(
                        "context has environment && context.environment == \"{environment}\""
                    ));
                }
                _ = writeln!(text, " when {{ {} }};", conditions.join(" && "));
            }
        }
        text
    }

    /// Data for [`REGO`]: rules by repository and permission, those of the libraries apart.
    pub fn rego_data(self) -> Value {
        let mut by_permission = json!({});
        for rule in &RULES {
            let mut written = json!({});
            if let Some(workflow) = rule.workflow {
                written["workflow"] = json!(workflow);
            }
            match &rule.branch {
                Branch::Literals(list) => written["branches"] = json!(list),
                Branch::Regex { regex, .. } => {
                    written["branch_regex"] = json!(format!("^(?:{regex})$"))
                }
            }
            if let Some(environment) = rule.environment {
                written["environment"] = json!(environment);
            }
            for permission in rule.permissions {
                match &mut by_permission[permission] {
                    Value::Array(rules) => rules.push(written.clone()),
                    none => *none = json!([written]),
                }
            }
        }
        let named = (0..self.named_repositories()).map(|n| (name(n), by_permission.clone()));
        json!({
            "repositories": Value::from_iter(named),
            "patterns": [{ "repository": format!("^{LIBRARIES}[^/]*$"), "permissions": by_permission }],
        })
    }

    /// One line a rule, for [`CASBIN`]; a pattern is a regex that is anchored.
    pub fn casbin(self) -> String {
        let mut text = String::new();
        for repository in self.repositories() {
            let repository = match repository {
                Repository::Name(name) => name,
                Repository::Libraries => format!("{LIBRARIES}*"),
            };
            for rule in &RULES {
                let branch = match &rule.branch {
                    Branch::Literals(list) => format!("^({})$", list.join("|")),
                    Branch::Regex { regex, .. } => format!("^({regex})$"),
                };
                for permission in rule.permissions {
                    _ = writeln!(
                        text,
                        "p, {repository}, {permission}, {}, {branch}, {}",
                        rule.workflow.unwrap_or("*"),
                        rule.environment.unwrap_or("*"),
                    );
                }
            }
        }
        text
    }
}

pub fn name(number: usize) -> String {
    format!("acme/service-{number}")
}

/// Rules by repository and permission are looked up, as Rego's own guide to performance says.
pub const REGO: &str = r#"
package gate

default allow := false

allow if {
    some rule in data.repositories[input.repository][input.permission]
    grants(rule)
}

allow if {
    some entry in data.patterns
    regex.match(entry.repository, input.repository)
    some rule in entry.permissions[input.permission]
    grants(rule)
}

grants(rule) if {
    workflow(rule)
    environment(rule)
    branch(rule)
}

workflow(rule) if not rule.workflow

workflow(rule) if rule.workflow == input.workflow

environment(rule) if not rule.environment

environment(rule) if rule.environment == input.environment

branch(rule) if input.branch in rule.branches

branch(rule) if regex.match(rule.branch_regex, input.branch)
"#;

/// The cheapest comparison that tells most apart stands first.
pub const CASBIN: &str = r#"
[request_definition]
r = repository, permission, workflow, branch, environment

[policy_definition]
p = repository, permission, workflow, branch, environment

[policy_effect]
e = some(where (p.eft == allow))

[matchers]
m = r.permission == p.permission && keyMatch(r.repository, p.repository) && (p.workflow == "*" || r.workflow == p.workflow) && (p.environment == "*" || r.environment == p.environment) && regexMatch(r.branch, p.branch)
"#;
