"""What a task in time is: settings, from which x and y are made, and how these are said behind its name."""

from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ...basics.arguments import is_number, whole
from ...basics.errors import InvalidValue
from ...basics.random import Generator, Purpose

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
