"""Octavo: ONNX in, INT8 out, the same bytes on every CPU.

    import octavo

    model = octavo.load("net.onnx")
    int8 = octavo.quantize(model, "calibration.npz")
    int8.save("net.int8.onnx")
    y = int8.run(x)

Keep a `Session` where runs are many; `octavo.report` shows what quantization cost, `octavo.profile` where time goes.
"""

from . import _core
from ._arrays import Port
from ._calibrate import Calibrator, Statistics, calibrate
from ._context import Cancel, Context
from ._data import Images
from ._errors import Error, Status
from ._model import Model, Session, cpu_target, cpu_targets, load
from ._profile import Profile, Step
from ._quantize import Histogram, Recipe, convert, quantize
from ._report import Layer, Report, profile, report
from ._tensor import QTensor, fake_quantize

__version__ = _core.version_string()

__all__ = [
    "Calibrator",
    "Cancel",
    "Context",
    "Error",
    "Histogram",
    "Images",
    "Layer",
    "Model",
    "Port",
    "Profile",
    "QTensor",
    "Recipe",
    "Report",
    "Session",
    "Statistics",
    "Status",
    "Step",
    "__version__",
    "calibrate",
    "convert",
    "cpu_target",
    "cpu_targets",
    "fake_quantize",
    "load",
    "profile",
    "quantize",
    "report",
]

for _name in __all__:
    _object = globals()[_name]
    if getattr(_object, "__module__", "").startswith("octavo."):
        _object.__module__ = "octavo"
del _name, _object
