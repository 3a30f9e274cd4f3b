#!/usr/bin/env bash
# Set-up, then every ring of tests: unit, property, protocol, contract, acceptance and
# fault, and the checks of documentation and architecture.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
tests/setup.sh
# Most tests wait for Terraform and for servers, so there is room for more than one on a core.
export RUST_TEST_THREADS="${RUST_TEST_THREADS:-$(($(nproc) * 2))}"
cargo test --workspace
