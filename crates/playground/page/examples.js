// What the page starts with: each shows another answer.
const POLICY = `version: 1
permissions:
  - name: plans in pull requests
    permission: ws:affected_stacks:create
    workflow: plan.yml
    branch: "[^:]+"
    base: main
    events: [pull_request]

  - name: production deploys
    permission: ws:deployments:create
    workflow: deploy-production.yml
    branch: main
    environment: production
    claims:
      runner_environment: github-hosted
`;

const FILES = [
  [
    "deploy-production.yml",
    `on:
  push:
    branches: [main]
jobs:
  deploy:
    runs-on: ubuntu-24.04
    environment: production
    permissions:
      id-token: write
    steps:
      - uses: repo-permissions/repo-permissions@v0
        with:
          permission: ws:deployments:create
`,
  ],
  [
    "plan.yml",
    `on: pull_request
jobs:
  plan:
    runs-on: ubuntu-24.04
    permissions:
      id-token: write
    steps:
      - uses: repo-permissions/repo-permissions@v0
        with:
          permission: ws:affected_stacks:create
`,
  ],
];

const OLD = POLICY.replace("    branch: main\n    environment", "    branch: release/1.x\n    environment");

const DEPLOY = {
  permission: "ws:deployments:create",
  repository: "acme-org/infra",
  workflow: "deploy-production.yml",
  branch: "feature/login",
  environment: "production",
  event: "push",
  claims: "runner_environment=github-hosted",
};

const PLAN = {
  permission: "ws:affected_stacks:create",
  repository: "acme-org/infra",
  workflow: "plan.yml",
  branch: "feature/login",
  base: "main",
  event: "pull_request",
};

const ALL = { policy: POLICY, files: FILES, old: OLD };

export const EXAMPLES = [
  ["A deploy from a feature branch", { ...ALL, ...DEPLOY }],
  ["A deploy from main", { ...ALL, ...DEPLOY, branch: "main" }],
  ["A pull request into main", { ...ALL, ...PLAN }],
  ["A pull request into an unreviewed branch", { ...ALL, ...PLAN, base: "experiment" }],
  ["A stranger's comment", { ...ALL, ...DEPLOY, branch: "main", event: "issue_comment" }],
  [
    "A glob that is read as a regex",
    { ...ALL, ...DEPLOY, policy: POLICY.replace("branch: main\n", 'branch: "feature/*"\n') },
  ],
  [
    "A policy for many repositories",
    {
      ...ALL,
      ...DEPLOY,
      branch: "main",
      claims: "repository_id=123456789",
      policy: `version: 1
repositories:
  - repository: acme-org/infra
    repository_id: 123456789
    permissions:
      - permission: ws:deployments:create
        branch: main
  - repository: { glob: "acme-org/service-*" }
    permissions:
      - permission: ws:affected_stacks:create
        workflow: plan.yml
        base: main
`,
    },
  ],
];
