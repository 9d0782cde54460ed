"""The search space: what each setting may be in a trial, as a study's file says it.

setting = [values]                              one of them; a value may be a list itself, [[64], [64, 64]]
setting = { low = 1e-4, high = 0.1 }            a number from low to high, whole where the setting takes whole numbers
          log = true                            drawn evenly by its logarithm
          step = 16                             low, low + 16, ... alone
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from ..basics.arguments import is_number, is_whole, shown
from ..basics.errors import InvalidValue

OF_RANGES = "low", "high", "log", "step"


@dataclass(frozen=True)
class Choices:
    """A setting that is one of several values."""

    name: str
    values: tuple[Any, ...]

    log = False

    @property
    def ends(self) -> tuple[Any, ...]:
        """Values of which all are good where the dimension is."""
        return self.values

    @property
    def points(self) -> list[Any]:
        """Every value, as Optuna stores it."""
        return [_label(value) for value in self.values]

    def ask(self, trial: Any) -> Any:
        """The value in a trial of Optuna's."""
        return self.value(trial.suggest_categorical(self.name, self.points))

    def value(self, stored: Any) -> Any:
        """The setting's value of what Optuna stores."""
        return self.values[self.points.index(stored)]


@dataclass(frozen=True)
class Range:
    """A setting that is a number from `low` to `high`; `whole` says that it is a whole one."""

    name: str
    low: float
    high: float
    whole: bool
    log: bool
    step: float | None

    @property
    def ends(self) -> tuple[Any, ...]:
        """Values of which all are good where the dimension is."""
        return self.low, self.high

    @property
    def points(self) -> list[Any]:
        """Every value of a grid. Raises InvalidValue where there is no end of them."""
        step = self.step or (1 if self.whole and not self.log else None)
        if step is None:
            raise InvalidValue(
                f"the range of {self.name} has no points for a grid; give a list of values, a step, or another sampler"
            )
        return [self.low + i * step for i in range(int((self.high - self.low) / step + 1e-9) + 1)]

    def ask(self, trial: Any) -> Any:
        """The value in a trial of Optuna's."""
        step = {} if self.step is None else {"step": self.step}
        suggest = trial.suggest_int if self.whole else trial.suggest_float
        return suggest(self.name, self.low, self.high, log=self.log, **step)

    def value(self, stored: Any) -> Any:
        """The setting's value of what Optuna stores."""
        return stored


Dimension = Choices | Range


def dimension(name: str, said: Any, hint: Any) -> Dimension:
    """What a study says of a setting whose type is `hint`. Raises InvalidValue for what is neither a list of values nor
    a range that goes with that type."""
    if isinstance(said, list):
        return _choices(name, said)
    if not isinstance(said, Mapping):
        raise InvalidValue(
            f"the space has {name} = {shown(said)}; give a list of values or {{ low = ..., high = ... }}, or put what"
            " does not change into [settings]"
        )
    for part in said:
        if part not in OF_RANGES:
            raise InvalidValue(f"the range of {name} has no {shown(part)}; it has {', '.join(OF_RANGES)}")
    kinds = _leaves(hint) & {int, float}
    if not kinds:
        raise InvalidValue(f"the space has a range of {name}, which is no number; give a list of values")
    whole = float not in kinds
    low, high = (_number(name, part, said.get(part), whole) for part in ("low", "high"))
    step = _number(name, "step", said["step"], whole) if "step" in said else None
    log = said.get("log", False)
    if not low < high:
        raise InvalidValue(f"the range of {name} goes from {low} to {high}; give a high that is above low")
    if not isinstance(log, bool):
        raise InvalidValue(f"the range of {name} has log = {shown(log)}; give true or false")
    if log and (low <= 0 or step is not None):
        raise InvalidValue(
            f"the range of {name} goes by its logarithm from {low}{' in steps' if step else ''}; give a low above 0"
            " and no step, or leave log out"
        )
    if step is not None and step <= 0:
        raise InvalidValue(f"the range of {name} has step = {step}; give one above 0")
    return Range(name, low, high, whole, log, step)


def _number(name: str, part: str, number: Any, whole: bool) -> float:
    """A number in a range, which is whole where the setting is."""
    if not is_number(number) or (whole and not is_whole(number, 0)):
        kind = "a whole number" if whole else "a number"
        raise InvalidValue(f"the range of {name} has {part} = {shown(number)}, and {name} takes {kind}; give one")
    return int(number) if whole else float(number)


def _choices(name: str, values: list[Any]) -> Choices:
    twice = [value for i, value in enumerate(values) if value in values[:i]]
    if not values or twice:
        why = f"{shown(twice[0])} twice" if twice else "no value"
        raise InvalidValue(f"the space gives {name} {why}; give a list of different values")
    return Choices(name, tuple(values))


def _label(value: Any) -> Any:
    """A value as Optuna stores it, which knows numbers and text alone."""
    return json.dumps(value) if isinstance(value, list | dict) else value


def _leaves(hint: Any) -> set[Any]:
    """The types that a type is made of, int and None of `tuple[int, ...] | None`."""
    inner = get_args(hint)
    return set().union(*map(_leaves, inner)) if inner else {hint}
