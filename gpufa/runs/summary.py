"""The figures that a run ends with, or has so far."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..checkpoints.networks import inside
from ..data.samples.about import About, of_metadata
from ..measure.history import History, newest
from ..measure.scores import RECALL, of_parts, only
from ..training.course.stopping import Status
from ..training.settings.toml import stored
from ..training.trainer import Trainer

BACKPROP = "backprop_steps"
FINISHED = "finished"  # the status of a seed that has trained for all epochs


@np.errstate(all="ignore")  # figures that are not finite are told as none
def summarise(trainer: Trainer) -> dict[str, Any]:
    """The figures of summary.json: errors in percent, angles in degrees, times in seconds; lists have one per seed,
    recalls a list for each class."""
    net, progress, history = trainer.net, trainer.progress, trainer.history
    course = _course(history, progress.arrays(), trainer.epochs, trainer.kept.epoch if trainer.kept else None)
    samples = trainer.batches.n * int(progress.epochs.sum())
    parts = {"train": trainer.train, "validation": trainer.held, "test": trainer.test}
    scores = {
        f"{part}_{name}": _listed(name, values, net.about)
        for part, found in of_parts(net, parts).items()
        for name, values in _sound(found).items()
    }
    return {
        "rule": net.rule.name,
        "data": trainer.config.data,
        "seeds": list(net.seeds),
        **scores,
        **course,
        "samples_per_second": samples / course["seconds"] if course["seconds"] else None,
        "backend": net.backend.name,
        "environment": net.backend.describe(),
        **({"before": trainer.before} if trainer.before else {}),
    }


def summary_of(arrays: Mapping[str, NDArray], metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The same of a checkpoint's contents, without what only a run that ended knows: training scores and the place."""
    history = History.from_arrays(tuple(metadata["network"]["seeds"]), inside("history", arrays))
    epochs, config, kept = history.epochs, stored(metadata), arrays.get("kept/epoch")
    about = of_metadata(metadata)
    scores = {
        name: _listed(name, _after(epochs[name], kept), about)
        for name in epochs.names
        if name.startswith(("validation_", "test_"))
    }
    return {
        "rule": metadata["network"]["rule"]["name"],
        "data": config.data,
        "seeds": list(history.seeds),
        **scores,
        **_course(history, inside("progress", arrays), config.epochs or 0, kept),
    }


def states(progress: Mapping[str, NDArray], epochs: int) -> list[str]:
    """Why each seed of a run of so many epochs trains no longer, in a word: "running" where it has more to come."""
    ended = FINISHED if progress["epoch"] >= epochs else Status.RUNNING.name.lower()
    return [Status(int(s)).name.lower() if s else ended for s in progress["status"]]


def _after(column: NDArray, kept: NDArray | None) -> NDArray:
    """The figure of each seed after the epoch that its weights are kept of, the newest where that is none."""
    figures = newest(column)
    if kept is not None:
        for r in np.flatnonzero(kept):
            figures[r] = column[kept[r] - 1, r]
    return figures


def _course(history: History, progress: Mapping[str, NDArray], epochs: int, kept: NDArray | None) -> dict[str, Any]:
    """How far a run of so many epochs has come, in what time, with what angles and dead units; where weights of the
    best epochs are kept, which epochs those are."""
    trained = {"epochs": int(progress["epoch"]), "epochs_per_seed": progress["epochs"].tolist()}
    if kept is not None:
        trained["weights_of_epoch"] = np.where(kept, kept, progress["epochs"]).tolist()
    if BACKPROP in history.epochs:
        trained |= {BACKPROP: int(history.epochs[BACKPROP].sum()), "steps": int(history.epochs["step"][-1])}
    return {
        **trained,
        "status": states(progress, epochs),
        "seconds": float(sum(history.epochs["seconds"])) if len(history.epochs) else 0.0,
        "alignment_deg": [finite(v) for v in history.last_probe("per_sample")],
        "dead_units_percent": [finite(v) for v in history.last_probe("dead")],
    }


def _sound(score: dict[str, NDArray]) -> dict[str, NDArray]:
    """NaN in every figure of a replica whose loss is no longer finite."""
    return only(score, np.isfinite(score["loss"]))


def _listed(name: str, values: NDArray, about: About | None) -> Any:
    """A figure of each seed, or those of each class."""
    return by_class(values, about) if name.endswith(RECALL) else [finite(v) for v in values]


def by_class(values: NDArray, about: About | None) -> dict[str, list[float | None]]:
    """Figures (R, C) by the name of the class: one of each seed."""
    names = (about.class_name(c) if about else str(c) for c in range(values.shape[1]))
    return {called: [finite(v) for v in column] for called, column in zip(names, values.T, strict=True)}


def finite(value: float) -> float | None:
    """A number for JSON, which has no NaN."""
    return float(value) if np.isfinite(value) else None
