#!/usr/bin/env python3
"""From a float network to a quantized one that runs, in Python: the shortest way, then what each step can tell."""

import pathlib
import tempfile

import numpy as np
import octavo

demo = pathlib.Path(__file__).resolve().parents[1] / "demo"
out = pathlib.Path(tempfile.mkdtemp(prefix="octavo-"))
with np.load(demo / "digits.npz") as data:
    images, labels = data["image"].astype(np.float32), data["y"]

# The shortest way: a model, some representative inputs, a smaller and faster model.
model = octavo.load(demo / "digits.onnx")
int8 = octavo.quantize(model, demo / "digits_calibration.npz")
int8.save(out / "digits.int8.onnx")
print(model, int8, sep="\n")

# One input, one output: array in, array out.
scores = int8.run(images[:1])
print("this is a", scores.argmax(), "and should be a", labels[0])

# A session keeps its memory and threads between runs: this is what a service holds.
run = octavo.Session(int8, threads=2)
print(f"accuracy {(run(images).argmax(axis=1) == labels).mean():.2%}")

# Statistics are a value of their own: collect them once, quantize in several ways.
with np.load(demo / "digits_calibration.npz") as data:
    batches = np.array_split(data["image"].astype(np.float32), 10)
stats = octavo.calibrate(model, batches)
recipe = {"octavo": 1, "scheme": "static", "nodes": [{"match": {"op": "Gemm"}, "keep_float": True}]}
mixed = octavo.quantize(model, stats, recipe=recipe)
dynamic = octavo.quantize(model, recipe="dynamic")
for name, quantized in {"static": int8, "static, float head": mixed, "dynamic": dynamic}.items():
    answers = octavo.Session(quantized)(images).argmax(axis=1)
    print(f"{name:20} accuracy {(answers == labels).mean():.2%}")

# What it cost, layer by layer, and where the time goes.
report = octavo.report(model, int8, batches)
for layer in report.worst(3):
    print(f"{layer.name:32} {layer.sqnr_db:5.1f} dB")
report.save(out / "report.html")
print(octavo.profile(int8, images[:1]))

# Integer results are the same bytes on every instruction set.
small = images[:4]
results = {target: octavo.Session(int8, cpu_target=target)(small).tobytes() for target in octavo.cpu_targets()}
assert len(set(results.values())) == 1, results
print("equal on", ", ".join(results), "- files in", out)
