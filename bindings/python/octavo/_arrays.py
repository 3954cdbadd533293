"""Whatever holds numbers -> the NumPy array that a model's input wants, without copying where that is possible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from . import _core
from ._errors import InvalidArgument


def dims(shape: tuple[int, ...] | None) -> tuple[int | None, ...] | None:
    """The extension module's shape with None for open dimensions, which are -1 there."""
    return None if shape is None else tuple(None if d < 0 else d for d in shape)


class Port(NamedTuple):
    """An input or output of a model: its name, NumPy's name of its dtype ("bfloat16", "int4" and "uint4" beside them) and
    its shape. Open dimensions are None; `shape` itself is None where not even the rank is known."""

    name: str
    dtype: str
    shape: tuple[int | None, ...] | None

    def __str__(self) -> str:
        if self.shape is None:
            return f"{self.name}: {self.dtype}[...]"
        return f"{self.name}: {self.dtype}[{', '.join('?' if d is None else str(d) for d in self.shape)}]"


class Ports(NamedTuple):
    """What the extension module takes: ports with their type codes."""

    ports: tuple[Port, ...]
    codes: list[int]
    dtypes: list[np.dtype | None]  # NumPy's, None where it has none

    @staticmethod
    def of(core_ports: list[tuple[str, int, tuple[int, ...] | None]]) -> Ports:
        ports = tuple(Port(name, _core.dtype_name(code), dims(shape)) for name, code, shape in core_ports)
        return Ports(ports, [code for _, code, _ in core_ports], [_numpy_type(p.dtype) for p in ports])

    def arrays(self, data: Any) -> list[np.ndarray]:
        """One array for each input: of a mapping by name, of a tuple or list in order, or of a single array."""
        if type(data) is np.ndarray and len(self.ports) == 1 and data.dtype == self.dtypes[0]:
            return [data if data.flags.c_contiguous else input_array(data, self.ports[0])]
        return input_arrays(data, self.ports)


def _numpy_type(name: str) -> np.dtype | None:
    try:
        return np.dtype(name)
    except TypeError:
        return None


def array_of(value: Any) -> np.ndarray:
    """A NumPy array of anything with __array_interface__, __array__, the buffer protocol or DLPack; shares memory."""
    if isinstance(value, np.ndarray):
        return value
    try:
        if hasattr(value, "__array_interface__") or hasattr(value, "__array__") or hasattr(value, "__array_struct__"):
            return np.asarray(value)
        if hasattr(value, "__dlpack__"):
            return np.from_dlpack(value)
        return np.asarray(memoryview(value))
    except (BufferError, NotImplementedError, RuntimeError, TypeError, ValueError) as e:
        raise InvalidArgument(
            "an array is needed (NumPy, __array_interface__, DLPack or buffer protocol), not "
            f"{type(value).__name__}: {' '.join(str(e).split())}"
        ) from None


def input_array(value: Any, port: Port) -> np.ndarray:
    """The array for one input: converted where nothing but precision is lost (float64 -> float32), else refused."""
    array = array_of(value)
    have = array.dtype
    if port.dtype == "bfloat16":
        if have.name == "bfloat16":
            return array.view(np.uint16)
        if have == np.uint16:
            return array
        raise InvalidArgument(f"input '{port.name}' is bfloat16: give ml_dtypes.bfloat16 or its bits as uint16")
    try:
        want = np.dtype(port.dtype)
    except TypeError:
        raise InvalidArgument(f"input '{port.name}' is {port.dtype}, which NumPy cannot hold") from None
    if have != want or not have.isnative:
        if have.kind not in "biuf" or not np.can_cast(have, want, "same_kind"):
            raise InvalidArgument(
                f"input '{port.name}' is {want.name}; {have.name} does not convert to it: use .astype('{want.name}') "
                f"if that is meant"
            )
        array = array.astype(want)
    elif any(stride % array.itemsize for stride in array.strides):
        array = np.ascontiguousarray(array)
    return array


def input_arrays(data: Any, ports: Sequence[Port]) -> list[np.ndarray]:
    """One array for each input: of a mapping by name, of a tuple or list in order, or of a single array."""
    if isinstance(data, Mapping):
        missing = [p.name for p in ports if p.name not in data]
        unknown = [str(name) for name in data if name not in {p.name for p in ports}]
        if missing or unknown:
            raise InvalidArgument(
                f"the model's inputs are {_names(ports)}; "
                + "; ".join(
                    [f"missing: {', '.join(missing)}"] * bool(missing)
                    + [f"unknown: {', '.join(unknown)}"] * bool(unknown)
                )
            )
        return [input_array(data[p.name], p) for p in ports]
    if isinstance(data, (tuple, list)):
        if len(data) != len(ports):
            raise InvalidArgument(f"the model has {len(ports)} inputs ({_names(ports)}), {len(data)} were given")
        return [input_array(value, p) for value, p in zip(data, ports)]
    if len(ports) != 1:
        raise InvalidArgument(f"the model has {len(ports)} inputs ({_names(ports)}): give a dict or a tuple of arrays")
    return [input_array(data, ports[0])]


def _names(ports: Sequence[Port]) -> str:
    return ", ".join(p.name for p in ports) or "none"
