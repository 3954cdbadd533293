#!/usr/bin/env python3
"""Runs every stage of the tests and ends with one line of totals: `N passed, N failed, N skipped`.

    run_tests.py                        everything (make test)
    run_tests.py --only gcc,python      some stages
    run_tests.py --list                 what there is

Every test counts once per build it ran in: GoogleTest and pytest cases by their XML reports, scripts and checks one each. A stage
whose tool is missing counts as one skipped test and says why. Logs are in build/test-logs. Exit status 1 if anything failed.
"""

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build"
LOGS = BUILD / "test-logs"
VENV = BUILD / "venv"
BUDGET = 58 * 60  # seconds for everything; what finds no time is skipped, and says so
OUT_OF_TIME = f"the {BUDGET // 60} minutes for all tests are used up"


class Skip(Exception):
    """The stage cannot run here; the text says why."""


class Failure(Exception):
    """The stage broke before its tests could be counted."""


class Stage:
    """Counts of one stage, and how it runs commands."""

    def __init__(self, name, args, deadline):
        self.name, self.args, self.deadline = name, args, deadline
        self.passed = self.failed = self.skipped = 0
        self.failures, self.notes = [], []
        LOGS.mkdir(parents=True, exist_ok=True)
        self.log = LOGS / f"{name}.log"
        self.log.write_text("", encoding="utf-8")

    def run(self, *command, env=None, timeout=1500, cwd=ROOT):
        """Runs a command into the log. Returns its exit status; 124 when it had to be stopped."""
        timeout = max(10, min(timeout, self.deadline - time.monotonic()))
        command = [str(c) for c in command]
        with open(self.log, "a", encoding="utf-8") as log:
            log.write(f"\n$ {' '.join(command)}\n")
            log.flush()
            process = subprocess.Popen(
                command, cwd=cwd, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                env={**os.environ, **(env or {})}, start_new_session=True,
            )  # fmt: skip
            try:
                return process.wait(timeout)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                log.write(f"\nstopped after {timeout:.0f} s\n")
                if time.monotonic() >= self.deadline - 1:
                    raise Skip(OUT_OF_TIME) from None
                return 124
            except BaseException:
                os.killpg(process.pid, signal.SIGKILL)
                raise

    def must(self, *command, what=None, **kw):
        status = self.run(*command, **kw)
        if status != 0:
            raise Failure(f"{what or Path(str(command[0])).name} failed" + (" (out of time)" if status == 124 else ""))

    def check(self, name, ok, note=""):
        if ok:
            self.passed += 1
        else:
            self.failed += 1
            self.failures.append(name + (f": {note}" if note else ""))

    def skip(self, name, why):
        self.skipped += 1
        self.notes.append(f"skipped {name}: {why}")

    def junit(self, path, label=""):
        """Adds a JUnit report's cases. Returns False when there is no readable report."""
        try:
            root = ET.parse(path).getroot()
        except (OSError, ET.ParseError):
            return False
        for case in root.iter("testcase"):
            name = ".".join(filter(None, [label, case.get("classname"), case.get("name")]))
            if case.find("failure") is not None or case.find("error") is not None:
                self.failed += 1
                self.failures.append(name)
            elif case.find("skipped") is not None or case.get("result") == "skipped":
                self.skipped += 1
            elif case.get("status") in ("notrun", "disabled"):
                continue  # not part of this build (GoogleTest: DISABLED_ or filtered out)
            else:
                self.passed += 1
        return True

    def ctest(self, preset, env=None, timeout=1500):
        """Runs a preset's tests: GoogleTest programs count case by case, everything else as one."""
        build = BUILD / preset
        results = build / "results"
        shutil.rmtree(results, ignore_errors=True)
        report = build / "ctest.xml"
        report.unlink(missing_ok=True)
        self.run("ctest", "--test-dir", build, "--output-on-failure", "--output-junit", report, "--no-tests=ignore",
                 "-j", self.args.jobs, env=env, timeout=timeout)  # fmt: skip
        try:
            cases = list(ET.parse(report).getroot().iter("testcase"))
        except (OSError, ET.ParseError):
            raise Failure(f"ctest left no report for {preset}") from None
        for case in cases:
            name, xml = case.get("name"), results / f"{case.get('name')}.xml"
            before = self.failed
            bad = case.find("failure") is not None or case.get("status") == "fail"
            if xml.exists() and self.junit(xml):
                if bad and self.failed == before:
                    self.check(f"{preset}: {name} ended badly after its last test", False)
            elif case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
                self.skip(name, "the program says it cannot run here")
            else:
                self.check(f"{preset}: {name}", not bad)

    def script(self, name, *command, timeout=1500):
        """Runs a program that ends with `N passed, N failed[, N skipped]`; exit status 77: it cannot run here, and its last
        line says why."""
        start = self.log.stat().st_size
        status = self.run(*command, timeout=timeout)
        with open(self.log, encoding="utf-8", errors="replace") as f:
            f.seek(start)
            output = f.read()
        lines = [line for line in output.splitlines() if line.strip()]
        totals = re.findall(r"(\d+) passed, (\d+) failed(?:, (\d+) skipped)?", output)
        if status == 77:
            self.skip(name, lines[-1] if lines else "no reason given")
        elif totals:
            passed, failed, skipped = (int(n or 0) for n in totals[-1])
            self.passed += passed
            self.failed += failed
            self.skipped += skipped
            self.failures += [f"{name}: {failed} failed"] if failed else []
            if status != 0 and not failed:
                self.check(name, False, f"exit status {status}")
        else:
            self.check(name, status == 0, f"exit status {status}")

    def build_preset(self, preset, *options):
        self.must("cmake", "--preset", preset, *options, what=f"configuring {preset}")
        self.must("cmake", "--build", "--preset", preset, "-j", self.args.jobs, what=f"building {preset}", timeout=2400)
        self.check(f"{preset} builds", True)


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            raise Skip(f"{program} is not installed")


def tracked(*patterns):
    done = subprocess.run(["git", "ls-files", "--", *patterns], cwd=ROOT, capture_output=True, text=True, check=False)
    return [line for line in done.stdout.splitlines() if (ROOT / line).is_file()] if done.returncode == 0 else []


def has_listed(path):
    file = ROOT / path
    return file.is_file() and any(line.split("#")[0].strip() for line in file.read_text(encoding="utf-8").splitlines())


def venv_python(stage):
    stage.must("sh", ROOT / "tests/tools/venv.sh", VENV, what="preparing build/venv")
    return VENV / "bin" / "python"


# --- stages -------------------------------------------------------------------------------------------------------------------


def checks(stage):
    """Format, lint, the C header in every dialect, the binary interface."""
    sources = [f for f in tracked("*.h", "*.cc", "*.c") if not f.endswith("octavo_loader.h")]
    try:
        tools = venv_python(stage).parent
    except Failure as e:
        stage.skip("format and lint", str(e))
    else:
        if sources:
            ok = stage.run(tools / "clang-format", "--dry-run", "-Werror", *sources) == 0
            stage.check("clang-format", ok, "run `make format`")
        if tracked("*.py"):
            stage.check("ruff check", stage.run(tools / "ruff", "check", ".") == 0, "run `make format`")
            stage.check("ruff format", stage.run(tools / "ruff", "format", "--check", ".") == 0, "run `make format`")
    headers = ROOT / "capi/include/octavo"
    for compiler in filter(shutil.which, ("gcc", "clang")):
        for language, standard in (("c", "c99"), ("c", "c11"), ("c++", "c++17")):
            for header in sorted(headers.glob("*.h")):
                flags = (
                    ["-Wall", "-Wextra", "-pedantic", "-Wstrict-prototypes"]
                    if language == "c"
                    else ["-Wall", "-Wextra", "-pedantic"]
                )
                status = stage.run(compiler, "-x", language, f"-std={standard}", *flags, "-Werror", "-fsyntax-only",
                                   "-I", headers.parent, "-include", header, "/dev/null")  # fmt: skip
                stage.check(f"{header.name} as {standard} with {compiler}", status == 0)
    if shutil.which("doxygen"):
        (BUILD / "docs").mkdir(parents=True, exist_ok=True)
        stage.check("make docs", stage.run("doxygen", "docs/Doxyfile") == 0, "something is not documented")
    else:
        stage.skip("make docs", "doxygen is not installed")
    stage.script("check_abi.py", sys.executable, ROOT / "tests/tools/check_abi.py")


def gcc(stage):
    """gcc, warnings as errors: all C++ and C tests."""
    stage.build_preset("dev")
    stage.ctest("dev")


def install_package(stage):
    """The Python package built as a user would, in build/venv. Returns its Python."""
    if not has_listed("bindings/python/sources.list"):
        raise Skip("bindings/python is empty")
    py = venv_python(stage)
    wheels = BUILD / "dist"  # where tests/python/test_package.py looks for the wheel
    shutil.rmtree(wheels, ignore_errors=True)
    stage.must(py, "-m", "pip", "wheel", ROOT, "--no-build-isolation", "--no-deps", "-w", wheels,
               what="building the Python package", timeout=2400)  # fmt: skip
    stage.must(py, "-m", "pip", "install", *wheels.glob("octavo-*.whl"), "--no-deps", "--force-reinstall",
               what="installing the Python package")  # fmt: skip
    return py


def pytest(stage, py, *paths, env=None):
    paths = [p for p in paths if (ROOT / p).is_file() or list((ROOT / p).glob("**/test_*.py"))]
    if not paths:
        raise Skip("there are no Python tests")
    report = BUILD / f"pytest-{stage.name}.xml"
    report.unlink(missing_ok=True)
    status = stage.run(py, "-m", "pytest", "-q", f"--junitxml={report}", *paths, env=env)
    if not stage.junit(report):
        raise Failure(f"pytest left no report (status {status})")
    if status not in (0, 1):
        stage.check("pytest", False, f"exit status {status}")


def python(stage):
    """The Python package built as a user would, then pytest."""
    py = install_package(stage)
    stage.check("the Python package installs", True)
    pytest(stage, py, "tests/python", "tests/conformance", "bindings/python/tests")


def acceptance(stage):
    """Real networks: accuracy on labelled data, agreement with other runtimes, the same bytes everywhere."""
    py = install_package(stage)
    other = ROOT / "tests/support/requirements.txt"
    if stage.run(py, "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", other) != 0:
        stage.skip("comparison with other runtimes", "tests/support/requirements.txt could not be installed")
    pytest(stage, py, "tests/accuracy", "tests/zoo")


def clang(stage):
    """clang, warnings as errors: the same tests again."""
    need("clang++")
    stage.build_preset("clang")
    stage.ctest("clang")


def asan(stage):
    """AddressSanitizer and UndefinedBehaviorSanitizer, of the C and C++ tests and of the Python module."""
    try:
        py = venv_python(stage)
    except Failure as e:
        py = None
        stage.skip("the Python module", str(e))
    stage.build_preset("asan", *([] if py is None else ["-DOCTAVO_PYTHON=ON", f"-DPython_EXECUTABLE={py}"]))
    sanitizers = {"ASAN_OPTIONS": "detect_leaks=1:allocator_may_return_null=1", "UBSAN_OPTIONS": "print_stacktrace=1"}
    stage.ctest("asan", env={**sanitizers, "GTEST_FILTER": "-*Slow*:*Exhaustive*"})
    if py is None:
        return
    package = BUILD / "asan/python/octavo"
    shutil.rmtree(package, ignore_errors=True)
    shutil.copytree(ROOT / "bindings/python/octavo", package, ignore=shutil.ignore_patterns("__pycache__"))
    for module in (BUILD / "asan").glob("_core*.so"):
        shutil.copy(module, package)
    # The interpreter is not built with the sanitizer, whose library must then come first, and with it that of C++, whose
    # exceptions it wraps. What the interpreter leaks is not ours.
    libraries = " ".join(
        subprocess.run(["c++", f"-print-file-name={name}"], capture_output=True, text=True, check=True).stdout.strip()
        for name in ("libasan.so", "libstdc++.so")
    )
    environment = {**sanitizers, "LD_PRELOAD": libraries, "PYTHONPATH": str(package.parent),
                   "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1"}  # fmt: skip
    names = ("arrays", "callbacks", "misuse", "models", "tensor")
    pytest(stage, py, *(f"tests/python/test_{name}.py" for name in names), env=environment)


def tsan(stage):
    """ThreadSanitizer, on the tests whose names speak of threads."""
    stage.build_preset("tsan")
    stage.ctest("tsan", env={"GTEST_FILTER": "*Thread*:*Pool*:*Parallel*:*Concurren*"})


def aarch64(stage):
    """64-bit Arm: cross build, tests under qemu."""
    need("aarch64-linux-gnu-g++")
    if not (shutil.which("qemu-aarch64-static") or shutil.which("qemu-aarch64")):
        raise Skip("qemu-aarch64 is not installed")
    stage.build_preset("aarch64")
    stage.ctest("aarch64", env={"GTEST_FILTER": "-*Slow*:*Exhaustive*"})


def builds(stage):
    """CMake and Meson install the same files with the same symbols; a C program builds against the result."""
    if not has_listed("capi/sources.list"):
        raise Skip("capi is empty")
    report = BUILD / "check_builds.xml"
    report.unlink(missing_ok=True)
    status = stage.run(
        sys.executable, ROOT / "tests/tools/check_builds.py", "--jobs", stage.args.jobs, "--junit", report, timeout=2400
    )
    if not stage.junit(report):
        raise Failure(f"check_builds.py left no report (status {status})")


def bindings(stage):
    """The other languages: bindings/<language>/test.sh, exit status 77 means it cannot run here; then every demo's answers."""
    for script in sorted((ROOT / "bindings").glob("*/test.sh")):
        stage.script(script.parent.name, "bash", script)
    stage.script("compare_demos.py", sys.executable, ROOT / "tests/tools/compare_demos.py")


def cross(stage):
    """Small networks on 64-bit Arm under qemu: the same INT8 files and the same bytes out as here."""
    if not has_listed("capi/sources.list"):
        raise Skip("capi is empty")
    try:
        py = venv_python(stage)
    except Failure:
        py = sys.executable  # without NumPy the trained networks are left out
    stage.script("cross_check.py", py, ROOT / "tests/tools/cross_check.py", "--jobs", stage.args.jobs, timeout=2400)


def fuzz(stage):
    """A few seconds of fuzzing of every entry point."""
    need("clang++")
    if not has_listed("tests/fuzz/sources.list"):
        raise Skip("no fuzz targets yet")
    stage.build_preset("fuzz")
    for program in sorted(p for p in (BUILD / "fuzz/tests").glob("fuzz_*") if os.access(p, os.X_OK) and p.is_file()):
        corpus = BUILD / "fuzz-corpus" / program.name
        corpus.mkdir(parents=True, exist_ok=True)
        seeds = ROOT / "tests/fuzz/corpus" / program.name.removeprefix("fuzz_")
        seconds = stage.args.fuzz_seconds
        status = stage.run(program, corpus, *([seeds] if seeds.is_dir() else []), f"-max_total_time={seconds}", "-rss_limit_mb=2048",
                           "-timeout=20", f"-artifact_prefix={BUILD}/{program.name}-", "-print_final_stats=1", "-verbosity=0",
                           timeout=seconds + 120)  # fmt: skip
        stage.check(program.name, status == 0, f"input saved as build/{program.name}-*")


STAGES = {
    f.__name__: f for f in (checks, gcc, python, bindings, acceptance, builds, clang, asan, tsan, aarch64, cross, fuzz)
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="stages, separated by commas")
    parser.add_argument("--jobs", default=os.cpu_count() or 2, type=int)
    parser.add_argument("--fuzz-seconds", default=8, type=int)
    parser.add_argument("--list", action="store_true")
    args = parser.parse_args()
    if args.list:
        for name, function in STAGES.items():
            print(f"{name:10} {function.__doc__}")
        return 0
    chosen = [s for s in args.only.split(",") if s] or list(STAGES)
    unknown = [s for s in chosen if s not in STAGES]
    if unknown:
        parser.error(f"no stage {', '.join(unknown)}; there are {', '.join(STAGES)}")
    signal.signal(signal.SIGINT, signal.default_int_handler)  # shells start background jobs deaf to it; tests send it
    deadline = time.monotonic() + BUDGET
    totals = [0, 0, 0]
    for name in chosen:
        stage, start = Stage(name, args, deadline), time.monotonic()
        print(f"{name:10} ", end="", flush=True)
        try:
            if start > deadline:
                raise Skip(OUT_OF_TIME)
            STAGES[name](stage)
        except Skip as e:
            stage.skip(name, str(e))
        except Failure as e:
            stage.check(name, False, str(e))
        for i, n in enumerate((stage.passed, stage.failed, stage.skipped)):
            totals[i] += n
        seconds = time.monotonic() - start
        print(f"{stage.passed:6} passed {stage.failed:4} failed {stage.skipped:4} skipped {seconds:7.0f} s", flush=True)
        for note in stage.notes:
            print(f"           {note}")
        if stage.failed:
            for failure in stage.failures[:40]:
                print(f"           FAILED {failure}")
            tail = stage.log.read_text(encoding="utf-8", errors="replace").splitlines()
            interesting = [
                t for t in tail if re.search(r"error:|Error|FAILED|Failure|AddressSanitizer|runtime error", t)
            ][:30]
            for line in interesting or tail[-30:]:
                print(f"           | {line[:300]}")
            print(f"           log: build/test-logs/{stage.log.name}", flush=True)
    print(f"{totals[0]} passed, {totals[1]} failed, {totals[2]} skipped")
    return 1 if totals[1] else 0


if __name__ == "__main__":
    sys.exit(main())
