"""Recipes, quantization, conversion."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from . import _check, _core, _data, _progress
from ._calibrate import Statistics, calibrate
from ._context import Cancel, chosen, on_main_thread, wish
from ._errors import FileError, InvalidArgument, MissingFile
from ._model import Model


class Recipe:
    """What to do to which node: `Recipe("static")`, `Recipe({...})`, `Recipe("recipe.json")` or JSON text; docs/recipes.md
    describes the form. Immutable; equal recipes are equal.

    Raises `octavo.Error` with code INVALID_DATA for an unknown key, a wrong type or a value out of range: the message names
    it and lists what is allowed.
    """

    def __init__(self, recipe: str | os.PathLike[str] | Mapping[str, Any] = "static"):
        self._core = _core.Recipe.parse(chosen(None)._core, _recipe_text(recipe))

    def to_json(self) -> str:
        """Everything it says, defaults included, as canonical JSON."""
        return self._core.json()

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data."""
        return json.loads(self.to_json())

    @property
    def scheme(self) -> str:
        """ "static", "dynamic" or "weight-only"."""
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


@dataclasses.dataclass(frozen=True, eq=False)
class Histogram:
    """What calibration counted of one value, for an observer of one's own.

    `name` is the value's, `count` how many finite elements were seen, `min` and `max` the least and the greatest.
    counts[i] of them (int64 [bins]) lie in [lows[i], highs[i]] (float64 [bins]); bins ascend, do not overlap and are not
    empty; zeros are a bin of their own, any other bin (of magnitudes from 2**-40 to 2**40) is at most 1/32 of its value
    wide.
    """

    name: str
    count: int
    min: float
    max: float
    lows: np.ndarray
    highs: np.ndarray
    counts: np.ndarray


Observer = Callable[[Histogram], tuple[float, float]]


def _observing(observer: Observer) -> Callable[..., tuple[float, float]]:
    """The observer as the extension module calls it."""

    def choose(*what: Any) -> tuple[float, float]:
        histogram = Histogram(*what)
        answer = observer(histogram)
        try:
            low, high = answer
            return float(low), float(high)
        except (TypeError, ValueError):
            raise InvalidArgument(f"the observer's answer for value '{histogram.name}' is not (low, high)") from None

    return choose


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
    observer: Observer | None = None,
    progress: _progress.Show = None,
    cancel: Cancel | None = None,
) -> Model:
    """The INT8 form of a float model, in ONNX's own operators, which other runtimes run, too. The float model is not
    changed. Nothing is skipped silently: `Model.describe` has the reason for each node that stays float.

    Args:
        data: `Statistics`, or what `octavo.calibrate` takes (it is then called first). Not needed for the schemes
            "dynamic" and "weight-only".
        recipe: a scheme ("static", the default), a dict, the path of a JSON file, or a `Recipe`.
        batch_size, threads, images: of the calibration.
        observer: a function of one's own that is given a `Histogram` for each value, in the model's order, and answers
            with its range (low, high), finite and low <= high, which is then widened to hold 0. It serves the values
            whose observer the recipe calls "custom"; without a recipe all. What it raises comes out here.
        progress: True: a bar on the terminal; None: where there is one; or a function, called as progress(fraction, what)
            with a fraction of 0 to 1 and the step or node. What it raises stops the work.
        cancel: an `octavo.Cancel` that another thread may use to stop the work.

    Raises:
        octavo.Error: INVALID_ARGUMENT if statistics are missing or of another model, for an observer's answer that is no
            range, or an observer without "custom" in the recipe and the other way round; INVALID_STATE if the model is
            quantized already; INVALID_DATA for a recipe that is wrong or a rule of it that matches nothing; CANCELLED.
    """
    _check.instance("model", model, Model)
    if observer is not None and not callable(observer):
        raise InvalidArgument(
            f"observer must be callable, not {type(observer).__name__}: recipes name the built-in ones"
        )
    rules = None if recipe is None else recipe if isinstance(recipe, Recipe) else Recipe(recipe)
    statistics = data if isinstance(data, Statistics) else None
    scheme = "static" if rules is None else rules.scheme
    if data is None and scheme == "static":
        raise InvalidArgument("static quantization needs data to calibrate with, or statistics; or recipe='dynamic'")
    if data is not None and statistics is None and scheme == "static":
        statistics = calibrate(
            model,
            data,
            batch_size=batch_size,
            observer="moving_average" if rules is not None and _wants_moving_average(rules) else None,
            threads=threads,
            images=images,
            progress=progress,
            cancel=cancel,
        )
    with _progress.bar("quantizing", 1.0, progress) as tell:
        core = _core.quantize(
            model._core,
            None if statistics is None else statistics._core,
            None if rules is None else rules._core,
            tell,
            None if observer is None else _observing(observer),
            wish(cancel),
            on_main_thread(),
        )
    return Model(core, model._context)


def convert(model: Model, form: str = "qdq") -> Model:
    """A model quantized elsewhere (Q/DQ, QOperator, fake-quant of training) -> the form that runs and exports here.

    Args:
        form: "qdq": QuantizeLinear and DequantizeLinear around float operators; "qoperator": QLinearConv, QLinearMatMul.

    Raises:
        octavo.Error: INVALID_ARGUMENT for another form; UNSUPPORTED for what the form cannot say.
    """
    _check.instance("model", model, Model)
    return Model(_core.convert(model._core, _check.text("form", form)), model._context)
