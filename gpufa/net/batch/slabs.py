"""The arrays that a batch goes through: activity and error signals of all blocks by rows, and the masks over them."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import groupby

from ...backends.operations.operands import Gate
from ...layers.protocol.sequences import numbered
from ...parallel.ranks import Share
from ..shape.layout import Layout
from ..state.arena import Array
from ..state.clock import Clock
from ..state.model import Model
from .masks import Drops, Masks
from .workspace import Workspace


class Slabs(Workspace):
    """What a Pass is made of, for m samples; see there for the names."""

    def __init__(
        self,
        net: Model,
        m: int,
        drops: Drops,
        clock: Clock | None,
        share: Share | None,
        sizes: Layout | None = None,
    ) -> None:
        backend, sizes = net.backend, sizes or net.sizes
        slab_dtype = backend.slab_dtype(net.dtype) if clock else net.dtype
        super().__init__(backend, sizes, net.seeds, m, (net.dtype, slab_dtype), clock, share)
        self.xp, self.hidden, self.L = backend.xp, sizes.hidden, sizes.L
        self.parameters, self.W, self.b = net.arena, net.arena.W, net.arena.b
        self.feedback, self.B, self.state = net.fixed, net.fixed.B, net.state
        self.activations, self.loss, self.residual = net.activations, net.output_loss, net.residual
        self.as_said, self.traces = net.as_said, net.traces and clock is not None
        self.every_step = net.every_step
        self.adjacency = net.adjacency
        self.lowered = slab_dtype != net.dtype
        if self.lowered:
            # Copies of weights and feedback in the slabs' precision; biases stay as they are.
            self.low = net.new_arena(slab_dtype)
            self.W, self.B = self.low.W, net.fixed.lowered(slab_dtype)

        self.h, self.delta = self.new_layers(), self.new_layers()
        self.a = self.new_layers() if any(f.of == "a" for f in self.activations) else self.h
        self.masks = Masks(self, drops, net.residual)
        self.mask = self.masks.hidden
        # f' must see the activity before the mask and the skip connection, the next layer the activity behind them.
        self.sent = self.new_layers() if self.residual or self.mask is not None else self.h
        self.gates = {k: self._gates(range(k, k + 1)) for k in self.hidden}
        self.all_gates = self._gates(self.hidden)

    @property
    def inputs(self) -> Array:
        """What it has let in, (R, n_0, m) or (n_0, m)."""
        return self.h[0]

    @cached_property
    def outputs_by(self) -> str:
        """The name of the matrix that makes the outputs."""
        return list(self.sizes.matrices(self.L))[-1]

    @property
    def dropping(self) -> bool:
        """Whether layers within blocks drop units."""
        return self.masks.drops.inside

    def layer(self, k: int, x: Array, h: Array, a: Array = None, sent: Array = None, W: Array = None) -> None:
        """h = f(W_k x + b_k), (R, n_{k-1}, m) to (R, n_k, m); the output layer has no f, and its result is `a`.

        With dropout `sent` is h under the mask of this pass. Without `a` the pre-activation is not kept. `W` stands in
        for W_k where it is given. h, a and sent are of `net.layers` or the pass itself: on a GPU they share a stride.
        """
        f = self.activations[k - 1] if k < self.L else None
        mask = None if self.mask is None or f is None or sent is None else self.mask[:, self.sizes.rows(k)]
        if a is None:
            a = self.layers("pre-activation")[k] if f and f.of == "a" else h
        self.backend.layer(self.W[k] if W is None else W, x, self.b[k], f, a=a, h=h, mask=mask, sent=sent)

    def carriers(self, own: Mapping[str, Array] | None = None) -> dict[str, Array]:
        """By matrix of the net, what stands in for its transpose where an error goes down: B_k for W_{k+1}. Of a rule's
        `own` arrays by name; without them of its fixed feedback."""
        found = {}
        for k in range(1, self.L + 1):
            for name, (B, _) in self.sizes.carriers[k].items():
                if own is not None:
                    found[name] = own[B]
                else:
                    found[name] = self.feedback[B] if k in self.sizes.layered else self.B[k - 1]
        return found

    def gate(self, k: int | Sequence[int], signal: Array, derivative: bool = True) -> None:
        """signal *= f'(a_k) [* dropout's mask] in place, (R, n_k, m) or, given `net.hidden`, (R, hidden units, m)."""
        self.backend.gate(signal, partly(self.gates[k] if isinstance(k, int) else self.all_gates, derivative, True))

    def audible(self, k: int, x: Array) -> Array:
        """What is of the units at the output of block k, (R, n_k, m), with 0 at tokens that fill up and go no further,
        whose no error is. Itself where there are none."""
        if not self.fills_up(k):
            return x
        out = self.array(f"audible, {k}", *x.shape[1:])
        out[...] = x
        self.blank(out)
        return out

    def fills_up(self, k: int, layer: int = -1) -> bool:
        """Whether there may be tokens that fill up behind that layer of block k, or its last, from which nothing goes
        on: no error is theirs, wherever it comes from."""
        unheard = self.sizes.unheard
        return bool(unheard) and (k, range(len([*self.sizes.walk(k)]))[layer]) in unheard

    def blank(self, x: Array) -> None:
        """Put 0 at tokens that fill up, of what is (R, n, m) at the tokens of a net of these."""
        tokens = numbered(self.sizes.shapes[0])
        assert tokens is not None
        counts = self.array("tokens that count", tokens[0], self.m)
        self.xp.not_equal(self.inputs, tokens.pad, out=counts)
        by_token = x.reshape(len(x), -1, tokens[0], self.m)
        by_token *= counts[:, None]

    def apart(self, below: Array) -> Array:
        """A copy off the slab: CuPy would make one of an operand whose memory interleaves with the result's."""
        copy = self.array(f"copy of {below.shape[-2]}", *below.shape[-2:])
        copy[...] = below
        return copy

    def _gates(self, layers: Sequence[int]) -> list[Gate]:
        """One gate per run of layers with the same activation; its rows count from the first of `layers`."""
        gates = []
        for f, run in groupby(layers, key=lambda k: self.activations[k - 1]):
            ks = list(run)
            start, stop = self.sizes.rows(ks[0]).start, self.sizes.rows(ks[-1]).stop
            z = (self.a if f.of == "a" else self.h).slab[:, start:stop]
            mask = None if self.mask is None else self.mask[:, start:stop]
            first = self.sizes.rows(layers[0]).start
            gates.append(Gate(f, z, mask, slice(start - first, stop - first)))
        return gates


def partly(gates: list[Gate], derivative: bool, dropout: bool) -> list[Gate]:
    """The gates without f', or without dropout's mask."""
    if not derivative:
        gates = [gate._replace(activation=None) for gate in gates]
    return gates if dropout else [gate._replace(mask=None) for gate in gates]
