#!/usr/bin/env python3
"""Everything that is generated from capi/symbols.txt, so that the list of exported functions is written once.

    gen_symbols.py --symbols capi/symbols.txt --map octavo.map                   the linker's version script
    gen_symbols.py --symbols capi/symbols.txt --header capi/include/octavo/octavo.h \
                   --loader capi/include/octavo/octavo_loader.h [--check]        the header for dlopen users

symbols.txt: `name since tier` a line, tier is stable or experimental. With --header the list and the header must name the
same functions. --check writes nothing and fails if the output would change.
"""

import argparse
import re
import sys
from pathlib import Path


def fail(message):
    sys.exit(f"gen_symbols.py: {message}")


def read_symbols(path):
    """[(name, (major, minor), tier)] in the file's order."""
    symbols = []
    for number, line in enumerate(Path(path).read_text(encoding="utf-8").splitlines(), 1):
        words = line.split("#")[0].split()
        if not words:
            continue
        if len(words) != 3 or words[2] not in ("stable", "experimental"):
            fail(f"{path}:{number}: expected `name since stable|experimental`, found {line.strip()!r}")
        if not re.fullmatch(r"octavo_[a-z0-9_]+", words[0]) or not re.fullmatch(r"\d+\.\d+(\.\d+)?", words[1]):
            fail(f"{path}:{number}: bad name or version in {line.strip()!r}")
        if words[0] in [s[0] for s in symbols]:
            fail(f"{path}:{number}: {words[0]} is listed twice")
        symbols.append((words[0], tuple(int(n) for n in words[1].split(".")[:2]), words[2]))
    if not symbols:
        fail(f"{path}: no symbols")
    return symbols


def version_node(since, tier):
    return "OCTAVO_EXPERIMENTAL" if tier == "experimental" else f"OCTAVO_{since[0]}.{since[1]}"


def version_script(symbols):
    """One node per minor release, each inheriting the one before it; experimental functions have a node of their own."""
    nodes = {}
    for name, since, tier in symbols:
        nodes.setdefault((1, (0, 0)) if tier == "experimental" else (0, since), []).append(name)
    text, previous = "/* Generated from capi/symbols.txt by tests/tools/gen_symbols.py. */\n", ""
    for key in sorted(nodes):
        experimental, since = key
        node = version_node(since, "experimental" if experimental else "stable")
        text += f"{node} {{\n  global:\n" + "".join(f"    {name};\n" for name in sorted(nodes[key]))
        text += "  local: *;\n" if not previous else ""
        text += f"}}{' ' + previous if previous else ''};\n"
        previous = node
    return text


def read_code(path):
    """The header without comments and without broken lines in macros."""
    text = Path(path).read_text(encoding="utf-8")
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
    text = re.sub(r"//[^\n]*", " ", text)
    text = re.sub(r"\\\n", " ", text)
    return re.sub(r"(?m)[ \t]+$", "", text)


def read_declarations(path):
    """{name: (return type, arguments)} of every `OCTAVO_API type octavo_name(args);` in the header."""
    text = re.sub(r"(?m)^\s*#[^\n]*", " ", read_code(path))
    found = {}
    for m in re.finditer(r"\bOCTAVO_API(?:_EXPERIMENTAL)?\b([^;{]*?)\b(octavo_\w+)\s*\(([^;]*)\)\s*([^;()]*);", text):
        result, name, arguments = (" ".join(part.split()) for part in m.groups()[:3])
        # Attributes such as OCTAVO_NODISCARD before the type are macros of the header: they mean nothing on a pointer.
        result = " ".join(word for word in result.split() if not re.fullmatch(r"OCTAVO_[A-Z_]+(\(.*\))?", word))
        if name in found:
            fail(f"{path}: {name} is declared twice")
        found[name] = (re.sub(r"\s*\*\s*", " *", result).replace("* *", "**"), arguments)
    return found


LOADER_HEAD = """\
/* Octavo for programs that load the library at run time: no link dependency, one file.
 *
 * Generated from octavo.h and capi/symbols.txt by tests/tools/gen_symbols.py; do not edit.
 *
 *   octavo_loader o;
 *   if (octavo_loader_open(&o, NULL) != 0) { puts(o.error); return 1; }
 *   puts(o.version_string());           every octavo_f() of octavo.h is o.f()
 *   octavo_loader_close(&o);
 */
#ifndef OCTAVO_LOADER_H
#define OCTAVO_LOADER_H

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#ifdef _WIN32
#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#include <windows.h>
#else
#include <dlfcn.h>
#endif

#include "octavo.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Returns the address of a function by its full name, or NULL. */
typedef void *(*octavo_loader_resolver)(void *user_data, const char *name);

typedef struct octavo_loader {
  void *library;   /* what octavo_loader_open opened; NULL with a resolver of the caller's */
  char error[256]; /* why the last open or load failed, else empty */
"""

LOADER_TAIL = """\

#ifdef __cplusplus
}
#endif

#endif /* OCTAVO_LOADER_H */
"""


def wrap_call(prefix, arguments, width=120):
    """`prefix(arguments)` broken after commas so that no line is longer than width."""
    line = f"{prefix}({arguments});"
    if len(line) <= width:
        return line + "\n"
    indent, parts, out = " " * 6, [a.strip() for a in split_arguments(arguments)], prefix + "(\n"
    row = indent
    for i, part in enumerate(parts):
        piece = part + (", " if i + 1 < len(parts) else ");")
        if len(row) + len(piece.rstrip()) > width:
            out += row.rstrip() + "\n"
            row = indent
        row += piece
    return out + row + "\n"


def split_arguments(arguments):
    parts, depth, part = [], 0, ""
    for c in arguments:
        depth += (c == "(") - (c == ")")
        if c == "," and depth == 0:
            parts.append(part)
            part = ""
        else:
            part += c
    return [*parts, part]


def loader_header(symbols, declarations, soname):
    text = LOADER_HEAD
    stable = [s for s in symbols if s[2] == "stable"]
    for name, _, _ in stable:
        result, arguments = declarations[name]
        star = "" if result.endswith("*") else " "
        text += wrap_call(f"  {result}{star}(*{name[len('octavo_') :]})", arguments)
    text += "} octavo_loader;\n\n"
    text += """\
/* Fills the table from resolve. 0: done. Else the number of functions that are missing; loader->error names the first. */
static inline int octavo_loader_load(octavo_loader *loader, octavo_loader_resolver resolve, void *user_data) {
  int missing = 0;
  void *address;
  loader->error[0] = '\\0';
#define OCTAVO_LOADER_GET(member)                                                                     \\
  address = resolve(user_data, "octavo_" #member);                                                    \\
  memcpy((void *)&loader->member, (void *)&address, sizeof(address));                                 \\
  if (!address && missing++ == 0) snprintf(loader->error, sizeof(loader->error), "octavo_%s is missing", #member)
"""
    text += "".join(f"  OCTAVO_LOADER_GET({name[len('octavo_') :]});\n" for name, _, _ in stable)
    text += f"""\
#undef OCTAVO_LOADER_GET
  return missing;
}}

static inline void *octavo_loader_symbol(void *library, const char *name) {{
#ifdef _WIN32
  FARPROC found = GetProcAddress((HMODULE)library, name);
  void *address;
  memcpy((void *)&address, (void *)&found, sizeof(address));
  return address;
#else
  return dlsym(library, name);
#endif
}}

static inline void octavo_loader_close(octavo_loader *loader) {{
#ifdef _WIN32
  if (loader->library) FreeLibrary((HMODULE)loader->library);
#else
  if (loader->library) dlclose(loader->library);
#endif
  memset(loader, 0, sizeof(*loader));
}}

/* Opens the library (path NULL: by its usual names, the one of this ABI first) and fills the table. 0: done. */
static inline int octavo_loader_open(octavo_loader *loader, const char *path) {{
  memset(loader, 0, sizeof(*loader));
#ifdef _WIN32
  loader->library = (void *)LoadLibraryA(path ? path : "octavo.dll");
#elif defined(__APPLE__)
  loader->library = dlopen(path ? path : "liboctavo.{soname}.dylib", RTLD_NOW | RTLD_LOCAL);
  if (!loader->library && !path) loader->library = dlopen("liboctavo.dylib", RTLD_NOW | RTLD_LOCAL);
#else
  loader->library = dlopen(path ? path : "liboctavo.so.{soname}", RTLD_NOW | RTLD_LOCAL);
  if (!loader->library && !path) loader->library = dlopen("liboctavo.so", RTLD_NOW | RTLD_LOCAL);
#endif
  if (!loader->library) {{
#ifdef _WIN32
    snprintf(loader->error, sizeof(loader->error), "%s: not found", path ? path : "octavo.dll");
#else
    const char *why = dlerror();
    snprintf(loader->error, sizeof(loader->error), "%s", why ? why : "the library was not found");
#endif
    return -1;
  }}
  if (octavo_loader_load(loader, octavo_loader_symbol, loader->library) != 0) {{
    char error[sizeof(loader->error)];
    memcpy(error, loader->error, sizeof(error));
    octavo_loader_close(loader);
    memcpy(loader->error, error, sizeof(error));
    return -2;
  }}
  return 0;
}}
"""
    return text + LOADER_TAIL


def deliver(path, text, check):
    path = Path(path)
    if check:
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            fail(f"{path} is out of date: run tests/tools/gen_symbols.py (make generate)")
    else:
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--symbols", required=True)
    parser.add_argument("--map", help="version script to write")
    parser.add_argument("--header", help="octavo.h")
    parser.add_argument("--loader", help="octavo_loader.h to write; needs --header")
    parser.add_argument("--version", help="the VERSION file; default: next to capi/", default=None)
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    symbols = read_symbols(args.symbols)
    if args.map:
        deliver(args.map, version_script(symbols), args.check)
    if args.header:
        declarations = read_declarations(args.header)
        listed, declared = {s[0] for s in symbols}, set(declarations)
        if listed != declared:
            fail(
                f"{args.symbols} and {args.header} differ: not declared {sorted(listed - declared)}, "
                f"not listed {sorted(declared - listed)}"
            )
        if args.loader:
            version = Path(args.version or Path(__file__).resolve().parents[2] / "VERSION").read_text(encoding="utf-8")
            deliver(args.loader, loader_header(symbols, declarations, version.split(".")[0].strip()), args.check)


if __name__ == "__main__":
    main()
