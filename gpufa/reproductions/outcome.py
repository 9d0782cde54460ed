"""What the runs of a cell have come to, and how that compares with what was published."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..checkpoints import networks
from ..data.samples.about import lossy, of_metadata
from ..measure.history import History, newest
from ..measure.seeds import spread
from ..training.course.stopping import Status
from ..training.settings.toml import from_mapping
from .experiment import Cell


class Measure(NamedTuple):
    """What a cell reports of each seed, (R,), and its unit."""

    what: str
    unit: str
    of: Callable[[History], NDArray]


def _at_least(values: NDArray, judged: NDArray) -> NDArray:
    """Of each seed the value at the row where `judged` is least, both (rows, R); NaN where that has no number."""
    rows = np.where(np.isfinite(judged), judged, np.inf).argmin(axis=0)
    found = np.take_along_axis(values, rows[None], axis=0)[0]
    return np.where(np.isfinite(judged).any(axis=0), found, np.nan)


def _least(values: NDArray) -> NDArray:
    return _at_least(values, values)


MEASURES = {
    "test_error": Measure("test error", "%", lambda h: newest(h.epochs["test_error"])),
    "best_test_error": Measure("best epoch's test error", "%", lambda h: _least(h.epochs["test_error"])),
    "validated_error": Measure(
        "test error at the best validation",
        "%",
        lambda h: _at_least(h.epochs["test_error"], h.epochs["validation_error"]),
    ),
    "running_error": Measure("training error", "%", lambda h: newest(h.epochs["running_error"])),
    "test_loss": Measure("test loss", "", lambda h: newest(h.epochs["test_loss"])),
    "test_perplexity": Measure("test perplexity", "", lambda h: newest(h.epochs["test_perplexity"])),
    "angle": Measure("angle with backprop", "°", lambda h: newest(h.probes["per_sample"].mean(axis=2))),
    "gradient_angle": Measure("angle of the gradients", "°", lambda h: newest(h.probes["gradient"].mean(axis=2))),
    "first_angle": Measure("angle of layer 1 with backprop", "°", lambda h: newest(h.probes["per_sample"][:, :, 0])),
}


@dataclass(frozen=True)
class Outcome:
    """Per seed, (R,): `values` of the cell's measure, NaN for those that diverged, `epochs` trained, `status`.

    None of it where nothing has run. `lossy` says what the images have lost, where they have.
    """

    cell: Cell
    history: History | None = None
    runs: tuple[Path, ...] = ()
    values: NDArray = field(default_factory=lambda: np.empty(0))
    epochs: NDArray = field(default_factory=lambda: np.empty(0, int))
    planned: int = 0
    status: tuple[str, ...] = ()
    seconds: float = 0.0
    versions: tuple[str, ...] = ()
    lossy: str = ""

    @classmethod
    def of(cls, cell: Cell, runs: list[Path]) -> "Outcome":
        """From the runs' checkpoints."""
        if not runs:
            return cls(cell)
        read = [networks.contents(run) for run in runs]
        histories = [
            History.from_arrays(tuple(about["network"]["seeds"]), networks.inside("history", arrays))
            for arrays, about in read
        ]
        history = History.beside(histories)
        status = np.array([s for arrays, _ in read for s in arrays["progress/status"]])
        return cls(
            cell,
            history,
            tuple(runs),
            _figures(cell.measure, history, status == Status.DIVERGED),
            np.concatenate([arrays["progress/epochs"] for arrays, _ in read]),
            max(from_mapping(about["config"]).epochs or 0 for _, about in read),
            tuple(Status(int(s)).name.lower() for s in status),
            float(sum(np.sum(part.epochs["seconds"]) for part in histories if len(part.epochs))),
            tuple(sorted({about["gpufa"] for _, about in read})),
            "; ".join(sorted({said for _, about in read if (said := lossy(of_metadata(about)))})),
        )

    def beside(self, measure: str) -> NDArray:
        """Per seed, (R,), what another measure has, as `values`."""
        diverged = np.array([status == Status.DIVERGED.name.lower() for status in self.status], bool)
        return _figures(measure, self.history, diverged) if self.history else np.empty(0)

    @property
    def finished(self) -> bool:
        """Whether every seed has trained to its end."""
        ended = (self.epochs >= self.planned) | (np.array(self.status) != Status.RUNNING.name.lower())
        return bool(len(self.values)) and bool(ended.all())

    @property
    def mean(self) -> float:
        """Over the seeds that did not diverge."""
        return spread(self.values).mean

    @property
    def deviation(self) -> float:
        """The sample deviation over those; 0 for one seed."""
        return float(np.nan_to_num(spread(self.values).deviation))

    @property
    def running_error(self) -> float:
        """The mean training error over the last epoch's own batches, in percent; NaN where there are no labels."""
        if self.history is None or "running_error" not in self.history.epochs:
            return np.nan
        return float(newest(self.history.epochs["running_error"]).mean())


def _figures(measure: str, history: History, diverged: NDArray) -> NDArray:
    values = MEASURES[measure].of(history) if len(history.epochs) else np.full(len(diverged), np.nan)
    return np.where(diverged, np.nan, values)


class Verdict(NamedTuple):
    """within, outside, not comparable or not run; why; and the difference in published deviations, or NaN."""

    word: str
    why: str
    deviations: float = np.nan


def judge(outcome: Outcome, tolerance: Mapping[str, Any]) -> Verdict:
    """Set a cell beside what was published, or beside its band for a short run."""
    cell, mean = outcome.cell, outcome.mean
    if not len(outcome.values):
        return Verdict("not run", "")
    if not outcome.finished:
        return Verdict("not comparable", f"{outcome.epochs.min()} of {outcome.planned} epochs so far")
    apart = "; ".join(filter(None, (cell.differs, outcome.lossy if cell.published else "")))
    if apart or not (cell.published or cell.band):
        return Verdict("not comparable", apart or "nothing was published")
    if lost := outcome.status.count(Status.DIVERGED.name.lower()):
        return Verdict("outside", f"{lost} of {len(outcome.status)} seeds diverged")
    if cell.band:
        low, high = cell.band
        word = "within" if low <= mean <= high else "outside"
        return Verdict(word, f"the short run's own band is {low:g} to {high:g}")
    published = cell.published
    assert published
    if published.mean is None:
        good = (published.above is None or mean >= published.above) and (
            published.below is None or mean <= published.below
        )
        return Verdict("within" if good else "outside", published.text)
    distance = mean - published.mean
    room = max(tolerance["deviations"] * published.deviation, tolerance["points"])
    steps = distance / published.deviation if published.deviation else np.nan
    return Verdict(
        "within" if abs(distance) <= room + 1e-9 else "outside", f"{distance:+.2f} of {room:.2f} allowed", steps
    )
