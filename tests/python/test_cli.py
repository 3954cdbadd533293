"""Every command as a user types it."""

import contextlib
import json
import os
import subprocess
import sys

import numpy as np
import octavo
import pytest
from conftest import convnet_bytes, two_bytes
from octavo import cli


@pytest.fixture
def run(capsys):
    """run("inspect", path) -> (status, stdout, stderr)"""

    def call(*args):
        status = cli.main([str(a) for a in args])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return call


@pytest.fixture(scope="module")
def files(tmp_path_factory, samples):
    """Models and data on disk."""
    folder = tmp_path_factory.mktemp("cli")
    (folder / "net.onnx").write_bytes(convnet_bytes())
    (folder / "two.onnx").write_bytes(two_bytes())
    model = octavo.load(folder / "net.onnx")
    octavo.quantize(model, samples).save(folder / "net.int8.onnx")
    labels = model.run(samples).argmax(1)
    np.savez(folder / "calib.npz", x=samples)
    np.savez(folder / "test.npz", x=samples, y=labels)
    np.save(folder / "plain.npy", samples)
    np.savez(folder / "both.npz", a=np.ones((4, 3), np.float32), b=np.zeros((4, 3), np.float32))
    return folder


def done(result):
    status, out, err = result
    assert status == 0, err
    assert err == ""
    return out


def test_inspect(run, files):
    out = done(run("inspect", files / "net.onnx"))
    for expected in ("x: float32[?, 3, 8, 8]", "Conv", "MACs", "softmax", "would be INT8"):
        assert expected in out
    d = json.loads(done(run("inspect", files / "net.int8.onnx", "--json")))
    assert d["quantized"] and d["bytes"] == (files / "net.int8.onnx").stat().st_size
    assert {"name", "op", "precision", "reason", "macs"} <= set(d["nodes"][0])
    conv = next(n for n in d["nodes"] if n["name"] == "conv1")
    assert conv["precision"] == "int8" and conv["reason"] is None and conv["macs"] > 0
    assert "conv1" in done(run("inspect", files / "net.int8.onnx", "--all"))
    shaped = json.loads(done(run("inspect", files / "net.onnx", "--json", "--shape", "x=2x3x8x8")))
    assert shaped["inputs"][0]["shape"] == [2, 3, 8, 8]
    assert shaped["macs"] == 2 * json.loads(done(run("inspect", files / "net.onnx", "--json")))["macs"]


def test_calibrate_then_quantize(run, files, tmp_path):
    done(run("calibrate", files / "net.onnx", "--data", files / "calib.npz", "-o", tmp_path / "net.stats"))
    out = done(run("quantize", files / "net.onnx", "--stats", tmp_path / "net.stats", "-o", tmp_path / "q.onnx"))
    assert "INT8" in out and "smaller" in out
    assert (tmp_path / "q.onnx").read_bytes() == (files / "net.int8.onnx").read_bytes()
    figures = json.loads(
        done(run("calibrate", files / "net.onnx", "--data", files / "plain.npy", "-o", tmp_path / "s", "--json"))
    )
    assert figures["samples"] == 32
    assert (tmp_path / "s").read_bytes() == (tmp_path / "net.stats").read_bytes()


@pytest.mark.parametrize("recipe", ["static", "dynamic", "weight-only", "r.json"])
def test_quantize(run, files, tmp_path, recipe):
    if recipe == "r.json":
        recipe = tmp_path / "r.json"
        recipe.write_text('{"octavo": 1, "nodes": [{"match": {"op": "Gemm"}, "keep_float": true}]}')
    data = [] if recipe in ("dynamic", "weight-only") else ["--data", files / "calib.npz"]
    out = tmp_path / "q.onnx"
    figures = json.loads(done(run("quantize", files / "net.onnx", *data, "--recipe", recipe, "-o", out, "--json")))
    assert figures["bytes"] == out.stat().st_size < figures["float_bytes"] == (files / "net.onnx").stat().st_size
    assert octavo.load(out).quantized


def test_convert(run, files, tmp_path):
    done(run("convert", files / "net.int8.onnx", "--to", "qoperator", "-o", tmp_path / "qop.onnx"))
    figures = json.loads(
        done(run("convert", tmp_path / "qop.onnx", "--to", "qdq", "-o", tmp_path / "qdq.onnx", "--json"))
    )
    assert figures["operators"]["DequantizeLinear"] > 0
    assert octavo.load(tmp_path / "qop.onnx").describe()["operators"]["QLinearConv"] == 2


def test_run(run, files, samples, tmp_path):
    out = done(run("run", files / "net.int8.onnx", "--data", files / "calib.npz", "-o", tmp_path / "y.npz"))
    assert "32 samples" in out
    expected = octavo.load(files / "net.int8.onnx").run(samples)
    with np.load(tmp_path / "y.npz") as results:
        np.testing.assert_array_equal(results["y"], expected)
    for size in ("1", "7", "64"):
        done(run("run", files / "net.int8.onnx", "--data", files / "plain.npy", "-o", tmp_path / "z.npz",
                 "--batch-size", size, "--threads", 1, "--cpu-target", "reference"))  # fmt: skip
        with np.load(tmp_path / "z.npz") as results:
            np.testing.assert_array_equal(results["y"], expected)
    figures = json.loads(done(run("run", files / "two.onnx", "--data", files / "both.npz", "--json")))
    assert figures["outputs"]["total"] == {"dtype": "float32", "shape": [4, 3], "min": 1.0, "max": 1.0, "mean": 1.0}


def test_run_pads_fixed_batches(run, samples, tmp_path, files):
    (tmp_path / "five.onnx").write_bytes(convnet_bytes(batch=5))
    done(run("run", tmp_path / "five.onnx", "--data", files / "plain.npy", "-o", tmp_path / "y.npz"))
    with np.load(tmp_path / "y.npz") as results:
        np.testing.assert_array_equal(results["y"], octavo.load(files / "net.onnx").run(samples))


def test_evaluate(run, files):
    args = ["evaluate", files / "net.int8.onnx", "--data", files / "test.npz", "--labels", "y"]
    assert "Top-1" in done(run(*args))
    figures = json.loads(done(run(*args, "--against", files / "net.onnx", "--json", "--threads", 2)))
    assert figures["against"]["top1"] == 100
    assert figures["model"]["top1"] == figures["agreement"] >= 90
    assert figures["model"]["bytes"] == (files / "net.int8.onnx").stat().st_size
    assert figures["model"]["ms"] > 0 and figures["samples"] == 32
    out = done(run(*args, "--against", files / "net.onnx", "--cpu-target", octavo.cpu_targets()[0]))
    assert "same answer" in out and "smaller" in out


def test_report(run, files, tmp_path):
    args = ["report", files / "net.onnx", files / "net.int8.onnx", "--data", files / "calib.npz"]
    out = done(run(*args, "-o", tmp_path / "r.html"))
    assert "dB" in out and (tmp_path / "r.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    figures = json.loads(done(run(*args, "-o", tmp_path / "r.json", "--json")))
    assert figures["layers"] and json.loads((tmp_path / "r.json").read_text())["layers"]


def test_profile(run, files, tmp_path):
    out = done(run("profile", files / "net.int8.onnx", "--runs", 2, "--threads", 1, "-o", tmp_path / "p.html"))
    assert "us a run" in out and "of peak" in out and "p.html" in out
    assert (tmp_path / "p.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    d = json.loads(done(run("profile", files / "net.onnx", "--data", files / "calib.npz", "--threads", 2, "--json")))
    assert (
        d["threads"] == 2 and d["peak"]["int8"] > 0 and {s["precision"] for s in d["steps"] if s["macs"]} == {"float32"}
    )
    status, _, err = run("profile", files / "net.onnx", "-o", tmp_path / "p.txt")
    assert status == 2 and ".html or .json" in err


def test_bench(run, files, tmp_path):
    quick = ["--rounds", 2, "--seconds", 0.02]
    out = done(run("bench", files / "net.onnx", files / "net.int8.onnx", "--threads", "1,2", *quick))
    assert "Median ms" in out and "x" in out
    done(run("bench", files / "net.onnx", *quick, "--json", tmp_path / "b.json"))
    row = json.loads((tmp_path / "b.json").read_text())["rows"][0]
    assert row["runtime"] == "octavo" and row["ms"] > 0 and len(row["rounds_ms"]) == 2
    assert 0 < row["share_of_peak"] < 1
    d = json.loads(done(run("bench", files / "two.onnx", *quick, "--cpu-target", "reference", "--json")))
    assert d["cpu_target"] == "reference"


def test_bench_against_others(run, files):
    pytest.importorskip("onnxruntime")
    args = ["bench", files / "net.onnx", "--against", "onnxruntime", "--rounds", 2, "--seconds", 0.02, "--json"]
    rows = json.loads(done(run(*args)))["rows"]
    assert [r["runtime"] for r in rows] == ["octavo", "onnxruntime"]
    assert rows[1]["octavo_speed_over"] > 0


def test_images(run, tmp_path, files):
    image = pytest.importorskip("PIL.Image")
    for i in range(4):
        folder = tmp_path / "images" / ("a" if i < 2 else "b")
        folder.mkdir(parents=True, exist_ok=True)
        image.new("RGB", (20, 10), (60 * i, 10, 20)).save(folder / f"{i}.png")
    options = [
        "--data",
        tmp_path / "images",
        "--size",
        "8x8",
        "--mean",
        "0.5",
        "--std",
        "0.5,0.5,0.5",
        "--layout",
        "NCHW",
    ]
    done(run("calibrate", files / "net.onnx", *options, "-o", tmp_path / "s"))
    assert octavo.Statistics.load(tmp_path / "s").samples == 4
    figures = json.loads(done(run("evaluate", files / "net.onnx", *options, "--labels", "class", "--json")))
    assert figures["samples"] == 4


FAILURES = {
    "missing model": (["inspect", "missing.onnx"], "missing.onnx"),
    "garbage": (["inspect", "garbage.onnx"], "garbage.onnx"),
    "missing data": (["run", "net.onnx", "--data", "missing.npz"], "missing.npz"),
    "wrong data": (["run", "two.onnx", "--data", "calib.npz"], "calib.npz"),
    "wrong shape": (["run", "net.onnx", "--data", "small.npy"], "net.onnx"),
    "no labels": (["evaluate", "net.onnx", "--data", "test.npz", "--labels", "z"], "'z'"),
    "missing stats": (["quantize", "net.onnx", "--stats", "missing.stats", "-o", "o.onnx"], "missing.stats"),
    "missing recipe": (["quantize", "net.onnx", "--data", "calib.npz", "--recipe", "m.json", "-o", "o"], "m.json"),
    "bad recipe": (["quantize", "net.onnx", "--data", "calib.npz", "--recipe", "bad.json", "-o", "o"], "shceme"),
    "nowhere to write": (["quantize", "net.onnx", "--data", "calib.npz", "-o", "/nowhere/o.onnx"], "nowhere"),
    "nowhere to write results": (["run", "net.onnx", "--data", "calib.npz", "-o", "/nowhere/y.npz"], "nowhere"),
    "quantized already": (["quantize", "net.int8.onnx", "--recipe", "dynamic", "-o", "o.onnx"], "net.int8.onnx"),
    "unknown target": (["run", "net.onnx", "--data", "calib.npz", "--cpu-target", "abacus"], "abacus"),
    "labels in words": (["evaluate", "net.onnx", "--data", "words.npz", "--labels", "y"], "indices"),
    "half an archive": (["run", "net.onnx", "--data", "half.npz"], "half.npz"),
    "no data at all": (["run", "net.onnx", "--data", "net.onnx"], "not an .npz"),
    "bench on an unknown target": (["bench", "net.onnx", "--cpu-target", "abacus"], "net.onnx: cpu target 'abacus'"),
    "too many means": (["run", "net.onnx", "--data", "images", "--mean", "1,2"], "mean has 2 values"),
    "a broken image": (["run", "net.onnx", "--data", "broken", "--size", "8x8"], "0.png"),
    "no images": (["run", "net.onnx", "--data", "nothing"], "no images"),
    "swapped models": (["report", "net.int8.onnx", "net.onnx", "--data", "calib.npz", "-o", "r.html"], "float model"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_failures_are_one_line(run, files, name, monkeypatch):
    monkeypatch.chdir(files)
    (files / "garbage.onnx").write_bytes(b"\x08garbage")
    (files / "bad.json").write_text('{"octavo": 1, "shceme": "static"}')
    np.save(files / "small.npy", np.zeros((4, 3, 8, 7), np.float32))
    np.savez(files / "words.npz", x=np.zeros((2, 3, 8, 8), np.float32), y=np.array(["cat", "dog"]))
    (files / "half.npz").write_bytes((files / "calib.npz").read_bytes()[:2000])
    for folder in ("images", "broken", "nothing"):
        (files / folder).mkdir(exist_ok=True)
    pytest.importorskip("PIL.Image").new("RGB", (8, 8)).save(files / "images" / "0.png")
    (files / "broken" / "0.png").write_bytes(b"no image")
    args, says = FAILURES[name]
    status, out, err = run(*args)
    assert status == 1
    assert err.count("\n") == 1 and err.startswith(f"octavo {args[0]}: ") and says in err
    assert out == ""
    assert not (files / "o.onnx").exists()


WRONG_USAGE = [
    [],
    ["fly"],
    ["inspect"],
    ["inspect", "a.onnx", "--wings"],
    ["run", "a.onnx"],
    ["run", "a.onnx", "--data", "x", "--threads", "many"],
    ["run", "a.onnx", "--data", "x", "--threads", "-1"],
    ["calibrate", "a.onnx", "--data", "x"],
    ["quantize", "a.onnx", "--data", "x", "--stats", "y", "-o", "z"],
    ["quantize", "a.onnx", "-o", "z"],
    ["convert", "a.onnx", "--to", "tflite", "-o", "z"],
    ["report", "a.onnx", "b.onnx", "--data", "x", "-o", "r.pdf"],
    ["bench", "a.onnx", "--against", "abacus"],
    ["bench", "a.onnx", "--threads", "0"],
    ["inspect", "a.onnx", "--shape", "x=one"],
    ["calibrate", "a.onnx", "--data", "x", "-o", "y", "--size", "8x8x8"],
]


@pytest.mark.parametrize("args", WRONG_USAGE, ids=" ".join)
def test_wrong_usage(run, args):
    status, out, err = run(*args)
    assert status == 2
    assert err and out == ""


def test_progress_is_for_terminals(files):
    """A bar on a terminal, nothing in a pipe."""
    pty = pytest.importorskip("pty")
    data = ["--data", str(files / "calib.npz"), "--batch-size", "1", "-o", str(files / "progress.stats")]
    command = [sys.executable, "-m", "octavo", "calibrate", str(files / "net.onnx"), *data]
    piped = subprocess.run(command, capture_output=True, text=True)
    assert piped.returncode == 0 and piped.stderr == "" and piped.stdout.count("\n") == 1
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=theirs, env={**os.environ, "TERM": "xterm"}
    ) as process:
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):  # how Linux says that the other end is closed
            while chunk := os.read(ours, 4096):
                shown += chunk
        assert b"calibrating" in shown and b"32/32" in shown
        assert process.stdout.read().count(b"\n") == 1
    os.close(ours)


def test_help_and_version(run):
    assert octavo.__version__ in done(run("--version"))
    for command in ("inspect", "calibrate", "quantize", "convert", "run", "evaluate", "report", "bench"):
        assert "usage" in done(run(command, "--help"))


def test_as_a_program(files):
    command = [sys.executable, "-m", "octavo", "inspect", str(files / "net.onnx"), "--json"]
    good = subprocess.run(command, capture_output=True, text=True)
    assert good.returncode == 0 and json.loads(good.stdout)["nodes"] and good.stderr == ""
    bad = subprocess.run([*command[:-2], "missing.onnx"], capture_output=True, text=True)
    assert bad.returncode == 1 and bad.stderr.count("\n") == 1
    assert subprocess.run([*command[:3], "fly"], capture_output=True).returncode == 2
    with subprocess.Popen(command[:-1], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()  # as `| head` does
        assert b"Traceback" not in process.stderr.read()
