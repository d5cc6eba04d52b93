// The App JWT that `universal-github-app-jwt`, which Octokit's Apps use, makes for a key and an instant.
//   node app_jwt.mjs PACKAGE_DIRECTORY CLIENT_ID NOW < private-key.pem
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [directory, id, now] = process.argv.slice(2);
const { default: githubAppJwt } = await import(pathToFileURL(resolve(directory, "index.js")));
const made = await githubAppJwt({ id, privateKey: readFileSync(0, "utf8"), now: Number(now) });
process.stdout.write(made.token);
