#!/usr/bin/env bash
# Set-up, then every ring of tests: unit, property, protocol, contract, acceptance and
# fault, and the checks of documentation and architecture.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
tests/setup.sh
cargo test --workspace
