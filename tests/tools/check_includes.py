#!/usr/bin/env python3
"""Includes go down the layers only. Reads every source under core/, capi/ and bindings/ and names each include that does not."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# layer -> what it may include besides itself, written as the layers directly below; everything under those follows.
BELOW = {
    "base": [],
    "kernels": ["base"],
    "graph": ["kernels"],
    "ops": ["graph"],
    "onnx": ["ops"],
    "simplify": ["ops"],
    "plan": ["onnx", "simplify"],
    "run": ["plan"],
    "observe": ["run"],
    "quantize": ["observe"],
    "train": ["quantize"],
}


def allowed(layer):
    result, todo = set(), [layer]
    while todo:
        current = todo.pop()
        if current not in result:
            result.add(current)
            todo += BELOW[current]
    return result


def main():
    errors, files = [], 0
    for path in sorted([*ROOT.glob("core/**/*"), *ROOT.glob("capi/**/*"), *ROOT.glob("bindings/**/*")]):
        if path.suffix not in (".h", ".cc", ".c", ".cpp", ".hpp"):
            continue
        files += 1
        parts = path.relative_to(ROOT).parts
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            m = re.match(r'\s*#\s*include\s*["<]([^">]+)[">]', line)
            if not m:
                continue
            target, where = m[1], f"{path.relative_to(ROOT)}:{number}"
            to = target.split("/")
            if parts[0] == "core":
                if parts[1] not in BELOW:
                    errors.append(f"{where}: {parts[1]} is not a layer")
                    break
                if to[0] in ("capi", "bindings", "octavo", "tests"):
                    errors.append(f"{where}: core must not include {target}")
                elif to[0] == "core" and to[1] not in allowed(parts[1]):
                    errors.append(f"{where}: {parts[1]} must not include {target} (layer {to[1]} is not below it)")
                elif (
                    m[0].rstrip().endswith('"')
                    and to[0] not in ("core", "hwy", "third_party")
                    and not re.match(r"\w+", to[0])
                ):
                    errors.append(f"{where}: {target} is not written from the repository root")
                elif m[0].rstrip().endswith('"') and ((path.parent / target).exists() or to[0] == ".."):
                    errors.append(f'{where}: write "{target}" from the repository root: "core/..."')
            elif parts[0] == "capi" and to[0] == "bindings":
                errors.append(f"{where}: capi must not include {target}")
            elif parts[0] == "bindings" and to[0] in ("core", "capi"):
                errors.append(f"{where}: bindings see octavo/octavo.h only, not {target}")
    for error in errors:
        print(error)
    print(f"check_includes: {files} files, {len(errors)} wrong includes")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
