#!/bin/sh
# Builds the C# package with mcs: build/csharp/lib/ gets Octavo.dll (netstandard 2.0), its documentation, the native half and,
# for Mono without NuGet, System.Memory.dll.
#
#    bindings/csharp/build.sh                       the package
#    bindings/csharp/build.sh OUT.exe SOURCE.cs...  that and a program beside it, which references it and, where it asks for
#                                                   [Test]s, NUnit; $MCS_FLAGS are added
#
# Programs may say `using var`, which mcs does not know: tools/lower_using.py. Exit status 77: a tool is missing.
set -eu
for tool in swig mcs sn mono; do
  command -v $tool >/dev/null || { echo "$tool is missing: install swig and mono-devel"; exit 77; }
done
root=$(cd "$(dirname "$0")/../.." && pwd)
here=$root/bindings/csharp
out=$root/build/csharp
lib=$out/lib
mkdir -p "$lib" "$out/raw"

facade=/usr/lib/mono/4.7.2-api/Facades/netstandard.dll
cecil=$(ls -d /usr/lib/mono/gac/Mono.Cecil/0.1[0-9]*/Mono.Cecil.dll | tail -n 1)

newer() { # newer TARGET SOURCE...: a source is newer than the target
  [ -e "$1" ] && [ -z "$(find "$@" -newer "$1" -print | head -n 1)" ] && return 1
  return 0
}

cmake -S "$root" --preset default -DOCTAVO_CSHARP=ON >/dev/null
cmake --build "$root/build/default" --target octavo_csharp >/dev/null
cp -pu "$root/build/default/csharp/liboctavo_csharp.so" "$lib/"

if newer "$out/Retarget.exe" "$here/tools/Retarget.cs"; then
  mcs -nologo -out:"$out/Retarget.exe" -r:"$cecil" "$here/tools/Retarget.cs"
fi
if newer "$lib/System.Memory.dll" "$here/tools/SystemMemory.cs"; then
  sn -q -e "$facade" "$out/key.pub"
  mcs -nologo -target:library -delaysign+ -keyfile:"$out/key.pub" -out:"$lib/System.Memory.dll" "$here/tools/SystemMemory.cs"
fi
if newer "$lib/Octavo.dll" "$here"/src/*.cs "$here"/src/Interop/*.cs "$root"/build/default/csharp/*.cs "$root/VERSION"; then
  {
    echo "[assembly: System.Reflection.AssemblyTitle(\"Octavo\")]"
    echo "[assembly: System.Reflection.AssemblyVersion(\"$(cat "$root/VERSION")\")]"
    echo "[assembly: System.Runtime.Versioning.TargetFramework(\".NETStandard,Version=v2.0\")]"
  } >"$out/AssemblyInfo.cs"
  mcs -nologo -target:library -unsafe -optimize -warn:4 -warnaserror -doc:"$lib/Octavo.xml" -out:"$out/raw/Octavo.dll" \
    "$out/AssemblyInfo.cs" "$here"/src/*.cs "$here"/src/Interop/*.cs "$root"/build/default/csharp/*.cs
  mono "$out/Retarget.exe" "$out/raw/Octavo.dll" "$lib/Octavo.dll" "$facade"
fi
[ $# -gt 0 ] || exit 0

program=$lib/$1
shift
newer "$program" "$lib/Octavo.dll" "$@" || exit 0
mkdir -p "$out/lowered"
for source in "$@"; do
  python3 "$here/tools/lower_using.py" "$source" "$out/lowered/$(basename "$source")"
done
# shellcheck disable=SC2086,SC2046
mcs -nologo -unsafe -optimize -warn:4 -warnaserror ${MCS_FLAGS:-} -out:"$out/raw/$(basename "$program")" -r:"$lib/Octavo.dll" \
  -r:"$lib/System.Memory.dll" -r:"$facade" $(for source in "$@"; do echo "$out/lowered/$(basename "$source")"; done)
mono "$out/Retarget.exe" "$out/raw/$(basename "$program")" "$program" "$facade"
