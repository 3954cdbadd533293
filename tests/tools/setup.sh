#!/bin/sh
# Makes the machine ready:  setup.sh build | test | fuzz | bench | docs | csharp | rust | java
# Installs missing system packages where that needs no password (Debian, Ubuntu), else says in one line what to install.
# Only what `build` asks for is required; the rest is optional, and what needs it says that it was skipped.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
packages=
need() { # need PROGRAM PACKAGE
  command -v "$1" >/dev/null 2>&1 || packages="$packages $2"
}
command -v c++ >/dev/null 2>&1 || need g++ g++
need cmake cmake
need ninja ninja-build
need python3 python3
python3 -c 'import ensurepip, venv' >/dev/null 2>&1 || packages="$packages python3-venv"
python3 -c 'import sysconfig, os, sys; sys.exit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))' 2>/dev/null ||
  packages="$packages python3-dev"
required=$packages
case "${1:-build}" in
  test)
    need g++ g++
    need clang++ clang
    need ld.lld lld
    need ccache ccache
    need meson meson
    need pkg-config pkg-config
    need swig swig
    need abidiff abigail-tools
    need doxygen doxygen
    need cargo cargo
    need aarch64-linux-gnu-g++ g++-aarch64-linux-gnu
    command -v qemu-aarch64 >/dev/null 2>&1 || need qemu-aarch64-static qemu-user-static
    [ -e /usr/include/gtest/gtest.h ] || packages="$packages libgtest-dev"
    ;;
  fuzz) need clang++ clang; need ld.lld lld ;;
  bench) [ -e /usr/include/benchmark/benchmark.h ] || packages="$packages libbenchmark-dev" ;;
  docs) need doxygen doxygen ;;
  rust)
    need cargo cargo
    need pkg-config pkg-config
    ;;
  csharp)
    need swig swig
    need sn mono-devel
    need nunit-console nunit-console
    [ -e /usr/lib/mono/gac/nunit.framework ] || packages="$packages libnunit-cil-dev"
    ;;
  java)
    need swig swig
    need javac default-jdk-headless
    need mvn maven
    ;;
esac
[ -z "$packages" ] && exit 0
as_root=
if [ "$(id -u)" != 0 ]; then
  if command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then as_root="sudo -n"; else as_root=no; fi
fi
if command -v apt-get >/dev/null 2>&1 && [ "$as_root" != no ]; then
  echo "Installing:$packages"
  log=$root/build/setup.log
  mkdir -p "$root/build"
  if $as_root apt-get update >"$log" 2>&1 &&
     $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y $packages >>"$log" 2>&1; then
    exit 0
  fi
  # One package that this release lacks must not keep the others away.
  for p in $packages; do
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y "$p" >>"$log" 2>&1 || echo "Could not install $p (build/setup.log)"
  done
  for tool in cmake ninja python3; do
    command -v $tool >/dev/null 2>&1 || { echo "$tool is missing and could not be installed." >&2; exit 1; }
  done
  exit 0
fi
echo "Please install (Debian's names):$packages" >&2
[ -z "$required" ]
