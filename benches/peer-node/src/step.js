// The parts of the step, on the libraries that such actions are written with.
import * as core from "@actions/core";
import { Octokit } from "@octokit/rest";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { load } from "js-yaml";

const AUDIENCE = "repo-permissions";
const POLICY = ".github/repo-permissions.yml";

const server = process.env.GITHUB_SERVER_URL;
const issuer =
  server === "https://github.com" ? "https://token.actions.githubusercontent.com" : `${server}/_services/token`;
const [owner, repo] = process.env.GITHUB_REPOSITORY.split("/");
const sha = process.env.GITHUB_SHA;

export const octokit = () => new Octokit({ auth: core.getInput("token"), baseUrl: process.env.GITHUB_API_URL });

export const keySet = () => createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks`));

export const token = () => core.getIDToken(AUDIENCE);

export async function verify(jwt, keys) {
  const { payload } = await jwtVerify(jwt, keys, { issuer, audience: AUDIENCE, algorithms: ["RS256"] });
  for (const [claim, variable] of [
    ["repository", "GITHUB_REPOSITORY"],
    ["repository_id", "GITHUB_REPOSITORY_ID"],
    ["run_id", "GITHUB_RUN_ID"],
    ["run_attempt", "GITHUB_RUN_ATTEMPT"],
    ["sha", "GITHUB_SHA"],
    ["event_name", "GITHUB_EVENT_NAME"],
  ]) {
    if (payload[claim] !== process.env[variable]) {
      throw new Error(`the token's ${claim} is not this job's`);
    }
  }
  return payload;
}

export async function policy(api) {
  const { data } = await api.rest.repos.getContent({ owner, repo, path: POLICY, mediaType: { format: "raw" } });
  return load(data);
}

// The whole value against a pattern, or any of a list; what is not said matches everything.
function matches(patterns = "*", value) {
  return [patterns].flat().some((pattern) => pattern === "*" || (value && new RegExp(`^(?:${pattern})$`).test(value)));
}

export function check(document, claims) {
  const permission = core.getInput("permission", { required: true });
  const context = {
    repository: claims.repository,
    workflow: claims.workflow_ref.split("@")[0].split("/").pop(),
    branch: claims.ref.replace(/^refs\/heads\//, ""),
    environment: claims.environment,
  };
  const rule = document.permissions.find(
    (candidate) =>
      [candidate.permission].flat().includes(permission) &&
      ["workflow", "branch", "environment"].every((name) => matches(candidate[name], context[name])),
  );
  const reason = rule ? "granted" : "no_rule_matches";
  return { permission, context, rule, reason, allowed: Boolean(rule) };
}

// The requests that tell of it, not yet sent.
export function report(api, { permission, context, rule, reason, allowed }) {
  const title = `${allowed ? "Allowed" : "Denied"}: ${permission}`;
  const summary = core.summary
    .addHeading(title)
    .addTable([
      [{ data: "What", header: true }, { data: "This job", header: true }],
      ...Object.entries(context).map(([name, value]) => [name, value ?? "none"]),
    ])
    .addCodeBlock(JSON.stringify(rule ?? null, null, 2), "json")
    .stringify();
  return [
    () =>
      api.rest.checks.create({
        owner,
        repo,
        name: `Repository permissions: ${permission}`,
        head_sha: sha,
        status: "completed",
        conclusion: allowed ? "success" : "failure",
        output: { title, summary },
      }),
    () =>
      api.rest.repos.createCommitStatus({
        owner,
        repo,
        sha,
        state: allowed ? "success" : "failure",
        context: `repo-permissions/${permission}`,
        description: reason,
      }),
  ];
}

export async function run(step) {
  try {
    const { allowed, reason, context } = await step();
    core.setOutput("decision", allowed ? "allowed" : "denied");
    core.setOutput("allowed", allowed);
    core.setOutput("reason", reason);
    for (const [name, value] of Object.entries(context)) {
      core.setOutput(name, value ?? "");
    }
    await core.summary.write();
    core.info(`${allowed ? "allowed" : "denied"} (${reason})`);
    process.exitCode = allowed ? 0 : 1;
  } catch (error) {
    core.setOutput("decision", "error");
    core.setFailed(error.message);
    process.exitCode = 2;
  }
}
