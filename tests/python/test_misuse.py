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


def closed(thing):
    thing.close()
    return thing


CASES = {
    "load a missing file": (lambda m: octavo.load("missing.onnx"), FileNotFoundError, "missing.onnx"),
    "load a folder": (lambda m: octavo.load("/"), OSError, "/"),
    "load an empty path": (lambda m: octavo.load(""), octavo.Error, ""),
    "load a zero byte": (lambda m: octavo.load("a\0b"), ValueError, "zero byte"),
    "load no UTF-8": (lambda m: octavo.load(b"\xff.onnx".decode("utf-8", "surrogateescape")), ValueError, "UTF-8"),
    "load None": (lambda m: octavo.load(None), ValueError, "NoneType"),
    "load a number": (lambda m: octavo.load(3), ValueError, "int"),
    "load no bytes": (lambda m: octavo.load(b""), ValueError, ""),
    "load garbage": (lambda m: octavo.load(b"garbage" * 100), ValueError, ""),
    "load half a model": (lambda m: octavo.load(convnet_bytes()[:500]), ValueError, ""),
    "load strided bytes": (lambda m: octavo.load(memoryview(convnet_bytes())[::2]), octavo.Error, ""),
    "shape for nobody": (lambda m: octavo.load(convnet_bytes(), input_shapes={"z": [1]}), ValueError, "z"),
    "shape of text": (lambda m: octavo.load(convnet_bytes(), input_shapes=["a"]), ValueError, ""),
    "negative shape": (lambda m: octavo.load(convnet_bytes(), input_shapes=[-1, 3, 8, 8]), ValueError, "-1"),
    "huge shape": (lambda m: octavo.load(convnet_bytes(), input_shapes=[HUGE, 3, 8, 8]), (TypeError, ValueError), ""),
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
    "run 40 dimensions": (lambda m: m.run(np.zeros((1,) * 40, np.float32)), ValueError, "40"),
    "run nothing deep": (lambda m: m.run(np.zeros((0, 3, 8, 7), np.float32)), ValueError, ""),
    "session of None": (lambda m: octavo.Session(None), ValueError, "NoneType"),
    "session of a path": (lambda m: octavo.Session("net.onnx"), ValueError, "str"),
    "session of a session": (lambda m: octavo.Session(octavo.Session(m)), ValueError, "Session"),
    "no threads": (lambda m: octavo.Session(m, threads=-1), ValueError, "threads"),
    "too many threads": (lambda m: octavo.Session(m, threads=100000), ValueError, "threads"),
    "threads of text": (lambda m: octavo.Session(m, threads="two"), TypeError, ""),
    "huge threads": (lambda m: octavo.Session(m, threads=HUGE), TypeError, ""),
    "unknown target": (lambda m: octavo.Session(m, cpu_target="abacus"), ValueError, "abacus"),
    "target of bytes": (lambda m: octavo.Session(m, cpu_target=b"\xff"), (ValueError, TypeError, UnicodeError), ""),
    "closed session": (lambda m: closed(octavo.Session(m))(X), ValueError, "closed"),
    "closed model": (lambda m: octavo.Session(closed(octavo.load(convnet_bytes()))), ValueError, "closed"),
    "closed model saved": (lambda m: closed(octavo.load(convnet_bytes())).save("x.onnx"), ValueError, "closed"),
    "closed twice": (lambda m: closed(closed(octavo.load(convnet_bytes()))).describe(), ValueError, "closed"),
    "pickle a closed model": (lambda m: pickle.dumps(closed(octavo.load(convnet_bytes()))), ValueError, "closed"),
    "pickle a session": (lambda m: pickle.dumps(octavo.Session(m)), TypeError, "pickle"),
    "copy a session": (lambda m: copy.copy(octavo.Session(m)), TypeError, "pickle"),
    "save nowhere": (lambda m: m.save("/nowhere/at/all.onnx"), OSError, "nowhere"),
    "save onto a folder": (lambda m: m.save("/tmp"), OSError, ""),
    "save to None": (lambda m: m.save(None), TypeError, ""),
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
    "quantize a path": (lambda m: octavo.quantize("net.onnx", X), (AttributeError, octavo.Error, TypeError), ""),
    "quantize by an unknown recipe": (lambda m: octavo.quantize(m, X, recipe="fast"), FileNotFoundError, "static"),
    "quantize by a number": (lambda m: octavo.quantize(m, X, recipe=3), ValueError, "int"),
    "statistics of garbage": (lambda m: octavo.Statistics.load(b"garbage"), ValueError, ""),
    "statistics of nothing": (lambda m: octavo.Statistics.load("missing.stats"), FileNotFoundError, "missing.stats"),
    "merge with nothing": (lambda m: octavo.calibrate(m, X).merge(None), (AttributeError, TypeError), ""),
    "convert to nothing": (lambda m: octavo.convert(m, ""), ValueError, "qdq"),
    "report of one model": (lambda m: octavo.report(m, m, "missing.npz"), FileNotFoundError, "missing"),
    "context of no threads": (lambda m: octavo.Context(threads=-2), ValueError, "threads"),
    "context of no memory": (lambda m: octavo.Context(memory_limit=0), ValueError, "limit"),
    "context of huge memory": (lambda m: octavo.Context(memory_limit=HUGE), TypeError, ""),
    "closed context": (lambda m: octavo.load(convnet_bytes(), context=closed(octavo.Context())), ValueError, "closed"),
    "profile of nothing": (lambda m: octavo.profile(m, None), ValueError, "NoneType"),
}


@pytest.mark.parametrize("name", CASES)
def test_misuse(convnet, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    use, kind, says = CASES[name]
    with pytest.raises(kind, match=says or None) as e:
        use(convnet)
    if isinstance(e.value, octavo.Error):
        assert "\n" not in str(e.value)
        assert isinstance(e.value.code, int) and e.value.code != 0
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
