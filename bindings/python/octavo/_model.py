"""Models, sessions, calibration, recipes: the verbs of the package."""

from __future__ import annotations

import functools
import json
import os
import pathlib
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from . import _core, _data, _progress
from ._arrays import Port, Ports
from ._context import Context, default
from ._errors import FileError, InvalidArgument, MissingFile

_SHORT = 0.2  # seconds: calls known to be shorter need no way to interrupt them


def _on_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _path(path: Any) -> str:
    name = os.fspath(path)
    if isinstance(name, bytes):
        name = os.fsdecode(name)
    if "\0" in name:
        raise InvalidArgument("the path holds a zero byte")
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidArgument(f"the path {name!r} is not UTF-8") from None
    return name


def _reading(path: str, read: Any) -> Any:
    """read(), where a file that does not exist is a FileNotFoundError, too."""
    try:
        return read()
    except FileError as e:
        if not os.path.exists(path):
            raise MissingFile(str(e)) from None
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
    `octavo.quantize`, `octavo.convert`."""

    def __init__(self, core: _core.Model, context: Context):
        self._core = core
        self._context = context
        self._inputs = Ports.of(core.ports(True))
        self._outputs = Ports.of(core.ports(False))
        self._lock = threading.Lock()
        self._idle: list[Session] = []

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
        """Whether the model carries quantization of any kind."""
        return self._core.is_quantized()

    @functools.cached_property
    def _description(self) -> dict[str, Any]:
        return json.loads(self._core.describe())

    def describe(self) -> dict[str, Any]:
        """Everything worth knowing: operators, MACs, size, and for each node its precision and why it is not INT8."""
        return json.loads(self._core.describe())

    @property
    def metadata(self) -> dict[str, str]:
        """The model's own key-value pairs."""
        return dict(self._description["metadata"])

    def run(self, *args: Any, out: Any = None, **inputs: Any) -> Any:
        """Runs the model: `model.run(x)`, `model.run(a, b)`, `model.run({"a": a, "b": b})` or `model.run(a=a, b=b)`.

        One array in and one output: an array comes back; else a dict by output name. Safe from many threads at once. Where
        runs are many, keep a `Session`: it can be told threads and CPU target.
        """
        with self._lock:
            session = self._idle.pop() if self._idle else None
        if session is None:
            session = Session(self)
        try:
            return session.run(*args, out=out, **inputs)
        finally:
            with self._lock:
                closed = self._core.closed
                if not closed:
                    self._idle.append(session)
            if closed:
                session.close()

    __call__ = run

    def save(self, path: str | os.PathLike[str], *, external_data: bool = False) -> None:
        """Writes ONNX; the file is replaced whole or not at all. `external_data` puts weights into `path` + ".data"."""
        self._core.save(_path(path), external_data)

    def to_bytes(self) -> bytes:
        """The model as ONNX."""
        return self._core.save_bytes()

    def close(self) -> None:
        """Frees the model now. Sessions made of it stay usable. May be called more than once."""
        with self._lock:
            sessions, self._idle = self._idle, []
            self._core.close()
        for session in sessions:
            session.close()

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

    `threads` counts the calling one; 0: one for each processor. `cpu_target`: one of `octavo.cpu_targets()`.
    """

    def __init__(
        self, model: Model, *, threads: int | None = None, cpu_target: str | None = None, profile: bool = False
    ):
        if not isinstance(model, Model):
            raise InvalidArgument(f"a Session is made of an octavo.Model, not {type(model).__name__}")
        self._inputs, self._outputs = model._inputs, model._outputs
        self._core = _core.Session(model._core, threads, cpu_target, profile)
        self._lock = threading.Lock()
        self._last: float | None = None

    @property
    def inputs(self) -> tuple[Port, ...]:
        return self._inputs.ports

    @property
    def outputs(self) -> tuple[Port, ...]:
        return self._outputs.ports

    @property
    def cpu_target(self) -> str:
        """The instruction set in use."""
        return self._core.cpu_target()

    def run(self, *args: Any, out: Any = None, **inputs: Any) -> Any:
        """As `Model.run`. `out`: an array (or dict of arrays by output name) that receives the result."""
        data, as_array = _arguments(args, inputs, len(self._inputs.ports))
        arrays = self._inputs.arrays(data)
        outs = [] if out is None else self._out(out)
        watch = (self._last is None or self._last > _SHORT) and _on_main_thread()
        with self._lock:
            start = time.perf_counter()
            results = self._core.run(arrays, self._inputs.codes, outs, watch)
            self._last = time.perf_counter() - start
        if as_array and len(results) == 1:
            return results[0]
        return {port.name: result for port, result in zip(self._outputs.ports, results)}

    __call__ = run

    def _out(self, out: Any) -> list[Any]:
        names = [p.name for p in self._outputs.ports]
        if isinstance(out, Mapping):
            unknown = [str(n) for n in out if n not in names]
            if unknown:
                raise InvalidArgument(f"the model's outputs are {', '.join(names)}; unknown: {', '.join(unknown)}")
            given = [out.get(n) for n in names]
        elif len(names) == 1:
            given = [out]
        else:
            raise InvalidArgument(f"the model has {len(names)} outputs: out is a dict by name")
        for array in given:
            if array is not None and not isinstance(array, np.ndarray):
                raise InvalidArgument(f"out holds NumPy arrays, not {type(array).__name__}")
        return given

    def profile(self) -> Profile:
        """What each step took, for sessions made with `profile=True`."""
        return Profile(json.loads(self._core.profile()))

    def close(self) -> None:
        """Frees memory and threads now. May be called more than once."""
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


def _arguments(args: tuple[Any, ...], inputs: Mapping[str, Any], count: int) -> tuple[Any, bool]:
    """(what the inputs come from, whether it was one array)"""
    if args and inputs:
        raise InvalidArgument("inputs are given in order or by name, not both")
    if inputs:
        return inputs, False
    if len(args) == 1:
        return args[0], count == 1 and not isinstance(args[0], (Mapping, tuple, list))
    return args, False


# ---------------------------------------------------------------------------------------------------- load


def load(
    source: str | os.PathLike[str] | bytes | bytearray | memoryview,
    *,
    input_shapes: Mapping[str, Sequence[int]] | Sequence[int] | None = None,
    context: Context | None = None,
) -> Model:
    """Reads an ONNX model from a path or from bytes.

    `input_shapes` fixes shapes that the file leaves open: a dict by input name, or one shape for a model with one input.
    """
    context = context or default()
    shapes: list[tuple[str | None, list[int]]] = []
    if isinstance(input_shapes, Mapping):
        shapes = [(name, [int(d) for d in shape]) for name, shape in input_shapes.items()]
    elif input_shapes is not None:
        shapes = [(None, [int(d) for d in input_shapes])]
    if isinstance(source, (bytes, bytearray, memoryview)):
        return Model(_core.Model.load_bytes(context._core, source, shapes), context)
    if not isinstance(source, (str, os.PathLike)):
        raise InvalidArgument(f"a model is loaded from a path or bytes, not {type(source).__name__}")
    path = _path(source)
    return Model(_reading(path, lambda: _core.Model.load(context._core, path, shapes)), context)


# ---------------------------------------------------------------------------------------------------- calibrate


class Statistics:
    """What calibration learned: of fixed size, mergeable, savable, useful without the data."""

    def __init__(self, core: _core.Statistics):
        self._core = core

    @classmethod
    def load(cls, source: str | os.PathLike[str] | bytes) -> Statistics:
        """Reads what `save` wrote, or `to_bytes` gave."""
        if isinstance(source, bytes):
            return cls(_core.Statistics.load_bytes(default()._core, source))
        path = _path(source)
        return cls(_reading(path, lambda: _core.Statistics.load(default()._core, path)))

    def save(self, path: str | os.PathLike[str]) -> None:
        """The file is replaced whole or not at all."""
        self._core.save(_path(path))

    def to_bytes(self) -> bytes:
        return self._core.save_bytes()

    def merge(self, other: Statistics) -> Statistics:
        """Both together, as if one calibration had seen all the data: it can be split over machines."""
        merged = Statistics.load(self.to_bytes())
        merged._core.merge(other._core)
        return merged

    __add__ = merge

    @property
    def samples(self) -> int:
        """How many samples were seen."""
        return self._core.samples()

    def to_dict(self) -> dict[str, Any]:
        """Least and greatest value, counts, zeros, NaN and infinities of every value."""
        return json.loads(self._core.json())

    def close(self) -> None:
        self._core.close()

    def __reduce__(self) -> Any:
        return Statistics.load, (self.to_bytes(),)

    def __repr__(self) -> str:
        if self._core.closed:
            return "<octavo.Statistics, closed>"
        return f"<octavo.Statistics of {len(self.to_dict()['values'])} values over {self.samples} samples>"


class Calibrator:
    """Calibration batch by batch, for loops of one's own; `octavo.calibrate` does it in one go.

    `observer`, `percentile`: used by `octavo.quantize` where it is given no recipe. "moving_average" must be asked for
    here, every other observer can be chosen afterwards.
    """

    def __init__(
        self,
        model: Model,
        *,
        observer: str | None = None,
        percentile: float = 0.0,
        threads: int | None = None,
        cpu_target: str | None = None,
    ):
        self._ports = model._inputs
        self._core = _core.Calibrator(model._core, threads, cpu_target, observer, percentile)

    def collect(self, *args: Any, **inputs: Any) -> None:
        """One batch, given as to `Model.run`."""
        data, _ = _arguments(args, inputs, len(self._ports.ports))
        self._core.collect(self._ports.arrays(data), self._ports.codes, _on_main_thread())

    def finish(self) -> Statistics:
        """What was collected so far; the calibrator may go on."""
        return Statistics(self._core.finish())

    def close(self) -> None:
        self._core.close()

    def __enter__(self) -> Calibrator:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def calibrate(
    model: Model,
    data: Any,
    *,
    batch_size: int | None = None,
    observer: str | None = None,
    percentile: float = 0.0,
    threads: int | None = None,
    cpu_target: str | None = None,
    images: _data.Images | None = None,
    progress: bool | None = None,
) -> Statistics:
    """Runs the model on representative inputs and collects what quantization needs to know.

    `data`: an iterable of batches (arrays, tuples or dicts); or an array, a dict of arrays, or the path of an `.npz`,
    `.npy` or folder of images, whose first axis counts samples. A hundred to a few hundred samples are usual.
    `progress`: a bar on the terminal; by default where there is one.
    """
    batches, count = _data.batches_of(data, model.inputs, batch_size, images)
    with (
        Calibrator(
            model, observer=observer, percentile=percentile, threads=threads, cpu_target=cpu_target
        ) as calibrator,
        _progress.bar("calibrating", count, progress) as tell,
    ):
        for number, batch in enumerate(batches, 1):
            try:
                calibrator.collect(batch)
            except InvalidArgument as e:
                raise InvalidArgument(f"batch {number}: {e}") from None
            if tell:
                tell(number)
        return calibrator.finish()


# ---------------------------------------------------------------------------------------------------- quantize


class Recipe:
    """What to do to which node: `Recipe("static")`, `Recipe({...})`, `Recipe("recipe.json")` or JSON text. Checked when it
    is made; equal recipes are equal."""

    def __init__(self, recipe: str | os.PathLike[str] | Mapping[str, Any] = "static"):
        self._core = _core.Recipe.parse(default()._core, _recipe_text(recipe))

    def to_json(self) -> str:
        """Everything it says, defaults included."""
        return self._core.json()

    def to_dict(self) -> dict[str, Any]:
        return json.loads(self.to_json())

    @property
    def scheme(self) -> str:
        return self.to_dict()["scheme"]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Recipe) and self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash(self.to_json())

    def __reduce__(self) -> Any:
        return Recipe, (self.to_json(),)

    def __repr__(self) -> str:
        return f"octavo.Recipe({self.to_json()})"


SCHEMES = ("static", "dynamic", "weight-only")


def _recipe_text(recipe: Any) -> str:
    if isinstance(recipe, Mapping):
        try:
            return json.dumps(recipe)
        except (TypeError, ValueError) as e:
            raise InvalidArgument(f"the recipe is not JSON: {e}") from None
    if isinstance(recipe, str) and (recipe in SCHEMES or recipe.lstrip().startswith("{")):
        return recipe
    if isinstance(recipe, (str, os.PathLike)):
        path = pathlib.Path(recipe)
        try:
            return path.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise MissingFile(f"recipe {path}: no such file, and not one of {', '.join(SCHEMES)}") from None
        except UnicodeDecodeError:
            raise InvalidArgument(f"recipe {path}: not UTF-8 text") from None
        except OSError as e:
            raise FileError(f"recipe {path}: {e}") from e
    raise InvalidArgument(f"a recipe is a scheme, a dict, a path or an octavo.Recipe, not {type(recipe).__name__}")


def _wants_moving_average(recipe: Recipe) -> bool:
    return '"moving_average"' in recipe.to_json()


def quantize(
    model: Model,
    data: Statistics | Any = None,
    *,
    recipe: str | os.PathLike[str] | Mapping[str, Any] | Recipe | None = None,
    batch_size: int | None = None,
    threads: int | None = None,
    images: _data.Images | None = None,
    progress: bool | None = None,
) -> Model:
    """The INT8 form of a float model.

    `data`: `Statistics`, or what `octavo.calibrate` takes (it is then called first). Not needed for the schemes "dynamic"
    and "weight-only". `recipe`: a scheme ("static", the default), a dict, the path of a JSON file, or a `Recipe`.
    """
    chosen = None if recipe is None else recipe if isinstance(recipe, Recipe) else Recipe(recipe)
    statistics = data if isinstance(data, Statistics) else None
    scheme = "static" if chosen is None else chosen.scheme
    if data is None and scheme == "static":
        raise InvalidArgument("static quantization needs data to calibrate with, or statistics; or recipe='dynamic'")
    if data is not None and statistics is None and scheme == "static":
        observer = "moving_average" if chosen is not None and _wants_moving_average(chosen) else None
        statistics = calibrate(
            model,
            data,
            batch_size=batch_size,
            observer=observer,
            threads=threads,
            images=images,
            progress=progress,
        )
    with _progress.bar("quantizing", 1.0, progress) as tell:
        core = _core.quantize(
            model._core,
            None if statistics is None else statistics._core,
            None if chosen is None else chosen._core,
            None if tell is None else lambda fraction, what: tell(fraction),
            _on_main_thread(),
        )
    return Model(core, model._context)


def convert(model: Model, form: str = "qdq") -> Model:
    """A model quantized elsewhere (QDQ, QOperator, fake-quant of training) -> the form that runs and exports here: "qdq", or
    "qoperator"."""
    return Model(_core.convert(model._core, form), model._context)


# ---------------------------------------------------------------------------------------------------- report, profile


class Layer(NamedTuple):
    """One layer of a report. Figures are None where the quantized program does not show the value (fused away);
    `sqnr_db` is None, too, where there is no error at all: `max_error` is 0 then."""

    name: str
    op: str
    value: str
    precision: str
    reason: str | None
    sentence: str | None
    sqnr_db: float | None
    max_error: float | None
    mean_error: float | None
    float_min: float | None
    float_max: float | None
    clipped: float | None
    float_seconds: float
    quantized_seconds: float
    macs: float


class Report:
    """What quantization cost, layer by layer. Made by `octavo.report`."""

    def __init__(self, core: _core.Report):
        self._core = core

    @functools.cached_property
    def _figures(self) -> dict[str, Any]:
        return json.loads(self._core.json())

    @functools.cached_property
    def layers(self) -> list[Layer]:
        """In order of the network."""
        known = Layer._fields
        return [Layer(**{k: layer[k] for k in known}) for layer in self._figures["layers"]]

    @property
    def outputs(self) -> list[dict[str, Any]]:
        """Error of each output, and how often the greatest element is the same."""
        return list(self._figures["outputs"])

    def worst(self, count: int = 5) -> list[Layer]:
        """The layers with the lowest signal-to-noise ratio."""
        measured = [(layer.sqnr_db, i) for i, layer in enumerate(self.layers) if layer.sqnr_db is not None]
        return [self.layers[i] for _, i in sorted(measured)[:count]]

    def to_dict(self) -> dict[str, Any]:
        return json.loads(self._core.json())

    def to_html(self) -> str:
        return self._core.html()

    def save(self, path: str | os.PathLike[str]) -> None:
        """As a web page (.html) or JSON (.json), by the name's end."""
        target = pathlib.Path(path)
        kind = target.suffix.lower()
        if kind not in (".html", ".htm", ".json"):
            raise InvalidArgument(f"a report is saved as .html or .json, not '{target.name}'")
        text = json.dumps(self._figures, indent=1) + "\n" if kind == ".json" else self.to_html()
        try:
            target.write_text(text, encoding="utf-8")
        except OSError as e:
            raise FileError(f"{target}: {e.strerror or e}") from e

    def close(self) -> None:
        self._figures  # noqa: B018 (kept, so that the figures outlive the native object)
        self._core.close()

    def __repr__(self) -> str:
        f = self._figures
        sizes = f"{bytes_text(f['float']['bytes'])} -> {bytes_text(f['quantized']['bytes'])}"
        outputs = ", ".join(
            f"{o['name']} " + ("exact" if o["sqnr_db"] is None else f"{o['sqnr_db']:.1f} dB") for o in f["outputs"]
        )
        return f"<octavo.Report of {len(f['layers'])} layers: outputs {outputs}; {sizes}>"

    def _repr_html_(self) -> str:
        return f'<iframe srcdoc="{_escape(self.to_html())}" width="100%" height="600"></iframe>'


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;")


def report(
    model: Model,
    quantized: Model,
    data: Any,
    *,
    batch_size: int | None = None,
    threads: int | None = None,
    cpu_target: str | None = None,
    images: _data.Images | None = None,
    progress: bool | None = None,
) -> Report:
    """Runs a float model and its quantized form on the same inputs and compares every value both have.

    `data` as in `octavo.calibrate`; a few dozen samples are enough.
    """
    batches, count = _data.batches_of(data, model.inputs, batch_size, images)
    core = _core.Report(model._core, quantized._core, threads, cpu_target)
    collected = 0
    with _progress.bar("comparing", count, progress) as tell:
        for batch in batches:
            core.collect(model._inputs.arrays(batch), model._inputs.codes, _on_main_thread())
            collected += 1
            if tell:
                tell(collected)
    if not collected:
        raise InvalidArgument("there is no data to compare on")
    return Report(core)


class Step(NamedTuple):
    """One step of a profile; seconds, macs and bytes are those of one run."""

    name: str
    op: str
    kernel: str
    precision: str
    reason: str | None
    seconds: float
    macs: float
    bytes: float


class Profile:
    """Time of each step; print it for a table."""

    def __init__(self, figures: Mapping[str, Any]):
        self.cpu_target: str = figures["cpu_target"]
        self.threads: int = figures["threads"]
        self.steps = [
            Step(
                s["name"],
                s["op"],
                s["kernel"],
                s["precision"],
                s["reason"],
                s["seconds"] / max(1, s["runs"]),
                s["macs"],
                s["bytes"],
            )
            for s in figures["steps"]
        ]

    @property
    def seconds(self) -> float:
        """Of one run, all steps together."""
        return sum(step.seconds for step in self.steps)

    def to_dict(self) -> dict[str, Any]:
        return {
            "cpu_target": self.cpu_target,
            "threads": self.threads,
            "seconds": self.seconds,
            "steps": [step._asdict() for step in self.steps],
        }

    def __repr__(self) -> str:
        total = self.seconds or 1.0
        head = ("step", "operator", "kernel", "precision", "us", "%", "GMAC/s", "why float")
        rows = [
            (
                s.name,
                s.op,
                s.kernel,
                s.precision,
                f"{s.seconds * 1e6:.1f}",
                f"{100 * s.seconds / total:.1f}",
                f"{s.macs / s.seconds / 1e9:.1f}" if s.seconds and s.macs else "",
                s.reason or "",
            )
            for s in self.steps
        ]
        widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
        right = {4, 5, 6}
        lines = [
            "  ".join(c.rjust(w) if i in right else c.ljust(w) for i, (c, w) in enumerate(zip(row, widths))).rstrip()
            for row in [head, *rows]
        ]
        plural = "" if self.threads == 1 else "s"
        lines.append(f"{self.seconds * 1e6:.1f} us a run on {self.cpu_target}, {self.threads} thread{plural}")
        return "\n".join(lines)


def profile(
    model: Model,
    data: Any,
    *,
    runs: int = 10,
    threads: int | None = None,
    cpu_target: str | None = None,
) -> Profile:
    """Time of each step, the kernel chosen, and why a node runs in float: the mean of `runs` runs on `data`, which is
    given as to `Model.run`."""
    if runs < 1:
        raise InvalidArgument(f"runs is {runs}, not 1 or more")
    with Session(model, threads=threads, cpu_target=cpu_target) as warm:
        warm.run(data)
    with Session(model, threads=threads, cpu_target=cpu_target, profile=True) as session:
        for _ in range(runs):
            session.run(data)
        return session.profile()


def cpu_targets() -> list[str]:
    """The instruction sets of this machine, best first; the last is "reference", the scalar definition of the arithmetic.
    Integer results are the same bytes on all of them."""
    return _core.cpu_targets()


__all__ = [
    "Calibrator",
    "Layer",
    "Model",
    "Profile",
    "Recipe",
    "Report",
    "Session",
    "Statistics",
    "Step",
    "calibrate",
    "convert",
    "cpu_targets",
    "load",
    "profile",
    "quantize",
    "report",
]
