"""Feedback by any graph: which layers' signals feed which layer, FA, DFA and IFA being three points of it.

    delta_k = (sum over its sources j of M_kj delta_j) * f'(a_k)
    M_kj    = B_kj, n_k x n_j, fixed, random       from a layer above, j > k
    M_kj    = W_k                                  from the layer below, j = k - 1 (as in IFA)

With L layers: FA has the sources 2, 3, ..., L; DFA has L, L, ..., L; IFA has L, 1, 2, ..., L-2. A list in place of a
number sums several: [[2, 4], [3, 4], 4] is FA with skip connections on the feedback path.

Of a block of several layers delta_j is the signal at its output, and B_kj has a row for each unit of block k's output
and a column for each of block j's. To the block right below, a source, of whatever layers, sends through them as in FA,
each of its matrices and kernels replaced by a B of that shape; else a signal goes down inside a block by its own
weights. So these are DFA whatever the blocks are, and FA where block 1 has no more than one layer that learns.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from ...backends.operations.operands import Signal
from ...basics.arguments import shown
from ...basics.errors import InvalidValue
from ...layers.protocol.carrying import write
from ...layers.protocol.terms import Shape
from ...net.batch.passes import Pass
from ...net.learning.rule import FeedbackRule, Rule
from ...net.shape.layout import Layout
from ...net.state.feedback import Feedback
from ...net.state.model import Model


@dataclass(frozen=True)
class Topology(FeedbackRule):
    """`sources` has for each hidden layer a layer's number or a list of them; -1 is the output. One alone is for all.

    B_kj ~ U(+-1/sqrt(n_k)), by the name "B1 from 3" in net.feedback. Default: every layer from the output, as DFA.
    """

    sources: tuple[Any, ...] = (-1,)

    name = "topology"
    paper = "Nokland 2016, its Fig. 1 and all between"
    crosses = "the deltas of a layer's sources"
    frees = "backward, where the sources are the output"
    linear = True
    separable = True
    defaults = Rule.defaults

    def __post_init__(self) -> None:
        super().__post_init__()
        sources = self.sources if isinstance(self.sources, list | tuple) else (self.sources,)
        lists = tuple(tuple(s) if isinstance(s, list | tuple) else (s,) for s in sources)
        for layer in (j for one in lists for j in one):
            if not isinstance(layer, int) or isinstance(layer, bool):
                raise InvalidValue(
                    f"source {shown(layer)} is no layer's number; set rule.sources to such as [2, [3, 4], 4]"
                )
        object.__setattr__(self, "sources", lists)

    @property
    def needs(self) -> frozenset[str]:  # type: ignore[override]
        several = any(len(js) > 1 for js in self.sources)
        return frozenset({"pull", "derivative", "stored"} if several else {"pull", "derivative"})

    def check(self, model: Model) -> None:
        for k, j in pairs(self.sources, model.sizes.L):
            for one in {j, k} & {*model.sizes.layered} if j < k else ():
                raise InvalidValue(
                    f"layer {k} can't have a source below it, {j}, through W_{k}, where block {one} is"
                    f" '{model.sizes.blocks[one - 1]}' and not one dense layer; give it sources above in rule.sources"
                )
        if model.residual and any(len(js) > 1 for js in self.sources):
            raise InvalidValue("skip connections go with one source a layer; leave --residual out of this topology")

    def fixed(self, sizes: Layout) -> dict[str, Feedback]:
        above = [(k, j) for k, j in pairs(self.sources, sizes.L) if j > k]
        shapes = {name: shape for k, j in above for name, shape in stand_ins(sizes, k, j).values()}
        return {name: self.stand_in(shape) for name, shape in shapes.items()}

    def deltas(self, net: Pass, e: Any) -> None:
        order = graph(self.sources, net.L)
        B = net.kept("stand-ins", lambda: self.carriers(net))
        net.send(net.L, e, B if net.L in order.get(net.L - 1, ()) else None)
        for k, sources in order.items():
            signals = (self.arriving(net, k, j, B) for j in sources)
            inside = B if k in order.get(k - 1, ()) else None
            if len(sources) == 1:
                net.send(k, next(signals), inside)
                continue
            total = net.layers("sum over sources")[k]
            for i, signal in enumerate(signals):
                write(net.backend, signal, out=total, more=i > 0)
            net.send(k, total, inside)

    def arriving(self, net: Pass, k: int, j: int, B: Mapping[str, Any]) -> Signal:
        """M_kj delta_j."""
        if j == k + 1:
            return net.pull(j, B)
        return net.through(net.feedback[f"B{k} from {j}"] if j > k else net.W[k], net.delta[j])

    def carriers(self, net: Pass) -> dict[str, Any]:
        """By matrix of the blocks that send to the one right below, what stands in for it."""
        right_above = [(k, j) for k, j in pairs(self.sources, net.L) if j == k + 1]
        found = (stand_ins(net.sizes, k, j) for k, j in right_above)
        return {matrix: net.feedback[name] for one in found for matrix, (name, _) in one.items()}


def pairs(sources: tuple[tuple[int, ...], ...], L: int) -> list[tuple[int, int]]:
    """(layer, source), from the lowest layer up."""
    return [(k, j) for k, js in sorted(graph(sources, L).items()) for j in js]


def stand_ins(sizes: Layout, k: int, j: int) -> dict[str, tuple[str, Shape]]:
    """The name and shape of the B that block j sends through to block k, or of several: by matrix that it replaces
    where j is right above."""
    if j > k + 1:
        return {"": (f"B{k} from {j}", (sizes[k], sizes[j]))}
    return {matrix: (f"{name} from {j}", shape) for matrix, (name, shape) in sizes.carriers[j].items()}


@cache
def graph(sources: tuple[tuple[int, ...], ...], L: int) -> dict[int, tuple[int, ...]]:
    """Each hidden layer's sources, in an order in which they can be worked off.

    Raises InvalidValue where there is no such order, or a layer has no source or one that can't feed it.
    """
    lists = sources * (L - 1) if len(sources) == 1 else sources
    if len(lists) != (L - 1):
        raise InvalidValue(
            f"sources are given for {len(lists)} of {(L - 1)} hidden layers; set rule.sources for all or one"
        )
    wanted = {k: tuple(L if j == -1 else j for j in js) for k, js in zip(range(1, L), lists, strict=True)}
    for k, js in wanted.items():
        if not js:
            raise InvalidValue(f"hidden layer {k} has no source; give it one in rule.sources")
        if len({*js}) < len(js):
            raise InvalidValue(f"hidden layer {k} has the sources {shown(list(js))}, one of them twice; give each once")
        for j in js:
            if not (k < j <= L or 1 <= j == k - 1):
                raise InvalidValue(
                    f"layer {shown(j)} can't feed layer {k}; a source is a layer above, up to {L}, or the one below"
                )
    order: dict[int, tuple[int, ...]] = {}
    while ready := [k for k, js in wanted.items() if k not in order and {*js} <= {L, *order}]:
        order |= {k: wanted[k] for k in ready}
    if len(order) < len(wanted):
        circle = sorted({*wanted} - {*order})
        raise InvalidValue(f"the sources of layers {circle} run in a circle; let one of them come from above")
    return order
