"""The shared material: trained networks with labelled data and the exporter of well-known architectures.

It lies beside the checkout as `../shared`, or where OCTAVO_SHARED says. Exported networks lie where OCTAVO_ZOO says, or are
exported into build/zoo when a Python with torch and torchvision is at hand. Whoever finds nothing gets None and a sentence.
"""

import functools
import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = ROOT / "build" / "acceptance"
MISSING = "the shared material is missing: put it beside the checkout as ../shared or name it in OCTAVO_SHARED"


@functools.cache
def folder():
    """The folder of shared material, or None."""
    places = [os.environ["OCTAVO_SHARED"]] if os.environ.get("OCTAVO_SHARED") else [ROOT.parent / "shared"]
    # In a linked worktree the material lies beside the repository's main checkout.
    done = subprocess.run(
        ["git", "rev-parse", "--git-common-dir"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode == 0 and not os.environ.get("OCTAVO_SHARED"):
        places.append((ROOT / done.stdout.strip()).resolve().parent.parent / "shared")
    return next((p for p in map(pathlib.Path, places) if (p / "tasks.py").is_file()), None)


@functools.cache
def _module(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def tasks():
    """The table of tasks (tasks.py), or None."""
    return _module(folder() / "tasks.py").TASKS if folder() else None


def _has_torch(python):
    command = [python, "-c", "import torch, torchvision, onnx"]
    return subprocess.run(command, capture_output=True, check=False, cwd="/").returncode == 0


@functools.cache
def _torch_python():
    candidates = [os.environ.get("OCTAVO_TORCH_PYTHON"), sys.executable, "/usr/bin/python3", shutil.which("python3")]
    return next((p for p in dict.fromkeys(filter(None, candidates)) if os.access(p, os.X_OK) and _has_torch(p)), None)


@functools.cache
def network(name):
    """(path of an exported architecture, None) or (None, why there is none)."""
    given = os.environ.get("OCTAVO_ZOO")
    if given and (pathlib.Path(given) / f"{name}.onnx").is_file():
        return pathlib.Path(given) / f"{name}.onnx", None
    path = ROOT / "build" / "zoo" / f"{name}.onnx"
    if path.is_file():
        return path, None
    if not folder():
        return None, MISSING
    python = _torch_python()
    if not python:
        return None, "no exported network (OCTAVO_ZOO) and no Python with torch and torchvision to export one"
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.part")
    done = subprocess.run(
        [python, folder() / "zoo" / "export.py", name, part], capture_output=True, text=True, check=False, cwd="/"
    )
    if done.returncode != 0:
        part.unlink(missing_ok=True)
        return None, f"exporting {name} failed: {(done.stderr.strip().splitlines() or ['no message'])[-1]}"
    part.replace(path)
    return path, None
