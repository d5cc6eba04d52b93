//! Random workflow files, in the parts of the syntax that decide what runs.

use std::fmt::Write as _;

/// Random numbers that are the same for the same seed.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        // A seed that is one larger must not be the same numbers from the second one on.
        let mut start = Self(seed);
        Self(start.next())
    }

    fn next(&mut self) -> u64 {
        // splitmix64.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn pick<'t>(&mut self, of: &[&'t str]) -> &'t str {
        of[self.below(of.len())]
    }
}

/// A file in parts, so that parts can be left out where a test fails.
#[derive(Clone, Debug)]
pub struct Generated {
    pub file: String,
    pub events: Vec<String>,
    pub permissions: String,
    pub jobs: Vec<String>,
}

impl Generated {
    pub fn text(&self) -> String {
        format!(
            "on:\n{}{}jobs:\n{}",
            self.events.concat(),
            self.permissions,
            self.jobs.concat()
        )
    }

    /// The file with one part less, for each part that it can do without.
    pub fn smaller(&self) -> Vec<Self> {
        let mut smaller = Vec::new();
        for at in 0..self.events.len() {
            let mut file = self.clone();
            file.events.remove(at);
            smaller.push(file);
        }
        for at in 0..self.jobs.len() {
            let mut file = self.clone();
            file.jobs.remove(at);
            smaller.push(file);
            for line in 1..self.jobs[at].lines().count() {
                let mut file = self.clone();
                let lines = self.jobs[at].lines().enumerate();
                let lines = lines.filter(|(number, _)| *number != line);
                file.jobs[at] = lines.map(|(_, line)| format!("{line}\n")).collect();
                smaller.push(file);
            }
        }
        smaller.retain(|file| !file.events.is_empty() && !file.jobs.is_empty());
        smaller
    }
}

/// The workflow files of a repository: some that can be started, and two that they call.
pub fn repository(seed: u64, files: usize) -> Vec<Generated> {
    let mut random = Random::new(seed);
    let mut all: Vec<_> = (0..files)
        .map(|number| started(&mut random, number))
        .collect();
    all.extend([called(&mut random, 0), called(&mut random, 1)]);
    all
}

fn started(random: &mut Random, number: usize) -> Generated {
    let mut events: Vec<String> = Vec::new();
    let count = 1 + random.below(3);
    while events.len() < count {
        let event = event(random);
        let name = |event: &str| event.split(':').next().unwrap().to_owned();
        if !events.iter().any(|known| name(known) == name(&event)) {
            events.push(event);
        }
    }
    let permissions = match random.below(8) {
        0 => "permissions: {contents: read}\n",
        1 => "permissions: write-all\n",
        2 => "",
        _ => "permissions: {id-token: write}\n",
    };
    Generated {
        file: format!("w{number}.yml"),
        events,
        permissions: permissions.to_owned(),
        jobs: jobs(random, 3),
    }
}

fn called(random: &mut Random, number: usize) -> Generated {
    let inputs = "  workflow_call:\n    inputs:\n      environment: {type: string, default: dev}\n      \
                  flag: {type: boolean}\n      count: {type: number, default: 2}\n";
    Generated {
        file: format!("called{number}.yml"),
        events: vec![inputs.to_owned()],
        permissions: random
            .pick(&["", "", "permissions: {id-token: write}\n"])
            .to_owned(),
        // The first one calls the second.
        jobs: jobs(random, if number == 0 { 3 } else { 1 }),
    }
}

const FILTERS: [&str; 9] = [
    "",
    "branches: [main]",
    "branches: [main, develop]",
    "branches: ['release/**', main]",
    "branches: ['**', '!main']",
    "branches-ignore: ['dependabot/**']",
    "tags: ['v*']",
    "branches: [main], tags: ['v*']",
    "paths: [a]",
];

fn event(random: &mut Random) -> String {
    let mapping = |name: &str, inside: &str| format!("  {name}: {{{inside}}}\n");
    match random.below(14) {
        0..=3 => mapping("push", random.pick(&FILTERS)),
        4..=6 => {
            let filter = random.pick(&FILTERS[..6]);
            let types = random.pick(&["", "", "", "types: [closed]", "types: [opened, closed]"]);
            let both = [filter, types].into_iter().filter(|text| !text.is_empty());
            mapping("pull_request", &both.collect::<Vec<_>>().join(", "))
        }
        7 | 8 => dispatch(random),
        9 => "  schedule: [{cron: '0 3 * * *'}, {cron: '0 5 * * 0'}]\n".to_owned(),
        10 => mapping(
            "release",
            random.pick(&["", "types: [published, prereleased]"]),
        ),
        11 => mapping("merge_group", random.pick(&["", "branches: [main]"])),
        12 => mapping("repository_dispatch", "types: [deploy]"),
        _ => mapping(
            random.pick(&[
                "workflow_run",
                "issue_comment",
                "pull_request_target",
                "create",
                "deployment",
            ]),
            "",
        ),
    }
}

fn dispatch(random: &mut Random) -> String {
    let name = random.pick(&["environment", "Environment", "environment"]);
    let choice = random.pick(&["required: true, ", "default: dev, ", ""]);
    let mut text = format!(
        "  workflow_dispatch:\n    inputs:\n      \
         {name}: {{type: choice, {choice}options: [dev, staging, production]}}\n"
    );
    for input in [
        "      flag: {type: boolean, default: false}\n",
        "      count: {type: number, required: true}\n",
        "      name: {type: string, default: qa}\n",
        "      target: {type: environment}\n",
    ] {
        if random.one_in(3) {
            text.push_str(input);
        }
    }
    text
}

fn jobs(random: &mut Random, at_most: usize) -> Vec<String> {
    let mut jobs = Vec::new();
    for number in 0..1 + random.below(at_most) {
        let needs = match number {
            0 => None,
            _ if random.one_in(2) => None,
            _ => Some(["a", "b", "c"][random.below(number)]),
        };
        jobs.push(job(random, ["a", "b", "c"][number], needs, at_most == 1));
    }
    jobs
}

fn job(random: &mut Random, id: &str, needs: Option<&str>, may_not_call: bool) -> String {
    let mut text = format!("  {id}:\n");
    if let Some(needs) = needs {
        writeln!(text, "    needs: {needs}").unwrap();
    }
    if random.one_in(2) {
        let condition = condition(random, needs, 2);
        let fenced = random.one_in(4);
        let condition = match fenced {
            true => format!("${{{{ {condition} }}}}"),
            false => condition,
        };
        writeln!(text, "    if: {}", quoted(&condition)).unwrap();
    }
    match random.below(12) {
        0 => text.push_str("    permissions: {contents: read}\n"),
        1 => text.push_str("    permissions: {id-token: write}\n"),
        _ => {}
    }
    let has_matrix = random.one_in(3);
    if has_matrix {
        text.push_str(&matrix(random, needs));
    }
    if !may_not_call && random.one_in(6) {
        let (file, of) = (random.below(2), Names { needs, has_matrix });
        writeln!(text, "    uses: ./.github/workflows/called{file}.yml").unwrap();
        if random.one_in(2) {
            let name = random.pick(&["environment", "Environment"]);
            let value = quoted(&format!("${{{{ {} }}}}", name_of(random, of, 1)));
            write!(text, "    with: {{{name}: {value}").unwrap();
            if random.one_in(2) {
                text.push_str(random.pick(&[
                    ", flag: true",
                    ", flag: \"${{ github.event_name == 'push' }}\"",
                ]));
            }
            text.push_str("}\n");
        }
        return text;
    }
    if !random.one_in(4) {
        let environment = environment(random, Names { needs, has_matrix });
        writeln!(text, "    environment: {environment}").unwrap();
    }
    text.push_str("    steps:\n");
    text.push_str(&gate(random, Names { needs, has_matrix }));
    text
}

fn gate(random: &mut Random, of: Names<'_>) -> String {
    let permission = match random.below(10) {
        0 => "{permission: 'ws:locks:create, ws:locks:delete'}".to_owned(),
        1 => {
            let condition = condition(random, None, 0);
            format!(
                "{{permission: {}}}",
                quoted(&format!(
                    "${{{{ {condition} && 'ws:locks:create' || 'ws:deployments:create' }}}}"
                ))
            )
        }
        2 => "{Permission: '${{ vars.PERMISSION }}'}".to_owned(),
        _ => "{permission: ws:deployments:create}".to_owned(),
    };
    let uses = random.pick(&[
        "repo-permissions/repo-permissions@v0",
        "Acme-Org/Repo-Permissions@v0",
    ]);
    let condition = match random.one_in(8) {
        true => {
            let condition = condition(random, of.needs, 0);
            format!(", if: {}", quoted(&condition))
        }
        false => String::new(),
    };
    format!("      - {{uses: {uses}, with: {permission}{condition}}}\n")
}

/// What an expression at a place can name.
#[derive(Clone, Copy)]
struct Names<'n> {
    needs: Option<&'n str>,
    has_matrix: bool,
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn matrix(random: &mut Random, needs: Option<&str>) -> String {
    let whole = |inside: &str| format!("    strategy: {{matrix: {inside}}}\n");
    let key = random.pick(&["env", "Env"]);
    match random.below(12) {
        9 => "    strategy: \"${{ fromJSON(vars.STRATEGY) }}\"\n".to_owned(),
        10 => whole(&format!(
            "{{{key}: [dev, qa], exclude: '${{{{ fromJSON(vars.LESS) }}}}'}}"
        )),
        11 => whole(&format!(
            "{{{key}: [dev], include: ['${{{{ fromJSON(vars.ONE) }}}}', {{region: eu}}]}}"
        )),
        0 => whole(&format!("{{{key}: [dev, staging]}}")),
        1 => whole(&format!(
            "{{{key}: [dev, production], region: [eu, us], exclude: [{{{key}: dev, region: us}}]}}"
        )),
        2 => whole(&format!(
            "{{{key}: [dev], include: [{{{key}: dev, region: eu}}, {{{key}: qa}}]}}"
        )),
        3 => whole("{target: [{env: dev, region: eu}, {env: staging}, {region: us}]}"),
        4 => whole(&format!(
            "{{{key}: \"${{{{ fromJSON('[\\\"dev\\\", \\\"qa\\\"]') }}}}\"}}"
        )),
        5 => whole(&format!(
            "{{{key}: '${{{{ fromJSON(vars.ENVIRONMENTS) }}}}', region: [eu]}}"
        )),
        6 => whole(&format!(
            "{{{key}: [dev], include: '${{{{ fromJSON(vars.MORE) }}}}'}}"
        )),
        7 => match needs {
            Some(needs) => whole(&format!(
                "'${{{{ fromJSON(needs.{needs}.outputs.matrix) }}}}'"
            )),
            None => whole("{include: [{env: dev}, {env: production, region: eu}]}"),
        },
        _ => {
            let value = quoted(&format!(
                "${{{{ {} }}}}",
                name_of(
                    random,
                    Names {
                        needs,
                        has_matrix: false
                    },
                    1
                )
            ));
            whole(&format!("{{{key}: [{value}, audit]}}"))
        }
    }
}

fn environment(random: &mut Random, of: Names<'_>) -> String {
    let name = match random.below(8) {
        0 => random.pick(&["dev", "production"]).to_owned(),
        1 => quoted(&format!("app-${{{{ {} }}}}", name_of(random, of, 1))),
        _ => quoted(&format!("${{{{ {} }}}}", name_of(random, of, 2))),
    };
    match random.below(6) {
        0 => format!("{{name: {name}, deployment: false}}"),
        1 => format!("{{name: {name}, url: 'https://example.com'}}"),
        _ => name,
    }
}

/// An expression that is the name of an environment.
fn name_of(random: &mut Random, of: Names<'_>, depth: usize) -> String {
    if of.has_matrix && random.one_in(2) {
        return random
            .pick(&[
                "matrix.env",
                "matrix.ENV",
                "matrix.target.env",
                "matrix.target.region",
                "matrix['env']",
            ])
            .to_owned();
    }
    let plain = |random: &mut Random| {
        random
            .pick(&["'dev'", "'staging'", "'production'"])
            .to_owned()
    };
    match random.below(if depth == 0 { 8 } else { 14 }) {
        0 => plain(random),
        1 | 2 => random
            .pick(&[
                "inputs.environment",
                "Inputs.ENVIRONMENT",
                "inputs['environment']",
                "inputs.name",
            ])
            .to_owned(),
        3 => "github.event.inputs.environment".to_owned(),
        4 => "vars.ENVIRONMENT".to_owned(),
        5 => random
            .pick(&[
                "github.ref_name",
                "github.base_ref",
                "github.event.client_payload.env",
                "inputs.target",
            ])
            .to_owned(),
        6 => match of.needs {
            Some(needs) => format!("needs.{needs}.outputs.environment"),
            None => "join(fromJSON('[\"eu\", \"dev\"]'), '-')".to_owned(),
        },
        7 => "fromJSON('{\"env\": \"qa\"}').env".to_owned(),
        8..=10 => {
            let (condition, yes) = (condition(random, None, 1), name_of(random, of, depth - 1));
            let no = random.pick(&["'dev'", "''", "'staging'", "vars.OTHER"]);
            format!("({condition}) && {yes} || {no}")
        }
        11 => format!("{} || {}", name_of(random, of, depth - 1), plain(random)),
        12 => {
            let (one, two) = (condition(random, None, 0), condition(random, None, 0));
            let (a, b) = (plain(random), plain(random));
            format!("case({one}, {a}, {two}, {b}, 'other')")
        }
        _ => format!("format('{{0}}-x', {})", name_of(random, of, depth - 1)),
    }
}

const CONDITIONS: [&str; 26] = [
    "github.event_name == 'push'",
    "github.event_name != 'pull_request'",
    "github.event_name == 'workflow_dispatch'",
    "github.event_name == 'Release'",
    "contains(fromJSON('[\"push\", \"schedule\"]'), github.event_name)",
    "github.ref == 'refs/heads/main'",
    "github.ref != 'refs/heads/main'",
    "github.ref_name == 'main'",
    "startsWith(github.ref, 'refs/tags/')",
    "startsWith(github.ref, 'refs/heads/release/')",
    "endsWith(github.ref, 'main')",
    "contains(github.ref, 'release')",
    "contains(fromJSON('[\"main\", \"develop\"]'), github.ref_name)",
    "github.ref_type == 'tag'",
    "github.base_ref == 'main'",
    "github.head_ref != ''",
    "github.event.pull_request",
    "github.event.action == 'closed'",
    "github.event.pull_request.merged == true",
    "github.event.schedule == '0 3 * * *'",
    "github.event.inputs.flag == 'true'",
    "inputs.flag",
    "inputs.count > 3",
    "inputs.environment == 'production'",
    "vars.DEPLOY == 'yes'",
    "github.actor != 'dependabot[bot]'",
];

/// An expression that is true or false. `needs` is given where a job can ask how others ended.
fn condition(random: &mut Random, needs: Option<&str>, depth: usize) -> String {
    if depth > 0 && random.one_in(2) {
        let one = condition(random, needs, depth - 1);
        let two = condition(random, needs, depth - 1);
        return match random.below(4) {
            0 => format!("!({one})"),
            1 => format!("({one} || {two})"),
            _ => format!("{one} && {two}"),
        };
    }
    match needs {
        Some(needs) if random.one_in(3) => match random.below(5) {
            0 => "always()".to_owned(),
            1 => "!cancelled()".to_owned(),
            2 => "failure()".to_owned(),
            3 => "success()".to_owned(),
            _ => format!("needs.{needs}.result == 'success'"),
        },
        _ => CONDITIONS[random.below(CONDITIONS.len())].to_owned(),
    }
}
