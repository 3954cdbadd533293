#!/bin/sh
# What a run costs from Rust beyond what it costs from C, and what a second thread is worth: bindings/rust/bench.sh [MODEL].
# Exit status 77: something is missing.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
command -v cargo >/dev/null || { echo "cargo is not installed"; exit 77; }
[ $# -gt 0 ] || set -- "${OCTAVO_SHARED:-$root/../shared}/models/mlperf_tiny/ad_autoencoder.onnx"
[ -e "$1" ] || { echo "$1 is missing"; exit 77; }
model=$(realpath "$1")
cmake -S "$root" --preset default >/dev/null
cmake --build "$root/build/default" --target octavo >/dev/null
export OCTAVO_LIB_DIR="$root/build/default/capi" LD_LIBRARY_PATH="$root/build/default/capi" CARGO_TARGET_DIR="$root/build/rust/target"
cd "$root/bindings/rust"
cargo bench -q -p octavo-quant --bench overhead -- "$model"
