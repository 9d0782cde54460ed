"""Feedback by any graph: which layers' signals feed which layer, FA, DFA and IFA being three points of it.

    delta_k = (sum over its sources j of M_kj delta_j) * f'(a_k)
    M_kj    = B_kj, n_k x n_j, fixed, random       from a layer above, j > k
    M_kj    = W_k                                  from the layer below, j = k - 1 (as in IFA)

With L layers: FA has the sources 2, 3, ..., L; DFA has L, L, ..., L; IFA has L, 1, 2, ..., L-2. A list in place of a
number sums several: [[2, 4], [3, 4], 4] is FA with skip connections on the feedback path.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

from ...basics.arguments import shown
from ...basics.errors import InvalidValue
from ...net.feedback import Feedback
from ...net.layout import Layout
from ...net.model import Model
from ...net.passes import Pass
from ...net.rule import FeedbackRule, Rule


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
        return frozenset({"matrix", "derivative", "stored"} if several else {"matrix", "derivative"})

    def check(self, model: Model) -> None:
        graph(self.sources, model.sizes.L)
        if model.residual and any(len(js) > 1 for js in self.sources):
            raise InvalidValue("skip connections go with one source a layer; leave --residual out of this topology")

    def fixed(self, sizes: Layout) -> dict[str, Feedback]:
        pairs = [(k, j) for k, js in sorted(graph(self.sources, sizes.L).items()) for j in js if j > k]
        return {f"B{k} from {j}": self.feedback(sizes[k], sizes[j]) for k, j in pairs}

    def deltas(self, net: Pass, e: Any) -> None:
        for k, sources in graph(self.sources, net.L).items():
            matrices = [net.feedback[f"B{k} from {j}"] if j > k else net.W[k] for j in sources]
            if len(sources) == 1:
                from_above = sources[0] == k + 1
                net.send(
                    k,
                    net.pull(k + 1, {f"W{k + 1}": matrices[0]})
                    if from_above
                    else net.through(matrices[0], net.delta[sources[0]]),
                )
                continue
            for i, (matrix, j) in enumerate(zip(matrices, sources, strict=True)):
                net.backend.gemm(matrix, net.delta[j], out=net.delta[k], beta=float(i > 0))
            net.gate(k, net.delta[k])


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
