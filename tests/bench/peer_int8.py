"""The INT8 model that another runtime's own quantizer makes, made once; runs in the interpreter that has the runtime.

    peer_int8.py onnxruntime|openvino MODEL.onnx CALIBRATION.npy FOLDER       prints the path of the model in FOLDER

Both get min-max ranges of the same images, unsigned activations and signed weights by channel. OpenVINO's file is made by NNCF.
"""

import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support import ort, zoo  # noqa: E402


def onnxruntime(model, calibration, stem):
    out = stem.with_name(f"{stem.name}-ort{ort.version()}-{len(calibration)}.onnx")
    if not out.is_file():
        ort.quantize(model, calibration, out)
    return out


def openvino(model, calibration, stem):
    import nncf
    import openvino as ov

    out = stem.with_name(f"{stem.name}-nncf{nncf.__version__}-{len(calibration)}.xml")
    if not out.is_file():
        network = ov.Core().read_model(str(model))
        name = network.inputs[0].get_any_name()
        batches = [{name: calibration[i : i + 1]} for i in range(len(calibration))]
        made = nncf.quantize(network, nncf.Dataset(batches), subset_size=len(batches))
        out.parent.mkdir(parents=True, exist_ok=True)
        ov.save_model(made, str(out), compress_to_fp16=False)
    return out


def main():
    runtime, model, calibration, folder = sys.argv[1:]
    model = pathlib.Path(model)
    stem = pathlib.Path(folder) / f"{model.stem}-{zoo.digest(model)[:12]}"
    print(str({"onnxruntime": onnxruntime, "openvino": openvino}[runtime](model, np.load(calibration), stem)))


if __name__ == "__main__":
    main()
