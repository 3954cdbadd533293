#!/usr/bin/env python3
"""The same bytes on another processor: quantizes and runs small networks here and, cross-built, on 64-bit Arm under qemu's
user emulation, on every instruction set each side offers and on 1 and 3 threads, and compares files with files.

Compared: the INT8 model file that each side makes from the float one and the same samples; the outputs of that file, static and
dynamic. Networks: the demo's, and the trained ones of the shared material if it is there. Ends with `N passed, N failed,
N skipped`; exit status 77 and a sentence when this machine lacks the tools. Needs numpy for nothing but tasks.py.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
sys.path.insert(0, str(ROOT / "tests"))
TRIPLET = "aarch64-linux-gnu"

totals = {"passed": 0, "failed": 0, "skipped": 0}


def tell(kind, name, note=""):
    totals[kind] += 1
    word = {"passed": "ok", "failed": "FAILED", "skipped": "skipped"}[kind]
    print(f"{word}: {name}{': ' + note if note else ''}", flush=True)


class Side:
    """One build of the library, and how its programs are started."""

    def __init__(self, preset, compiler, prefix, jobs):
        self.name, self.prefix = preset, prefix
        self.must("cmake", "--preset", preset)
        self.must("cmake", "--build", "--preset", preset, "--target", "octavo", "-j", str(jobs))
        library = next(p for p in (BUILD / preset).glob("**/liboctavo.so*") if not p.is_symlink())
        self.program = BUILD / preset / "run_model"
        self.must(compiler, "-std=c99", "-O1", "-Wall", "-Wextra", "-I", ROOT / "capi/include", ROOT / "tests/tools/run_model.c",
                  "-o", self.program, library, f"-Wl,-rpath,{library.parent}")  # fmt: skip
        self.targets = self.run("targets").split()

    @staticmethod
    def must(*command):
        done = subprocess.run(
            [str(c) for c in command],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            sys.exit(f"{' '.join(map(str, command[:4]))} ended with {done.returncode}:\n{done.stdout[-4000:]}")

    def run(self, *arguments):
        """What the program prints. Raises RuntimeError with its message if it fails."""
        command = [*self.prefix, self.program, *arguments]
        try:
            done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=600, check=False)
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"{self.name}: {arguments[0]} took more than 600 s") from None
        if done.returncode != 0:
            raise RuntimeError(
                f"{self.name}: {(done.stderr.strip().splitlines() or [f'status {done.returncode}'])[-1]}"
            )
        return done.stdout


def digits(samples):
    """The demo's first samples, one label byte and 16x16 pixels each, as (float file, bytes of float32, shape)."""
    import array

    raw = (ROOT / "examples/demo/digits.bin").read_bytes()
    pixels = b"".join(raw[i * 257 + 1 : (i + 1) * 257] for i in range(samples))
    return ROOT / "examples/demo/digits.onnx", array.array("f", list(pixels)).tobytes(), (samples, 1, 16, 16)


def networks():
    """(name, model file, input bytes, shape, samples to run): everything small."""
    yield "digits", *digits(20), 20
    from support import shared

    if not shared.folder():
        tell("skipped", "trained networks", shared.MISSING)
        return
    try:
        tasks = shared.tasks()
    except ImportError as e:
        tell("skipped", "trained networks", str(e))
        return
    for name in ("ic_resnet8", "kws_dscnn", "ad_autoencoder", "resnet20", "vww_mobilenetv1"):
        task = tasks[name]()
        x = task.calibration[:4]
        yield name, task.model, x.tobytes(), x.shape, 2


def compare(name, model, data, shape, count, sides, folder):
    x = folder / f"{name}.bin"
    x.write_bytes(data)
    some = folder / f"{name}.some.bin"
    some.write_bytes(data[: len(data) // shape[0] * count])
    for scheme in ("static", "dynamic"):
        label = f"{name} {scheme}"
        files = {}
        try:
            for side in sides:
                out = folder / f"{name}.{scheme}.{side.name}.onnx"
                side.run("quantize", scheme, model, x, out, *shape)
                files[side.name] = out.read_bytes()
        except RuntimeError as e:
            tell("failed", label, str(e))
            continue
        same = len(set(files.values())) == 1
        tell("passed" if same else "failed", f"{label}: INT8 file", "" if same else "differs: " + ", ".join(
            f"{n} {len(f)} bytes" for n, f in files.items()))  # fmt: skip
        int8 = folder / f"{name}.{scheme}.{sides[0].name}.onnx"
        expected = None
        for side in sides:
            for target in side.targets:
                for threads in (1, 3):
                    if target == "reference" and (threads != 1 or side.prefix):
                        continue
                    y, case = folder / "y.bin", f"{label}: {side.name}, {target}, {threads} threads"
                    try:
                        side.run("run", int8, some, y, target, threads, count, *shape[1:])
                    except RuntimeError as e:
                        tell("failed", case, str(e))
                        continue
                    got = y.read_bytes()
                    expected = expected if expected is not None else got
                    wrong = sum(a != b for a, b in zip(got, expected))
                    ok = got == expected and len(got) > 0
                    tell("passed" if ok else "failed", case, "" if ok else f"{wrong} of {len(expected)} bytes differ")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", default=os.cpu_count() or 2, type=int)
    parser.add_argument("--native", default="dev", help="preset of the build for this machine")
    parser.add_argument("--only", default="", help="networks, separated by commas")
    args = parser.parse_args()
    compiler = f"{TRIPLET}-gcc"
    emulator = shutil.which("qemu-aarch64-static") or shutil.which("qemu-aarch64")
    if not (shutil.which(compiler) and shutil.which(f"{TRIPLET}-g++") and emulator):
        print("cannot run here: needs g++-aarch64-linux-gnu and qemu-user-static")
        return 77
    sides = [
        Side(args.native, shutil.which("cc") or "gcc", [], args.jobs),
        Side("aarch64", compiler, [emulator, "-L", f"/usr/{TRIPLET}"], args.jobs),
    ]
    for side in sides:
        print(f"{side.name}: {', '.join(side.targets)}", flush=True)
    only = [n for n in args.only.split(",") if n]
    with tempfile.TemporaryDirectory(prefix="octavo-cross-") as folder:
        for name, *rest in networks():
            if not only or name in only:
                compare(name, *rest, sides, Path(folder))
    print(", ".join(f"{n} {kind}" for kind, n in totals.items()))
    return 1 if totals["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
