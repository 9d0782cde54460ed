"""Settings as somebody might give them: a Config, a table, TOML text, options of a rule."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import gpufa
from gpufa.basics.arguments import shown
from gpufa.functions.activations import ACTIVATIONS
from gpufa.functions.initialisers import INITIALISERS
from gpufa.functions.losses import LOSSES
from gpufa.functions.optimizers import OPTIMIZERS
from gpufa.functions.schedules import SCHEDULES
from gpufa.rules import RULES, make_rule
from gpufa.training.settings.toml import from_mapping, read_toml, to_toml, with_options

from .material import Material

FOUND = "run", "tiny.csv", "tiny.npz", "tiny.h5"
GOOD: dict[str, tuple[Any, ...]] = {
    "data": FOUND[1:],
    "scaling": ("none", "unit", "minmax", "standard"),
    "target_scaling": ("none", "standard"),
    "test_fraction": (None, 0.3),
    "validation": (0.0, 0.3),
    "samples": (None, 9),
    "label_noise": (0.0, 0.5),
    "input_noise": (0.0, 0.1),
    "rule": tuple(RULES),
    "hidden": ((3,), (), (4, 4), (3, 3, 3)),
    "activation": tuple((name,) for name in ACTIVATIONS),
    "loss": (None, *LOSSES),
    "init": (*((name,) for name in INITIALISERS), ("nokland",), ("nokland_code",)),
    "init_scale": (None, 0.1),
    "start": (None, "run"),
    "dropout": (0.0, 0.5),
    "input_dropout": (0.0, 0.5),
    "residual": (False, True),
    "depth_drop": (0.0, 0.5),
    "seeds": ((0,), (0, 5)),
    "optimizer": (None, *OPTIMIZERS),
    "lr": (None, 0.1),
    "layer_lr": ((), (0.1, 0.1)),
    "weight_decay": (None, 0.1),
    "decay": (None, "l2", "decoupled", "shift"),
    "momentum": (None, 0.5),
    "beta2": (None, 0.5),
    "eps": (None, 1e-8),
    "clip": (None, 1.0),
    "gradient": ("mean", "sum"),
    "schedule": tuple(SCHEDULES),
    "schedule_epochs": (None, 1),
    "keep": (None, "best", "last"),
    "schedule_every": (10, 1),
    "schedule_gamma": (0.5, 0.0),
    "warmup": (0, 3),
    "batch_size": (None, 5, 1000),
    "freeze": ((), (1,)),
    "adversarial": (0.0, 0.1),
    "adversarial_mix": ("only", "beside"),
    "patience": (0, 1),
    "stop_train_error": (None, 50.0),
    "backend": ("numpy", "auto", "cupy"),
    "device": (0, 1),
    "dtype": ("float32", "float64"),
    "precision": ("fp32", "tf32"),
    "feedback": ("stored", "procedural"),
    "probe_every": (0, 1),
    "probe_samples": (256, 3),
    "checkpoint_every": (1, 2),
}
SMALL = {"hidden": (3,), "seeds": (0,), "epochs": 1, "backend": "numpy", "data": "tiny.csv"}
PATIENT = "steps", "k", "pairs", "staleness"  # options whose greatness is honest work
PATHS = *FOUND, "none", "", ".", "none.csv", "\0.csv", "~nobody/x.npz", "a" * 300 + ".h5"
ANY_RULE = *RULES, "none.py:Mine", "broken.py:Mine", "lacks.py:Mine", "folder.py:Mine", "x" * 300 + ".py:Mine"
OPTIONS = sorted({field.name for rule in RULES.values() for field in fields(rule)})


def settings(m: Material) -> dict[str, Any]:
    """A table of a few settings; how long a run takes stays as it is in SMALL."""
    return {name: m.usually(GOOD[name]) for name in m.some_of(tuple(GOOD), 5)}


def options(m: Material, rule: str) -> dict[str, Any]:
    """Options of a rule, of which the long ones are cut short."""
    named = [f.name for f in fields(RULES[rule])] if rule in RULES else []
    values = {name: m.odd() for name in m.some_of((*named, *named, *OPTIONS))}
    return {name: 3 if long(name, value) else value for name, value in values.items()}


def long(name: str, value: Any) -> bool:
    return isinstance(value, int) and value > 7 and name.rpartition("_")[2] in PATIENT


def config(m: Material) -> None:
    """A Config, and what a rule makes of it."""
    made = gpufa.Config(**settings(m))
    made.resolved(make_rule(m.usually(tuple(RULES.values()))))


def table(m: Material) -> None:
    """A table as of TOML or a checkpoint's JSON."""
    rule = m.one_of(GOOD["rule"])
    named = {"rule": {"name": rule, **options(m, rule)}} if m.rarely(2) else {}
    from_mapping({**settings(m), **named, **({"x": 1} if m.rarely(9) else {})})


def toml(m: Material) -> None:
    """A file of settings: what gpufa writes, damaged."""
    text = to_toml(gpufa.Config(**{n: m.one_of(GOOD[n]) for n in m.some_of(tuple(GOOD), 9)})).encode()
    Path("mine.toml").write_bytes(m.damaged(text))
    read_toml(m.one_of(("mine.toml", "mine.toml", "mine.toml", *PATHS)))


def sets(m: Material) -> None:
    """Options of a rule by --set, and a net of that rule with a gradient."""
    rule = m.one_of(GOOD["rule"])
    chosen = options(m, rule)
    texts = [f"rule.{name}={m.one_of((shown(v), shown(v).lower(), shown(v).upper()))}" for name, v in chosen.items()]
    if m.rarely(4):
        texts += [m.damaged(b"rule.scale=0.5").decode(errors="replace")]
    made = with_options(gpufa.Config(**SMALL), tuple(texts))
    cut = {name: 3 if long(name, value) else value for name, value in made.rule_options.items()}
    gpufa.train(replace(made, rule=rule, rule_options=cut))
