#!/usr/bin/env python3
"""Quantizes a small network that reads handwritten digits, and shows what that costs and what it buys.

    python demo.py [--out build/demo] [--profile]

Writes digits.int8.onnx, report.html and digits.png into the output folder. Needs octavo, NumPy and Matplotlib.
"""

import argparse
import pathlib
import statistics
import time

import matplotlib
import numpy as np
import octavo

matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402  (the backend comes first: a server has no display)

HERE = pathlib.Path(__file__).resolve().parent
GREEN, RED, BLUE = "#2e7d32", "#c62828", "#3b6ea5"


def load_data(name):
    """Pixels 0..255 as the float32 [N, 1, 16, 16] that the network takes, and the labels."""
    with np.load(HERE / name) as data:
        return data["image"].astype(np.float32), data["y"]


def time_side_by_side(sessions, image, rounds=300):
    """Median milliseconds of one inference of each; in turns, so that a busy machine slows all alike."""
    times = [[] for _ in sessions]
    for _ in range(rounds):
        for session, measured in zip(sessions, times):
            start = time.perf_counter()
            session(image)
            measured.append((time.perf_counter() - start) * 1000)
    return [statistics.median(measured) for measured in times]


def print_table(rows):
    print(f"\n{'':28}{'float32':>12}{'INT8':>12}")
    for title, before, after, remark in rows:
        print(f"{title:28}{before:>12}{after:>12}   {remark}".rstrip())


def print_changes(labels, before, after):
    changed = np.flatnonzero(before != after)
    if not len(changed):
        print("\nNo answer changed.")
        return
    print(f"\n{len(changed)} of {len(labels)} answers changed:")
    print(f"{'image':>8}{'label':>8}{'float32':>10}{'INT8':>8}")
    for i in changed:
        print(f"{i:>8}{labels[i]:>8}{before[i]:>10}{after[i]:>8}")


def draw(path, images, labels, before, after, layers):
    """Left: digits with both answers, the difficult ones first. Right: how exact each layer still is."""
    columns, rows = 4, 6
    difficult = np.flatnonzero((before != after) | (before != labels) | (after != labels))[: columns * rows // 2]
    others = np.setdiff1d(np.arange(len(labels)), difficult)
    spread = others[np.linspace(0, len(others) - 1, columns * rows - len(difficult)).astype(int)]

    figure = plt.figure(figsize=(13, 7.5), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=[4, 7])
    left.suptitle("Held-out digits: float32 → INT8")
    for axes, i in zip(left.subplots(rows, columns).flat, np.concatenate([difficult, spread])):
        axes.imshow(images[i, 0], cmap="gray_r")
        axes.set_axis_off()
        right_twice = before[i] == after[i] == labels[i]
        title = f"{before[i]} → {after[i]}" + ("" if right_twice else f"  (is {labels[i]})")
        axes.set_title(title, fontsize=9, color=GREEN if right_twice else RED)

    right.suptitle("Signal to quantization noise, layer by layer")
    axes = right.subplots()
    bars = axes.barh(range(len(layers)), [layer.sqnr_db for layer in layers], color=BLUE, height=0.7)
    axes.bar_label(bars, fmt="%.0f", padding=3, fontsize=8)
    axes.set_yticks(range(len(layers)), [layer.name.strip("/") or layer.op for layer in layers], fontsize=9)
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()  # the first layer on top
    axes.margins(x=0.08, y=0.01)
    axes.set_xlabel("dB (6 dB more halve the error)")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, default=HERE.parents[1] / "build" / "demo", help="output folder")
    parser.add_argument("--profile", action="store_true", help="show where INT8 inference spends its time")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    float_file, int8_file = HERE / "digits.onnx", options.out / "digits.int8.onnx"

    # Quantize: 200 calibration images tell the range of every activation.
    calibration, _ = load_data("digits_calibration.npz")
    model = octavo.load(float_file)
    stats = octavo.calibrate(model, np.array_split(calibration, 10))
    octavo.quantize(model, stats).save(int8_file)

    # Reload what was written and run both on 597 images that neither training nor calibration has seen.
    int8 = octavo.load(int8_file)
    images, labels = load_data("digits.npz")
    sessions = [octavo.Session(m, threads=1) for m in (model, int8)]
    before, after = (np.asarray(session(images)).argmax(axis=1) for session in sessions)

    accuracy = [float((answers == labels).mean() * 100) for answers in (before, after)]
    agreement = float((before == after).mean() * 100)
    size = [file.stat().st_size for file in (float_file, int8_file)]
    ms = time_side_by_side(sessions, images[:1])
    print_table(
        [
            (
                f"accuracy, {len(labels)} images",
                f"{accuracy[0]:.2f} %",
                f"{accuracy[1]:.2f} %",
                f"{agreement:.2f} % agree",
            ),
            ("file", f"{size[0] / 1000:.0f} kB", f"{size[1] / 1000:.0f} kB", f"{size[0] / size[1]:.1f}x smaller"),
            ("one inference, one thread", f"{ms[0]:.3f} ms", f"{ms[1]:.3f} ms", f"{ms[0] / ms[1]:.1f}x faster"),
        ]
    )
    print_changes(labels, before, after)
    if options.profile:
        print(f"\n{octavo.profile(int8, images[:1])}")

    # Where the remaining error comes from.
    report = octavo.report(model, int8, np.array_split(images[:100], 5))
    report.save(options.out / "report.html")
    layers = [layer for layer in report.layers if layer.sqnr_db is not None and np.isfinite(layer.sqnr_db)]
    draw(options.out / "digits.png", images, labels, before, after, layers)
    print(f"\nWrote digits.int8.onnx, digits.png and report.html into {options.out}")

    return {"accuracy": accuracy, "agreement": agreement, "size": size, "milliseconds": ms}


if __name__ == "__main__":
    main()
