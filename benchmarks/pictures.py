"""The pictures of docs/performance.md."""

from pathlib import Path
from typing import Any

from . import scaling
from .records import by_work, threads

COLOURS = {"gpufa": "#3b6ea5", "bare": "#b9b9b9", "": "#d98b3f"}
MARKERS = "o", "s", "^"


def growth(rows: list[dict[str, Any]], path: Path) -> None:
    """A panel for each axis."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, all_axes = pyplot.subplots(1, len(scaling.AXES), figsize=(14, 3), layout="constrained", sharey=True)
    for axes, axis in zip(all_axes, scaling.AXES, strict=True):
        for name, colour in zip(scaling.BASE.contenders, ("#3b6ea5", "#d98b3f"), strict=True):
            points = [(r["value"], r["ms"]) for r in rows if (r["axis"], r["contender"]) == (axis, name)]
            axes.loglog(*zip(*points, strict=True), "o-", color=colour, label=name, markersize=3)
        axes.xaxis.set_minor_formatter("")
        axes.set_xlabel(axis)
        axes.grid(alpha=0.3)
    all_axes[0].set_ylabel("ms a step")
    all_axes[0].legend(fontsize=8)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def lengths(rows: list[dict[str, Any]], path: Path) -> None:
    """Memory of a step against how many steps in time it goes through, a line for each rule."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6, 3.4), layout="constrained")
    for rule, colour in zip(dict.fromkeys(row["rule"] for row in rows), ("#d98b3f", "#3b6ea5"), strict=True):
        points = [(row["steps"], row["bytes"] / 2**20) for row in rows if row["rule"] == rule]
        axes.loglog(*zip(*points, strict=True), "o-", color=colour, label=rule, markersize=4)
    axes.set_xlabel("steps in time")
    axes.set_ylabel("MiB")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def contenders(records: list[dict[str, Any]], path: Path) -> None:
    """Each work's contenders against gpufa's DFA: bars of the first record with it, points of the others."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    works = [found for found in by_work(records).values() if len(found[0][1]["rows"]) > 2]
    if not works:
        return
    figure, all_axes = pyplot.subplots(
        len(works), 1, figsize=(8, 2.6 * len(works)), layout="constrained", squeeze=False, sharex=True
    )
    for axes, ((first, work), *rest) in zip(all_axes[:, 0], works, strict=True):
        rows = sorted(ratios(work).items(), key=lambda pair: -pair[1])
        names = [name for name, _ in rows]
        colours = [next(c for part, c in COLOURS.items() if part in name) for name in names]
        axes.barh(names, [ratio for _, ratio in rows], color=colours, label=threads(first))
        for (record, same), marker in zip(rest, MARKERS, strict=False):
            points = [(ratio, name) for name, ratio in ratios(same).items() if name in names]
            if points:
                axes.plot(*zip(*points, strict=True), marker, color="black", markersize=3, label=threads(record))
        if len(records) > 1:
            axes.legend(fontsize=7)
        axes.axvline(1, color="black", linewidth=0.8)
        axes.set_title(work["work"], fontsize=9, loc="left")
        axes.tick_params(labelsize=7)
    all_axes[-1, 0].set_xlabel("time of a step, against gpufa dfa")
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def ratios(work: dict[str, Any]) -> dict[str, float]:
    """By contender, its time against gpufa's DFA."""
    return {row["contender"]: row["against_gpufa_dfa"] for row in work["rows"] if row.get("against_gpufa_dfa")}
