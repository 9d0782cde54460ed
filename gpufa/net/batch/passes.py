"""One batch going through the network, and what a learning rule may use of it."""

from collections.abc import Callable, Sequence
from copy import copy
from typing import Any

import numpy as np

from ...backends.operations.operands import Outputs
from ...basics.arrays import T
from ...layers.protocol.carrying import write
from ...layers.protocol.terms import Sums
from ...parallel.ranks import ALONE, Piece, Ranks, Share
from ..shape.layout import Layout
from ..state.arena import Array
from ..state.clock import Clock
from ..state.model import Model
from .blocks import block_of
from .layered import LayeredBlock
from .masks import Drops
from .sending import Sending

NOTHING = Drops()


class Pass(Sending):
    """Buffers for m samples, allocated once. Rules are handed one of these and call it `net`.

    x            the input, (R, m, n_0), or (m, n_0) where all replicas see the same samples
    h[k]         activity of block k, (R, n_k, m); h[0] is the input
    a[k]         pre-activation (the same buffer as h[k] unless some activation's derivative is written in a)
    sent[k]      what block k sends on: h[k], after dropout if there is any; in residual nets with sent[k-1] added
    delta[k]     error signal of block k: of one dense layer at its pre-activation, of several at their output; delta[L]
                 is e, the error yhat - y
    y            targets, (R, n_L, m); `labels` in place of them, (R, places * m), where each place has one, -1 for none
    W[k], b[k]   weights and biases, of a block of several layers all of them; `parameters` has them by name, with what
                 the rule trains of its own
    B[k]         the rule's feedback, B.stacked all of it by rows where it has one width
    state        the rule's own memory from step to step, and what layers measure, by name
    hidden       range of the hidden blocks, 1 .. L-1

    value        the loss of each sample, (R, m), and `missed` whether its largest output is not its largest target
    weight       what e and value of each sample are multiplied by, (R, m), None where all count alike
    counts       of how many samples gradients are the mean: all of the batch, of a graph's nodes those with a label

    Where the outputs are at places, value, missed and weight are of each place, (R, places * m), the samples innermost,
    and a place of weight 0 is none that counts.

    A training pass is one with a clock: it draws its masks by it, and may keep its slabs, and copies of weights and
    feedback, in the backend's lower precision. Of a batch that processes share, m are this one's own; `ranks` are
    those that hold the net's blocks between them. `sizes` are given where inputs are of fewer steps in time than the
    net's.
    """

    ranks: Ranks = ALONE

    def __init__(
        self,
        net: Model,
        m: int,
        drops: Drops = NOTHING,
        clock: Clock | None = None,
        share: Share | None = None,
        sizes: Layout | None = None,
    ) -> None:
        super().__init__(net, m, drops, clock, share, sizes)
        replicas = len(net.seeds)
        self.new_arena = net.new_arena
        self.labels: Array = None
        if self.sizes.places == 1:
            self._targets()
        self.value = self.backend.zeros((replicas, self.sizes.places * m), self.dtype)
        self.missed = self.backend.zeros((replicas, self.sizes.places * m), "bool")
        self.weight: Array = None
        self.counts = self.share.whole
        self.blocks = {k: block_of(self, k) for k in self.sizes.every}
        self.layered = {k: one for k, one in self.blocks.items() if isinstance(one, LayeredBlock)}
        self.awaited: Outputs | None = None
        if self.L in self.layered:
            self.a[self.L] = self.h[self.L]

    @property
    def y(self) -> Array:
        """Targets, (R, n_L, m); where it has labels of places, made of these each time."""
        made = self._targets()
        if self.labels is not None:
            classes = self.kept(
                "numbers of classes", lambda: self.backend.to_device(np.arange(self.sizes.at_place)[:, None])
            )
            self.xp.equal(self.labels[:, None], classes, out=self.by_places(made))
        return made

    def _targets(self) -> Array:
        """Room for those of all outputs."""
        shape = len(self.seeds), self.sizes.outputs, self.m
        return self.kept("targets of all outputs", lambda: self.backend.zeros(shape, self.slab_dtype))

    def expect(self, labels: bool) -> Array:
        """Where targets go: y, or of several places, each of which has a label, `labels`."""
        self.labels = None
        if not (labels and self.sizes.places > 1):
            return self.y
        self.labels = self.kept("labels of places", lambda: self.backend.zeros(self.value.shape, "int64"))
        return self.labels

    @property
    def e(self) -> Array:
        """delta_L, the error at the output's pre-activation, (R, n_L, m)."""
        return self.delta[self.L]

    def by_places(self, x: Array) -> Array:
        """What is of the outputs, (R, n_L, m), as if each place were a sample: (R, outputs of a place, places * m)."""
        return x if self.sizes.places == 1 else x.reshape(len(x), self.sizes.at_place, -1)

    def take(self, x: Array) -> None:
        """Let a batch in: h[0] = x^T, under this step's masks, which are drawn."""
        if self.lowered:
            self.backend.lower(self.parameters.flat, out=self.low.flat)
        if self.training:
            x = self.masks.draw(x)
        self.h[0] = self.sent[0] = T(x)

    def forward(self, x: Array) -> Array:
        """Block by block, h_k = f(W_k h_{k-1} + b_k); returns the output's pre-activation a_L, (R, n_L, m)."""
        self.take(x)
        return self.again()

    def again(self) -> Array:
        """The same of the batch that it has taken in already."""
        self._hidden()
        self._top()
        return self.a[self.L]

    def feed(self, x: Array) -> Array:
        """`forward`; where the error is awaited behind it, that is taken in one operation with the output."""
        if self.awaited is None or self.L in self.layered:
            return self.forward(x)
        self.take(x)
        self._hidden()
        outputs, self.awaited = self.awaited, None
        self.backend.output(self.W[self.L], self.sent[self.L - 1], self.b[self.L], outputs)
        return outputs.a

    def evaluate(self, forward: Callable[["Pass", Array], Array], x: Array, sums: Array = None) -> None:
        """A rule's `forward`, and `error`, in one operation where the rule has left the output to `feed`."""
        some = self.counts < self.share.whole
        self.awaited = outputs = self._outputs(None if some else sums)
        forward(self, x)
        if self.awaited is not None:
            self.awaited = None
            self.backend.output_error(outputs)
        if some and sums is not None:
            self._add_counted(sums)

    def evaluation(self, rule: Any, x: Array, sums: Array) -> list[Piece]:
        """`evaluate` by that rule's `forward`, in pieces."""
        return [Piece(lambda: self.evaluate(rule.forward, x, sums), self.ranks)]

    def remember(self, running: Sequence[slice]) -> None:
        """Bring what layers measure from step to step up to date, by the batch that is in them, for these replicas."""
        for k in self.sizes.layered:
            self.blocks[k].remember(running)

    def error(self, sums: Array = None) -> None:
        """delta_L = e = yhat - y, and `value` and `missed`, which are added up in `sums`, (2, R), where it is given."""
        self.backend.output_error(self._outputs(sums))

    def with_matrices(self) -> "Pass":
        """The same with B as arrays, and W and B of the block above its own too."""
        found = copy(self)
        found.B = self.feedback.drawn()
        return found

    def rise(self, x: Array) -> None:
        """`forward` as far as it goes without waiting for others; `settle` waits, and a_L is there."""
        self.forward(x)

    def settle(self) -> None:
        """Here nothing is awaited."""

    def aside(self, name: str, k: int, x: Array, out: Array) -> None:
        """Hidden block k of another input, under the same masks, into `out` of `net.layers`; of a block of several
        layers `beside(name)[k]` has what they make."""
        if k in self.sizes.layered:
            out[...] = self.beside(name)[k].up(x)
        else:
            self.layer(k, x, out, sent=out)

    def beside(self, name: str) -> dict[int, LayeredBlock]:
        """The blocks of several layers once more, with activity of their own under that name and the same masks: for
        another way through the net."""
        return self.kept(f"blocks, {name}", lambda: {k: LayeredBlock(self, k, name) for k in self.sizes.layered})

    def gradients_within(self, k: int, grads: Sums) -> None:
        """Let the layers within block k hand over their gradients."""
        self.blocks[k].gradients(grads)

    def input_gradient(self, out: Array) -> None:
        """dL/dx into `out`, (R, m, n_0): the loss's own gradient where the signals are backpropagation's."""
        down = self.pull(1)
        if down.matrix is not None and down.plus is None:
            self.backend.gemm(T(down.signal), T(down.matrix), out=out)
            return
        came = self.array("signal at the input", self.sizes.inputs, self.m)
        write(self.backend, down, out=came)
        out[...] = T(came)

    def _hidden(self) -> None:
        """Up to the last hidden block."""
        for k in self.hidden:
            self.blocks[k].forward()

    def _top(self) -> None:
        """The outputs, of what is below."""
        if self.L in self.layered:
            self.blocks[self.L].forward()
        else:
            self.layer(self.L, self.sent[self.L - 1], self.h[self.L], a=self.a[self.L])

    def _add_counted(self, sums: Array) -> None:
        """Losses and misses of the samples that count, to `sums`, (2, R)."""
        both, totals = self.array("losses and misses", 2, self.m), self.array("their sums", 2)
        both[:, 0] = self.value
        self.xp.multiply(self.missed, self.weight, out=both[:, 1])
        self.backend.row_sums(both, out=totals)
        sums += T(totals)

    def _outputs(self, sums: Array) -> Outputs:
        y = self.by_places(self.y) if self.labels is None else self.labels
        a, e = map(self.by_places, (self.a[self.L], self.e))
        return Outputs(self.loss, a, y, e, self.value, self.missed, sums, self.weight, self.sizes.places > 1)
