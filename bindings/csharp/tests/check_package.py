#!/usr/bin/env python3
"""The NuGet package as its users meet it: check_package.py LIB [DOTNET]

Packs, unpacks, looks at what is inside and runs the quickstart against it: with Mono and, given a dotnet program, with .NET Core,
which finds the native half through runtimes/ as after a restore. Ends with `N passed, N failed, N skipped`.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "bindings/csharp/tools"))
import pack  # noqa: E402

LIB, DOTNET = Path(sys.argv[1]).resolve(), sys.argv[2] if len(sys.argv) > 2 else None
VERSION = (ROOT / "VERSION").read_text().strip()
counts = {True: 0, False: 0}


def check(name, ok, note=""):
    counts[bool(ok)] += 1
    if not ok:
        print(f"FAILED {name}: {note}")


def run(name, *command, cwd):
    german = {
        **os.environ,
        "LC_ALL": "de_DE.UTF-8",
        "LANG": "de_DE.UTF-8",
    }  # a decimal comma, where the runtime takes it up
    done = subprocess.run([str(c) for c in command], cwd=cwd, capture_output=True, text=True, timeout=120, env=german)
    check(name, done.returncode == 0 and "INT8 100 of 100 right" in done.stdout, done.stdout + done.stderr)
    return done.stdout


def classify(work):
    """The console classifier: a picture of the first held-out digit, and a file that is no picture."""
    record = (ROOT / "examples/demo/digits.bin").read_bytes()[100 * 257 : 101 * 257]
    (work / "digit.pgm").write_bytes(b"P5\n16 16\n255\n" + record[1:])
    (work / "text.pgm").write_text("no picture")
    program = ["mono", LIB / "Classifier.exe", ROOT / "examples/demo/digits.onnx"]
    good = subprocess.run([*program, "digit.pgm"], cwd=work, capture_output=True, text=True, timeout=60)
    check(
        "the classifier names the digit",
        good.returncode == 0 and f": {record[0]} " in good.stdout,
        good.stdout + good.stderr,
    )
    bad = subprocess.run([*program, "text.pgm"], cwd=work, capture_output=True, text=True, timeout=60)
    check("and refuses what is no picture", bad.returncode == 1 and "text.pgm" in bad.stderr, bad.stderr)


def main():
    work = LIB.parent / "package"
    shutil.rmtree(work, ignore_errors=True)
    unpacked = work / "packages/octavo" / VERSION
    unpacked.mkdir(parents=True)
    package = pack.pack(LIB, work)
    check("the same bytes again", pack.pack(LIB, unpacked).read_bytes() == package.read_bytes())
    (unpacked / package.name).unlink()
    with zipfile.ZipFile(package) as archive:
        archive.extractall(unpacked)

    native = list(unpacked.glob("runtimes/linux-*/native/*.so"))
    check("one native library", len(native) == 1, native)
    nuspec = ET.parse(unpacked / "Octavo.nuspec").getroot()
    space = {"n": "http://schemas.microsoft.com/packaging/2013/05/nuspec.xsd"}
    check("the licences of what is inside", {"LICENSE", "LICENSE.third-party"} <= {p.name for p in unpacked.iterdir()})
    check("version", nuspec.findtext("n:metadata/n:version", namespaces=space) == VERSION)
    types = (unpacked / "[Content_Types].xml").read_text()
    untyped = {p.suffix[1:] for p in unpacked.rglob("*") if p.is_file() and p.suffix} - set(
        re.findall(r'Extension="([\w-]+)"', types)
    )
    check("every file has a content type", not untyped, untyped)
    symbols = subprocess.run(
        ["nm", "-D", "--defined-only", native[0]], capture_output=True, text=True, check=True
    ).stdout
    foreign = [line for line in symbols.splitlines() if not line.split()[-1].startswith("CSharp_")]
    check("only the glue is exported", symbols and not foreign, foreign[:5])
    needed = re.findall(
        r"NEEDED.*\[(.*?)\]", subprocess.run(["readelf", "-d", native[0]], capture_output=True, text=True).stdout
    )
    allowed = ("libc.so", "libm.so", "libpthread.so", "libdl.so", "ld-linux")
    check("nothing but libc is needed", needed and all(n.startswith(allowed) for n in needed), needed)

    app = work / "mono"
    app.mkdir()
    for file in (
        LIB / "Quickstart.exe",
        LIB / "System.Memory.dll",
        unpacked / "lib/netstandard2.0/Octavo.dll",
        native[0],
    ):
        shutil.copy(file, app)
    demo = [ROOT / "examples/demo/digits.onnx", ROOT / "examples/demo/digits.bin", "digits.int8.onnx"]
    mono = run("quickstart with Mono", "mono", app / "Quickstart.exe", *demo, cwd=app)
    if DOTNET:
        app = work / "core"
        app.mkdir()
        shutil.copy(LIB / "Quickstart.exe", app)
        asset = native[0].relative_to(unpacked).as_posix()
        library = {
            "runtime": {"lib/netstandard2.0/Octavo.dll": {}},
            "runtimeTargets": {asset: {"rid": native[0].parts[-3], "assetType": "native"}},
        }
        target = ".NETCoreApp,Version=v3.1"
        deps = {
            "runtimeTarget": {"name": target},
            "targets": {
                target: {"Quickstart/1.0.0": {"dependencies": {"Octavo": VERSION}}, f"Octavo/{VERSION}": library}
            },
            "libraries": {
                "Quickstart/1.0.0": {"type": "project", "serviceable": False, "sha512": ""},
                f"Octavo/{VERSION}": {
                    "type": "package",
                    "serviceable": True,
                    "sha512": "",
                    "path": f"octavo/{VERSION}",
                },
            },
        }
        (app / "Quickstart.deps.json").write_text(json.dumps(deps))
        core = run("quickstart with .NET Core", DOTNET, "exec", "--runtimeconfig", ROOT / "bindings/csharp/tests/core.runtimeconfig.json",
                   "--depsfile", app / "Quickstart.deps.json", "--additionalprobingpath", work / "packages",
                   app / "Quickstart.exe", *demo, cwd=app)  # fmt: skip
        check("the same scores to the bit", core == mono, core + mono)

    classify(work)
    snippet = re.search(r"```csharp\nusing Octavo;\n\n(.*?)```", (unpacked / "README.md").read_text(), re.DOTALL)[
        1
    ].split()
    tested = (ROOT / "bindings/csharp/tests/SnippetTest.cs").read_text().split()
    check("the README's lines are the tested ones", " ".join(snippet) in " ".join(tested))
    print(f"{counts[True]} passed, {counts[False]} failed, 0 skipped")
    return 1 if counts[False] else 0


if __name__ == "__main__":
    sys.exit(main())
