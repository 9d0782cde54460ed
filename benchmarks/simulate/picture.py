"""The picture of docs/scale.md: efficiency by number of processes."""

from pathlib import Path
from typing import Any

from gpufa.plots.style import COLOURS, MARKS


def drawn(rows: list[dict[str, Any]], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7.5, 4.2), layout="constrained")
    for way, colour, mark in zip(dict.fromkeys(row["way"] for row in rows), COLOURS, MARKS, strict=False):
        points = [(row["ranks"], 100 * row["efficiency"]) for row in rows if row["way"] == way]
        axes.semilogx(*zip(*points, strict=True), marker=mark, markersize=4, color=colour, label=way, base=2)
    axes.set_xlabel("processes")
    axes.set_ylabel("efficiency in percent")
    axes.set_ylim(0, 105)
    axes.xaxis.set_major_formatter("{x:.0f}")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
