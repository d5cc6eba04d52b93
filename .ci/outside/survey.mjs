// An organisation behind GitHub's own GraphQL schema, surveyed by the built program.
//   node survey.mjs PACKAGES BINARY
//
// Every query is held against the schema by all rules of the specification and carried out by
// graphql-js. The resolvers hold only what GitHub's documentation says of the fields.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [packages, binary] = process.argv.slice(2);
const { buildSchema, execute, parse, validate } = await import(
  pathToFileURL(resolve(packages, "graphql/index.mjs"))
);
// As it is published it has a field twice, which queries do not care about.
const text = readFileSync(join(packages, "graphql-schema/schema.graphql"), "utf8");
const schema = buildSchema(text, { assumeValid: true, assumeValidSDL: true });

const ASKS = (permissions) => `on: push
${permissions}
jobs:
  deploy:
    steps:
      - uses: repo-permissions/repo-permissions@v0
        with:
          permission: ws:deployments:create
          policy: acme-org/policies/policy.yml@main
`;
const ALL = "permissions: {id-token: write, contents: read, checks: write, statuses: write}";
const blob = (text) => ({ __typename: "Blob", isTruncated: false, isBinary: false, text });
const repository = (name, databaseId, files) => ({
  __typename: "Repository",
  databaseId,
  nameWithOwner: `acme-org/${name}`,
  isArchived: name === "archived",
  isFork: false,
  isPrivate: true,
  // A revision expression: null where there is nothing.
  object: ({ expression }) => {
    assert.equal(expression, "HEAD:.github/workflows");
    const entries = Object.entries(files).map(([file, text]) => ({ name: file, type: "blob", object: blob(text) }));
    return entries.length ? { __typename: "Tree", entries } : null;
  },
});
const REPOSITORIES = [
  repository("fine", 1, { "deploy.yml": ASKS(ALL) }),
  repository("forgotten", 2, { "deploy.yml": ASKS(ALL) }),
  repository("without-token", 3, { "deploy.yml": ASKS("") }),
  repository("plain", 4, {}),
  repository("archived", 5, { "deploy.yml": ASKS("") }),
];
const POLICY = `version: 1
repositories:
  - {repository: acme-org/fine, repository_id: 1, owner_id: 7, permissions: [{permission: ws:deployments:create}]}
  - {repository: acme-org/without-token, permissions: [{permission: ws:deployments:create}]}
  - {repository: acme-org/gone, permissions: []}
`;

// The type of the owner.
let kind;
const rootValue = {
  repositoryOwner: ({ login }) =>
    login.toLowerCase() === "acme-org" && {
      __typename: kind,
      login: "acme-org",
      databaseId: 7,
      repositories: ({ first, after, ownerAffiliations, orderBy }) => {
        assert.deepEqual(ownerAffiliations, ["OWNER"]);
        assert.deepEqual({ ...orderBy }, { field: "CREATED_AT", direction: "ASC" });
        const from = after ? Number(atob(after)) : 0;
        const to = Math.min(from + first, REPOSITORIES.length);
        return {
          totalCount: REPOSITORIES.length,
          pageInfo: { hasNextPage: to < REPOSITORIES.length, endCursor: btoa(to) },
          nodes: REPOSITORIES.slice(from, to),
        };
      },
    },
  rateLimit: () => ({ cost: 1, limit: 5000, remaining: 4999, used: 1 }),
};

let queries = 0;
const server = createServer(async (request, response) => {
  const send = (status, body) => {
    response.writeHead(status, { "content-type": "application/json; charset=utf-8" });
    response.end(JSON.stringify(body));
  };
  let body = "";
  for await (const part of request) body += part;
  if (!(request.method === "POST" && ["/graphql", "/api/graphql"].includes(request.url))) {
    return send(404, { message: "Not Found" });
  }
  assert.match(request.headers.authorization, /^Bearer ghp_x$/);
  queries += 1;
  const { query, variables } = JSON.parse(body);
  const document = parse(query);
  const errors = validate(schema, document);
  if (errors.length) console.error(errors.map(String).join("\n"));
  send(200, errors.length ? { errors } : await execute({ schema, document, rootValue, variableValues: variables }));
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));

const directory = mkdtempSync(join(tmpdir(), "survey-"));
const policy = join(directory, "policy.yml");
writeFileSync(policy, POLICY);
const url = `http://127.0.0.1:${server.address().port}`;
for (const [api, of] of [[url, "Organization"], [`${url}/api/v3`, "User"]]) {
  [queries, kind] = [0, of];
  const parameters = ["survey", "acme-org", "--policy", policy, "--format", "json", "--page-size", "2"];
  const env = { GITHUB_API_URL: api, GITHUB_TOKEN: "ghp_x" };
  const run = await new Promise((done) =>
    execFile(binary, parameters, { env }, (error, stdout, stderr) => done({ code: error?.code ?? 0, stdout, stderr })),
  );
  assert.deepEqual([run.code, run.stderr], [1, ""]);
  const { summary, repositories, entries } = JSON.parse(run.stdout);
  assert.equal(queries, 3);
  assert.deepEqual([summary.repositories, summary.archived, summary.with_action, summary.cost.points], [5, 1, 3, 3]);
  assert.deepEqual(summary.findings, { "missing-id-token": 1, "no-entry": 1, gone: 1, "mutable-ref": 3 });
  assert.deepEqual(repositories.map((row) => row.repository), ["fine", "forgotten", "without-token"].map((name) => `acme-org/${name}`));
  assert.deepEqual(entries.map((row) => row.entry), [5]);
}
server.close();
rmSync(directory, { recursive: true });
console.log("the survey holds against GitHub's GraphQL schema");
