#!/usr/bin/env python3
"""What a run of a tiny network costs from each language, on this machine: microseconds, and what that is over C.

    overhead.py [--c build/bench/tests/octavo_overhead] [--peer-python PYTHON] [--json OUT] [--check]

The network is MLPerf Tiny's autoencoder, quantized by each program for itself, one thread, the same input. Programs take turns;
each figure is the best of its turns. Another language joins with bindings/<language>/bench.sh MODEL, which prints lines
`name 1.23 us` or `name 1.23 x` (how many times the runs of one thread two make); exit status 77 and a sentence: it cannot run
here. --check: exit status 1 where Python is more than 10 us over C or not below ONNX Runtime's run as a whole, or two threads
make less than 1.7 times the runs of one.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from support import shared  # noqa: E402

ROUNDS, RUNS = 20, 2000
PYTHON_LIMIT = 10.0  # us over C


def least_mean(run):
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for _ in range(RUNS):
            run()
        best = min(best, (time.perf_counter() - start) / RUNS * 1e6)
    return best


def quantized(octavo, path):
    """(the INT8 form of a network with one input, that input)"""
    import numpy as np

    model = octavo.load(path)
    shape = [d or 1 for d in model.inputs[0].shape]
    x = (np.arange(np.prod(shape)) % 17 / np.float32(17)).astype(np.float32).reshape(shape)
    return octavo.quantize(model, [x]), x


def two_threads_over_one(octavo, model, x):
    """How many times the runs of one thread two make in the same time, each with a session of its own."""

    def runs(count):
        finished, end = [0] * count, time.perf_counter() + 1

        def work(number):
            session = octavo.Session(model, threads=1)
            while time.perf_counter() < end:
                session(x)
                finished[number] += 1

        threads = [threading.Thread(target=work, args=(i,)) for i in range(count)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        return sum(finished)

    return runs(2) / runs(1)


def python(path, folder):
    """The ways to run from Python. Leaves the INT8 model for other runtimes."""
    import numpy as np
    import octavo

    int8, x = quantized(octavo, path)
    int8.save(folder / "overhead.int8.onnx")
    np.save(folder / "overhead.npy", x)
    session = octavo.Session(int8, threads=1)
    y = session(x)
    print(f"Python, session.run(x) {least_mean(lambda: session.run(x)):.2f} us")
    print(f"Python, session.run(x, out=y) {least_mean(lambda: session.run(x, out=y)):.2f} us")
    larger = quantized(octavo, pathlib.Path(path).with_name("ic_resnet8.onnx"))
    print(f"Python, ic_resnet8, runs of two threads over one {two_threads_over_one(octavo, *larger):.2f} x")


def onnxruntime(path, folder):
    """The same INT8 model and the float one in ONNX Runtime's Python."""
    import numpy as np
    import onnxruntime

    x = np.load(folder / "overhead.npy")
    for name, file in (("INT8", str(folder / "overhead.int8.onnx")), ("float", path)):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
        inputs = {session.get_inputs()[0].name: x}
        print(f"ONNX Runtime's Python, {name} {least_mean(lambda: session.run(None, inputs)):.2f} us")  # noqa: B023


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--c", default=ROOT / "build/bench/tests/octavo_overhead", help="the program of overhead.c")
    parser.add_argument("--peer-python", default=os.environ.get("OCTAVO_PEER_PYTHON", sys.executable),
                        help="interpreter that has onnxruntime")  # fmt: skip
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--json", metavar="OUT")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--worker", choices=("python", "onnxruntime"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    folder = ROOT / "build" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    if shared.folder() is None:
        print(shared.MISSING)
        return 0
    model = str(shared.folder() / "models/mlperf_tiny/ad_autoencoder.onnx")
    if args.worker:
        return {"python": python, "onnxruntime": onnxruntime}[args.worker](model, folder)

    programs = {"C": [str(args.c), model]}
    for worker, interpreter in (("python", sys.executable), ("onnxruntime", args.peer_python)):
        programs[worker] = [interpreter, __file__, "--worker", worker]
    for script in sorted((ROOT / "bindings").glob("*/bench.sh")):
        programs[script.parent.name] = ["sh", str(script), model]
    best, ratios = {}, {}
    for _ in range(args.turns):
        for name, command in list(programs.items()):
            try:
                done = subprocess.run(command, capture_output=True, text=True, check=False)
            except OSError as e:
                done = subprocess.CompletedProcess(command, 1, "", str(e))
            if done.returncode != 0:
                said = (done.stderr or done.stdout).strip().splitlines()
                print(f"{name}: left out: {said[-1] if said else f'exit status {done.returncode}'}")
                del programs[name]
                continue
            for what, us in re.findall(r"^(\S.*?)\s+([\d.]+) us$", done.stdout, re.MULTILINE):
                best[what] = min(best.get(what, float("inf")), float(us))
            for what, ratio in re.findall(r"^(\S.*?)\s+([\d.]+) x$", done.stdout, re.MULTILINE):
                ratios[what] = max(ratios.get(what, 0.0), float(ratio))
    base = best.get("C")
    print(f"{'one run of ad_autoencoder, one thread':44}{'us':>8}{'over C':>9}")
    for what, us in best.items():
        print(f"{what:44}{us:8.2f}" + (f"{us - base:9.2f}" if base else ""))
    for what, ratio in ratios.items():
        print(f"{what:52}{ratio:.2f}x")
    if args.json:
        pathlib.Path(args.json).write_text(
            json.dumps({"us": best, "ratios": ratios}, indent=1) + "\n", encoding="utf-8"
        )
    ours, theirs = best.get("Python, session.run(x)"), best.get("ONNX Runtime's Python, INT8")
    missed = [
        sentence
        for sentence, bad in {
            f"Python is more than {PYTHON_LIMIT:.0f} us over C": ours and base and ours - base > PYTHON_LIMIT,
            "Python is not below ONNX Runtime's Python": ours and theirs and ours >= theirs,
            **{f"{what} is below 1.7": ratio < 1.7 for what, ratio in ratios.items()},
        }.items()
        if bad
    ]
    for sentence in missed if args.check else []:
        print(f"MISSED: {sentence}")
    return 1 if args.check and missed else 0


if __name__ == "__main__":
    sys.exit(main())
