#!/bin/sh
# make demo-c: builds and installs the library below build/demo-c, builds the examples against it as a user would, runs
# the quickstart. Log: build/demo-c/log.
set -eu
cd "$(dirname "$0")/../.."
out=build/demo-c
mkdir -p $out
{
  cmake --preset default && cmake --build --preset default && cmake --install build/default --prefix $out/prefix &&
    cmake -S examples/c -B $out/build -DCMAKE_PREFIX_PATH="$PWD/$out/prefix" && cmake --build $out/build
} >$out/log 2>&1 || { tail -20 $out/log >&2; exit 1; }
$out/build/quickstart examples/demo/digits.onnx examples/demo/digits.bin $out/digits.int8.onnx
