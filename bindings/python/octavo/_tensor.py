"""Quantized tensors as values of their own, without a model.

The formulas are those of ONNX's QuantizeLinear and DequantizeLinear, exact in the sense of docs/numerics.md:

    q = saturate(round_half_even(x / scale) + zero_point)         x = (q - zero_point) * scale
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import _core
from ._arrays import array_of
from ._context import default
from ._errors import InvalidArgument

_TYPES = ("uint8", "int8", "uint16", "int16")


def _floats(x: Any) -> np.ndarray:
    array = array_of(x) if not isinstance(x, (int, float, list, tuple)) else np.asarray(x)
    if array.dtype.kind not in "biuf":
        raise InvalidArgument(f"numbers are needed, not {array.dtype}")
    return np.ascontiguousarray(array, np.float32) if array.ndim else np.asarray(array, np.float32)


def _parameters(scale: Any, zero_point: Any, dtype: str) -> tuple[np.ndarray, np.ndarray | None]:
    s = _floats(scale)
    if zero_point is None:
        return s, None
    raw = np.asarray(zero_point)
    z = raw.astype(dtype)
    if raw.dtype.kind not in "biu" or not np.array_equal(raw, z):
        raise InvalidArgument(f"zero_point does not fit {dtype}")
    return s, np.broadcast_to(z, s.shape) if z.size == 1 else z


def _dtype(dtype: Any) -> str:
    name = np.dtype(dtype).name
    if name not in _TYPES:
        raise InvalidArgument(f"dtype is {name}, not one of {', '.join(_TYPES)}")
    return name


class QTensor:
    """An integer tensor with its scale and zero point: x = (values - zero_point) * scale.

    Args:
        values: an array of uint8, int8, uint16 or int16, of any shape.
        scale: float32, one number or one for each index of `axis` of `values`; positive and finite.
        zero_point: of the dtype and as many as `scale`; None: 0.
        axis: the dimension that has scales of its own, negative from the end; not looked at for a single scale.

    Raises `octavo.Error` with code INVALID_ARGUMENT for another dtype or a zero point that does not fit it.
    """

    def __init__(self, values: Any, scale: Any, zero_point: Any = None, axis: int = 0):
        self.values = array_of(values)
        name = _dtype(self.values.dtype)
        self.scale, zero = _parameters(scale, zero_point, name)
        self.zero_point = np.zeros(self.scale.shape, name) if zero is None else np.ascontiguousarray(zero)
        self.axis = axis

    @classmethod
    def quantize(
        cls,
        x: Any,
        *,
        dtype: Any = "uint8",
        axis: int | None = None,
        symmetric: bool = False,
        scale: Any = None,
        zero_point: Any = None,
    ) -> QTensor:
        """Quantizes x, anything that converts to a float32 array; NaN becomes the zero point.

        Args:
            dtype: "uint8", "int8", "uint16" or "int16".
            axis: None: one scale; else one for each index of this dimension.
            symmetric: the zero point is 0 (128 for uint8) and -128 is not used.
            scale, zero_point: as those of the class; None: chosen, for uint8 and int8, by the least and greatest value, zero
                included, NaN and infinity passed over.
        """
        array, name = _floats(x), _dtype(dtype)
        if scale is None:
            if name not in ("uint8", "int8"):
                raise InvalidArgument(f"scales are chosen for uint8 and int8; for {name} give scale")
            z: np.ndarray | None
            s, z = _core.tensor_choose_scale(default()._core, array, axis or 0, axis is not None, symmetric, name)
        else:
            s, z = _parameters(scale, zero_point, name)
        values = _core.tensor_quantize(default()._core, array, s, z, axis or 0, name)
        return cls(values, s, z, axis or 0)

    def dequantize(self) -> np.ndarray:
        """(values - zero_point) * scale, float32 of the same shape."""
        return _core.tensor_dequantize(default()._core, self.values, self.scale, self.zero_point, self.axis)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of `values`."""
        return self.values.shape

    @property
    def dtype(self) -> np.dtype:
        """Of `values`."""
        return self.values.dtype

    def matmul(self, other: QTensor, *, scale: Any = None, zero_point: Any = None, dtype: Any = "uint8") -> Any:
        """The product of matrices, with exact integer sums, as ONNX's QLinearMatMul; also as `a @ b`.

        self is [..., m, k] (uint8 or int8) with one scale, `other` [..., k, n] (uint8 or int8) with one scale or one for each
        of its n columns; leading dimensions are broadcast. Without `scale`: float32 [..., m, n], the sums times both scales;
        with it a QTensor of `scale`, `zero_point` and `dtype` ("uint8" or "int8").
        """
        if not isinstance(other, QTensor):
            raise InvalidArgument(f"the other factor must be a QTensor, not {type(other).__name__}")
        shape = self._product_shape(other)
        operands = (self.values, self.scale, self.zero_point, other.values, other.scale, other.zero_point)
        if scale is None:
            return _core.tensor_matmul(default()._core, *operands, None, None, shape, "float32")
        name = _dtype(dtype)
        s, z = _parameters(scale, zero_point, name)
        values = _core.tensor_matmul(default()._core, *operands, s, z, shape, name)
        return QTensor(values, s, z)

    def __matmul__(self, other: QTensor) -> np.ndarray:
        return self.matmul(other)

    def integer_matmul(self, other: QTensor) -> np.ndarray:
        """The sums themselves, int32 [..., m, n]; scales are not looked at."""
        shape = self._product_shape(other)
        return _core.tensor_matmul(
            default()._core, self.values, None, self.zero_point, other.values, None, other.zero_point, None, None, shape,
            "int32",
        )  # fmt: skip

    def _product_shape(self, other: QTensor) -> list[int]:
        try:
            return list(
                np.matmul(np.broadcast_to(np.int8(0), self.shape), np.broadcast_to(np.int8(0), other.shape)).shape
            )
        except ValueError as e:
            raise InvalidArgument(f"shapes {self.shape} and {other.shape} do not multiply: {e}") from None

    def __repr__(self) -> str:
        scale = f"{self.scale.item():.6g}" if self.scale.size == 1 else f"{self.scale.size} along axis {self.axis}"
        return f"<octavo.QTensor {self.dtype}{list(self.shape)}, scale {scale}>"


def fake_quantize(x: Any, scale: Any, zero_point: Any = None, *, dtype: Any = "uint8", axis: int = 0) -> np.ndarray:
    """Quantizes and dequantizes in one go, float32 of x's shape: what training with quantization in mind sees (Jacob et al.,
    "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference", 2018).

    `scale` and `zero_point` as those of `QTensor`, of the type `dtype` in between.
    """
    name = _dtype(dtype)
    s, z = _parameters(scale, zero_point, name)
    return _core.tensor_fake_quantize(default()._core, _floats(x), s, z, axis, name)
