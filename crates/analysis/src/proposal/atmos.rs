//! Commands and actions of Atmos and Atmos Pro, and the permissions that they need.
//!
//! Source: github.com/cloudposse/atmos (`pkg/pro`), and the `action.yml` of Cloud Posse's actions.

use crate::workflows::{Job, Step};

/// What a step does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// It calls Atmos Pro, which requires this permission.
    Needs {
        key: &'static str,
        /// The command or the action.
        seen: String,
    },
    /// It plans a change.
    Plans {
        /// The command or the action.
        seen: String,
    },
    /// It calls Atmos Pro in a way whose permission is not public.
    Unknown {
        /// The command or the action.
        seen: String,
    },
}

/// Commands: words of one line in this order, and the permission that Atmos Pro requires.
const COMMANDS: [(&[&str], &str); 5] = [
    (
        &["atmos", "describe", "affected", "--upload"],
        "ws:affected_stacks:create",
    ),
    (
        &["atmos", "list", "instances", "--upload"],
        "ws:instances:create",
    ),
    (&["atmos", "--upload-status"], "ws:instances:update"),
    (&["atmos", "pro", "lock"], "ws:locks:create"),
    (&["atmos", "pro", "unlock"], "ws:locks:delete"),
];
/// Commands that plan a change.
const PLANS: [&[&str]; 5] = [
    &["atmos", "terraform", "plan"],
    &["atmos", "describe", "affected"],
    &["terraform", "plan"],
    &["tofu", "plan"],
    &["terragrunt", "plan"],
];
/// Actions: the last part of the name, the input that makes it call Atmos Pro, and the permission.
const ACTIONS: [(&str, &str, &str); 3] = [
    (
        "github-action-atmos-affected-stacks",
        "atmos-pro-upload",
        "ws:affected_stacks:create",
    ),
    (
        "github-action-atmos-terraform-plan",
        "atmos-pro-upload-status",
        "ws:instances:update",
    ),
    (
        "github-action-atmos-terraform-apply",
        "atmos-pro-upload-status",
        "ws:instances:update",
    ),
];
/// Actions that plan a change.
const PLANNING: [&str; 2] = [
    "github-action-atmos-affected-stacks",
    "github-action-atmos-terraform-plan",
];

/// Start of the names of Atmos Pro's variables, such as its workspace's.
const VARIABLES: &str = "ATMOS_PRO_";

/// Returns a variable of Atmos Pro that a job sets or uses.
pub(super) fn variable(job: &Job) -> Option<&str> {
    let env = job
        .env
        .iter()
        .chain(job.steps.iter().flat_map(|step| &step.env));
    let with = job.steps.iter().flat_map(|step| &step.with);
    let pairs = env.chain(with).flat_map(|(name, value)| [name, value]);
    let mut texts = pairs.chain(job.steps.iter().filter_map(|step| step.run.as_ref()));
    texts.find_map(|text| {
        let name = text.get(text.find(VARIABLES)?..)?;
        let is_end = |c: char| !c.is_ascii_alphanumeric() && c != '_';
        name.split(is_end).next()
    })
}

/// Whether a job calls Atmos Pro, or has its variables.
pub(super) fn calls_atmos_pro(job: &Job) -> bool {
    let mut uses = job.steps.iter().flat_map(uses);
    uses.any(|found| !matches!(found, Use::Plans { .. })) || variable(job).is_some()
}

/// Returns what a step does, once for each permission.
pub(super) fn uses(step: &Step) -> Vec<Use> {
    let mut uses = Vec::new();
    let run = step.run.as_deref().unwrap_or_default().replace("\\\n", " ");
    for line in run
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with('#'))
    {
        let found = COMMANDS.iter().filter(|(words, _)| has(line, words));
        let mut found: Vec<_> = found
            .map(|(words, key)| Use::Needs {
                key,
                seen: format!("`{}`", words.join(" ")),
            })
            .collect();
        if found.is_empty()
            && has(line, &["atmos", "pro"])
            && !has(line, &["atmos", "pro", "--help"])
        {
            let after = words(line).skip_while(|word| *word != "pro").nth(1);
            let seen = format!("`atmos pro {}`", after.unwrap_or_default());
            found.push(Use::Unknown { seen });
        }
        if found.is_empty() {
            let planned = PLANS.iter().find(|words| has(line, words));
            found.extend(planned.map(|words| Use::Plans {
                seen: format!("`{}`", words.join(" ")),
            }));
        }
        uses.append(&mut found);
    }
    uses.extend(of_action(step));
    let mut distinct: Vec<Use> = Vec::new();
    for found in uses {
        if !distinct.contains(&found) {
            distinct.push(found);
        }
    }
    distinct
}

fn of_action(step: &Step) -> Option<Use> {
    let uses = step.uses.as_deref()?;
    let path = uses.split('@').next().unwrap_or(uses);
    let name = path.rsplit('/').next().unwrap_or(path);
    let is = |known: &str| known.eq_ignore_ascii_case(name);
    let uploading = ACTIONS.iter().find(|(action, ..)| is(action));
    let given = uploading.and_then(|(_, input, key)| Some((input, key, step.input(input)?)));
    match given {
        Some((input, key, value)) if value != "false" => Some(Use::Needs {
            key,
            seen: format!("`{name}` with `{input}`"),
        }),
        _ if PLANNING.iter().any(|action| is(action)) => Some(Use::Plans {
            seen: format!("`{name}`"),
        }),
        _ => None,
    }
}

/// Returns the words of a line of a shell, without what stands between commands and without quotes.
fn words(line: &str) -> impl Iterator<Item = &str> {
    let is_between = |c: char| c.is_whitespace() || ";&|()<>`".contains(c);
    let words = line
        .split(is_between)
        .map(|word| word.trim_matches(['"', '\'']));
    words.filter(|word| !word.is_empty())
}

/// Whether a line contains all these words in this order.
fn has(line: &str, wanted: &[&str]) -> bool {
    let mut line = words(line);
    wanted.iter().all(|word| {
        line.any(|seen| {
            let value = seen.strip_prefix(word).unwrap_or("-");
            // A program can have a path in front of it, and an option a value.
            seen == *word || seen.ends_with(&format!("/{word}")) || value == "=true"
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workflows::Workflow;

    fn of(step: &str) -> Vec<Use> {
        let step = step.replace('\n', "\n        ");
        let text = format!("on: push\njobs:\n  a:\n    steps:\n      - {step}\n");
        let workflow = Workflow::parse("a.yml", &text).unwrap();
        uses(&workflow.jobs[0].steps[0])
    }

    #[test]
    fn variables_of_atmos_pro_are_seen_wherever_they_stand() {
        let env = "env: {ATMOS_PRO_WORKSPACE_ID: ws_1}";
        let of_vars = "'${{ vars.ATMOS_PRO_WORKSPACE_ID }}'";
        for (file, job, step, expected) in [
            (env, "", "run: make", Some("ATMOS_PRO_WORKSPACE_ID")),
            ("", env, "run: make", Some("ATMOS_PRO_WORKSPACE_ID")),
            (
                "",
                "",
                "{run: make, env: {ATMOS_PRO_WORKSPACE_ID: ws_1}}",
                Some("ATMOS_PRO_WORKSPACE_ID"),
            ),
            (
                "",
                "",
                &format!("{{uses: a/b@v1, with: {{workspace: {of_vars}}}}}"),
                Some("ATMOS_PRO_WORKSPACE_ID"),
            ),
            (
                "",
                "",
                "run: ATMOS_PRO_BASE_URL=https://x make",
                Some("ATMOS_PRO_BASE_URL"),
            ),
            (
                "env: {ATMOS_PROFILE: ci}",
                "env: ''",
                "{run: make, env: }",
                None,
            ),
        ] {
            let text = format!("on: push\n{file}\njobs:\n  a:\n    {job}\n    steps: [{step}]\n");
            let workflow = Workflow::parse("a.yml", &text).unwrap();
            assert_eq!(variable(&workflow.jobs[0]), expected, "{text}");
        }
    }

    #[test]
    fn commands_and_actions_show_what_they_need() {
        let needs = |key, seen: &str| {
            vec![Use::Needs {
                key,
                seen: seen.to_owned(),
            }]
        };
        let plans = |seen: &str| {
            vec![Use::Plans {
                seen: seen.to_owned(),
            }]
        };
        for (step, expected) in [
            ("run: atmos validate stacks", vec![]),
            ("run: '# atmos pro lock'", vec![]),
            ("run: atmos auth login", vec![]),
            (
                "run: |\n  atmos describe affected \\\n    --upload",
                needs(
                    "ws:affected_stacks:create",
                    "`atmos describe affected --upload`",
                ),
            ),
            (
                "run: atmos describe affected",
                plans("`atmos describe affected`"),
            ),
            (
                "run: /usr/bin/atmos list instances --upload=true",
                needs("ws:instances:create", "`atmos list instances --upload`"),
            ),
            (
                "run: atmos terraform deploy x -s y --upload-status",
                needs("ws:instances:update", "`atmos --upload-status`"),
            ),
            (
                "run: atmos pro unlock -s x",
                needs("ws:locks:delete", "`atmos pro unlock`"),
            ),
            (
                "run: atmos pro commit",
                vec![Use::Unknown {
                    seen: "`atmos pro commit`".to_owned(),
                }],
            ),
            ("run: terraform plan; x", plans("`terraform plan`")),
            (
                "run: if ! \"atmos\" pro lock; then exit 1; fi",
                needs("ws:locks:create", "`atmos pro lock`"),
            ),
            (
                "run: x=$(atmos pro unlock)|tee y",
                needs("ws:locks:delete", "`atmos pro unlock`"),
            ),
            (
                "run: '(atmos list instances --upload; x)&'",
                needs("ws:instances:create", "`atmos list instances --upload`"),
            ),
            (
                "run: atmos terraform plan vpc -s ${{ inputs.a || 'b' }} --upload-status; x",
                needs("ws:instances:update", "`atmos --upload-status`"),
            ),
            ("run: terraform plan", plans("`terraform plan`")),
            ("run: terraform apply", vec![]),
            (
                "uses: cloudposse/github-action-atmos-affected-stacks@v6\nwith: {atmos-pro-upload: true}",
                needs(
                    "ws:affected_stacks:create",
                    "`github-action-atmos-affected-stacks` with `atmos-pro-upload`",
                ),
            ),
            (
                "uses: Cloudposse/GitHub-Action-Atmos-Terraform-Plan@v5\nwith: {Atmos-Pro-Upload-Status: 'true'}",
                needs(
                    "ws:instances:update",
                    "`GitHub-Action-Atmos-Terraform-Plan` with `atmos-pro-upload-status`",
                ),
            ),
            (
                "uses: cloudposse/github-action-atmos-terraform-plan@v5",
                plans("`github-action-atmos-terraform-plan`"),
            ),
        ] {
            assert_eq!(of(step), expected, "{step}");
        }
    }
}
