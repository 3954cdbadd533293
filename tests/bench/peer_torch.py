"""A network of the zoo as PyTorch's FX mode quantizes it for its x86 engine; runs in an interpreter with torch and torchvision.

    peer_torch.py pytorch NETWORK.onnx CALIBRATION.npy FOLDER       prints the path of the TorchScript file in FOLDER

Of the ONNX file only the name counts: the exporter of the shared material builds the same network again.
"""

import importlib.util
import pathlib
import sys

import numpy as np
import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support import shared  # noqa: E402


def build(name):
    spec = importlib.util.spec_from_file_location("export", shared.folder() / "zoo/export.py")
    export = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(export)
    torch.manual_seed(0)
    return export.vision(name)[0].eval()


def main():
    from torch.ao.quantization import get_default_qconfig_mapping, quantize_fx

    _, model, calibration, folder = sys.argv[1:]
    name, x = pathlib.Path(model).stem, torch.from_numpy(np.load(calibration))
    out = pathlib.Path(folder) / f"{name}-torch{torch.__version__}-{len(x)}.pt"
    if not out.is_file():
        torch.backends.quantized.engine = "x86"
        with torch.inference_mode():
            prepared = quantize_fx.prepare_fx(build(name), get_default_qconfig_mapping("x86"), (x[:1],))
            for i in range(len(x)):
                prepared(x[i : i + 1])
            scripted = torch.jit.freeze(torch.jit.trace(quantize_fx.convert_fx(prepared), x[:1]))
        out.parent.mkdir(parents=True, exist_ok=True)
        torch.jit.save(scripted, str(out))
    print(out)


if __name__ == "__main__":
    main()
