"""Tasks of two things that were shown apart from each other, and belong together."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...basics.arguments import whole
from .task import Draw, Task


@dataclass(frozen=True)
class DelayedXor(Task):
    """Two bits, each shown for `cue` steps on the first channel, if it is 0, or the second; behind each so many steps
    of `delay`; then a third channel for `cue` steps, which asks whether the bits differed: y is 0 or 1. All channels
    have normal-like noise of that deviation."""

    cue: int = 5
    delay: int = 10
    noise: float = 0.1

    word = "delayed_xor"
    description = "made by the program: whether two bits differed that were shown one after the other"

    @property
    def shape(self) -> tuple[int, int]:
        return 3, 3 * self.cue + 2 * self.delay

    def made(self, draw: Draw, samples: int) -> tuple[NDArray, NDArray]:
        bits = draw.below(0.5, samples, 2).astype(np.int64)
        x, every = draw("normal", samples, *self.shape) * np.float32(self.noise), np.arange(samples)
        for i in range(2):
            start = i * (self.cue + self.delay)
            x[every, bits[:, i], start : start + self.cue] += 1
        x[:, 2, -self.cue :] += 1
        return x, bits[:, 0] ^ bits[:, 1]


@dataclass(frozen=True)
class Adding(Task):
    """A number between 0 and 1 at each of `steps`, and a second channel that marks one in the first half and one in the
    second: y is the sum of these two (Hochreiter & Schmidhuber 1997). Who always says 1 has a squared error of 1/6."""

    train_samples: int = 10_000
    test_samples: int = 1_000
    steps: int = 50

    word = "adding"
    description = "made by the program: the sum of two marked numbers out of many"

    def __post_init__(self) -> None:
        super().__post_init__()
        whole(self.steps, "the steps of adding", least=2)

    @property
    def shape(self) -> tuple[int, int]:
        return 2, self.steps

    def made(self, draw: Draw, samples: int) -> tuple[NDArray, NDArray]:
        x, half, every = np.zeros((samples, *self.shape), np.float32), self.steps // 2, np.arange(samples)
        x[:, 0] = (draw("uniform", samples, self.steps) + 1) / 2
        share = (draw("uniform", samples, 2) + 1) / 2
        marked = [(share[:, 0] * half).astype(int), half + (share[:, 1] * (self.steps - half)).astype(int)]
        for place, last in zip(marked, (half, self.steps), strict=True):
            np.minimum(place, last - 1, out=place)
            x[every, 1, place] = 1
        return x, sum(x[every, 0, place] for place in marked)[:, None]
