"""Calibration, statistics, recipes, schemes, conversion, reports, profiles."""

import json
import pickle
from html.parser import HTMLParser

import numpy as np
import octavo
import onnx
import pytest
from conftest import convnet_bytes, info, onnx_bytes, two_bytes
from onnx import TensorProto, helper


class Tags(HTMLParser):
    """Checks that tags close in order and that nothing is loaded from elsewhere."""

    def __init__(self):
        super().__init__()
        self.open, self.texts = [], []

    def handle_starttag(self, tag, attributes):
        assert not {"src", "href", "onload"} & {name for name, _ in attributes}
        assert tag not in ("script", "link", "img")
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def close(a, b):
    return np.abs(a - b).max() < 0.05


def test_forms_of_data(convnet, samples, tmp_path):
    np.savez(tmp_path / "named.npz", x=samples, y=np.arange(32))
    np.savez(tmp_path / "other.npz", anything=samples)
    np.savez(tmp_path / "fitting.npz", images=samples, labels=np.arange(32))
    np.save(tmp_path / "plain.npy", samples)
    whole = octavo.calibrate(convnet, samples).to_bytes()
    for data in (
        [samples],
        [samples[:10], samples[10:]],
        (samples[i : i + 1] for i in range(32)),
        [{"x": samples}],
        [(samples,)],
        {"x": samples},
        samples.astype(np.float64),
        tmp_path / "named.npz",
        str(tmp_path / "other.npz"),
        tmp_path / "fitting.npz",
        tmp_path / "plain.npy",
        np.load(tmp_path / "named.npz"),
    ):
        stats = octavo.calibrate(convnet, data)
        assert stats.samples == 32
        assert stats.to_bytes() == whole
        if hasattr(data, "close"):
            data.close()


def test_fixed_batch(samples):
    model = octavo.load(convnet_bytes(batch=5))
    assert octavo.calibrate(model, samples).samples == 30  # the last two do not fill a batch
    assert octavo.calibrate(model, samples[:3]).samples == 5  # filled up
    assert octavo.calibrate(model, samples[:30].reshape(6, 5, 3, 8, 8)).samples == 30  # samples are whole inputs


def test_two_inputs(two, tmp_path):
    a = np.ones((8, 3), np.float32)
    np.savez(tmp_path / "both.npz", a=a, b=2 * a)
    expected = octavo.calibrate(two, [(a, 2 * a)]).to_bytes()
    assert octavo.calibrate(two, tmp_path / "both.npz").to_bytes() == expected
    assert octavo.calibrate(two, [{"b": 2 * a, "a": a}]).to_bytes() == expected


def test_calibrator_by_hand(convnet, samples):
    with octavo.Calibrator(convnet, threads=1, cpu_target="reference") as calibrator:
        for x in samples:
            calibrator.collect(x[None])
        stats = calibrator.finish()
        calibrator.collect(x=samples)
        assert calibrator.finish().samples == 64
    assert stats.samples == 32
    assert stats.to_bytes() == octavo.calibrate(convnet, samples).to_bytes()


def test_statistics(convnet, samples, tmp_path):
    stats = octavo.calibrate(convnet, samples)
    stats.save(tmp_path / "net.stats")
    for again in (
        octavo.Statistics.load(tmp_path / "net.stats"),
        octavo.Statistics.load(stats.to_bytes()),
        pickle.loads(pickle.dumps(stats)),
    ):
        assert again.to_bytes() == stats.to_bytes()
    halves = octavo.calibrate(convnet, samples[:16]) + octavo.calibrate(convnet, samples[16:])
    assert halves.to_bytes() == stats.to_bytes()
    d = stats.to_dict()
    assert d["samples"] == 32
    assert d["values"]["x"]["min"] == samples.min()
    assert d["values"]["x"]["count"] == samples.size
    assert "32 samples" in repr(stats)


def test_same_bytes_every_time(convnet, samples, int8):
    stats = octavo.calibrate(convnet, samples)
    assert octavo.quantize(convnet, stats).to_bytes() == int8.to_bytes()
    assert octavo.quantize(octavo.load(convnet.to_bytes()), stats, recipe="static").to_bytes() == int8.to_bytes()


@pytest.mark.parametrize("scheme", ["static", "dynamic", "weight-only"])
def test_schemes(convnet, samples, scheme):
    quantized = octavo.quantize(convnet, samples if scheme == "static" else None, recipe=scheme)
    assert quantized.describe()["scheme"] == scheme
    assert len(quantized.to_bytes()) < len(convnet.to_bytes())
    assert close(quantized.run(samples), convnet.run(samples))


@pytest.mark.parametrize("observer", ["min_max", "moving_average", "histogram", "percentile", "entropy", "mse"])
def test_observers(convnet, samples, observer):
    recipe = {"octavo": 1, "scheme": "static", "activations": {"dtype": "uint8", "observer": observer}}
    quantized = octavo.quantize(convnet, samples, recipe=recipe)
    assert observer in quantized.metadata["octavo.recipe"]
    assert close(quantized.run(samples), convnet.run(samples))


def test_moving_average_must_be_asked_for(convnet, samples):
    recipe = {"octavo": 1, "activations": {"observer": "moving_average"}}
    with pytest.raises(ValueError, match="moving_average"):
        octavo.quantize(convnet, octavo.calibrate(convnet, samples), recipe=recipe)
    asked = octavo.calibrate(convnet, samples, observer="moving_average")
    assert octavo.quantize(convnet, asked, recipe=recipe).quantized


def test_recipes(convnet, samples, tmp_path):
    rule = {"match": {"op": "Gemm", "name": "head*"}, "keep_float": True}
    recipe = {"octavo": 1, "scheme": "static", "nodes": [rule]}
    (tmp_path / "r.json").write_text(json.dumps(recipe))
    made = octavo.Recipe(recipe)
    assert made == octavo.Recipe(tmp_path / "r.json") == octavo.Recipe(json.dumps(recipe))
    assert made == pickle.loads(pickle.dumps(made)) and hash(made) == hash(octavo.Recipe(recipe))
    assert made != octavo.Recipe("dynamic")
    assert octavo.Recipe(made.to_dict()) == made
    assert "head*" in repr(made)
    results = {
        octavo.quantize(convnet, samples, recipe=r).to_bytes()
        for r in (recipe, made, tmp_path / "r.json", str(tmp_path / "r.json"))
    }
    assert len(results) == 1
    nodes = octavo.load(results.pop()).describe()["nodes"]
    head = next(n for n in nodes if n["name"] == "head")
    assert head["precision"] == "float32" and head["reason"] == "keep_float"


@pytest.mark.parametrize(
    ("recipe", "says"),
    [
        ({"octavo": 1, "shceme": "static"}, "shceme"),
        ({"octavo": 1, "scheme": "fast"}, "weight-only"),
        ({"octavo": 2}, "octavo"),
        ({"octavo": 1, "activations": {"observer": "best"}}, "histogram"),
        (
            {"octavo": 1, "nodes": [{"match": {"op": "Conv"}, "observer": {"name": "percentile", "percentile": 500}}]},
            "500",
        ),
        ({"octavo": 1, "nodes": {}}, "nodes"),
        ({"octavo": 1, "weights": {"granularity": "per_banana"}}, "per_channel"),
        ({"octavo": 1, "scheme": 7}, "scheme"),
        ({"octavo": 1, "x": {1, 2}}, "JSON"),
        ("{not json", "recipe"),
        ("missing.json", "missing.json"),
        (7, "int"),
    ],
)
def test_recipes_that_are_wrong(recipe, says):
    with pytest.raises(octavo.Error, match=says):
        octavo.Recipe(recipe)


def test_a_rule_that_matches_nothing(convnet, samples):
    recipe = {"octavo": 1, "nodes": [{"match": {"name": "nobody"}, "keep_float": True}]}
    with pytest.raises(ValueError, match="nobody"):
        octavo.quantize(convnet, samples, recipe=recipe)


def test_wrong_models_and_data(convnet, int8, two, samples):
    with pytest.raises(ValueError, match="needs data"):
        octavo.quantize(convnet)
    with pytest.raises(octavo.Error, match="quantized already") as e:
        octavo.calibrate(int8, samples)
    assert e.value.code == octavo.Status.INVALID_STATE
    with pytest.raises(octavo.Error, match="quantized already"):
        octavo.quantize(int8, recipe="dynamic")
    a = np.ones((1, 3), np.float32)
    with pytest.raises(ValueError, match="another model"):
        octavo.quantize(convnet, octavo.calibrate(two, [(a, a)]))
    with pytest.raises(ValueError, match="no calibration batch"):
        octavo.calibrate(convnet, [])
    with pytest.raises(ValueError, match="batch 2"):
        octavo.calibrate(convnet, [samples, samples[:, :2]])
    with pytest.raises(ValueError, match="never finite"):
        octavo.calibrate(convnet, np.full((1, 3, 8, 8), np.nan, np.float32))
    with pytest.raises(ValueError, match="path"):
        octavo.calibrate(convnet, 5)
    with pytest.raises(ValueError, match="best"):
        octavo.calibrate(convnet, samples, observer="best")


def test_convert(convnet, samples, int8):
    qoperator = octavo.convert(int8, "qoperator")
    assert any(op.startswith("QLinear") for op in qoperator.describe()["operators"])
    assert close(qoperator.run(samples), convnet.run(samples))
    back = octavo.convert(qoperator)
    assert close(back.run(samples), convnet.run(samples))
    with pytest.raises(ValueError, match="qoperator"):
        octavo.convert(int8, "tflite")


def microsoft(op, scales, more_inputs=(), triples_first=True, **attributes):
    """A model of one operator of com.microsoft on uint8 inputs with scales 0.5, 0.25, ..., result scale 0.1, zero point 100."""
    constants = {"ys": np.float32(0.1), "yz": np.uint8(100)}
    names, inputs = [], []
    for i, shape in enumerate(scales):
        constants[f"s{i}"], constants[f"z{i}"] = np.float32(0.5 / 2**i), np.uint8(120 + i)
        names += [f"x{i}", f"s{i}", f"z{i}"]
        inputs.append(info(f"x{i}", shape, TensorProto.UINT8))
    result = ["ys", "yz"]
    order = [*more_inputs, *names, *result] if triples_first else [*result, *names]
    node = helper.make_node(op, order, ["y"], "node", domain="com.microsoft", **attributes)
    inputs = [*(info(name, [4, 6], TensorProto.BOOL) for name in more_inputs), *inputs]
    model = onnx.load_from_string(onnx_bytes([node], inputs, [info("y", None, TensorProto.UINT8)], constants))
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    return model.SerializeToString()


def rounded(y):
    return np.clip(np.rint(y.astype(np.float32) / np.float32(0.1)) + 100, 0, 255).astype(np.uint8)


def test_operators_of_onnxruntime():
    random = np.random.default_rng(3)
    a, b = random.integers(80, 160, (2, 4, 6), np.uint8)
    x, z = (a - np.float32(120)) * np.float32(0.5), (b - np.float32(121)) * np.float32(0.25)
    shapes = [[4, 6], [4, 6]]

    def run(model, *arrays):
        model = octavo.load(model)
        results = [m.run(arrays) for m in (model, octavo.convert(model), octavo.convert(model, "qoperator"))]
        y, *converted = [r["y"] if isinstance(r, dict) else r for r in results]
        assert all(np.array_equal(y, other) for other in converted)
        return y.astype(int)

    def near(y, exact):
        np.testing.assert_allclose(y, rounded(exact), atol=1)

    near(run(microsoft("QLinearAdd", shapes), a, b), x + z)
    near(run(microsoft("QLinearMul", shapes), a, b), x * z)
    near(run(microsoft("QLinearConcat", shapes, triples_first=False, axis=1), a, b), np.concatenate([x, z], 1))
    mask = random.integers(0, 2, (4, 6)).astype(bool)
    near(run(microsoft("QLinearWhere", shapes, ["mask"]), mask, a, b), np.where(mask, x, z))
    near(run(microsoft("QLinearSigmoid", [[4, 6]]), a), 1 / (1 + np.exp(-x)))
    near(run(microsoft("QLinearLeakyRelu", [[4, 6]], alpha=0.25), a), np.where(x < 0, x / 4, x))
    image, pixels = a.reshape(1, 2, 3, 4), x.reshape(1, 2, 3, 4)
    near(run(microsoft("QLinearGlobalAveragePool", [[1, 2, 3, 4]]), image), pixels.mean((2, 3), keepdims=True))
    near(
        run(microsoft("QLinearAveragePool", [[1, 2, 3, 4]], kernel_shape=[3, 4]), image),
        pixels.mean((2, 3), keepdims=True),
    )
    with pytest.raises(octavo.Error, match="QLinearGlobalAveragePool"):
        octavo.load(microsoft("QLinearGlobalAveragePool", [[1, 3, 4, 2]], channels_last=1))


def test_report(convnet, int8, samples, tmp_path):
    report = octavo.report(convnet, int8, samples)
    layers = {layer.name: layer for layer in report.layers}
    assert {"head"} <= set(layers)
    measured = [layer for layer in report.layers if layer.sqnr_db is not None]
    assert len(measured) >= 3
    assert all(15 < layer.sqnr_db < 90 for layer in measured), measured
    assert all(layer.max_error > 0 and layer.float_max >= layer.float_min for layer in measured)
    worst = report.worst(2)
    assert [layer.sqnr_db for layer in worst] == sorted(layer.sqnr_db for layer in measured)[:2]
    assert report.outputs[0]["name"] == "y" and report.outputs[0]["sqnr_db"] > 15
    report.save(tmp_path / "r.json")
    report.save(str(tmp_path / "r.html"))
    assert json.loads((tmp_path / "r.json").read_text())["batches"] == 2
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>") and "<svg" in page and "http" not in page and "head" in page
    assert "<script" not in page
    assert "layers" in repr(report)
    with pytest.raises(ValueError, match=".html or .json"):
        report.save(tmp_path / "r.pdf")
    with pytest.raises(OSError, match="nowhere"):
        report.save("/nowhere/r.html")
    with pytest.raises(ValueError, match="no data"):
        octavo.report(convnet, int8, [])
    with pytest.raises(ValueError, match="not a float model"):
        octavo.report(int8, convnet, samples)


def test_report_page_is_well_formed(convnet, int8, samples):
    tags = Tags()
    tags.feed(octavo.report(convnet, int8, samples[:4]).to_html())
    assert tags.open == []


def test_reports_of_the_other_schemes(convnet, samples):
    for scheme in ("dynamic", "weight-only"):
        report = octavo.report(convnet, octavo.quantize(convnet, recipe=scheme), samples[:8])
        assert report.outputs[0]["sqnr_db"] is None or report.outputs[0]["sqnr_db"] > 15


@pytest.mark.parametrize("threads", (1, 2))
@pytest.mark.parametrize("precision", ("int8", "float32"))
def test_profile(convnet, int8, samples, tmp_path, precision, threads):
    model = int8 if precision == "int8" else convnet
    profile = octavo.profile(model, samples[:1], runs=3, threads=threads)
    assert profile.threads == threads and profile.cpu_target == octavo.cpu_targets()[0]
    convolutions = [step for step in profile.steps if "conv" in step.kernel]
    assert convolutions and all(step.precision == precision for step in convolutions)
    assert 0 < profile.seconds < 10
    peak = profile.peak[precision]
    for step in profile.steps:
        assert (step.share_of_peak is None) == (step.macs == 0)
        assert step.bytes > 0 or step.op == "padding"
    for step in convolutions:
        assert step.share_of_peak == pytest.approx(step.macs / step.seconds / peak)
    assert 0 < profile.share_of_peak < 1
    text = repr(profile)
    assert "kernel" in text and "us a run" in text and "of peak" in text
    assert json.dumps(profile.to_dict())

    tags = Tags()
    profile.save(tmp_path / "profile.html")
    tags.feed((tmp_path / "profile.html").read_text(encoding="utf-8"))
    assert tags.open == []
    cells = [text for text in tags.texts if text in {step.kernel for step in profile.steps}]
    assert len(cells) >= len(profile.steps)  # a row for each step, and rows by kernel
    profile.save(tmp_path / "profile.json")
    assert json.loads((tmp_path / "profile.json").read_text()) == profile.to_dict()
    with pytest.raises(ValueError, match="html"):
        profile.save(tmp_path / "profile.txt")


def test_profile_says_why_float(convnet, samples):
    kept = octavo.quantize(convnet, samples, recipe={"octavo": 1, "scheme": "static", "nodes": [
        {"match": {"op": "Conv"}, "keep_float": True}]})  # fmt: skip
    profile = octavo.profile(kept, samples[:1], runs=1)
    floats = [step for step in profile.steps if step.macs and step.precision == "float32"]
    assert floats and {(step.reason, step.sentence) for step in floats if step.op.startswith("Conv")} == {
        ("keep_float", "the recipe keeps it in float")}  # fmt: skip
    assert "the recipe keeps it in float" in profile.to_html() and "keep_float" in repr(profile)


def test_profile_is_asked_for(int8, samples):
    with pytest.raises(octavo.Error, match="profile"):
        octavo.Session(int8).profile()
    with pytest.raises(ValueError, match="runs"):
        octavo.profile(int8, samples[:1], runs=0)


def test_images(tmp_path):
    image = pytest.importorskip("PIL.Image")
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (6, 8, 8, 3), np.uint8)
    for i, p in enumerate(pixels):
        folder = tmp_path / ("cats" if i % 2 else "dogs")
        folder.mkdir(exist_ok=True)
        image.fromarray(p).save(folder / f"{i}.png")
    model = octavo.load(convnet_bytes())
    order = [1, 3, 5, 0, 2, 4]  # by path: cats, dogs
    mean, std = np.float32([0.5, 0.4, 0.3]), np.float32([0.2, 0.25, 0.3])
    expected = ((pixels[order] / np.float32(255) - mean) / std).transpose(0, 3, 1, 2)
    images = octavo.Images(mean=[0.5, 0.4, 0.3], std=[0.2, 0.25, 0.3])
    got = octavo.calibrate(model, tmp_path, images=images).to_dict()["values"]["x"]
    assert got["count"] == expected.size
    assert got["min"] == pytest.approx(expected.min(), rel=1e-5)
    assert octavo.calibrate(model, tmp_path).to_dict()["values"]["x"]["max"] == pixels.max()  # untouched by default
    resized = octavo.Images(size=8, layout="nchw")
    assert octavo.calibrate(model, tmp_path, images=resized).samples == 6
    with pytest.raises(ValueError, match="NHWC"):
        octavo.Images(layout="CHWN")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="no images"):
        octavo.calibrate(model, tmp_path / "empty")
    (tmp_path / "empty" / "broken.png").write_bytes(b"no picture")
    with pytest.raises(OSError, match="broken.png"):
        octavo.calibrate(model, tmp_path / "empty")


def test_two_bytes_is_not_quantizable_but_says_so():
    model = octavo.load(two_bytes())
    a = np.ones((2, 3), np.float32)
    quantized = octavo.quantize(model, [(a, a)])
    assert all(n["reason"] for n in quantized.describe()["nodes"] if n["precision"] != "int8")
