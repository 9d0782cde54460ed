"""CHECKS: what each setting may be."""

from collections.abc import Callable
from typing import Any

from ..backends import BACKENDS, PRECISIONS
from ..basics.arguments import is_number, is_whole
from ..basics.random import DROPS, droppable
from ..data.samples import SCALINGS
from ..functions.optimizers import DECAYS
from ..functions.schedules import SCHEDULES


def passes(good: Callable[[Any], bool], value: Any) -> bool:
    """Whether `value` is good; one of a type that the check can't look into is not."""
    try:
        return bool(good(value))
    except TypeError:
        return False


def plain(value: Any) -> bool:
    """Whether TOML and JSON both hold such a value."""
    if isinstance(value, dict):
        return all(isinstance(name, str) for name in value) and plain(list(value.values()))
    if isinstance(value, list | tuple):
        return all(map(plain, value))
    return isinstance(value, str | bool | int | float)


def _one_of(*names: str) -> tuple[Callable[[Any], bool], str]:
    return (lambda v: isinstance(v, str) and v in names), f"one of {', '.join(names)}"


ABOVE_ZERO = (lambda v: is_number(v) and v > 0), "a number above 0"
AT_LEAST_ZERO = (lambda v: is_number(v) and v >= 0), "a number of at least 0"
SHARE = (lambda v: is_number(v) and 0 <= v < 1), "a number from 0 to below 1"
DROP = droppable, DROPS
COUNT = (lambda v: is_whole(v, 0)), "a whole number of at least 0"
POSITIVE = (lambda v: is_whole(v, 1)), "a whole number of at least 1"

CHECKS: list[tuple[str, Callable[[Any], bool], str]] = [
    (name, *check)
    for check, names in (
        (ABOVE_ZERO, ("lr", "eps", "clip", "init_scale")),
        (AT_LEAST_ZERO, ("weight_decay", "input_noise", "adversarial", "stop_train_error", "schedule_gamma")),
        (SHARE, ("validation", "label_noise", "momentum", "beta2")),
        (DROP, ("dropout", "input_dropout", "depth_drop")),
        (COUNT, ("epochs", "patience", "warmup", "probe_every", "device")),
        (POSITIVE, ("samples", "batch_size", "schedule_every", "probe_samples", "checkpoint_every")),
        (((lambda v: isinstance(v, bool)), "true or false"), ("residual",)),
        (_one_of(*DECAYS), ("decay",)),
        (_one_of("mean", "sum"), ("gradient",)),
        (_one_of("only", "beside"), ("adversarial_mix",)),
        (_one_of(*BACKENDS), ("backend",)),
        (_one_of("float32", "float64"), ("dtype",)),
        (_one_of(*PRECISIONS), ("precision",)),
        (_one_of("stored", "procedural"), ("feedback",)),
        (_one_of(*SCHEDULES), ("schedule",)),
        (_one_of(*SCALINGS), ("scaling",)),
        (((lambda v: is_number(v) and 0 < v < 1), "a number between 0 and 1"), ("test_fraction",)),
        (((lambda v: all(isinstance(name, str) for name in v)), "one or more names"), ("activation", "init")),
        (((lambda v: isinstance(v, dict) and plain(v)), "a table of options, as TOML has them"), ("rule_options",)),
        (((lambda v: isinstance(v, str)), "a name or a path"), ("data", "rule", "loss", "optimizer", "start", "out")),
        (
            ((lambda v: v and all(is_whole(seed, 0) for seed in v)), "one or more whole numbers of at least 0"),
            ("seeds",),
        ),
        (((lambda v: all(is_whole(n, 0) for n in v)), "whole numbers"), ("hidden",)),
        (((lambda v: all(is_whole(k, 1) for k in v)), "layers counted from 1"), ("freeze",)),
        (((lambda v: all(is_number(r) and r >= 0 for r in v)), "numbers of at least 0"), ("layer_lr",)),
    )
    for name in names
]
