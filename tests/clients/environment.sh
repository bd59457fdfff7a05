#!/bin/bash
# Prints the folder of a Python environment for a list of requirements, made once for each content of that list.
#
#   tests/clients/environment.sh REQUIREMENTS.txt
set -euo pipefail
list=$(realpath "$1")
dir=$(cd "$(dirname "$0")" && pwd)/.venv/$(cat "$list" <(python3 --version) | sha256sum | cut -c 1-16)
if [ ! -e "$dir/ready" ]; then
  echo "making the environment for $list" >&2
  rm -rf "$dir"
  python3 -m venv "$dir" >&2
  "$dir/bin/python" -m pip install --quiet --disable-pip-version-check --no-input -r "$list" >&2
  touch "$dir/ready"
fi
echo "$dir"
