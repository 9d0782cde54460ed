"""One batch going through the network: its slabs, and what a learning rule may use."""

from collections.abc import Callable, Sequence
from itertools import groupby

from ..backends.operands import Gate, Outputs
from ..basics.errors import InvalidValue
from .arena import Array
from .clock import Clock
from .masks import Drops, Masks
from .model import Model
from .workspace import Workspace

NOTHING = Drops()


class Pass(Workspace):
    """Buffers for m samples, allocated once. Rules are handed one of these and call it `net`.

    x            the input, (R, m, n_0), or (m, n_0) where all replicas see the same samples
    h[k]         activity of layer k, (R, n_k, m); h[0] is the input
    a[k]         pre-activation (the same buffer as h[k] unless some activation's derivative is written in a)
    sent[k]      what layer k sends on: h[k], after dropout if there is any; in residual nets with sent[k-1] added
    delta[k]     error signal of layer k; delta[L] is e, the error yhat - y
    y            targets, (R, n_L, m)
    W[k], b[k]   weights and biases; `parameters` has them by name, with what the rule trains of its own
    B[k]         the rule's feedback, B.stacked all of it by rows where it has one width
    state        the rule's own memory from step to step, by name
    hidden       range of the hidden layers, 1 .. L-1

    value        the loss of each sample, (R, m), and `missed` whether its largest output is not its largest target

    A training pass is one with a clock: it draws its masks by it, and may keep its slabs, and copies of weights and
    feedback, in the backend's lower precision.
    """

    def __init__(self, net: Model, m: int, drops: Drops = NOTHING, clock: Clock | None = None) -> None:
        backend, sizes, replicas = net.backend, net.sizes, len(net.seeds)
        slab_dtype = backend.slab_dtype(net.dtype) if clock else net.dtype
        super().__init__(backend, sizes, net.seeds, m, (net.dtype, slab_dtype), clock)
        self.xp, self.hidden, self.L = backend.xp, sizes.hidden, sizes.L
        self.parameters, self.W, self.b = net.arena, net.arena.W, net.arena.b
        self.feedback, self.B, self.state = net.fixed, net.fixed.B, net.state
        self.activations, self.loss, self.residual = net.activations, net.output_loss, net.residual
        self.new_arena = net.new_arena
        self.lowered = slab_dtype != net.dtype
        if self.lowered:
            self._lower(net)

        self.h, self.delta = self.new_layers(), self.new_layers()
        self.y = backend.zeros((replicas, sizes.outputs, m), slab_dtype)
        self.a = self.new_layers() if any(f.of == "a" for f in self.activations) else self.h
        self.masks = Masks(self, drops, net.residual)
        self.mask = self.masks.hidden
        # f' must see the activity before the mask and the skip connection, the next layer the activity behind them.
        self.sent = self.new_layers() if self.residual or self.mask is not None else self.h
        self.value = backend.zeros((replicas, m), self.dtype)
        self.missed = backend.zeros((replicas, m), "bool")
        self.gates = {k: self._gates(range(k, k + 1)) for k in self.hidden}
        self.all_gates = self._gates(self.hidden)
        self.awaited: Outputs | None = None

    @property
    def e(self) -> Array:
        """delta_L, the error at the output's pre-activation, (R, n_L, m)."""
        return self.delta[self.L]

    def take(self, x: Array) -> None:
        """Let a batch in: h[0] = x^T, under this step's masks, which are drawn."""
        if self.lowered:
            self.backend.lower(self.parameters.flat, out=self.low.flat)
        if self.training:
            x = self.masks.draw(x)
        self.h[0] = self.sent[0] = x.swapaxes(-1, -2)

    def forward(self, x: Array) -> Array:
        """h_k = f(W_k h_{k-1} + b_k), layer by layer; returns the output's pre-activation a_L, (R, n_L, m)."""
        self._hidden(x)
        self.layer(self.L, self.sent[self.L - 1], self.h[self.L], a=self.a[self.L])
        return self.a[self.L]

    def _hidden(self, x: Array) -> None:
        """`forward` up to the last hidden layer."""
        self.take(x)
        for k in self.hidden:
            self.layer(k, self.sent[k - 1], self.h[k], a=self.a[k], sent=self.sent[k])
            if self.residual:
                self._skip(k)

    def _skip(self, k: int) -> None:
        """sent_k = h_k [* mask] + sent_{k-1} where layer k has a skip connection."""
        masked = self.h[k] if self.mask is None else self.sent[k]
        if k in self.residual:
            self.xp.add(masked, self._apart(self.sent[k - 1]), out=self.sent[k])
        elif self.mask is None:
            self.sent[k][...] = masked

    def _apart(self, below: Array) -> Array:
        """A copy off the slab: CuPy would make one of an operand whose memory interleaves with the result's."""
        copy = self.array(f"copy of {below.shape[1]}", *below.shape[1:])
        copy[...] = below
        return copy

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

    def gate(self, k: int | Sequence[int], signal: Array, derivative: bool = True) -> None:
        """signal *= f'(a_k) [* dropout's mask] in place, (R, n_k, m) or, given `net.hidden`, (R, hidden units, m)."""
        self.backend.gate(signal, _partly(self.gates[k] if isinstance(k, int) else self.all_gates, derivative, True))

    def _lower(self, net: Model) -> None:
        """Copies of weights and feedback in the slabs' precision; biases stay as they are."""
        self.low = net.new_arena(self.slab_dtype)
        self.W, self.B = self.low.W, net.fixed.lowered(self.slab_dtype)

    def error(self, sums: Array = None) -> None:
        """delta_L = e = yhat - y, and `value` and `missed`, which are added up in `sums`, (2, R), where it is given."""
        self.backend.output_error(self._outputs(sums))

    def evaluate(self, forward: Callable[["Pass", Array], Array], x: Array, sums: Array = None) -> None:
        """A rule's `forward`, and `error`, in one operation where the rule has left the output to `feed`."""
        self.awaited = outputs = self._outputs(sums)
        forward(self, x)
        if self.awaited is not None:
            self.awaited = None
            self.backend.output_error(outputs)

    def feed(self, x: Array) -> Array:
        """`forward`; where the error is awaited behind it, that is taken in one operation with the output."""
        if self.awaited is None:
            return self.forward(x)
        self._hidden(x)
        outputs, self.awaited = self.awaited, None
        self.backend.output(self.W[self.L], self.sent[self.L - 1], self.b[self.L], outputs)
        return outputs.a

    def _outputs(self, sums: Array) -> Outputs:
        return Outputs(self.loss, self.a[self.L], self.y, self.e, self.value, self.missed, sums)

    def inject(
        self, k: int | Sequence[int], matrix: Array, signal: Array, derivative: bool = True, dropout: bool = True
    ) -> None:
        """delta_k = (matrix @ signal) * f'(a_k), for layer k or, given `net.hidden`, for all hidden layers at once.

        `matrix` is (R, n_k, n) and `signal` (R, n, m). Without `derivative` the factor f' is left out, without
        `dropout` the mask of the units that were dropped.
        """
        if not isinstance(k, int) and not k:
            return
        out, gates = (self.delta[k], self.gates[k]) if isinstance(k, int) else (self.delta.stacked, self.all_gates)
        if (*matrix.shape[-2:], signal.shape[-1]) != (out.shape[-2], signal.shape[-2], out.shape[-1]):
            raise InvalidValue(
                f"inject can't send a signal {signal.shape} through a matrix {matrix.shape} to layer {k}"
                f" of {out.shape[-2]} units; it takes a matrix (R, n_k, n) and a signal (R, n, m)"
            )
        gates = _partly(gates, derivative, dropout)
        if self.residual and isinstance(k, int):
            self._inject_over_skips(k, matrix, signal, gates)
        else:
            self.backend.feedback_delta(matrix, signal, gates, out=out)

    def _inject_over_skips(self, k: int, matrix: Array, signal: Array, gates: list[Gate]) -> None:
        """As `inject`; with the signal delta_{k+1}, what layer k+1 was sent comes down its skip connection too."""
        out, came = self.delta[k], self.layers("sent back")
        self.backend.gemm(matrix, signal, out=came[k])
        if k + 1 in self.residual and signal is self.delta[k + 1]:
            self.xp.add(came[k], self._apart(came[k + 1]), out=came[k])
        out[...] = came[k]
        self.backend.gate(out, gates)

    def input_gradient(self, out: Array) -> None:
        """dL/dx = W_1^T delta_1 into `out`, (R, m, n_0): the loss's own gradient where delta is backpropagation's."""
        self.backend.gemm(self.delta[1].swapaxes(-1, -2), self.W[1], out=out)

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


def _partly(gates: list[Gate], derivative: bool, dropout: bool) -> list[Gate]:
    """The gates without f', or without dropout's mask."""
    if not derivative:
        gates = [gate._replace(activation=None) for gate in gates]
    return gates if dropout else [gate._replace(mask=None) for gate in gates]
