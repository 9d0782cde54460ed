"""Train the same net by several rules with the same seeds."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..basics import files
from ..basics.arguments import path_of, several
from ..basics.errors import GpufaError, InvalidValue, warn
from ..checkpoints import networks, provenance
from ..checkpoints.starting import start_from
from ..data.samples.data import Data
from ..measure.seeds import FEW
from ..rules import Rule, rule_class
from ..runs import run as runs
from ..runs.interrupts import OnInterrupt
from ..runs.result import Run
from ..training.course.callbacks import Callback
from ..training.settings.config import Config
from ..training.trainer import Trainer
from .comparison import WRITTEN, Comparison, compared
from .frozen import BASELINE

RULES = "bp", "fa", "dfa", "ifa"
AnyRule = str | Rule | type[Rule]


@dataclass(frozen=True)
class Planned:
    """One rule's settings, and the rule where it is no name."""

    config: Config
    rule: Rule | type[Rule] | None


def compare(
    config: Config,
    rules: Sequence[AnyRule] = RULES,
    data: Any = None,
    baseline: bool = True,
    callbacks: Iterable[Callback] = (),
    force: bool = False,
    on_interrupt: OnInterrupt = "raise",
) -> Comparison:
    """Train as `gpufa compare` does: `rules` with the same seeds, and the frozen baseline behind them if it is wanted.

    `data`, `callbacks`, `force` and `on_interrupt` are those of gpufa.train. config.rule_options are for config.rule
    alone. With config.out each run is kept in the folder of its rule's name in that folder, beside compare.csv, .json,
    .md, .tex and .png. All rules are tried before the first is trained; raises InvalidValue and FileProblem as
    gpufa.train.
    """
    found = trained(config, rules, data, baseline, callbacks, force, on_interrupt)
    if config.out:
        found.save(path_of(config.out, "out"))
    return found


def trained(
    config: Config,
    rules: Sequence[AnyRule],
    data: Any = None,
    baseline: bool = True,
    callbacks: Iterable[Callback] = (),
    force: bool = False,
    on_interrupt: OnInterrupt = "raise",
    options: Mapping[str, Any] | None = None,
) -> Comparison:
    """As `compare`, without the tables' files; `options` are for every rule but the baseline.

    Where it is interrupted, what was trained is compared without a test.
    """
    if not (rules := several(rules, "rules", '("bp", "dfa")')):
        raise InvalidValue("gpufa compare needs a rule; give --rules one or more")
    callbacks, planned = list(callbacks), _planned(config, rules, options or {})
    if config.out and not force:
        for short in dict.fromkeys([*planned, *[BASELINE] * baseline]):
            networks.check_free(path_of(_below(config, short), "out"))
        files.check_unused(path_of(config.out, "out"), WRITTEN, "a comparison", "give another --out, or add --force")
    arrays, _ = provenance.data_of(config, data)
    for one in planned.values():
        _try(one, arrays)
    if baseline and BASELINE not in planned:
        planned |= _baseline(config, arrays)
    if len(config.seeds) < FEW:
        warn(
            f"figures of {len(config.seeds)} seed{'s' * (len(config.seeds) > 1)} say little: intervals are wide, and"
            f" a test finds large differences alone; give {FEW} or more, such as"
            f" --seeds {' '.join(map(str, range(FEW)))}"
        )
    done = dict[str, Run]()
    for name, one in planned.items():
        done[name] = runs.train(one.config, data, callbacks, one.rule, force, on_interrupt)
        if done[name].interrupted:
            break
    against = None if any(run.interrupted for run in done.values()) else next(iter(planned))
    frozen = against and BASELINE in done
    twins = dict.fromkeys((name for name in done if name != BASELINE), BASELINE) if frozen else {}
    return compared({name: run.summary for name, run in done.items()}, "rule", against, done, twins)


def _planned(config: Config, rules: Sequence[AnyRule], options: Mapping[str, Any]) -> dict[str, Planned]:
    """The settings of each rule by its short name."""
    planned: dict[str, Planned] = {}
    for rule in (rule for i, rule in enumerate(rules) if rule not in rules[:i]):
        short = rule_class(rule).name
        if short in planned:
            raise InvalidValue(f"two of the rules have the name {short!r}; compare them under different names")
        own = config.rule_options if rule == config.rule else {}
        one = replace(config, rule_options={**own, **options}, out=_below(config, short))
        planned[short] = Planned(replace(one, rule=rule), None) if isinstance(rule, str) else Planned(one, rule)
    return planned


def _baseline(config: Config, arrays: Data) -> dict[str, Planned]:
    """The frozen baseline, unless it can't do what the rules can, which is told."""
    one = Planned(replace(config, rule=BASELINE, rule_options={}, out=_below(config, BASELINE)), None)
    try:
        _try(one, arrays)
    except GpufaError as error:
        warn(f"the baseline {BASELINE!r} is left out: {error}")
        return {}
    return {BASELINE: one}


def _below(config: Config, short: str) -> str | None:
    return str(Path(config.out) / short) if config.out else None


def _try(one: Planned, arrays: Data) -> None:
    """Raise what training would; it must not be found out after days of it."""
    trainer = Trainer(one.config, arrays, one.rule, (), *runs.begun(one.config))
    if one.config.start:
        start_from(one.config.start, trainer.net)
