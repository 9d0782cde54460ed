"""The figures that a run ends with, or has so far."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..checkpoints.networks import inside
from ..measure.history import History, newest
from ..measure.scores import evaluate
from ..training.stopping import Status
from ..training.toml import from_mapping
from ..training.trainer import Trainer


@np.errstate(all="ignore")  # figures that are not finite are told as none
def summarise(trainer: Trainer) -> dict[str, Any]:
    """The figures of summary.json: errors in percent, angles in degrees, times in seconds; lists have one per seed."""
    net, progress, history = trainer.net, trainer.progress, trainer.history
    course = _course(history, progress.arrays())
    samples = len(trainer.batches.x) * int(progress.epochs.sum())
    parts = {"train": trainer.train, "validation": trainer.held, "test": trainer.test}
    scores = {
        f"{part}_{name}": [finite(v) for v in values]
        for part, (x, y) in parts.items()
        if len(x)
        for name, values in _sound(evaluate(net, x, y)).items()
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
    }


def summary_of(arrays: Mapping[str, NDArray], metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The same of a checkpoint's contents, without what only a run that ended knows: training scores and the place."""
    history = History.from_arrays(tuple(metadata["network"]["seeds"]), inside("history", arrays))
    epochs = history.epochs
    scores = {
        name: [finite(v) for v in newest(epochs[name])] for name in epochs if name.startswith(("validation_", "test_"))
    }
    return {
        "rule": metadata["network"]["rule"]["name"],
        "data": from_mapping(metadata["config"]).data,
        "seeds": list(history.seeds),
        **scores,
        **_course(history, inside("progress", arrays)),
    }


def _course(history: History, progress: Mapping[str, NDArray]) -> dict[str, Any]:
    """How far a run has come, in what time, with what angles and dead units."""
    return {
        "epochs": int(progress["epoch"]),
        "epochs_per_seed": progress["epochs"].tolist(),
        "status": [Status(int(s)).name.lower() for s in progress["status"]],
        "seconds": float(sum(history.epochs["seconds"])) if len(history.epochs) else 0.0,
        "alignment_deg": [finite(v) for v in history.last_probe("per_sample")],
        "dead_units_percent": [finite(v) for v in history.last_probe("dead")],
    }


def _sound(score: dict[str, NDArray]) -> dict[str, NDArray]:
    """NaN in every figure of a replica whose loss is no longer finite."""
    return {name: np.where(np.isfinite(score["loss"]), values, np.nan) for name, values in score.items()}


def finite(value: float) -> float | None:
    """A number for JSON, which has no NaN."""
    return float(value) if np.isfinite(value) else None
