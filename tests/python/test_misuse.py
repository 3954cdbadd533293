"""What a caller can do wrong: an exception that says what, never a crash."""

import copy
import os
import pickle

import numpy as np
import octavo
import pytest
from conftest import convnet_bytes

X = np.zeros((1, 3, 8, 8), np.float32)
HUGE = 1 << 70


class BadInterface:
    __array_interface__ = {"version": 3, "shape": (1, 3, 8, 8), "typestr": "<f4", "data": (0, False), "strides": "none"}


class Raising:
    def __dlpack__(self, **_):
        raise BufferError("not now")

    def __dlpack_device__(self):
        return 1, 0


def closed(thing):
    thing.close()
    return thing


CASES = {
    "load a missing file": (lambda m: octavo.load("missing.onnx"), FileNotFoundError, "missing.onnx"),
    "load a folder": (lambda m: octavo.load("/"), OSError, "/"),
    "load an empty path": (lambda m: octavo.load(""), ValueError, "empty"),
    "load a zero byte": (lambda m: octavo.load("a\0b"), ValueError, "zero byte"),
    "load no UTF-8": (lambda m: octavo.load(b"\xff.onnx".decode("utf-8", "surrogateescape")), ValueError, "UTF-8"),
    "load None": (lambda m: octavo.load(None), ValueError, "NoneType"),
    "load a number": (lambda m: octavo.load(3), ValueError, "int"),
    "load no bytes": (lambda m: octavo.load(b""), ValueError, ""),
    "load garbage": (lambda m: octavo.load(b"garbage" * 100), ValueError, ""),
    "load half a model": (lambda m: octavo.load(convnet_bytes()[:500]), ValueError, ""),
    "load strided bytes": (lambda m: octavo.load(memoryview(convnet_bytes())[::2]), ValueError, "contiguous"),
    "shape for nobody": (lambda m: octavo.load(convnet_bytes(), input_shapes={"z": [1]}), ValueError, "z"),
    "shape of text": (lambda m: octavo.load(convnet_bytes(), input_shapes=["a"]), ValueError, ""),
    "negative shape": (lambda m: octavo.load(convnet_bytes(), input_shapes=[-1, 3, 8, 8]), ValueError, "-1"),
    "huge shape": (lambda m: octavo.load(convnet_bytes(), input_shapes=[HUGE, 3, 8, 8]), ValueError, "64 bits"),
    "rank 9": (lambda m: octavo.load(convnet_bytes(), input_shapes=[1] * 9), ValueError, "9"),
    "run nothing": (lambda m: m.run(), ValueError, "1 inputs"),
    "run None": (lambda m: m.run(None), ValueError, "NoneType"),
    "run too many": (lambda m: m.run(X, X), ValueError, "2 were given"),
    "run in order and by name": (lambda m: m.run(X, x=X), ValueError, "not both"),
    "run an unknown name": (lambda m: m.run({"z": X}), ValueError, "unknown: z"),
    "run an unknown keyword": (lambda m: m.run(z=X), ValueError, "missing: x"),
    "run no names": (lambda m: m.run({}), ValueError, "missing: x"),
    "run names that are numbers": (lambda m: m.run({1: X}), ValueError, "missing: x"),
    "run a wrong shape": (lambda m: m.run(X[:, :2]), ValueError, "x"),
    "run a wrong rank": (lambda m: m.run(X[0]), ValueError, "x"),
    "run 32 dimensions": (lambda m: m.run(np.zeros((1,) * 32, np.float32)), ValueError, "32"),
    "run nothing deep": (lambda m: m.run(np.zeros((0, 3, 8, 7), np.float32)), ValueError, ""),
    "session of None": (lambda m: octavo.Session(None), ValueError, "NoneType"),
    "session of a path": (lambda m: octavo.Session("net.onnx"), ValueError, "str"),
    "session of a session": (lambda m: octavo.Session(octavo.Session(m)), ValueError, "Session"),
    "no threads": (lambda m: octavo.Session(m, threads=-1), ValueError, "threads"),
    "too many threads": (lambda m: octavo.Session(m, threads=100000), ValueError, "threads"),
    "threads of text": (lambda m: octavo.Session(m, threads="two"), ValueError, "threads must be an integer, not str"),
    "huge threads": (lambda m: octavo.Session(m, threads=HUGE), ValueError, "threads"),
    "unknown target": (lambda m: octavo.Session(m, cpu_target="abacus"), ValueError, "abacus"),
    "target of bytes": (lambda m: octavo.Session(m, cpu_target=b"\xff"), ValueError, "cpu_target must be text"),
    "closed session": (lambda m: closed(octavo.Session(m))(X), ValueError, "closed"),
    "closed model": (lambda m: octavo.Session(closed(octavo.load(convnet_bytes()))), ValueError, "closed"),
    "closed model saved": (lambda m: closed(octavo.load(convnet_bytes())).save("x.onnx"), ValueError, "closed"),
    "closed twice": (lambda m: closed(closed(octavo.load(convnet_bytes()))).describe(), ValueError, "closed"),
    "pickle a closed model": (lambda m: pickle.dumps(closed(octavo.load(convnet_bytes()))), ValueError, "closed"),
    "pickle a session": (lambda m: pickle.dumps(octavo.Session(m)), TypeError, "pickle"),
    "copy a session": (lambda m: copy.copy(octavo.Session(m)), TypeError, "pickle"),
    "save nowhere": (lambda m: m.save("/nowhere/at/all.onnx"), OSError, "nowhere"),
    "save onto a folder": (lambda m: m.save("/tmp"), OSError, ""),
    "save to None": (lambda m: m.save(None), ValueError, "NoneType"),
    "save a zero byte": (lambda m: m.save("a\0b"), ValueError, "zero byte"),
    "change the inputs": (lambda m: setattr(m, "inputs", ()), AttributeError, ""),
    "calibrate None": (lambda m: octavo.calibrate(m, None), ValueError, ""),
    "calibrate a missing file": (lambda m: octavo.calibrate(m, "missing.npz"), FileNotFoundError, "missing.npz"),
    "calibrate no npz": (lambda m: octavo.calibrate(m, __file__), ValueError, os.path.basename(__file__)),
    "calibrate text": (lambda m: octavo.calibrate(m, ["text"]), ValueError, ""),
    "calibrate scalars": (lambda m: octavo.calibrate(m, np.float32(3)), ValueError, "single number"),
    "calibrate dict of scalars": (lambda m: octavo.calibrate(m, {"x": np.float32(3)}), ValueError, "no axis"),
    "calibrate no samples": (lambda m: octavo.calibrate(m, X[:0]), ValueError, "no calibration"),
    "calibrate wrong names": (lambda m: octavo.calibrate(m, {"a": X, "b": X}), ValueError, "which array"),
    "finish too early": (lambda m: octavo.Calibrator(m).finish(), ValueError, "no calibration"),
    "percentile over 100": (
        lambda m: octavo.Calibrator(m, observer="percentile", percentile=101),
        ValueError,
        "percentile",
    ),
    "quantize without data": (lambda m: octavo.quantize(m), ValueError, "data"),
    "quantize a path": (lambda m: octavo.quantize("net.onnx", X), ValueError, "octavo.Model, not str"),
    "quantize by an unknown recipe": (lambda m: octavo.quantize(m, X, recipe="fast"), FileNotFoundError, "static"),
    "quantize by a number": (lambda m: octavo.quantize(m, X, recipe=3), ValueError, "int"),
    "statistics of garbage": (lambda m: octavo.Statistics.load(b"garbage"), ValueError, ""),
    "statistics of nothing": (lambda m: octavo.Statistics.load("missing.stats"), FileNotFoundError, "missing.stats"),
    "merge with nothing": (lambda m: octavo.calibrate(m, X).merge(None), ValueError, "octavo.Statistics"),
    "convert to nothing": (lambda m: octavo.convert(m, ""), ValueError, "qdq"),
    "report of one model": (lambda m: octavo.report(m, m, "missing.npz"), FileNotFoundError, "missing"),
    "context of no threads": (lambda m: octavo.Context(threads=-2), ValueError, "threads"),
    "context of no memory": (lambda m: octavo.Context(memory_limit=0), ValueError, "limit"),
    "context of huge memory": (lambda m: octavo.Context(memory_limit=HUGE), ValueError, "memory_limit"),
    "closed context": (lambda m: octavo.load(convnet_bytes(), context=closed(octavo.Context())), ValueError, "closed"),
    "profile of nothing": (lambda m: octavo.profile(m, None), ValueError, "NoneType"),
    "load a lone surrogate": (lambda m: octavo.load("\ud800.onnx"), ValueError, "UTF-8"),
    "load a missing non-ASCII path": (
        lambda m: octavo.load("Größe ✓.onnx"),
        FileNotFoundError,
        "Größe ✓.onnx: no such file",
    ),
    "load a path too long": (lambda m: octavo.load("x" * 5000), OSError, ""),
    "load in no context": (lambda m: octavo.load(convnet_bytes(), context=3), ValueError, "octavo.Context, not int"),
    "shapes of a number": (lambda m: octavo.load(convnet_bytes(), input_shapes=3), ValueError, "sequence"),
    "shape named by a number": (lambda m: octavo.load(convnet_bytes(), input_shapes={3: [1]}), ValueError, "text"),
    "shape of fractions": (lambda m: octavo.load(convnet_bytes(), input_shapes=[1.5, 3, 8, 8]), ValueError, "float"),
    "model of nothing": (lambda m: octavo.Model(None, None), ValueError, "octavo.load"),
    "statistics of no core": (lambda m: octavo.Statistics(None), ValueError, "octavo.calibrate"),
    "report of no core": (lambda m: octavo.Report(None), ValueError, "octavo.report"),
    "run doubles as integers": (lambda m: m.run(np.zeros(X.shape, np.complex64)), ValueError, "complex64"),
    "run text": (lambda m: m.run(np.zeros(X.shape, "U1")), ValueError, "x"),
    "run objects": (lambda m: m.run(np.zeros(X.shape, object)), ValueError, "object"),
    "run records": (lambda m: m.run(np.zeros(X.shape, "f4,i4")), ValueError, ""),
    "run lists": (lambda m: m.run([[1.0, 2.0]]), ValueError, "list"),
    "run a bad interface": (lambda m: m.run(BadInterface()), ValueError, ""),
    "run a raising buffer": (lambda m: m.run(Raising()), ValueError, "not now"),
    "run with a set": (lambda m: m.run({1, 2}), ValueError, "set"),
    "cancel by a bool": (lambda m: m.run(X, cancel=True), ValueError, "octavo.Cancel, not bool"),
    "out too small": (lambda m: m.run(X, out=np.empty((1, 3), np.float32)), ValueError, "y"),
    "out too large": (lambda m: m.run(X, out=np.empty((2, 4), np.float32)), ValueError, "y"),
    "out of another rank": (lambda m: m.run(X, out=np.empty(4, np.float32)), ValueError, "y"),
    "out of doubles": (lambda m: m.run(X, out=np.empty((1, 4))), ValueError, "float64"),
    "out of another byte order": (lambda m: m.run(X, out=np.empty((1, 4), ">f4")), ValueError, ">f4"),
    "out read-only": (lambda m: m.run(X, out=np.broadcast_to(np.float32(0), (1, 4))), ValueError, "writeable"),
    "out of bytes": (lambda m: m.run(X, out=bytes(16)), ValueError, "uint8"),
    "out strided": (lambda m: m.run(X, out=np.empty((1, 8), np.float32)[:, ::2]), ValueError, "contiguous"),
    "out for nobody": (lambda m: m.run(X, out={"z": X}), ValueError, "unknown: z"),
    "out of text": (lambda m: m.run(X, out="y"), ValueError, "str"),
    "out in a list": (lambda m: m.run(X, out=[X]), ValueError, "list"),
    "prepare nothing": (lambda m: octavo.Session(m).prepare(), ValueError, "1 inputs"),
    "prepare a wrong shape": (lambda m: octavo.Session(m).prepare(X[:, :2]), ValueError, "x"),
    "profile that was not asked for": (lambda m: octavo.Session(m).profile(), ValueError, "profile"),
    "profile no runs": (lambda m: octavo.profile(m, X, runs=0), ValueError, "runs"),
    "calibrator of a path": (lambda m: octavo.Calibrator("net.onnx"), ValueError, "octavo.Model, not str"),
    "calibrator of INT8": (lambda m: octavo.Calibrator(octavo.quantize(m, X)), ValueError, "quantized"),
    "closed calibrator": (lambda m: closed(octavo.Calibrator(m)).collect(X), ValueError, "closed"),
    "unknown observer": (lambda m: octavo.Calibrator(m, observer="eye"), ValueError, "eye"),
    "percentile of text": (lambda m: octavo.Calibrator(m, percentile="most"), ValueError, "percentile"),
    "closed statistics": (lambda m: octavo.quantize(m, closed(octavo.calibrate(m, X))), ValueError, "closed"),
    "closed statistics saved": (lambda m: closed(octavo.calibrate(m, X)).save("s"), ValueError, "closed"),
    "half of statistics": (lambda m: octavo.Statistics.load(octavo.calibrate(m, X).to_bytes()[:-9]), ValueError, ""),
    "quantize twice": (lambda m: octavo.quantize(octavo.quantize(m, X), X), ValueError, "quantized"),
    "quantize with no progress": (lambda m: octavo.quantize(m, X, progress=3), ValueError, "progress"),
    "quantize with a named observer": (lambda m: octavo.quantize(m, X, observer="mse"), ValueError, "observer"),
    "recipe of an unknown key": (lambda m: octavo.Recipe({"octavo": 1, "shceme": "static"}), ValueError, "shceme"),
    "recipe that is no JSON": (lambda m: octavo.Recipe({"octavo": {1, 2}}), ValueError, "JSON"),
    "recipe of half a text": (lambda m: octavo.Recipe('{"octavo": 1'), ValueError, ""),
    "recipe rule for nobody": (
        lambda m: octavo.quantize(m, X, recipe={"octavo": 1, "nodes": [{"match": {"op": "Gru"}, "keep_float": True}]}),
        ValueError,
        "Gru",
    ),
    "convert a float model": (lambda m: octavo.convert(m, "tflite"), ValueError, "tflite"),
    "convert None": (lambda m: octavo.convert(None), ValueError, "NoneType"),
    "report of a path": (lambda m: octavo.report("net.onnx", m, X), ValueError, "octavo.Model"),
    "report saved as PDF": (lambda m: octavo.report(m, octavo.quantize(m, X), X).save("r.pdf"), ValueError, "html"),
    "report saved nowhere": (lambda m: octavo.report(m, octavo.quantize(m, X), X).save("/no/r.html"), OSError, "no"),
    "log of no function": (lambda m: octavo.Context(log="stderr"), ValueError, "callable"),
    "memory of a closed context": (lambda m: closed(octavo.Context()).memory, ValueError, "closed"),
    "a limit exceeded": (
        lambda m: octavo.load(convnet_bytes(), context=octavo.Context(node_limit=2)),
        MemoryError,
        "2",
    ),
}


CODES = {  # what an octavo.Error also is -> its codes
    ValueError: {code for code in octavo.Status if code < 128},
    OSError: {octavo.Status.IO},
    MemoryError: {octavo.Status.OUT_OF_MEMORY, octavo.Status.LIMIT},
}


@pytest.mark.parametrize("name", CASES)
def test_misuse(convnet, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    use, kind, says = CASES[name]
    with pytest.raises(kind, match=says or None) as e:
        use(convnet)
    if kind not in (TypeError, AttributeError):  # Python's own, of pickling and of attributes
        assert isinstance(e.value, octavo.Error)
        assert "\n" not in str(e.value) and str(e.value)
        assert e.value.code in next(codes for base, codes in CODES.items() if issubclass(kind, base))
    # Nothing is broken by it.
    assert convnet.run(X).shape == (1, 4)


def test_errors_can_be_told_apart():
    with pytest.raises(octavo.Error) as e:
        octavo.load("missing.onnx")
    error = e.value
    assert isinstance(error, OSError) and isinstance(error, FileNotFoundError)
    assert error.code == octavo.Status.IO and octavo.Status(error.code).name == "IO"
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error) and str(again) == str(error) and again.code == error.code


def test_statuses_are_those_of_the_header():
    for status in octavo.Status:
        assert octavo._core.status_name(int(status)) == f"OCTAVO_{status.name}"


def test_statuses_of_later_releases():
    make = octavo._errors.make
    assert isinstance(make(7, "x"), ValueError) and make(7, "x").code == 7
    assert isinstance(make(99, "x"), ValueError)
    assert type(make(199, "x")) is octavo.Error and make(199, "x").code == 199
