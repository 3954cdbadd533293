"""Quantized tensors as values of their own, without a model."""

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

    `scale` and `zero_point` hold one number, or one for each index of `axis`.
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
        """Quantizes x. Scale and zero point are chosen by its least and greatest value (for each index of `axis`), unless
        they are given."""
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
        """float32"""
        return _core.tensor_dequantize(default()._core, self.values, self.scale, self.zero_point, self.axis)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape

    @property
    def dtype(self) -> np.dtype:
        return self.values.dtype

    def matmul(self, other: QTensor, *, scale: Any = None, zero_point: Any = None, dtype: Any = "uint8") -> Any:
        """The product, with exact integer sums: float32, or a QTensor of `scale` and `zero_point` where scale is given."""
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
        """The int32 sums themselves."""
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
    """Quantizes and dequantizes in one go: what training with quantization in mind sees. float32."""
    name = _dtype(dtype)
    s, z = _parameters(scale, zero_point, name)
    return _core.tensor_fake_quantize(default()._core, _floats(x), s, z, axis, name)
