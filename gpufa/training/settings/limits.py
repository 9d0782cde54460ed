"""What settings may be: CHECKS, each by itself; `check_run`, together with a net and the data."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ...backends import BACKENDS, PRECISIONS
from ...basics.arguments import is_number, is_whole, shown
from ...basics.errors import InvalidValue
from ...basics.random import DROPS, droppable
from ...data.samples.about import ASKED_FOR
from ...data.samples.data import Data, has_labels
from ...data.samples.scaling import SCALINGS
from ...data.streams.room import NEVER, STREAMS
from ...data.tables.missing import MISSING
from ...functions.optimizers import DECAYS
from ...functions.schedules import schedule
from ...layers.protocol.sequences import numbered
from ...net.learner import Learner
from ...rules import check_promise


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


def plain_number(value: Any) -> Any:
    """NumPy's own numbers as Python's, which TOML and JSON hold; others as they are."""
    return value.item() if isinstance(value, np.generic) else value


def _weights(value: Any) -> bool:
    """Whether it is a word, or weights by name."""
    if isinstance(value, dict):
        return bool(value) and all(is_number(weight) and weight >= 0 for weight in value.values())
    return isinstance(value, str) and value != ""


def _one_of(*names: str) -> tuple[Callable[[Any], bool], str]:
    return (lambda v: isinstance(v, str) and v in names), f"one of {', '.join(names)}"


GROWING = (
    (lambda v: all(is_whole(n, 1) for n in v) and list(v) == sorted(set(v))),
    "growing whole numbers of at least 1",
)
ABOVE_ZERO = (lambda v: is_number(v) and v > 0), "a number above 0"
AT_LEAST_ZERO = (lambda v: is_number(v) and v >= 0), "a number of at least 0"
SHARE = (lambda v: is_number(v) and 0 <= v < 1), "a number from 0 to below 1"
DROP = droppable, DROPS
COUNT = (lambda v: is_whole(v, 0)), "a whole number of at least 0"
POSITIVE = (lambda v: is_whole(v, 1)), "a whole number of at least 1"

CHECKS: list[tuple[str, Callable[[Any], bool], str]] = [
    (name, *check)
    for check, names in (
        (ABOVE_ZERO, ("lr", "eps", "clip", "init_scale", "zca_eps")),
        (AT_LEAST_ZERO, ("weight_decay", "input_noise", "adversarial", "stop_train_error", "schedule_gamma")),
        (SHARE, ("validation", "label_noise", "momentum", "beta2")),
        (DROP, ("dropout", "input_dropout", "depth_drop")),
        (COUNT, ("epochs", "patience", "calibrate", "warmup", "probe_every", "device")),
        (POSITIVE, ("samples", "batch_size", "schedule_every", "schedule_epochs", "probe_samples", "checkpoint_every")),
        (POSITIVE, ("stream_block", "length")),
        (((lambda v: isinstance(v, bool)), "true or false"), ("residual", "overlap", "blind")),
        (_one_of(*DECAYS), ("decay",)),
        (_one_of("all", "matrices"), ("decay_on",)),
        (_one_of("mean", "sum"), ("gradient",)),
        (_one_of("best", "last"), ("keep",)),
        (_one_of("only", "beside"), ("adversarial_mix",)),
        (_one_of(*BACKENDS), ("backend",)),
        (_one_of("float32", "float64"), ("dtype",)),
        (_one_of(*PRECISIONS), ("precision",)),
        (_one_of("stored", "procedural"), ("feedback",)),
        (_one_of(*SCALINGS), ("scaling",)),
        (_one_of("none", "standard"), ("target_scaling",)),
        (_one_of(*ASKED_FOR), ("task",)),
        (_one_of(*STREAMS), ("stream",)),
        (_one_of(*MISSING), ("missing",)),
        (((lambda v: is_number(v) and 0 < v < 1), "a number between 0 and 1"), ("test_fraction",)),
        (((lambda v: all(isinstance(name, str) for name in v)), "one or more names"), ("activation", "init")),
        (((lambda v: isinstance(v, dict) and plain(v)), "a table of options, as TOML has them"), ("rule_options",)),
        ((_weights, "balanced, a file, or numbers of at least 0 by the names of classes"), ("class_weights",)),
        (((lambda v: isinstance(v, str) and v != ""), "a column's or array's name"), ("sample_weights",)),
        (
            ((lambda v: isinstance(v, str)), "a name or a path"),
            ("data", "tokens", "encoding", "rule", "loss", "optimizer", "schedule", "start", "out"),
        ),
        (
            ((lambda v: v and all(is_whole(seed, 0) for seed in v)), "one or more whole numbers of at least 0"),
            ("seeds",),
        ),
        (((lambda v: all(is_whole(n, 0) for n in v)), "whole numbers"), ("hidden",)),
        (((lambda v: all(is_whole(k, 1) for k in v)), "layers counted from 1"), ("freeze",)),
        (GROWING, ("schedule_at",)),
        (((lambda v: all(is_number(r) and r >= 0 for r in v)), "numbers of at least 0"), ("layer_lr",)),
    )
    for name in names
]


AT_ONE_PLACE = {"class_weights": None, "label_noise": 0.0, "target_scaling": "none"}  # settings, and what leaves them
AMOUNTS = "scaling", "missing", "augment", "input_noise", "input_dropout", "adversarial"  # what changes inputs


def check_run(config: Any, net: Learner, data: Data) -> None:
    """Raises InvalidValue where a run's settings don't go together with its net or its data."""
    y, weighed = data.y_train, data.weights is not None
    judged = config.validation or (data.y_validation is not None and bool((data.y_validation >= 0).any()))
    if found := numbered(net.sizes.shapes[0]):
        for name in AMOUNTS:
            if (value := getattr(config, name)) != getattr(type(config), name):
                raise InvalidValue(
                    f"{name} = {shown(value)} changes inputs as amounts, and '{found.word}' are numbers of tokens;"
                    f" leave --{name.replace('_', '-')} out"
                )
    if config.class_weights is not None and not has_labels(y):
        raise InvalidValue(
            "class_weights are for labels, but the targets are real-valued; remove --class-weights, or give each sample"
            " its own with --sample-weights"
        )
    for name, unset in AT_ONE_PLACE.items():
        if net.sizes.places > 1 and getattr(config, name) != unset:
            raise InvalidValue(
                f"{name} is for samples with one target, and these have one at each of {net.sizes.places} places; leave"
                f" --{name.replace('_', '-')} out"
            )
    if weighed or config.class_weights is not None:
        check_promise(net.rule, "linear")
    rule, lowered = net.rule, net.backend.slab_dtype(config.dtype) != config.dtype
    if net.residual and lowered:
        raise InvalidValue(f"precision {config.precision!r} can't add skip connections; leave one of them out")
    if net.sizes.layered and lowered:
        raise InvalidValue(
            f"precision {config.precision!r} goes through blocks of one dense layer each, and block"
            f" {net.sizes.layered[0]} is '{net.sizes.blocks[net.sizes.layered[0] - 1]}'; leave --precision out"
        )
    if config.decay_on != "all" and not config.weight_decay:
        raise InvalidValue(
            f"decay_on = {config.decay_on!r} says what weight decay acts on, and it is 0; add --weight-decay 1e-4, or"
            " leave --decay-on out"
        )
    if config.adversarial and not rule.feedforward:
        raise InvalidValue(
            f"rule {rule.name!r} does not train the feed-forward net whose gradient perturbs the inputs;"
            " leave --adversarial out"
        )
    if config.adversarial:
        _check_slope(net)
    if config.depth_drop and not net.residual:
        raise InvalidValue(
            "depth_drop drops residual layers, and the net has none of one dense layer; add --residual, in words"
            " residual(dense 64 tanh)"
        )
    if lowered and not rule.injects_only:
        raise InvalidValue(
            f"rule {rule.name!r} does arithmetic of its own, which precision {config.precision!r} can't carry;"
            " leave --precision out, or set injects_only = True in a rule that only injects"
        )
    if config.patience and not judged:
        raise InvalidValue(f"patience needs validation samples; {_held_out(data)} (test data never choose anything)")
    if config.keep == "best" and not judged:
        raise InvalidValue(
            f"keep = 'best' needs validation samples; {_held_out(data)} (test data never choose anything)"
        )
    if config.schedule_epochs and not schedule(config.schedule, config.parts).has_length:
        raise InvalidValue(
            f"schedule_epochs is the length of a schedule that has one, and {config.schedule} has none; leave"
            " --schedule-epochs out, or take --schedule cosine"
        )
    if config.schedule_at and config.schedule != "step":
        raise InvalidValue(
            f"schedule_at has the epochs of the step schedule, and the schedule is {config.schedule!r}; add --schedule"
            " step, or leave --schedule-at out"
        )
    if config.schedule_at and config.schedule_every != type(config).schedule_every:
        raise InvalidValue(
            f"schedule_at names the epochs of the steps, and schedule_every = {config.schedule_every} others; leave"
            " --schedule-at or --schedule-every out"
        )
    if config.stop_train_error is not None and not has_labels(y) and y.shape[1] == 1:
        raise InvalidValue(
            "stop_train_error goes by the running error, which is of the largest output, and the net has one; remove"
            " --stop-train-error, or stop by --patience"
        )
    if config.zca_eps is not None and config.scaling != "zca":
        raise InvalidValue(
            f"zca_eps = {config.zca_eps:g} is for scaling 'zca', not {config.scaling!r}; leave --zca-eps out, or add"
            " --scaling zca"
        )
    if config.target_scaling != "none" and has_labels(y):
        raise InvalidValue("target_scaling is for real-valued targets, but these are labels; remove --target-scaling")
    if config.target_scaling != "none" and net.output_loss.name != "squared_error":
        raise InvalidValue(
            f"target_scaling goes with the loss squared_error, not {net.output_loss.name}; leave one of them out"
        )
    if config.stream_block is not None and config.stream == NEVER:
        raise InvalidValue(
            f"stream_block = {config.stream_block} is for data that stream, and stream is 'never'; leave --stream-block"
            " or --stream out"
        )
    if config.label_noise and not has_labels(y):
        raise InvalidValue("label_noise is for labels, but the targets are real-valued; remove --label-noise")


def _check_slope(net: Learner) -> None:
    """Raises InvalidValue where the loss has no gradient at the inputs."""
    for k in net.sizes.hidden:
        if "derivative" not in net.sizes.offers(k) or any(layer.stops for layer, _ in net.sizes.walk(k)):
            raise InvalidValue(
                f"no gradient gets to the inputs through block {k}, '{net.sizes.blocks[k - 1]}', and without one"
                " nothing perturbs them; leave --adversarial out"
            )


def _held_out(data: Data) -> str:
    """How some of the samples are held out."""
    return "add --validation 0.1" if data.graph is None else "let an array val say which nodes these are"
