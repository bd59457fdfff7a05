#!/bin/bash
# Start this project's broker and compare it with the recordings of RabbitMQ.
#
#   tests/reference/run.sh          LEVERET names the binary (default: target/release/leveret, which is then built first)
#
# The last line says how many comparisons passed and failed.
set -euo pipefail
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
if [ -z "${LEVERET:-}" ]; then
  (cd "$root" && cargo build --release --bin leveret)
  LEVERET=${CARGO_TARGET_DIR:-$root/target}/release/leveret
fi
dir=$(mktemp -d)
LEVERET_RUNTIME_DIR=$dir "$LEVERET" --port 0 --management-port 0 --ports-file "$dir/ports.json" >"$dir/log" 2>&1 &
broker=$!
trap 'kill $broker 2>/dev/null || true; wait $broker 2>/dev/null || true; rm -rf "$dir"' EXIT
read -r amqp management < <(python3 ../scripts/wait_ports.py "$dir/ports.json") || { cat "$dir/log" >&2; exit 1; }

status=0
# Four minutes is far more than each needs; a broker that does not answer must not hold everything up.
timeout 240 python3 check_errors.py --port "$amqp" --mgmt-port "$management" "$@" | tee "$dir/errors" || status=1
timeout 240 python3 check_behaviour.py --port "$amqp" --mgmt-port "$management" | tee "$dir/behaviour" || status=1
cat "$dir/errors" "$dir/behaviour" | awk '/^[0-9]+ passed, [0-9]+ failed$/ { p += $1; f += $3; n++ }
  END { if (n < 2) f++; printf "%d passed, %d failed\n", p, f }'
exit $status
