"""Runs that are done by one process and by several, by name, and the program that trains them all.

`mpiexec -n 2 python parallellab.py FOLDER WAY TABLE ...` leaves FOLDER/NAME of each, and in FOLDER/refused.json what
was refused with which sentence.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import numpy as np

import gpufa
from gpufa import plots
from gpufa.backends.operations.operands import Signal
from gpufa.basics.random import Purpose
from gpufa.layers import LAYERS, Dropout

SETTINGS = {
    "hidden": (8, 7),
    "dtype": "float64",
    "backend": "numpy",
    "epochs": 3,
    "batch_size": 16,
    "seeds": (0, 1, 2),
    "optimizer": "momentum",
    "lr": 0.02,
    "init": "uniform",  # of zeros, outputs tie but for rounding, which then decides what is wrong
}
draw = np.random.default_rng(0)


class Poison(gpufa.Callback):
    """Puts a NaN into the weights of each of these seeds after its epoch."""

    def __init__(self, epochs):
        self.epochs = epochs

    def on_epoch(self, trainer):
        for r, seed in enumerate(trainer.net.seeds):
            if self.epochs.get(seed) == trainer.progress.epoch:
                trainer.net.parameters["W2"][r, 0, 0] = np.nan


@dataclass(frozen=True)
class Shaken(Dropout):
    """x + p N(0, 1) in training: other numbers in each process for its own samples."""

    word = "shaken"
    separable = True

    def forward(self, at):
        at.y[...] = at.x
        if at.batch.training:
            draws = at.array("draws", at.units, at.batch.m)
            self.draw(at, draws)
            at.y += self.p * draws

    def draw(self, at, out):
        at.batch.random("normal", out, at.stream, by_sample=True, purpose=Purpose.INPUT_NOISE)

    def pull(self, at, carriers):
        return Signal(None, at.delta)


@dataclass(frozen=True)
class Careless(Shaken):
    """The same by the backend: the same numbers in each process for other samples."""

    word = "careless"

    def forward(self, at):
        super().forward(at)

    def draw(self, at, out):
        at.backend.random("normal", out, at.batch.seeds, Purpose.INPUT_NOISE, at.batch.step, at.stream)


ADDED = {one.word: one for one in (Shaken, Careless)}


def arrays(n, features=16, targets=None):
    """Training and test samples."""
    y = draw.integers(0, 3, n) if targets is None else draw.normal(size=(n, targets))
    x = draw.normal(size=(n, features)) + (np.eye(3, features)[y] * 2 if targets is None else 0)
    return x[: n * 3 // 4], y[: n * 3 // 4], x[n * 3 // 4 :], y[n * 3 // 4 :]


EVEN, ODD, REAL = arrays(128), arrays(116), arrays(100, targets=2)  # 96, 87 and 75 samples to train on
TOKENS = tuple(part.astype(np.uint8) if part.ndim == 1 else np.argsort(part)[:, :6].astype(np.uint8) for part in ODD)
IMAGES = tuple(part.reshape(len(part), 4, 4) if part.ndim > 1 else part for part in EVEN)
CONV = ("input 1x4x4", "conv 3 3x3 relu, pool 2", "dense 6 tanh")
DROPPING = (*CONV[:2], "dense 6 tanh, dropout 0.2")
NORMED = ("input 1x4x4", "conv 3 3x3, batch norm, relu", "dense 6, batch norm, tanh")
WORDS = {"hidden": None, "activation": None}
STEEP = {"clip": 0.05, "calibrate": 1}  # of all of the gradient, and down through all of the net
ENCODED = "input 16", "poisson 6 rate 0.5, lif 8", "dense 5 tanh"  # judged by spikes that are drawn too
RECURRENT = "input 4x4", "gru 6 all", "gru 5", "dense 5 tanh"
HEARD = "residual(layer norm, attention 2), residual(layer norm, dense 12 gelu, dense 8)"
ATTENTION = "tokens 6 of 16", "embed 8, positions", HEARD, "mean, dense 5 tanh"
OWN = "input 16", "dense 6 tanh, shaken 0.3", "dense 5 tanh"
SHARED = {
    "sgd": ({"optimizer": "sgd", "lr": 0.05}, EVEN),
    "momentum": ({}, EVEN),
    "adam": ({"optimizer": "adam", "lr": 3e-3, "eps": 1e-3}, EVEN),
    "clip": ({"clip": 0.1, "weight_decay": 1e-3}, EVEN),
    "class-weights": ({"class_weights": "balanced"}, ODD),
    "drawn": ({"dropout": 0.3, "input_dropout": 0.1, "input_noise": 0.2, "label_noise": 0.2}, ODD),
    "augmented": (WORDS | {"augment": ("flip", "crop 1"), "layers": CONV}, IMAGES),
    "layers": (WORDS | {"layers": DROPPING, "rule": "bp"}, EVEN),
    "odd": ({}, ODD),
    "one-seed": ({"seeds": (4,), "probe_every": 3}, ODD),
    "patience": ({"validation": 0.2, "patience": 1, "keep": "best", "epochs": 6, "lr": 0.2}, ODD),
    "regression": ({"target_scaling": "standard", "scaling": "standard", "rule": "fa"}, REAL),
    "attacked": ({"adversarial": 0.1, "adversarial_mix": "only"}, ODD),
    "calibrated": ({"calibrate": 2}, ODD),
    "by-sample": ({"rule": "dtp"}, ODD),
    "mirrored": ({"rule": "kp", "freeze": (1,)}, ODD),
    "steep": (STEEP, ODD),
    "steep-conv": (WORDS | STEEP | {"layers": (*CONV, "dense 5 tanh")}, ODD),
    "recurrent": (WORDS | STEEP | {"layers": RECURRENT}, ODD),
    "attention": (WORDS | STEEP | {"layers": ATTENTION, "rule": "fa"}, TOKENS),
    "own-layer": (WORDS | {"layers": OWN, "adversarial": 0.1}, ODD),
    "encoded": (WORDS | STEEP | {"layers": ENCODED, "validation": 0.2, "keep": "best"}, ODD),
}
REFUSED = {
    "adversarial samples beside the others can't be shared": ({"adversarial": 0.1, "adversarial_mix": "beside"}, ODD),
    "a batch of 1 can't be shared among 2 processes; give another --batch-size": ({}, arrays(44)),
    "layer Careless is a class of your own, which may draw or measure something of a whole batch": (
        WORDS | {"layers": ("input 16", "dense 6 tanh, careless 0.3")},
        EVEN,
    ),
    "rule 'weight_mirror' learns from a batch what its parts don't add up to": ({"rule": "weight_mirror"}, EVEN),
}
NORMS = {  # of all samples of a batch
    "norms": (WORDS | {"layers": NORMED}, EVEN),
    "norms-odd": (WORDS | {"layers": NORMED, "rule": "bp"}, ODD),
    "norms-attacked": (WORDS | {"layers": NORMED, "adversarial": 0.1}, ODD),
    "norms-calibrated": (WORDS | {"layers": NORMED, "calibrate": 2}, ODD),
}
STOPPED = {"seeds": (0, 1, 2, 3), "validation": 0.3, "patience": 1, "epochs": 12, "lr": 0.1}
SEEDS = {  # divided among processes
    "seeds": ({"seeds": (0, 1, 2, 5, 7), "dropout": 0.3, "label_noise": 0.2, "input_noise": 0.1}, ODD),
    "two": ({"seeds": (3, 1), "optimizer": "adam", "probe_every": 3, "checkpoint_every": 2}, EVEN),
    "stopped": (STOPPED | {"keep": "best"}, ODD),
    "mirrors": (STOPPED | {"rule": "weight_mirror", "patience": 2}, ODD),
    "low-enough": ({"stop_train_error": 30.0, "epochs": 12, "lr": 0.1}, EVEN),
    "diverged": ({"seeds": (0, 1, 2, 3), "epochs": 6, "checkpoint_every": 2, "callbacks": [Poison({2: 2, 3: 3})]}, ODD),
    "nets-of-layers": (WORDS | {"layers": NORMED, "augment": ("flip",)}, IMAGES),
    "real": ({"target_scaling": "standard", "scaling": "standard", "rule": "fa"}, REAL),
    "begun": ({"seeds": (0, 1, 2, 5, 7), "epochs": 1, "start": "seeds"}, ODD),
    "weighed": ({"class_weights": "balanced", "calibrate": 2, "adversarial": 0.1}, ODD),
}
NOT_SEEDS = {"1 seed can't be divided among 2 processes; give more --seeds, or start fewer": ({"seeds": (4,)}, EVEN)}
MORE = {"norms": {"batch_norm": "ranks"}}  # of Processes
TABLES = {"shared": SHARED, "refused": REFUSED, "norms": NORMS, "seeds": SEEDS, "not": NOT_SEEDS}


def trained(settings, data, out=None, **how):
    """A run of these settings, in that folder if any, where the layers here have words."""
    own = SETTINGS | {"callbacks": ()} | settings
    callbacks = own.pop("callbacks")
    with mock.patch.dict(LAYERS, ADDED):
        return gpufa.train(
            gpufa.Config(**own, out=out and str(out)), data, on_interrupt="return", callbacks=callbacks, **how
        )


def main(folder, way, *tables):
    said = {}
    plots.curves = lambda *_: None  # which would take most of the time
    for table in tables:
        how = gpufa.Processes(way, **{"wait": 30, **MORE.get(table, {})})
        for name, run in TABLES[table].items():
            try:
                trained(*run, Path(folder, name), parallel=how)
            except gpufa.InvalidValue as error:
                said[name] = str(error)
    Path(folder, "refused.json").write_text(json.dumps(said))


if __name__ == "__main__":
    main(*sys.argv[1:])
