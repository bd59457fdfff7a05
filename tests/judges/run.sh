#!/bin/bash
# Programs of others that use the management API, as independent judges: the typed Rust client, both rabbitmqadmins,
# Flower; and of TLS curl and OpenSSL.
#
#   tests/judges/run.sh [PYTEST ARGUMENT…]
#
# Environment:
#   LEVERET         the broker to judge (default: target/release/leveret, which is then built first)
#   AMQP_URL        judge a broker that runs already, with MGMT_URL; what is in it is not safe
#   JUDGES_CACHE    what is built and fetched is kept here (default: ~/.cache/leveret-judges)
# The last line says how many tests passed and failed.
set -euo pipefail
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
cache=${JUDGES_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/leveret-judges}

if [ -z "${AMQP_URL:-}" ] && [ -z "${LEVERET:-}" ]; then
  (cd "$root" && cargo build --release --bin leveret)
  LEVERET=${CARGO_TARGET_DIR:-$root/target}/release/leveret
fi
LEVERET=$(realpath "${LEVERET:-/}")

# The programs in Rust, with the versions of our lock file. What they depend on is built once for each content of it.
export CARGO_TARGET_DIR=$cache/$(cat Cargo.lock <(rustc --version) | sha256sum | cut -c 1-16)
cargo build --quiet --locked --bins -p rabbitmqadmin -p leveret-judges
export ADMIN_V2=$CARGO_TARGET_DIR/debug/rabbitmqadmin JUDGE=$CARGO_TARGET_DIR/debug/leveret-judges

sudo=; [ "$(id -u)" = 0 ] || sudo=sudo
missing=
for program in curl openssl; do command -v $program >/dev/null || missing+=" $program"; done
[ -z "$missing" ] || { $sudo apt-get update -q && $sudo apt-get install -qy --no-install-recommends $missing; } >&2

# The program in Python: one file of the package, which is not installed.
export ADMIN_V1=$cache/rabbitmqadmin
if [ ! -e "$ADMIN_V1" ]; then
  $sudo apt-get update -q >&2
  folder=$(mktemp -d)
  (cd "$folder" && apt-get download -q rabbitmq-server && dpkg-deb -x rabbitmq-server_*.deb .) >&2
  find "$folder" -name rabbitmqadmin -type f -exec cp {} "$ADMIN_V1.new" \; -quit
  mv "$ADMIN_V1.new" "$ADMIN_V1"
  rm -rf "$folder"
fi

python=$(../clients/environment.sh ../clients/requirements.txt)/bin/python
export LEVERET PYTHONDONTWRITEBYTECODE=1
exec "$python" -m pytest -q "$@"
