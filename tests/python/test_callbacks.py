"""Functions of the caller's that the library calls: progress, observers, log. What they raise comes out, or is reported."""

import gc
import logging
import threading

import numpy as np
import octavo
import pytest
from conftest import convnet_bytes


@pytest.fixture(scope="module")
def stats(convnet, samples):
    return octavo.calibrate(convnet, samples)


class Stop(Exception):
    """Known to nobody but this file."""


def stop(*_):
    raise Stop("enough")


def test_progress_of_a_quantization(convnet, stats):
    told = []
    octavo.quantize(convnet, stats, progress=lambda fraction, what: told.append((fraction, what)))
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions) and fractions[0] >= 0 and fractions[-1] <= 1
    assert all(isinstance(what, str) and what for _, what in told)


def test_progress_of_batches(convnet, int8, samples):
    for work in (octavo.calibrate, lambda m, data, **kw: octavo.report(m, int8, data, **kw)):
        told = []
        work(convnet, samples, batch_size=8, progress=lambda fraction, what, told=told: told.append(fraction))
        assert told == [0.25, 0.5, 0.75, 1.0]
        told.clear()
        work(
            convnet, iter([samples[:2], samples[2:]]), progress=lambda fraction, what, told=told: told.append(fraction)
        )
        assert told == [None, None]


@pytest.mark.parametrize("on_main_thread", [True, False])
def test_what_progress_raises_comes_out(convnet, int8, samples, stats, on_main_thread):
    caught = []

    def work():
        for call in (
            lambda: octavo.quantize(convnet, stats, progress=stop),
            lambda: octavo.quantize(convnet, samples, progress=stop),
            lambda: octavo.calibrate(convnet, samples, progress=stop),
            lambda: octavo.report(convnet, int8, samples, progress=stop),
            lambda: octavo.quantize(convnet, stats, observer=stop),
        ):
            with pytest.raises(Stop, match="enough") as e:
                call()
            caught.append(e.value)

    if on_main_thread:
        work()
    else:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert len(caught) == 5
    assert octavo.quantize(convnet, stats).to_bytes() == int8.to_bytes()


def test_an_observer_sees_what_was_counted(convnet, samples, stats):
    seen = {}

    def observe(h):
        seen[h.name] = h
        return h.min, h.max

    quantized = octavo.quantize(convnet, stats, observer=observe)
    x = seen["x"]
    assert x.count == samples.size == x.counts.sum()
    assert (x.min, x.max) == (samples.min(), samples.max())
    assert np.all(x.lows <= x.highs) and np.all(x.highs[:-1] <= x.lows[1:]) and np.all(x.counts > 0)
    for low, high, count in list(zip(x.lows, x.highs, x.counts))[:: max(1, len(x.lows) // 20)]:
        inside = np.count_nonzero((samples >= np.float32(low)) & (samples <= np.float32(high)))
        assert inside >= count  # the bins' ends are rounded outwards at most
    assert np.all((x.highs - x.lows) <= np.maximum(np.abs(x.lows), np.abs(x.highs)) / 32 + 1e-9)
    # The choice of least and greatest is that of the built-in observer.
    built_in = octavo.quantize(convnet, stats, recipe={"octavo": 1, "activations": {"observer": "min_max"}})
    np.testing.assert_array_equal(quantized.run(samples), built_in.run(samples))


def test_an_observer_for_some_values(convnet, samples, stats):
    names = []

    def observe(h):
        names.append(h.name)
        return np.float32(h.min), h.max / 2

    recipe = {"octavo": 1, "nodes": [{"match": {"name": "conv2"}, "observer": {"name": "custom"}}]}
    quantized = octavo.quantize(convnet, stats, recipe=recipe, observer=observe)
    assert len(names) == 1
    assert not np.array_equal(quantized.run(samples), octavo.quantize(convnet, stats).run(samples))


@pytest.mark.parametrize(
    "answer",
    [None, 1.0, (), (0.0,), (0.0, 1.0, 2.0), ("a", "b"), (1.0, -1.0), (np.nan, 1.0), (-np.inf, np.inf), {}, (None, 1)],
    ids=str,
)
def test_an_observers_answer_that_is_no_range(convnet, stats, answer):
    with pytest.raises(octavo.Error) as e:
        octavo.quantize(convnet, stats, observer=lambda h: answer)
    assert e.value.code == octavo.Status.INVALID_ARGUMENT
    assert "'" in str(e.value) or "value" in str(e.value)


def test_an_observer_and_a_recipe_must_agree(convnet, stats):
    with pytest.raises(octavo.Error) as e:
        octavo.quantize(convnet, stats, recipe="static", observer=lambda h: (h.min, h.max))
    assert e.value.code == octavo.Status.INVALID_ARGUMENT and "custom" in str(e.value)
    with pytest.raises(octavo.Error) as e:
        octavo.quantize(convnet, stats, recipe={"octavo": 1, "activations": {"observer": "custom"}})
    assert e.value.code == octavo.Status.INVALID_ARGUMENT


def test_callbacks_may_use_the_library(convnet, samples, stats):
    results = []

    def observe(h):
        gc.collect()
        results.append(convnet.run(samples[:1]))
        return h.min, h.max

    octavo.quantize(convnet, stats, observer=observe, progress=lambda *_: octavo.calibrate(convnet, samples[:2]))
    assert all(np.array_equal(r, results[0]) for r in results) and results


def test_log():
    told = []
    context = octavo.Context(log=lambda level, message: told.append((level, message)), log_level=logging.DEBUG)
    model = octavo.load(convnet_bytes(), context=context)
    assert [level for level, _ in told] == [logging.INFO] and "8 nodes" in told[0][1]
    context.close()
    del context
    gc.collect()
    octavo.quantize(model, recipe="dynamic")  # what it tells has somebody to tell it to
    assert {level for level, _ in told} == {logging.INFO, logging.DEBUG}
    assert any("softmax" in message for level, message in told if level == logging.DEBUG)
    assert all("\n" not in message and message for _, message in told)
    quiet = []
    octavo.load(convnet_bytes(), context=octavo.Context(log=lambda *a: quiet.append(a), log_level=logging.WARNING))
    assert not quiet


def test_log_into_logging(caplog):
    with caplog.at_level(logging.DEBUG, logger="octavo"):
        context = octavo.Context(log=logging.getLogger("octavo").log, log_level=logging.DEBUG)
        octavo.load(convnet_bytes(), context=context)
    assert caplog.records


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_what_log_raises_stops_nothing(monkeypatch):
    unraised = []
    monkeypatch.setattr("sys.unraisablehook", lambda what: unraised.append(what.exc_type))
    context = octavo.Context(log=stop, log_level=logging.DEBUG)
    assert octavo.load(convnet_bytes(), context=context).run(np.zeros((1, 3, 8, 8), np.float32)).shape == (1, 4)
    assert unraised and set(unraised) == {Stop}
