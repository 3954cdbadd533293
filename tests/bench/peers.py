#!/usr/bin/env python3
"""Octavo against other runtimes on well-known architectures, on this machine, in one run.

    peers.py                                     resnet50 and mobilenet_v2, float and INT8, 1 and 2 threads
    peers.py --networks squeezenet1_1 --threads 1 --json out.json
    peers.py --check                             exit status 1 where a floor is missed

Each runtime runs the INT8 file that its own users would have: ours quantizes for us, ONNX Runtime's quantize_static (Q/DQ, u8
activations, s8 weights per channel, min-max) for ONNX Runtime; OpenVINO gets ours. `ours in onnxruntime` is ONNX Runtime with our
file. Floors are of Octavo's speed over ONNX Runtime's. `octavo bench --against` measures the same way for any file.
"""

import argparse
import importlib.util
import json
import os
import pathlib
import platform
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from support import zoo  # noqa: E402

FLOORS = {"int8": 0.7, "float": 0.6}


def engine():
    """The measuring part of the package, from this tree: it does not need the package to be installed."""
    spec = importlib.util.spec_from_file_location("octavo_bench", ROOT / "bindings/python/octavo/_bench.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def our_int8(name, path, folder):
    """(path, None) or (None, why not)"""
    out = pathlib.Path(folder) / f"{name}.int8.onnx"
    if out.is_file():
        return out, None
    try:
        import octavo

        calibration = zoo.calibration_batch(name)
        octavo.quantize(octavo.load(str(path)), [calibration[i : i + 2] for i in range(0, len(calibration), 2)]).save(
            str(out)
        )
    except Exception as e:
        return None, f"{type(e).__name__}: {e}"
    return out, None


def cpu():
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", default="resnet50,mobilenet_v2", help="of: " + ", ".join(zoo.SIDE))
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--precisions", default="int8,float")
    parser.add_argument("--against", default="onnxruntime,openvino")
    parser.add_argument("--batch", default=1, type=int)
    parser.add_argument("--rounds", default=7, type=int)
    parser.add_argument("--seconds", default=0.7, type=float, help="of one round of one runtime")
    parser.add_argument(
        "--peer-python", default=os.environ.get("OCTAVO_PEER_PYTHON"), help="interpreter that has the other runtimes"
    )
    parser.add_argument("--json", help="write all figures to this file")
    parser.add_argument("--check", action="store_true", help="exit status 1 where a floor is missed")
    args = parser.parse_args()
    bench = engine()
    peers = [p for p in args.against.split(",") if p]
    header = f"{'network':20s} {'':6s} {'threads':>7s}  {'runtime':22s} {'median':>10s} {'best':>10s} {'first':>10s}   Octavo's speed over it"
    rows, missed = [], []
    print(
        f"{cpu()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}, batch {args.batch}\n{header}", flush=True
    )
    with tempfile.TemporaryDirectory(prefix="octavo-peers-") as folder:
        for name in args.networks.split(","):
            path, why = zoo.network(name)
            if path is None:
                print(f"{name:20s} skipped: {why}")
                continue
            x = {"input": zoo.images(name, 5, args.batch)}
            for precision in args.precisions.split(","):
                ours, problem = our_int8(name, path, folder) if precision == "int8" else (path, None)
                for threads in map(int, args.threads.split(",")):
                    field = []  # (label, contestant)
                    if ours:
                        field.append(("octavo", bench.Contestant("octavo", ours, threads)))
                    for peer in peers:
                        if precision == "float":
                            field.append((peer, bench.Contestant(peer, path, threads, python=args.peer_python)))
                            continue
                        if peer == "onnxruntime":
                            field.append(
                                (
                                    peer,
                                    bench.Contestant(peer, zoo.ort_int8(name, path), threads, python=args.peer_python),
                                )
                            )
                        if ours:
                            label = peer if peer != "onnxruntime" else "ours in onnxruntime"
                            field.append((label, bench.Contestant(peer, ours, threads, python=args.peer_python)))
                    bench.measure([c for _, c in field], x, args.rounds, args.seconds)
                    us = next((c for label, c in field if label == "octavo" and not c.error), None)
                    for label, c in [*([("octavo", None)] if not ours else []), *field]:
                        start = f"{name:20s} {precision:6s} {threads:7d}  {label:22s}"
                        if c is None or c.error:
                            print(f"{start} no figures: {c.error if c else problem}", flush=True)
                            continue
                        ratio = us.speed_of(c) if us and c is not us else None
                        verdict = ""
                        if ratio and label == "onnxruntime":
                            ok = ratio >= FLOORS[precision]
                            verdict = f"  floor {FLOORS[precision]} {'reached' if ok else 'MISSED'}"
                            if not ok:
                                missed.append((name, precision, threads, ratio))
                        rows.append({"network": name, "precision": precision, "threads": threads, "runtime": label, "version": c.version,
                                     "ms": c.ms, "best_ms": c.best_ms, "first_ms": c.load_ms, "rounds_ms": c.rounds_ms,
                                     "octavo_speed_over": ratio})  # fmt: skip
                        print(f"{start} {c.ms:7.2f} ms {c.best_ms:7.2f} ms {c.load_ms:7.0f} ms"
                              + (f"   {ratio:.2f}x{verdict}" if ratio else ""), flush=True)  # fmt: skip
    if args.json:
        what = {"cpu": cpu(), "processors": os.cpu_count(), "batch": args.batch, "floors": FLOORS, "rows": rows}
        pathlib.Path(args.json).write_text(json.dumps(what, indent=1) + "\n", encoding="utf-8")
    for name, precision, threads, ratio in missed:
        print(
            f"below the floor: {name} {precision}, {threads} threads: {ratio:.2f}x of ONNX Runtime, floor {FLOORS[precision]}"
        )
    return 1 if args.check and missed else 0


if __name__ == "__main__":
    sys.exit(main())
