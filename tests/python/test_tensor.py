"""Quantized tensors as values, against NumPy."""

import numpy as np
import octavo
import pytest
from octavo import QTensor

RANDOM = np.random.default_rng(3)


def oracle(x, scale, zero, low, high):
    q = np.rint(x / scale).astype(np.float64) + zero
    return np.clip(q, low, high)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16"])
def test_quantize_with_given_scale(dtype):
    x = RANDOM.normal(0, 3, (5, 7)).astype(np.float32)
    limits = np.iinfo(dtype)
    zero = 100 if limits.min == 0 else -5
    q = QTensor.quantize(x, scale=0.037, zero_point=zero, dtype=dtype)
    assert q.dtype == dtype and q.shape == (5, 7)
    np.testing.assert_array_equal(q.values, oracle(x, np.float32(0.037), zero, limits.min, limits.max))
    back = (q.values.astype(np.float32) - zero) * np.float32(0.037)
    np.testing.assert_array_equal(q.dequantize(), back)
    np.testing.assert_array_equal(octavo.fake_quantize(x, 0.037, zero, dtype=dtype), back)


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("axis", [None, 0, 1, -1])
def test_chosen_scales(dtype, symmetric, axis):
    x = (RANDOM.normal(0, 1, (4, 6)) * np.arange(1, 7)).astype(np.float32)
    q = QTensor.quantize(x, dtype=dtype, symmetric=symmetric, axis=axis)
    assert q.scale.shape == (() if axis is None else (x.shape[axis],))
    scale = q.scale if axis is None else np.expand_dims(q.scale, 1 - axis % 2)
    assert np.all(np.abs(q.dequantize() - x) <= scale * 0.5001)
    if symmetric:
        assert np.all(q.zero_point == (128 if dtype == "uint8" else 0))


def test_special_values():
    q = QTensor.quantize(np.float32([np.nan, np.inf, -np.inf, 0.0, 1.0]), scale=0.1, zero_point=7)
    np.testing.assert_array_equal(q.values, [7, 255, 0, 7, 17])
    chosen = QTensor.quantize(np.float32([np.nan, np.inf, 1.0, -1.0]))
    assert chosen.scale == pytest.approx(2 / 255)
    zeros = QTensor.quantize(np.zeros(3, np.float32))
    assert zeros.scale == 1
    np.testing.assert_array_equal(zeros.dequantize(), 0)


def test_products_are_exact():
    a = QTensor(RANDOM.integers(0, 256, (3, 300)).astype(np.uint8), 0.02, 128)
    b = QTensor(RANDOM.integers(-128, 128, (300, 5)).astype(np.int8), RANDOM.uniform(0.01, 0.1, 5).astype(np.float32))
    sums = (a.values.astype(np.int64) - 128) @ b.values.astype(np.int64)
    np.testing.assert_array_equal(a.integer_matmul(b), sums)
    assert a.integer_matmul(b).dtype == np.int32
    real = sums.astype(np.float32) * (np.float32(0.02) * b.scale)
    np.testing.assert_array_equal(a @ b, real)
    y = a.matmul(b, scale=0.5, zero_point=10)
    assert isinstance(y, QTensor) and y.dtype == np.uint8
    np.testing.assert_allclose(y.values, oracle(real, np.float32(0.5), 10, 0, 255), atol=1)
    batch = QTensor(np.stack([a.values] * 2), 0.02, 128)
    np.testing.assert_array_equal((batch @ b)[1], real)


def test_misuse():
    x = np.ones((2, 3), np.float32)
    a = QTensor.quantize(x)
    for wrong in (
        lambda: QTensor.quantize(x, scale=-1.0),
        lambda: QTensor.quantize(x, scale=np.nan),
        lambda: QTensor.quantize(x, scale=[1.0, 2.0], axis=1),
        lambda: QTensor.quantize(x, axis=2),
        lambda: QTensor.quantize(x, axis=-3),
        lambda: QTensor.quantize(x, dtype="float32"),
        lambda: QTensor.quantize(x, dtype="uint16"),
        lambda: QTensor.quantize(x, scale=1.0, zero_point=300),
        lambda: QTensor.quantize(x, scale=1.0, zero_point=1.5),
        lambda: QTensor.quantize("text"),
        lambda: QTensor.quantize(None),
        lambda: QTensor(x, 1.0),
        lambda: a @ a,
        lambda: a @ x,
        lambda: octavo.fake_quantize(x, 0.0),
        lambda: octavo.fake_quantize(x, 1.0, dtype="int64"),
    ):
        with pytest.raises(octavo.Error) as e:
            wrong()
        assert isinstance(e.value, ValueError)
    assert "uint8[2, 3]" in repr(a)
