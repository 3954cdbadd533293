#!/bin/sh
# make demo-csharp: builds the C# package in build/csharp, then the quickstart against it, and runs it. Log:
# build/csharp/log. Exit status 77: a tool is missing.
set -eu
cd "$(dirname "$0")/../.."
mkdir -p build/csharp
sh bindings/csharp/build.sh Quickstart.exe examples/csharp/Quickstart.cs >build/csharp/log 2>&1 ||
  { status=$?; tail -20 build/csharp/log; exit $status; }
mono build/csharp/lib/Quickstart.exe examples/demo/digits.onnx examples/demo/digits.bin build/csharp/digits.int8.onnx
