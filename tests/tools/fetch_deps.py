#!/usr/bin/env python3
"""Puts the third-party sources that the machine lacks under build/deps, without touching the system.

    fetch_deps.py --dest build/deps highway protozero nlohmann_json xxhash googletest

What it leaves behind:  DEST/highway/hwy/*.cc, DEST/include/{protozero,nlohmann,xxhash.h}, DEST/googletest.

Debian and Ubuntu: packages are downloaded with apt into private folders and unpacked there; nothing is installed and no
privilege is needed. Highway comes as source from Debian's suite `trixie`, by the mirror this machine already uses.
Elsewhere, or when that fails: the upstream release, pinned by hash. Prints one line per dependency, exits 1 if one is missing.
"""

import argparse
import glob
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.request

HIGHWAY_SUITE = "trixie"  # the first Debian suite with Highway >= 1.2

# name -> (file that proves it is there, Debian package, what to copy out of the package)
PACKAGES = {
    "protozero": (
        "include/protozero/pbf_reader.hpp",
        "libprotozero-dev",
        {"usr/include/protozero": "include/protozero"},
    ),
    "nlohmann_json": ("include/nlohmann/json.hpp", "nlohmann-json3-dev", {"usr/include/nlohmann": "include/nlohmann"}),
    "xxhash": (
        "include/xxhash.h",
        "libxxhash-dev",
        {"usr/include/xxhash.h": "include/xxhash.h", "usr/include/xxh3.h": "include/xxh3.h"},
    ),
    "googletest": ("googletest/googletest/src/gtest-all.cc", "googletest", {"usr/src/googletest": "googletest"}),
}
HIGHWAY_PROOF = "highway/hwy/targets.cc"

# Upstream releases: name -> (address, sha256, {what: where}). What: "" the archive's whole top folder, "a/b/" a folder in it,
# "file" the download itself.
UPSTREAM = {
    "highway": (
        "https://github.com/google/highway/archive/refs/tags/1.2.0.tar.gz",
        "7e0be78b8318e8bdbf6fa545d2ecb4c90f947df03f7aadc42c1967f019e63343",
        {"": "highway"},
    ),
    "protozero": (
        "https://github.com/mapbox/protozero/archive/refs/tags/v1.7.1.tar.gz",
        "27e0017d5b3ba06d646a3ec6391d5ccc8500db821be480aefd2e4ddc3de5ff99",
        {"include/protozero/": "include/protozero"},
    ),
    "nlohmann_json": (
        "https://raw.githubusercontent.com/nlohmann/json/v3.11.3/single_include/nlohmann/json.hpp",
        "9bea4c8066ef4a1c206b2be5a36302f8926f7fdc6087af5d20b417d0cf103ea6",
        {"file": "include/nlohmann/json.hpp"},
    ),
    "xxhash": (
        "https://raw.githubusercontent.com/Cyan4973/xxHash/v0.8.2/xxhash.h",
        "be275e9db21a503c37f24683cdb4908f2370a3e35ab96e02c4ea73dc8e399c43",
        {"file": "include/xxhash.h"},
    ),
    "googletest": (
        "https://github.com/google/googletest/archive/refs/tags/v1.14.0.tar.gz",
        "8ad598c73ad796e0d8280b082cebd82a630d73e73cd3c70057938a6501bba5d7",
        {"": "googletest"},
    ),
}


def os_release():
    try:
        with open("/etc/os-release", encoding="utf-8") as f:
            pairs = (line.rstrip("\n").partition("=") for line in f)
            return {k: v.strip('"') for k, _, v in pairs}
    except OSError:
        return {}


def debian_entry():
    """(options, address) of this machine's own Debian archive entry, or None."""
    for path in sorted(glob.glob("/etc/apt/sources.list.d/*.sources")):
        with open(path, encoding="utf-8") as f:
            for stanza in re.split(r"\n\s*\n", f.read()):
                stanza = "\n".join(line for line in stanza.splitlines() if not line.startswith("#"))
                field = dict(re.findall(r"(?mi)^([A-Za-z-]+):[ \t]*(.*)$", stanza))
                field = {k.lower(): v.strip() for k, v in field.items()}
                suites = field.get("suites", "").split()
                if "deb" in field.get("types", "").split() and suites and "security" not in " ".join(suites):
                    key = field.get("signed-by", "")
                    uri = field.get("uris", "").split()
                    if uri and field.get("enabled", "yes").lower() != "no":
                        return (f"[signed-by={key}]" if key.startswith("/") else "", uri[0])
    for path in ["/etc/apt/sources.list", *sorted(glob.glob("/etc/apt/sources.list.d/*.list"))]:
        if os.path.isfile(path):
            with open(path, encoding="utf-8") as f:
                for line in f:
                    m = re.match(r"\s*deb\s+(\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+main", line)
                    if m and "security" not in m[3] and "/" not in m[3]:
                        return ((m[1] or "").strip(), m[2])
    return None


def run(command, cwd=None):
    done = subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command[:2])} ...: {done.stdout.strip()[-600:]}")
    return done.stdout


def private_apt(state, source_lines):
    """apt-get with lists, cache and sources of its own. source_lines None: the machine's sources, still private lists."""
    for part in ("lists/partial", "cache/archives/partial"):
        os.makedirs(os.path.join(state, part), exist_ok=True)
    options = [
        "-o", f"Dir::State::Lists={state}/lists",
        "-o", f"Dir::Cache={state}/cache",
        "-o", "Debug::NoLocking=1",
        "-o", "Acquire::Languages=none",
        "-o", "Acquire::Retries=3",
    ]  # fmt: skip
    if os.geteuid() == 0:
        options += ["-o", "APT::Sandbox::User=root"]
    if source_lines is not None:
        listing = os.path.join(state, "sources.list")
        with open(listing, "w", encoding="utf-8") as f:
            f.write("\n".join(source_lines) + "\n")
        options += ["-o", f"Dir::Etc::sourcelist={listing}", "-o", "Dir::Etc::sourceparts=/dev/null"]
    run(["apt-get", *options, "update"])
    return ["apt-get", *options]


def unpack(archive, dest):
    """Unpacks a source archive and puts its top folder at dest."""
    with tempfile.TemporaryDirectory(dir=os.path.dirname(dest)) as tmp:
        with tarfile.open(archive) as tar:
            if hasattr(tarfile, "data_filter"):
                tar.extractall(tmp, filter="data")
            else:
                tar.extractall(tmp)
        top = [os.path.join(tmp, name) for name in os.listdir(tmp)]
        shutil.rmtree(dest, ignore_errors=True)
        shutil.move(top[0] if len(top) == 1 else tmp, dest)


def highway_from_debian(dest):
    entry = debian_entry()
    if entry is None or os_release().get("ID") != "debian":
        raise RuntimeError("no Debian archive entry on this machine")
    options, uri = entry
    with tempfile.TemporaryDirectory() as state:
        apt = private_apt(state, [f"deb-src {options} {uri} {HIGHWAY_SUITE} main"])
        run([*apt, "source", "--download-only", "highway"], cwd=state)
        archives = glob.glob(os.path.join(state, "highway_*.orig.tar.*"))
        archives = [a for a in archives if not a.endswith(".asc")]
        if len(archives) != 1:
            raise RuntimeError(f"apt-get source brought {archives}")
        unpack(archives[0], os.path.join(dest, "highway"))


def package_from_apt(names, dest):
    """Downloads Debian packages and copies the wanted folders out of them."""
    with tempfile.TemporaryDirectory() as state:
        wanted = [PACKAGES[n][1] for n in names]
        try:
            run(["apt-get", "download", *wanted], cwd=state)  # the machine's own lists, when it has them
        except RuntimeError:
            run([*private_apt(state, None), "download", *wanted], cwd=state)
        for name in names:
            _, package, copies = PACKAGES[name]
            deb = glob.glob(os.path.join(state, f"{package}_*.deb"))
            root = os.path.join(state, "root-" + name)
            run(["dpkg", "-x", deb[0], root])
            for source, target in copies.items():
                source, target = os.path.join(root, source), os.path.join(dest, target)
                os.makedirs(os.path.dirname(target), exist_ok=True)
                if os.path.isdir(source):
                    shutil.rmtree(target, ignore_errors=True)
                    shutil.copytree(source, target)
                elif os.path.isfile(source):
                    shutil.copyfile(source, target)


def from_upstream(name, dest):
    address, digest, places = UPSTREAM[name]
    with tempfile.TemporaryDirectory() as tmp:
        archive = os.path.join(tmp, "download")
        with urllib.request.urlopen(address, timeout=60) as response, open(archive, "wb") as f:
            shutil.copyfileobj(response, f)
        with open(archive, "rb") as f:
            found = hashlib.sha256(f.read()).hexdigest()
        if found != digest:
            raise RuntimeError(f"{address} has sha256 {found}, expected {digest}")
        for inner, target in places.items():
            target = os.path.join(dest, target)
            if inner == "":
                unpack(archive, target)
            elif inner.endswith("/"):
                top = os.path.join(tmp, "top")
                unpack(archive, top)
                shutil.rmtree(target, ignore_errors=True)
                shutil.copytree(os.path.join(top, inner), target)
            else:
                os.makedirs(os.path.dirname(target), exist_ok=True)
                shutil.copyfile(archive, target)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dest", required=True, help="the folder to fill")
    parser.add_argument("names", nargs="+", choices=["highway", *PACKAGES], metavar="NAME")
    args = parser.parse_args()
    dest = os.path.abspath(args.dest)
    os.makedirs(dest, exist_ok=True)
    missing = []
    for name in args.names:
        proof = HIGHWAY_PROOF if name == "highway" else PACKAGES[name][0]
        ways = [("upstream release", lambda n: from_upstream(n, dest))]
        if platform.system() == "Linux" and shutil.which("apt-get") and shutil.which("dpkg"):
            ways.insert(
                0, ("apt", lambda n: highway_from_debian(dest) if n == "highway" else package_from_apt([n], dest))
            )
        reasons = []
        if os.path.exists(os.path.join(dest, proof)):
            print(f"{name}: present")
            continue
        for how, way in ways:
            try:
                way(name)
            except (RuntimeError, OSError, IndexError, tarfile.TarError) as e:
                reasons.append(f"{how}: {e}")
                continue
            if os.path.exists(os.path.join(dest, proof)):
                print(f"{name}: fetched ({how})")
                break
            reasons.append(f"{how}: {proof} did not appear")
        else:
            missing.append(name)
            print(f"{name}: NOT AVAILABLE ({'; '.join(reasons)})", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
