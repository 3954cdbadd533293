#!/bin/sh
# What a run costs from C# beyond what it costs from C: bindings/csharp/bench.sh [MODEL]. The same work, one program each; with
# Mono and, where test.sh has fetched it, .NET Core. Exit status 77: something is missing.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
out=$root/build/csharp
[ $# -gt 0 ] || set -- "${OCTAVO_SHARED:-$root/../shared}/models/mlperf_tiny/ad_autoencoder.onnx"
[ -e "$1" ] || { echo "$1 is missing"; exit 77; }
sh "$root/bindings/csharp/build.sh" Overhead.exe "$root/bindings/csharp/bench/Overhead.cs"
cmake --build "$root/build/default" --target octavo >/dev/null
cc -O2 -I"$root/capi/include" "$root/bindings/csharp/bench/overhead.c" -o "$out/overhead" -L"$root/build/default/capi" -loctavo \
  -Wl,-rpath,"$root/build/default/capi"
"$out/overhead" "$1"
echo "with Mono:"
mono "$out/lib/Overhead.exe" "$1"
if [ -e "$out/venv/bin/dotnet" ]; then
  echo "with .NET Core:"
  "$(readlink -f "$out/venv/bin/dotnet")" exec --runtimeconfig "$root/bindings/csharp/tests/core.runtimeconfig.json" "$out/lib/Overhead.exe" "$1"
fi
"$out/overhead" "$1"
