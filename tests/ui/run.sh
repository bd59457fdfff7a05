#!/bin/bash
# The management page in a real browser: every page in both themes, its forms, the keyboard, ten thousand queues.
#
#   tests/ui/run.sh [PATTERN]      only tests whose names match
#
# Environment:
#   LEVERET    the broker to test (default: target/release/leveret, which is then built first)
#   CHROMIUM   the browser (default: /usr/bin/chromium, which is installed when it is missing)
# Pictures of all pages: node tests/ui/screenshots.mjs FOLDER; those of the README: node tests/ui/readme.mjs. The last line says how many tests passed and failed.
set -euo pipefail
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)

if [ -z "${LEVERET:-}" ]; then
  (cd "$root" && cargo build --release --bin leveret)
  export LEVERET=${CARGO_TARGET_DIR:-$root/target}/release/leveret
fi
sudo=; [ "$(id -u)" = 0 ] || sudo=sudo
missing=
[ -x "${CHROMIUM:-/usr/bin/chromium}" ] || missing+=" chromium"
command -v npm >/dev/null || missing+=" nodejs npm"
# shellcheck disable=SC2086
[ -z "$missing" ] || { $sudo apt-get update -q && $sudo apt-get install -qy --no-install-recommends $missing; } >&2
[ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --silent --no-audit --no-fund >&2

# The Celery worker that one of them looks at.
PYTHON=$(../clients/environment.sh ../clients/requirements.txt)/bin/python
export PYTHON

out=$(mktemp)
trap 'rm -f "$out"' EXIT
status=0
node --test --test-concurrency=1 --test-reporter=spec ${1:+--test-name-pattern="$1"} ./*.test.mjs 2>&1 | tee "$out" || status=1
awk '$2 == "pass" { p = $3 } $2 == "fail" || $2 == "cancelled" { f += $3 } END { printf "%d passed, %d failed\n", p, f }' "$out"
exit $status
