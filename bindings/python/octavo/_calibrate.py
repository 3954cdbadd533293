"""Calibration: what the values of a float model look like on representative data."""

from __future__ import annotations

import json
import os
from typing import Any

from . import _check, _core, _data, _progress
from ._context import Cancel, Context, chosen, on_main_thread, wish
from ._errors import InvalidArgument
from ._model import Model, arguments, reading


class Statistics:
    """What calibration learned: of fixed size, mergeable, savable, useful without the data. Serves every observer but
    "moving_average", so one calibration is enough to try them all. Made by `octavo.calibrate`, `Calibrator.finish` and
    `Statistics.load`."""

    def __init__(self, core: _core.Statistics):
        if not isinstance(core, _core.Statistics):
            raise InvalidArgument("statistics are made by octavo.calibrate and Statistics.load")
        self._core = core

    @classmethod
    def load(cls, source: str | os.PathLike[str] | bytes, *, context: Context | None = None) -> Statistics:
        """Reads what `save` wrote, or `to_bytes` gave. Raises `octavo.Error` with code IO or INVALID_DATA."""
        core = chosen(context)._core
        if isinstance(source, bytes):
            return cls(_core.Statistics.load_bytes(core, source))
        path = _check.path(source)
        return cls(reading(path, lambda: _core.Statistics.load(core, path)))

    def save(self, path: str | os.PathLike[str]) -> None:
        """The file is replaced whole or not at all; the same statistics give the same bytes. Raises `octavo.Error` with
        code IO (an OSError)."""
        self._core.save(_check.path(path))

    def to_bytes(self) -> bytes:
        """What `save` writes."""
        return self._core.save_bytes()

    def merge(self, other: Statistics) -> Statistics:
        """Both together, as if one calibration had seen all the data: it can be split over machines. Also as `a + b`. The
        order does not matter (but for "moving_average"). Raises `octavo.Error` with code INVALID_ARGUMENT if they are of
        different models."""
        _check.instance("other", other, Statistics)
        merged = Statistics.load(self.to_bytes())
        merged._core.merge(other._core)
        return merged

    __add__ = merge

    @property
    def samples(self) -> int:
        """How many samples were seen: the sum of the first input's first dimension."""
        return self._core.samples()

    def to_dict(self) -> dict[str, Any]:
        """{"model": digest, "digest", "samples", "values": {name: {"min", "max", "count", "zeros", "nan", "inf"}}}"""
        return json.loads(self._core.json())

    def close(self) -> None:
        """Frees the memory now. May be called more than once."""
        self._core.close()

    def __reduce__(self) -> Any:
        return Statistics.load, (self.to_bytes(),)

    def __repr__(self) -> str:
        if self._core.closed:
            return "<octavo.Statistics, closed>"
        return f"<octavo.Statistics of {len(self.to_dict()['values'])} values over {self.samples} samples>"


class Calibrator:
    """Calibration batch by batch, for loops of one's own; `octavo.calibrate` does it in one go. Calls from several threads
    wait for each other.

    Args:
        model: a float model.
        observer: used by `octavo.quantize` where it is given no recipe: "min_max", "moving_average", "histogram" (the
            default), "percentile", "entropy" or "mse". "moving_average" must be asked for here, every other observer can
            be chosen afterwards.
        percentile: for "percentile", in (50, 100]; 0 means 99.99.
        threads, cpu_target: as those of `Session`.

    Raises `octavo.Error` with code INVALID_STATE for a model that is quantized already.
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
        self._ports = _check.instance("model", model, Model)._inputs
        self._core = _core.Calibrator(
            model._core,
            _check.optional_integer("threads", threads),
            _check.optional_text("cpu_target", cpu_target),
            _check.optional_text("observer", observer),
            _check.number("percentile", percentile),
        )

    def collect(self, *args: Any, cancel: Cancel | None = None, **inputs: Any) -> None:
        """Runs the model on one batch of any size, given as to `Session.run`, and counts. On any error nothing of this
        batch is counted."""
        data, _ = arguments(args, inputs, len(self._ports.ports))
        self._core.collect(self._ports.arrays(data), self._ports.codes, wish(cancel), on_main_thread())

    def finish(self) -> Statistics:
        """What was collected so far; the calibrator may go on. Raises `octavo.Error` with code INVALID_STATE if nothing
        was collected, INVALID_DATA if a value was never finite (names it)."""
        return Statistics(self._core.finish())

    def close(self) -> None:
        """Frees memory and threads now. May be called more than once."""
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
    progress: _progress.Show = None,
    cancel: Cancel | None = None,
) -> Statistics:
    """Runs the model on representative inputs and collects what quantization needs to know.

    Args:
        data: an iterable of batches (arrays, tuples or dicts, as `Session.run` takes them); or an array, a dict of arrays,
            or the path of an `.npz`, `.npy` or folder of images, whose first axis counts samples. A hundred to a few
            hundred samples are usual.
        batch_size: samples at a time of data that is not batches already, where the model leaves the choice.
        observer, percentile, threads, cpu_target: as those of `Calibrator`.
        images: how image files become inputs.
        progress: True: a bar on the terminal; None: where there is one; or a function, called as progress(fraction, what)
            after each batch, where fraction is None if the number of batches is not known. What it raises stops the work.
        cancel: an `octavo.Cancel` that another thread may use to stop the work.

    Raises:
        octavo.Error: the message names the batch, and the file or array where data cannot be used.
    """
    _check.instance("model", model, Model)
    batches, count = _data.batches_of(data, model.inputs, batch_size, images)
    with (
        Calibrator(
            model, observer=observer, percentile=percentile, threads=threads, cpu_target=cpu_target
        ) as calibrator,
        _progress.bar("calibrating", count, progress) as tell,
    ):
        for number, batch in enumerate(batches, 1):
            try:
                calibrator.collect(batch, cancel=cancel)
            except InvalidArgument as e:
                raise InvalidArgument(f"batch {number}: {e}") from None
            if tell:
                tell(number)
        return calibrator.finish()
