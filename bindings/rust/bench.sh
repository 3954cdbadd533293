#!/bin/sh
# What a run costs from Rust and what a second thread is worth: bindings/rust/bench.sh MODEL, called by tests/bench/overhead.py.
# Exit status 77: something is missing.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
command -v cargo >/dev/null || { echo "cargo is not installed"; exit 77; }
model=$(realpath "$1")
cmake -S "$root" --preset default >/dev/null
cmake --build "$root/build/default" --target octavo >/dev/null
export OCTAVO_LIB_DIR="$root/build/default/capi" LD_LIBRARY_PATH="$root/build/default/capi" CARGO_TARGET_DIR="$root/build/rust/target"
cd "$root/bindings/rust"
cargo bench -q -p octavo-quant --bench overhead -- "$model"
