#!/usr/bin/env bash
# The main job, from nothing: set-up, MinIO, a simulated W&B instance, a real
# `terraform apply` of main.tf, what came of it as independent clients see it, and a
# destroy. Everything listens on loopback and lives in one temporary folder.
set -euo pipefail

usage="usage: examples/minio/run.sh [--keep]

  --keep   leave servers, bucket and team at the end, to look around"
keep=""
for argument in "$@"; do
  case "$argument" in
    --keep) keep=yes ;;
    -h | --help) echo "$usage" && exit ;;
    *) printf 'unknown argument: %s\n\n%s\n' "$argument" "$usage" >&2 && exit 2 ;;
  esac
done

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "$here/../.." && pwd)"
cache="${WANDB_TEST_CACHE:-$HOME/.cache/terraform-provider-wandb}"
python="$cache/venv/bin/python"
minio="${MINIO_BIN:-$cache/bin/minio}"

bold="" plain="" color="-no-color"
if [ -t 1 ]; then bold=$'\033[1m' plain=$'\033[0m' color=""; fi
step() { printf '\n%s==> %s%s\n' "$bold" "$*" "$plain"; }
say() { printf '%s\n' "$*"; }
fail() { printf 'examples/minio/run.sh: %s\n' "$*" >&2 && exit 1; }

# ---- What was started is stopped, however this ends ----

work=""
servers=()
stop() {
  local pid
  for pid in ${servers[@]+"${servers[@]}"}; do
    kill "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  servers=()
  if [ -n "$work" ]; then rm -rf "$work"; fi
}
trap stop EXIT
trap 'say "" "interrupted: servers are stopped, nothing is left behind"; exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

# ---- What has to be there ----

step "Set-up (tests/setup.sh: once for each machine)"
"$root/tests/setup.sh"
for program in "$python" "$minio"; do
  [ -x "$program" ] || fail "$program is not there; run tests/setup.sh"
done

# The development build: it does the same, shares its parts with `cargo test`, and is
# there much sooner than the release build, which optimizes across all crates at once.
step "Build the provider and the simulated W&B instance"
cd "$root" # Cargo reads its configuration from here upwards
cargo build --workspace --bins
target="$(cargo metadata --format-version 1 --no-deps |
  "$python" -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')/debug"

work="$(mktemp -d "${TMPDIR:-/tmp}/wandb-minio.XXXXXX")"
cp "$here"/*.tf "$work"

# Neither the machine's proxy nor its W&B and AWS settings have a say here.
terraform() {
  env -u WANDB_BASE_URL -u WANDB_API_KEY -u WANDB_USERNAME -u AWS_REGION -u AWS_ENDPOINT_URL_S3 \
    -u TF_DATA_DIR -u TF_WORKSPACE -u TF_LOG TF_CLI_ARGS="$color" NO_PROXY=127.0.0.1 \
    TF_CLI_CONFIG_FILE="$work/cli.tfrc" CHECKPOINT_DISABLE=1 terraform -chdir="$work" "$@"
}

# A folder that Terraform takes for a registry's mirror, so that `terraform init`
# installs this build as it would install a published one.
cat >"$work/cli.tfrc" <<END
provider_installation {
  filesystem_mirror {
    path = "$work/mirror"
  }
}
END
plugin="$target/terraform-provider-wandb"
version="$("$plugin" -version | awk '{ print $2 }')"
platform="$(terraform version -json | "$python" -c 'import json, sys; print(json.load(sys.stdin)["platform"])')"
package="$work/mirror/registry.terraform.io/wandb-byob/wandb/$version/$platform"
mkdir -p "$package"
cp "$plugin" "$package/terraform-provider-wandb_v$version"

# ---- Servers ----

step "Start MinIO, with a key service, and a simulated W&B instance"
ports="$("$python" -c '
import socket
sockets = [socket.socket() for _ in range(2)]
for one in sockets:
    one.bind(("127.0.0.1", 0))
print(*(one.getsockname()[1] for one in sockets))')"
read -r port console <<<"$ports"
secret="$(head -c 15 /dev/urandom | base64 | tr '+/' '-_')"
MINIO_ROOT_USER=rootadmin MINIO_ROOT_PASSWORD="$secret" \
  MINIO_KMS_SECRET_KEY="wandb-key:$(head -c 32 /dev/urandom | base64)" \
  "$minio" server "$work/data" --address "127.0.0.1:$port" --console-address "127.0.0.1:$console" \
  </dev/null >"$work/minio.log" 2>&1 &
servers+=($!)
endpoint="http://127.0.0.1:$port"

key="$(head -c 20 /dev/urandom | od -An -tx1 | tr -d ' \n')"
"$target/simulator" wandb --listen 127.0.0.1:0 --api-key "$key" \
  </dev/null >"$work/wandb.log" 2>&1 &
servers+=($!)

# Waits until a command succeeds, as long as all servers are alive.
until_ready() {
  local name="$1" log="$2" tries pid
  shift 2
  for tries in $(seq 150); do
    if "$@" >"$work/ready.log" 2>&1; then return; fi
    for pid in "${servers[@]}"; do
      kill -0 "$pid" 2>/dev/null || { cat "$log" >&2 && fail "$name ended at once"; }
    done
    sleep 0.2
  done
  cat "$log" "$work/ready.log" >&2
  fail "$name did not answer within 30 seconds"
}
look() { "$python" "$here/look.py" "$work/terraform.tfvars.json" "$@"; }
until_ready "the simulated W&B instance" "$work/wandb.log" grep -q '^http://' "$work/wandb.log"
wandb="$(head -n 1 "$work/wandb.log")"

# Everything that main.tf asks for. These keys are good for this run only.
cat >"$work/terraform.tfvars.json" <<END
{
  "wandb_base_url": "$wandb",
  "wandb_api_key": "$key",
  "minio_endpoint": "$endpoint",
  "minio_access_key": "rootadmin",
  "minio_secret_key": "$secret"
}
END
until_ready "MinIO" "$work/minio.log" look ready
look add-person jane@example.com
say "MinIO                  $endpoint   (pid ${servers[0]})"
say "simulated W&B instance $wandb   (pid ${servers[1]})"
say "working directory      $work"

# ---- The main job ----

step "terraform init"
terraform init -input=false >"$work/init.log" || { cat "$work/init.log" && exit 1; }
grep '^- ' "$work/init.log"

step "terraform apply: the bucket, W&B's key, and the proof that they work"
terraform apply -input=false -auto-approve

step "What the operator of the instance does"
say "The team comes in a second step: the instance has to know the new key first, and no"
say "API can tell it. The output supported_file_store is the line that goes into its"
say "GORILLA_SUPPORTED_FILE_STORES, before a restart. It looks like this:"
say ""
say "    $(terraform output -raw supported_file_store | sed -E 's#://([^:]+):[^@]+@#://\1:(secret)@#')"
say ""
terraform output -raw supported_file_store | look add-store

step "terraform apply: the instance confirms the bucket, and the team is made on it"
export TF_VAR_instance_knows_the_key=true
terraform apply -input=false -auto-approve

step "terraform plan: nothing is left to do"
terraform plan -input=false -detailed-exitcode || fail "the second plan is not empty"

step "What is really there, asked without the provider"
look bucket
look rights
look team
say ""
say "What the provider itself still has to say (output findings):"
terraform output -json findings | "$python" -c '
import json, sys
for one in json.load(sys.stdin):
    print("  {status} {requirement}: {message}".format(**one))
' | grep . || say "  nothing: every requirement of W&B holds"

if [ -n "$keep" ]; then
  step "Everything stays as it is, for you to look around"
  cat >"$work/env.sh" <<END
export TF_CLI_CONFIG_FILE="$work/cli.tfrc" CHECKPOINT_DISABLE=1 NO_PROXY=127.0.0.1
export TF_VAR_instance_knows_the_key=true
cd "$work"
END
  cat <<END
  . $work/env.sh           into the working directory
  terraform show           the state; terraform plan, apply and destroy work as well
  curl $wandb/_simulator/teams
  http://127.0.0.1:$console   MinIO's console; user rootadmin, password $secret
                           (good for this server only)
  Change something there, versioning for one, and see what the next plan says.

Stop the servers and remove everything:
  kill ${servers[*]}; sleep 2; rm -rf $work
END
  servers=()
  work=""
  exit
fi

step "terraform plan -destroy: data is not thrown away by accident"
say "W&B's key has stored an object above, and the instance its tries of the connection, so the bucket is not empty:"
terraform plan -destroy -input=false | grep -A 12 Warning || fail "the plan says nothing about the data"

step "terraform destroy, with leave to delete everything"
say "What counts is the on_destroy of the last apply, so that is changed first."
terraform apply -input=false -auto-approve -var on_destroy=delete_everything >"$work/apply.log" ||
  { cat "$work/apply.log" && exit 1; }
terraform destroy -input=false -auto-approve | grep -E '^(wandb_.*: |Destroy complete)'
look gone

step "Done"
say "Servers are stopped and $work is removed. With --keep they stay."
