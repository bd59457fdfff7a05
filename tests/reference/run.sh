#!/bin/bash
# Start this project's broker and compare it with the recordings of RabbitMQ.
#
#   tests/reference/run.sh [OPTION OF THE CHECKS …]       for example: --only exchange.
#
#   LEVERET   the binary (default: target/release/leveret, which is then built first)
#   LINES     release lines: some of 3.10 4.0 4.3 4.3-strict, or all (default: 4.3)
#   PROBES    some of errors behaviour versions (default: all three)
#   SAVE      keep what the broker answered in this directory, as PROBE-LINE.json
#
# The probes of a line run at the same time, each against a broker of its own. The last line says how many comparisons
# passed and failed.
set -euo pipefail
[ -z "${LEVERET:-}" ] || LEVERET=$(realpath "$LEVERET")
[ -z "${SAVE:-}" ] || SAVE=$(realpath "$SAVE")
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
lines=${LINES:-4.3}
[ "$lines" != all ] || lines="3.10 4.0 4.3 4.3-strict"
probes=${PROBES:-errors behaviour versions}
unset LINES     # the shell's own variable for the height of the terminal
if [ -z "${LEVERET:-}" ]; then
  (cd "$root" && cargo build --release --bin leveret)
  LEVERET=${CARGO_TARGET_DIR:-$root/target}/release/leveret
fi

dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT

# check LINE PROBE [OPTION…]: one probe against a fresh broker.
check() {
  local line=$1 probe=$2 d=$dir/$1-$2 amqp management; shift 2
  local compat=(--compat "${line%-strict}"); [ "${line%-strict}" = "$line" ] || compat+=(--strict)
  mkdir "$d"
  LEVERET_RUNTIME_DIR=$d "$LEVERET" --port 0 --management-port 0 --ports-file "$d/ports.json" "${compat[@]}" >"$d/log" 2>&1 &
  trap 'kill %1 2>/dev/null || true; wait' EXIT
  read -r amqp management < <(python3 ../scripts/wait_ports.py "$d/ports.json") || { cat "$d/log" >&2; return 1; }
  # Four minutes is far more than each needs; a broker that does not answer must not hold everything up.
  timeout 240 "./check_$probe.py" --line "$line" --port "$amqp" --mgmt-port "$management" \
    ${SAVE:+--save "$SAVE/$probe-$line.json"} "$@"
}

status=0
for line in $lines; do
  declare -A running=()
  for probe in $probes; do
    (check "$line" "$probe" "$@") >"$dir/$probe.out" 2>"$dir/$probe.err" &
    running[$probe]=$!
  done
  for probe in $probes; do
    rc=0; wait "${running[$probe]}" || rc=$?
    echo "--- $probe, as $line"
    [ $rc != 2 ] || cat "$dir/$probe.err"
    cat "$dir/$probe.out" | tee -a "$dir/all"
    [ $rc = 0 ] || { status=1; grep -q ' failed$' "$dir/$probe.out" || echo "0 passed, 1 failed" >>"$dir/all"; }
  done
done
awk '/^[0-9]+ passed, [0-9]+ failed$/ { p += $1; f += $3 } END { printf "%d passed, %d failed\n", p, f }' "$dir/all"
exit $status
