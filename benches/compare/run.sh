#!/bin/bash
# Compare this broker with a real RabbitMQ on one machine, in turns: A B A B …
#
#   benches/compare/run.sh [--sides leveret,4.3] [--rounds 5] [--seconds 3] [--cases autoack-16,rpc-16] [--one-core]
#                        [--json FILE]
#
# A side is leveret or a release line of RabbitMQ that tests/reference/reference-broker.sh can run (3.10, 4.0, 4.3);
# that needs root. Two release lines, or one of them twice, show what the measurement itself is worth. Where RabbitMQ
# cannot be run, leveret is measured alone. LEVERET names another binary than the one built here.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=${CARGO_TARGET_DIR:-$PWD/target}
cargo build --release --example compare-load
if [ -z "${LEVERET:-}" ]; then
  cargo build --release --bin leveret
  export LEVERET=$target/release/leveret
fi
LOAD=$target/release/examples/compare-load exec python3 benches/compare/rounds.py "$@"
