"""The vision networks of the shared exporter, inputs for them, and what ONNX Runtime's quantizer makes of them.

    python -m support.zoo [NETWORK ...]     prints ONNX Runtime's figures (run in tests/), computing what is not cached

Inputs are smooth noise: the exporter set batch-norm statistics on noise of this kind, so that activations spread as in a
trained network. One batch calibrates; errors are measured on it and on a second one that calibration never saw.
"""

import functools
import hashlib
import json
import math
import sys

import numpy as np

from . import ort, shared

SIDE = {
    "squeezenet1_1": 224, "shufflenet_v2_x1_0": 224, "mobilenet_v2": 224, "resnet18": 224, "mobilenet_v3_large": 224,
    "efficientnet_b0": 224, "googlenet": 224, "densenet121": 224, "inception_v3": 299, "resnet50": 224,
    "resnext101_32x8d": 224, "vit_b_16": 224,
}  # fmt: skip
SMALL = ("squeezenet1_1", "shufflenet_v2_x1_0", "mobilenet_v2", "resnet18")  # what a short run covers
CNNS = tuple(n for n in SIDE if n != "vit_b_16")
CALIBRATION, HELD_OUT = 8, 8  # images of the two batches


def _enlarge(x, axis, size):
    """Linear interpolation along an axis, pixel centres aligned as ONNX's half_pixel."""
    n = x.shape[axis]
    at = np.clip((np.arange(size) + 0.5) * n / size - 0.5, 0, n - 1)
    low = np.minimum(at.astype(np.int64), max(n - 2, 0))
    shape = [1] * x.ndim
    shape[axis] = size
    part = (at - low).astype(np.float32).reshape(shape)
    return x.take(low, axis) * (1 - part) + x.take(np.minimum(low + 1, n - 1), axis) * part


@functools.cache
def images(name, seed, count):
    """float32 [count, 3, side, side], the same on every machine."""
    side = SIDE[name]
    x = np.random.default_rng(seed).standard_normal((count, 3, side // 8, side // 8), np.float32)
    x = np.ascontiguousarray(_enlarge(_enlarge(x, 2, side), 3, side), np.float32)
    x.flags.writeable = False
    return x


def calibration_batch(name):
    return images(name, 1, CALIBRATION)


def held_out_batch(name):
    return images(name, 2, HELD_OUT)


def sqnr(exact, other):
    """Signal to quantization noise in dB."""
    exact, other = np.asarray(exact, np.float64), np.asarray(other, np.float64)
    noise = ((exact - other) ** 2).sum()
    return math.inf if noise == 0 else float(10 * np.log10((exact**2).sum() / noise))


def kept_signal(exact, other):
    """The share of what tells one image's exact outputs from another's that the other outputs follow: a regression slope."""
    exact, other = (np.asarray(x, np.float64) - np.mean(x, axis=0, dtype=np.float64) for x in (exact, other))
    return float((exact * other).sum() / (exact**2).sum())


@functools.cache
def digest(path):
    with open(path, "rb") as f:
        return (
            hashlib.file_digest(f, "sha256").hexdigest()
            if sys.version_info >= (3, 11)
            else hashlib.sha256(f.read()).hexdigest()
        )


@functools.cache
def network(name):
    """(path, None) or (None, why there is none). As exported, but for a classifier that the exporter left all zero."""
    path, why = shared.network(name)
    if path is None or name != "vit_b_16":
        return path, why
    out = shared.CACHE / f"{name}-{digest(path)[:12]}-head.onnx"
    if not out.is_file():
        import onnx

        model = onnx.load(path)
        head = next(i for i in model.graph.initializer if i.name == "heads.head.weight")
        weight = np.random.default_rng(3).standard_normal(tuple(head.dims)).astype(np.float32) * np.float32(0.02)
        head.CopyFrom(onnx.numpy_helper.from_array(weight, head.name))
        out.parent.mkdir(parents=True, exist_ok=True)
        part = out.with_suffix(".part")
        onnx.save(model, part)
        part.replace(out)
    return out, None


def ort_int8(name, path):
    """The network as ONNX Runtime's quantizer leaves it, made once."""
    out = shared.CACHE / f"{name}-{digest(path)[:12]}-ort{ort.version()}-{CALIBRATION}.onnx"
    if not out.is_file():
        ort.quantize(path, calibration_batch(name), out)
    return out


def baseline(name, path):
    """What ONNX Runtime's static quantization reaches: {"calibration": dB, "held_out": dB, "bytes": size of its file}."""
    book = shared.CACHE / "onnxruntime.json"
    key = f"{name} {digest(path)[:16]} onnxruntime {ort.version()} {CALIBRATION}+{HELD_OUT}"
    known = json.loads(book.read_text(encoding="utf-8")) if book.is_file() else {}
    if key not in known:
        int8 = ort_int8(name, path)
        batches = {"calibration": calibration_batch(name), "held_out": held_out_batch(name)}
        f, q = ort.runner(path), ort.runner(int8)
        entry = {k: sqnr(f(x), q(x)) for k, x in batches.items()}
        entry["bytes"] = int8.stat().st_size
        known = json.loads(book.read_text(encoding="utf-8")) if book.is_file() else {}
        known[key] = entry
        book.parent.mkdir(parents=True, exist_ok=True)
        part = book.with_suffix(".part")
        part.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        part.replace(book)
    return known[key]


if __name__ == "__main__":
    print(f"{'network':20s} {'calibration':>12s} {'held out':>9s} {'file ratio':>11s}   (ONNX Runtime {ort.version()})")
    for which in sys.argv[1:] or SIDE:
        onnx_file, why = network(which)
        if onnx_file is None:
            print(f"{which:20s} {why}")
            continue
        b = baseline(which, onnx_file)
        ratio = b["bytes"] / onnx_file.stat().st_size
        print(f"{which:20s} {b['calibration']:9.2f} dB {b['held_out']:6.2f} dB {ratio:11.3f}", flush=True)
