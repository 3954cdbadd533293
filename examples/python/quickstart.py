#!/usr/bin/env python3
"""From a float network to a quantized one that runs, in Python.

    python quickstart.py [MODEL DATA OUT]

DATA: 200 records of one label byte and 16x16 pixels; the first 100 calibrate, the others are held out.
"""

import sys

import numpy as np
import octavo


def digest(scores):
    """FNV-1a of all bytes, little endian: equal on every CPU, for every number of threads, from every language."""
    h = 0xCBF29CE484222325
    for byte in scores.astype("<f4").tobytes():
        h = (h ^ byte) * 0x100000001B3 % 2**64
    return f"{h:016x}"


def main(model_path="examples/demo/digits.onnx", data_path="examples/demo/digits.bin", out="digits.int8.onnx"):
    records = np.fromfile(data_path, np.uint8).reshape(200, 1 + 16 * 16)
    labels, images = records[100:, 0], records[:, 1:].reshape(-1, 1, 16, 16).astype(np.float32)

    model = octavo.load(model_path)
    stats = octavo.calibrate(model, np.split(images[:100], 5))
    int8 = octavo.quantize(model, stats)
    int8.save(out)

    before, after = (np.concatenate([m.run(images[i : i + 1]) for i in range(100, 200)]) for m in (model, int8))
    answers = [scores.argmax(axis=1) for scores in (before, after)]
    right = [int((a == labels).sum()) for a in answers]
    same = int((answers[0] == answers[1]).sum())
    print(f"octavo {octavo.__version__} on {octavo.cpu_target()}")
    print(f"float32 {right[0]}, INT8 {right[1]} of 100 right; {same} answers the same; wrote {out}")
    print("scores of the first held-out image:", *(f"{score:.4f}" for score in after[0]))
    print("digest of all INT8 scores:", digest(after))
    return 0 if right[1] + 5 >= right[0] else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
