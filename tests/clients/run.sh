#!/bin/bash
# Real clients against the broker: pytest in two environments, one with the newest clients, one with Celery 5.3.
#
#   tests/clients/run.sh [PYTEST ARGUMENT…]
#
# Environment:
#   LEVERET       the broker to test (default: target/release/leveret, which is then built first)
#   AMQP_URL      test a broker that runs already; with MGMT_URL, and where they can be had RABBITMQCTL (the command to
#                 use) and BROKER_RESTART (a shell command; without them the tests that need them are skipped)
#   CLIENTS_ONLY  newest or celery-5.3: only one of the two environments
# The last line says how many tests passed and failed.
set -euo pipefail
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)

if [ -z "${AMQP_URL:-}" ] && [ -z "${LEVERET:-}" ]; then
  (cd "$root" && cargo build --release --bin leveret)
  export LEVERET=${CARGO_TARGET_DIR:-$root/target}/release/leveret
fi
export PYTHONDONTWRITEBYTECODE=1

newest=$(./environment.sh requirements.txt)
old=$(./environment.sh requirements-celery-5.3.txt)
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

# Each has a broker of its own, so the two run side by side; one that runs already is used by one after the other.
status=0
run() { "$1/bin/python" -m pytest -q "${@:3}" >"$out/$2" 2>&1; }
case ${CLIENTS_ONLY:-} in
  newest) run "$newest" newest "$@" || status=1 ;;
  celery-5.3) run "$old" celery-5.3 "$@" || status=1 ;;
  "")
    if [ -n "${AMQP_URL:-}" ]; then
      run "$newest" newest "$@" || status=1
      run "$old" celery-5.3 "$@" || status=1
    else
      run "$newest" newest "$@" & first=$!
      run "$old" celery-5.3 "$@" || status=1
      wait "$first" || status=1
    fi ;;
  *) echo "CLIENTS_ONLY is newest or celery-5.3" >&2; exit 2 ;;
esac
for name in newest celery-5.3; do
  [ -e "$out/$name" ] || continue
  echo "--- clients: $name"
  cat "$out/$name"
done
cat "$out"/* | awk '/^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$/ { p += $1; f += $3; s += $5 }
  END { printf "%d passed, %d failed, %d skipped\n", p, f, s }'
exit $status
