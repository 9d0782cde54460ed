"""Sequences made by the program: what is wanted at a step hangs on what was read many steps before. The same numbers in
every run, of any length that a task is asked for."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...basics.arguments import whole
from ...basics.random import Generator, Purpose
from ..samples.data import Data
from ..samples.places import IGNORED

LONGEST = 10**6  # steps
SEED = 1


@dataclass(frozen=True)
class CopyTask:
    """`length` random symbols out of an `alphabet`, one a step; `delay` blank steps; as many steps as there were
    symbols, the first with the cue, in which the symbols are wanted in their order.

    Inputs are the symbols, one-hot, and the cue, (alphabet + 1) x steps; a blank is all zeros. A symbol is wanted
    length + delay steps after it was read, and no step before that counts. Raises InvalidValue.
    """

    length: int = 3
    delay: int = 10
    alphabet: int = 4
    train_samples: int = 22_400
    test_samples: int = 1_000
    description: str = "made by the program: symbols to be said again after a delay"

    def __post_init__(self) -> None:
        whole(self.length, "the copy task's length", most=LONGEST)
        whole(self.delay, "the copy task's delay", least=0, most=LONGEST)
        whole(self.alphabet, "the copy task's alphabet", least=2)
        whole(self.train_samples, "the number of samples")
        whole(self.test_samples, "the number of samples")

    @property
    def steps(self) -> int:
        """Of a whole sequence."""
        return 2 * self.length + self.delay

    @property
    def inputs(self) -> int:
        """Features times steps."""
        return (self.alphabet + 1) * self.steps

    def part(self, name: str) -> tuple[NDArray, NDArray]:
        """x float32, (samples, inputs), feature by feature, and y int64, (samples, steps), -1 where no step counts, of
        the "train" or the "test" part."""
        stream, samples = (1, self.train_samples) if name == "train" else (2, self.test_samples)
        drawn = np.empty((samples, self.length), np.float32)
        Generator().fill("uniform", drawn, SEED, Purpose.TEACHER, stream=stream)
        symbols = np.minimum((drawn + 1) * (self.alphabet / 2), self.alphabet - 1).astype(np.int64)
        x = np.zeros((samples, self.alphabet + 1, self.steps), np.float32)
        every, place = np.arange(samples)[:, None], np.arange(self.length)
        x[every, symbols, place] = 1
        x[:, self.alphabet, self.length + self.delay] = 1
        y = np.full((samples, self.steps), IGNORED)
        y[:, self.length + self.delay :] = symbols
        return x.reshape(samples, -1), y

    def data(self) -> Data:
        """Both parts, with targets at each step: for Config(task="places")."""
        return Data(*self.part("train"), *self.part("test"))


SEQUENCES = {"copy": CopyTask()}
