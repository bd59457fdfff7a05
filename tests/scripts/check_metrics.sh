#!/bin/bash
# The metrics of a running broker, read by Prometheus's own checker (Debian's package prometheus, installed if missing).
#
#   LEVERET=target/debug/leveret tests/scripts/check_metrics.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
if ! command -v promtool >/dev/null; then
  sudo=; [ "$(id -u)" = 0 ] || sudo=sudo
  # Only the checker is wanted, no server that starts.
  $sudo apt-get update -q
  folder=$(mktemp -d)
  (cd "$folder" && apt-get download -q prometheus && dpkg-deb -x prometheus_*.deb .)
  PATH=$folder/usr/bin:$PATH
fi
dir=$(mktemp -d)
LEVERET_RUNTIME_DIR=$dir "${LEVERET:-target/release/leveret}" --port 0 --management-port 0 --prometheus-port 0 \
  --ports-file "$dir/ports.json" >"$dir/log" 2>&1 &
broker=$!
trap 'kill "$broker" 2>/dev/null || true; wait "$broker" 2>/dev/null || true; rm -rf "$dir"' EXIT
python3 tests/scripts/wait_ports.py "$dir/ports.json" >/dev/null
port() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$dir/ports.json" "$1"; }
api() {
  curl -sSf -u guest:guest -H 'content-type: application/json' -X "$1" "http://127.0.0.1:$(port management)/api/$2" -d "$3" >/dev/null
}
for kind in classic quorum stream; do
  api PUT "queues/%2F/q.$kind" '{"durable": true, "arguments": {"x-queue-type": "'$kind'"}}'
done
api PUT 'queues/%2F/a%22quoted%5Cqueue' '{"durable": true}'
api POST 'exchanges/%2F/amq.default/publish' \
  '{"routing_key": "q.classic", "payload": "x", "payload_encoding": "string", "properties": {}}'

passed=0 failed=0
families='family=queue_coarse_metrics&family=queue_metrics&family=queue_delivery_metrics&family=vhost_status&family=exchange_names'
for path in /metrics /metrics/per-object "/metrics/detailed?$families" /metrics/memory-breakdown; do
  curl -sSf "http://127.0.0.1:$(port prometheus)$path" >"$dir/metrics"
  # Two of RabbitMQ's names are against the customs; they stay, as dashboards know them. Everything else must be right.
  if ! promtool check metrics <"$dir/metrics" >"$dir/said" 2>&1; then
    said=$(grep -v -e '^rabbitmq_\(detailed_\)\?stream_segments counter metrics should have "_total" suffix$' \
      -e '^rabbitmq_unreachable_cluster_peers_count non-histogram .* should not have "_count" suffix$' "$dir/said" || true)
  else
    said=
  fi
  if [ -z "$said" ] && [ "$(wc -l <"$dir/metrics")" -gt 10 ]; then
    passed=$((passed + 1)); echo "ok: $path"
  else
    failed=$((failed + 1)); echo "WRONG: $path"; echo "$said"
  fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
