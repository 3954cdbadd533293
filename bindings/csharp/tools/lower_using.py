#!/usr/bin/env python3
"""C# 8's `using var x = ...;` written as `using (var x = ...) { ... }`, for mcs, which knows C# 7: lower_using.py IN.cs OUT.cs

A using declaration lasts to the end of its block, so the brace that ends the block ends the statement first. Lines stay where
they are, for messages of the compiler.
"""

import re
import sys
from pathlib import Path

TOKEN = re.compile(
    r"""//[^\n]* | /\*.*?\*/ | @"(?:[^"]|"")*" | \$?"(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*'
      | (?P<using>\busing\s+var\s+(?P<declaration>[^;]*);) | (?P<open>\{) | (?P<close>\})""",
    re.VERBOSE | re.DOTALL,
)


def lower(source):
    blocks = [0]  # using declarations in each open block

    def replace(match):
        if match["using"]:
            blocks[-1] += 1
            return f"using (var {match['declaration']}) {{"
        if match["open"]:
            blocks.append(0)
        elif match["close"]:
            return "}" * blocks.pop() + "}"
        return match[0]

    return TOKEN.sub(replace, source)


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(lower(Path(sys.argv[1]).read_text(encoding="utf-8")), encoding="utf-8")
