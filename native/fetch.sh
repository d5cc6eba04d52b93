# shellcheck shell=bash
# Fetches the program of this release for the runner, and verifies it. Sourced by run.sh and by ../setup/run.sh, which say:
#
#   USES      how a workflow names the action
#   REFUSED   outputs of a step without a program, each with its line end
#
# Afterwards the program is in `$directory`.
#
# The checksum stands in the action's own tree, so that pinning the action also pins the program: an asset of the release
# that was replaced is refused. Nothing here depends on the inputs. It also has to run in the bash 3.2 of macOS.
set -euo pipefail

refuse() {
  local message="$1; see https://repo-permissions.github.io/repo-permissions/native.html"
  trap - EXIT
  echo "::error title=repo-permissions::$message"
  printf '%smessage=%s\n' "$REFUSED" "$message" >>"$GITHUB_OUTPUT" || true
  exit 2
}
# Whatever else ends this script before the program is there. Exit code 1 would say that a policy denied.
trap 'refuse "the program could not be fetched: the log says above what failed"' EXIT

readonly CHECKSUMS="${BASH_SOURCE[0]%/*}/checksums.txt"
platform="$(printf '%s-%s' "$RUNNER_OS" "$RUNNER_ARCH" | tr '[:upper:]' '[:lower:]')"

if [ ! -e "$CHECKSUMS" ]; then
  refuse "this commit of the action is not a release: name one in \`uses:\`, such as \`$USES\`"
fi
read -r expected name < <(grep -- "-$platform\.tar\.gz\$" "$CHECKSUMS") ||
  refuse "this release has no program for \`$platform\`, only: $(sed 's/.*-\(.*-.*\)\.tar\.gz$/\1/' "$CHECKSUMS" | tr '\n' ' ')"
version="${name#repo-permissions-}"
version="${version%-"$platform".tar.gz}"

workspace="$PWD"
directory="$(mktemp -d "$RUNNER_TEMP/repo-permissions.XXXXXX")" ||
  refuse "\`$RUNNER_TEMP\` takes no directory for \`$name\`"
# Relative paths below: tar takes what stands before a colon, as in `D:\a`, for a host.
cd "$directory"

# `--disable`: no file in the home directory has a say.
curl --disable --fail --silent --show-error --location --proto '=https' --proto-redir '=https' --tlsv1.2 \
  --retry 3 --retry-max-time 60 --connect-timeout 10 --max-time 60 --max-filesize 33554432 --output program.tar.gz \
  "$RELEASE_SERVER/$RELEASE_REPOSITORY/releases/download/v$version/$name" ||
  refuse "\`$name\` of release \`v$version\` cannot be downloaded"

if command -v sha256sum >/dev/null; then
  actual="$(sha256sum <program.tar.gz)"
else
  actual="$(shasum -a 256 <program.tar.gz)"
fi
if [ "${actual%% *}" != "$expected" ]; then
  refuse "\`$name\` has the SHA-256 ${actual%% *}, expected $expected: it is not what was released"
fi

# Who built it, and from what: for what is fetched from the server that the job's token is of. All of the help is read,
# so that `gh` does not end by a closed pipe.
if [ "$GITHUB_SERVER_URL" != "$RELEASE_SERVER" ]; then
  echo "$name: checksum verified; its attestation was not, which only jobs of $RELEASE_SERVER can"
elif gh attestation verify --help 2>/dev/null | grep -e --source-ref >/dev/null; then
  GH_HOST="${RELEASE_SERVER#https://}" GH_TOKEN="$ATTESTATION_TOKEN" gh attestation verify program.tar.gz \
    --repo "$RELEASE_REPOSITORY" --signer-workflow "$RELEASE_REPOSITORY/.github/workflows/release.yml" \
    --source-ref refs/heads/main --deny-self-hosted-runners >/dev/null ||
    refuse "that \`$RELEASE_REPOSITORY\`'s release workflow built \`$name\` from main could not be verified: \`gh\` says why, above"
  echo "$name: checksum and attestation verified"
else
  echo "::warning title=repo-permissions::$name: checksum verified; its attestation was not, which needs a \`gh\` that knows \`attestation verify --source-ref\`"
fi
unset ATTESTATION_TOKEN

tar -xzf program.tar.gz || refuse "\`$name\` cannot be unpacked"
# A shell that fails to become a program ends without the trap, and not always with a code of its own.
./repo-permissions --version >/dev/null || refuse "the program of \`$name\` does not start on this machine"
cd "$workspace"
