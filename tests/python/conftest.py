"""Small networks for the tests of the Python package, made when they are needed."""

import pathlib

import numpy as np
import octavo
import pytest
from onnx import TensorProto, helper, numpy_helper

DIGITS = pathlib.Path(__file__).resolve().parents[2] / "examples" / "demo"


def pytest_collection_modifyitems(items):
    here = pathlib.Path(__file__).parent
    for item in items:
        if here in pathlib.Path(item.fspath).parents and item.path.name != "test_demo.py":
            item.add_marker(pytest.mark.filterwarnings("error"))


def info(name, shape, dtype=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, dtype, shape)


def onnx_bytes(nodes, inputs, outputs, constants=None, opset=21, name="net"):
    initializers = [numpy_helper.from_array(np.ascontiguousarray(a), n) for n, a in (constants or {}).items()]
    graph = helper.make_graph(nodes, name, inputs, outputs, initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    return model.SerializeToString()


def convnet_bytes(batch="n", classes=4):
    """x [n, 3, 8, 8] -> y [n, classes]: Conv, Relu, Conv, Relu, GlobalAveragePool, Flatten, Gemm, Softmax."""
    random = np.random.default_rng(7)
    constants = {
        "w1": random.normal(0, 0.3, (8, 3, 3, 3)).astype(np.float32),
        "b1": random.normal(0, 0.1, 8).astype(np.float32),
        "w2": random.normal(0, 0.2, (16, 8, 3, 3)).astype(np.float32),
        "b2": random.normal(0, 0.1, 16).astype(np.float32),
        "w3": random.normal(0, 0.5, (16, classes)).astype(np.float32),
        "b3": random.normal(0, 0.1, classes).astype(np.float32),
    }
    node = helper.make_node
    nodes = [
        node("Conv", ["x", "w1", "b1"], ["c1"], "conv1", pads=[1, 1, 1, 1]),
        node("Relu", ["c1"], ["r1"], "relu1"),
        node("Conv", ["r1", "w2", "b2"], ["c2"], "conv2", strides=[2, 2], pads=[1, 1, 1, 1]),
        node("Relu", ["c2"], ["r2"], "relu2"),
        node("GlobalAveragePool", ["r2"], ["p"], "pool"),
        node("Flatten", ["p"], ["f"], "flatten"),
        node("Gemm", ["f", "w3", "b3"], ["g"], "head"),
        node("Softmax", ["g"], ["y"], "softmax"),
    ]
    return onnx_bytes(nodes, [info("x", [batch, 3, 8, 8])], [info("y", [batch, classes])], constants)


def two_bytes():
    """total = a + b, positions = NonZero(a): two inputs, two outputs, one shape that depends on contents."""
    nodes = [
        helper.make_node("Add", ["a", "b"], ["total"], "add"),
        helper.make_node("NonZero", ["a"], ["positions"], "find"),
    ]
    inputs = [info("a", ["n", 3]), info("b", ["n", 3])]
    outputs = [info("total", ["n", 3]), info("positions", [2, "found"], TensorProto.INT64)]
    return onnx_bytes(nodes, inputs, outputs)


@pytest.fixture(scope="session")
def convnet_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "net.onnx"
    path.write_bytes(convnet_bytes())
    return path


@pytest.fixture(scope="session")
def samples():
    return np.random.default_rng(1).normal(size=(32, 3, 8, 8)).astype(np.float32)


@pytest.fixture(scope="session")
def convnet(convnet_file):
    return octavo.load(convnet_file)


@pytest.fixture(scope="session")
def int8(convnet, samples):
    return octavo.quantize(convnet, samples)


@pytest.fixture(scope="session")
def two():
    return octavo.load(two_bytes())


@pytest.fixture(scope="session")
def digits():
    """(path of the model, images [n, 1, 16, 16] float32, labels)"""
    with np.load(DIGITS / "digits.npz") as data:
        return DIGITS / "digits.onnx", data["image"].astype(np.float32), data["y"]
