#!/usr/bin/env python3
"""Octavo against other runtimes on well-known architectures, on this machine, in one run.

    peers.py                                     every network, float and INT8, 1 and 2 threads: a table, JSON, a PNG
    peers.py --quick                             two networks, shorter rounds: under two minutes once INT8 files are made
    peers.py --networks squeezenet1_1 --threads 1
    peers.py --from a.json b.json                the table and the picture of what was measured in pieces
    peers.py --check                             exit status 1 where the fastest of the others is faster

Each runtime runs in a process of its own (bindings/python/octavo/_bench.py), its INT8 file made by its own users' tool: ONNX
Runtime's quantize_static, NNCF for OpenVINO (peer_int8.py), PyTorch's FX mode where that is asked for (peer_torch.py); those
that read ONNX also run the file that Octavo made. The best peer is the fastest of all these. The share of peak is of the INT8
multiply-accumulates that as many threads make with registers only, measured after each of Octavo's rounds. Without exported
networks (tests/support/shared.py) there is still the digit classifier of examples/demo. INT8 files are kept in build.
"""

import argparse
import json
import os
import pathlib
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

import numpy as np
import octavo
from octavo import _bench as bench

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from bench.result import PEERS, Result  # noqa: E402
from support import shared, zoo  # noqa: E402

OUT = ROOT / "build" / "bench"
QUICK = ("squeezenet1_1", "mobilenet_v2")
DIGITS = "digits"
FLOOR = 1.0  # INT8 speed over the best peer's, for --check


@dataclass
class Network:
    name: str
    path: pathlib.Path
    inputs: dict  # one batch to time
    calibration: np.ndarray

    @property
    def macs(self):
        with octavo.load(str(self.path), input_shapes={k: list(x.shape) for k, x in self.inputs.items()}) as model:
            return model.describe()["macs"]


def find(name, batch):
    """The network, or a sentence why there is none."""
    if name == DIGITS:
        with np.load(ROOT / "examples/demo/digits_calibration.npz") as data:
            images = data["image"].astype(np.float32)
        path = ROOT / "examples/demo/digits.onnx"
        with octavo.load(str(path)) as model:
            return Network(name, path, {model.inputs[0].name: images[:batch]}, images[: zoo.CALIBRATION])
    path, why = zoo.network(name)
    if path is None:
        return why
    return Network(name, pathlib.Path(path), {"input": zoo.images(name, 5, batch)}, zoo.calibration_batch(name))


def our_int8(network, folder):
    """The INT8 file, made once by each build of the library. `folder`: where it may lie already."""
    given = pathlib.Path(folder or OUT) / f"{network.name}.int8.onnx"
    if folder and given.is_file():
        return given
    build = zoo.digest(pathlib.Path(octavo._core.__file__))[:12]
    out = shared.CACHE / f"{network.name}-{zoo.digest(network.path)[:12]}-octavo-{build}.onnx"
    if not out.is_file():
        out.parent.mkdir(parents=True, exist_ok=True)
        x = network.calibration
        octavo.quantize(octavo.load(str(network.path)), [x[i : i + 2] for i in range(0, len(x), 2)]).save(str(out))
    return out


def peer_int8(script, runtime, network, python):
    """(path, None) of the file that the peer's own quantizer makes, or (None, why there is none)."""
    with tempfile.TemporaryDirectory(prefix="octavo-peers-") as folder:
        data = pathlib.Path(folder) / "calibration.npy"
        np.save(data, network.calibration)
        command = [python, str(ROOT / "tests/bench" / script), runtime, str(network.path), str(data), str(shared.CACHE)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = (done.stdout if done.returncode == 0 else done.stderr or done.stdout).strip().splitlines()
    last = said[-1] if said else f"exit status {done.returncode}"
    return (pathlib.Path(last), None) if done.returncode == 0 else (None, last)


def contestants(network, threads, args, int8, problems):
    """[(precision, label, Contestant)] of one measurement; `int8`: file by runtime."""
    field = []
    for precision in args.precisions:
        ours = int8["octavo"] if precision == "int8" else network.path
        field.append((precision, "octavo", bench.Contestant("octavo", ours, threads)))
        for peer in args.against:
            python = args.torch_python if peer == "pytorch" else args.peer_python
            own = int8.get(peer) if precision == "int8" else network.path if peer != "pytorch" else None
            if own:
                field.append((precision, peer, bench.Contestant(peer, own, threads, python=python)))
            elif precision == "int8":
                problems.append(f"{network.name}: no INT8 file of {PEERS[peer]}'s")
            if precision == "int8" and peer != "pytorch" and not args.quick:
                field.append((precision, f"{peer}, our file", bench.Contestant(peer, ours, threads, python=python)))
    return field


def measure(network, args):
    """Rows for JSON, printed as they come."""
    int8, problems = {}, []
    if "int8" in args.precisions:
        int8["octavo"] = our_int8(network, args.int8)
        for peer in args.against:
            script, python = (
                ("peer_torch.py", args.torch_python) if peer == "pytorch" else ("peer_int8.py", args.peer_python)
            )
            int8[peer], problem = peer_int8(script, peer, network, python)
            if problem:
                print(f"{network.name}: {PEERS[peer]}'s own INT8 file could not be made: {problem}", flush=True)
    macs = network.macs
    for threads in args.threads:
        field = contestants(network, threads, args, int8, problems)
        bench.measure([c for _, _, c in field], network.inputs, args.rounds, args.seconds)
        for precision, label, c in field:
            start = f"{network.name:20s} {precision:6s} {threads:7d}  {label:22s}"
            if c.error:
                print(f"{start} no figures: {c.error}", flush=True)
                continue
            print(f"{start} {c.ms:8.3f} ms {c.best_ms:8.3f} ms {c.load_ms:8.0f} ms", flush=True)
            yield {"network": network.name, "precision": precision, "threads": threads, "runtime": label,
                   "version": c.version, "ms": c.ms, "best_ms": c.best_ms, "first_ms": c.load_ms,
                   "rounds_ms": c.rounds_ms, "macs": macs, "peak": c.peak}  # fmt: skip


def cpu():
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def read(files):
    """Figures measured in pieces, as one."""
    pieces = [json.loads(pathlib.Path(f).read_text(encoding="utf-8")) for f in files]
    return {**pieces[0], "rows": [row for piece in pieces for row in piece["rows"]]}


def run(args):
    names = args.networks or (QUICK if args.quick else zoo.CNNS)
    networks, missing = [], {}
    for name in names:
        found = find(name, args.batch)
        if isinstance(found, Network):
            networks.append(found)
        else:
            missing.setdefault(found, []).append(name)
    for why, which in missing.items():
        print(f"Left out: {', '.join(which)}: {why}.")
    if not networks and not args.networks:
        print("Measured instead: the digit classifier of examples/demo, a network of microseconds.")
        networks = [find(DIGITS, args.batch)]
    print(f"{cpu()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}, batch {args.batch}\n"
          f"{'network':20s} {'':6s} {'threads':>7s}  {'runtime':22s} {'median':>11s} {'best':>11s} {'first':>11s}", flush=True)  # fmt: skip
    rows = [row for network in networks for row in measure(network, args)]
    return {"cpu": cpu(), "cpu_target": octavo.cpu_targets()[0], "processors": os.cpu_count(), "batch": args.batch,
            "date": time.strftime("%Y-%m-%d"), "rows": rows}  # fmt: skip


def main():
    def list_of(kind):
        return lambda text: [kind(part) for part in text.split(",") if part]

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=list_of(str), default=[], help=f"of: {', '.join(zoo.SIDE)}, {DIGITS}")
    parser.add_argument("--threads", type=list_of(int), default=[1, 2])
    parser.add_argument("--precisions", type=list_of(str), default=["int8", "float"])
    parser.add_argument("--against", type=list_of(str), default=["onnxruntime", "openvino"])
    parser.add_argument("--torch", action="store_true", help="against PyTorch, too")
    parser.add_argument("--batch", default=1, type=int)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float, help="of one round of one runtime")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--int8", metavar="FOLDER", help="take Octavo's INT8 files from there: NETWORK.int8.onnx")
    parser.add_argument("--peer-python", default=os.environ.get("OCTAVO_PEER_PYTHON", sys.executable),
                        help="interpreter that has onnxruntime, openvino, nncf")  # fmt: skip
    parser.add_argument("--torch-python", default=os.environ.get("OCTAVO_TORCH_PYTHON", sys.executable),
                        help="interpreter that has torch, torchvision")  # fmt: skip
    parser.add_argument("--from", dest="files", nargs="+", metavar="JSON", help="measure nothing, show these")
    parser.add_argument(
        "--out", default=OUT / "peers", type=pathlib.Path, help="the figures' path, less .json and .png"
    )
    parser.add_argument(
        "--check", action="store_true", help=f"exit status 1 where INT8 is below {FLOOR} of the best peer"
    )
    args = parser.parse_args()
    args.rounds = args.rounds or (3 if args.quick else 7)
    args.seconds = args.seconds or (0.2 if args.quick else 0.7)
    args.against += ["pytorch"] if args.torch else []
    figures = read(args.files) if args.files else run(args)
    if not figures["rows"]:
        print("Nothing was measured.")
        return 1
    result = Result(figures)
    machine = (
        f"{figures['cpu']} ({figures['processors']} processors, {figures['cpu_target']}), batch {figures['batch']}"
    )
    print(f"\n{machine}, {figures['date']}; median milliseconds with {' / '.join(map(str, result.threads))} threads\n")
    print(result.table() + "\n")
    for sentence in result.means():
        print(sentence)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.with_suffix(".json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    result.chart(args.out.with_suffix(".png"), machine)
    print(f"Written: {args.out.with_suffix('.json')}, {args.out.with_suffix('.png')}")
    missed = [
        (n, t, r) for n in result.networks for t in result.threads if (r := result.ratio(n, "int8", t)) and r < FLOOR
    ]
    for name, threads, ratio in missed if args.check else []:
        print(f"MISSED: {name}, threads {threads}: {ratio:.2f} of the best peer's speed")
    return 1 if args.check and missed else 0


if __name__ == "__main__":
    sys.exit(main())
