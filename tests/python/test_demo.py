"""The demo, end to end: what it promises on its last screen is what it delivers."""

import importlib.util
import pathlib
import re
import runpy
import subprocess
import sys

import matplotlib.image
import numpy as np
import octavo
import pytest

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """(what demo.main returned, its output folder)"""
    spec = importlib.util.spec_from_file_location("demo", EXAMPLES / "demo" / "demo.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    folder = tmp_path_factory.mktemp("demo")
    return module.main(["--out", str(folder)]), folder


def test_accuracy_survives(demo):
    result, _ = demo
    before, after = result["accuracy"]
    assert before >= 98
    assert abs(after - before) <= 1
    assert result["agreement"] >= 98


def test_file_shrinks(demo):
    result, folder = demo
    before, after = result["size"]
    assert after == (folder / "digits.int8.onnx").stat().st_size
    # Weights shrink to a quarter; scales, graph and stored recipe, 5 % of so small a file, do not.
    assert after <= 0.30 * before


def test_both_models_are_timed(demo):
    result, _ = demo
    assert all(ms > 0 for ms in result["milliseconds"])


def test_picture_and_report_are_written(demo):
    _, folder = demo
    picture = matplotlib.image.imread(folder / "digits.png")
    assert picture.shape[0] > 400 and picture.shape[1] > 800
    assert np.ptp(picture[..., :3]) > 0.9  # not blank
    assert (folder / "report.html").stat().st_size > 0


def test_quickstart_keeps_the_contract(tmp_path):
    """The lines that every language prints; the last one is compared across languages."""
    out = tmp_path / "digits.int8.onnx"
    command = [
        sys.executable,
        "examples/python/quickstart.py",
        *(f"examples/demo/digits.{e}" for e in ("onnx", "bin")),
        out,
    ]
    done = subprocess.run(command, cwd=EXAMPLES.parent, capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == ""
    first, right, scores, digest = done.stdout.splitlines()
    assert first == f"octavo {octavo.__version__} on {octavo.cpu_target()}"
    assert re.fullmatch(rf"float32 \d+, INT8 \d+ of 100 right; \d+ answers the same; wrote {out}", right)
    assert re.fullmatch(r"scores of the first held-out image:( -?\d+\.\d{4}){10}", scores)
    assert re.fullmatch(r"digest of all INT8 scores: [0-9a-f]{16}", digest)
    assert octavo.load(out).quantized


def test_tour_runs(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["tour.py", str(tmp_path)])
    tour = runpy.run_path(str(EXAMPLES / "python" / "tour.py"), run_name="__main__")
    out = capsys.readouterr().out
    assert "equal on" in out
    assert all(tour["accuracy"][name] > 0.97 for name in tour["models"])
    assert tour["kilobytes"]["histogram (default)"] < 0.3 * tour["kilobytes"]["float32"]
    for picture in ("recipes.png", "layers.png"):
        assert np.ptp(matplotlib.image.imread(tmp_path / picture)[..., :3]) > 0.9  # not blank
