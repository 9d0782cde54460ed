"""What a study is to do: rules, each with settings and a search space, and the same number of trials for each."""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from ..basics.arguments import one_of, whole
from ..basics.errors import InvalidValue
from ..basics.ownfiles import is_own
from ..data.samples.data import has_labels
from ..functions.parts import Part
from ..measure.seeds import FEW
from ..rules import make_rule
from ..training.settings.config import PARTS, Config
from ..training.settings.toml import from_mapping
from .space import Dimension

SAMPLERS = "tpe", "random", "grid"
PRUNERS = "median", "hyperband", "none"
OF_A_RULE = "rule."


@dataclass(frozen=True)
class Arm:
    """One rule of a study: its settings by flat names, options of the rule among them as rule.NAME, and its space."""

    rule: str
    name: str
    settings: Mapping[str, Any]
    space: tuple[Dimension, ...] = ()
    parts: tuple[Part, ...] = ()

    def config(self, chosen: Mapping[str, Any] | None = None, **more: Any) -> Config:
        """The settings of a run with those that a trial has chosen. Raises InvalidValue where they are none."""
        flat = {**self.settings, **(chosen or {}), **more}
        options = {name.removeprefix(OF_A_RULE): v for name, v in flat.items() if name.startswith(OF_A_RULE)}
        rest = {name: value for name, value in flat.items() if not name.startswith(OF_A_RULE)}
        return from_mapping({**rest, "rule": {"name": self.rule, **options}}, Config(parts=self.parts))

    @property
    def epochs(self) -> int:
        """The most that a trial may train."""
        most = [max(dimension.ends) for dimension in self.space if dimension.name == "epochs"]
        return most[0] if most else tried(self, {}).epochs or 0

    def grid(self) -> list[dict[str, Any]]:
        """Every combination of the space's points, as Optuna stores them."""
        return [
            dict(zip([d.name for d in self.space], point, strict=True))
            for point in itertools.product(*(d.points for d in self.space))
        ]


@dataclass(frozen=True)
class Plan:
    """What a study's file says; `said` is all of it, to be known again by, but for the storage."""

    arms: tuple[Arm, ...]
    trials: int
    sampler: str = "tpe"
    pruner: str = "median"
    warmup: int = 0
    seed: int = 0
    fresh_seeds: int = FEW
    storage: str = "sqlite"
    said: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        whole(self.trials, "trials")
        whole(self.warmup, "warmup", 0)
        whole(self.seed, "seed", 0, 2**32 - 1)
        whole(self.fresh_seeds, "fresh_seeds")
        one_of(self.sampler, SAMPLERS, "sampler")
        one_of(self.pruner, PRUNERS, "pruner")
        if self.sampler == "grid":
            self._check_grid()

    def _check_grid(self) -> None:
        sizes = {arm.name: math.prod(len(d.points) for d in arm.space) for arm in self.arms}
        for name, size in sizes.items():
            if size != self.trials:
                raise InvalidValue(
                    f"the grid of rule {name!r} has {size} points, and each rule gets trials = {self.trials}; set"
                    f" trials = {size} where all grids are of that size, or take the sampler random"
                )

    def check_data(self, y: NDArray) -> None:
        """Raises InvalidValue where trials that are taught these targets would be judged by different scores."""
        losses = {arm.config().loss for arm in self.arms}
        varied = len(losses) > 1 or any(d.name == "loss" for arm in self.arms for d in arm.space)
        if varied and not has_labels(y):
            raise InvalidValue(
                "the study has several losses, and real targets are judged by another score under each; put one loss"
                " into [settings]"
            )

    @property
    def fresh(self) -> tuple[int, ...]:
        """The seeds of what is trained at the end: the first whole numbers that no trial had."""
        searched = {seed for arm in self.arms for seed in arm.config().seeds}
        return tuple(itertools.islice((n for n in itertools.count() if n not in searched), self.fresh_seeds))


def tried(arm: Arm, chosen: Mapping[str, Any]) -> Config:
    """Raise what a run of these settings would, as far as they alone tell."""
    config = arm.config(chosen)
    for name in PARTS:
        given = getattr(config, name)
        for one in given if isinstance(given, tuple) else (given,):
            if is_own(one):
                raise InvalidValue(
                    f"the study names the {name} {one!r}, and no code runs because a file names it; give it as --parts"
                    f" {one}, and its own name to the study"
                )
    return config.resolved(make_rule(config.rule, config.rule_options))
