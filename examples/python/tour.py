#!/usr/bin/env python3
# %% [markdown]
# # A tour of Octavo
#
# What each step can tell, on a small network that reads handwritten digits. Run it cell by cell (VS Code, Jupytext,
# Spyder) or whole: `python tour.py [folder for what it writes]`. Needs Matplotlib beside Octavo.

# %% The network and its data
import pathlib
import sys
import tempfile

import matplotlib
import numpy as np
import octavo
from matplotlib import pyplot as plt

if "ipykernel" not in sys.modules:
    matplotlib.use("Agg")  # a script writes its pictures, a notebook shows them, too

HERE = pathlib.Path(__file__).resolve().parent if "__file__" in globals() else pathlib.Path("examples/python").resolve()
DEMO = HERE.parent / "demo"
OUT = pathlib.Path(sys.argv[1] if len(sys.argv) == 2 else tempfile.mkdtemp(prefix="octavo-"))
OUT.mkdir(parents=True, exist_ok=True)

with np.load(DEMO / "digits.npz") as data:
    images, labels = data["image"].astype(np.float32), data["y"]
with np.load(DEMO / "digits_calibration.npz") as data:
    batches = np.array_split(data["image"].astype(np.float32), 10)

model = octavo.load(DEMO / "digits.onnx")
print(model)

# %% The shortest way: a model, some representative inputs, a smaller and faster model
int8 = octavo.quantize(model, DEMO / "digits_calibration.npz")
int8.save(OUT / "digits.int8.onnx")
print(int8)
print("this is a", int8.run(images[:1]).argmax(), "and should be a", labels[0])

# %% [markdown]
# ## One calibration, many recipes
#
# Statistics are a value of their own: collected once, they serve every observer, also one of your own: here a function that
# cuts off the outermost 0.01 % of the values at each end. What it answers is widened to hold 0.

# %%
stats = octavo.calibrate(model, batches)


def quantile(histogram):
    """(low, high) that leave 0.01 % of the values outside at each end."""
    share = np.cumsum(histogram.counts) / histogram.count
    return histogram.lows[np.searchsorted(share, 0.0001)], histogram.highs[np.searchsorted(share, 0.9999)]


float_head = {"octavo": 1, "nodes": [{"match": {"op": "Gemm"}, "keep_float": True}]}
models = {
    "float32": model,
    "histogram (default)": int8,
    **{
        observer: octavo.quantize(model, stats, recipe={"octavo": 1, "activations": {"observer": observer}})
        for observer in ("min_max", "mse", "entropy")
    },
    "own observer": octavo.quantize(model, stats, observer=quantile),
    "float head": octavo.quantize(model, stats, recipe=float_head),
    "dynamic": octavo.quantize(model, recipe="dynamic"),
    "weight-only": octavo.quantize(model, recipe="weight-only"),
}
scores = {name: octavo.Session(m)(images) for name, m in models.items()}
accuracy = {name: float((s.argmax(axis=1) == labels).mean()) for name, s in scores.items()}
kilobytes = {name: len(m.to_bytes()) / 1000 for name, m in models.items()}
noise = {name: ((s - scores["float32"]) ** 2).sum() for name, s in scores.items()}
decibels = {name: 10 * np.log10((scores["float32"] ** 2).sum() / n) for name, n in noise.items() if n}
for name in models:
    against = f"{decibels[name]:5.1f} dB" if name in decibels else ""
    print(f"{name:20} accuracy {accuracy[name]:.2%}  {kilobytes[name]:6.1f} kB  {against}")

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained", sharey=True)
left.barh(list(decibels), list(decibels.values()))
left.set(xlabel="scores against float32: signal to noise, dB")
left.invert_yaxis()
right.barh(list(decibels), [kilobytes[name] for name in decibels])
right.axvline(kilobytes["float32"], color="gray", linestyle="--", label="float32")
right.set(xlabel="file, kB")
right.legend()
figure.savefig(OUT / "recipes.png", dpi=110)

# %% [markdown]
# ## What it cost, layer by layer, and where the time goes

# %%
report = octavo.report(model, int8, batches)
report.save(OUT / "report.html")
for layer in report.worst(3):
    print(f"{layer.name:32} {layer.sqnr_db:5.1f} dB")
profiles = {name: octavo.profile(models[name], images[:1], threads=1) for name in ("float32", "histogram (default)")}
print(profiles["histogram (default)"])

layers = [layer for layer in report.layers if layer.sqnr_db is not None]
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 5), layout="constrained", width_ratios=[3, 1])
left.plot([layer.sqnr_db for layer in layers], "o-")
left.set(ylabel="signal to quantization noise, dB")
left.set_xticks(range(len(layers)), [layer.name.strip("/") for layer in layers], rotation=90, fontsize=8)
right.bar(["float32", "INT8"], [1e6 * p.seconds for p in profiles.values()])
right.set(ylabel="one inference, us")
figure.savefig(OUT / "layers.png", dpi=110)

# %% [markdown]
# ## The same bytes everywhere
#
# Integer results do not depend on the instruction set or the number of threads: the scalar definition of the arithmetic
# ("reference") is one of the targets.

# %%
results = {
    (target, threads): octavo.Session(int8, cpu_target=target, threads=threads)(images[:4]).tobytes()
    for target in octavo.cpu_targets()
    for threads in (1, 2)
}
assert len(set(results.values())) == 1, results
print("equal on", ", ".join(octavo.cpu_targets()), "- files in", OUT)
