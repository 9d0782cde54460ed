"""CONTENDERS: who is timed. A contender does one training step at a time, from a common start, softmax on top."""

import importlib
import importlib.util
from typing import NamedTuple, Protocol

import numpy as np

from gpufa.rules import RULES

from ..start import Start
from ..works import Work


class Contender(Protocol):
    """`step` is the next training step; `weights` ends with the weight matrices by layer, None where there are none."""

    def step(self) -> None: ...

    def synchronize(self) -> None: ...

    def weights(self) -> list[np.ndarray] | None: ...


class Row(NamedTuple):
    """Where a contender's code is, {} standing for the work's kind, its rule and variant, and the package that it
    takes."""

    module: str
    rule: str
    variant: str
    package: str


CONTENDERS = {
    **{f"gpufa {rule}": Row("ours", rule, "", "gpufa") for rule in RULES},
    **{f"bare products {rule}": Row("{}.products", rule, "", "gpufa") for rule in ("dfa", "bp")},
    "torch bp": Row("{}.torch_nets", "bp", "plain", "torch"),
    "torch bp foreach": Row("{}.torch_nets", "bp", "foreach", "torch"),
    "torch bp fused": Row("{}.torch_nets", "bp", "fused", "torch"),
    "torch bp compiled": Row("{}.torch_nets", "bp", "compiled", "torch"),
    "torch dfa": Row("{}.torch_nets", "dfa", "plain", "torch"),
    "torch dfa compiled": Row("{}.torch_nets", "dfa", "compiled", "torch"),
    "torch bp channels last": Row("{}.torch_nets", "bp", "channels last", "torch"),
    "torch bp channels last, compiled": Row("{}.torch_nets", "bp", "channels last, compiled", "torch"),
    "torch dfa channels last": Row("{}.torch_nets", "dfa", "channels last", "torch"),
    "jax bp": Row("{}.jax_nets", "bp", "", "jax"),
    "jax dfa": Row("{}.jax_nets", "dfa", "", "jax"),
    "sklearn bp": Row("dense.sklearn_nets", "bp", "", "sklearn"),
    **{f"feedbackclassifier {rule}": Row("dense.feedback_classifier", rule, "", "sklearn") for rule in ("bp", "dfa")},
    "biotorch fa": Row("{}.biotorch_nets", "fa", "", "biotorch"),
    "biotorch dfa": Row("{}.biotorch_nets", "dfa", "", "biotorch"),
    "drtp dfa": Row("layered.drtp_nets", "dfa", "", "models"),
    "drtp drtp": Row("layered.drtp_nets", "drtp", "", "models"),
}
CHECKOUTS = {"biotorch": "--biotorch PATH", "models": "--drtp PATH"}
HOOKED = "its error enters before each pool, and hidden layers sum over the batch: another net"
OTHER = {
    "biotorch dfa": "hands each convolution's input the error tiled, through a transposed convolution: another rule",
    "drtp dfa": HOOKED,
    "drtp drtp": HOOKED,
}


def missing(name: str) -> str:
    """Why a contender can't take part, or ""."""
    package = CONTENDERS[name].package
    if importlib.util.find_spec(package):
        return ""
    return f"{package} is not installed" + (f", and no {CHECKOUTS[package]} names it" if package in CHECKOUTS else "")


def other(name: str, work: Work) -> str:
    """What is not the others' about its work, so that its weights aren't compared, or ""."""
    return OTHER.get(name, "") if work.layers else ""


def make(name: str, work: Work, start: Start, device: str) -> Contender:
    """The contender on "cpu" or "gpu". Raises NotImplementedError for a work that it does not do."""
    row = CONTENDERS[name]
    module = importlib.import_module("." + row.module.format(work.kind), __package__)
    return module.make(work, start, row.rule, row.variant, device)
