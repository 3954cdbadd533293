#!/bin/sh
# make demo-rust: builds the library and the examples, runs the quickstart. Log: build/demo-rust.log.
set -eu
cd "$(dirname "$0")/../.."
command -v cargo >/dev/null || { echo "cargo is not installed"; exit 77; }
mkdir -p build
export OCTAVO_LIB_DIR="$PWD/build/default/capi" CARGO_TARGET_DIR="$PWD/build/rust/target"
export LD_LIBRARY_PATH="$OCTAVO_LIB_DIR"
{
  cmake --preset default && cmake --build --preset default &&
    cargo build --manifest-path examples/rust/Cargo.toml --release
} >build/demo-rust.log 2>&1 || { tail -20 build/demo-rust.log >&2; exit 1; }
"$CARGO_TARGET_DIR/release/quickstart" examples/demo/digits.onnx examples/demo/digits.bin build/digits.rust.int8.onnx
