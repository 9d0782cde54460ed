"""What a training step drops: inputs, hidden units, and in residual nets whole layers; drawn anew at each step."""

from collections.abc import Sequence
from typing import NamedTuple

from ...backends.operations.operands import Gate
from ..state.arena import Array
from .workspace import Workspace


class Drops(NamedTuple):
    """Probabilities with which an input, a hidden unit, a residual layer is dropped; whether layers within blocks drop
    what they are made to drop."""

    input: float = 0.0
    hidden: float = 0.0
    depth: float = 0.0
    inside: bool = False


class Masks:
    """`hidden`, (R, hidden units, m), is 0 where a unit is dropped, alone or with its layer (Huang et al. 2016,
    "Deep networks with stochastic depth"), else what keeps its mean; None where nothing is dropped.
    """

    def __init__(self, p: Workspace, drops: Drops, residual: Sequence[int]) -> None:
        self.p, self.drops, self.residual, replicas = p, drops, residual, len(p.seeds)
        self.hidden: Array = None
        self.inputs: Array = None
        if drops.hidden or drops.depth:
            self.hidden = p.backend.zeros((replicas, p.sizes.hidden_units, p.m), p.slab_dtype)
            self.hidden.fill(1)
        if drops.input:
            self.inputs = p.backend.zeros((replicas, p.m, p.sizes.inputs), p.slab_dtype)
        self.kept = p.backend.zeros((replicas, max(len(residual), 1)), p.dtype)

    def draw(self, x: Array) -> Array:
        """The masks of this step; returns the inputs under theirs."""
        p, drops = self.p, self.drops
        if self.inputs is not None:
            if x.ndim > 2:
                self.draw_inputs(out=self.inputs)
                p.backend.gate(self.inputs, [Gate(None, x, x, slice(None))])  # the mask becomes mask * x
            else:  # all nodes of a graph, the same ones at every step
                places = p.kept("inputs that are filled", lambda: p.backend.filled(x))
                p.backend.drop_constant(x, places, self.inputs, drops.input, p.seeds, p.step, stream=0)
            x = self.inputs
        if drops.hidden:
            p.dropout(self.hidden, drops.hidden, stream=1, rows=p.sizes.among_hidden)
        if drops.depth:
            self._drop_layers()
        return x

    def draw_inputs(self, out: Array) -> None:
        """The mask of this step's inputs, (R, m, n_0), as often as it is asked for."""
        self.p.dropout(out, self.drops.input, stream=0, axis=-2)

    def _drop_layers(self) -> None:
        p, hidden = self.p, self.hidden
        p.backend.dropout(self.kept, self.drops.depth, p.seeds, p.step, stream=2)
        for i, k in enumerate(self.residual):
            rows, kept = hidden[:, p.sizes.rows(k)], self.kept[:, i : i + 1, None]
            if self.drops.hidden:
                p.backend.xp.multiply(rows, kept, out=rows)
            else:
                rows[...] = kept
