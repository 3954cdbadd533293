"""Time of one inference, ours and other runtimes', measured so that they can be compared.

Each contestant lives in a process of its own and waits while another one runs. Rounds alternate between them, so that whatever
else the machine does meets all alike; the figures are medians over rounds of each round's median.

    measure([Contestant("octavo", "net.int8.onnx", threads=2), Contestant("onnxruntime", "net.onnx", threads=2)], {"x": array})
"""

import sys

if __name__ == "__main__":
    sys.path.pop(0)  # started as a file: the modules beside it are not meant to be found by bare names

import contextlib  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import statistics  # noqa: E402
import subprocess  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
from dataclasses import dataclass, field  # noqa: E402

RUNTIMES = ("octavo", "onnxruntime", "openvino")  # that run ONNX files; "pytorch" runs TorchScript


@dataclass
class Contestant:
    runtime: str  # one of RUNTIMES, or "pytorch"
    model: str  # path
    threads: int = 1
    cpu_target: str | None = None  # of octavo
    python: str | None = None  # interpreter that has the runtime; None: this one
    # What came out:
    error: str | None = None  # why there are no figures
    version: str | None = None
    load_ms: float | None = None  # from the path to the end of the first inference
    rounds_ms: list = field(default_factory=list)  # median of each round
    best_ms: float | None = None
    peaks: list = field(default_factory=list)  # of octavo, after each round: the INT8 peak of as many threads, MAC/s

    @property
    def ms(self):
        return statistics.median(self.rounds_ms) if self.rounds_ms else None

    @property
    def peak(self):
        return max(self.peaks, default=None)

    def speed_of(self, other):
        """How many times as fast as another contestant of the same measurement, round against round."""
        pairs = list(zip(self.rounds_ms, other.rounds_ms))
        return statistics.median(b / a for a, b in pairs) if pairs else None


def measure(contestants, inputs, rounds=7, seconds=0.7, progress=None):
    """Fills the contestants in. `inputs`: arrays by input name. `seconds`: of one round of one contestant, at least three
    inferences. progress(done, of) is called between rounds."""
    import numpy as np

    with tempfile.TemporaryDirectory(prefix="octavo-bench-") as folder, contextlib.ExitStack() as stack:
        data = os.path.join(folder, "inputs.npz")
        np.savez(data, **inputs)
        workers = []
        for c in contestants:
            c.error, c.rounds_ms, c.best_ms, c.peaks = None, [], None, []
            worker = stack.enter_context(_Worker(c, data))
            c.error = worker.ask({"model": str(c.model), "inputs": data, "runtime": c.runtime, "threads": c.threads,
                                  "cpu_target": c.cpu_target}).get("error")  # fmt: skip
            c.version, c.load_ms = worker.answer.get("version"), worker.answer.get("load_ms")
            if not c.error:
                workers.append((c, worker))
        for number in range(rounds):
            # Each round starts with another one: nobody always follows the one that heats the machine most.
            for c, worker in workers[number % max(1, len(workers)) :] + workers[: number % max(1, len(workers))]:
                if c.error:
                    continue
                times = worker.ask({"seconds": seconds}).get("ms")
                if times:
                    c.rounds_ms.append(statistics.median(times))
                    c.best_ms = min(times) if c.best_ms is None else min(c.best_ms, *times)
                    c.peaks += worker.answer.get("peak", [])
                else:
                    c.error = worker.answer.get("error")
                    c.rounds_ms = []
            if progress:
                progress(number + 1, rounds)
    return contestants


class _Worker:
    """The process of one contestant, and the conversation with it: one JSON object a line, each way."""

    def __init__(self, contestant, data):
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 (closed in __exit__)
        command = [contestant.python or sys.executable, os.path.abspath(__file__)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True
        )
        self.answer = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.errors.close()

    def ask(self, question):
        line = ""
        with contextlib.suppress(OSError):
            self.process.stdin.write(json.dumps(question) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        if line:
            self.answer = json.loads(line)
        else:
            self.errors.seek(0)
            said = self.errors.read().strip().splitlines()
            self.answer = {"error": said[-1] if said else f"ended with status {self.process.wait()}"}
        return self.answer


# --- in the worker's process --------------------------------------------------------------------------------------------------


def _octavo(order, x):
    import octavo

    model = octavo.load(order["model"])
    options = {"cpu_target": order["cpu_target"]} if order.get("cpu_target") else {}
    run = octavo.Session(model, threads=order["threads"], **options)
    x = next(iter(x.values())) if len(x) == 1 else x
    meter = octavo.Session(model, threads=order["threads"], profile=True)  # never runs: its profile is the peak alone
    return octavo.__version__, lambda: run(x), lambda: meter.profile().peak["int8"]


def _onnxruntime(order, x):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = order["threads"], 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(order["model"], options, providers=["CPUExecutionProvider"])
    return onnxruntime.__version__, lambda: session.run(None, x)


def _openvino(order, x):
    import openvino

    compiled = openvino.Core().compile_model(
        order["model"],
        "CPU",
        {
            "INFERENCE_NUM_THREADS": order["threads"],
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": 1,
            "INFERENCE_PRECISION_HINT": "f32",  # float means float32 here, on machines with bfloat16 too
        },
    )
    request = compiled.create_infer_request()
    return openvino.__version__.split("-")[0], lambda: request.infer(x, share_inputs=True, share_outputs=True)


def _pytorch(order, x):
    import torch

    torch.set_num_threads(order["threads"])
    model = torch.jit.load(order["model"])
    inputs = [torch.from_numpy(a) for a in x.values()]

    def run():
        with torch.inference_mode():
            return model(*inputs)

    return torch.__version__, run


_STARTS = {"octavo": _octavo, "onnxruntime": _onnxruntime, "openvino": _openvino, "pytorch": _pytorch}


def _work():
    import numpy as np

    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a runtime prints is not an answer

    def answer(**what):
        answers.write(json.dumps(what) + "\n")
        answers.flush()

    order = json.loads(sys.stdin.readline())
    try:
        with np.load(order["inputs"]) as data:
            x = {name: data[name] for name in data.files}
        start = time.perf_counter()
        version, run, *peak = _STARTS[order["runtime"]](order, x)
        run()
        load_ms = (time.perf_counter() - start) * 1e3
        for _ in range(2):
            run()
    except ImportError as e:
        return answer(error=f"{order['runtime']} is not installed ({e})")
    except Exception as e:
        kind = "" if order["runtime"] == "octavo" else f"{type(e).__name__}: "
        return answer(error=f"{kind}{e}".splitlines()[0])
    answer(version=version, load_ms=load_ms)
    for line in sys.stdin:
        seconds, times = json.loads(line)["seconds"], []
        run()  # wakes threads and caches after the others' turn
        end = time.perf_counter() + seconds
        while len(times) < 3 or time.perf_counter() < end:
            start = time.perf_counter()
            run()
            times.append((time.perf_counter() - start) * 1e3)
        answer(ms=times, peak=[measure() for measure in peak])
    return None


if __name__ == "__main__":
    _work()
