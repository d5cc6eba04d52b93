//! `repo-permissions matrix`, by the whole program.

mod hostile;
mod many;

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::directory::Directory;

const POLICY: &str = ".github/repo-permissions.yml";
const NOW: [&str; 2] = ["--now", "2026-11-23T12:00:00Z"];

/// The permissions that Atmos Pro's page gives as examples.
const EXAMPLES: &str = r#"version: 1
permissions:
  - name: development workflow
    permission: Affected Stacks Create
    workflow: "*"
    branch: "^(main|develop|feature/.*)$"
    environment: "*"
  - permission: Affected Stacks Create
    workflow: "*"
    branch: main
    environment: "*"
  - name: production deploys
    permission: Deployments Create
    workflow: deploy-production.yml
    branch: main
    environment: production
  - permission: [Locks Create, Locks Delete]
    workflow: "*"
    branch: main
    environment: "*"
"#;

const PLAN: &str = "
on: [pull_request, pull_request_target]
permissions: {id-token: write}
jobs: {plan: {steps: []}}
";
const DEPLOY: &str = "
on: {push: {branches: [main]}, workflow_dispatch: }
jobs:
  deploy:
    environment: production
    permissions: {id-token: write}
    steps: [{uses: repo-permissions/repo-permissions@v0, with: {permission: ws:deployments:create}}]
  notify: {steps: []}
";

fn checkout(policy: &str, workflows: &[(&str, &str)]) -> Directory {
    let checkout = Directory::with_workflows(workflows);
    checkout.write(POLICY, policy);
    checkout
}

fn examples() -> Directory {
    let workflows = [
        ("atmos-terraform-plan.yml", PLAN),
        ("deploy-production.yml", DEPLOY),
    ];
    checkout(EXAMPLES, &workflows)
}

fn matrix(checkout: &Directory, arguments: &[&str]) -> String {
    checkout.prints(&[&["matrix", POLICY], &NOW[..], arguments].concat())
}

#[test]
fn the_examples_of_atmos_pro_for_people() {
    assert_snapshot!(matrix(&examples(), &[]), @"
    policy      .github/repo-permissions.yml, 4 rules
    workflows   .github/workflows, 2 files
    time        2026-11-23T12:00:00Z

    atmos-terraform-plan.yml  on pull_request, pull_request_target
      no environment
        ws:affected_stacks:create   ✓ ^(main|develop|feature/.*)$ on pull_request; pull requests into
                                      these or the default branch
                                    ✓ main on pull_request; pull requests into these or the default
                                      branch
        ws:locks:create,            ✓ main on pull_request; pull requests into these or the default
        ws:locks:delete               branch

    deploy-production.yml  on push, workflow_dispatch
      no environment (no id-token: write)
        ws:affected_stacks:create   ✓ ^(main|develop|feature/.*)$, main on push, workflow_dispatch
        ws:locks:create,            ✓ main on push, workflow_dispatch
        ws:locks:delete
      production
        ws:affected_stacks:create   ✓ ^(main|develop|feature/.*)$, main on push, workflow_dispatch
        ws:deployments:create,      ✓ main on push, workflow_dispatch
        ws:locks:create,
        ws:locks:delete

    any other workflow file  also files that a branch adds
      any environment
        ws:affected_stacks:create   ✓ ^(main|develop|feature/.*)$ on any trusted event; pull requests
                                      into these or the default branch
                                    ✓ main on any trusted event; pull requests into these or the default
                                      branch
        ws:locks:create,            ✓ main on any trusted event; pull requests into these or the default
        ws:locks:delete               branch

    ✓ granted
    ");
}

#[test]
fn the_examples_of_atmos_pro_as_markdown() {
    assert_snapshot!(matrix(&examples(), &["--format", "markdown"]), @r"
    ### Who can do what

    - policy: `.github/repo-permissions.yml`, 4 rules
    - workflows: `.github/workflows`, 2 files
    - time: `2026-11-23T12:00:00Z`

    | workflow | environment | `ws:affected_stacks:create` | `ws:deployments:create` | `ws:locks:create` | `ws:locks:delete` |
    |---|---|---|---|---|---|
    | `atmos-terraform-plan.yml`<br>on `pull_request`, `pull_request_target` | no environment | ✓ `^(main\|develop\|feature/.*)$`<br>on `pull_request`<br>pull requests into these or the default branch<br>✓ `main`<br>on `pull_request`<br>pull requests into these or the default branch | – | ✓ `main`<br>on `pull_request`<br>pull requests into these or the default branch | ✓ `main`<br>on `pull_request`<br>pull requests into these or the default branch |
    | `deploy-production.yml`<br>on `push`, `workflow_dispatch` | no environment<br>*no `id-token: write`* | ✓ `^(main\|develop\|feature/.*)$`, `main`<br>on `push`, `workflow_dispatch` | – | ✓ `main`<br>on `push`, `workflow_dispatch` | ✓ `main`<br>on `push`, `workflow_dispatch` |
    |  | `production` | ✓ `^(main\|develop\|feature/.*)$`, `main`<br>on `push`, `workflow_dispatch` | ✓ `main`<br>on `push`, `workflow_dispatch` | ✓ `main`<br>on `push`, `workflow_dispatch` | ✓ `main`<br>on `push`, `workflow_dispatch` |
    | any other workflow file<br>also files that a branch adds | any environment | ✓ `^(main\|develop\|feature/.*)$`<br>on any trusted event<br>pull requests into these or the default branch<br>✓ `main`<br>on any trusted event<br>pull requests into these or the default branch | – | ✓ `main`<br>on any trusted event<br>pull requests into these or the default branch | ✓ `main`<br>on any trusted event<br>pull requests into these or the default branch |
    ");
}

#[test]
fn the_examples_of_atmos_pro_as_json() {
    let json = matrix(&examples(), &["--format", "json"]);
    let mut json: Value = serde_json::from_str(&json).unwrap();
    // A row in a line.
    let rows = json["rows"].take();
    let rows = rows.as_array().unwrap().iter();
    let rows: Vec<_> = rows
        .flat_map(|row| {
            let mut row = row.clone();
            let cells = row["cells"].take();
            let cells: Vec<_> = cells
                .as_array()
                .unwrap()
                .iter()
                .map(|cell| format!("  {cell}"))
                .collect();
            std::iter::once(row.to_string()).chain(cells)
        })
        .collect();
    assert_snapshot!(format!("{json}\n{}", rows.join("\n")), @r#"
    {"findings":[],"notes":[],"now":"2026-11-23T12:00:00Z","only_called":[],"permissions":["ws:affected_stacks:create","ws:deployments:create","ws:locks:create","ws:locks:delete"],"policy":".github/repo-permissions.yml","repository":null,"rows":null,"unused":[],"workflows":".github/workflows"}
    {"bases":null,"cells":null,"environment":{"kind":"none"},"events":["pull_request","pull_request_target"],"id_token":true,"jobs":["plan"],"kind":"file","workflow":"atmos-terraform-plan.yml"}
      {"granted":"yes","grants":[{"bases":{"default_branch":true,"kind":"branches"},"branches":[{"kind":"regex","pattern":"^(main|develop|feature/.*)$"}],"claims":{},"environments":null,"events":["pull_request"],"expires":null,"rules":[{"line":3,"name":"development workflow","number":1}],"workflows":null},{"bases":{"default_branch":true,"kind":"branches"},"branches":[{"kind":"literal","pattern":"main"}],"claims":{},"environments":null,"events":["pull_request"],"expires":null,"rules":[{"line":8,"name":null,"number":2}],"workflows":null}],"hints":[],"permission":"ws:affected_stacks:create"}
      {"granted":"no","grants":[],"hints":[],"permission":"ws:deployments:create"}
      {"granted":"yes","grants":[{"bases":{"default_branch":true,"kind":"branches"},"branches":[{"kind":"literal","pattern":"main"}],"claims":{},"environments":null,"events":["pull_request"],"expires":null,"rules":[{"line":17,"name":null,"number":4}],"workflows":null}],"hints":[],"permission":"ws:locks:create"}
      {"granted":"yes","grants":[{"bases":{"default_branch":true,"kind":"branches"},"branches":[{"kind":"literal","pattern":"main"}],"claims":{},"environments":null,"events":["pull_request"],"expires":null,"rules":[{"line":17,"name":null,"number":4}],"workflows":null}],"hints":[],"permission":"ws:locks:delete"}
    {"bases":null,"cells":null,"environment":{"kind":"none"},"events":["push","workflow_dispatch"],"id_token":false,"jobs":["notify"],"kind":"file","workflow":"deploy-production.yml"}
      {"granted":"yes","grants":[{"bases":null,"branches":[{"kind":"regex","pattern":"^(main|develop|feature/.*)$"},{"kind":"literal","pattern":"main"}],"claims":{},"environments":null,"events":["push","workflow_dispatch"],"expires":null,"rules":[{"line":3,"name":"development workflow","number":1},{"line":8,"name":null,"number":2}],"workflows":null}],"hints":[],"permission":"ws:affected_stacks:create"}
      {"granted":"no","grants":[],"hints":[],"permission":"ws:deployments:create"}
      {"granted":"yes","grants":[{"bases":null,"branches":[{"kind":"literal","pattern":"main"}],"claims":{},"environments":null,"events":["push","workflow_dispatch"],"expires":null,"rules":[{"line":17,"name":null,"number":4}],"workflows":null}],"hints":[],"permission":"ws:locks:create"}
      {"granted":"yes","grants":[{"bases":null,"branches":[{"kind":"literal","pattern":"main"}],"claims":{},"environments":null,"events":["push","workflow_dispatch"],"expires":null,"rules":[{"line":17,"name":null,"number":4}],"workflows":null}],"hints":[],"permission":"ws:locks:delete"}
    {"bases":null,"cells":null,"environment":{"kind":"named","name":"production"},"events":["push","workflow_dispatch"],"id_token":true,"jobs":["deploy"],"kind":"file","workflow":"deploy-production.yml"}
      {"granted":"yes","grants":[{"bases":null,"branches":[{"kind":"regex","pattern":"^(main|develop|feature/.*)$"},{"kind":"literal","pattern":"main"}],"claims":{},"environments":null,"events":["push","workflow_dispatch"],"expires":null,"rules":[{"line":3,"name":"development workflow","number":1},{"line":8,"name":null,"number":2}],"workflows":null}],"hints":[],"permission":"ws:affected_stacks:create"}
      {"granted":"yes","grants":[{"bases":null,"branches":[{"kind":"literal","pattern":"main"}],"claims":{},"environments":null,"events":["push","workflow_dispatch"],"expires":null,"rules":[{"line":12,"name":"production deploys","number":3}],"workflows":null}],"hints":[],"permission":"ws:deployments:create"}
      {"granted":"yes","grants":[{"bases":null,"branches":[{"kind":"literal","pattern":"main"}],"claims":{},"environments":null,"events":["push","workflow_dispatch"],"expires":null,"rules":[{"line":17,"name":null,"number":4}],"workflows":null}],"hints":[],"permission":"ws:locks:create"}
      {"granted":"yes","grants":[{"bases":null,"branches":[{"kind":"literal","pattern":"main"}],"claims":{},"environments":null,"events":["push","workflow_dispatch"],"expires":null,"rules":[{"line":17,"name":null,"number":4}],"workflows":null}],"hints":[],"permission":"ws:locks:delete"}
    {"bases":null,"cells":null,"environment":{"kind":"any"},"events":null,"id_token":null,"jobs":[],"kind":"other","workflow":null}
      {"granted":"yes","grants":[{"bases":{"default_branch":true,"kind":"branches"},"branches":[{"kind":"regex","pattern":"^(main|develop|feature/.*)$"}],"claims":{},"environments":null,"events":null,"expires":null,"rules":[{"line":3,"name":"development workflow","number":1}],"workflows":null},{"bases":{"default_branch":true,"kind":"branches"},"branches":[{"kind":"literal","pattern":"main"}],"claims":{},"environments":null,"events":null,"expires":null,"rules":[{"line":8,"name":null,"number":2}],"workflows":null}],"hints":[],"permission":"ws:affected_stacks:create"}
      {"granted":"no","grants":[],"hints":[],"permission":"ws:deployments:create"}
      {"granted":"yes","grants":[{"bases":{"default_branch":true,"kind":"branches"},"branches":[{"kind":"literal","pattern":"main"}],"claims":{},"environments":null,"events":null,"expires":null,"rules":[{"line":17,"name":null,"number":4}],"workflows":null}],"hints":[],"permission":"ws:locks:create"}
      {"granted":"yes","grants":[{"bases":{"default_branch":true,"kind":"branches"},"branches":[{"kind":"literal","pattern":"main"}],"claims":{},"environments":null,"events":null,"expires":null,"rules":[{"line":17,"name":null,"number":4}],"workflows":null}],"hints":[],"permission":"ws:locks:delete"}
    "#);
}

#[test]
fn the_examples_of_atmos_pro_as_a_page() {
    let html = matrix(&examples(), &["--format", "html"]);
    let (before, rest) = html.split_once("<style>").unwrap();
    let (_, after) = rest.split_once("</style>").unwrap();
    let (before, hash) = before.split_once("sha256-").unwrap();
    let (_, before_style) = hash.split_once('\'').unwrap();
    assert_snapshot!(format!("{before}sha256-…'{before_style}<style>…</style>{after}"), @r##"
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8"/>
    <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-…'; img-src data:; base-uri 'none'; form-action 'none'"/>
    <meta name="viewport" content="width=device-width, initial-scale=1"/>
    <meta name="color-scheme" content="light dark"/>
    <meta name="referrer" content="no-referrer"/>
    <link rel="icon" type="image/svg+xml" href="data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCAzMiAzMiI+PHJlY3Qgd2lkdGg9IjMyIiBoZWlnaHQ9IjMyIiByeD0iNyIgZmlsbD0iIzBhNThjYSIvPjxwYXRoIGQ9Ik02LjUgMjZWMTVhOS41IDkuNSAwIDAgMSAxOSAwdjExIiBmaWxsPSJub25lIiBzdHJva2U9IiNmZmYiIHN0cm9rZS13aWR0aD0iMy40IiBzdHJva2UtbGluZWNhcD0icm91bmQiLz48cGF0aCBkPSJtMTEuNSAxOC41IDMuNSAzLjUgNi03LjUiIGZpbGw9Im5vbmUiIHN0cm9rZT0iIzhmZjBhNCIgc3Ryb2tlLXdpZHRoPSIzLjQiIHN0cm9rZS1saW5lY2FwPSJyb3VuZCIgc3Ryb2tlLWxpbmVqb2luPSJyb3VuZCIvPjwvc3ZnPg=="/>
    <title>Who can do what: .github/repo-permissions.yml</title>
    <style>…</style>
    </head>
    <body>
    <a class="skip" href="#table">Skip to the table</a>
    <div class="page">
    <header>
    <p class="eyebrow">repo-permissions</p>
    <h1>Who can do what</h1>
    <dl class="facts">
    <div><dt>Policy</dt><dd><code>.github/repo-permissions.yml</code>, 4 rules</dd></div>
    <div><dt>Workflows</dt><dd><code>.github/workflows</code>, 2 files</dd></div>
    <div><dt>Time</dt><dd><code>2026-11-23T12:00:00Z</code></dd></div>
    </dl>
    <nav aria-label="On this page"><ul>
    <li><a href="#glance">At a glance</a></li>
    <li><a href="#table">The table</a></li>
    </ul></nav>
    </header>
    <main>
    <section aria-labelledby="glance">
    <h2 id="glance">At a glance</h2>
    <ul class="glance">
    <li><h3><strong>Affected Stacks Create</strong> <span class="key">ws:affected_stacks:create</span></h3><ul>
    <li>all workflow files here (2)</li>
    <li class="open">any other workflow file</li>
    </ul></li>
    <li><h3><strong>Deployments Create</strong> <span class="key">ws:deployments:create</span></h3><ul>
    <li><code>deploy-<wbr/>production.yml</code></li>
    </ul></li>
    <li><h3><strong>Locks Create</strong> <span class="key">ws:locks:create</span></h3><ul>
    <li>all workflow files here (2)</li>
    <li class="open">any other workflow file</li>
    </ul></li>
    <li><h3><strong>Locks Delete</strong> <span class="key">ws:locks:delete</span></h3><ul>
    <li>all workflow files here (2)</li>
    <li class="open">any other workflow file</li>
    </ul></li>
    </ul>
    </section>
    <section aria-labelledby="heading">
    <h2 id="heading">Workflow files and their environments</h2>
    <p class="lead">A cell lists the branches and events from which a job of its row may use the permission.</p>
    <ul class="legend"><li>✓ granted</li><li>? depends on values that only a run has</li><li>✗ a rule covers it, but does not grant it</li><li>– not granted</li></ul>
    <div class="scroll" id="table" role="region" aria-labelledby="caption" tabindex="0">
    <table>
    <caption id="caption">Permissions by workflow file and environment</caption>
    <thead>
    <tr><th scope="col">Environment</th>
    <th scope="col"><strong>Affected Stacks Create</strong> <code class="key">ws:affected_stacks:create</code></th>
    <th scope="col"><strong>Deployments Create</strong> <code class="key">ws:deployments:create</code></th>
    <th scope="col"><strong>Locks Create</strong> <code class="key">ws:locks:create</code></th>
    <th scope="col"><strong>Locks Delete</strong> <code class="key">ws:locks:delete</code></th>
    </tr>
    </thead>
    <tbody id="b1">
    <tr class="file"><th scope="rowgroup" colspan="5"><span class="stay"><ul class="many"><li><span class="name">atmos-<wbr/>terraform-<wbr/>plan.yml</span></li></ul> <span class="starts">on <code>pull_request</code>, <code>pull_<wbr/>request_<wbr/>target</code></span></span></th></tr>
    <tr><th scope="row"><div class="label"><span class="environment">no environment</span><span class="aside">job <code>plan</code></span></div></th><td class="granted" data-key="ws:affected_stacks:create"><div class="grant"><span class="mark" aria-hidden="true">✓</span><span class="hidden">granted: </span><span class="branches"><code>^(main|<wbr/>develop|<wbr/>feature/<wbr/>.*)$</code></span><p class="events">on <code>pull_request</code></p><p class="condition">pull requests into these or the default branch</p><details class="rules"><summary>rule at line 3</summary><ul><li>rule 1 (<code>development workflow</code>, line 3)</li></ul></details></div><div class="grant"><span class="mark" aria-hidden="true">✓</span><span class="hidden">granted: </span><span class="branches"><code>main</code></span><p class="events">on <code>pull_request</code></p><p class="condition">pull requests into these or the default branch</p><details class="rules"><summary>rule at line 8</summary><ul><li>rule 2 (line 8)</li></ul></details></div></td><td class="denied one"><span aria-hidden="true">–</span><span class="hidden">not granted</span></td><td class="granted" data-key="ws:locks:create"><div class="grant"><span class="mark" aria-hidden="true">✓</span><span class="hidden">granted: </span><span class="branches"><code>main</code></span><p class="events">on <code>pull_request</code></p><p class="condition">pull requests into these or the default branch</p><details class="rules"><summary>rule at line 17</summary><ul><li>rule 4 (line 17)</li></ul></details></div></td><td class="granted" data-key="ws:locks:delete"><div class="grant"><span class="mark" aria-hidden="true">✓</span><span class="hidden">granted: </span><span class="branches"><code>main</code></span><p class="events">on <code>pull_request</code></p><p class="condition">pull requests into these or the default branch</p><details class="rules"><summary>rule at line 17</summary><ul><li>rule 4 (line 17)</li></ul></details></div></td></tr>
    </tbody>
    <tbody id="b2">
    <tr class="file"><th scope="rowgroup" colspan="5"><span class="stay"><ul class="many"><li><span class="name">deploy-<wbr/>production.yml</span></li></ul> <span class="starts">on <code>push</code>, <code>workflow_dispatch</code></span></span></th></tr>
    <tr><th scope="row"><div class="label"><span class="environment">no environment</span><span class="aside look">no <code>id-token: write</code></span><span class="aside">job <code>notify</code></span></div></th><td class="granted" data-key="ws:affected_stacks:create"><div class="grant"><span class="mark" aria-hidden="true">✓</span><span class="hidden">granted: </span><span class="branches"><code>^(main|<wbr/>develop|<wbr/>feature/<wbr/>.*)$</code>, <code>main</code></span><p class="events">on <code>push</code>, <code>workflow_dispatch</code></p><details class="rules"><summary>2 rules</summary><ul><li>rule 1 (<code>development workflow</code>, line 3)</li><li>rule 2 (line 8)</li></ul></details></div></td><td class="denied one"><span aria-hidden="true">–</span><span class="hidden">not granted</span></td><td class="granted" data-key="ws:locks:create"><div class="grant"><span class="mark" aria-hidden="true">✓</span><span class="hidden">granted: </span><span class="branches"><code>main</code></span><p class="events">on <code>push</code>, <code>workflow_dispatch</code></p><details class="rules"><summary>rule at line 17</summary><ul><li>rule 4 (line 17)</li></ul></details></div></td><td class="granted" data-key="ws:locks:delete"><div class="grant"><span class="mark" aria-hidden="true">✓</span><span class="hidden">granted: </span><span class="branches"><code>main</code></span><p class="events">on <code>push</code>, <code>workflow_dispatch</code></p><details class="rules"><summary>rule at line 17</summary><ul><li>rule 4 (line 17)</li></ul></details></div></td></tr>
    <tr><th scope="row"><div class="label"><span class="environment"><code>production</code></span><span class="aside">job <code>deploy</code></span></div></th><td class="granted" data-key="ws:affected_stacks:create"><div class="grant"><span class="mark" aria-hidden="true">✓</span><span class="hidden">granted: </span><span class="branches"><code>^(main|<wbr/>develop|<wbr/>feature/<wbr/>.*)$</code>, <code>main</code></span><p class="events">on <code>push</code>, <code>workflow_dispatch</code></p><details class="rules"><summary>2 rules</summary><ul><li>rule 1 (<code>development workflow</code>, line 3)</li><li>rule 2 (line 8)</li></ul></details></div></td><td class="granted" data-key="ws:deployments:create"><div class="grant"><span class="mark" aria-hidden="true">✓</span><span class="hidden">granted: </span><span class="branches"><code>main</code></span><p class="events">on <code>push</code>, <code>workflow_dispatch</code></p><details class="rules"><summary>rule at line 12</summary><ul><li>rule 3 (<code>production deploys</code>, line 12)</li></ul></details></div></td><td class="granted" data-key="ws:locks:create"><div class="grant"><span class="mark" aria-hidden="true">✓</span><span class="hidden">granted: </span><span class="branches"><code>main</code></span><p class="events">on <code>push</code>, <code>workflow_dispatch</code></p><details class="rules"><summary>rule at line 17</summary><ul><li>rule 4 (line 17)</li></ul></details></div></td><td class="granted" data-key="ws:locks:delete"><div class="grant"><span class="mark" aria-hidden="true">✓</span><span class="hidden">granted: </span><span class="branches"><code>main</code></span><p class="events">on <code>push</code>, <code>workflow_dispatch</code></p><details class="rules"><summary>rule at line 17</summary><ul><li>rule 4 (line 17)</li></ul></details></div></td></tr>
    </tbody>
    <tbody id="b3">
    <tr class="file"><th scope="rowgroup" colspan="5"><span class="stay"><ul class="many"><li><span class="words">any other workflow file</span></li></ul> <span class="starts">also files that a branch adds</span></span></th></tr>
    <tr><th scope="row"><div class="label"><span class="environment">any environment</span></div></th><td class="granted" data-key="ws:affected_stacks:create"><div class="grant"><span class="mark" aria-hidden="true">✓</span><span class="hidden">granted: </span><span class="branches"><code>^(main|<wbr/>develop|<wbr/>feature/<wbr/>.*)$</code></span><p class="events">on any trusted event</p><p class="condition">pull requests into these or the default branch</p><details class="rules"><summary>rule at line 3</summary><ul><li>rule 1 (<code>development workflow</code>, line 3)</li></ul></details></div><div class="grant"><span class="mark" aria-hidden="true">✓</span><span class="hidden">granted: </span><span class="branches"><code>main</code></span><p class="events">on any trusted event</p><p class="condition">pull requests into these or the default branch</p><details class="rules"><summary>rule at line 8</summary><ul><li>rule 2 (line 8)</li></ul></details></div></td><td class="denied one"><span aria-hidden="true">–</span><span class="hidden">not granted</span></td><td class="granted" data-key="ws:locks:create"><div class="grant"><span class="mark" aria-hidden="true">✓</span><span class="hidden">granted: </span><span class="branches"><code>main</code></span><p class="events">on any trusted event</p><p class="condition">pull requests into these or the default branch</p><details class="rules"><summary>rule at line 17</summary><ul><li>rule 4 (line 17)</li></ul></details></div></td><td class="granted" data-key="ws:locks:delete"><div class="grant"><span class="mark" aria-hidden="true">✓</span><span class="hidden">granted: </span><span class="branches"><code>main</code></span><p class="events">on any trusted event</p><p class="condition">pull requests into these or the default branch</p><details class="rules"><summary>rule at line 17</summary><ul><li>rule 4 (line 17)</li></ul></details></div></td></tr>
    </tbody>
    </table>
    </div>
    </section>
    </main>
    <footer><p>Made by repo-permissions 0.1.0 from the policy and the workflow files of one checkout. A branch can add other workflow files, with other events; the rules' conditions on branches and environments apply to them too.</p></footer>
    </div>
    </body>
    </html>
    "##);
}

/// Everything that is not as simple.
const POLICY_OF_MANY: &str = r#"version: 1
permissions:
  - permission: [ws:deployments:create, ws:instances:update]
    workflow: apply.yml
    branch: [main, { glob: "release/*" }]
    environment: [dev, "prod.*"]
    claims: { runner_environment: github-hosted, ref_protected: "true" }
  - name: hotfix
    permission: ws:deployments:create
    workflow: deploy.yml
    branch: hotfix/incident-4711
    expires: 2027-01-31
  - name: an older hotfix
    permission: ws:deployments:create
    workflow: deploy.yml
    branch: hotfix/incident-4700
    expires: 2026-01-31
  - permission: ws:locks:create
    workflow: nightly.yml
    events: [push]
  - permission: ws:locks:create
    workflow: { glob: "deploy*" }
    environment: PRODUCTION
  - permission: ws:locks:delete
    workflow: deploy.yaml
  - permission: ws:locks:delete
    workflow: gate.yml
  - permission: ws:locks:delete
    workflow: deploy.yml
    environment: staging
  - permission: ws:locks:delete
    workflow: target.yml
  - permission: ws:locks:delete
    workflow: acme-org/workflows/.github/workflows/required.yml
  - permission: [ws:instances:create, ws:affected_stacks:create]
"#;

const MANY: [(&str, &str); 7] = [
    (
        "apply.yml",
        "
on: {workflow_dispatch: {inputs: {to: {type: environment}}}}
permissions: {id-token: write}
jobs:
  apply: {environment: '${{ inputs.to }}'}
  elsewhere: {uses: acme-org/workflows/.github/workflows/deploy.yml@v1}
",
    ),
    ("broken.yml", "on: push\njobs: ["),
    (
        "deploy.yml",
        "
on: push
permissions: {id-token: write}
jobs:
  deploy: {environment: Production}
  gate: {uses: ./.github/workflows/gate.yml}
",
    ),
    (
        "gate.yml",
        "on: workflow_call\njobs: {gate: {environment: gate}}",
    ),
    ("nightly.yml", "on: {schedule: }\njobs: {list: {}}"),
    ("target.yml", "on: pull_request_target\njobs: {a: {}}"),
    ("README.md", ""),
];

#[test]
fn a_call_by_the_full_name_is_not_followed() {
    let called = "on: workflow_call\njobs: {a: {environment: prod}}";
    let caller = "on: push\njobs:\n  local: {uses: ./.github/workflows/c.yml}\n  full: {uses: acme-org/infra/.github/workflows/d.yml@main}\n";
    let files = [("c.yml", called), ("caller.yml", caller), ("d.yml", called)];
    let directory =
        Directory::with_workflows(&files).with("p.yml", "version: 1\npermissions: []\n");
    let notes = directory.prints(&["matrix", "p.yml"]);
    let (_, notes) = notes.split_once("notes\n").unwrap();
    assert_snapshot!(notes, @"
    `c.yml` is only called by other workflows: their rows include its jobs
    `d.yml` is only called by other workflows, and no row includes its jobs, because no run here
    reaches them by a local path
    ");
}

#[test]
fn what_only_a_run_knows_and_what_nobody_can_use() {
    let checkout = checkout(POLICY_OF_MANY, &MANY);
    let run = checkout.run(&[&["matrix", POLICY], &NOW[..]].concat());
    assert_eq!(run.code, Some(0));
    assert_snapshot!(run.err, @"warning: cannot read the workflow `broken.yml`: line 2, column 7: not valid YAML: unclosed bracket '['");
    assert_snapshot!(run.out, @"
    policy      .github/repo-permissions.yml, 11 rules
    workflows   .github/workflows, 6 files
    time        2026-11-23T12:00:00Z

    apply.yml  on workflow_dispatch
      ${{ inputs.to }} (only a run has the value)
      acme-org/workflows/.github/workflows/deploy.yml@v1 (the called workflow decides)
        ws:deployments:create,      ? main, release/* (glob) on workflow_dispatch; if the environment is
        ws:instances:update           dev or prod.*; if runner_environment is github-hosted; if
                                      ref_protected is true
        ws:instances:create,        ✓ any branch on workflow_dispatch
        ws:affected_stacks:create

    broken.yml  not readable
      any environment
        ws:instances:create,        ? any branch on any trusted event
        ws:affected_stacks:create

    deploy.yml  on push
      Production
        ws:deployments:create       ✓ hotfix/incident-4711 on push; until 2027-01-31
        ws:locks:create,            ✓ any branch on push
        ws:instances:create,
        ws:affected_stacks:create
      gate
        ws:deployments:create       ✓ hotfix/incident-4711 on push; until 2027-01-31
        ws:instances:create,        ✓ any branch on push
        ws:affected_stacks:create

    nightly.yml  on schedule
      no environment (no id-token: write)
        ws:locks:create             ✗ line 18: only on push
        ws:instances:create,        ✓ any branch on schedule
        ws:affected_stacks:create

    any other workflow file  also files that a branch adds
      any environment
        ws:locks:create             ✓ any branch on any trusted event; if the file is deploy* (glob); if
                                      the environment is PRODUCTION
        ws:instances:create,        ✓ any branch on any trusted event
        ws:affected_stacks:create

    nothing is granted to target.yml, although rules cover them; `--all` shows why

    ✓ granted   ? depends on values that only a run has   ✗ a rule covers it, but does not grant it

    rules that no workflow here can use
      rule 3 (`an older hotfix`, line 13): it has expired: `2026-01-31`
      rule 4 (line 18): it accepts only `push`; `nightly.yml` starts on `schedule`
      rule 6 (line 24): the repository has no workflow file `deploy.yaml`; it has `deploy.yml`
      rule 7 (line 26): `gate.yml` is only called by other workflows: name its callers
      rule 8 (line 28): no job of `deploy.yml` has the environment `staging`; they have `Production`,
      `gate`
      rule 9 (line 31): `target.yml` starts only on `pull_request_target`, which a rule must name
      rule 10 (line 33): `acme-org/workflows/.github/workflows/required.yml` belongs to another
      repository

    notes
      `gate.yml` is only called by other workflows: their rows include its jobs
      cannot read the workflow `broken.yml`: line 2, column 7: not valid YAML: unclosed bracket '['
    ");
    let json = checkout.run(&[&["matrix", POLICY, "--format", "json"], &NOW[..]].concat());
    let json: Value = json.json();
    let row = &json["rows"][0];
    assert_eq!(
        row["environment"],
        json!({"kind": "dynamic", "text": "${{ inputs.to }}"})
    );
    assert_eq!(
        (&row["cells"][0]["granted"], &row["jobs"]),
        (&json!("perhaps"), &json!(["apply"]))
    );
    let dimensions: Vec<_> = json["unused"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| &rule["dimension"])
        .collect();
    assert_eq!(
        json!(dimensions),
        json!([
            "expires",
            "event",
            "workflow",
            "workflow",
            "environment",
            "event",
            "workflow"
        ])
    );
}

const CENTRAL: &str = "version: 1
repositories:
  - repository: acme-org/infra
    repository_id: 123
    permissions: [{ permission: a:b, branch: main }]
  - repository: { glob: \"acme-org/*\" }
    owner_id: 4567
    permissions: [{ permission: c:d, branch: dev }]
  - repository: acme-org/infra
    repository_id: 124
    permissions: [{ permission: e:f }]
";

#[test]
fn a_central_policy_is_asked_for_one_repository() {
    let plan = [("plan.yml", PLAN)];
    let central = checkout(CENTRAL, &plan);
    let columns = |checkout: &Directory, arguments: &[&str]| {
        let json = matrix(checkout, &[&["--format", "json"], arguments].concat());
        let json: Value = serde_json::from_str(&json).unwrap();
        (json["permissions"].to_string(), json["repository"].clone())
    };
    let infra = ["--repository", "Acme-Org/infra"];
    for (arguments, permissions) in [
        (&["--repository-id", "123"][..], r#"["a:b","c:d"]"#),
        (&["--repository-id", "124"], r#"["c:d","e:f"]"#),
        (&["--repository-id", "125"], r#"["c:d"]"#),
        (&["--repository-id", "123", "--owner-id", "1"], r#"["a:b"]"#),
    ] {
        let found = columns(&central, &[&infra[..], arguments].concat());
        assert_eq!(found, (permissions.to_owned(), json!("Acme-Org/infra")));
    }
    let other = columns(&central, &["--repository", "acme-org/other"]);
    assert_eq!(other.0, r#"["c:d"]"#);
    for (arguments, error) in [
        (
            &[][..],
            "`.github/repo-permissions.yml` covers several repositories: choose one with `--repository OWNER/NAME`; it has `acme-org/infra`, `acme-org/*`, `acme-org/infra`",
        ),
        (
            &infra[..],
            "the entries of `Acme-Org/infra` pin different ids: choose one with `--repository-id ID`",
        ),
        (
            &["--repository", "infra"],
            "the repository is `infra`, expected `OWNER/NAME`",
        ),
        (
            &["--repository", "x/y"],
            "`.github/repo-permissions.yml` has no rules for `x/y`: it has `acme-org/infra`, `acme-org/*`, `acme-org/infra` (for other repositories only)",
        ),
        (
            &["--repository", "acme-org/x", "--owner-id", "1"],
            "`.github/repo-permissions.yml` has no rules for `acme-org/x`: it has `acme-org/infra`, `acme-org/*`, `acme-org/infra` (for another id)",
        ),
    ] {
        let run = central.run(&[&["matrix", POLICY], arguments].concat());
        assert_eq!((run.code, &*run.out), (Some(2), ""));
        assert_eq!(run.err, format!("error: {error}\n"));
    }
    // A policy with one entry for one name needs no `--repository`.
    let one = "version: 1\nrepositories: [{repository: a/b, repository_id: 5, permissions: [{permission: a:b}]}]";
    let one = checkout(one, &plan);
    assert_eq!(columns(&one, &[]), (r#"["a:b"]"#.to_owned(), json!("a/b")));
}

#[test]
fn rules_at_the_top_count_for_the_repository_of_the_file() {
    let both = "version: 1
permissions: [{ permission: own:rule }]
repositories:
  - { repository: acme-org/infra, delegate: [e:f], permissions: [{ permission: a:b }] }
  - { repository: acme-org/policies, permissions: [{ permission: c:d }] }
";
    let checkout = checkout(both, &[("plan.yml", PLAN)]);
    checkout.write(
        ".git/config",
        "[remote \"origin\"]\n  url = https://github.com/acme-org/policies\n",
    );
    let own = matrix(
        &checkout,
        &["--repository", "acme-org/policies", "--format", "json"],
    );
    let own: Value = serde_json::from_str(&own).unwrap();
    assert_eq!(
        (&own["permissions"], &own["notes"]),
        (&json!(["own:rule", "c:d"]), &json!([]))
    );
    // The workflow files beside the policy are not those of another repository.
    let other = ["matrix", POLICY, "--repository", "acme-org/infra"];
    let run = checkout.run(&other);
    assert_eq!(run.code, Some(2));
    assert_eq!(
        run.err,
        "error: `.github/repo-permissions.yml` is in a checkout of `acme-org/policies`: name the workflow files of `acme-org/infra` with `--workflows DIRECTORY`\n"
    );
    checkout.write("infra/.github/workflows/x.yml", PLAN);
    for directory in ["infra", "infra/.github/workflows"] {
        let text = checkout.prints(&[&other[..], &["--workflows", directory], &NOW].concat());
        assert!(
            text.contains("x.yml  on pull_request, pull_request_target"),
            "{text}"
        );
        assert!(!text.contains("own:rule"));
        assert!(text.contains("the rules at the top do not count, because `acme-org/policies`"));
        assert!(text.contains("the repository's own policy may also grant `e:f`"));
    }
}

#[test]
fn what_cannot_be_shown_says_why() {
    let broken = "version: 1\npermissions:\n  - permission: a:b\n    branch: a)|(\n";
    let checkout = checkout(broken, &[]);
    checkout.write("invalid.yml", "version: 2\n");
    checkout.write("valid.yml", "version: 1\npermissions: []\n");
    let error = |arguments: &[&str]| {
        let run = checkout.run(&[&["matrix"], arguments].concat());
        assert_eq!((run.code, &*run.out), (Some(2), ""), "{}", run.err);
        run.err
    };
    assert_snapshot!(error(&[POLICY, "--workflows", "."]), @"
    warning: cannot read the workflow `invalid.yml`: line 1, column 1: `on` is missing
    warning: cannot read the workflow `valid.yml`: line 1, column 1: `on` is missing
    error: the regex `a)|(` is not valid: unopened group, at byte 1
     --> .github/repo-permissions.yml:4:13
      |
    4 |     branch: a)|(
      |             ^^^^
    ");
    assert_snapshot!(error(&["invalid.yml"]), @r"
    error: `version` is `2`, expected 1
     --> invalid.yml:1:10
      |
    1 | version: 2
      |          ^
      |
      = help: write `version: 1`, or use a later release
    ");
    assert_snapshot!(error(&["missing.yml"]), @"error: the policy `missing.yml` cannot be read: No such file or directory (os error 2)");
    assert_snapshot!(error(&["valid.yml"]), @"error: there is no `.github/workflows` above `valid.yml`: name the directory with `--workflows DIRECTORY`");
    assert_snapshot!(error(&["valid.yml", "--workflows", "missing"]), @"error: `missing` cannot be read: No such file or directory (os error 2)");
    assert_snapshot!(error(&["valid.yml", "--now", "today"]), @"
    error: invalid value 'today' for '--now <INSTANT>': expected an instant such as `2027-01-31T12:00:00Z`

    For more information, try '--help'.
    ");
}

#[test]
fn a_policy_without_rules_and_a_directory_without_files() {
    let checkout = checkout("version: 1\npermissions: []\n", &[]);
    checkout.write(".github/workflows/README.md", "");
    assert_snapshot!(matrix(&checkout, &[]), @"
    policy      .github/repo-permissions.yml, 0 rules
    workflows   .github/workflows, 0 files
    time        2026-11-23T12:00:00Z

    ─────────────────
    any other workflow file  also files that a branch adds
      any environment
    ");
    for format in ["markdown", "json", "html"] {
        matrix(&checkout, &["--format", format]);
    }
}
