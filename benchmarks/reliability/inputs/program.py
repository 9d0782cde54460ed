"""The public Python API, with odd arguments."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import gpufa
from gpufa.data.datasets import load_inputs
from gpufa.data.handed import validate
from gpufa.data.tasks.copying import CopyTask
from gpufa.functions.activations import ACTIVATIONS
from gpufa.functions.initialisers import INITIALISERS
from gpufa.functions.losses import LOSSES
from gpufa.rules import RULES, make_rule

from .arrays import array, four
from .material import Material
from .settings import ANY_RULE, GOOD, PATHS, SMALL, options, settings

DATASETS = "digits", "teacher", "mnist", "cifar", ""
NETWORK: dict[str, tuple[Any, ...]] = {
    "activation": (None, *ACTIVATIONS, ["relu"]),
    "loss": (None, *LOSSES),
    "rule": (*RULES, *RULES.values()),
    "init": (None, *INITIALISERS, "nokland", ["he"]),
    "init_scale": (None, 0.1),
    "seed": (0, 2**64 - 1),
    "seeds": (None, [0], [0, 1]),
    "dtype": ("float32", "float64"),
    "device": (0, 1),
    "precision": ("fp32", "tf32", "bf16"),
    "feedback": ("stored", "procedural"),
    "residual": (False, True),
}


def data(m: Material) -> None:
    """Arrays to train with, a name of data, or a path."""
    which = m.below(4)
    if which == 3:
        gpufa.load_data(m.usually((*PATHS, *DATASETS)), m.usually((None, 0.2)))
    elif which == 2:
        load_inputs(m.usually((*PATHS, "digits")), m.usually((4, 64, 0)))
    else:
        validate(four(m))


def network(m: Material) -> None:
    """A net, and all that it can be asked."""
    given = {name: m.usually(NETWORK[name], 3) for name in m.some_of(tuple(NETWORK), 4)}
    net = gpufa.Network(m.usually(([4, 3, 3], [4, 3], [4, 5, 5, 3], (4, 3, 1)), 6), backend="numpy", **given)
    x, y = array(m), array(m, (12,), True)
    with np.errstate(all="ignore"):  # what becomes of numbers that are not finite is the program's own affair
        asked = m.below(8)
        if asked < 6:
            (net.evaluate, net.gradients, net.signals, net.alignment, net.loss, only(net.predict))[asked](x, y)
        elif asked == 6:
            net.scaled(x)
        else:
            gpufa.save(net, m.usually(("net.h5", "none/net.h5", "run", "", ".", "\0", "a" * 300)))


def only(call: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda x, _: call(x)


def train(m: Material) -> None:
    """A run of a step or two."""
    chosen = {**SMALL, **settings(m)}
    rule = m.one_of(GOOD["rule"])
    given = m.one_of((rule, make_rule(rule), RULES[rule])) if m.rarely(4) else None
    given = m.odd() if m.rarely(20) else given
    if m.rarely(2):
        chosen |= {"rule": rule, "rule_options": options(m, rule)}
    arrays = four(m) if m.rarely(2) else m.usually((None, "tiny.npz", Path("tiny.h5")), 8)
    chosen |= {"out": "o"} if m.rarely() else {}
    gpufa.train(gpufa.Config(**chosen), arrays, rule=given, force=True)


def load(m: Material) -> None:
    """Checkpoints that are not there, not whole, or of another rule."""
    path = m.usually(("run", "run/checkpoint.h5", *PATHS), 2)
    rule = m.one_of((None, None, *RULES.values())) if not m.rarely(8) else m.odd()
    if m.rarely(3):
        gpufa.resume(path, m.one_of((1, None, -1, "x", 0.5)), rule=rule, backend=m.usually((None, "numpy")))
    else:
        gpufa.load(path, m.usually(("auto", "numpy", "cupy")), rule, m.usually((0, 1)))


def rule(m: Material) -> None:
    """A rule by name, class, instance or a file of one's own, with options."""
    name = m.usually(ANY_RULE)
    make_rule(name, options(m, name if isinstance(name, str) else "dfa"))


def recurrent(m: Material) -> None:
    """A recurrent net, its task and its run."""
    task = CopyTask(*(m.usually(good, 8) for good in ((1, 2), (2, 0), (4, 2), (8,), (4,))))
    cells = "gru 3 all", "recurrent 3 leaky 0.5 all", "lstm 3 all", "gru 3"
    words = m.usually((f"input {task.alphabet + 1}x{task.steps}",), 6), m.usually(cells, 6)
    told = {"window": (2, 0, 3), "truncate": (2, 0), "by": ("traces", "history"), "signal": ("random", "symmetric")}
    options = {name: m.usually(told[name]) for name in m.some_of(tuple(told))}
    rule = m.usually(("bp", "fa", "dfa", "rflo", "eprop", "dni_windows"))
    given = {"rule": rule, "rule_options": options, "epochs": 1, "batch_size": 4, "task": "places", "out": None}
    gpufa.train(gpufa.Config(layers=words, backend="numpy", **given), task.data())
