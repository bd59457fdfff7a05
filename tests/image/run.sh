#!/bin/bash
# The image without an engine: hadolint on the Dockerfile, the tree of files it copies, and that tree run in a chroot as
# the image's user, read-only, in a network of its own; Testcontainers' modules on top. Wants root, or sudo.
#
#   tests/image/run.sh [PYTEST ARGUMENT…]
#
# Environment:
#   IMAGE_PROGRAM   a static program to put into it (default: what config/image/build.sh builds)
# The last line says how many tests passed and failed.
set -euo pipefail
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
sudo=; [ "$(id -u)" = 0 ] || sudo="sudo --preserve-env=PATH,PYTHONDONTWRITEBYTECODE,IMAGE_ROOT"
missing=
command -v busybox >/dev/null && ! ldd "$(command -v busybox)" >/dev/null 2>&1 || missing+=" busybox-static"
command -v npm >/dev/null || missing+=" nodejs npm"
# shellcheck disable=SC2086
[ -z "$missing" ] || { $sudo apt-get update -q && $sudo apt-get install -qy --no-install-recommends $missing; } >&2
[ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --silent --no-audit --no-fund >&2
environment=$(../clients/environment.sh requirements.txt)

work=$(mktemp -d)
trap '$sudo rm -rf "$work"' EXIT
program=${IMAGE_PROGRAM:-}
if [ -z "$program" ]; then
  program=$work/leveret
  "$root/config/image/build.sh" "$program" >&2
fi
export IMAGE_ROOT=$work/root PYTHONDONTWRITEBYTECODE=1
$sudo "$root/config/image/rootfs.sh" "$program" "$IMAGE_ROOT"

"$environment/bin/hadolint" "$root/Dockerfile"
# Its ports are the image's, whatever else runs on this machine.
$sudo unshare --net "$environment/bin/python" - "$@" <<'PYTHON'
import fcntl, os, socket, struct, sys
up = struct.pack("16sH14s", b"lo", 0x49, b"")
fcntl.ioctl(socket.socket(), 0x8914, up)        # SIOCSIFFLAGS: the loopback interface is up and running
os.execv(sys.executable, [sys.executable, "-m", "pytest", "-q", *sys.argv[1:]])
PYTHON
