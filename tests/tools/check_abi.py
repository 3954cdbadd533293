#!/usr/bin/env python3
"""The binary interface stays: capi/abi.txt says what octavo.h is made of, and nothing of an earlier header is lost.

    check_abi.py            capi/abi.txt is that of octavo.h; the headers kept in tests/capi/abi/<release> of the same ABI
                            hold nothing that octavo.h lacks or states otherwise; abidiff, where it is installed, agrees;
                            SWIG, where it is installed, reads octavo.h without a warning
    check_abi.py --write    writes capi/abi.txt (make generate)

capi/abi.txt has a line for each function, callback, opaque type, enumerator, macro and field, with offsets on 64-bit machines.
Names of parameters are left out: they are no part of the binary interface. Ends with `N passed, N failed, N skipped`.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from gen_symbols import deliver, read_code, read_declarations, split_arguments

ROOT = Path(__file__).resolve().parents[2]
HEADER = ROOT / "capi/include/octavo/octavo.h"
DUMP = ROOT / "capi/abi.txt"
GROWING = "octavo_tensor_view"  # may get fields at its end: it states its size
CC = os.environ.get("CC") or next(filter(shutil.which, ("cc", "gcc", "clang")), None)


def types_of(arguments):
    """`const char *path, size_t size` -> `const char *, size_t`."""
    kept = []
    for argument in split_arguments(arguments):
        argument = " ".join(argument.split())
        kept.append(argument if argument == "void" else re.sub(r"\s*\b\w+$", "", argument))
    return ", ".join(kept)


def compiled(header, lines):
    """What a C program prints that includes the header and evaluates `lines`, (text, integer expression) pairs."""
    body = "".join(f'  printf("%s %lld\\n", "{text}", (long long)({value}));\n' for text, value in lines)
    source = f"#include <octavo/octavo.h>\n#include <stdio.h>\nint main(void) {{\n{body}  return 0;\n}}\n"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "dump.c")
        path.write_text(source, encoding="utf-8")
        subprocess.run([CC, "-std=c99", f"-I{header.parents[1]}", path, "-o", path.with_suffix("")], check=True)
        return subprocess.run([path.with_suffix("")], check=True, capture_output=True, text=True).stdout


def dump(header):
    code = read_code(header)
    lines = [
        f"function {result} {name}({types_of(arguments)})"
        for name, (result, arguments) in read_declarations(header).items()
    ]
    for result, name, arguments in re.findall(r"typedef ([\w ]+?\*?) ?\(\*(\w+)\)\(([^;]*)\);", code):
        lines.append(f"callback {result} {name}({types_of(arguments)})")
    lines += [f"opaque {name}" for name in re.findall(r"typedef struct (\w+) \1;", code)]
    lines += [f"type {new} {old}" for old, new in re.findall(r"typedef (\w+) (\w+);", code)]
    numbers = [("macro " + name, name) for name in re.findall(r"(?m)^#define (OCTAVO_[A-Z_]+) -?\d+$", code)]
    for enum, body in re.findall(r"enum (\w+) \{([^}]*)\}", code):
        numbers += [(f"enumerator {enum} {name}", name) for name in re.findall(r"(\w+) =", body)]
    for struct, body in re.findall(r"typedef struct (\w+) \{([^}]*)\}", code):
        numbers.append((f"struct {struct} of", f"sizeof({struct})"))
        for kind, name in re.findall(r"([\w ]+?\*?) ?\b(\w+);", body):
            numbers.append((f"field {struct} {kind.strip()} {name} at", f"offsetof({struct}, {name})"))
    return sorted(lines + compiled(header, numbers).splitlines())


def stub(header, folder, name):
    """A shared library with an empty body for every function: the interface without the implementation."""
    text = "#include <octavo/octavo.h>\n"
    for function, (result, arguments) in read_declarations(header).items():
        text += f"{result} {function}({arguments}) {{ {'return 0; ' if result != 'void' else ''}}}\n"
    source, library = Path(folder, f"{name}.c"), Path(folder, f"lib{name}.so")
    source.write_text(text, encoding="utf-8")
    subprocess.run([CC, "-g", "-w", "-shared", "-fPIC", f"-I{header.parents[1]}", source, "-o", library], check=True)
    return library


class Checks:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def check(self, name, problem):
        self.passed += not problem
        self.failed += bool(problem)
        if problem:
            print(f"FAILED: {name}: {problem}")

    def skip(self, name, why):
        self.skipped += 1
        print(f"skipped: {name}: {why}")


def macro(header, name):
    return re.search(rf"(?m)^#define {name} (\d+)$", read_code(header)).group(1)


def compare(checks, old, today):
    """Everything the header `old` states stands in `today`, capi/abi.txt's lines of octavo.h."""
    release = old.parents[1].name
    if macro(old, "OCTAVO_ABI_VERSION") != macro(HEADER, "OCTAVO_ABI_VERSION"):
        checks.skip(f"interface of {release}", "an earlier ABI: programs of that release look for another file name")
        return
    lost = sorted(line for line in set(dump(old)) - set(today) if not line.startswith(f"struct {GROWING} "))
    checks.check(f"octavo.h keeps the interface of {release}", f"lost or changed: {lost}" if lost else None)
    if not shutil.which("abidiff"):
        checks.skip(f"abidiff with {release}", "abidiff is not installed")
        return
    with tempfile.TemporaryDirectory() as folder:
        allowed = Path(folder, "allowed")
        allowed.write_text(f"[suppress_type]\nname = {GROWING}\n", encoding="utf-8")  # its fields were compared above
        command = ["abidiff", "--no-added-syms", "--suppressions", allowed]
        command += [stub(old, folder, "before"), stub(HEADER, folder, "today")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        checks.check(f"abidiff with {release}", done.stdout + done.stderr if done.returncode else None)


def swig(checks):
    if not shutil.which("swig"):
        checks.skip("octavo.h through SWIG", "swig is not installed")
        return
    interface = '%module octavo\n%include <stdint.i>\n#define OCTAVO_API\n%include "octavo/octavo.h"\n'
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "octavo.i")
        path.write_text(interface, encoding="utf-8")
        for language in ("java", "csharp"):
            done = subprocess.run(
                ["swig", "-Wall", "-Wextra", "-Werror", f"-{language}", f"-I{HEADER.parents[1]}", path],
                cwd=folder, capture_output=True, text=True, check=False,
            )  # fmt: skip
            output = (done.stdout + done.stderr).strip()
            checks.check(f"octavo.h through SWIG for {language}", output or (done.returncode and "swig failed") or None)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    lines = dump(HEADER)
    text = (
        "# The binary interface of octavo.h. Generated by tests/tools/check_abi.py; do not edit.\n"
        + "\n".join(lines)
        + "\n"
    )
    if args.write:
        deliver(DUMP, text, check=False)
        return 0
    checks = Checks()
    stale = not DUMP.is_file() or DUMP.read_text(encoding="utf-8") != text
    checks.check(
        "capi/abi.txt", "is not that of octavo.h: run `make generate`, and look at what changed" if stale else None
    )
    for old in sorted((ROOT / "tests/capi/abi").glob("*/octavo/octavo.h")):
        compare(checks, old, lines)
    swig(checks)
    print(f"{checks.passed} passed, {checks.failed} failed, {checks.skipped} skipped")
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())
