"""The figures of peers.py as a table and as a picture."""

import statistics

PEERS = {"onnxruntime": "ONNX Runtime", "openvino": "OpenVINO", "openvino, our file": "OpenVINO, our file",
         "onnxruntime, our file": "ONNX Runtime, our file", "pytorch": "PyTorch"}  # fmt: skip


def _milliseconds(ms):
    return f"{ms:.3g}" if ms < 100 else f"{ms:.0f}"


class Result:
    """Rows as peers.py measures them, by network, precision, runtime and threads."""

    def __init__(self, figures):
        self.threads = sorted({r["threads"] for r in figures["rows"]})
        self.networks = list(dict.fromkeys(r["network"] for r in figures["rows"]))
        self.peak = {t: max((r["peak"] for r in figures["rows"] if r["threads"] == t and r["peak"]), default=None)
                     for t in self.threads}  # fmt: skip
        self.of = {(r["network"], r["precision"], r["runtime"], r["threads"]): r for r in figures["rows"]}

    def ms(self, network, precision, runtime, threads):
        row = self.of.get((network, precision, runtime, threads))
        return row["ms"] if row else None

    def best_peer(self, network, precision, threads):
        """(milliseconds, runtime) of the fastest of all others, whichever file they run; None where there is none."""
        found = [(self.ms(network, precision, peer, threads), peer) for peer in PEERS]
        return min([f for f in found if f[0] is not None], default=None)

    def ratio(self, network, precision, threads):
        """Octavo's speed over the best peer's; None where either is missing."""
        best, ours = self.best_peer(network, precision, threads), self.ms(network, precision, "octavo", threads)
        return best[0] / ours if best and ours else None

    def share(self, network, threads, ms):
        """Of the highest peak that was measured beside any network, if this one takes `ms`; None where one is missing."""
        row = self.of.get((network, "int8", "octavo", threads))
        return row["macs"] / (ms * 1e-3) / self.peak[threads] if ms and row and self.peak[threads] else None

    def _cell(self, value, form):
        """A figure for each number of threads: "5.81 / 3.14"."""
        found = [value(t) for t in self.threads]
        return " / ".join("-" if v is None else form(v) for v in found) if any(v is not None for v in found) else ""

    def _line(self, n, peers):
        def best(precision):
            return lambda t: (self.best_peer(n, precision, t) or (None,))[0]

        def of(runtime, precision="int8"):
            return lambda t: self.ms(n, precision, runtime, t)

        def share(ms):
            return self._cell(lambda t: self.share(n, t, ms(t)), "{:.0%}".format)

        times = [best("float"), of("octavo", "float"), *map(of, peers), of("octavo")]
        return [n, *(self._cell(ms, _milliseconds) for ms in times),
                self._cell(lambda t: self.ratio(n, "int8", t), "{:.2f}".format),
                share(best("int8")), share(of("octavo"))]  # fmt: skip

    def table(self):
        """Markdown. Milliseconds; where several numbers of threads were measured, each after the other."""
        peers = [p for p in PEERS if any(k[2] == p and k[1] == "int8" for k in self.of)]
        head = ["network", "FP32, best peer", "FP32, Octavo", *(PEERS[p] for p in peers), "Octavo", "speed over the best",
                "share of peak, best", "Octavo"]  # fmt: skip
        rows = [head, ["---"] * len(head), *(self._line(n, peers) for n in self.networks)]
        return "\n".join("| " + " | ".join(row) + " |" for row in rows)

    def means(self):
        """A sentence for each precision and number of threads."""
        for precision, what in (("int8", "INT8"), ("float", "FP32")):
            for t in self.threads:
                ratios = [r for n in self.networks if (r := self.ratio(n, precision, t))]
                if ratios:
                    yield (f"{what}, {t} thread{'s'[: t != 1]}: {statistics.geometric_mean(ratios):.2f} times the speed of "
                           f"the best peer (geometric mean), {min(ratios):.2f} at least")  # fmt: skip

    def chart(self, path, title):
        """A PNG: how fast each INT8 runtime is, the fastest of the others being 1."""
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib import pyplot as plt

        runtimes = [r for r in (*PEERS, "octavo") if any(k[2] == r and k[1] == "int8" for k in self.of)]
        colors = dict(zip((*PEERS, "octavo"), ("#9aa7bd", "#d99a1c", "#e8c47a", "#c9d0dc", "#d1493f", "#3c6fd6")))
        height = 1.2 + 0.16 * (len(runtimes) + 1.5) * len(self.networks)
        figure, axes = plt.subplots(1, len(self.threads), figsize=(6.2 * len(self.threads), height), squeeze=False,
                                    sharey=True, layout="constrained")  # fmt: skip
        for axis, t in zip(axes[0], self.threads):
            for number, runtime in enumerate(runtimes):
                for y, n in enumerate(self.networks):
                    ms, best = self.ms(n, "int8", runtime, t), self.best_peer(n, "int8", t)
                    if ms is None or best is None:
                        continue
                    at = y + (number - (len(runtimes) - 1) / 2) * 0.8 / len(runtimes)
                    axis.barh(at, best[0] / ms, 0.8 / len(runtimes), color=colors[runtime],
                              label=PEERS.get(runtime, "Octavo") if y == 0 else None)  # fmt: skip
                    if runtime == "octavo":
                        axis.text(best[0] / ms + 0.02, at, f"{best[0] / ms:.2f}", va="center", fontsize=8)
            axis.axvline(1, color="#1d2430", linewidth=0.8)
            axis.set_yticks(range(len(self.networks)), self.networks)
            axis.set_title(f"{t} thread{'s'[: t != 1]}", fontsize=10)
            axis.set_xlabel("speed, the best peer = 1")
            axis.spines[["top", "right"]].set_visible(False)
        axes[0][0].invert_yaxis()
        axes[0][-1].legend(fontsize=8, loc="lower right")
        figure.suptitle(title, fontsize=11)
        figure.savefig(path, dpi=130)
        plt.close(figure)
