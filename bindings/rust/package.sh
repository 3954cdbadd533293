#!/usr/bin/env bash
# Makes the crates: package.sh [options of cargo package]. octavo-sys then carries the C++ sources and the third-party ones
# they are compiled with (octavo-sys/vendor, not committed), so that building it takes CMake and a C++20 compiler, but no
# network.
set -eu
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
vendor=octavo-sys/vendor
deps=$root/build/deps
python3 "$root/tests/tools/fetch_deps.py" --dest "$deps" highway protozero nlohmann_json xxhash >/dev/null
rm -rf "$vendor"
mkdir -p "$vendor/deps/highway/hwy"
(cd "$root" && git ls-files VERSION CMakeLists.txt cmake core capi) | tar -C "$root" -c -T - | tar -C "$vendor" -x
cp -r "$deps/include" "$vendor/deps"
cp "$deps"/highway/LICENSE* "$vendor/deps/highway"
(cd "$deps/highway/hwy" && cp -r ./*.h ops abort.cc aligned_allocator.cc per_target.cc print.cc targets.cc timer.cc "$OLDPWD/$vendor/deps/highway/hwy")
for crate in octavo-sys octavo-quant; do cp "$root"/LICENSE* $crate; done
cargo package -p octavo-sys -p octavo-quant "$@"
