"""Direct feedback alignment (Nokland 2016, arXiv:1609.01596).

    delta_L = e
    delta_k = (B_k e) * f'(a_k)        hidden layers, all k at once; B_k is n_k x n_L, fixed

Variants, by options:
    inject = "pre_activation"          delta_k = B_k e, no f': units whose derivative is zero learn (Breloff 2016)
    nonlinearity = "tanh", "relu"      delta_k = phi(B_k e) * f'(a_k)
    nonlinearity = "mlp"               delta_k = (B_k tanh(C e)) * f'(a_k), C fixed and random, `width` x n_L
    staleness = s                      hidden layers descend the gradient of s steps ago: its error, its activity
    error = "encoder"                  delta_k = (B_k W_L^T e) * f'(a_k): the error where the outputs' layer reads, in
                                       place of that at the outputs (Launay et al. 2020)
    last = "weights"                   delta_{L-1} = (W_L^T e) * f'(a_{L-1}), its own error in place of B_{L-1} e
    ternary = t                        B_k goes with 1 where e is t or more, -1 where it is -t or less, else 0
    projector = f                      B_k e comes of f(e, rows), see projected.py
    inside, enters                     feedback inside blocks of several layers too, see inside.py
    graph = true                       delta_k = (B_k e A^(L-k)) * f'(a_k): in nets whose layers go along the edges of a
                                       graph, x A^T, the error comes back along them through all blocks above; without,
                                       the nodes that are trained on alone send one; the encoder's error comes down
                                       along those of the last block by itself
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ...basics.errors import InvalidValue
from ...functions.formulas import FORMULAS
from ...layers.protocol.carrying import write
from ...layers.protocol.terms import Carriers
from ...net.batch.passes import Pass
from ...net.learning.gradients import Gradients
from ...net.learning.options import above_zero, boolean, one_of, whole
from ...net.learning.rows import Rows, own_places
from ...net.shape.layout import Layout
from ...net.state.feedback import Feedback
from ...net.state.model import Model
from .bent import BENT, NONLINEARITIES, bend
from .inside import FeedbackInside
from .projected import OWN, check_projector, send_projected
from .stale import delay, queue

INJECT = "activation", "pre_activation"
ERRORS = "outputs", "encoder"
LAST = "feedback", "weights"
BY_UNIT = "auto", "each", "own"


@dataclass(frozen=True)
class DFA(FeedbackInside):
    """delta_k = (B_k e) * f'(a_k), B_k ~ U(+-1/sqrt(n_k)); one product and one pass for all hidden layers."""

    inject: str = "activation"
    nonlinearity: str = "identity"
    width: int = 64
    staleness: int = 0
    error: str = "outputs"
    last: str = "feedback"
    ternary: float = 0.0
    projector: Any = None
    graph: bool = False

    name = "dfa"
    paper = "Nokland 2016; threshold units: Breloff 2016"
    later = MappingProxyType(
        {
            **FeedbackInside.later,
            **{"error": "outputs", "last": "feedback", "ternary": 0.0, "projector": None, "graph": False},
            **{"inside": "weights", "enters": "blocks"},
        }
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of(self.inject, INJECT, "place for the error", "inject")
        one_of(self.nonlinearity, NONLINEARITIES, "feedback nonlinearity", "nonlinearity")
        if self.rank and self.nonlinearity == "mlp":
            raise InvalidValue("nonlinearity 'mlp' has matrices of its own; leave rule.rank out and set rule.width")
        whole(self.width, "width of the feedback's MLP", "width", least=1)
        whole(self.staleness, "staleness", "staleness")
        one_of(self.error, ERRORS, "error to send", "error")
        one_of(self.last, LAST, "error of the last hidden block", "last")
        if self.ternary:
            above_zero(self.ternary, "threshold of ternary errors", "ternary")
        if self.projector is not None:
            check_projector(self.projector)
            if self.rank or self.nonlinearity != "identity" or self.places not in BY_UNIT or self.inject != INJECT[0]:
                raise InvalidValue(
                    "a projector makes all of B e itself; leave rule.rank, rule.nonlinearity, rule.places and"
                    " rule.inject out"
                )
        boolean(self.graph, "graph")
        if self.graph and self.projector is not None:
            raise InvalidValue(
                "graph = true has an error of its own for each block, and a projector is asked for all at once; leave"
                " rule.projector or rule.graph out"
            )
        if self.as_said and (self.graph or self.projector is not None):
            raise InvalidValue(
                "enters = 'activations' sends one error to all places by B's of its own; leave rule.graph and"
                " rule.projector out, or rule.enters"
            )

    def check(self, model: Model) -> None:
        super().check(model)
        if self.graph and not model.sizes.whole.joining:
            raise InvalidValue(
                "graph = true has the error go along the edges of a graph, and no layer of the net does; leave"
                " --set rule.graph out, or give layers such as 'neighbours, dense 16 relu'"
            )

    @property
    def options(self) -> dict[str, Any]:
        found = super().options
        return found | {"projector": OWN} if "projector" in found else found

    @property
    def needs(self) -> frozenset[str]:  # type: ignore[override]
        derivative = {"derivative"} if self.inject == "activation" else {"matrix"}
        return frozenset(derivative | ({"matrix"} if self.nonlinearity in BENT else set()))

    @property
    def makes(self) -> frozenset[str]:  # type: ignore[override]
        return frozenset({"signals", "gradients"} if self.staleness else {"signals"})

    @property
    def injects_only(self) -> bool:  # type: ignore[override]
        return (
            super().injects_only
            and self.nonlinearity == "identity"
            and not (self.pulls or self.ternary or self.projector or self.looks_inside)
        )

    @property
    def pulls(self) -> bool:
        """Whether some of what is sent comes down through the outputs' weights."""
        return self.error == "encoder" or self.last == "weights"

    @property
    def linear(self) -> bool:  # type: ignore[override]
        """relu(w B_k e) is w relu(B_k e) for w of at least 0."""
        return self.nonlinearity in ("identity", "relu") and not self.ternary

    @property
    def separable(self) -> bool:  # type: ignore[override]
        return not self.staleness

    @property
    def broadcasts(self) -> bool:  # type: ignore[override]
        return not (self.staleness or self.pulls or self.looks_inside)

    def told(self, sizes: Layout) -> int:
        if self.error == "outputs" or not sizes.hidden:
            return super().told(sizes)
        return sizes[sizes.L - 1] // own_places(sizes, self.places)

    def straight(self, sizes: Layout) -> dict[int, Rows]:
        return {} if self.projector else super().straight(sizes)

    def columns(self, sizes: Layout) -> int:
        return self.width if self.nonlinearity == "mlp" else super().columns(sizes)

    def fixed(self, sizes: Layout) -> dict[str, Feedback]:
        if self.nonlinearity != "mlp":
            return super().fixed(sizes)
        told = self.told(sizes)
        scale = 1 / math.sqrt(told)
        return super().fixed(sizes) | {"C": Feedback(self.width, told, self.law, scale, self.density)}

    def deltas(self, net: Pass, e: Any) -> None:
        net.send(net.L, e)
        heard, carriers = self.heard(net, e), self.carriers(net)
        if self.projector:
            send_projected(net, self.projector, heard, own_places(net.sizes, self.places), carriers)
        elif self.graph:
            self.along_edges(net, self.carried(net, heard), carriers)
        elif self.inject == "activation" and self.nonlinearity not in BENT:
            signal = self.carried(net, heard)
            with net.entering(self.inner_signals(net, signal)):
                self.scatter(net, signal, carriers)
                self.own(net, carriers)
            return
        else:
            self.deltas_without_derivative(net, heard)
        self.own(net, carriers)

    def own(self, net: Pass, carriers: Carriers) -> None:
        """The last hidden block's own error, where it has that."""
        if self.last == "weights" and net.hidden:
            net.send(net.L - 1, net.pull(net.L), carriers)

    def heard(self, net: Pass, e: Any) -> Any:
        """What goes to all hidden blocks in place of e."""
        if self.error == "encoder" and net.hidden:
            pulled, e = net.pull(net.L), net.array("error of the encoder", net.sizes[net.L - 1], net.m)
            write(net.backend, pulled, out=e)
        if self.ternary:
            coarse = net.array("ternary error", *e.shape[1:])
            net.backend.evaluate(FORMULAS["ternary"], coarse, e, t=self.ternary)
            e = coarse
        return e

    def along_edges(self, net: Pass, signal: Any, carriers: Carriers) -> None:
        """The signal, (R, columns, m), to each hidden block as what goes along edges in the blocks above has it."""
        straight = net.kept("rows", lambda: self.straight(net.sizes))
        for k in reversed(net.hidden):
            if k + 1 < net.L or self.error == "outputs":
                signal = net.along_edges(k + 1, signal, "error")
            net.send(k, straight[k].signal(net, net.B[k], signal), carriers)

    def deltas_without_derivative(self, net: Pass, e: Any) -> None:
        """B_k e as it is, or bent."""
        bent, derivative = self.nonlinearity in BENT, self.inject == "activation"
        net.inject(net.hidden, net.B.stacked, self.carried(net, e), derivative=False, dropout=not bent)
        if bent:
            bend(net, self.nonlinearity, derivative)

    def carried(self, net: Pass, signal: Any) -> Any:
        if self.nonlinearity != "mlp":
            return super().carried(net, signal)
        units = self.passed(net, "tanh(C e)", net.feedback["C"], signal)
        net.xp.tanh(units, out=units)
        return units

    def state(self, sizes: Layout) -> dict[str, tuple[int, ...]]:
        return queue(sizes, self.staleness)

    def gradients(self, net: Pass, grads: Gradients) -> None:
        super().gradients(net, grads)
        if self.staleness and net.training:
            delay(net, grads, self.staleness)

    def weight_pairs(self, net: Pass) -> Iterator[tuple[int, Any, Any]]:
        found = iter(()) if self.nonlinearity == "mlp" else super().weight_pairs(net)
        return (pair for pair in found if not (self.pulls and pair[0] + 1 == net.L))
