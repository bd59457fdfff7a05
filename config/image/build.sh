#!/bin/sh
# Builds the program of the image: one file that needs no other, so that the image needs no C library.
#
#   config/image/build.sh PROGRAM       where to put it
set -eu
program=$1
cd "$(dirname "$0")/../.."
# Naming the target keeps what runs while it is built (macros, build scripts) dynamic, as it must be.
host=$(rustc -vV | sed -n 's/^host: //p')
RUSTFLAGS="${RUSTFLAGS:-} -C target-feature=+crt-static" \
  cargo build --release --locked --bin leveret --target "$host"
cp "${CARGO_TARGET_DIR:-target}/$host/release/leveret" "$program"
