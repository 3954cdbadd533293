#!/usr/bin/env bash
# Tests of the Rust crates. Ends with `N passed, N failed, N skipped`; exit status 77 and a sentence where there is no cargo.
set -u
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
out=$root/build/rust
demo=$root/examples/demo
version=$(cat "$root/VERSION")
command -v cargo >/dev/null || { echo "cargo is not installed: tests/tools/setup.sh rust"; exit 77; }
cargo fetch -q --locked 2>/dev/null || { echo "the crates that the Rust binding needs cannot be fetched"; exit 77; }
mkdir -p "$out"
passed=0 failed=0 skipped=0
pass() { passed=$((passed + 1)); echo "passed: $1"; }
fail() { failed=$((failed + 1)); echo "FAILED: $1"; }
skip() { skipped=$((skipped + 1)); echo "skipped: $1: $2"; }
check() { # check NAME COMMAND...
  local name=$1
  shift
  if "$@" >"$out/log" 2>&1; then pass "$name"; else tail -40 "$out/log"; fail "$name"; fi
}

# The shared library; one build serves all languages.
if ! { cmake -S "$root" --preset default && cmake --build "$root/build/default"; } >"$out/library.log" 2>&1; then
  tail -20 "$out/library.log"
  echo "0 passed, 1 failed, 0 skipped"
  exit 1
fi
export CARGO_TARGET_DIR=$out/target OCTAVO_LIB_DIR=$root/build/default/capi
export LD_LIBRARY_PATH=$OCTAVO_LIB_DIR${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}

if cargo fmt --version >/dev/null 2>&1; then check "rustfmt" cargo fmt --all --check; else skip "rustfmt" "not installed"; fi
if cargo clippy --version >/dev/null 2>&1; then
  check "clippy" cargo clippy -q --workspace --all-targets --all-features -- -D warnings
else
  skip "clippy" "not installed"
fi

# Unit tests, integration tests, documentation's examples: counted one by one.
cargo test --workspace --all-features --no-fail-fast >"$out/test.log" 2>&1
status=$?
grep -E '^(test .*FAILED|error|warning: unused|---- )' -A8 "$out/test.log" | head -150
read -r p f s < <(awk '/^test result:/ {p += $4; f += $6; s += $8} END {print p + 0, f + 0, s + 0}' "$out/test.log")
passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
if [ $status -ne 0 ] && [ "$f" = 0 ]; then tail -30 "$out/test.log"; fail "cargo test"; fi
check "documentation" env RUSTDOCFLAGS="-D warnings" cargo doc -q --no-deps --all-features -p octavo-sys -p octavo-quant

# octavo-sys/src/bindings.rs is what bindgen makes of octavo.h.
if ! ls /usr/lib/llvm-*/lib/libclang*.so* /usr/lib/*/libclang*.so* >/dev/null 2>&1 && [ -z "${LIBCLANG_PATH:-}" ]; then
  skip "bindings" "libclang is not installed"
elif ! CARGO_TARGET_DIR=$out/generate cargo build -q --manifest-path generate/Cargo.toml >"$out/log" 2>&1; then
  skip "bindings" "bindgen does not build here: $(grep -m1 error "$out/log")"
else
  "$out/generate/debug/generate" "$root/capi/include/octavo/octavo.h" >"$out/bindings.rs" 2>"$out/log"
  check "bindings" diff -u octavo-sys/src/bindings.rs "$out/bindings.rs"
fi

# The part of the crate that does not call C, where Miri is installed (it comes with nightly Rust only).
if cargo +nightly miri --version >/dev/null 2>&1; then
  check "Miri" env CARGO_TARGET_DIR="$out/miri" cargo +nightly miri test -q -p octavo-quant --lib
else
  skip "Miri" "not installed"
fi

# The examples do what they say, and the same with every way to find the library.
quickstart() { # quickstart FOLDER: its output, which must not depend on where the library comes from
  "$1/quickstart" "$demo/digits.onnx" "$demo/digits.bin" "$out/digits.int8.onnx"
}
examples() {
  cargo build -q -p octavo-examples && quickstart "$CARGO_TARGET_DIR/debug" >"$out/quickstart.txt" &&
    grep -q "digest of all INT8 scores: [0-9a-f]\{16\}" "$out/quickstart.txt"
}
classifier() { # the first image of digits.bin: its label is the answer
  local classify=$CARGO_TARGET_DIR/debug/classify label
  { printf 'P5\n16 16\n255\n' && head -c 257 "$demo/digits.bin" | tail -c 256; } >"$out/digit.pgm"
  label=$(head -c 1 "$demo/digits.bin" | od -An -tu1 | tr -d ' ')
  "$classify" "$out/digits.int8.onnx" --threads 1 --top 3 "$out/digit.pgm" | grep "digit.pgm: $label (" || return 1
  "$classify" "$out/digits.int8.onnx" "$demo/digits.bin"
  [ $? = 1 ] || return 1
  "$classify"
  [ $? = 2 ]
}
installed() { # found by pkg-config
  cmake --install "$root/build/default" --prefix "$out/prefix" >/dev/null || return 1
  local pc
  pc=$(dirname "$(find "$out/prefix" -name octavo.pc)")
  (
    unset OCTAVO_LIB_DIR
    export LD_LIBRARY_PATH=${pc%/pkgconfig} PKG_CONFIG_PATH=$pc OCTAVO_NO_VENDOR=1 CARGO_TARGET_DIR=$out/installed
    cargo build -q -p octavo-examples && quickstart "$CARGO_TARGET_DIR/debug" | diff "$out/quickstart.txt" -
  )
}
packaged() { # compiled from what `cargo package` packs, without network, for the baseline instruction set: that is quicker
  bash package.sh --no-verify --allow-dirty || return 1
  local at=$out/packaged
  rm -rf "$at" && mkdir -p "$at/src/bin" || return 1
  for crate in octavo-sys octavo-quant; do
    tar -xzf "$CARGO_TARGET_DIR/package/$crate-$version.crate" -C "$at" || return 1
  done
  cp "$root/examples/rust/quickstart.rs" "$at/src/bin" || return 1
  cat >"$at/Cargo.toml" <<EOF
[package]
name = "user"
version = "0.1.0"
edition = "2021"
[workspace]
[dependencies]
octavo-quant = { path = "octavo-quant-$version", features = ["vendored"] }
[patch.crates-io]
octavo-sys = { path = "octavo-sys-$version" }
EOF
  cp Cargo.lock "$at"
  (
    unset OCTAVO_LIB_DIR LD_LIBRARY_PATH
    export CXXFLAGS=-DHWY_COMPILE_ONLY_STATIC CARGO_TARGET_DIR=$out/user
    cd "$at" && cargo build -q && quickstart "$CARGO_TARGET_DIR/debug" | tail -n +2 | diff <(tail -n +2 "$out/quickstart.txt") -
  )
}
check "examples" examples
check "classifier" classifier
if command -v pkg-config >/dev/null; then check "installed library" installed; else skip "installed library" "pkg-config is not installed"; fi
check "packaged crates" packaged

echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
