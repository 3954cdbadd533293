"""INT8 models that ONNX Runtime's tools wrote, in each of their forms: run here as there, as integers, converted and not."""

import numpy as np
import octavo
import pytest
from support import ort, shared
from support.octavo_model import nodes

tasks = shared.tasks()
pytestmark = [
    pytest.mark.skipif(tasks is None, reason=shared.MISSING),
    pytest.mark.skipif(not ort.version(), reason="onnxruntime is not installed"),
]

NETWORKS = ("ic_resnet8", "kws_dscnn", "vww_mobilenetv1", "ad_autoencoder", "resnet20")
FORMS = ("QDQ uint8 per_channel", "QDQ int8", "QOperator uint8", "QOperator int8 per_channel")


@pytest.fixture(scope="module")
def task(request):
    return tasks[request.param]()


@pytest.fixture(scope="module")
def theirs(request, task, tmp_path_factory):
    """(file, images, what ONNX Runtime answers)"""
    form, activations, *per_channel = request.param.split()
    path = tmp_path_factory.mktemp("theirs") / "theirs.onnx"
    ort.quantize(task.model, task.calibration[:50], path, form, activations, bool(per_channel))
    images = task.calibration[:40]
    return path, images, ort.runner(path, batch=20)(images)


def top1(scores):
    return scores.reshape(len(scores), -1).argmax(1)


@pytest.mark.parametrize("task", NETWORKS, indirect=True)
@pytest.mark.parametrize("theirs", FORMS, indirect=True)
def test_same_answers(theirs, table, request):
    path, images, expected = theirs
    model = octavo.load(path)
    ours = model.run(images)
    errors = [n for n in nodes(model) if n["op"] in ("Conv", "Gemm", "MatMul", "Add") and n["precision"] != "int8"]
    assert errors == []
    row = request.node.callspec.id
    error = float(np.abs(ours - expected).max() / np.ptp(expected))
    table("models of ONNX Runtime").add(row, **{"error / range": f"{error:.1e}"})
    assert (top1(ours) == top1(expected)).mean() >= 0.97
    # Where a value sits on a rounding edge the two may part by a step; of a few thousand values per image.
    assert error < 0.08
    for form in ("qdq", "qoperator"):
        assert octavo.convert(model, form).run(images).tobytes() == ours.tobytes(), form


@pytest.mark.parametrize("task", NETWORKS, indirect=True)
def test_dynamic(task, tmp_path):
    path = tmp_path / "dynamic.onnx"
    ort.quantize_dynamic(task.model, path)
    images = task.calibration[:20]
    expected, ours = ort.runner(path, batch=1)(images), octavo.load(path)
    ours = np.concatenate([ours.run(images[i : i + 1]) for i in range(len(images))])
    assert np.abs(ours - expected).max() <= 1e-4 * np.ptp(expected)
