"""What the library holds in memory, measured from outside: the peak of a fresh process."""

import pathlib
import shutil
import subprocess
import sys
import textwrap

import numpy as np
import octavo
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc/self/status")

MB = 1_000_000
PRELUDE = """
import sys
import numpy as np
import octavo

def peak():
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) * 1024 for line in f if line.startswith("VmHWM"))

before = peak()
"""


def growth(code, *arguments):
    """Bytes by which the peak of a fresh process grows while it runs `code`, over what the imports took."""
    program = PRELUDE + textwrap.dedent(code) + "\nprint(peak() - before)\n"
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout.split()[-1])


@pytest.fixture(scope="module")
def big(tmp_path_factory):
    """A model of 100 MB: four matrices one after the other."""
    path, rng = tmp_path_factory.mktemp("big") / "big.onnx", np.random.default_rng(0)
    side = 2500
    weights = [numpy_helper.from_array(rng.standard_normal((side, side), np.float32) / 50, f"w{i}") for i in range(4)]
    nodes = [helper.make_node("MatMul", [f"x{i}", f"w{i}"], [f"x{i + 1}"], f"layer{i}") for i in range(4)]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", side]) for name in ("x0", "x4")]
    graph = helper.make_graph(nodes, "big", ends[:1], ends[1:], weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    assert path.stat().st_size > 100 * MB
    return path


def test_loading_takes_less_than_twice_the_model(big):
    size = big.stat().st_size
    assert growth("model = octavo.load(sys.argv[1])", big) < 2 * size


def test_loading_from_memory_takes_less_than_twice_the_model(big):
    """The bytes are the caller's; what the library adds is less than twice that."""
    size = big.stat().st_size
    code = """
    data = open(sys.argv[1], "rb").read()
    before = peak()
    model = octavo.load(data)
    """
    assert growth(code, big) < 2 * size


def test_running_holds_one_more_copy_of_the_weights(big):
    """The file's pages and the weights as kernels want them; beside them one matrix (a quarter here) on its way, twice."""
    size = big.stat().st_size
    code = """
    run = octavo.Session(octavo.load(sys.argv[1]), threads=1)
    run(np.zeros((1, 2500), np.float32))
    """
    assert growth(code, big) < 2.75 * size


def test_quantizing_takes_no_more_than_loading_again(big, tmp_path):
    size = big.stat().st_size
    code = """
    octavo.quantize(octavo.load(sys.argv[1]), recipe="dynamic").save(sys.argv[2])
    """
    assert growth(code, big, tmp_path / "int8.onnx") < 2.5 * size
    assert (tmp_path / "int8.onnx").stat().st_size < 0.26 * size


def test_calibration_does_not_remember_samples(tmp_path):
    """Ten times the samples, the same peak: 4 MB of activations each would show."""
    path, rng = tmp_path / "conv.onnx", np.random.default_rng(0)
    weights = [
        numpy_helper.from_array(rng.standard_normal((16, 3, 3, 3), np.float32), "w0"),
        numpy_helper.from_array(rng.standard_normal((4, 16, 1, 1), np.float32), "w1"),
    ]
    nodes = [
        helper.make_node("Conv", ["x", "w0"], ["a"], "first", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["a"], ["b"], "relu"),
        helper.make_node("Conv", ["b", "w1"], ["y"], "second"),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, 256, 256])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 4, 256, 256])
    graph = helper.make_graph(nodes, "conv", [x], [y], weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    code = """
    rng = np.random.default_rng(1)
    batches = (rng.standard_normal((1, 3, 256, 256), np.float32) for _ in range(int(sys.argv[2])))
    stats = octavo.calibrate(octavo.load(sys.argv[1]), batches)
    """
    few, many = growth(code, path, 6), growth(code, path, 60)
    assert many < few + 8 * MB


def test_stripped_extension_module_is_small(tmp_path):
    """It contains the whole library."""
    if not shutil.which("strip"):
        pytest.skip("strip is not installed")
    modules = list(pathlib.Path(octavo.__file__).parent.glob("_core*.so"))
    assert len(modules) == 1
    subprocess.run(["strip", "-o", tmp_path / "stripped.so", modules[0]], check=True)
    assert (tmp_path / "stripped.so").stat().st_size < 4 << 20
