"""What quantization cost, layer by layer, and where the time goes."""

from __future__ import annotations

import functools
import json
import os
from typing import Any, NamedTuple

from . import _check, _core, _data, _page, _progress
from ._context import Cancel, on_main_thread, wish
from ._errors import InvalidArgument
from ._model import Model, Session, bytes_text
from ._profile import Profile


class Layer(NamedTuple):
    """One layer of a report.

    `name` and `op` are the node's, `value` is its output, `precision` how it runs, `reason` and `sentence` why not as INT8
    (None if it does). `sqnr_db` is the ratio of signal to quantization noise, 10 log10(sum of squares of the float values
    / sum of squares of the errors), in dB; `max_error` and `mean_error` are absolute; `float_min` and `float_max` are the
    float model's values, `clipped` is the share of them outside the quantized range. Seconds are the least of all runs.

    Errors are None where the quantized program does not show the value (fused away); `sqnr_db` is None, too, where there is
    no error at all: `max_error` is 0 then.
    """

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
    """What quantization cost, layer by layer. Made by `octavo.report`; shows itself in notebooks."""

    def __init__(self, core: _core.Report):
        if not isinstance(core, _core.Report):
            raise InvalidArgument("reports are made by octavo.report")
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
        """Of each output a dict: "name", "sqnr_db", "max_error", "mean_error", and "top1_agreement", the share of rows of
        the last dimension whose greatest element is the same (None where there are no rows)."""
        return list(self._figures["outputs"])

    def worst(self, count: int = 5) -> list[Layer]:
        """The `count` layers with the lowest signal-to-noise ratio, the worst first."""
        measured = [(layer.sqnr_db, i) for i, layer in enumerate(self.layers) if layer.sqnr_db is not None]
        return [self.layers[i] for _, i in sorted(measured)[:count]]

    def to_dict(self) -> dict[str, Any]:
        """Everything, as `octavo_report_json` of the C library has it."""
        return json.loads(self._core.json())

    def to_html(self) -> str:
        """The same as one web page that needs nothing else."""
        return self._core.html()

    def save(self, path: str | os.PathLike[str]) -> None:
        """As a web page (.html) or JSON (.json), by the name's end. Raises `octavo.Error` with code IO (an OSError)."""
        _page.save("report", path, self._figures, self.to_html())

    def close(self) -> None:
        """Frees what the comparison held; the figures stay, the web page goes. May be called more than once."""
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
        return _page.frame(self.to_html())


def report(
    model: Model,
    quantized: Model,
    data: Any,
    *,
    batch_size: int | None = None,
    threads: int | None = None,
    cpu_target: str | None = None,
    images: _data.Images | None = None,
    progress: _progress.Show = None,
    cancel: Cancel | None = None,
) -> Report:
    """Runs a float model and its quantized form on the same inputs and compares every value both have.

    `data`, `batch_size`, `images`, `progress` and `cancel` as in `octavo.calibrate`; a few dozen samples are enough.
    `threads` and `cpu_target` as those of `Session`. Raises `octavo.Error` with code INVALID_ARGUMENT where the models'
    inputs and outputs differ or there is no data.
    """
    _check.instance("model", model, Model)
    _check.instance("quantized", quantized, Model)
    batches, count = _data.batches_of(data, model.inputs, batch_size, images)
    core = _core.Report(
        model._core,
        quantized._core,
        _check.optional_integer("threads", threads),
        _check.optional_text("cpu_target", cpu_target),
    )
    number = 0
    with _progress.bar("comparing", count, progress) as tell:
        for number, batch in enumerate(batches, 1):
            try:
                core.collect(model._inputs.arrays(batch), model._inputs.codes, wish(cancel), on_main_thread())
            except InvalidArgument as e:
                raise InvalidArgument(f"batch {number}: {e}") from None
            if tell:
                tell(number)
    if not number:
        raise InvalidArgument("there is no data to compare on")
    return Report(core)


def profile(
    model: Model,
    data: Any,
    *,
    runs: int = 10,
    threads: int | None = None,
    cpu_target: str | None = None,
) -> Profile:
    """Time of each step, the kernel chosen, and why a node runs in float: the shortest of `runs` runs on `data`, which is
    given as to `Model.run`. `threads` and `cpu_target` as those of `Session`."""
    if _check.integer("runs", runs) < 1:
        raise InvalidArgument(f"runs is {runs}, not 1 or more")
    with Session(model, threads=threads, cpu_target=cpu_target) as warm:
        warm.run(data)
    with Session(model, threads=threads, cpu_target=cpu_target, profile=True) as session:
        for _ in range(runs):
            session.run(data)
        return session.profile()
