"""Tasks whose inputs are spikes, in ms (Bellec et al. 2020, Nature Communications 11:3625)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...basics.errors import InvalidValue
from ..samples.places import IGNORED
from .task import MOST, Draw, Task


@dataclass(frozen=True)
class Sines(Task):
    """Pattern generation (Bellec et al. 2020): `channels` of the same random spikes at `frequency` Hz for `time` ms,
    and at each step `outputs` sums of four sines, of 1, 2, 3 and 5 periods in all, weights in 0.5 .. 2 and any phase,
    less their first value and over their largest. There is one sequence, in both parts; y is (1, outputs, steps)."""

    train_samples: int = 1
    test_samples: int = 1
    channels: int = 100
    outputs: int = 1
    time: float = 1000.0
    step: float = 1.0
    frequency: float = 50.0

    word = "sines"
    description = "made by the program: sums of sines, to be made out of the same random spikes"

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_steps(self, {"time": self.time}, self.time, least=2)

    @property
    def shape(self) -> tuple[int, int]:
        return self.channels, round(self.time / self.step)

    def made(self, draw: Draw, samples: int) -> tuple[NDArray, NDArray]:
        draw = Draw(self.seed, 1)
        x = draw.below(self.frequency * self.step / 1000, 1, *self.shape).astype(np.float32)
        weights, phases = (draw("uniform", self.outputs, 4)[..., None] for _ in range(2))
        along = np.linspace(0, 2 * np.pi, self.shape[1]) * np.array([1, 2, 3, 5])[:, None]
        y = ((1.25 + 0.75 * weights) * np.sin(along + np.pi * phases)).sum(axis=1)
        y -= y[:, :1]
        y /= np.abs(y).max(axis=1, keepdims=True)
        return np.tile(x, (samples, 1, 1)), np.tile(y.astype(np.float32), (samples, 1, 1))


@dataclass(frozen=True)
class Evidence(Task):
    """Evidence accumulation (Bellec et al. 2020): so many `cues` on the left or the right, each of `cue` ms behind a
    `gap`, then `delay` ms, then `recall` ms in which it is wanted on which side there were more. A quarter of the
    `channels` spikes at `frequency` Hz with cues on the left, one with cues on the right, one in the recall, and one
    always, at a quarter of it. In a sample each cue is on one side with probability 0.7. y is 0 (left) or 1 at the
    steps of the recall, -1 before them."""

    train_samples: int = 1_000
    test_samples: int = 200
    channels: int = 40
    cues: int = 7
    cue: float = 100.0
    gap: float = 50.0
    delay: float = 1050.0
    recall: float = 150.0
    frequency: float = 40.0
    step: float = 5.0

    word = "evidence"
    description = "made by the program: on which side there were more cues, after a delay"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.channels % 4 or not self.cues % 2:
            raise InvalidValue(
                f"evidence can't have {self.channels} channels and {self.cues} cues; give channels in fours, and an odd"
                " number of cues"
            )
        whole = self.cues * (self.gap + self.cue) + self.delay + self.recall
        _check_steps(self, {"cue": self.cue, "recall": self.recall}, whole)

    def _steps(self, time: float) -> int:
        return round(time / self.step)

    @property
    def shape(self) -> tuple[int, int]:
        cues = self.cues * (self._steps(self.gap) + self._steps(self.cue))
        return self.channels, cues + self._steps(self.delay) + self._steps(self.recall)

    def made(self, draw: Draw, samples: int) -> tuple[NDArray, NDArray]:
        side = np.where(draw.below(0.5, samples, 1), 0.7, 0.3)
        right = draw.below(side, samples, self.cues)
        group, most = self.channels // 4, self.frequency * self.step / 1000
        each, gap, recall = self._steps(self.cue), self._steps(self.gap), self._steps(self.recall)
        p = np.zeros((samples, 4, self.shape[1]), np.float32)
        for i in range(self.cues):
            start = i * (each + gap) + gap
            p[np.arange(samples), right[:, i].astype(int), start : start + each] = most
        p[:, 2, -recall:] = most
        p[:, 3] = most / 4
        x = draw.below(p.repeat(group, axis=1), samples, *self.shape).astype(np.float32)
        y = np.full((samples, self.shape[1]), IGNORED)
        y[:, -recall:] = (right.sum(axis=1) > self.cues / 2)[:, None]
        return x, y


def _check_steps(task: "Sines | Evidence", parts: dict[str, float], whole: float, least: int = 1) -> None:
    """Raises InvalidValue where a part has fewer steps than that, all have too many, or spikes come faster."""
    word, step, spikes = task.word, task.step, task.frequency * task.step / 1000
    if whole / step > MOST:
        raise InvalidValue(
            f"{word} can't have {whole:g} ms in steps of {step:g} ms; give a larger step, for {MOST} steps at most"
        )
    for name, time in parts.items():
        if round(time / step) < least:
            raise InvalidValue(
                f"the {name} of {word} can't be {time:g} ms in steps of {step:g} ms; give a smaller step, for at least"
                f" {least} of them"
            )
    if spikes > 1:
        raise InvalidValue(
            f"{word} can't have spikes at {task.frequency:g} Hz in steps of {step:g} ms, of one a step at most; give a"
            " smaller step or frequency"
        )
