"""scikit-learn's stop rule by hand: epochs without improvement by `tol`, one more of them than it waits for."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from traininglab import DATA, config

from gpufa.measure.history import History
from gpufa.training.course.plateau import Plateau, figure_of
from gpufa.training.course.stopping import Status
from gpufa.training.trainer import Trainer


def stopped_after(losses, wait, tol):
    """The epoch after which each replica of these losses, (epochs, R), stops, 0 for never."""
    replicas = np.shape(losses)[1]
    trainer = SimpleNamespace(
        config=SimpleNamespace(seeds=range(replicas)),
        history=History(tuple(range(replicas))),
        progress=SimpleNamespace(status=np.zeros(replicas, np.int64), active=np.ones(replicas, bool)),
    )
    rule, found = Plateau(wait, tol), np.zeros(replicas, np.int64)
    rule.on_start(trainer)
    for epoch, row in enumerate(losses, start=1):
        trainer.history.epochs.append({"loss": np.array(row)})
        rule.on_epoch(trainer)
        found[(found == 0) & (trainer.progress.status == Status.PATIENCE)] = epoch
        trainer.progress.active = trainer.progress.status == Status.RUNNING
    return found.tolist()


def test_it_waits_for_one_more_than_so_many():
    losses = np.array([[9.0, 9.0], [8.0, 8.9], [8.0, 8.8], [8.0, 8.7], [8.0, 8.6], [7.0, 8.5]])
    assert stopped_after(losses, 2, 0.0) == [0, 0]  # not worse is no wait: -8 < -8 + 0 is false
    assert stopped_after(losses, 2, 0.05) == [5, 0]
    assert stopped_after(losses, 2, 0.15) == [5, 4]
    assert stopped_after(losses, np.inf, 0.15) == [0, 0]


def test_the_best_counts_though_it_was_too_little():
    """Steps of 0.6 tol, each from the best so far."""
    losses = 9 - 0.6 * np.arange(8.0)[:, None]
    assert stopped_after(losses, 2, 1.0) == [4]
    assert stopped_after(np.full((6, 1), np.nan), 2, 0.0) == [0]


@pytest.mark.parametrize(
    ("row", "figure"),
    [
        ({"loss": np.array([2.0])}, -2),
        ({"loss": np.array([2.0]), "validation_loss": np.array([9.0]), "validation_error": np.array([25.0])}, 0.75),
        ({"loss": np.array([2.0]), "validation_r2": np.array([0.5])}, 0.5),
    ],
)
def test_what_it_goes_by(row, figure):
    assert figure_of(row) == [figure]


def test_replicas_stop_by_themselves_in_a_run():
    trainer = Trainer(replace(config(epochs=60), lr=0.02), DATA, None, [rule := Plateau(3, 0.01)])
    trainer.run()
    assert (trainer.progress.status == Status.PATIENCE).all()
    assert len(rule.scores) == trainer.progress.epochs.max() < 60
    for r, epochs in enumerate(trainer.progress.epochs):
        scores = [score[r] for score in rule.scores[:epochs]]
        worse = [score < max(scores[:i], default=-np.inf) + 0.01 for i, score in enumerate(scores)]
        assert worse[-4:] == [True] * 4
        assert not any(all(worse[i - 4 : i]) for i in range(4, epochs))
