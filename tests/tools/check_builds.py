#!/usr/bin/env python3
"""Builds with CMake and with Meson, installs both, and holds them against each other, against capi/symbols.txt and VERSION;
then builds the projects of tests/consumers as users would: find_package, pkg-config, Meson and dlopen against an installed tree
that was moved, FetchContent against the sources.
"""

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from gen_symbols import read_symbols, version_node

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
WORK = BUILD / "check-builds"
CONSUMERS = ROOT / "tests/consumers"
VERSION = (ROOT / "VERSION").read_text(encoding="utf-8").strip()
MAJOR = VERSION.split(".")[0]
SIZE_LIMIT = 4 << 20  # bytes of the shared library, stripped
# What would read or change the process around the library, or end it.
FORBIDDEN = re.compile(
    "(secure_)?getenv|(un)?setenv|putenv|environ|setlocale|signal|sigaction|f?chdir|umask|_?exit|quick_exit|dup2|fork|execve|system|"
    "popen|printf|puts|putchar|perror|srand|setrlimit|setpriority|mlockall"
)
ALLOWED_NEEDED = re.compile(r"^(libc|libm|libpthread|libdl|librt|ld-linux.*)\.so\.\d+$")

cases = []  # (name, None or why it failed, None or why it was skipped)


def report(name, problem=None, skipped=None):
    cases.append((name, problem, skipped))
    print(
        f"{'skipped' if skipped else 'FAILED' if problem else 'ok'}: {name}{': ' + (problem or skipped or '')}".rstrip(
            ": "
        ),
        flush=True,
    )


def run(*command, cwd=ROOT, env=None):
    command = [str(c) for c in command]
    print("$", " ".join(command), flush=True)
    done = subprocess.run(command, cwd=cwd, env={**os.environ, **(env or {})}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)  # fmt: skip
    if done.returncode != 0:
        print(done.stdout[-6000:], flush=True)
        raise RuntimeError(f"{' '.join(command[:3])} ended with {done.returncode}")
    return done.stdout


def attempt(name, function, *args):
    try:
        result = function(*args)
    except (RuntimeError, OSError) as e:
        report(name, str(e))
        return None
    report(name)
    return result if result is not None else True


def build_cmake(jobs):
    run("cmake", "--preset", "release", "-DCMAKE_INSTALL_LIBDIR=lib")
    run("cmake", "--build", "--preset", "release", "-j", jobs)
    shutil.rmtree(WORK / "cmake", ignore_errors=True)
    run("cmake", "--install", BUILD / "release", "--prefix", WORK / "cmake")


def build_meson(jobs):
    # Unoptimized: the comparison is about what is exported and installed, and this is the seventh time the core is compiled.
    build = BUILD / "meson"
    options = ["-Dtests=true", "-Dstatic=true", "--libdir=lib", f"--prefix={WORK / 'meson'}", "-Dbuildtype=plain",
               "-Doptimization=1", "-Db_ndebug=true"]  # fmt: skip
    run("meson", "setup", *(["--reconfigure"] if (build / "build.ninja").exists() else []), build, *options)
    run("ninja", "-C", build, "-j", jobs)
    shutil.rmtree(WORK / "meson", ignore_errors=True)
    run("meson", "install", "-C", build, "--no-rebuild")
    run("meson", "test", "-C", build, "--no-rebuild", "--print-errorlogs")


def manifest(prefix):
    return sorted(str(p.relative_to(prefix)) for p in prefix.rglob("*") if not p.is_dir() or p.is_symlink())


def exported(library):
    """Names with their version nodes, without the nodes' own entries."""
    lines = run("nm", "-D", "--defined-only", library).splitlines()
    return sorted(line.split()[-1].replace("@@", "@") for line in lines if line.split()[-2] != "A")


def dynamic(library):
    text = run("readelf", "-d", library)
    return re.findall(r"\(NEEDED\).*\[(.*)\]", text), re.findall(r"\(SONAME\).*\[(.*)\]", text)


def examine(which, prefix):
    library = prefix / "lib" / f"liboctavo.so.{VERSION}"
    if not library.exists():
        report(f"{which}: installs liboctavo.so.{VERSION}", "it is not there")
        return
    wanted = {f"{name}@{version_node(since, tier)}" for name, since, tier in read_symbols(ROOT / "capi/symbols.txt")}
    names = set(exported(library))
    extra, missing = sorted(names - wanted), sorted(wanted - names)
    report(
        f"{which}: exports capi/symbols.txt with its versions and nothing else",
        f"extra {extra[:8]}, missing {missing[:8]}" if extra or missing else None,
    )
    needed, soname = dynamic(library)
    odd = [n for n in needed if not ALLOWED_NEEDED.match(n)]
    report(f"{which}: needs only the C library", f"needs {odd}" if odd else None)
    undefined = run("nm", "-D", "--undefined-only", library).split()
    rude = sorted(name for name in undefined if FORBIDDEN.fullmatch(name.split("@")[0]))
    report(f"{which}: calls nothing that reads or changes the process", f"calls {rude}" if rude else None)
    report(f"{which}: soname", None if soname == [f"liboctavo.so.{MAJOR}"] else f"is {soname}")
    if which == "cmake":  # Meson's is built without optimization here
        stripped = WORK / "stripped.so"
        run("strip", "-o", stripped, library)
        size = stripped.stat().st_size
        report(
            f"{which}: the stripped library stays below {SIZE_LIMIT >> 20} MiB",
            None if size < SIZE_LIMIT else f"{size} bytes",
        )
    found = [
        str(p)
        for p in prefix.rglob("*")
        if p.is_file() and not p.is_symlink() and str(ROOT).encode() + b"/" in p.read_bytes()
    ]
    report(f"{which}: installed files name no path of the build machine", f"{found} do" if found else None)


def compare():
    a, b = WORK / "cmake", WORK / "meson"
    ma, mb = manifest(a), manifest(b)
    difference = sorted(set(ma) ^ set(mb))
    report("CMake and Meson install the same files", f"they differ in {difference}" if difference else None)
    different = [
        n
        for n in ma
        if n in mb and n.endswith((".h", ".cmake", ".pc")) and (a / n).read_bytes() != (b / n).read_bytes()
    ]
    report("headers, CMake config and .pc files are equal", f"{different} differ" if different else None)
    name = f"lib/liboctavo.so.{VERSION}"
    if (a / name).exists() and (b / name).exists():
        report(
            "both libraries export the same symbols",
            None if exported(a / name) == exported(b / name) else "they differ",
        )


def flags_by_source(build):
    """{source: flags that change code or warnings} from a build's compile_commands.json, for the library's own sources."""
    result = {}
    for entry in json.loads((build / "compile_commands.json").read_text(encoding="utf-8")):
        path = os.path.relpath(Path(entry["directory"], entry["file"]).resolve(), ROOT)
        if path.startswith(("core/", "capi/src/")):
            words = shlex.split(entry.get("command") or " ".join(entry["arguments"]))
            kept = {w for w in words if re.match(r"-(f|std|D|W|w)", w)}
            result[path] = {
                w
                for w in kept
                if not re.match(r"-fdiagnostics|-D_GLIBCXX_ASSERT|-W(error|extra|all|p,|l,)|-fPIC|-Winvalid-pch", w)
            }
    return result


def compare_flags():
    a, b = flags_by_source(BUILD / "release"), flags_by_source(BUILD / "meson")
    different = {n: sorted(a[n] ^ b[n]) for n in a if n in b and a[n] != b[n]}
    missing = sorted(set(a) ^ set(b))
    some = dict(list(different.items())[:3])
    report("CMake and Meson compile the same sources", f"only in one: {missing[:8]}" if missing else None)
    report("with the same flags", f"{len(different)} sources differ, for example {some}" if different else None)


def by_find_package(prefix):
    build = WORK / "find_package"
    run("cmake", "-G", "Ninja", "-S", CONSUMERS / "find_package", "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", build)
    run(build / "consumer")
    run(build / "consumer_static")


def by_fetch_content():
    # The options of the release build, and a folder as deep as its: then a compiler cache has every object.
    build = BUILD / "check-fetch-content"
    run(
        "cmake",
        "-G",
        "Ninja",
        "-S",
        CONSUMERS / "fetch_content",
        "-B",
        build,
        "-DCMAKE_BUILD_TYPE=Release",
        "-DOCTAVO_WERROR=ON",
    )
    run("cmake", "--build", build, "--target", "consumer")
    run(build / "consumer")
    if "octavo" in run("cmake", "--install", build, "--prefix", WORK / "fetched"):
        raise RuntimeError("a project that fetches the library would install it, too")


def by_pkg_config(prefix):
    env = {"PKG_CONFIG_PATH": str(prefix / "lib/pkgconfig")}
    if run("pkg-config", "--modversion", "octavo", env=env).strip() != VERSION:
        raise RuntimeError("octavo.pc has another version")
    folder = copied("pkg_config")
    run("make", "-C", folder, f"LDFLAGS=-Wl,-rpath,{prefix}/lib", env=env)
    run(folder / "consumer")
    flags = run("pkg-config", "--cflags", "octavo", env=env).split()
    run("cc", "-std=c99", "-DOCTAVO_STATIC", *flags, folder.parent / "consumer.c", prefix / "lib/liboctavo.a", "-lstdc++", "-lm",
        "-pthread", "-o", folder / "consumer_static")  # fmt: skip
    run(folder / "consumer_static")


def by_meson(prefix):
    build = WORK / "meson-consumer"
    shutil.rmtree(build, ignore_errors=True)
    run("meson", "setup", build, copied("meson"), f"--pkg-config-path={prefix / 'lib/pkgconfig'}")
    run("meson", "test", "-C", build)


def by_dlopen(prefix):
    folder = copied("dlopen")
    run("make", "-C", folder, f"OCTAVO_INCLUDE={prefix / 'include'}")
    run(folder / "consumer", prefix / "lib/liboctavo.so")


def copied(name):
    """A consumer that builds in its own folder, below WORK."""
    (WORK / "consumers").mkdir(exist_ok=True)
    shutil.copy(CONSUMERS / "consumer.c", WORK / "consumers")
    shutil.rmtree(WORK / "consumers" / name, ignore_errors=True)
    return shutil.copytree(CONSUMERS / name, WORK / "consumers" / name)


def consumers():
    """The small projects of tests/consumers against a moved tree, so that a path baked into its files shows."""
    moved = WORK / "moved"
    shutil.rmtree(moved, ignore_errors=True)
    shutil.copytree(WORK / "cmake", moved, symlinks=True)
    shutil.move(WORK / "cmake", WORK / "cmake-away")
    try:
        attempt("a project with find_package", by_find_package, moved)
        for tool, consumer in (("pkg-config", by_pkg_config), ("meson", by_meson)):
            if shutil.which(tool) and shutil.which("pkg-config"):
                attempt(f"a project with {tool}", consumer, moved)
            else:
                report(f"a project with {tool}", skipped=f"{tool} or pkg-config is not installed")
        attempt("a project with octavo_loader.h and dlopen", by_dlopen, moved)
    finally:
        shutil.move(WORK / "cmake-away", WORK / "cmake")
    attempt("a project with FetchContent", by_fetch_content)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", default=os.cpu_count() or 2, type=int)
    parser.add_argument("--junit", help="JUnit XML to write")
    args = parser.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    by_cmake = attempt("CMake builds and installs", build_cmake, args.jobs)
    by_meson = None
    if shutil.which("meson"):
        by_meson = attempt("Meson builds, installs and passes the C tests", build_meson, args.jobs)
    else:
        report("Meson build", skipped="meson is not installed")
    for which, done in (("cmake", by_cmake), ("meson", by_meson)):
        if done:
            examine(which, WORK / which)
    if by_cmake and by_meson:
        compare()
        compare_flags()
    if by_cmake:
        consumers()
    if args.junit:
        suite = ET.Element("testsuite", name="check_builds", tests=str(len(cases)))
        for name, problem, skipped in cases:
            case = ET.SubElement(suite, "testcase", classname="check_builds", name=name)
            if problem:
                ET.SubElement(case, "failure", message=problem)
            elif skipped:
                ET.SubElement(case, "skipped", message=skipped)
        ET.ElementTree(suite).write(args.junit, encoding="utf-8", xml_declaration=True)
    return 1 if any(problem for _, problem, _ in cases) else 0


if __name__ == "__main__":
    sys.exit(main())
