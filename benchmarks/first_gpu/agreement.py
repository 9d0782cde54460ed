"""A few float64 training steps on the GPU, recorded and one operation at a time, against NumPy's."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import numpy as np

from gpufa import Config, Data
from gpufa.backends import get_backend
from gpufa.backends.gpu.device import CaptureFailed
from gpufa.parallel.ranks import BY_ITSELF, Together
from gpufa.training.trainer import Trainer

from .task import Task, Wrong

RULES = "dfa", "bp", "fa"
EPOCHS = 5
NEAR = 1e-10  # relative
REFUSED = "so that every operation runs by itself"


def agreement(task: Task) -> None:
    rows: list[dict[str, Any]] = []
    for rule in RULES[: 1 if task.quick else None]:
        numpy_, recorded = trained(rule, "numpy")[0], trained(rule, "cupy")
        with unrecorded():
            eager = trained(rule, "cupy")
        row = {"rule": rule, "told": recorded[1]}
        row |= {"recorded": apart(recorded[0], numpy_), "eager": apart(eager[0], numpy_)}
        row["same_bits"] = all(map(np.array_equal, recorded[0], eager[0]))
        task.keep(relative_difference_to_numpy=(rows := [*rows, row]))
    for row in rows:
        if max(row["recorded"], row["eager"]) > NEAR or not row["same_bits"] or row["told"]:
            raise Wrong(f"{row}, where NumPy is to be met to {NEAR}, and by recorded steps to the eager ones' bits")


def trained(rule: str, backend: str, ranks: Together = BY_ITSELF) -> tuple[list[np.ndarray], list[str]]:
    """The parameters after a few epochs of whole batches and a smaller one, and what was warned of."""
    draw = np.random.default_rng(0)
    x, y = draw.normal(size=(200, 20)), np.arange(200) % 5
    config = Config(
        rule=rule, hidden=(40, 30), dtype="float64", batch_size=16, seeds=(0, 1), epochs=EPOCHS, backend=backend
    )
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        trainer = Trainer(config, Data(x[:150], y[:150], x[150:], y[150:]), ranks=ranks)
        trainer.run()
    found = [np.array(trainer.backend.to_host(p)) for p in trainer.net.parameters.values()]
    return found, [str(warning.message) for warning in told]


def apart(found: list[np.ndarray], wanted: list[np.ndarray]) -> float:
    """The largest difference, against the largest number of its array."""
    return max(float(np.abs(a - b).max() / np.abs(b).max()) for a, b in zip(found, wanted, strict=True))


@contextmanager
def unrecorded() -> Iterator[None]:
    """Let the GPU refuse to record."""
    with patch.object(get_backend("cupy").device, "record", side_effect=CaptureFailed(REFUSED)):
        yield
