"""ONNX Runtime as the other opinion: running a file, and quantizing one the way its users do."""

import functools
import importlib.metadata
import pathlib
import tempfile


@functools.cache
def version():
    """The installed release, or None."""
    try:
        return importlib.metadata.version("onnxruntime")
    except importlib.metadata.PackageNotFoundError:
        return None


def session(model, threads=None):
    """`model` is a path or bytes. `threads`: of one operator; None leaves the choice to ONNX Runtime."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    if threads:
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(
        model if isinstance(model, bytes) else str(model), options, providers=["CPUExecutionProvider"]
    )


def runner(model, batch=2, threads=None):
    """A function from an array to the first output, for models of one input; large batches go through in pieces."""
    import numpy as np

    run = session(model, threads)
    name = run.get_inputs()[0].name
    return lambda x: np.concatenate([run.run(None, {name: x[i : i + batch]})[0] for i in range(0, len(x), batch)])


def quantize(path, calibration, out, form="QDQ", activations="uint8", per_channel=True):
    """Static quantization as ONNX Runtime documents it, min-max, s8 weights. form: "QDQ" or "QOperator"; activations: "uint8"
    or "int8"."""
    from onnxruntime.quantization import (
        CalibrationDataReader,
        CalibrationMethod,
        QuantFormat,
        QuantType,
        quantize_static,
    )
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(CalibrationDataReader):
        def __init__(self):
            name = session(path).get_inputs()[0].name
            self.batches = iter([{name: calibration[i : i + 2]} for i in range(0, len(calibration), 2)])

        def get_next(self):
            return next(self.batches, None)

    out = pathlib.Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent) as folder:
        prepared, made = pathlib.Path(folder) / "prepared.onnx", pathlib.Path(folder) / "int8.onnx"
        quant_pre_process(str(path), str(prepared), skip_symbolic_shape=True)
        quantize_static(
            str(prepared), str(made), Reader(), quant_format=QuantFormat[form], per_channel=per_channel,
            activation_type=QuantType.QUInt8 if activations == "uint8" else QuantType.QInt8,
            weight_type=QuantType.QInt8, calibrate_method=CalibrationMethod.MinMax,
        )  # fmt: skip
        made.replace(out)


def quantize_dynamic(path, out):
    """Weights now, activations at run time, as ONNX Runtime documents it."""
    import onnxruntime.quantization

    onnxruntime.quantization.quantize_dynamic(str(path), str(out))
