//! What `action.yml` and the examples say, against the contract and the program.

use std::path::PathBuf;

use crate::support::root;
use ::engine::policy::{Format, Policy};
use granit_parser::{Event, Parser, StrInput};

/// Section 6 of the contract: each input with its default, in order.
const INPUTS: [(&str, &str); 21] = [
    ("permission", ""),
    ("policy", ".github/repo-permissions.yml"),
    ("server", ""),
    ("token", "${{ github.token }}"),
    ("app-client-id", ""),
    ("app-private-key", ""),
    ("audience", "repo-permissions"),
    ("check-run-id", "${{ job.check_run_id }}"),
    ("issuer", ""),
    ("mode", "enforce"),
    ("report", "check-run,status,summary"),
    ("check-name", ""),
    ("status-context", ""),
    ("sha", ""),
    ("detail", ""),
    ("audit-log", ""),
    ("audit-webhook", ""),
    ("audit-webhook-secret", ""),
    ("ca-bundle", ""),
    ("timeout", "60"),
    ("review", "false"),
];
const OUTPUTS: [&str; 12] = [
    "decision",
    "allowed",
    "reason",
    "message",
    "rule",
    "repository",
    "workflow",
    "branch",
    "environment",
    "policy-sha",
    "check-run-url",
    "result",
];
/// What a job with the gate grants its token, at least.
const PERMISSIONS: [(&str, &str); 4] = [
    ("id-token", "write"),
    ("contents", "read"),
    ("checks", "write"),
    ("statuses", "write"),
];
/// In a container, and native.
const ACTIONS: [&str; 2] = [
    "repo-permissions/repo-permissions@",
    "repo-permissions/repo-permissions/native@",
];

#[test]
fn both_actions_declare_the_inputs_and_outputs_of_the_contract() {
    for file in ["action.yml", "native/action.yml"] {
        let action = Node::parse(&read(file));
        let inputs: Vec<_> = action["inputs"]
            .entries()
            .iter()
            .map(|(name, input)| (name.as_str(), input.get("default").map_or("", Node::text)))
            .collect();
        assert_eq!(inputs, INPUTS, "{file}");
        let outputs: Vec<_> = action["outputs"]
            .entries()
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(outputs, OUTPUTS, "{file}");
        for (name, declared) in ["inputs", "outputs"]
            .iter()
            .flat_map(|part| action[part].entries())
        {
            assert!(!declared["description"].text().is_empty(), "{name}");
            // Not even `permission`: a step may only review.
            let required = declared
                .get("required")
                .is_some_and(|value| value.text() == "true");
            assert!(!required, "{name}");
        }
    }
}

/// What a person reads of an input does not depend on how the action is started.
#[test]
fn both_actions_describe_inputs_and_outputs_in_the_same_words() {
    let [container, native] = ["action.yml", "native/action.yml"].map(read);
    let section = |text: &str, from: &str, to: &str| {
        let (_, rest) = text.split_once(from).unwrap();
        rest.split_once(to).unwrap().0.to_owned()
    };
    let inputs = |text: &str| section(text, "\ninputs:\n", "\noutputs:\n");
    assert_eq!(inputs(&container), inputs(&native));
    let outputs = |text: &str| {
        let all = section(text, "\noutputs:\n", "\nruns:\n");
        let lines = all.lines().filter(|line| !line.starts_with("    value: "));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(outputs(&container), outputs(&native));
}

/// The runner gives the step of a composite action no inputs, and the action none of its outputs.
#[test]
fn the_native_action_hands_on_every_input_and_output() {
    let action = Node::parse(&read("native/action.yml"));
    assert_eq!(action["runs"]["using"].text(), "composite");
    let [step] = action["runs"]["steps"].items() else {
        panic!("one step is expected");
    };
    assert_eq!(step["shell"].text(), "bash");
    assert!(!step["run"].text().contains("${{"));
    let handed: Vec<_> = step["env"]
        .entries()
        .iter()
        .filter(|(name, _)| name.starts_with("INPUT_"))
        .map(|(name, value)| (name.clone(), value.text().to_owned()))
        .collect();
    let expected = INPUTS.map(|(name, _)| {
        let variable = simulator::runner::input_variable(name);
        (variable, format!("${{{{ inputs.{name} }}}}"))
    });
    assert_eq!(handed, expected);
    let id = step["id"].text();
    for (name, output) in action["outputs"].entries() {
        let expected = format!("${{{{ steps.{id}.outputs.{name} }}}}");
        assert_eq!(output["value"].text(), expected);
    }
}

#[test]
fn the_action_is_a_container_without_arguments() {
    let runs = &Node::parse(&read("action.yml"))["runs"];
    assert_eq!(runs["using"].text(), "docker");
    let image = runs["image"].text();
    assert!(
        image == "Dockerfile" || image.starts_with("docker://"),
        "{image}"
    );
    // Arguments would make the program a command line tool; inputs are variables.
    let keys: Vec<_> = runs.entries().iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["using", "image"]);
    assert!(!read("Dockerfile").lines().any(|line| {
        let line = line.to_ascii_uppercase();
        line.starts_with("USER ") || line.starts_with("WORKDIR /GITHUB")
    }));
}

#[test]
fn every_step_with_the_action_has_only_declared_inputs_and_the_whole_permissions_block() {
    let mut steps = 0;
    for (place, text) in workflows() {
        let workflow = Node::parse(&text);
        let mut here = 0;
        for (name, job) in workflow.get("jobs").map(Node::entries).unwrap_or_default() {
            let of_job = job.get("steps").map(Node::items).unwrap_or_default();
            for step in of_job
                .iter()
                .filter(|step| step.get("uses").is_some_and(is_action))
            {
                here += 1;
                let with = step.get("with").map(Node::entries).unwrap_or_default();
                for (input, _) in with {
                    let declared = INPUTS.iter().any(|(name, _)| name == input);
                    assert!(declared, "{place}, job `{name}`: no input `{input}`");
                }
                let is_given = |name| with.iter().any(|(input, _)| input == name);
                let asks = is_given("permission");
                assert!(asks || is_given("review"), "{place}, job `{name}`");
                let needed = PERMISSIONS
                    .iter()
                    .filter(|(scope, _)| asks || !matches!(*scope, "id-token" | "statuses"));
                for &(scope, level) in needed {
                    let granted = job
                        .get("permissions")
                        .and_then(|all| all.get(scope))
                        .map(Node::text);
                    assert_eq!(granted, Some(level), "{place}, job `{name}`: {scope}");
                }
            }
        }
        // None that the loop did not see, such as one under a misspelt key.
        let named = ACTIONS.map(|action| text.matches(&format!("uses: {action}")).count());
        assert_eq!(here, named.iter().sum::<usize>(), "{place}");
        steps += here;
    }
    assert!(steps >= 8, "only {steps} steps were found");
}

/// The repository uses its own action on itself: in pull requests, and before a release.
#[test]
fn the_own_workflows_give_the_action_only_inputs_that_it_has() {
    let mut steps = 0;
    for path in files(".github/workflows") {
        let place = path.display();
        let workflow = Node::parse(&std::fs::read_to_string(&path).unwrap());
        for (name, job) in workflow["jobs"].entries() {
            let of_job = job.get("steps").map(Node::items).unwrap_or_default();
            let is_own = |step: &&Node| step.get("uses").is_some_and(|uses| uses.text() == "./");
            for step in of_job.iter().filter(is_own) {
                steps += 1;
                let with = step["with"].entries();
                let is_given = |name| with.iter().any(|(input, _)| input == name);
                if is_given("permission") {
                    let permissions = &job["permissions"];
                    assert_eq!(permissions["id-token"].text(), "write", "{place}: {name}");
                } else {
                    assert!(is_given("review"), "{place}: {name}");
                }
                for (input, _) in with {
                    let declared = INPUTS.iter().any(|(declared, _)| declared == input);
                    assert!(declared, "{place}, job `{name}`: no input `{input}`");
                }
            }
        }
    }
    assert_eq!(
        steps, 5,
        "the review, and the four jobs of the release that write"
    );
}

/// Without `shell: bash` a step's shell has no `pipefail`, and what stands before a pipe cannot fail it.
#[test]
fn a_pipe_fails_when_its_first_command_does() {
    for path in files(".github/workflows") {
        let workflow = Node::parse(&std::fs::read_to_string(&path).unwrap());
        let shell = &workflow["defaults"]["run"]["shell"];
        assert_eq!(shell.text(), "bash", "{}", path.display());
    }
}

/// GitHub gives the environment to main only, and the gate is asked before anything is written.
#[test]
fn every_job_of_the_release_that_writes_is_in_its_environment_and_asks_first() {
    let workflow = Node::parse(&read(".github/workflows/release.yml"));
    assert!(workflow["permissions"].entries().is_empty());
    let mut writing = Vec::new();
    for (name, job) in workflow["jobs"].entries() {
        let permissions = job["permissions"].entries();
        if permissions.iter().all(|(_, level)| level.text() == "read") {
            continue;
        }
        writing.push(name.as_str());
        assert_eq!(job["environment"].text(), "release", "{name}");
        let condition = job["if"].text();
        assert!(
            condition.ends_with("github.ref == 'refs/heads/main'") && !condition.contains("||"),
            "{name}: {condition}"
        );
        let steps = job["steps"].items();
        assert!(is_checkout(&steps[0]["uses"]), "{name}");
        assert_eq!(steps[1]["uses"].text(), "./", "{name}");
    }
    assert_eq!(writing, ["image", "pypi", "publish", "major"]);
}

#[test]
fn every_example_policy_is_valid() {
    let policies: Vec<_> = files("examples/policies")
        .into_iter()
        .filter(|path| !path.to_str().unwrap().contains(".tests."))
        .map(|path| {
            let format = Format::of_path(path.to_str().unwrap());
            (
                path.display().to_string(),
                std::fs::read_to_string(&path).unwrap(),
                format,
            )
        })
        .collect();
    assert!(policies.len() >= 4, "only {} were found", policies.len());
    for (place, text, format) in &policies {
        let document =
            Policy::parse(text, *format).unwrap_or_else(|invalid| panic!("{place}: {invalid}"));
        let patterns = document.rules().flat_map(|rule| {
            let dimensions = [&rule.workflow, &rule.branch, &rule.environment];
            let claims = rule.claims.iter().map(|(_, patterns)| patterns);
            dimensions.into_iter().flatten().chain(claims)
        });
        let entries = document
            .repositories
            .iter()
            .flat_map(|(_, entries)| entries);
        for patterns in patterns.chain(entries.map(|entry| &entry.repository)) {
            let compiled = patterns.compile(engine::policy::CaseSensitivity::Sensitive);
            assert!(compiled.is_ok(), "{place}: {compiled:?}");
        }
    }
}

#[test]
fn the_two_central_policies_say_the_same() {
    let of = |name: &str, format| {
        let text = read(&format!("examples/policies/{name}"));
        let document = Policy::parse(&text, format).unwrap();
        let rules: Vec<_> = document
            .rules()
            .map(|rule| {
                let texts = |patterns: &Option<engine::policy::Patterns>| {
                    patterns.as_ref().map(|patterns| {
                        let kinds = patterns
                            .list
                            .iter()
                            .map(|one| format!("{:?} {}", one.kind, one.text));
                        kinds.collect::<Vec<_>>()
                    })
                };
                (
                    rule.permissions
                        .iter()
                        .map(ToString::to_string)
                        .collect::<Vec<_>>(),
                    [&rule.workflow, &rule.branch, &rule.environment].map(texts),
                    rule.events.as_ref().map(|events| events.join(" ")),
                )
            })
            .collect();
        rules
    };
    assert_eq!(
        of("central.yml", Format::Yaml),
        of("central.json", Format::Json)
    );
}

/// Where each comes from, and its text: the example workflows, and those of the example repositories.
fn workflows() -> Vec<(String, String)> {
    let directories = [
        "examples/workflows",
        "examples/repository/.github/workflows",
        "examples/atmos-pro/.github/workflows",
    ];
    directories
        .into_iter()
        .flat_map(files)
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            (path.display().to_string(), text)
        })
        .collect()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

fn files(directory: &str) -> Vec<PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(root().join(directory))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    files
}

fn is_checkout(uses: &Node) -> bool {
    uses.text().starts_with("actions/checkout@")
}

fn is_action(uses: &Node) -> bool {
    ACTIONS.iter().any(|action| uses.text().starts_with(action))
}

/// As much of YAML as workflows need.
enum Node {
    Scalar(String),
    List(Vec<Self>),
    Mapping(Vec<(String, Self)>),
}

impl Node {
    fn parse(text: &str) -> Self {
        let mut parser = Parser::new_from_str(text);
        loop {
            if let Event::DocumentStart(..) = next(&mut parser) {
                let first = next(&mut parser);
                return Self::of(first, &mut parser);
            }
        }
    }

    fn of<'a>(event: Event<'a>, parser: &mut Parser<'a, StrInput<'a>>) -> Self {
        match event {
            Event::Scalar(text, ..) => Self::Scalar(text.into_owned()),
            Event::SequenceStart(..) => {
                let mut items = Vec::new();
                loop {
                    match next(parser) {
                        Event::SequenceEnd => return Self::List(items),
                        event => items.push(Self::of(event, parser)),
                    }
                }
            }
            Event::MappingStart(..) => {
                let mut entries: Vec<(String, Self)> = Vec::new();
                loop {
                    let key = match next(parser) {
                        Event::MappingEnd => return Self::Mapping(entries),
                        event => Self::of(event, parser).text().to_owned(),
                    };
                    assert!(
                        entries.iter().all(|(name, _)| *name != key),
                        "`{key}` twice"
                    );
                    let event = next(parser);
                    entries.push((key, Self::of(event, parser)));
                }
            }
            other => panic!("{other:?}"),
        }
    }

    fn text(&self) -> &str {
        match self {
            Self::Scalar(text) => text,
            _ => "",
        }
    }

    fn items(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }

    fn entries(&self) -> &[(String, Self)] {
        match self {
            Self::Mapping(entries) => entries,
            _ => &[],
        }
    }

    fn get(&self, key: &str) -> Option<&Self> {
        let mut entries = self.entries().iter();
        entries
            .find(|(name, _)| name == key)
            .map(|(_, value)| value)
    }
}

impl std::ops::Index<&str> for Node {
    type Output = Self;

    fn index(&self, key: &str) -> &Self {
        self.get(key).unwrap_or_else(|| panic!("no `{key}`"))
    }
}

fn next<'a>(parser: &mut Parser<'a, StrInput<'a>>) -> Event<'a> {
    parser
        .next_event()
        .expect("the document ends too early")
        .unwrap()
        .0
}
