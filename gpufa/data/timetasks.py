"""Tasks in time that recurrent and spiking nets are judged by, made by the program: the same numbers of the same seed.

Inputs are (samples, channels * steps), channel by channel; `step` is how many ms a step is, of tasks whose times are in
ms. On a command line settings follow a task's name, `--data delayed_xor:delay=30,seed=1`."""

from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..basics.arguments import is_number, whole
from ..basics.errors import InvalidValue
from ..basics.random import Generator, Purpose
from .places import IGNORED

MOST = 10**6  # steps, channels and samples
NOT_NEGATIVE = "delay", "gap", "noise", "seed"


@dataclass(frozen=True)
class Task:
    """What all have; a task below makes its x, (samples, channels, steps), and y. Raises InvalidValue for a setting
    that can't be."""

    word: ClassVar[str]
    description: ClassVar[str]
    train_samples: int = 2_000
    test_samples: int = 500
    seed: int = 0

    def __post_init__(self) -> None:
        for one in fields(self):
            value, least = getattr(self, one.name), one.name in NOT_NEGATIVE
            what = f"the {one.name} of {self.word}"
            if isinstance(one.default, int):
                whole(value, what, least=0 if least else 1, most=2**64 - 1 if one.name == "seed" else MOST)
            elif not is_number(value) or not 0 <= value <= MOST or not (least or value):
                wanted = "of at least 0" if least else "above 0"
                raise InvalidValue(f"{what} can't be {value!r}; give a number {wanted}, up to {MOST}")

    @property
    def shape(self) -> tuple[int, int]:
        """Channels and steps."""
        raise NotImplementedError

    @property
    def inputs(self) -> int:
        """Channels times steps."""
        channels, steps = self.shape
        return channels * steps

    def made(self, draw: "Draw", samples: int) -> tuple[NDArray, NDArray]:
        """x and y of so many samples."""
        raise NotImplementedError

    def part(self, name: str) -> tuple[NDArray, NDArray]:
        """x float32, (samples, channels * steps), and y, of the "train" or the "test" part."""
        train = name == "train"
        x, y = self.made(Draw(self.seed, 1 if train else 2), self.train_samples if train else self.test_samples)
        return x.reshape(len(x), -1), y


@dataclass
class Draw:
    """Numbers of one part; each call draws others."""

    seed: int
    part: int
    calls: int = 0

    def __call__(self, law: str, *shape: int) -> NDArray:
        self.calls += 1
        out = np.empty(shape, np.float32)
        return Generator().fill(law, out, self.seed, Purpose.TEACHER, stream=16 * self.part + self.calls)

    def below(self, probability: Any, *shape: int) -> NDArray:
        """True with that probability, which may differ from place to place."""
        return self("uniform", *shape) < 2 * probability - 1


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


TASKS: dict[str, Task] = {row.word: row for row in (DelayedXor(), Adding(), Sines(), Evidence())}


def told(name: str, row: Any, settings: str) -> Any:
    """The row with settings such as "delay=30,seed=1". Raises InvalidValue for what it has none of, or can't have."""
    own: dict[str, type] = {one.name: type(one.default) for one in fields(row)} if isinstance(row, Task) else {}
    found: dict[str, Any] = {}
    for part in settings.split(","):
        key, _, value = (text.strip() for text in part.partition("="))
        if key not in own:
            close = get_close_matches(key, own, n=1)
            meant = f"did you mean {close[0]!r}? " if close else ""
            known = f"it has {', '.join(own)}" if own else "it has none"
            raise InvalidValue(f"data {name!r} has no setting {key!r}; {meant}{known}")
        try:
            found[key] = own[key](value)
        except ValueError:
            kind = "whole number" if own[key] is int else "number"
            raise InvalidValue(
                f"the {key} of {name} can't be {value!r}; give a {kind}, such as {name}:{key}=10"
            ) from None
    return replace(row, **found)
