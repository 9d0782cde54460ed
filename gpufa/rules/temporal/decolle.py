"""Deep continuous local learning (DECOLLE: Kaiser, Mostafa & Neftci 2020, Frontiers in Neuroscience 14:424).

Y_k[t]  = G_k h_k[t]                                    the readout of block k at step t; G_k is fixed and random
e_k[t]  = yhat(Y_k[t]) - y[t]                           its error, by the net's own loss, against the net's own target
dW_ij   = sum over t of (G_k^T e_k[t])_i trace_ij[t]    trace_ij = psi_i P_j of lif: the surrogate's slope, and what the
                                                        membrane makes of the spikes that come in at j
dW_L    = e h_{L-1}^T                                   the outputs are trained, and are what the net predicts by

No error goes from block to block, nor back in time through recurrent weights: what G_k^T e_k meets are the traces of
eprop, of any recurrent layer. P is their eps_v; Q, what the paper's synapses make of a spike, is a `lowpass` in front
of `lif`. In a block without recurrent layers the error goes down by local backprop, and one readout has all its units,
as Mostafa, Ramesh & Cauwenberghs 2018 (Frontiers in Neuroscience 12:608) have it; where the net's outputs are at
places, each place of a block is read, by the same G_k.

Departures: readouts have no bias; the steps of a batch make one update together, of the mean of their losses; where a
sample has one target, that is wanted at every step behind the first `burn_in`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from ...backends.operations.operands import Outputs, Signal
from ...basics.arrays import T
from ...basics.errors import InvalidValue
from ...net.batch.passes import Pass
from ...net.learning.options import one_of, whole
from ...net.learning.rule import FeedbackRule
from ...net.shape.layout import Layout
from ...net.state.feedback import Feedback
from ...net.state.model import Model
from .detached import WAYS, check_traces, weights_but_loops


@dataclass(frozen=True)
class DECOLLE(FeedbackRule):
    """Each hidden block descends the loss of a fixed random readout of it at every step; its traces go `by` as those of
    eprop do.

    The readouts are net.feedback["G1"], ..., (outputs of a place, units of a step), from U(+-scale / sqrt(units)).
    """

    burn_in: int = 0
    by: str = "traces"

    name = "decolle"
    paper = "Kaiser, Mostafa & Neftci 2020"
    crosses = "h_{k-1}, upwards; y, the target, to every layer"
    memory = "G, and a trace for each weight of a recurrent layer and sample"
    frees = "update, backward, in time"
    needs = frozenset({"pull", "derivative", "stored"})
    every_step = True
    linear = True
    separable = True
    defaults = MappingProxyType({**FeedbackRule.defaults, "init": "uniform"})
    layered = MappingProxyType({})

    def __post_init__(self) -> None:
        super().__post_init__()
        whole(self.burn_in, "steps before the readouts have a loss", "burn_in")
        one_of(self.by, WAYS, "way through time", "by")

    @property
    def traces(self) -> bool:  # type: ignore[override]
        return self.by == "traces"

    def check(self, model: Model) -> None:
        sizes = model.sizes
        if self.traces:
            check_traces(self, sizes)
        for k in sizes.hidden if sizes.places > 1 else ():
            if sizes.felt[k][1:] != sizes.shapes[-1][1:]:
                raise InvalidValue(
                    f"rule {self.name!r} reads each place of the outputs, {sizes.shapes[-1]}, out of every block, and"
                    f" block {k} is {sizes.felt[k]}; let it leave the same places, or give a sample one target"
                )
        if self.burn_in:
            self._check_burn_in(sizes)

    def _check_burn_in(self, sizes: Layout) -> None:
        if sizes.places > 1:
            raise InvalidValue(
                f"burn_in = {self.burn_in} is of samples with one target; mark steps without a target in the data, by"
                " -1 or NaN, and leave rule.burn_in out"
            )
        short = next((k for k in sizes.hidden if steps_of(sizes, k) <= self.burn_in), None)
        if short is not None:
            raise InvalidValue(
                f"burn_in = {self.burn_in} leaves block {short}, '{sizes.blocks[short - 1]}', no step to learn at: it"
                f" has {steps_of(sizes, short)}; set rule.burn_in to less"
            )

    def fixed(self, sizes: Layout) -> dict[str, Feedback]:
        return {f"G{k}": self.readout(sizes.at_place, units_of(sizes, k)) for k in sizes.hidden}

    def readout(self, outputs: int, units: int) -> Feedback:
        """G of so many rows and columns; G^T is to a unit what B is under dfa."""
        return Feedback(outputs, units, self.law, self.size(units, outputs), self.density)

    def deltas(self, net: Pass, e: Any) -> None:
        held = net.kept("weights but loops", lambda: weights_but_loops(net))
        net.send(net.L, e, held)
        for k in net.hidden:
            G, steps = net.feedback[f"G{k}"], steps_of(net.sizes, k)
            net.send_steps(k, self.signal(net, k, G, steps), held)

    def signal(self, net: Pass, k: int, G: Any, steps: int) -> Signal:
        """G_k^T e_k."""
        e = self.error(net, k, G, steps)
        if steps == 1:
            return net.through(T(G), e)
        out = net.array(f"G e of block {k}", G.shape[-1], steps * net.m)
        net.backend.through(T(G), e, out=out)
        return Signal(None, out.reshape(len(out), -1, net.m))

    def error(self, net: Pass, k: int, G: Any, steps: int) -> Any:
        """e_k, (R, outputs of a place, steps * m)."""
        h, y, weight = net.audible(k, net.steps(k)), *self.taught(net, steps)
        Y, e = (net.array(f"{name} at {steps}", *y.shape[1:]) for name in ("G h", "its error"))
        value = net.array(f"its loss at {steps}", y.shape[-1])
        missed = net.backend.scratch("missed by a readout", value.shape, "bool")
        net.backend.gemm(G, h.reshape(len(h), -1, y.shape[-1]), out=Y)
        net.backend.output_error(Outputs(net.loss, Y, y, e, value, missed, weight=weight))
        return e

    def taught(self, net: Pass, steps: int) -> tuple[Any, Any]:
        """What is wanted at so many steps, (R, outputs of a place, steps * m), and what each loss there counts, (R,
        steps * m) or None: one target is wanted at all of them, and the mean of their losses counts."""
        if steps in (1, net.sizes.places):
            return net.by_places(net.y), net.weight
        outputs, m = net.sizes.outputs, net.m
        y = net.array(f"targets at {steps}", outputs, steps * m)
        y.reshape(-1, outputs, steps, m)[...] = net.y[:, :, None]
        weight = net.array(f"shares of {steps}", steps * m)
        by_step = weight.reshape(-1, steps, m)
        by_step[...] = net.constant(f"share of a step of {steps}", lambda: shares(steps, self.burn_in))
        if net.weight is not None:
            by_step *= net.weight[:, None]
        return y, weight

    def weight_pairs(self, net: Pass) -> Iterator[tuple[int, Any, Any]]:
        """cos(G_{L-1}, W_L)."""
        for k in net.hidden[-1:] if net.sizes.one_dense(net.L) else ():
            if net.feedback[f"G{k}"].shape == net.W[k + 1].shape:
                yield k, net.feedback[f"G{k}"], net.W[k + 1]


def steps_of(sizes: Layout, k: int) -> int:
    """At how many places block k is read, each by itself: those of the outputs, or steps in time; else 1."""
    if sizes.places > 1:
        return sizes.places
    felt = sizes.felt[k]
    return felt[-1] if sizes.recurrent and len(felt) == 2 else 1


def units_of(sizes: Layout, k: int) -> int:
    """Those that a readout of block k reads at a time."""
    return int(np.prod(sizes.felt[k])) // steps_of(sizes, k)


def shares(steps: int, burn_in: int) -> Any:
    """What each step's loss counts of their mean, (1, steps, 1)."""
    return ((np.arange(steps) >= burn_in) / (steps - burn_in))[None, :, None]
