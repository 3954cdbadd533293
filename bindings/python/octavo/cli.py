"""The command `octavo`, also `python -m octavo`.

Exit status: 0 done; 1 the work failed, one line on stderr says why; 2 wrong usage.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import pathlib
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import octavo

from . import _bench, _data, _progress
from ._arrays import Port
from ._errors import Error, InvalidArgument, InvalidData
from ._model import bytes_text
from ._quantize import SCHEMES


def console() -> Any:
    from rich.console import Console

    # Where nobody reads along, lines are as long as they need to be.
    return Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 200)


def table(*columns: str, right: Sequence[int] = ()) -> Any:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    made = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    for i, column in enumerate(columns):
        made.add_column(column, justify="right" if i in right else "left", overflow="fold", no_wrap=i in right)
    return made


def print_json(figures: Any) -> None:
    print(json.dumps(figures, indent=1))


def count_text(count: float) -> str:
    """12.3 M"""
    for unit in ("", " k", " M", " G"):
        if count < 1000 or unit == " G":
            return f"{count:.0f}" if not unit else f"{count:.3g}{unit}"
        count /= 1000
    return ""


# ---------------------------------------------------------------------------------------------------- commands


def inspect(args: argparse.Namespace) -> None:
    with octavo.load(args.model, input_shapes=args.shape) as model:
        d = model.describe()
    d["file"] = args.model
    d["bytes"] = file_bytes(args.model, d)
    if args.json:
        return print_json(d)
    out = console()
    kind = f"quantized ({d['scheme']})" if d["quantized"] else "float"
    size = f"{bytes_text(d['bytes'])}, {count_text(d['parameters'])} parameters, {count_text(d['macs'])} MACs"
    out.print(f"{args.model}: {kind}, opset {d['opset']}, {size}", style="bold")
    for what in ("inputs", "outputs"):
        for port in d[what]:
            shape = None if port["shape"] is None else tuple(port["shape"])
            out.print(f"  {what[:-1]:6} {Port(port['name'], port['dtype'], shape)}")

    by_op: dict[str, dict[str, Any]] = {}
    for node in d["nodes"]:
        row = by_op.setdefault(node["op"], {"nodes": 0, "int8": 0, "macs": 0.0, "reasons": {}})
        row["nodes"] += 1
        row["int8"] += node["precision"] == "int8"
        row["macs"] += node["macs"]
        if node["reason"]:
            row["reasons"][node["reason"]] = row["reasons"].get(node["reason"], 0) + 1
    operators = table(
        "Operator", "Nodes", "INT8" if d["quantized"] else "can be INT8", "MACs", "Why not", right=(1, 2, 3)
    )
    for op, row in sorted(by_op.items(), key=lambda item: (-item[1]["macs"], -item[1]["nodes"], item[0])):
        reasons = ", ".join(f"{reason} ({n})" for reason, n in sorted(row["reasons"].items()))
        macs = count_text(row["macs"]) if row["macs"] else ""
        operators.add_row(op, str(row["nodes"]), str(row["int8"]), macs, reasons)
    out.print()
    out.print(operators)

    nodes = [n for n in d["nodes"] if args.all or n["reason"]]
    if nodes:
        out.print("All nodes" if args.all else "Nodes that are not INT8", style="bold")
        rows = table("Node", "Operator", "Precision", "MACs", "Why", right=(3,))
        for n in nodes:
            macs = count_text(n["macs"]) if n["macs"] else ""
            rows.add_row(n["name"] or "-", n["op"], n["precision"], macs, n["sentence"] or n["reason"] or "")
        out.print(rows)
    total = d["int8_nodes"] + d["float_nodes"]
    verb = "are" if d["quantized"] else "would be"
    out.print(f"{d['int8_nodes']} of {total} nodes {verb} INT8.")
    return None


def calibrate(args: argparse.Namespace) -> None:
    with octavo.load(args.model) as model:
        stats = octavo.calibrate(
            model,
            args.data,
            batch_size=args.batch_size,
            observer=args.observer,
            threads=args.threads,
            images=images_of(args),
        )
    stats.save(args.output)
    d = stats.to_dict()
    if args.json:
        return print_json(
            {"file": args.output, "samples": d["samples"], "values": len(d["values"]), "digest": d["digest"]}
        )
    print(f"{args.output}: statistics of {len(d['values'])} values over {d['samples']} samples")
    return None


def quantize(args: argparse.Namespace) -> None:
    recipe = octavo.Recipe(args.recipe)
    source = None
    if args.stats:
        source = octavo.Statistics.load(args.stats)
    elif args.data:
        source = args.data
    elif recipe.scheme == "static":
        raise Usage("static quantization needs --data or --stats (or --recipe dynamic, --recipe weight-only)")
    with octavo.load(args.model) as model:
        before = file_bytes(args.model, model.describe())
        int8 = octavo.quantize(
            model, source, recipe=recipe, batch_size=args.batch_size, threads=args.threads, images=images_of(args)
        )
    int8.save(args.output)
    d = int8.describe()
    if args.json:
        keys = ("scheme", "bytes", "int8_nodes", "float_nodes", "nodes")
        return print_json({"file": args.output, "float_bytes": before, **{k: d[k] for k in keys}})
    ratio = f"{bytes_text(before)} -> {bytes_text(d['bytes'])}, {before / max(1, d['bytes']):.2f}x smaller"
    print(
        f"{args.output}: {d['scheme']}, {d['int8_nodes']} of {d['int8_nodes'] + d['float_nodes']} nodes INT8, {ratio}"
    )
    reasons: dict[str, int] = {}
    for node in d["nodes"]:
        if node["reason"]:
            reasons[node["sentence"] or node["reason"]] = reasons.get(node["sentence"] or node["reason"], 0) + 1
    for reason, n in sorted(reasons.items(), key=lambda item: -item[1]):
        print(f"  {n:4} {'node' if n == 1 else 'nodes'}: {reason}")
    return None


def convert(args: argparse.Namespace) -> None:
    with octavo.load(args.model) as model:
        converted = octavo.convert(model, args.to)
    converted.save(args.output)
    d = converted.describe()
    if args.json:
        return print_json({"file": args.output, "form": args.to, "bytes": d["bytes"], "operators": d["operators"]})
    print(f"{args.output}: {args.to} form, {sum(d['operators'].values())} nodes, {bytes_text(d['bytes'])}")
    return None


def run(args: argparse.Namespace) -> None:
    with octavo.load(args.model) as model:
        data = dataset(args, model)
        with octavo.Session(model, threads=args.threads, cpu_target=args.cpu_target) as session:
            results, seconds = run_all(session, data, args.batch_size)
            target = session.cpu_target
    if args.output:
        path = pathlib.Path(args.output)
        try:
            _data.save_npz(path, results)
        except OSError as e:
            raise octavo.Error(f"{path}: {e.strerror or e}", octavo.Status.IO) from e
    rows = {
        name: {"dtype": str(a.dtype), "shape": list(a.shape), **({} if not a.size or a.dtype.kind not in "biuf" else
               {"min": float(a.min()), "max": float(a.max()), "mean": float(a.mean(dtype=np.float64))})}
        for name, a in results.items()
    }  # fmt: skip
    if args.json:
        return print_json({"file": args.output, "samples": data.samples, "seconds": seconds, "cpu_target": target,
                           "outputs": rows})  # fmt: skip
    out = console()
    made = table("Output", "dtype", "Shape", "Min", "Max", "Mean", right=(3, 4, 5))
    for name, row in rows.items():
        figures = [f"{row[k]:.5g}" if k in row else "" for k in ("min", "max", "mean")]
        made.add_row(name, row["dtype"], str(row["shape"]), *figures)
    out.print(made)
    where = f", written to {args.output}" if args.output else ""
    out.print(f"{data.samples} samples in {seconds:.3g} s on {target}{where}")
    return None


def evaluate(args: argparse.Namespace) -> None:
    figures: dict[str, Any] = {}
    answers: dict[str, np.ndarray] = {}
    labels = None
    for key, file in (("model", args.model), ("against", args.against)):
        if file is None:
            continue
        with octavo.load(file) as model:
            data = dataset(args, model, labels=args.labels)
            labels = np.asarray(data.extra[args.labels]).reshape(-1)
            if len(labels) != data.samples:
                raise InvalidData(f"{args.data}: {len(labels)} labels for {data.samples} samples")
            if not data.samples:
                raise InvalidData(f"{args.data}: no samples")
            size = file_bytes(file, model.describe())
            with octavo.Session(model, threads=args.threads, cpu_target=args.cpu_target) as session:
                session.run(next(data.batches(args.batch_size, pad=True)))  # first runs plan and touch memory
                results, seconds = run_all(session, data, args.batch_size)
                target = session.cpu_target
        scores = next(iter(results.values()))
        if scores.ndim < 2 or scores.shape[0] != data.samples:
            raise InvalidData(
                f"{file}: the first output is {list(scores.shape)}, not one row of scores for each sample"
            )
        answers[key] = scores.reshape(len(scores), -1).argmax(1)
        correct = int((answers[key] == labels).sum())
        figures[key] = {
            "file": file,
            "top1": 100.0 * correct / data.samples,
            "correct": correct,
            "ms": 1e3 * seconds / data.samples,
            "bytes": size,
        }
        figures.update(samples=data.samples, cpu_target=target)
    figures["agreement"] = (
        100.0 * float((answers["model"] == answers["against"]).mean()) if "against" in answers else None
    )
    if args.json:
        return print_json(figures)
    out = console()
    made = table("Model", "Top-1 %", "Right", "ms a sample", "Size", right=(1, 2, 3, 4))
    for key in ("against", "model"):
        if key in figures:
            f = figures[key]
            made.add_row(f["file"], f"{f['top1']:.2f}", f"{f['correct']} of {figures['samples']}", f"{f['ms']:.4g}",
                         bytes_text(f["bytes"]))  # fmt: skip
    out.print(made)
    if "against" in figures:
        m, a = figures["model"], figures["against"]
        out.print(
            f"top-1 {m['top1'] - a['top1']:+.2f} points, same answer for {figures['agreement']:.2f} %, "
            f"{a['ms'] / m['ms']:.2f}x as fast, {a['bytes'] / max(1, m['bytes']):.2f}x smaller"
        )
    return None


def report(args: argparse.Namespace) -> None:
    if pathlib.Path(args.output).suffix.lower() not in (".html", ".htm", ".json"):
        raise Usage(f"-o: a report is .html or .json, not '{args.output}'")
    with octavo.load(args.model) as model, octavo.load(args.quantized) as quantized:
        made = octavo.report(
            model,
            quantized,
            args.data,
            batch_size=args.batch_size,
            threads=args.threads,
            cpu_target=args.cpu_target,
            images=images_of(args),
        )
    made.save(args.output)
    if args.json:
        return print_json(made.to_dict())
    out = console()
    for o in made.outputs:
        same = (
            "" if o["top1_agreement"] is None else f", greatest element the same in {100 * o['top1_agreement']:.2f} %"
        )
        db = "no error" if o["sqnr_db"] is None else f"{o['sqnr_db']:.1f} dB"
        out.print(f"output {o['name']}: {db}, largest error {o['max_error']:.4g}{same}")
    worst = table("Worst layers", "Operator", "Precision", "SQNR dB", "Clipped %", right=(3, 4))
    for layer in made.worst(5):
        worst.add_row(
            layer.name, layer.op, layer.precision, f"{layer.sqnr_db:.1f}", f"{100 * (layer.clipped or 0):.3f}"
        )
    out.print(worst)
    out.print(f"written to {args.output}")
    return None


def profile(args: argparse.Namespace) -> None:
    if args.output and pathlib.Path(args.output).suffix.lower() not in (".html", ".htm", ".json"):
        raise Usage(f"-o: a profile is .html or .json, not '{args.output}'")
    with octavo.load(args.model) as model:
        if args.data:
            x = next(dataset(args, model).batches(args.batch_size))
        else:
            x = random_inputs(model.inputs, args, args.model)
        made = octavo.profile(model, x, runs=args.runs, threads=args.threads, cpu_target=args.cpu_target)
    if args.output:
        made.save(args.output)
    if args.json:
        return print_json(made.to_dict())
    head, rows = made.rows()
    out = console()
    steps = table(*head, right=range(4, 9))
    for row in rows:
        steps.add_row(*row)
    out.print(steps)
    out.print(made.summary())
    if args.output:
        out.print(f"written to {args.output}")
    return None


def bench(args: argparse.Namespace) -> None:
    for runtime in args.against:
        if runtime not in _bench.RUNTIMES or runtime == "octavo":
            raise Usage(f"--against: {runtime!r} is none of onnxruntime, openvino")
    rows: list[dict[str, Any]] = []
    for file in args.models:
        with octavo.load(file) as model:
            inputs = random_inputs(model.inputs, args, file)
        with octavo.load(file, input_shapes={name: list(x.shape) for name, x in inputs.items()}) as model:
            macs = model.describe()["macs"]
        for threads in args.threads:
            field = [_bench.Contestant("octavo", file, threads, cpu_target=args.cpu_target)]
            field += [_bench.Contestant(runtime, file, threads) for runtime in args.against]
            with _progress.bar(f"{file}, {threads} threads", args.rounds) as tell:
                _bench.measure(
                    field, inputs, args.rounds, args.seconds, (lambda done, of: tell(done)) if tell else None
                )
            us = field[0]
            if us.error:
                raise octavo.Error(f"{file}: {us.error}")
            for c in field:
                speed = None if c is us or c.error else us.speed_of(c)
                rows.append({"model": file, "runtime": c.runtime, "threads": threads, "version": c.version, "ms": c.ms,
                             "best_ms": c.best_ms, "first_ms": c.load_ms, "rounds_ms": c.rounds_ms,
                             "share_of_peak": macs / (c.ms * 1e-3) / us.peak if c.ms and us.peak else None,
                             "octavo_speed_over": speed, "error": c.error})  # fmt: skip
    first = {r["threads"]: r["ms"] for r in reversed(rows) if r["runtime"] == "octavo"}
    for row in rows:
        base = first[row["threads"]]
        row["speed_over_first"] = base / row["ms"] if row["ms"] and row["runtime"] == "octavo" else None
    target = args.cpu_target or octavo.cpu_targets()[0]
    figures = {"cpu_target": target, "processors": os.cpu_count(), "batch": args.batch_size or 1, "rounds": args.rounds,
               "rows": rows}  # fmt: skip
    if args.json == "-":
        return print_json(figures)
    if args.json:
        path = pathlib.Path(args.json)
        try:
            path.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
        except OSError as e:
            raise octavo.Error(f"{path}: {e.strerror or e}", octavo.Status.IO) from e
    out = console()
    made = table("Model", "Threads", "Runtime", "Median ms", "Best ms", "First ms", "Of peak", "Octavo's speed",
                 "Over the first", right=(1, 3, 4, 5, 6, 7, 8))  # fmt: skip
    for row in rows:
        name = row["runtime"] + (f" {row['version']}" if row["version"] else "")
        if row["error"]:
            made.add_row(row["model"], str(row["threads"]), name, "-", "-", "-", "-", row["error"], "")
            continue
        speed = f"{row['octavo_speed_over']:.2f}x" if row["octavo_speed_over"] else ""
        over = f"{row['speed_over_first']:.2f}x" if row["speed_over_first"] and row["model"] != args.models[0] else ""
        made.add_row(row["model"], str(row["threads"]), name, f"{row['ms']:.3f}", f"{row['best_ms']:.3f}",
                     f"{row['first_ms']:.1f}", f"{100 * row['share_of_peak']:.0f} %" if row["share_of_peak"] else "", speed, over)  # fmt: skip
    out.print(made)
    out.print(
        f"batch {figures['batch']}, {target}, medians over {args.rounds} alternating rounds; of peak: of the INT8 multiplications "
        "that this machine makes with registers only"
    )
    return None


# ---------------------------------------------------------------------------------------------------- what they share


class Usage(Exception):
    """Wrong usage that only shows after parsing: exit status 2."""


def images_of(args: argparse.Namespace) -> _data.Images:
    return _data.Images(size=args.size, mean=args.mean, std=args.std, layout=args.layout)


def dataset(args: argparse.Namespace, model: octavo.Model, labels: str | None = None) -> _data.Dataset:
    made = _data.open_dataset(args.data, model.inputs, images_of(args), labels)
    if made is None:
        raise InvalidArgument(f"{args.data}: not a data set")
    return made


def run_all(
    session: octavo.Session, data: _data.Dataset, batch_size: int | None
) -> tuple[dict[str, np.ndarray], float]:
    """Every sample's outputs joined along the first axis, and the seconds that running took."""
    parts: dict[str, list[np.ndarray]] = {}
    seconds, left = 0.0, data.samples
    with _progress.bar("running", data.count(batch_size)) as tell:
        for number, batch in enumerate(data.batches(batch_size, pad=True), 1):
            start = time.perf_counter()
            results = session.run(batch)
            seconds += time.perf_counter() - start
            size = 1 if data.whole else data.batch_size(batch_size)
            for name, value in results.items():
                if data.whole:
                    value = value[np.newaxis]
                elif left < size and value.ndim and value.shape[0] == size:
                    value = value[:left]  # the last batch was filled up
                parts.setdefault(name, []).append(value)
            left -= size
            if tell:
                tell(number)
    joined = {}
    for name, values in parts.items():
        if all(v.ndim and v.shape[1:] == values[0].shape[1:] for v in values):
            joined[name] = np.concatenate(values)
        elif all(v.shape == values[0].shape for v in values):
            joined[name] = np.stack(values)
        else:
            raise InvalidData(f"output '{name}' has another shape in each batch: its results cannot be joined")
    return joined, seconds


def random_inputs(ports: Sequence[Port], args: argparse.Namespace, file: str) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    inputs = {}
    for port in ports:
        shape = None
        if isinstance(args.shape, dict):
            shape = args.shape.get(port.name)
        elif args.shape and len(ports) == 1:
            shape = args.shape
        if shape is None:
            if port.shape is None or any(d is None for d in port.shape[1:]):
                raise InvalidArgument(f"{file}: input {port} has open dimensions: say --shape {port.name}=1x...")
            shape = [args.batch_size or 1 if i == 0 and d is None else d for i, d in enumerate(port.shape)]
        if port.dtype.startswith("float"):
            inputs[port.name] = random.standard_normal(shape).astype(port.dtype)
        else:
            inputs[port.name] = random.integers(0, 2, shape).astype(port.dtype)
    return inputs


def positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return value


def threads_type(text: str) -> int:
    value = int(text)
    if not 0 <= value <= 1024:
        raise argparse.ArgumentTypeError(f"{text} is not in 0..1024")
    return value


def list_of(kind: Callable[[str], Any]) -> Callable[[str], list[Any]]:
    def parse(text: str) -> list[Any]:
        return [kind(part.strip()) for part in text.split(",") if part.strip()]

    parse.__name__ = f"list of {kind.__name__}"
    return parse


def size_type(text: str) -> tuple[int, int]:
    parts = [positive(p) for p in text.lower().replace(",", "x").split("x")]
    if len(parts) > 2:
        raise argparse.ArgumentTypeError(f"{text!r} is not HxW")
    return (parts[0], parts[-1])


class ShapeAction(argparse.Action):
    """--shape 1x3x224x224 for the only input, --shape name=1x128 for one of several; may be repeated."""

    def __call__(self, parser, namespace, values, option_string=None):
        name, _, dims = values.rpartition("=")
        try:
            shape = [int(d) for d in dims.lower().replace(",", "x").split("x")]
        except ValueError:
            parser.error(f"{option_string}: {values!r} is not NAME=1x3x224x224")
        known = getattr(namespace, self.dest)
        if not name:
            setattr(namespace, self.dest, shape)
        else:
            setattr(namespace, self.dest, {**(known if isinstance(known, dict) else {}), name: shape})


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="octavo", description="ONNX in, INT8 out, the same bytes on every CPU.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"octavo {octavo.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, function: Callable[[argparse.Namespace], None], help: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=help, description=help, allow_abbrev=False)
        made.set_defaults(function=function)
        return made

    def figures(made: argparse.ArgumentParser) -> None:
        made.add_argument("--json", action="store_true", help="print the figures as JSON")

    def data(made: Any, required: bool = True, group: Any = None) -> None:
        (group or made).add_argument(
            "--data",
            required=required,
            metavar="FILE",
            help=".npz (arrays named after the inputs, first axis = samples), .npy, or a folder of images",
        )
        made.add_argument(
            "--batch-size", type=positive, metavar="N", help="samples at a time, where the model lets choose"
        )
        folder = made.add_argument_group("images, where --data is a folder")
        folder.add_argument("--size", type=size_type, metavar="HxW", help="resize to this; default: the model's")
        folder.add_argument("--mean", type=list_of(float), default=[0.0], metavar="M,..", help="subtracted, one or one a "
                            "channel; values of at most 1 are of pixels scaled to 0..1")  # fmt: skip
        folder.add_argument("--std", type=list_of(float), default=[1.0], metavar="S,..", help="divided by")
        folder.add_argument("--layout", choices=("NCHW", "NHWC"), type=str.upper, help="default: by the model's input")

    def machine(made: argparse.ArgumentParser, target: bool = True) -> None:
        made.add_argument("--threads", type=threads_type, metavar="N", help="default and 0: one for each processor")
        if target:
            made.add_argument("--cpu-target", metavar="NAME", help="one of: " + ", ".join(octavo.cpu_targets()))

    def output(made: argparse.ArgumentParser, required: bool = True, help: str = "file to write") -> None:
        made.add_argument("-o", "--output", required=required, metavar="FILE", help=help)

    p = command("inspect", inspect, "inputs, outputs, operators, MACs, size, what would be INT8 and why not")
    p.add_argument("model")
    p.add_argument("--all", action="store_true", help="list every node, not only those that are not INT8")
    p.add_argument("--shape", action=ShapeAction, metavar="[NAME=]DIMS", help="fix open dimensions: 1x3x224x224")
    figures(p)

    p = command("calibrate", calibrate, "run the model on representative data and save what was learned")
    p.add_argument("model")
    data(p)
    p.add_argument("--observer", help="moving_average must be asked for here; recipes choose all others")
    machine(p, target=False)
    output(p)
    figures(p)

    p = command("quantize", quantize, "make the INT8 model")
    p.add_argument("model")
    source = p.add_mutually_exclusive_group()
    data(p, required=False, group=source)
    source.add_argument("--stats", metavar="FILE", help="statistics that octavo calibrate saved")
    p.add_argument("--recipe", default="static", help=f"{', '.join(SCHEMES)} or a JSON file; default: static")
    machine(p, target=False)
    output(p)
    figures(p)

    p = command("convert", convert, "a model quantized elsewhere -> the form that runs and exports here")
    p.add_argument("model")
    p.add_argument("--to", choices=("qdq", "qoperator"), default="qdq", help="default: qdq")
    output(p)
    figures(p)

    p = command("run", run, "run a model on data")
    p.add_argument("model")
    data(p)
    machine(p)
    output(p, required=False, help=".npz for the outputs")
    figures(p)

    p = command("evaluate", evaluate, "top-1, agreement, time and size on labelled data")
    p.add_argument("model")
    data(p)
    p.add_argument("--labels", required=True, metavar="NAME", help="the array with the labels; with a folder of images "
                   "any name: its subfolders are the classes")  # fmt: skip
    p.add_argument("--against", metavar="MODEL", help="compare with this model, the float one say")
    machine(p)
    figures(p)

    p = command("report", report, "what quantization cost, layer by layer")
    p.add_argument("model")
    p.add_argument("quantized")
    data(p)
    machine(p)
    output(p, help=".html or .json")
    figures(p)

    p = command("profile", profile, "where the time of a run goes, step by step")
    p.add_argument("model")
    data(p, required=False)
    p.add_argument("--shape", action=ShapeAction, metavar="[NAME=]DIMS", help="shape of an input with open dimensions; "
                   "without --data inputs are random")  # fmt: skip
    p.add_argument("--runs", type=positive, default=10, metavar="N", help="the shortest of so many; default: 10")
    machine(p)
    output(p, required=False, help=".html (with a timeline) or .json")
    figures(p)

    p = command("bench", bench, "time models, also against other runtimes")
    p.add_argument("models", nargs="+", metavar="model")
    p.add_argument("--threads", type=list_of(positive), default=[1], metavar="N,..", help="default: 1")
    p.add_argument("--against", type=list_of(str), default=[], metavar="RUNTIME,..", help="onnxruntime, openvino")
    p.add_argument("--batch-size", type=positive, metavar="N", help="where the model leaves it open; default: 1")
    p.add_argument("--shape", action=ShapeAction, metavar="[NAME=]DIMS", help="shape of an input with open dimensions")
    p.add_argument("--rounds", type=positive, default=7, help="default: 7")
    p.add_argument("--seconds", type=float, default=0.7, help="of one round of one runtime; default: 0.7")
    p.add_argument("--cpu-target", metavar="NAME", help="one of: " + ", ".join(octavo.cpu_targets()))
    p.add_argument(
        "--json", nargs="?", const="-", metavar="FILE", help="write the figures as JSON; to stdout without FILE"
    )
    return parser


def located(error: BaseException, args: argparse.Namespace) -> str:
    """What went wrong, in one line that names the model's file."""
    text = " ".join((str(error) or type(error).__name__).split())
    model = getattr(args, "model", None)
    return text if model is None or os.path.basename(model) in text else f"{model}: {text}"


def file_bytes(path: str, description: dict[str, Any]) -> int:
    """Of the file on disk; with weights beside it, of the model as one file."""
    on_disk, whole = os.path.getsize(path), int(description["bytes"])
    return whole if on_disk < whole // 2 else on_disk


def main(argv: Sequence[str] | None = None) -> int:
    parser = build_parser()
    try:
        args = parser.parse_args(argv)
    except SystemExit as e:  # argparse has said what is wrong
        return e.code if isinstance(e.code, int) else 2
    try:
        args.function(args)
        sys.stdout.flush()
        return 0
    except Usage as e:
        print(f"octavo {args.command}: {e}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print(f"octavo {args.command}: interrupted", file=sys.stderr)
        return 130
    except (Error, OSError, MemoryError) as e:
        print(f"octavo {args.command}: {located(e, args)}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
