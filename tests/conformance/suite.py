"""ONNX's own tests of single operators, run through the Python package.

As a program: runs the tests named on standard input (all of them: --all) and prints one JSON line per test and step, so
that a crash is known to belong to the test that began last.
"""

import argparse
import json
import sys
import warnings

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

PASSED, REFUSED, WRONG = "passed", "refused", "wrong"

# Tests of several float16 operators in a row whose expected values were rounded after each step. Ours are rounded elsewhere
# and are nearer to the exact result; both lie within two units in the last place of it.
TWO_UNITS = {"test_attention_4d_causal_fp16_expanded"}

# NumPy holds no 4-bit integers, so they cannot pass the package's boundary. Inside the model they are tested all the same.
FOUR_BIT = {TensorProto.INT4, TensorProto.UINT4}


def cases():
    """All tests by name."""
    from onnx.backend.test.case.node import collect_testcases

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {case.name: case for case in collect_testcases(None)}


def _is_tensor(info):
    return info.type.WhichOneof("value") == "tensor_type"


def _array(value):
    """An array of the test data; bfloat16 as ml_dtypes has it."""
    return numpy_helper.to_array(value) if isinstance(value, TensorProto) else np.asarray(value)


def _at_the_boundary(model, inputs):
    """The model with 4-bit inputs as initializers and 4-bit outputs cast to int8, and the inputs that are left."""
    graph = onnx.ModelProto()
    graph.CopyFrom(model)
    model, graph = graph, graph.graph
    kept = []
    for info, value in zip(list(graph.input), inputs):
        if _is_tensor(info) and info.type.tensor_type.elem_type in FOUR_BIT:
            tensor = TensorProto()
            tensor.CopyFrom(value if isinstance(value, TensorProto) else numpy_helper.from_array(value, info.name))
            tensor.name = info.name
            graph.initializer.append(tensor)
            graph.input.remove(info)
        else:
            kept.append(_array(value))
    for info in graph.output:
        if _is_tensor(info) and info.type.tensor_type.elem_type in FOUR_BIT:
            inner = info.name + "_4bit"
            for node in graph.node:
                node.output[:] = [inner if name == info.name else name for name in node.output]
            graph.node.append(helper.make_node("Cast", [inner], [info.name], to=TensorProto.INT8))
            info.type.tensor_type.elem_type = TensorProto.INT8
    return model, kept


def _same_bytes(a, b):
    """Whether two results agree bit for bit, NaN included."""
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def _difference(found, expected, name, case):
    """Why `found` is not the answer, or None. The rules are those of ONNX's own runner."""
    if expected.dtype.name in ("int4", "uint4"):
        expected = expected.astype(np.int8)
    rtol = case.rtol
    if expected.dtype.name == "bfloat16":
        if found.dtype == np.uint16:
            found = found.view(expected.dtype)
        if found.dtype != expected.dtype:
            return f"{found.dtype} instead of {expected.dtype}"
        found, expected, rtol = found.astype(np.float32), expected.astype(np.float32), max(rtol, 2**-6)
    if name in TWO_UNITS:
        rtol = 2**-9
    if found.dtype != expected.dtype:
        return f"{found.dtype} instead of {expected.dtype}"
    if found.shape != expected.shape:
        return f"shape {found.shape} instead of {expected.shape}"
    try:
        if expected.dtype.kind == "f":
            np.testing.assert_allclose(found, expected, rtol=rtol, atol=case.atol)
        else:
            np.testing.assert_array_equal(found, expected)
    except AssertionError as e:
        return " ".join(str(e).split())[:300]
    return None


def run(name, case):
    """(passed | refused | wrong, why)"""
    import octavo

    for number, (inputs, outputs) in enumerate(case.data_sets):
        model = case.model
        try:
            with octavo.load(
                model.SerializeToString()
            ) as loaded:  # says what it refuses before test data gets in the way
                del loaded
            model, arrays = _at_the_boundary(model, inputs)
            loaded = octavo.load(model.SerializeToString())
            results = []
            for target in (None, "reference"):  # this machine's instructions, and the scalar definition
                session = octavo.Session(loaded, threads=2, cpu_target=target)
                found = session.run(tuple(arrays))
                results.append(list(found.values()) if isinstance(found, dict) else [found])
        except octavo.Error as e:
            if e.code == octavo.Status.UNSUPPORTED:
                return REFUSED, str(e)
            return WRONG, f"error {int(e.code)}: {e}"
        if len(results[0]) != len(outputs):
            return WRONG, f"{len(results[0])} outputs instead of {len(outputs)}"
        for i, expected in enumerate(outputs):
            if not _same_bytes(results[0][i], results[1][i]):
                return WRONG, f"output {i} of data set {number}: not the bytes of the reference"
            why = _difference(results[0][i], _array(expected), name, case)
            if why:
                return WRONG, f"output {i} of data set {number}: {why}"
    return PASSED, ""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true", help="every test instead of those named on standard input")
    args = parser.parse_args()
    known = cases()
    names = list(known) if args.all else sys.stdin.read().split()
    for name in names:
        print(json.dumps({"begin": name}), flush=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            outcome, why = run(name, known[name])
        print(json.dumps({"name": name, "outcome": outcome, "why": why}), flush=True)


if __name__ == "__main__":
    main()
