"""Data made by the program: a random teacher's answers to random inputs, the same numbers in every run.

Inputs are normal-like, of mean 0 and deviation 1 in every feature. There is no file to fetch, and what is to be learned
is known.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...basics.random import Generator, Purpose

SEED = 0


class Teacher(NamedTuple):
    """y = T x, T uniform in +-1; with `identity` y = x; with `hidden` units y = V tanh(W x / sqrt(inputs)), W
    normal-like and V of +1 and -1."""

    description: str
    inputs: int
    outputs: int
    train_samples: int
    test_samples: int
    hidden: int = 0
    identity: bool = False

    def part(self, name: str) -> tuple[NDArray, NDArray]:
        """x, (samples, inputs), and y, (samples, outputs), float32, of the "train" or the "test" part."""
        stream, samples = (1, self.train_samples) if name == "train" else (2, self.test_samples)
        x = _draw("normal", (samples, self.inputs), stream)
        return x, self.answer(x)

    def answer(self, x: NDArray) -> NDArray:
        """y for x, (samples, inputs)."""
        if self.identity:
            return x.copy()
        if not self.hidden:
            return x @ _draw("uniform", (self.outputs, self.inputs), 3).T
        a = x @ _draw("normal", (self.hidden, self.inputs), 3).T / np.float32(self.inputs**0.5)
        return np.tanh(a) @ _draw("sign", (self.outputs, self.hidden), 4).T


def _draw(law: str, shape: tuple[int, int], stream: int) -> NDArray:
    return Generator().fill(law, np.empty(shape, np.float32), SEED, Purpose.TEACHER, stream=stream)


# fmt: off
TEACHERS = {
    "linear_teacher": Teacher("made by the program: a random linear map, 30 numbers to 10", 30, 10, 1000, 1000),
    "identity_teacher": Teacher("made by the program: y = x, one number", 1, 1, 256, 256, identity=True),
    "tanh_teacher": Teacher("made by the program: a random net 100-2-1 with tanh units", 100, 1, 20000, 2000, hidden=2),
}
# fmt: on
