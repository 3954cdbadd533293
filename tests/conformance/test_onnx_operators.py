"""ONNX's own tests of single operators: a right answer, or a refusal that refused.txt lists. Never a wrong answer.

refused.txt holds one test a line, a tab, and the reason. A listed test that passes fails here until its line is removed, so
the list only shrinks. `python tests/conformance/test_onnx_operators.py` writes it anew from what is refused now.
"""

import collections
import json
import os
import pathlib
import re
import signal
import subprocess
import sys

import pytest

octavo = pytest.importorskip("octavo") if __name__ != "__main__" else None

HERE = pathlib.Path(__file__).resolve().parent
LIST = HERE / "refused.txt"
LEAST_PASSES = 1300
PATIENCE = 120  # seconds for one test


def refused():
    """The committed list: test -> reason."""
    lines = LIST.read_text(encoding="utf-8").splitlines()
    return dict(line.split("\t", 1) for line in lines if line and not line.startswith("#"))


def run_all():
    """What each test came to: name -> (outcome, why). A process that dies takes only the test it was at with it."""
    results = {}
    names = None  # all of them
    while names is None or names:
        command = [sys.executable, str(HERE / "suite.py"), *(["--all"] if names is None else [])]
        worker = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONFAULTHANDLER": "1"}, start_new_session=True,
        )  # fmt: skip
        try:
            out, err = worker.communicate("" if names is None else "\n".join(names), timeout=PATIENCE * 10)
        except subprocess.TimeoutExpired:
            os.killpg(worker.pid, signal.SIGKILL)
            out, err = worker.communicate()
            err += "\nno end in sight"
        begun = None
        for line in map(json.loads, filter(None, out.splitlines())):
            if "begin" in line:
                begun = line["begin"]
            else:
                results[line["name"]] = line["outcome"], line["why"]
        if worker.returncode == 0:
            break
        assert begun is not None and begun not in results, f"the worker did not start: {err[-2000:]}"
        results[begun] = "wrong", f"the process ended with status {worker.returncode}: {err[-500:]}"
        if names is None:
            import suite

            names = list(suite.cases())
        names = [name for name in names if name not in results]
    return results


@pytest.fixture(scope="module")
def results():
    return run_all()


@pytest.fixture(scope="module")
def listed():
    return refused()


def _those(results, outcome):
    return {name: why for name, (found, why) in results.items() if found == outcome}


def _text(tests):
    return "\n" + "\n".join(f"{name}: {why}" for name, why in sorted(tests.items()))


def test_no_wrong_answer(results):
    wrong = _those(results, "wrong")
    assert not wrong, _text(wrong)


def test_refusals_are_listed(results, listed):
    new = {name: why for name, why in _those(results, "refused").items() if name not in listed}
    assert not new, f"refused, but not in refused.txt:{_text(new)}"


def test_the_list_shrinks(results, listed):
    passing = [name for name in _those(results, "passed") if name in listed]
    assert not passing, f"passed: remove from refused.txt: {', '.join(sorted(passing))}"
    unknown = [name for name in listed if name not in results]
    assert not unknown, f"no such test: remove from refused.txt: {', '.join(sorted(unknown))}"


def test_coverage(results, table):
    counts = collections.Counter(outcome for outcome, _ in results.values())
    ordinary = [n for n in results if not n.endswith("_expanded") and "_expanded_" not in n]
    figures = table("ONNX operator tests")
    figures.add("all", tests=len(results), **counts)
    figures.add("without function bodies", tests=len(ordinary), **collections.Counter(results[n][0] for n in ordinary))
    assert counts["passed"] >= LEAST_PASSES


def _reason(message):
    """The part of a refusal that does not name a place."""
    return re.sub(r"^((a )?node( \d+| '[^']*')? \(\w+\): |graph (in|out)put '[^']*' )", "", message).lstrip(": ")


def main():
    results = run_all()
    lines = [f"{name}\t{_reason(why)}" for name, why in sorted(_those(results, "refused").items())]
    head = (
        "# Tests of ONNX's suite that octavo refuses, and why. Written by test_onnx_operators.py; it may only shrink.\n"
    )
    LIST.write_text(head + "\n".join(lines) + "\n", encoding="utf-8")
    print(dict(collections.Counter(outcome for outcome, _ in results.values())))
    print(_text(_those(results, "wrong")))


if __name__ == "__main__":
    main()
