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
    timer = interrupt_after(0.3)
    start = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        session(images)
    stopped = time.perf_counter() - start
    timer.join()
    start = time.perf_counter()
    np.testing.assert_array_equal(session(images[:2]), expected)
    assert stopped < 20


def test_a_signal_handler_cannot_use_the_session_it_interrupts(slow):
    session, images = slow
    expected = session(images[:2])
    said = []

    def handle(*_):
        try:
            session(images[:2])
        except octavo.Error as e:
            said.append(e)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, handle)
    try:
        timer = interrupt_after(0.3)
        with pytest.raises(KeyboardInterrupt):
            session(images)
        timer.join()
    finally:
        signal.signal(signal.SIGINT, before)
    assert [e.code for e in said] == [octavo.Status.INVALID_STATE]
    np.testing.assert_array_equal(session(images[:2]), expected)


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


def test_another_thread_cancels_a_run(slow):
    session, images = slow
    expected = session(images[:2])
    cancel = octavo.Cancel()
    timer = threading.Timer(0.3, cancel.request)
    timer.start()
    with pytest.raises(octavo.Error) as e:
        session.run(images, cancel=cancel)
    timer.join()
    assert e.value.code == octavo.Status.CANCELLED and cancel.requested
    with pytest.raises(octavo.Error):
        session.run(images[:2], cancel=cancel)  # still raised
    cancel.reset()
    np.testing.assert_array_equal(session.run(images[:2], cancel=cancel), expected)


def test_ctrl_c_leaves_the_callers_flag_alone(slow):
    session, images = slow
    cancel = octavo.Cancel()
    timer = interrupt_after(0.3)
    with pytest.raises(KeyboardInterrupt):
        session.run(images, cancel=cancel)
    timer.join()
    assert not cancel.requested


def test_everything_long_can_be_cancelled(convnet, samples):
    cancel = octavo.Cancel()
    stats = octavo.calibrate(convnet, samples, cancel=cancel)
    int8 = octavo.quantize(convnet, stats, cancel=cancel)
    calibrator = octavo.Calibrator(convnet)
    cancel.request()
    for work in (
        lambda: octavo.calibrate(convnet, samples, cancel=cancel),
        lambda: octavo.quantize(convnet, stats, cancel=cancel),
        lambda: octavo.quantize(convnet, samples, cancel=cancel),
        lambda: octavo.report(convnet, int8, samples, cancel=cancel),
        lambda: calibrator.collect(samples, cancel=cancel),
        lambda: convnet.run(samples, cancel=cancel),
    ):
        with pytest.raises(octavo.Error) as e:
            work()
        assert e.value.code == octavo.Status.CANCELLED
    with pytest.raises(octavo.Error, match="no calibration"):
        calibrator.finish()  # nothing of the cancelled batch was counted


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
