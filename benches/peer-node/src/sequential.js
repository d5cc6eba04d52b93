// One request after the other.
import { check, keySet, octokit, policy, report, run, token, verify } from "./step.js";

run(async () => {
  const api = octokit();
  const claims = await verify(await token(), keySet());
  const outcome = check(await policy(api), claims);
  for (const send of report(api, outcome)) {
    await send();
  }
  return outcome;
});
