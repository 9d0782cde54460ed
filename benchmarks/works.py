"""What is timed: nets, batches and who takes part; and the start that all contenders share."""

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from gpufa.rules import RULES as ALL_RULES

OURS = "gpufa dfa", "gpufa fa", "gpufa bp", "bare products dfa", "bare products bp"
TORCH = "torch bp", "torch bp foreach", "torch bp fused", "torch bp compiled", "torch dfa", "torch dfa compiled"
PEERS = (*TORCH, "jax bp", "jax dfa", "sklearn bp", "biotorch dfa")
FLOOR = "gpufa dfa", "bare products dfa"
BATCHES = 64  # in the data of a work, at least


@dataclass(frozen=True)
class Work:
    """One net and batch size. `replicas` nets are trained at once by gpufa alone; `precision` is for GPUs."""

    name: str
    sizes: tuple[int, ...]
    batch: int = 64
    optimizer: str = "sgd"
    replicas: int = 1
    precision: str = "fp32"
    contenders: tuple[str, ...] = (*OURS, *PEERS)
    steps: int = 1  # at a time, where one alone is too short to be timed

    @property
    def quick(self) -> "Work":
        """A small net of the same kind, for a test of the script itself."""
        sizes = tuple(min(n, 20) for n in self.sizes[:4]) + self.sizes[-1:]
        return Work(
            self.name, sizes, min(self.batch, 8), self.optimizer, min(self.replicas, 2), "fp32", self.contenders
        )


CPU = (
    Work("784-800-800-10, batch 64", (784, 800, 800, 10)),
    Work("784-800-800-10, batch 256", (784, 800, 800, 10), 256),
    Work("784-[240]x7-10, batch 64", (784, *[240] * 7, 10)),
    Work("784-[240]x100-10, batch 64", (784, *[240] * 100, 10)),
    Work("784-[800]x4-10, batch 64", (784, *[800] * 4, 10)),
    Work("3072-[1000]x3-10, batch 64", (3072, *[1000] * 3, 10)),
    Work("1024-[2048]x4-10, batch 512", (1024, *[2048] * 4, 10), 512),
    Work("784-800-800-10, batch 64, RMSprop", (784, 800, 800, 10), optimizer="rmsprop"),
    Work("784-800-800-10, batch 64, Adam", (784, 800, 800, 10), optimizer="adam"),
    Work("784-240-240-10, batch 64, one net", (784, 240, 240, 10), contenders=FLOOR),
    Work("784-240-240-10, batch 64, 10 replicas", (784, 240, 240, 10), replicas=10, contenders=FLOOR),
)
RULES = Work("784-800-800-10, batch 64", (784, 800, 800, 10), contenders=tuple(f"gpufa {rule}" for rule in ALL_RULES))
GPU = (
    Work("784-800-800-10, batch 64", (784, 800, 800, 10), steps=100),
    Work("784-[240]x100-10, batch 64", (784, *[240] * 100, 10), steps=20),
    Work("4096-[4096]x4-1000, batch 4096, TF32", (4096, *[4096] * 4, 1000), 4096, precision="tf32", steps=3),
    Work("784-800-800-10, batch 64, one net", (784, 800, 800, 10), contenders=FLOOR, steps=100),
    Work("784-800-800-10, batch 64, 10 replicas", (784, 800, 800, 10), replicas=10, contenders=FLOOR, steps=50),
    Work("784-800-800-10, batch 64, one epoch of 60,000", (784, 800, 800, 10), contenders=("gpufa dfa",), steps=938),
)


class Start(NamedTuple):
    """Data, the order in which samples are taken, weights, biases and DFA feedback by layer, and the learning rate."""

    x: np.ndarray
    y: np.ndarray
    order: np.ndarray
    weights: list[np.ndarray]
    biases: list[np.ndarray]
    feedback: list[np.ndarray]
    lr: float

    def batch(self, step: int, size: int) -> np.ndarray:
        """The samples of that step."""
        first = step % (len(self.order) // size) * size
        return self.order[first : first + size]


def start_of(work: Work) -> Start:
    """The same for every contender."""
    rng = np.random.default_rng(0)
    inputs, *_, outputs = work.sizes
    samples = max(BATCHES, -(-outputs // work.batch)) * work.batch  # every class is there
    x = rng.random((samples, inputs), np.float32) - np.float32(0.5)
    y = rng.permutation(np.arange(samples) % outputs)
    y[:outputs] = np.arange(outputs)[: len(y)]

    def uniform(rows: int, columns: int) -> np.ndarray:
        return (rng.random((rows, columns), np.float32) * 2 - 1) / np.float32(columns) ** 0.5

    weights = [uniform(n, below) for below, n in pairwise(work.sizes)]
    biases = [np.zeros(n, np.float32) for n in work.sizes[1:]]
    feedback = [uniform(n, outputs) for n in work.sizes[1:-1]]
    lr = {"sgd": 0.01, "rmsprop": 1e-4, "adam": 1e-4}[work.optimizer]
    return Start(x, y, rng.permutation(samples), weights, biases, feedback, lr)
