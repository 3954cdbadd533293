#!/bin/sh
# What a run costs from C#: bindings/csharp/bench.sh MODEL, called by tests/bench/overhead.py. With Mono and, where test.sh has
# fetched it, .NET Core. Exit status 77: something is missing.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
out=$root/build/csharp
sh "$root/bindings/csharp/build.sh" Overhead.exe "$root/bindings/csharp/bench/Overhead.cs"
mono "$out/lib/Overhead.exe" "$1" | sed 's/^C#/C# on Mono,/'
if [ -e "$out/venv/bin/dotnet" ]; then
  "$(readlink -f "$out/venv/bin/dotnet")" exec --runtimeconfig "$root/bindings/csharp/tests/core.runtimeconfig.json" \
    "$out/lib/Overhead.exe" "$1" | sed 's/^C#/C# on .NET Core,/'
fi
