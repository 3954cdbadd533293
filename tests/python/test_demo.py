"""The demo, end to end: what it promises on its last screen is what it delivers."""

import importlib.util
import pathlib
import runpy

import matplotlib.image
import numpy as np
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


def test_quickstart_runs(capsys):
    runpy.run_path(str(EXAMPLES / "python" / "quickstart.py"), run_name="__main__")
    assert "accuracy" in capsys.readouterr().out
