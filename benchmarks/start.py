"""The start that all contenders of a work share: data, order, weights, biases and feedback."""

import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from gpufa import Network
from gpufa.layers.words import inputs

from .works import Work

BATCHES = 64  # in the data of a work
FEWER, MANY = 8, 1 << 28  # batches where it would be as many numbers
Arrays = dict[str, np.ndarray]


class Start(NamedTuple):
    """Data, the order in which samples are taken, parameters and by rule its feedback by gpufa's names, the learning
    rate, and how many numbers the outputs of all layers are for one sample."""

    x: np.ndarray
    y: np.ndarray
    order: np.ndarray
    parameters: Arrays
    carriers: dict[str, Arrays]
    lr: float
    units: int

    @property
    def weights(self) -> list[np.ndarray]:
        """Matrices and kernels by layer."""
        return [p for name, p in self.parameters.items() if name[0] == "W"]

    @property
    def biases(self) -> list[np.ndarray]:
        return [p for name, p in self.parameters.items() if name[0] == "b"]

    @property
    def feedback(self) -> list[np.ndarray]:
        """DFA's, by block."""
        return list(self.carriers["dfa"].values())

    def sizes(self, work: Work) -> dict[str, int]:
        """Bytes of the data, of all nets' parameters, and of what their layers put out in a step."""
        return {
            "data_bytes": sum(a.nbytes for a in (self.x, self.y, self.order)),
            "parameter_bytes": work.replicas * sum(p.nbytes for p in self.parameters.values()),
            "activation_bytes": 4 * work.replicas * work.batch * self.units,
        }

    def batch(self, step: int, size: int) -> np.ndarray:
        """The samples of that step."""
        first = step % (len(self.order) // size) * size
        return self.order[first : first + size]


def start_of(work: Work) -> Start:
    """The same for every contender."""
    rng = np.random.default_rng(0)
    units, outputs = sizes_of(work)
    batches = BATCHES if BATCHES * work.batch * units < MANY else FEWER
    samples = max(batches, -(-outputs // work.batch)) * work.batch  # every class is there
    if work.kind == "tokens":
        x = rng.integers(0, outputs, (samples, units)).astype(np.float32)
        y = rng.integers(0, outputs, (samples, units))
        y[0] = np.arange(units) % outputs  # every class is there
    else:
        x = rng.random((samples, units), np.float32) - np.float32(0.5)
        y = rng.permutation(np.arange(samples) % outputs)
        y[:outputs] = np.arange(outputs)[: len(y)]
    parameters, carriers, made = _layered(work) if work.layers else _dense(work, rng)
    x = x.astype(work.dtype)
    lr = {"sgd": 0.01, "rmsprop": 1e-4, "adam": 1e-4}[work.optimizer]
    return Start(x, y, rng.permutation(samples), parameters, carriers, lr, made)


def sizes_of(work: Work) -> tuple[int, int]:
    """How many inputs and outputs it has."""
    if work.layers:
        shape = inputs(work.layers[0])
        assert shape
        return math.prod(shape), int(work.layers[-1].split()[1])
    return work.sizes[0], work.sizes[-1]


def _dense(work: Work, rng: np.random.Generator) -> tuple[Arrays, dict[str, Arrays], int]:
    def uniform(rows: int, columns: int) -> np.ndarray:
        return (rng.random((rows, columns), np.float32) * 2 - 1) / np.float32(columns) ** 0.5

    weights = {f"W{k}": uniform(n, below) for k, (below, n) in enumerate(pairwise(work.sizes), start=1)}
    biases = {f"b{k}": np.zeros(n, np.float32) for k, n in enumerate(work.sizes[1:], start=1)}
    feedback = {f"B{k}": uniform(n, work.sizes[-1]) for k, n in enumerate(work.sizes[1:-1], start=1)}
    return weights | biases, {"dfa": feedback}, sum(work.sizes[1:])


def _layered(work: Work) -> tuple[Arrays, dict[str, Arrays], int]:
    """As gpufa begins."""
    direct, kernels = (Network(work.layers, rule=rule, seeds=(0,), backend="numpy") for rule in ("dfa", "fa"))
    carriers = {"dfa": direct.feedback, "fa": kernels.feedback}
    found = {rule: {name: view.astype(work.dtype) for name, view in own.items()} for rule, own in carriers.items()}
    return {name: view.astype(work.dtype) for name, view in direct.parameters.items()}, found, direct.sizes.made
