"""Well-known architectures: float as ONNX Runtime computes them; INT8 on one integer road, not worse than ONNX Runtime's own
quantizer makes them, and the same bytes on every instruction set and number of threads.

The small ones run with every `make test`; `pytest tests/zoo -m ""` runs all (some GB of memory, tens of minutes).
"""

import numpy as np
import octavo
import pytest
from support import ort, zoo
from support.octavo_model import nodes

pytestmark = pytest.mark.skipif(not ort.version(), reason="onnxruntime is not installed")

THREADS = (1, 2, 3, 8)
REFERENCE = ("squeezenet1_1", "shufflenet_v2_x1_0", "mobilenet_v2")  # small enough for the scalar definition
# Operators that may stay float between the first quantize and the last dequantize, by network. Attention multiplies two
# activations, and softmax and layer normalization have no integer form yet; what lies between them follows.
FLOAT_ISLANDS = {
    "vit_b_16": {
        "Add",
        "Concat",
        "Div",
        "Expand",
        "MatMul",
        "Mul",
        "ReduceMean",
        "Reshape",
        "Slice",
        "Softmax",
        "Sqrt",
        "Sub",
        "Transpose",
    },
}


class Network:
    """One architecture, and what tests need of it, made once."""

    def __init__(self, name, path, folder):
        self.name, self.path, self.folder, self.kept = name, path, folder, {}

    def once(self, key, function):
        if key not in self.kept:
            self.kept[key] = function()
        return self.kept[key]

    @property
    def model(self):
        return self.once("model", lambda: octavo.load(str(self.path)))

    @property
    def file(self):
        return self.folder / f"{self.name}.int8.onnx"

    @property
    def int8(self):
        def make():
            calibration = zoo.calibration_batch(self.name)
            stats = octavo.calibrate(self.model, [calibration[i : i + 2] for i in range(0, len(calibration), 2)])
            int8 = octavo.quantize(self.model, stats)
            int8.save(str(self.file))
            return int8

        return self.once("int8", make)

    def batch(self, which):
        return {"calibration": zoo.calibration_batch, "held_out": zoo.held_out_batch}[which](self.name)

    def answers(self, kind, which):
        """Outputs of "float" or "int8" for a batch."""

        def make():
            run = octavo.Session(self.model if kind == "float" else self.int8)
            x = self.batch(which)
            return np.concatenate([run(x[i : i + 2]).copy() for i in range(0, len(x), 2)])

        return self.once((kind, which), make)


@pytest.fixture(
    scope="module", params=[n if n in zoo.SMALL else pytest.param(n, marks=pytest.mark.slow) for n in zoo.SIDE]
)
def network(request, tmp_path_factory):
    path, why = zoo.network(request.param)
    if path is None:
        pytest.skip(why)
    return Network(request.param, path, tmp_path_factory.mktemp(request.param))


def test_float_is_what_onnxruntime_computes(network, table):
    theirs = ort.runner(network.path)(network.batch("held_out"))
    error = float(np.abs(network.answers("float", "held_out") - theirs).max() / np.ptp(theirs))
    table("zoo").add(network.name, **{"float error / range": f"{error:.1e}"})
    assert error <= 1e-4


def test_one_integer_road(network, table):
    known = nodes(network.int8)
    int8 = [i for i, n in enumerate(known) if n["precision"] == "int8"]
    assert int8
    between = [n for n in known[int8[0] : int8[-1]] if n["precision"].startswith("float")]
    for n in between:
        print(f"{network.name}: {n['op']} {n['name']} stays {n['precision']}: {n['reason']}")
    table("zoo").add(network.name, **{"int8 nodes": len(int8), "float between": len(between)})
    assert all(n["reason"] for n in known if n["precision"] != "int8")
    allowed = FLOAT_ISLANDS.get(network.name, ())
    assert [(n["op"], n["name"], n["reason"]) for n in between if n["op"] not in allowed] == []


@pytest.mark.parametrize("which", ["calibration", "held_out"])
def test_not_worse_than_onnxruntimes_quantizer(network, which, table):
    theirs = zoo.baseline(network.name, network.path)[which]
    ours = zoo.sqnr(network.answers("float", which), network.answers("int8", which))
    kept = zoo.kept_signal(network.answers("float", which), network.answers("int8", which))
    table("zoo").add(network.name, **{f"SQNR {which}": ours, "ORT's " + which: theirs, "signal kept": kept})
    # On images that calibration never saw both vary by some tenths from batch to batch. So they do on any images where
    # rounding, however small, grows until little of what tells images apart is left (docs/decisions.md).
    assert ours >= theirs - (0.5 if which == "held_out" else 0.25 if kept < 0.5 else 0)


def test_file_is_about_a_quarter(network, table):
    network.int8  # noqa: B018 (writes the file)
    ratio = network.file.stat().st_size / network.path.stat().st_size
    table("zoo").add(network.name, **{"file ratio": ratio})
    assert ratio <= 0.32


def test_onnxruntime_runs_the_file_alike(network, table):
    exact = network.answers("float", "held_out")
    network.int8  # noqa: B018 (writes the file)
    theirs = ort.runner(network.file)(network.batch("held_out"))
    ours = network.answers("int8", "held_out")
    there = zoo.sqnr(exact, theirs)
    table("zoo").add(network.name, **{"file in ORT": there, "ORT vs us": zoo.sqnr(ours, theirs)})
    # Wherever a value sits on a rounding edge the two may part, and errors of deep networks then differ: not what is tested.
    assert there >= zoo.sqnr(exact, ours) - 2


def test_same_bytes_everywhere(network, table):
    x = network.batch("held_out")[:1]
    expected, differ, tried = None, [], 0
    for target in octavo.cpu_targets():
        if target == "reference" and network.name not in REFERENCE:
            continue
        for threads in (1,) if target == "reference" else THREADS:
            got = octavo.Session(network.int8, threads=threads, cpu_target=target)(x).tobytes()
            tried += 1
            expected = expected if expected is not None else got
            if got != expected:
                differ.append((target, threads))
    table("zoo").add(network.name, **{"targets x threads": f"{tried - len(differ)}/{tried}"})
    assert differ == []


def test_float_does_not_depend_on_threads(network):
    x = network.batch("held_out")[:1]
    answers = {octavo.Session(network.model, threads=threads)(x).tobytes() for threads in THREADS}
    assert len(answers) == 1


def test_same_model_file_from_the_same_input(network):
    """Calibrated and quantized once more, with other threads: the same file."""
    x = network.batch("calibration")
    first = octavo.quantize(network.model, octavo.calibrate(network.model, [x[:2]]))
    again = octavo.load(str(network.path))
    second = octavo.quantize(again, octavo.calibrate(again, [x[:2]]))
    for model, name in ((first, "first"), (second, "second")):
        model.save(str(network.folder / f"{name}.onnx"))
    assert (network.folder / "first.onnx").read_bytes() == (network.folder / "second.onnx").read_bytes()
