"""Results as tables of text, for the console and for a report."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..basics.sheet import Sheet
from ..measure.history import MOST
from ..measure.scores import METRICS
from ..measure.seeds import finite, spread
from ..training.course.stopping import Status

SCORES = (
    *("train_error", "test_error", "train_perplexity", "test_perplexity", "test_auc", "test_exact_match"),
    *("train_rmse", "test_rmse", "test_r2"),
)
JUDGED = "test_perplexity", "test_error", "test_rmse"  # what runs are compared by: the first that there is
LOSS = "test_loss"
LOSSES = "train_loss", LOSS  # where there is no other score
PERCENT = tuple(name for name, metric in METRICS.items() if metric.percent)
RECALL, BALANCED = "test_recall", "test_balanced_accuracy"
LOWEST = 3  # classes that a line names, of more than MOST
EPOCHS = {"epochs": "epochs_per_seed", "weights of epoch": "weights_of_epoch"}  # columns, of which a run may lack some


def results(summary: Mapping[str, Any]) -> Sheet:
    """Each seed's errors, then mean and deviation, of a summary as in summary.json."""
    names = [name for name in SCORES if name in summary] or LOSSES
    figures = {name: summary[name] for name in names if name in summary}
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
    means = (mean_and_deviation(sound(summary, name), digits(name)) for name in figures)
    without = ", without those that diverged" if diverged(summary) else ""
    return Sheet(
        f"{summary['rule']} on {summary['data']} after {summary['epochs']} epochs, {summary['seconds']:.1f} s",
        ("seed", *map(heading, figures), *epochs, "status"),
        tuple(rows),
        (f"mean ± deviation{without}", *means, *("" for _ in epochs), ""),
        ("status",),
    )


def in_short(summary: Mapping[str, Any]) -> str:
    """The test score that there is, over the seeds, and whether seeds diverged."""
    name = next((name for name in (*JUDGED, LOSS) if name in summary), None)
    lost = ", some seeds diverged" if diverged(summary) else ""
    if name is None:
        return lost
    unit = " %" if name.endswith(PERCENT) else ""
    return f", {name.replace('_', ' ')} {mean_and_deviation(sound(summary, name), digits(name))}{unit}{lost}"


def diverged(summary: Mapping[str, Any]) -> list[int]:
    """The seeds that diverged."""
    pairs = zip(summary["seeds"], summary["status"], strict=True)
    return [seed for seed, status in pairs if status == Status.DIVERGED.name.lower()]


def sound(summary: Mapping[str, Any], name: str) -> list[float | None]:
    """The figures of each seed, None for one that diverged, as what its last checkpoint has is no result, or
    has none."""
    return _sound(summary, summary.get(name, [None] * len(summary["seeds"])))


def _sound(summary: Mapping[str, Any], values: Sequence[float | None]) -> list[float | None]:
    lost = diverged(summary)
    return [None if seed in lost else v for seed, v in zip(summary["seeds"], values, strict=True)]


def alike(summary: Mapping[str, Any]) -> str:
    """What to say where several seeds have one and the same test error, and are different nets all the same."""
    errors, losses = (finite(sound(summary, name)) for name in ("test_error", LOSS))
    if len(errors) < 2 or len(set(errors)) > 1 or len(set(losses)) < 2:
        return ""
    return (
        f"every seed has the same test error, {errors[0]:{digits('test_error')}} %, as many samples; that their nets"
        f" differ shows in the test loss: {mean_and_deviation(losses, digits(LOSS))}"
    )


def notes(summary: Mapping[str, Any]) -> list[str]:
    """What is to be known beside the table of results, a sentence each."""
    return [note for note in (alike(summary), calibrated(summary), dead(summary)) if note]


def calibrated(summary: Mapping[str, Any]) -> str:
    """How many steps were true backprop among those of another rule; empty where none was asked for."""
    if "backprop_steps" not in summary:
        return ""
    return f"{summary['backprop_steps']:,} of {summary['steps']:,} steps were true backprop"


def dead(summary: Mapping[str, Any]) -> str:
    """What share of the units is dead; empty where none is."""
    shares = summary.get("dead_units_percent", ())
    text = f"dead units in percent, layer by layer, mean over seeds: {' '.join(figure(v, '.1f') for v in shares)}"
    return text if any(shares) else ""


def recalls(by_class: Mapping[str, Sequence[float | None]], balanced: Sequence[float | None]) -> Sheet:
    """The recall of each class, mean and deviation over the seeds, and its mean, the balanced accuracy."""
    rows = tuple((name, mean_and_deviation(values)) for name, values in by_class.items())
    return Sheet("recall by class", ("class", "recall %"), rows, ("balanced accuracy", mean_and_deviation(balanced)))


def sound_recalls(summary: Mapping[str, Any]) -> dict[str, list[float | None]]:
    """Those of the test samples by class, as `sound`."""
    return {name: _sound(summary, values) for name, values in summary[RECALL].items()}


def classes(summary: Mapping[str, Any]) -> str:
    """Balanced accuracy and recalls of the test samples in a line, mean over seeds: of many classes the lowest."""
    means = {name: spread(values).mean for name, values in sound_recalls(summary).items()}
    several = len(means) > MOST
    chosen = sorted(means, key=lambda name: (np.isnan(means[name]), means[name]))[:LOWEST] if several else list(means)
    told = ", ".join(f"{name} {'-' if np.isnan(means[name]) else f'{means[name]:.1f}'}" for name in chosen)
    which = f"the lowest of {len(means)} classes" if several else "by class"
    balanced = mean_and_deviation(sound(summary, BALANCED))
    return f"balanced accuracy {balanced} %; recall in percent, {which}, mean over seeds: {told}"


def mean_and_deviation(values: Any, form: str = ".2f") -> str:
    """ "2.31 ± 0.08": mean and sample deviation of the finite values."""
    found = spread(values)
    if not found.n:
        return "-"
    deviation = f" ± {found.deviation:{form}}" if found.n > 1 else ""
    return f"{found.mean:{form}}{deviation}"


def heading(name: str) -> str:
    return name.replace("_", " ") + (" %" if name.endswith(PERCENT) else "")


def words(name: str) -> str:
    """A score in a sentence."""
    return name.replace("_", " ").replace("rmse", "RMSE")


def digits(name: str) -> str:
    """Percent with two decimals, losses with three significant digits, other figures with four."""
    return ".2f" if name.endswith(PERCENT) else ".3g" if name == LOSS else ".4g"


def figure(value: float | None, form: str) -> str:
    return "-" if value is None else f"{value:{form}}"
