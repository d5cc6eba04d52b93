# shellcheck shell=bash
# Fetches the program of this release, verifies it, and becomes it. Sourced by action.yml.
set -euo pipefail

readonly USES=repo-permissions/repo-permissions/native@v0
# No program, no grant: the outputs say so too.
readonly REFUSED=$'decision=error\nallowed=false\n'
# shellcheck source=native/fetch.sh
. "$GITHUB_ACTION_PATH/fetch.sh"

# Git for Windows would rewrite values that look like paths.
export MSYS2_ENV_CONV_EXCL='INPUT_'
exec "$directory/repo-permissions"
