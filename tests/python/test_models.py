"""Loading, running, saving, closing."""

import copy
import gc
import pathlib
import pickle
import sys
import sysconfig
import threading

import numpy as np
import octavo
import pytest
from conftest import convnet_bytes, two_bytes


def reference(x):
    """What ONNX's own reference evaluator makes of the small network."""
    import onnx
    from onnx.reference import ReferenceEvaluator

    return ReferenceEvaluator(onnx.load_from_string(convnet_bytes())).run(None, {"x": x})[0]


def test_versions():
    version = (pathlib.Path(__file__).resolve().parents[2] / "VERSION").read_text().strip()
    assert octavo.__version__ == version
    assert octavo.cpu_targets()[-1] == "reference"
    assert len(set(octavo.cpu_targets())) == len(octavo.cpu_targets())


def test_ports(convnet, two):
    assert convnet.inputs == (octavo.Port("x", "float32", (None, 3, 8, 8)),)
    assert str(convnet.outputs[0]) == "y: float32[?, 4]"
    assert [p.name for p in two.inputs] == ["a", "b"]
    assert two.outputs[1].dtype == "int64"


def test_load_from_anything(convnet_file, tmp_path):
    data = convnet_file.read_bytes()
    x = np.ones((1, 3, 8, 8), np.float32)
    expected = octavo.load(str(convnet_file)).run(x)
    for source in (convnet_file, data, bytearray(data), memoryview(data)):
        np.testing.assert_array_equal(octavo.load(source).run(x), expected)
    named = tmp_path / "Modell ünïcode ✓.onnx"
    named.write_bytes(data)
    np.testing.assert_array_equal(octavo.load(named).run(x), expected)


def test_input_shapes(convnet_file):
    assert octavo.load(convnet_file, input_shapes=[2, 3, 8, 8]).outputs[0].shape == (2, 4)
    assert octavo.load(convnet_file, input_shapes={"x": (5, 3, 8, 8)}).inputs[0].shape == (5, 3, 8, 8)
    with pytest.raises(ValueError, match="x"):
        octavo.load(convnet_file, input_shapes=[2, 4, 8, 8])


def test_float_results(convnet, samples):
    np.testing.assert_allclose(convnet.run(samples), reference(samples), rtol=1e-4, atol=1e-6)


def test_ways_to_run(two):
    a, b = np.float32([[0, 1, 2]]), np.float32([[1, 1, 1]])
    results = [
        two.run({"a": a, "b": b}),
        two.run(a, b),
        two.run((a, b)),
        two.run([a, b]),
        two.run(b=b, a=a),
        two({"a": a, "b": b}),
        octavo.Session(two)(a, b),
    ]
    for result in results:
        assert list(result) == ["total", "positions"]
        np.testing.assert_array_equal(result["total"], a + b)
        np.testing.assert_array_equal(result["positions"], np.nonzero(a))


def test_one_in_one_out(convnet, samples):
    array = convnet.run(samples[:2])
    assert isinstance(array, np.ndarray)
    for result in (convnet.run({"x": samples[:2]}), convnet.run(x=samples[:2]), convnet.run([samples[:2]])):
        np.testing.assert_array_equal(result["y"], array)


def test_outputs_are_the_callers_own(convnet, samples):
    session = octavo.Session(convnet)
    first = session(samples[:1])
    kept = first.copy()
    second = session(samples[1:2])
    np.testing.assert_array_equal(first, kept)
    assert first.flags.owndata and first.flags.writeable
    assert not np.shares_memory(first, second)


def test_shapes_change(convnet, samples):
    session = octavo.Session(convnet)
    for n in (1, 5, 2, 32, 1):
        assert session(samples[:n]).shape == (n, 4)


def test_out(convnet, two, samples):
    session = octavo.Session(convnet)
    out = np.empty((2, 4), np.float32)
    assert session.run(samples[:2], out=out) is out
    np.testing.assert_array_equal(out, session(samples[:2]))
    a = np.float32([[1, 0, 1]])
    total = np.empty((1, 3), np.float32)
    assert octavo.Session(two).run(a, a, out={"total": total})["total"] is total
    for wrong in (
        np.empty((2, 5), np.float32),
        np.empty((2, 4), np.float64),
        np.empty((4, 2), np.float32).T,
        np.broadcast_to(np.float32(0), (2, 4)),
        {"z": out},
        [1.0],
    ):
        with pytest.raises(octavo.Error):
            session.run(samples[:2], out=wrong)


def test_targets_and_threads_agree(int8, samples):
    results = {
        octavo.Session(int8, threads=threads, cpu_target=target)(samples).tobytes()
        for target in octavo.cpu_targets()
        for threads in (1, 2, 3)
    }
    assert len(results) == 1
    assert octavo.Session(int8, cpu_target="reference").cpu_target == "reference"


def test_save_and_load_again(int8, samples, tmp_path):
    path = tmp_path / "out.onnx"
    int8.save(path)
    again = octavo.load(path)
    assert path.read_bytes() == int8.to_bytes() == again.to_bytes()
    np.testing.assert_array_equal(again.run(samples), int8.run(samples))
    again.save(path)  # over the file it is mapped from
    np.testing.assert_array_equal(again.run(samples), int8.run(samples))
    int8.save(tmp_path / "external.onnx", external_data=True)
    np.testing.assert_array_equal(octavo.load(tmp_path / "external.onnx").run(samples), int8.run(samples))
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_other_runtimes_read_it(int8, samples):
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(int8.to_bytes(), providers=["CPUExecutionProvider"])
    theirs = session.run(None, {"x": samples})[0]
    np.testing.assert_allclose(int8.run(samples), theirs, atol=0.02)


def test_repr_tells_the_story(convnet, int8):
    assert "float32" in repr(convnet) and "x: float32[?, 3, 8, 8]" in repr(convnet)
    assert "INT8" in repr(int8) and "nodes" in repr(int8) and "kB" in repr(int8)
    assert "Session" in repr(octavo.Session(int8, threads=1))
    assert not convnet.quantized and int8.quantized


def test_pickle(int8, samples):
    for copied in (pickle.loads(pickle.dumps(int8)), copy.deepcopy(int8)):
        np.testing.assert_array_equal(copied.run(samples), int8.run(samples))
    with pytest.raises(TypeError, match="pickle the model"):
        pickle.dumps(octavo.Session(int8))


def test_pickled_into_another_process(int8, samples):
    import concurrent.futures
    import multiprocessing

    with concurrent.futures.ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        theirs = pool.submit(type(int8).run, int8, samples[:2]).result(timeout=120)
    np.testing.assert_array_equal(theirs, int8.run(samples[:2]))


def test_close_is_idempotent(convnet_file, samples):
    with octavo.load(convnet_file) as model, octavo.Session(model) as session:
        expected = model.run(samples[:1])
    model.close()
    session.close()
    for use in (lambda: model.run(samples[:1]), lambda: session(samples[:1]), model.to_bytes, model.describe):
        with pytest.raises(octavo.Error, match="closed") as e:
            use()
        assert e.value.code == octavo.Status.INVALID_STATE
    assert "closed" in repr(model) and "closed" in repr(session)
    assert expected.shape == (1, 4)


def test_sessions_outlive_their_model(convnet_file, samples):
    model = octavo.load(convnet_file)
    session = octavo.Session(model)
    expected = session(samples[:1])
    model.close()
    del model
    gc.collect()
    np.testing.assert_array_equal(session(samples[:1]), expected)


def test_many_threads(int8, convnet, samples):
    expected = {m: m.run(samples[:4]) for m in (int8, convnet)}
    shared = octavo.Session(int8, threads=1)
    wrong = []

    def work(number):
        try:
            own = octavo.Session(convnet, threads=1)
            for _ in range(30):
                for model in expected:
                    if not np.array_equal(model.run(samples[:4]), expected[model]):
                        wrong.append("model")
                if not np.array_equal(own(samples[:4]), expected[convnet]):
                    wrong.append("own session")
                if not np.array_equal(shared(samples[:4]), expected[int8]):
                    wrong.append("shared session")
        except Exception as e:
            wrong.append(e)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_eight_threads_with_sessions_of_their_own(int8, samples):
    """The bytes of the single thread, whatever runs beside it."""
    batches = [samples[i : i + n] for n in (1, 3, 8) for i in range(0, 24, n)]
    alone = octavo.Session(int8, threads=1)
    expected = [alone(batch).tobytes() for batch in batches]
    start, results = threading.Barrier(8), [None] * 8

    def work(number):
        session = octavo.Session(int8, threads=1 + number % 2)
        start.wait()
        results[number] = [session(batch).tobytes() for batch in batches for _ in range(3)]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert results == [[e for e in expected for _ in range(3)]] * 8


def test_two_threads_in_one_calibrator(convnet, samples):
    calibrator = octavo.Calibrator(convnet, threads=1)
    halves = samples[:16], samples[16:]

    def work(half):
        for sample in half:
            calibrator.collect(sample[np.newaxis])

    threads = [threading.Thread(target=work, args=(half,)) for half in halves]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert calibrator.finish().to_bytes() == octavo.calibrate(convnet, [s[np.newaxis] for s in samples]).to_bytes()


def test_garbage_collection_during_runs(convnet_file, samples):
    """Nothing but the running call holds the session, the model and the arrays."""
    expected = octavo.load(convnet_file).run(samples)
    done, results = threading.Event(), []

    def work():
        for _ in range(20):
            results.append(octavo.Session(octavo.load(convnet_file.read_bytes()), threads=2).run(samples.copy()))
        done.set()

    t = threading.Thread(target=work)
    t.start()
    while not done.wait(0.0005):
        gc.collect()
    t.join()
    assert len(results) == 20 and all(np.array_equal(r, expected) for r in results)


def test_runs_alike_take_the_short_way_and_give_the_same(two, int8, samples, digits):
    """Session.run goes straight to the native code where it can; everything else goes the long way."""
    session = octavo.Session(int8)
    again = session._core.again
    x = samples[:2]
    assert again(x, None) is None  # nothing is known yet
    expected = session(x)
    np.testing.assert_array_equal(again(x, None), expected)
    np.testing.assert_array_equal(again(x.copy(), None), expected)
    out = np.empty_like(expected)
    assert again(x, out) is out
    np.testing.assert_array_equal(out, expected)
    out.flags.writeable = False
    for other in (out, np.empty((2, 4)), np.empty((2, 8), np.float32)[:, ::2], np.empty((3, 4), np.float32), [out]):
        assert again(x, other) is None
    for other in (samples[:3], x.astype(np.float64), x.astype(">f4"), x[::-1], x[0], None, [x], memoryview(x)):
        assert again(other, None) is None
    assert again(np.broadcast_to(np.float32(0), x.shape), None) is None
    a = np.ones((1, 3), np.float32)
    several = octavo.Session(two)
    several(a, a)
    assert several._core.again(a, None) is None
    session.close()
    with pytest.raises(octavo.Error, match="closed"):
        again(x, None)


def test_prepare(convnet, two, samples):
    session = octavo.Session(convnet)
    assert session.prepare(samples[:5]) == (octavo.Port("y", "float32", (5, 4)),)
    y = np.empty((5, 4), np.float32)
    session.run(samples[:5], out=y)
    np.testing.assert_array_equal(y, session(samples[:5]))
    a = np.ones((2, 3), np.float32)
    assert [p.shape for p in octavo.Session(two).prepare(a, a)] == [(2, 3), (2, None)]


def test_closing_while_another_thread_runs(convnet_file, samples):
    for _ in range(20):
        model = octavo.load(convnet_file)
        session = octavo.Session(model, threads=1)
        started = threading.Event()

        def work(session=session, started=started):
            started.set()
            try:
                for _ in range(50):
                    session(samples)
            except octavo.Error as e:
                assert "closed" in str(e)

        t = threading.Thread(target=work)
        t.start()
        started.wait()
        session.close()
        model.close()
        t.join()


def test_the_gil_is_free_while_running(digits):
    path, images, _ = digits
    session = octavo.Session(octavo.load(path), threads=1, cpu_target="reference")
    ticks = 0
    done = threading.Event()

    def work():
        session(images[:60])
        done.set()

    t = threading.Thread(target=work)
    t.start()
    while not done.wait(0.001):
        ticks += 1
    t.join()
    assert ticks >= 3


@pytest.mark.skipif(not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="this Python has a global lock")
def test_free_threaded_builds_stay_free():
    assert not sys._is_gil_enabled()


def test_metadata_and_description(int8, convnet):
    assert "octavo.recipe" in int8.metadata
    d = int8.describe()
    assert d["quantized"] and d["scheme"] == "static"
    assert d["bytes"] == len(int8.to_bytes())
    assert {n["name"] for n in d["nodes"] if n["precision"] == "int8"} >= {"conv1", "conv2", "head"}
    assert all((n["reason"] is None) == (n["precision"] == "int8") for n in d["nodes"])
    softmax = next(n for n in d["nodes"] if n["op"] == "Softmax")
    assert softmax["precision"] == "float32" and softmax["reason"] and softmax["sentence"]
    macs = {n["name"]: n["macs"] for n in convnet.describe()["nodes"]}
    assert macs["conv1"] == 8 * 64 * 27 and macs["conv2"] == 16 * 16 * 72 and macs["head"] == 64


def test_bytes_are_borrowed_for_as_long_as_anybody_needs_them(samples):
    data = convnet_bytes()
    before = sys.getrefcount(data)
    model = octavo.load(data)
    session = octavo.Session(model)
    expected = session(samples)
    model.close()
    del model
    assert sys.getrefcount(data) > before
    np.testing.assert_array_equal(session(samples), expected)
    del session
    gc.collect()
    assert sys.getrefcount(data) == before
    copied = bytearray(data)  # may change: copied
    model = octavo.load(copied)
    copied[:] = bytes(len(copied))
    np.testing.assert_array_equal(model.run(samples), expected)


def test_context():
    with octavo.Context(threads=1, memory_limit=1 << 20) as context:
        model = octavo.load(convnet_bytes(), context=context)
        assert context.memory.live > 0
        with pytest.raises(MemoryError, match="memory"):
            model.run(np.zeros((512, 3, 8, 8), np.float32))
        assert model.run(np.zeros((1, 3, 8, 8), np.float32)).shape == (1, 4)
    with pytest.raises(octavo.Error) as e:
        octavo.load(convnet_bytes(), context=octavo.Context(node_limit=2))
    assert e.value.code == octavo.Status.LIMIT


def test_no_leak():
    data = two_bytes()
    a = np.ones((4, 3), np.float32)

    def use():
        with octavo.load(data) as model:
            model.run(a, a)

    context = octavo._context.default()
    for _ in range(3):
        use()
    gc.collect()
    before = context.memory.live
    for _ in range(50):
        use()
    gc.collect()
    assert context.memory.live == before
