#!/usr/bin/env python3
"""The inner loop of the integer matrix product, in compiled code: that each instruction set multiplies with the instruction
meant for it, once for every accumulator of a tile, and keeps what it works on in registers, but for one vector.

    check_instructions.py OBJDUMP OBJECT...

Exit status 77 and a sentence where nothing can be checked.
"""

import re
import shutil
import subprocess
import sys

# Highway's namespace: (instruction, how many make one dot product of a vector).
EXPECTED = {
    "N_AVX3_DL": ("vpdpbusd", 1),
    "N_AVX3": ("vpmaddubsw", 1),
    "N_AVX2_VNNI": ("vpdpbusd", 1),
    "N_AVX2": ("vpmaddubsw", 1),
    "N_SSE4": ("pmaddubsw", 1),
    "N_SSE2": ("pmaddwd", 2),
    "N_NEON": ("sdot", 1),
    "N_SVE": ("sdot", 1),
    "N_SVE_256": ("sdot", 1),
    "N_SVE2": ("sdot", 1),
    "N_SVE2_128": ("sdot", 1),
}
FUNCTION = re.compile(r"^[0-9a-f]+ <void octavo::(N_\w+)::QGemmTile<(\d)ul, (\d)ul>\(.*>:$")
LINE = re.compile(r"^ *([0-9a-f]+):\t(?:\{vex\} )?(\S+)(?: +|\t)?(.*)$")
# Stores of vectors to the stack: AT&T syntax has the destination last.
SPILL = re.compile(r"v?mov\S* %[xyz]mm\d+,\S*\(%r[sb]p\)$|st[rp] q\d+, .*\[sp|st1\w .*\[sp")


def tiles(text):
    """{(namespace, rows, vectors): [(address, instruction, operands)]}"""
    found, lines = {}, None
    for line in text.splitlines():
        if line.endswith(">:"):
            match = FUNCTION.match(line)
            lines = found.setdefault((match[1], int(match[2]), int(match[3])), []) if match else None
        elif lines is not None and (match := LINE.match(line)):
            lines.append((int(match[1], 16), match[2], match[3]))
    return found


def inner_loop(lines, instruction):
    """The shortest piece of code that a branch at its end repeats and that has the instruction."""
    best = None
    for i, (address, name, operands) in enumerate(lines):
        target = re.match(r"([0-9a-f]+) <", operands)
        if not (name[0] in "jb" and target and int(target[1], 16) <= address):
            continue
        body = [line for line in lines[: i + 1] if line[0] >= int(target[1], 16)]
        if any(n == instruction for _, n, _ in body) and (best is None or len(body) < len(best)):
            best = body
    return best or []


def main():
    objdump, objects = sys.argv[1], [o for o in sys.argv[2:] if "qgemm" in o or "avx2_vnni" in o]
    if not (objects and shutil.which(objdump)):
        print(f"cannot check: no {'objects' if shutil.which(objdump) else objdump}")
        return 77
    text = subprocess.run([objdump, "-dC", "--no-show-raw-insn", *objects], capture_output=True, text=True, check=True)
    checked, wrong = 0, 0
    for (target, rows, vectors), lines in sorted(tiles(text.stdout).items()):
        if target not in EXPECTED:
            continue
        instruction, per_dot = EXPECTED[target]
        loop = inner_loop(lines, instruction)
        count = sum(name == instruction for _, name, _ in loop)
        spills = [text for _, name, operands in loop if SPILL.match(text := f"{name} {operands}")]
        ok = count > 0 and count % (rows * vectors * per_dot) == 0 and len(spills) <= 1
        checked += 1
        wrong += not ok
        if not ok:
            print(f"{target}, {rows} rows, {vectors} vectors: {count} x {instruction}", *spills[:4], sep="; ")
    print(f"{checked} tiles checked, {wrong} wrong")
    return 1 if wrong else 0 if checked else 77


if __name__ == "__main__":
    sys.exit(main())
