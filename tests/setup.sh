#!/usr/bin/env bash
# Installs what the tests need besides the toolchains: MinIO's server, a Python
# environment with SeaweedFS, moto and independent clients, Azurite, and cargo-deny.
# Everything goes into one cache outside the tree; what is there already is not done again.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
cache="${WANDB_TEST_CACHE:-$HOME/.cache/terraform-provider-wandb}"
minio_version="v0.0.0-20260212201848-7aac2a2c5b7c"
deny_version="0.20.2"
azurite_version="3.35.0"

say() { printf '==> %s\n' "$*"; }

missing=""
for tool in cargo go npm python3 terraform; do
  command -v "$tool" >/dev/null || missing="$missing $tool"
done
if [ -n "$missing" ]; then
  echo "set-up needs these on the PATH:$missing" >&2
  exit 1
fi
mkdir -p "$cache/bin" "$cache/stamps"

# Runs the rest of the arguments unless the stamp of this name holds this text. The
# stamp is written last, so a set-up that was cut short begins again.
once() {
  local name="$1" text="$2" stamp="$cache/stamps/$1"
  shift 2
  if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$text" ]; then
    say "$name: there already"
    return
  fi
  rm -f "$stamp"
  say "$name: installing"
  "$@"
  printf '%s' "$text" >"$stamp"
  say "$name: done"
}

install_minio() {
  GOBIN="$cache/bin" GOFLAGS=-trimpath go install -ldflags '-s -w' "github.com/minio/minio@$minio_version"
}

# Made beside the one in use, which tests that run meanwhile still need.
install_python() {
  local fresh="venv-$1"
  rm -rf "${cache:?}/$fresh"
  python3 -m venv "$cache/$fresh"
  "$cache/$fresh/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
  [ -L "$cache/venv" ] || rm -rf "$cache/venv"
  ln -sfn "$fresh" "$cache/venv"
}

install_azurite() {
  rm -rf "$cache/azurite"
  mkdir -p "$cache/azurite"
  npm install --prefix "$cache/azurite" --silent --no-audit --no-fund --ignore-scripts \
    "azurite@$azurite_version"
}

install_deny() {
  # It runs for a second in CI; optimizing it would take minutes.
  CARGO_TARGET_DIR="$cache/deny-target" CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_LTO=off \
    CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
    cargo install --quiet --locked --root "$cache" --version "$deny_version" cargo-deny
  rm -rf "$cache/deny-target"
}

once minio "$minio_version" install_minio
python_pins="$(sha256sum <"$here/requirements.txt" | cut -c1-16)"
once python "$python_pins" install_python "$python_pins"
once azurite "$azurite_version" install_azurite
once cargo-deny "$deny_version" install_deny
say "everything is in $cache"
