#!/usr/bin/env python3
"""The source lists name what is in the tree, no more and no less, and every place that states a version states VERSION's."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# list -> suffixes of the files that must be in it
LISTS = {
    **{f"core/{d.name}/sources.list": (".cc",) for d in sorted(ROOT.glob("core/*")) if d.is_dir()},
    "capi/sources.list": (".cc", ".c"),
    "capi/headers.list": (".h",),
    "bindings/python/sources.list": (".cc",),
    "tests/core/sources.list": (".cc",),
    "tests/capi/sources.list": (".cc", ".c"),
    "tests/malformed/sources.list": (".cc",),
    "tests/conformance/sources.list": (".cc",),
    "tests/bench/sources.list": (".cc",),
    "tests/fuzz/sources.list": (".cc",),
}

# file -> pattern whose group 1 is the version; checked when the file exists
VERSIONS = {
    "capi/include/octavo/octavo.h": r'(?m)^#\s*define\s+OCTAVO_VERSION(?:_STRING)?\s+"([^"]+)"',
    "bindings/rust/octavo-quant/Cargo.toml": r'(?m)^version\s*=\s*"([^"]+)"',
    "bindings/rust/octavo-sys/Cargo.toml": r'(?m)^version\s*=\s*"([^"]+)"',
    "bindings/java/pom.xml": r"(?s)</parent>.*?<version>([^<]+)</version>|<artifactId>octavo[^<]*</artifactId>\s*<version>([^<]+)<",
    "bindings/python/octavo/__init__.py": r'(?m)^__version__\s*=\s*"([^"]+)"',
}


def read_list(path):
    lines = (line.split("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line]


def tracked(folder):
    """Files of the tree as git sees them (so build outputs do not count); all files where there is no git."""
    done = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "--", folder],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode == 0:
        return [Path(line) for line in done.stdout.splitlines() if (ROOT / line).is_file()]
    return [p.relative_to(ROOT) for p in (ROOT / folder).rglob("*") if p.is_file()]


def main():
    errors = []
    for name, suffixes in LISTS.items():
        path, folder = ROOT / name, Path(name).parent
        listed = {}
        lists = [path] if path.is_file() else []
        if str(folder).startswith("tests"):
            lists += sorted((ROOT / folder).glob("*/sources.list"))
        for one in lists:
            for entry in read_list(one):
                file = (one.parent / entry).relative_to(ROOT)
                if file in listed:
                    errors.append(f"{file} is listed twice")
                listed[file] = one
                if not (ROOT / file).is_file():
                    errors.append(f"{one.relative_to(ROOT)} lists {entry}, which does not exist")
        below = [f for f in tracked(str(folder)) if f.suffix in suffixes]
        if name == "capi/headers.list":
            below = [f for f in below if "include" in f.parts]
        errors += [f"{file} is in no list ({name})" for file in below if file not in listed]
    version = (ROOT / "VERSION").read_text(encoding="utf-8").strip()
    for name, pattern in VERSIONS.items():
        if (ROOT / name).is_file():
            m = re.search(pattern, (ROOT / name).read_text(encoding="utf-8"))
            found = m and next(g for g in m.groups() if g)
            if found and found != version:
                errors.append(f"{name} says version {found}, VERSION says {version}")
    header = ROOT / "capi/include/octavo/octavo.h"
    if header.is_file() and (ROOT / "capi/symbols.txt").is_file():
        loader = ROOT / "capi/include/octavo/octavo_loader.h"
        command = [sys.executable, ROOT / "tests/tools/gen_symbols.py", "--symbols", ROOT / "capi/symbols.txt"]
        command += ["--header", header, "--loader", loader, "--check"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            errors.append((done.stdout + done.stderr).strip())
    for error in errors:
        print(error)
    print(f"check_lists: {len(errors)} differences")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
