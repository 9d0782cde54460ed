"""Results as tables of text, for the console and for a report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..training.stopping import Status

SCORES = "train_error", "test_error", "train_rmse", "test_rmse", "test_r2"

EPOCHS = {"epochs": "epochs_per_seed", "weights of epoch": "weights_of_epoch"}  # columns, of which a run may lack some


@dataclass(frozen=True)
class Sheet:
    """A title, the names of the columns, of which the first and `texts` are no figures, rows, and a last row apart."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    foot: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()


def results(summary: Mapping[str, Any]) -> Sheet:
    """Each seed's errors, then mean and deviation, of a summary as in summary.json."""
    figures = {name: summary[name] for name in SCORES if name in summary}
    epochs = {title: summary[name] for title, name in EPOCHS.items() if name in summary}
    rows = [
        (
            str(seed),
            *(figure(values[r], digits(name)) for name, values in figures.items()),
            *(str(numbers[r]) for numbers in epochs.values()),
            "interrupted" if (status := summary["status"][r]) == Status.RUNNING.name.lower() else status,
        )
        for r, seed in enumerate(summary["seeds"])
    ]
    means = (mean_and_deviation(values, digits(name)) for name, values in figures.items())
    return Sheet(
        f"{summary['rule']} on {summary['data']} after {summary['epochs']} epochs, {summary['seconds']:.1f} s",
        ("seed", *map(heading, figures), *epochs, "status"),
        tuple(rows),
        ("mean ± deviation", *means, *("" for _ in epochs), ""),
        ("status",),
    )


def comparison(summaries: Mapping[str, Mapping[str, Any]], what: str = "rule") -> Sheet:
    """One row for each of several runs, called by what tells them apart."""
    names = [n for n in SCORES if n != "train_rmse" and any(n in summary for summary in summaries.values())]
    rows = [
        (
            name,
            *(mean_and_deviation(summary.get(n, ()), digits(n)) for n in names),
            f"{summary['seconds']:.1f}",
            " ".join(figure(v, ".0f") for v in summary["alignment_deg"]),
        )
        for name, summary in summaries.items()
    ]
    head = what, *map(heading, names), "seconds", "alignment °, layer by layer"
    return Sheet("comparison: mean ± deviation over seeds", head, tuple(rows))


def dead(summary: Mapping[str, Any]) -> str:
    """What share of the units is dead; empty where none is."""
    shares = summary.get("dead_units_percent", ())
    text = f"dead units in percent, layer by layer, mean over seeds: {' '.join(figure(v, '.1f') for v in shares)}"
    return text if any(shares) else ""


def mean_and_deviation(values: Sequence[float | None], form: str = ".2f") -> str:
    """ "2.31 ± 0.08": mean and sample deviation of the finite values."""
    finite = [v for v in values if v is not None]
    if not finite:
        return "-"
    deviation = f" ± {np.std(finite, ddof=1):{form}}" if len(finite) > 1 else ""
    return f"{np.mean(finite):{form}}{deviation}"


def heading(name: str) -> str:
    return name.replace("_", " ") + (" %" if name.endswith("error") else "")


def digits(name: str) -> str:
    """Percent with two decimals, other figures with four significant digits."""
    return ".2f" if name.endswith("error") else ".4g"


def figure(value: float | None, form: str) -> str:
    return "-" if value is None else f"{value:{form}}"
