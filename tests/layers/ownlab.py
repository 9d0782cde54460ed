"""A rule of one's own by send and pull, and the nets that it is tried on."""

import re
from dataclasses import dataclass
from typing import ClassVar

import pytest
from rulelab import samples

import gpufa
from gpufa.net.probation import try_out

RESIDUAL = ["input 5", "dense 6 tanh", "residual(dense 6 gelu)", "residual(dense 6 tanh)", "dense 4 relu", "dense 3"]
LAYERED = ["input 5", "dense 6, silu, dense 4", "residual(dense 7 gelu, dense 4)", "dense 4 tanh, dense 4", "dense 3"]
MIXED = [
    "input 5",
    "dense 4 tanh",
    "residual(dense 7 gelu, dense 4)",
    "residual(dense 4 tanh)",
    "tanh, dense 4",
    "dense 3",
]
NETS = pytest.mark.parametrize("words", [RESIDUAL, LAYERED, MIXED], ids=["residual", "layered", "mixed"])
BATCH = samples([5, 3])


def on_probation(net):
    try_out(net, *(net.backend.to_device(a) for a in BATCH))


@dataclass(frozen=True)
class Own(gpufa.Rule):
    """Backprop by what is pulled; a subclass may do other things to it."""

    needs: ClassVar = frozenset({"pull", "derivative"})

    def deltas(self, net, e):
        net.send(net.L, e)
        for k in reversed(net.hidden):
            self.lower(net, k)

    def lower(self, net, k):
        net.send(k, net.pull(k + 1))


def rule(**hooks):
    """A rule of one's own with these hooks."""
    return dataclass(frozen=True)(type("Mine", (Own,), hooks))


def refused(what, text):
    with pytest.raises(gpufa.InvalidValue, match=re.escape(text)):
        what()
