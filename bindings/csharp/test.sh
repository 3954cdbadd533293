#!/bin/bash
# The tests of the C# package: NUnit with Mono, the same tests with .NET Core 3.1 (the runtime that PyPI's dotnetcore2 carries),
# the NuGet package. Ends with `N passed, N failed, N skipped`; exit status 77: cannot run here.
set -u
cd "$(dirname "$0")/../.."
out=build/csharp
lib=$out/lib
passed=0 failed=0 skipped=0
mkdir -p $out

finish() { echo "$passed passed, $failed failed, $skipped skipped"; [ "$failed" = 0 ]; exit; }
add() { # add LINE: adds the numbers of "N passed, N failed, N skipped"; anything else is a failure
  if [[ "$1" =~ ([0-9]+)\ passed,\ ([0-9]+)\ failed,\ ([0-9]+)\ skipped ]]; then
    ((passed += BASH_REMATCH[1], failed += BASH_REMATCH[2], skipped += BASH_REMATCH[3]))
  else
    ((failed += 1))
  fi
}

sh tests/tools/setup.sh csharp
command -v nunit-console >/dev/null || { echo "nunit-console is missing: install it and libnunit-cil-dev"; exit 77; }
sh bindings/csharp/build.sh >$out/build.log 2>&1
[ $? != 77 ] || { cat $out/build.log; exit 77; }

nunit=$(ls /usr/lib/mono/gac/nunit.framework/*/nunit.framework.dll 2>/dev/null | tail -n 1)
[ -n "$nunit" ] || { echo "nunit.framework is missing: install libnunit-cil-dev"; exit 77; }
if ! { MCS_FLAGS="-r:$nunit" sh bindings/csharp/build.sh Tests.exe bindings/csharp/tests/*.cs &&
  sh bindings/csharp/build.sh Quickstart.exe examples/csharp/Quickstart.cs &&
  sh bindings/csharp/build.sh Classifier.exe examples/csharp/Classifier.cs; } >$out/build.log 2>&1; then
  cat $out/build.log
  failed=1
  finish
fi
cp -u "$nunit" $lib/

# NUnit says "Tests run: 160, Errors: 0, Failures: 0, Inconclusive: 0, ..." and "Not run: 0, Invalid: 0, Ignored: 0, ...".
nunit-console -nologo -nodots -xml=$out/nunit.xml $lib/Tests.exe 2>&1 | tee $out/nunit.log
if [[ "$(cat $out/nunit.log)" =~ Tests\ run:\ ([0-9]+),\ Errors:\ ([0-9]+),\ Failures:\ ([0-9]+).*Not\ run:\ ([0-9]+) ]]; then
  bad=$((BASH_REMATCH[2] + BASH_REMATCH[3]))
  add "$((BASH_REMATCH[1] - bad)) passed, $bad failed, ${BASH_REMATCH[4]} skipped"
else
  add "NUnit did not finish"
fi

# .NET Core: the package index has its runtime, without an SDK.
dotnet=
if [ "$(uname -m)" = x86_64 ] && { [ -x $out/venv/bin/dotnet ] || { python3 -m venv $out/venv &&
  $out/venv/bin/python -m pip install -q --disable-pip-version-check --no-deps dotnetcore2==3.1.23 &&
  ln -s "$(ls -d "$PWD"/$out/venv/lib/python3*/site-packages/dotnetcore2/bin/dotnet)" $out/venv/bin/dotnet &&
  chmod +x "$(readlink -f $out/venv/bin/dotnet)"; } >$out/dotnet.log 2>&1; }; then
  dotnet=$(readlink -f $out/venv/bin/dotnet)
  rm -rf $out/core && mkdir -p $out/core
  cp $lib/{Tests.exe,Octavo.dll,liboctavo_csharp.so,nunit.framework.dll} $out/core/
  OCTAVO_ROOT=$PWD "$dotnet" exec --runtimeconfig bindings/csharp/tests/core.runtimeconfig.json $out/core/Tests.exe 2>&1 |
    tee $out/core.log
  add "$(tail -n 1 $out/core.log)"
else
  echo "skipped .NET Core: dotnetcore2 could not be installed ($out/dotnet.log)"
  add "0 passed, 0 failed, 1 skipped"
fi

python3 bindings/csharp/tests/check_package.py $lib $dotnet 2>&1 | tee $out/package.log
add "$(tail -n 1 $out/package.log)"
finish
