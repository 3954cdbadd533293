#!/usr/bin/env python3
"""Which layers take longer in INT8 than in float, both ours, one thread.

    layers.py net.onnx net.int8.onnx [--rounds 25] [--slack 0.02]

Runs of the two alternate. A layer is what both profiles call by one name; a fused step "A + B" stands against A and B of the
other. What only one of them has (conversions, layouts) is summed up apart.
"""

import argparse

import numpy as np


def seconds_by_name(profile):
    """{name: [seconds, kernels]}: a name may stand for several steps."""
    layers = {}
    for step in profile.steps:
        layer = layers.setdefault(step.name, [0.0, []])
        layer[0] += step.seconds
        layer[1].append(step.kernel)
    return layers


def measure(paths, rounds):
    import octavo

    sessions = [octavo.Session(octavo.load(path), threads=1, profile=True) for path in paths]
    random = np.random.default_rng(1)
    inputs = {
        x.name: random.standard_normal([d if isinstance(d, int) and d > 0 else 1 for d in x.shape]).astype(x.dtype)
        for x in octavo.load(paths[0]).inputs
    }
    for _ in range(rounds):
        for session in sessions:
            session.run(inputs)
    return [seconds_by_name(session.profile()) for session in sessions]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("float")
    parser.add_argument("int8")
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--slack", type=float, default=0.02, help="the share by which timings may differ by chance")
    args = parser.parse_args()
    f32, int8 = measure([args.float, args.int8], args.rounds)
    for fused in [name for name in int8 if name not in f32]:
        parts = [f32.pop(part) for part in fused.split(" + ") if part in f32 and part not in int8]
        if parts:
            f32[fused] = [sum(seconds for seconds, _ in parts), [kernel for _, kernels in parts for kernel in kernels]]
    common = [name for name in int8 if name in f32]
    slower = sorted(
        ((int8[n][0] - f32[n][0], n) for n in common if int8[n][0] > f32[n][0] * (1 + args.slack)), reverse=True
    )
    for lost, name in slower:
        print(f"{lost * 1e6:8.1f} us  {name}: {', '.join(int8[name][1])} instead of {', '.join(f32[name][1])}")
    for title, layers, other in (("float", f32, int8), ("int8", int8, f32)):
        total, alone = sum(s for s, _ in layers.values()), sum(s for n, (s, _) in layers.items() if n not in other)
        print(f"{title:5s} {total * 1e3:8.3f} ms, of which {alone * 1e3:.3f} in steps that only it has")
    print(
        f"{len(slower)} of {len(common)} common layers are slower in INT8, by {sum(x for x, _ in slower) * 1e6:.1f} us"
    )


if __name__ == "__main__":
    main()
