# shellcheck shell=bash
# Fetches the program of this release, verifies it, and puts it on the PATH of later steps. Sourced by action.yml.
set -euo pipefail

readonly USES=repo-permissions/repo-permissions/setup@v0 REFUSED=
# shellcheck source=native/fetch.sh
. "$GITHUB_ACTION_PATH/../native/fetch.sh"

echo "$directory" >>"$GITHUB_PATH"
printf '%s\n' "path=$directory/repo-permissions" "version=$version" >>"$GITHUB_OUTPUT"
trap - EXIT
