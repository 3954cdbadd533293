#!/usr/bin/env python3
"""The same answers from every language: runs examples/<language>/demo.sh of each and compares what they print, to the last bit.

Each prints four lines: library and instruction set, counts of right answers, scores, and a digest of all scores. Only the name of
the file that was written may differ. Exit status 77 of a demo: it cannot run here, and its last line says why. Ends with
`N passed, N failed, N skipped`.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main():
    passed = failed = skipped = 0
    first = wanted = None
    for demo in sorted((ROOT / "examples").glob("*/demo.sh")):
        language = demo.parent.name
        print(f"$ make demo-{language}", flush=True)
        command = f"sh tests/tools/setup.sh {language} && sh examples/{language}/demo.sh"
        done = subprocess.run(["sh", "-c", command], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
        print(done.stdout, end="", flush=True)
        lines = [re.sub(r"; wrote .*", "", line) for line in done.stdout.splitlines()]
        if done.returncode == 77:
            print(f"skipped {language}: {lines[-1] if lines else 'no reason given'}")
            skipped += 1
            continue
        lines = lines[-4:]
        if (
            done.returncode != 0
            or len(lines) != 4
            or not re.fullmatch(r"digest of all INT8 scores: [0-9a-f]{16}", lines[3])
        ):
            print(f"FAILED: {language}: exit status {done.returncode}, or not the four lines")
            failed += 1
            continue
        first, wanted = first or language, wanted or lines
        different = [f"{ours!r}, {first} says {theirs!r}" for ours, theirs in zip(lines, wanted) if ours != theirs]
        print("\n".join(f"FAILED: {language} says {line}" for line in different) or f"ok: {language}")
        passed, failed = passed + (not different), failed + bool(different)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
