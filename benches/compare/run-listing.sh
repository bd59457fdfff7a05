#!/bin/bash
# How fast 10,000 queues are listed beside a real RabbitMQ in the same run, and whether messages flow on meanwhile.
#
#   benches/compare/run-listing.sh [--sides leveret,4.3] [--queues 10000] [--rounds 3] [--no-flow] [--json FILE]
#
# It leaves 10,000 queues behind on the RabbitMQ: give it one of its own by REFERENCE_BROKER_NS=NAME. LEVERET names
# another binary than the one built here.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=${CARGO_TARGET_DIR:-$PWD/target}
if [ -z "${LOAD:-}" ]; then
  cargo build --release --example compare-load
  LOAD=$target/release/examples/compare-load
fi
if [ -z "${LEVERET:-}" ]; then
  cargo build --release --bin leveret
  LEVERET=$target/release/leveret
fi
LOAD=$LOAD LEVERET=$LEVERET exec python3 benches/compare/listing.py "$@"
