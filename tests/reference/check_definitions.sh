#!/bin/bash
# Definitions of a real RabbitMQ into Leveret and back, and the reverse.
#
#   check_definitions.sh [VERSION…] [--save DIR]     VERSION is 3.10, 4.0 or 4.3; default: 4.3
#
# Starts a Leveret beside each real broker that is up (reference-broker.sh VERSION up); one that is not up is an error.
# LEVERET is the binary (default: target/debug/leveret). --save keeps what the real ones exported.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
leveret=$(readlink -f "${LEVERET:-$here/../../target/debug/leveret}")
versions=() save=
while [ $# -gt 0 ]; do
  case $1 in
    --save) save=$2; shift 2 ;;
    *) versions+=("$1"); shift ;;
  esac
done
[ ${#versions[@]} -gt 0 ] || versions=(4.3)

# In the namespace of the real broker: both listen on its loopback interface.
beside='
set -eu
work=$(mktemp -d); trap "kill \$pid 2>/dev/null || true; rm -rf $work" EXIT
LEVERET_RUNTIME_DIR=$work "$1" --host 127.0.0.1 --port 0 --management-port 0 --ports-file "$work/ports" \
  --compat "$2" --log-level warn >/dev/null & pid=$!
until [ -s "$work/ports" ]; do kill -0 $pid; sleep 0.05; done
port=$(python3 -c "import json,sys; print(json.load(open(sys.argv[1]))[\"management\"])" "$work/ports")
shift 2
python3 "$1" --real 15672 --leveret "$port" "${@:2}"
'
status=0
for version in "${versions[@]}"; do
  echo "== $version"
  args=()
  [ -z "$save" ] || args=(--save "$(readlink -f "$save")/$version.json")
  "$here/reference-broker.sh" "$version" exec bash -c "$beside" check "$leveret" "$version" \
    "$here/check_definitions.py" ${args[@]+"${args[@]}"} || status=1
done
exit $status
