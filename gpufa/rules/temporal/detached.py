"""What rules share that let no error go back in time through recurrent weights.

An error arrives at the output of every block; within a recurrent layer it meets what the layer's own states, leak and
gates, have carried along. That is autodiff with h_{t-1} held wherever U reads it, and comes of two ways that agree to
rounding:
    by = "traces"    a trace for each weight and sample goes forward in time; memory is the same for any number of steps
    by = "history"   all steps are kept, and the signal goes back through them past U; faster, while they fit
Layers without time, and nets of one step, learn as under dfa, or with signal = "symmetric" as under bp.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

from ...basics.errors import InvalidValue
from ...layers.protocol.carrying import carrier
from ...net.batch.passes import Pass
from ...net.learning.gradients import Gradients
from ...net.learning.options import one_of
from ...net.learning.rows import Rows, rows_of
from ...net.learning.rule import Rule
from ...net.shape.layout import Layout
from ...net.shape.naming import Named
from ...net.state.arena import Extra
from ...net.state.feedback import Feedback
from ...net.state.model import Model
from ..direct.base import DirectFeedback

WAYS = "traces", "history"
RANDOM, SYMMETRIC, ADAPTIVE = "random", "symmetric", "adaptive"


@dataclass(frozen=True)
class Detached(DirectFeedback):
    """`signal` is "random", B_k e at every block's output; "symmetric", what blocks above hand down through their own
    weights; or "adaptive", B_k e of a B_k that is trained by dB_k = h_k e^T, as under dkp."""

    signal: str = RANDOM
    by: str = "traces"

    signals: ClassVar[tuple[str, ...]] = RANDOM, SYMMETRIC
    needs = frozenset({"pull", "derivative"})
    frees = "backward, in time"
    linear = True
    separable = True
    defaults = MappingProxyType({**DirectFeedback.defaults, "init": "uniform"})
    layered = MappingProxyType({})

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of(self.signal, self.signals, "learning signal", "signal")
        one_of(self.by, WAYS, "way through time", "by")
        if self.signal != RANDOM and (self.rank or self.shared):
            name = "rank" if self.rank else "shared"
            raise InvalidValue(
                f"{name} is of fixed random feedback, and signal is {self.signal!r}; leave rule.{name} or"
                " rule.signal out"
            )

    @property
    def traces(self) -> bool:  # type: ignore[override]
        return self.by == "traces"

    @property
    def makes(self) -> frozenset[str]:  # type: ignore[override]
        return frozenset({"signals", "gradients"} if self.signal == ADAPTIVE else {"signals"})

    def check(self, model: Model) -> None:
        if self.traces:
            check_traces(self, model.sizes)
        for k in model.sizes.recurrent if self.traces and self.signal == SYMMETRIC else ():
            if k > 1:
                raise InvalidValue(
                    f"{nothing_below(self, model.sizes.named(k)[0], k)}; set rule.by=history, or rule.signal=random"
                )

    def straight(self, sizes: Layout) -> dict[int, Rows]:
        """To outputs: of those of a recurrent layer each state has in it what an error there is of."""
        if self.signal == SYMMETRIC:
            return {}
        return rows_of(sizes, self.columns(sizes), self.places, sizes.shapes)

    def fixed(self, sizes: Layout) -> dict[str, Feedback]:
        return super().fixed(sizes) if self.signal == RANDOM else {}

    def parameters(self, sizes: Layout) -> dict[str, Extra]:
        if self.signal != ADAPTIVE:
            return {}
        top = {sizes.L - 1: sizes.L}  # whose feedback goes with W_L
        return {
            f"B{k}": Extra((rows.count, rows.columns), "uniform", layer=top.get(k))
            for k, rows in self.straight(sizes).items()
        }

    def deltas(self, net: Pass, e: Any) -> None:
        held = net.kept("weights but loops", lambda: weights_but_loops(net))
        net.send(net.L, e, held)
        if self.signal == SYMMETRIC:
            for k in reversed(net.hidden):
                net.send(k, net.pull(k + 1, held), held)
            return
        signal, straight = self.carried(net, e), net.kept("rows", lambda: self.straight(net.sizes))
        for k, rows in straight.items():
            B = net.parameters[f"B{k}"] if self.signal == ADAPTIVE else net.B[k]
            net.send(k, rows.signal(net, B, signal), held)

    def gradients(self, net: Pass, grads: Gradients) -> None:
        super().gradients(net, grads)
        if self.signal == ADAPTIVE:
            for k, rows in net.kept("rows", lambda: self.straight(net.sizes)).items():
                grads.product(f"B{k}", rows.gathered(net, k, net.sent[k]), rows.heard(net.e))

    def weight_pairs(self, net: Pass) -> Iterator[tuple[int, Any, Any]]:
        return super().weight_pairs(net) if self.signal == RANDOM else iter(())


def check_traces(rule: Rule, sizes: Layout) -> None:
    """Raises InvalidValue where something that learns stands in a block below a layer whose traces go forward."""
    for k in sizes.recurrent:
        above = next((one for one in sizes.named(k)[1:] if one.layer.timed), None)
        if above:
            raise InvalidValue(
                f"{nothing_below(rule, above, k)}; set rule.by=history, or let each recurrent layer be the lowest of"
                " its block"
            )


def nothing_below(rule: Rule, one: Named, k: int) -> str:
    """Why what learns below that layer of block k would not."""
    return (
        f"rule {rule.name!r} carries traces forward, so that nothing goes down through '{one.layer}' of block {k} to"
        " what learns below"
    )


def weights_but_loops(net: Pass) -> dict[str, Any]:
    """By matrix through which an error goes down, its own transpose; None for those through which it goes in time."""
    sizes = net.sizes
    return {
        name: None if name in sizes.loops(k) else carrier(net.parameters[name])
        for k in sizes.every
        for name in sizes.carriers[k]
    }
