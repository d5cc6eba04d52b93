# shellcheck shell=bash
# Fetches the program of this release for the runner, verifies it, and becomes it. Sourced by action.yml.
#
# The checksum stands in the action's own tree, so that whoever pins the action pins the program: an asset of the release
# that was replaced is refused. Nothing here depends on the inputs.
set -euo pipefail

# No program, no grant: the outputs say so too.
refuse() {
  local message="$1; see https://repo-permissions.github.io/repo-permissions/native.html"
  echo "::error title=repo-permissions::$message"
  printf '%s\n' decision=error allowed=false "message=$message" >>"$GITHUB_OUTPUT"
  exit 2
}

readonly CHECKSUMS="$GITHUB_ACTION_PATH/checksums.txt"
platform="$(printf '%s-%s' "$RUNNER_OS" "$RUNNER_ARCH" | tr '[:upper:]' '[:lower:]')"

if [ ! -e "$CHECKSUMS" ]; then
  # shellcheck disable=SC2016 # Markdown, no command
  refuse 'this commit of the action is no release: name one in `uses:`, such as `repo-permissions/repo-permissions/native@v0`'
fi
read -r expected name < <(grep -- "-$platform\.tar\.gz\$" "$CHECKSUMS") ||
  refuse "this release has no program for \`$platform\`, only: $(sed 's/.*-\(.*-.*\)\.tar\.gz$/\1/' "$CHECKSUMS" | tr '\n' ' ')"
version="${name#repo-permissions-}"
version="${version%-"$platform".tar.gz}"

directory="$(mktemp -d "$RUNNER_TEMP/repo-permissions.XXXXXX")"
# A relative path below: tar takes what stands before a colon, as in `D:\a`, for a host.
fetch() {
  cd "$directory"
  # `--disable`: no file in the home directory has a say.
  curl --disable --fail --silent --show-error --location --proto '=https' --proto-redir '=https' --tlsv1.2 \
    --retry 3 --connect-timeout 10 --max-time 60 --max-filesize 33554432 --output program.tar.gz \
    "$RELEASE_SERVER/$RELEASE_REPOSITORY/releases/download/v$version/$name" ||
    refuse "\`$name\` of release \`v$version\` cannot be downloaded"

  local actual
  if command -v sha256sum >/dev/null; then
    actual="$(sha256sum <program.tar.gz)"
  else
    actual="$(shasum -a 256 <program.tar.gz)"
  fi
  if [ "${actual%% *}" != "$expected" ]; then
    refuse "\`$name\` has the SHA-256 ${actual%% *}, expected $expected: it is not what was released"
  fi

  # Who built it, and from what: for what is fetched from the server that the job's token is of.
  if [ "$GITHUB_SERVER_URL" = "$RELEASE_SERVER" ] && gh attestation verify --help >/dev/null 2>&1; then
    GH_HOST="${RELEASE_SERVER#https://}" GH_TOKEN="$ATTESTATION_TOKEN" gh attestation verify program.tar.gz \
      --repo "$RELEASE_REPOSITORY" --signer-workflow "$RELEASE_REPOSITORY/.github/workflows/release.yml" >/dev/null ||
      refuse "that \`$RELEASE_REPOSITORY\`'s release workflow built \`$name\` could not be verified: \`gh\` says why, above"
    echo "$name: checksum and attestation verified"
  else
    echo "$name: checksum verified; its attestation was not, which needs \`gh\` 2.49 or newer and $RELEASE_SERVER"
  fi
  tar -xzf program.tar.gz
}
(fetch)

# Git for Windows would rewrite values that look like paths.
export MSYS2_ENV_CONV_EXCL='INPUT_'
exec "$directory/repo-permissions"
