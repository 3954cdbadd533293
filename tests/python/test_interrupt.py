"""Ctrl-C stops native work and leaves everything usable."""

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import octavo
import pytest


@pytest.fixture(autouse=True)
def hears_ctrl_c():
    """Shells start background jobs deaf to SIGINT."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupt_after(seconds):
    timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    return timer


@pytest.fixture(scope="module")
def slow(digits):
    """A session that takes long: the scalar definition, on many images."""
    path, images, _ = digits
    session = octavo.Session(octavo.load(path), threads=1, cpu_target="reference")
    return session, np.concatenate([images] * 8)


def test_a_long_run_stops(slow):
    session, images = slow
    expected = session(images[:2])
    session._last = None  # how long it takes is not known
    timer = interrupt_after(0.3)
    start = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        session(images)
    stopped = time.perf_counter() - start
    timer.join()
    start = time.perf_counter()
    np.testing.assert_array_equal(session(images[:2]), expected)
    assert stopped < 20


def test_calibration_stops(digits):
    path, images, _ = digits
    model = octavo.load(path)

    def forever():
        while True:
            yield images[:64]

    timer = interrupt_after(0.3)
    with pytest.raises(KeyboardInterrupt):
        octavo.calibrate(model, forever())
    timer.join()
    assert octavo.calibrate(model, images[:4]).samples == 4


def test_progress_can_stop_a_quantization(convnet, samples):
    stats = octavo.calibrate(convnet, samples)

    class Stop(Exception):
        pass

    def progress(fraction, what):
        assert 0 <= fraction <= 1 and isinstance(what, str)
        raise Stop

    with pytest.raises(Stop):
        octavo._core.quantize(convnet._core, stats._core, None, progress, True)
    with pytest.raises(Stop):
        octavo._core.quantize(convnet._core, stats._core, None, progress, False)
    assert octavo.quantize(convnet, stats).quantized


def test_other_threads_are_left_alone(convnet, samples):
    """A worker thread cannot see signals: its work goes straight through."""
    results = []
    t = threading.Thread(target=lambda: results.append(octavo.quantize(convnet, samples)))
    t.start()
    t.join()
    assert results[0].quantized


def test_the_command_line_stops(digits, tmp_path):
    path, images, _ = digits
    np.savez(tmp_path / "x.npz", image=np.concatenate([images] * 20))
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "octavo",
            "run",
            str(path),
            "--data",
            str(tmp_path / "x.npz"),
            "--cpu-target",
            "reference",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode in (130, -signal.SIGINT), err
    assert "Traceback" not in err or process.returncode < 0
