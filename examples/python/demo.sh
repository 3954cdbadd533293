#!/bin/sh
# make demo-python: builds the package, installs it into build/venv and runs the quickstart. Log: build/demo-python/log.
set -eu
cd "$(dirname "$0")/../.."
out=build/demo-python
mkdir -p $out
{
  sh tests/tools/venv.sh build/venv &&
    build/venv/bin/python -m pip install . --no-build-isolation --no-deps --force-reinstall
} >$out/log 2>&1 || { tail -20 $out/log >&2; exit 1; }
build/venv/bin/python examples/python/quickstart.py examples/demo/digits.onnx examples/demo/digits.bin $out/digits.int8.onnx
