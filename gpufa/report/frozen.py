"""Whether a rule does better than frozen hidden layers, in a sentence: by the interval of the difference over seeds."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from ..measure import seeds
from ..runs import tables
from ..training.settings.config import Config
from ..training.settings.groups import PlaceSettings, RecordSettings
from ..training.settings.toml import stored

BASELINE = "shallow"
# What two runs may differ in, and be of the same task, net and length: a rule has its own of these, or they are of the
# place.
OWN = frozenset(
    {
        *("rule", "rule_options", "seeds", "parts", "feedback", "init", "init_scale", "optimizer", "lr", "layer_lr"),
        *("weight_decay", "decay", "momentum", "beta2", "eps"),
        *(field.name for kind in (PlaceSettings, RecordSettings) for field in fields(kind)),
    }
)
COMPARED = tuple(field.name for field in fields(Config) if field.name not in OWN)


def verdict(name: str, row: Mapping[str, Any], frozen: Mapping[str, Any], called: str, score: str) -> str:
    """The sentence on the run of that name, by its figures of `score`, an error, and those of the frozen net, which is
    `called` so; both are paired by seed."""
    theirs = dict(zip(frozen["seeds"], frozen[score], strict=True))
    pairs = [(own, theirs.get(seed)) for seed, own in zip(row["seeds"], row[score], strict=True)]
    both = [(a, b) for a, b in pairs if a is not None and b is not None]
    layers = f"frozen hidden layers ({called})"
    doubt = f"{name}: whether it does better than {layers} can't be told"
    if len(both) < 2:
        return f"{doubt}: {'one seed is' if both else 'no seed is'} in the figures of both, and it takes two"
    found, even = seeds.difference(*zip(*both, strict=True))
    form = tables.digits(score)
    if even and found.mean:
        return f"{doubt}: the difference in {tables.words(score)} is {found.mean:z{form}} on each of {found.n} seeds"
    better, worse = found.high < 0, found.low > 0
    how = "better than" if better else "worse than" if worse else "no better than"
    figures = f"{found.mean:z{form}} [{found.low:z{form}}, {found.high:z{form}}]"
    return f"{name}: {how} {layers}: difference in {tables.words(score)} {figures} over {found.n} seeds"


def verdicts(rows: Sequence[Mapping[str, Any]], what: str, twins: Mapping[str, str], score: str) -> list[str]:
    """One for each row that has a frozen twin, by name."""
    by_name = {row[what]: row for row in rows}
    return [
        verdict(name, by_name[name], by_name[twin], twin, score)
        for name, twin in twins.items()
        if score and twin != name
    ]


def twins_of(runs: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """By the name of a run the one of frozen hidden layers that had the same data and settings but for OWN, of those
    whose checkpoints' metadata are given. Where several do, the first."""
    frozen: dict[str, str] = {}
    for name, one in runs.items():
        if _frozen(one):
            frozen.setdefault(_task(one), name)
    others = {name: one for name, one in runs.items() if frozen and not _frozen(one)}
    return {name: twin for name, one in others.items() if (twin := frozen.get(_task(one))) is not None}


def _frozen(metadata: Mapping[str, Any]) -> bool:
    return bool(metadata["network"]["rule"]["name"] == BASELINE)


def _task(metadata: Mapping[str, Any]) -> str:
    """Data and settings but for OWN as text, equal where they are."""
    config = stored(metadata)
    told = json.dumps([metadata.get("data"), *(getattr(config, name) for name in COMPARED)])
    return json.dumps(json.loads(told, parse_int=float), sort_keys=True)  # 0 is 0.0
