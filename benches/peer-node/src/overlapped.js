// What does not depend on each other at once: token, keys and policy, then both reports.
import { check, keySet, octokit, policy, report, run, token, verify } from "./step.js";

run(async () => {
  const api = octokit();
  const keys = keySet();
  const [jwt, document] = await Promise.all([token(), policy(api), keys.reload()]);
  const outcome = check(document, await verify(jwt, keys));
  await Promise.all(report(api, outcome).map((send) => send()));
  return outcome;
});
