"""The stubs say what the extension module has, and every public name is documented."""

import ast
import importlib.util
import inspect
import pathlib
import subprocess
import sys

import octavo
import pytest
from octavo import _core


def stub_names(body, prefix=""):
    names = set()
    for node in body:
        if isinstance(node, ast.ClassDef):
            names |= {prefix + node.name} | stub_names(node.body, prefix + node.name + ".")
        elif isinstance(node, ast.FunctionDef):
            names.add(prefix + node.name)
    return names


def module_names():
    names = set()
    for name, value in vars(_core).items():
        if name.startswith("_"):
            continue
        names.add(name)
        if inspect.isclass(value):
            names |= {
                f"{name}.{member}" for member in vars(value) if not member.startswith("_") or member == "__init__"
            }
    return names


def test_stubs_match_the_module():
    stub = pathlib.Path(octavo.__file__).with_name("_core.pyi")
    if not stub.exists():
        stub = pathlib.Path(__file__).resolve().parents[2] / "bindings/python/octavo/_core.pyi"
    listed = stub_names(ast.parse(stub.read_text(encoding="utf-8")).body)
    constructed = {n for n in module_names() if not n.endswith(".__init__")}
    assert {n for n in listed if not n.endswith(".__init__")} == constructed


def test_everything_public_is_documented():
    """Classes, functions, methods and properties; not what a named tuple or an enumeration brings along."""
    missing = []
    for name in octavo.__all__:
        value = getattr(octavo, name)
        if not inspect.isclass(value) and not inspect.isfunction(value):
            continue
        members = vars(value).items() if inspect.isclass(value) else ()
        documented = [(name, value)] + [(f"{name}.{m}", v) for m, v in members if not m.startswith("_")]
        for path, member in documented:
            if isinstance(member, (property, classmethod, staticmethod)) or callable(member):
                text = getattr(member, "__doc__", None)
                if not text or text.startswith(f"{name}("):  # what dataclasses and named tuples make up
                    missing.append(path)
    assert not missing


def test_types():
    if importlib.util.find_spec("mypy") is None:
        pytest.skip("mypy is not installed")
    package = pathlib.Path(__file__).resolve().parents[2] / "bindings" / "python" / "octavo"
    done = subprocess.run([sys.executable, "-m", "mypy", "--ignore-missing-imports", package], capture_output=True)
    assert done.returncode == 0, done.stdout.decode()


def test_importing_is_quiet_and_light():
    code = "import sys, octavo; print([m for m in ('rich', 'PIL', 'matplotlib', 'onnx') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]" and done.stderr == ""
