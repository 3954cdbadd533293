"""What counts as an array, what is converted, what is refused."""

import array
import ctypes

import numpy as np
import octavo
import pytest
from conftest import info, onnx_bytes
from onnx import TensorProto, helper


def identity(dtype):
    """y = x + x keeps the type (bool: not x)."""
    node = helper.make_node("Not", ["x"], ["y"]) if dtype == TensorProto.BOOL else helper.make_node("Abs", ["x"], ["y"])
    return octavo.load(onnx_bytes([node], [info("x", ["n", 2], dtype)], [info("y", ["n", 2], dtype)]))


@pytest.fixture(scope="module")
def model():
    return identity(TensorProto.FLOAT)


class ArrayInterface:
    def __init__(self, a):
        self.a = a
        self.__array_interface__ = a.__array_interface__


class DLPack:
    def __init__(self, a):
        self.a = a

    def __dlpack__(self, **kwargs):
        return self.a.__dlpack__(**kwargs)

    def __dlpack_device__(self):
        return self.a.__dlpack_device__()


X = np.float32([[-1, 2], [3, -4]])


def buffers():
    flat = memoryview(array.array("f", [-1, 2, 3, -4]))
    yield "memoryview", flat.cast("B").cast("f", (2, 2))
    c = ((ctypes.c_float * 2) * 2)((-1, 2), (3, -4))
    yield "ctypes", c


@pytest.mark.parametrize(
    "value",
    [X, np.asfortranarray(X), ArrayInterface(X), DLPack(X), *(b for _, b in buffers())],
    ids=["numpy", "fortran", "array_interface", "dlpack", *(n for n, _ in buffers())],
)
def test_arrays_of_all_kinds(model, value):
    np.testing.assert_array_equal(model.run(value), np.abs(X))


@pytest.mark.parametrize(
    "value",
    [
        np.arange(24, dtype=np.float32).reshape(6, 4)[::3, ::2],
        np.arange(8, dtype=np.float32).reshape(4, 2)[::-1],
        np.broadcast_to(np.float32([1, -2]), (3, 2)),
        np.arange(6, dtype=np.float32).reshape(2, 3).T,
        np.frombuffer(b"\0" + X.tobytes(), np.float32, offset=1).reshape(2, 2),
        X.astype(">f4"),
        np.zeros((0, 2), np.float32),
        np.ndarray((2, 2), np.float32, X.tobytes() + b"\0" * 9, strides=(9, 4)),
    ],
    ids=["strided", "reversed", "broadcast", "transposed", "unaligned", "big endian", "empty", "odd stride"],
)
def test_layouts(model, value):
    np.testing.assert_array_equal(model.run(value), np.abs(value.astype("f4")))


def test_read_only_input(model):
    x = X.copy()
    x.flags.writeable = False
    np.testing.assert_array_equal(model.run(x), np.abs(X))


@pytest.mark.parametrize("dtype", ["float64", "float16", "int32", "int64", "uint8", "bool"])
def test_numbers_convert_to_float32(model, dtype):
    x = np.array([[1, 0], [3, 4]]).astype(dtype)
    result = model.run(x)
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result, x.astype(np.float32))


@pytest.mark.parametrize(
    "onnx_type",
    ["FLOAT", "DOUBLE", "FLOAT16", "INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64", "BOOL"],
)
def test_every_type_comes_through(onnx_type):
    code = getattr(TensorProto, onnx_type)
    dtype = helper.tensor_dtype_to_np_dtype(code)
    x = np.array([[0, 1], [1, 0]]).astype(dtype)
    result = identity(code).run(x)
    assert result.dtype == dtype
    np.testing.assert_array_equal(result, ~x if onnx_type == "BOOL" else np.abs(x))


def test_bfloat16():
    model = identity(TensorProto.BFLOAT16)
    bits = np.uint16([[0xBF80, 0x4000]])  # -1, 2
    np.testing.assert_array_equal(model.run(bits), np.uint16([[0x3F80, 0x4000]]))
    ml_dtypes = pytest.importorskip("ml_dtypes")
    np.testing.assert_array_equal(model.run(bits.view(ml_dtypes.bfloat16)).view(np.uint16), [[0x3F80, 0x4000]])
    with pytest.raises(ValueError, match="bfloat16"):
        model.run(np.float32([[1, 2]]))


@pytest.mark.parametrize(
    "value",
    [
        np.array([["a", "b"]]),
        np.array([[1j, 2]]),
        np.array([[object(), 2]]),
        np.array([["2020-01-01", "2020-01-02"]], "M8[D]"),
        "text",
        1.5,
        None,
        object(),
        {1, 2},
        (x for x in [1]),
        b"",
    ],
    ids=["str", "complex", "object", "date", "text", "float", "none", "anything", "set", "generator", "bytes"],
)
def test_what_is_no_array(model, value):
    with pytest.raises(octavo.Error) as e:
        model.run(value)
    assert isinstance(e.value, ValueError)
    assert e.value.code == octavo.Status.INVALID_ARGUMENT


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_floats_do_not_become_integers(dtype):
    with pytest.raises(ValueError, match=r"astype\('int32'\)"):
        identity(TensorProto.INT32).run(np.ones((1, 2), dtype))


def test_dlpack_elsewhere(model):
    class Gpu:
        def __dlpack__(self, **kwargs):
            raise BufferError("not on this device")

        def __dlpack_device__(self):
            return (2, 0)

    with pytest.raises(ValueError, match="DLPack"):
        model.run(Gpu())


def address(array):
    return array.__array_interface__["data"][0]


def no_copies(monkeypatch, session):
    """Addresses of what the session hands to the native code, input and output, collected into the list it returns."""
    seen = []
    run = session._core.run

    class Core:
        def run(self, arrays, codes, out, *rest):
            seen.extend(address(a) for a in [*arrays, *(o for o in out if o is not None)])
            return run(arrays, codes, out, *rest)

    monkeypatch.setattr(session, "_core", Core())
    return seen


VIEWS = {
    "numpy": lambda a: a,
    "array_interface": ArrayInterface,
    "dlpack": DLPack,
    "memoryview": memoryview,
    "read-only": lambda a: memoryview(a).toreadonly(),
    "strided": lambda a: a[::-1],
}


@pytest.mark.parametrize("kind", VIEWS)
def test_inputs_are_read_where_they_lie(model, monkeypatch, kind):
    session, x = octavo.Session(model), X.copy()
    seen = no_copies(monkeypatch, session)
    given = VIEWS[kind](x)
    np.testing.assert_array_equal(session(given), np.abs(x[::-1] if kind == "strided" else x))
    assert seen == [address(given if kind == "strided" else x)]


@pytest.mark.parametrize("kind", ["numpy", "array_interface", "memoryview", "ctypes", "dlpack"])
def test_outputs_are_written_where_they_shall_lie(model, monkeypatch, kind):
    session, memory = octavo.Session(model), np.zeros((2, 2), np.float32)
    out = (((ctypes.c_float * 2) * 2).from_buffer(memory)) if kind == "ctypes" else VIEWS[kind](memory)
    if kind == "dlpack" and not np.from_dlpack(out).flags.writeable:
        pytest.skip("this NumPy reads DLPack as read-only")
    seen = no_copies(monkeypatch, session)
    assert session.run(X, out=out) is out
    np.testing.assert_array_equal(memory, np.abs(X))
    assert seen == [address(X), address(memory)]


def test_torch(model):
    torch = pytest.importorskip("torch")
    np.testing.assert_array_equal(model.run(torch.from_numpy(X.copy())), np.abs(X))
