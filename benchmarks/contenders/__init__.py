"""CONTENDERS: who is timed. A contender does one training step at a time, from a common start, tanh and softmax."""

import importlib
import importlib.util
from typing import NamedTuple, Protocol

import numpy as np

from gpufa.rules import RULES

from ..works import Start, Work


class Contender(Protocol):
    """`step` is the next training step; `weights` ends with the weight matrices by layer, None where there are none."""

    def step(self) -> None: ...

    def synchronize(self) -> None: ...

    def weights(self) -> list[np.ndarray] | None: ...


class Row(NamedTuple):
    """Where a contender's code is, its rule and variant, and the package that it takes."""

    module: str
    rule: str
    variant: str
    package: str


CONTENDERS = {
    **{f"gpufa {rule}": Row("ours", rule, "", "gpufa") for rule in RULES},
    **{f"bare products {rule}": Row("products", rule, "", "gpufa") for rule in ("dfa", "bp")},
    "torch bp": Row("torch_nets", "bp", "plain", "torch"),
    "torch bp foreach": Row("torch_nets", "bp", "foreach", "torch"),
    "torch bp fused": Row("torch_nets", "bp", "fused", "torch"),
    "torch bp compiled": Row("torch_nets", "bp", "compiled", "torch"),
    "torch dfa": Row("torch_nets", "dfa", "plain", "torch"),
    "torch dfa compiled": Row("torch_nets", "dfa", "compiled", "torch"),
    "jax bp": Row("jax_nets", "bp", "", "jax"),
    "jax dfa": Row("jax_nets", "dfa", "", "jax"),
    "sklearn bp": Row("sklearn_nets", "bp", "", "sklearn"),
    "biotorch dfa": Row("biotorch_nets", "dfa", "", "biotorch"),
}


def missing(name: str) -> str:
    """Why a contender can't take part, or ""."""
    package = CONTENDERS[name].package
    if importlib.util.find_spec(package):
        return ""
    return f"{package} is not installed" + (", and no --biotorch PATH names it" if package == "biotorch" else "")


def make(name: str, work: Work, start: Start, device: str) -> Contender:
    """The contender on "cpu" or "gpu". Raises NotImplementedError for a work that it does not do."""
    row = CONTENDERS[name]
    module = importlib.import_module(f".{row.module}", __package__)
    return module.make(work, start, row.rule, row.variant, device)
