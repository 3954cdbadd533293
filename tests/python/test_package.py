"""What is handed to users: the wheel that run_tests.py built, and the source package."""

import os
import pathlib
import re
import subprocess
import sys
import tarfile
import zipfile

import octavo
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def sdist(tmp_path_factory):
    """The source package, with the third-party sources in it."""
    pytest.importorskip("scikit_build_core")
    folder = tmp_path_factory.mktemp("sdist")
    names = ("highway", "protozero", "nlohmann_json", "xxhash")
    fetched = subprocess.run([sys.executable, "tests/tools/fetch_deps.py", "--dest", "build/deps", *names], cwd=ROOT)
    if fetched.returncode != 0:
        pytest.skip("third-party sources could not be fetched")
    code = "import sys; from scikit_build_core.build import build_sdist; build_sdist(sys.argv[1])"
    subprocess.run([sys.executable, "-c", code, folder], cwd=ROOT, check=True, capture_output=True)
    return next(folder.glob("octavo-*.tar.gz"))


def test_the_wheel_runs_on_other_linuxes():
    """It needs nothing but the C library, of a version that a manylinux tag names."""
    pytest.importorskip("auditwheel", reason="auditwheel is not installed (it is in tests/requirements.txt)")
    wheels = list((ROOT / "build" / "dist").glob("octavo-*.whl"))
    if not wheels:
        pytest.skip("no wheel in build/dist: tests/run_tests.py --only python builds it")
    done = subprocess.run([sys.executable, "-m", "auditwheel", "show", wheels[0]], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    assert re.search(r'consistent with the following platform tag: "manylinux_2_\d+_\w+"', said), said
    libraries = set(re.findall(r"lib[\w+]+\.so[.\d]*", said))
    assert libraries <= {"libc.so.6", "libm.so.6", "libpthread.so.0"}, said
    with zipfile.ZipFile(wheels[0]) as archive:
        names = {pathlib.PurePath(name).name for name in archive.namelist()}
    assert {"LICENSE", "LICENSE.third-party", "py.typed", "_core.pyi"} <= names


def test_the_source_package_holds_what_the_build_needs_and_no_more(sdist):
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    needed = {
        "pyproject.toml",
        "CMakeLists.txt",
        "VERSION",
        "LICENSE",
        "LICENSE.third-party",
        "README.md",
        "capi/include/octavo/octavo.h",
        "tests/tools/fetch_deps.py",
        "bindings/python/octavo/py.typed",
        "bindings/python/octavo/_core.pyi",
        "build/deps/highway/hwy/targets.cc",
        "build/deps/highway/LICENSE",
        "build/deps/include/xxhash.h",
    }
    assert needed <= names
    listed = subprocess.run(["git", "ls-files", "core", "capi", "cmake"], cwd=ROOT, capture_output=True, text=True)
    assert set(listed.stdout.split()) <= names
    folders = {"bindings/python", "capi", "cmake", "core", "build/deps", "tests/tools"}
    strangers = [n for n in names if "/" in n and not any(n.startswith(f + "/") for f in folders)]
    assert not strangers and not [n for n in names if n.endswith((".so", ".pyc", ".o"))]


@pytest.mark.slow
def test_the_source_package_builds_by_itself(sdist, tmp_path):
    """In isolation, from its own contents: nothing is fetched but the build tools from the package index."""
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    define = "--config-settings=cmake.define.OCTAVO_FETCH_DEPS=OFF"
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    subprocess.run([python, "-m", "pip", "install", "-q", define, sdist], check=True, cwd=tmp_path, env=env)
    digits = ROOT / "examples" / "demo" / "digits"
    command = [python, ROOT / "examples/python/quickstart.py", f"{digits}.onnx", f"{digits}.bin", tmp_path / "q.onnx"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=env)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"octavo {octavo.__version__} on ")
