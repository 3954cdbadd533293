"""Models and sessions: load, run, save."""

from __future__ import annotations

import contextlib
import functools
import json
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from . import _check, _core
from ._arrays import Port, Ports, array_of, dims
from ._context import Cancel, Context, chosen, on_main_thread, wish
from ._errors import FileError, InvalidArgument, MissingFile
from ._profile import Profile

T = TypeVar("T")


def reading(path: str, read: Callable[[], T]) -> T:
    """read(), where a file that does not exist is a FileNotFoundError, too."""
    try:
        return read()
    except FileError:
        if not os.path.exists(path):
            raise MissingFile(f"{path}: no such file") from None
        raise


def bytes_text(count: float) -> str:
    """1.2 MB"""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} GB"


class Model:
    """A network, float or INT8. Immutable; any number of threads may use it at once. Made by `octavo.load`,
    `octavo.quantize`, `octavo.convert`. Can be pickled (as its ONNX bytes) and used in a `with` statement."""

    def __init__(self, core: _core.Model, context: Context):
        if not isinstance(core, _core.Model):
            raise InvalidArgument("models are made by octavo.load, octavo.quantize and octavo.convert")
        self._core = core
        self._context = context
        self._inputs = Ports.of(core.ports(True))
        self._outputs = Ports.of(core.ports(False))
        self._idle: list[Session] = []  # popped and appended to by any thread: both are atomic

    @property
    def inputs(self) -> tuple[Port, ...]:
        """Name, dtype and shape of each input; open dimensions are None."""
        return self._inputs.ports

    @property
    def outputs(self) -> tuple[Port, ...]:
        """The same of each output."""
        return self._outputs.ports

    @property
    def quantized(self) -> bool:
        """Whether the model carries quantization of any kind: Q/DQ, QOperator, dynamic, weight-only."""
        return self._core.is_quantized()

    @functools.cached_property
    def _description(self) -> dict[str, Any]:
        return json.loads(self._core.describe())

    def describe(self) -> dict[str, Any]:
        """Everything worth knowing, as `octavo_model_describe_json` of the C library has it: "name", "producer",
        "ir_version", "opset", "quantized", "scheme", "digest", "bytes" (as ONNX file), "parameters", "macs", "inputs",
        "outputs", "operators" (count of each), "int8_nodes", "float_nodes", "nodes" and "metadata". Each node has "name",
        "op", "precision" ("int8", "float32", ...), "reason" (None, or a code why it is not INT8), "sentence" (the reason
        in words), "macs" and "shape"; for a float model, precision is what a static recipe would make of the node."""
        return json.loads(self._core.describe())

    @property
    def metadata(self) -> dict[str, str]:
        """The model's own key-value pairs (ONNX metadata_props), in the file's order. Quantized models have
        "octavo.recipe", "octavo.statistics" (digest) and "octavo.decisions" (JSON)."""
        return self._core.metadata()

    def run(self, *args: Any, out: Any = None, cancel: Cancel | None = None, **inputs: Any) -> Any:
        """Runs the model: `model.run(x)`, `model.run(a, b)`, `model.run({"a": a, "b": b})` or `model.run(a=a, b=b)`.

        As `Session.run`, on sessions that the model keeps: safe from many threads at once. Where runs are many, or threads
        and CPU target matter, keep a `Session`.
        """
        try:
            session = self._idle.pop()
        except IndexError:
            session = Session(self)
        try:
            return session.run(*args, out=out, cancel=cancel, **inputs)
        finally:
            self._idle.append(session)
            if self._core.closed:
                self._close_idle()

    __call__ = run

    def save(self, path: str | os.PathLike[str], *, external_data: bool = False) -> None:
        """Writes ONNX; the file is replaced whole or not at all, also when the machine stops meanwhile.

        `external_data`: puts weights of 1 KiB and more into `path` + ".data"; models of 2 GiB and more are always split.
        Raises `octavo.Error` with code IO (an OSError).
        """
        self._core.save(_check.path(path), bool(external_data))

    def to_bytes(self) -> bytes:
        """The model as ONNX. Raises `octavo.Error` with code LIMIT where it would pass 2 GiB."""
        return self._core.save_bytes()

    def close(self) -> None:
        """Frees the model now. Sessions made of it stay usable. May be called more than once."""
        self._core.close()
        self._close_idle()

    def _close_idle(self) -> None:
        while self._idle:
            with contextlib.suppress(IndexError):  # another thread was faster
                self._idle.pop().close()

    def __enter__(self) -> Model:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> Any:
        return load, (self.to_bytes(),)

    def __repr__(self) -> str:
        if self._core.closed:
            return "<octavo.Model, closed>"
        d = self._description
        name = f" '{d['name']}'" if d["name"] else ""
        if d["quantized"]:
            kind = {"static": "INT8", "dynamic": "INT8, dynamic", "weight-only": "INT8 weights"}[d["scheme"]]
            total = d["int8_nodes"] + d["float_nodes"]
            kind += f", {d['int8_nodes']} of {total} nodes in INT8" if total and d["scheme"] != "weight-only" else ""
        else:
            kind = "float32"
        nodes = sum(d["operators"].values())
        ports = f"{', '.join(map(str, self.inputs))} -> {', '.join(map(str, self.outputs))}"
        return f"<octavo.Model{name}: {kind}; {ports}; {nodes} nodes, {bytes_text(d['bytes'])}>"


class Session:
    """Memory and threads to run one model; for services: keep it. Calls from several threads wait for each other; for
    parallel work make one session for each thread (they share the weights).

    Args:
        model: may be closed afterwards.
        threads: that work on one run, the calling one included; 0: one for each processor. None: the context's.
        cpu_target: one of `octavo.cpu_targets()`; None: the best of this machine. INT8 results are the same bytes on all.
        profile: keep the time of each step for `Session.profile`.
    """

    def __init__(
        self, model: Model, *, threads: int | None = None, cpu_target: str | None = None, profile: bool = False
    ):
        if not isinstance(model, Model):
            raise InvalidArgument(f"a Session is made of an octavo.Model, not {type(model).__name__}")
        self._inputs, self._outputs = model._inputs, model._outputs
        self._core = _core.Session(
            model._core,
            _check.optional_integer("threads", threads),
            _check.optional_text("cpu_target", cpu_target),
            bool(profile),
        )
        self._again = self._core.again

    @property
    def inputs(self) -> tuple[Port, ...]:
        """Name, dtype and shape of each input; open dimensions are None."""
        return self._inputs.ports

    @property
    def outputs(self) -> tuple[Port, ...]:
        """The same of each output."""
        return self._outputs.ports

    @property
    def cpu_target(self) -> str:
        """The instruction set in use, one of `octavo.cpu_targets()`."""
        return self._core.cpu_target()

    def run(self, *args: Any, out: Any = None, cancel: Cancel | None = None, **inputs: Any) -> Any:
        """Runs the model: `run(x)`, `run(a, b)`, `run({"a": a, "b": b})` or `run(a=a, b=b)`.

        Args:
            args, inputs: arrays in the model's order or by name: NumPy's, or anything with `__array_interface__`, DLPack or
                the buffer protocol. Memory of the input's dtype is read where it lies, whatever its strides; other dtypes
                are converted where only precision is lost (float64 -> float32), else refused. bfloat16 is given as
                `ml_dtypes.bfloat16` or as its bits in uint16. Inputs named "out" or "cancel" go into a dict.
            out: writeable C-contiguous memory of the output's dtype and shape that receives the result (DLPack: with a
                NumPy that reads it as writeable, 2.1); with several outputs a dict of them by name. Comes back as it was
                given.
            cancel: an `octavo.Cancel` that another thread may use to stop the run.

        Returns:
            With one array in and one output: the output. Else a dict by output name. Arrays are NumPy's and the caller's
            own (bfloat16 as uint16).

        Raises:
            octavo.Error: INVALID_ARGUMENT for a wrong count, name, dtype or shape; INVALID_STATE after `close`, or FORKED
                in a child process (make a new session there); CANCELLED; OUT_OF_MEMORY, LIMIT. The session stays usable.
        """
        if len(args) == 1 and cancel is None and not inputs:
            result = self._again(args[0], out)
            if result is not None:
                return result
        data, as_array = arguments(args, inputs, len(self._inputs.ports))
        given = [] if out is None else self._out(out)
        results = self._core.run(
            self._inputs.arrays(data),
            self._inputs.codes,
            [None if g is None else array_of(g) for g in given],
            wish(cancel),
            on_main_thread(),
        )
        for i, g in enumerate(given):
            if g is not None:
                results[i] = g
        if as_array and len(results) == 1:
            return results[0]
        return {port.name: result for port, result in zip(self._outputs.ports, results)}

    __call__ = run

    def _out(self, out: Any) -> list[Any]:
        """What was given for each output, None where nothing was."""
        names = [p.name for p in self._outputs.ports]
        if isinstance(out, Mapping):
            unknown = [str(n) for n in out if n not in names]
            if unknown:
                raise InvalidArgument(f"the model's outputs are {', '.join(names)}; unknown: {', '.join(unknown)}")
            return [out.get(n) for n in names]
        if len(names) == 1:
            return [out]
        raise InvalidArgument(f"the model has {len(names)} outputs: out is a dict by name")

    def prepare(self, *args: Any, **inputs: Any) -> tuple[Port, ...]:
        """Gets ready for inputs of these shapes, given as to `run`, without running: the first run is then as quick as
        later ones. Only dtypes and shapes are looked at.

        Returns the outputs with the shapes they will have, for memory to be made; a dimension that depends on what the
        inputs contain is None.
        """
        data, _ = arguments(args, inputs, len(self._inputs.ports))
        shapes = self._core.prepare(self._inputs.arrays(data), self._inputs.codes)
        return tuple(
            Port(port.name, _core.dtype_name(code), dims(shape))
            for port, (code, shape) in zip(self._outputs.ports, shapes)
        )

    def profile(self) -> Profile:
        """What each step took, all runs so far. Raises `octavo.Error` with code INVALID_STATE for sessions that were not
        made with `profile=True`."""
        return Profile(json.loads(self._core.profile()), self._core.profile_html())

    def close(self) -> None:
        """Frees memory and threads, as soon as no other thread runs. May be called more than once."""
        self._core.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> Any:
        raise TypeError("sessions cannot be pickled: pickle the model and make a session of it")

    def __repr__(self) -> str:
        if self._core.closed:
            return "<octavo.Session, closed>"
        return f"<octavo.Session on {self.cpu_target}: {', '.join(map(str, self.inputs))}>"


def arguments(args: tuple[Any, ...], inputs: Mapping[str, Any], count: int) -> tuple[Any, bool]:
    """(what the inputs come from, whether it was one array)"""
    if args and inputs:
        raise InvalidArgument("inputs are given in order or by name, not both")
    if inputs:
        return inputs, False
    if len(args) == 1:
        return args[0], count == 1 and not isinstance(args[0], (Mapping, tuple, list))
    return args, False


def load(
    source: str | os.PathLike[str] | bytes | bytearray | memoryview,
    *,
    input_shapes: Mapping[str, Sequence[int]] | Sequence[int] | None = None,
    context: Context | None = None,
) -> Model:
    """Reads an ONNX model from a path or from bytes.

    Args:
        source: a path (weights are mapped, not copied: the file may be replaced, but not written to, while the model
            lives; external data must lie beneath its folder) or the bytes of a model without external data (`bytes` are
            not copied).
        input_shapes: fixes dimensions that the file leaves open: a dict by input name, or one shape for a model with one
            input.
        context: limits and threads other than the default ones.

    Raises:
        octavo.Error: IO (a FileNotFoundError or OSError), INVALID_MODEL, UNSUPPORTED (ValueErrors), LIMIT (a MemoryError);
            the message names the file and the node.
    """
    context = chosen(context)
    shapes: list[tuple[str | None, list[int]]] = []
    if isinstance(input_shapes, Mapping):
        shapes = [(_check.text("input_shapes: a name", name), _shape(shape)) for name, shape in input_shapes.items()]
    elif input_shapes is not None:
        shapes = [(None, _shape(input_shapes))]
    if isinstance(source, (bytes, bytearray, memoryview)):
        return Model(_core.Model.load_bytes(context._core, source, shapes), context)
    if not isinstance(source, (str, os.PathLike)):
        raise InvalidArgument(f"a model is loaded from a path or bytes, not {type(source).__name__}")
    path = _check.path(source)
    return Model(reading(path, lambda: _core.Model.load(context._core, path, shapes)), context)


def _shape(shape: Any) -> list[int]:
    try:
        return [_check.integer("input_shapes: a dimension", d, 64) for d in shape]
    except TypeError:
        raise InvalidArgument(f"input_shapes: a shape must be a sequence, not {type(shape).__name__}") from None


def cpu_target() -> str:
    """The instruction set that sessions use by default here: the first of `cpu_targets()`."""
    return _core.cpu_target()


def cpu_targets() -> list[str]:
    """The instruction sets of this machine, best first; the last is "reference", the scalar definition of the arithmetic.
    Integer results are the same bytes on all of them."""
    return _core.cpu_targets()
