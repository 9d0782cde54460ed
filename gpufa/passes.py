"""One batch going through the network: its slabs, and what a learning rule may use."""

from collections.abc import Sequence
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

from .arena import Array, Layers, Parameters
from .backends.base import Gate
from .errors import InvalidValue

if TYPE_CHECKING:
    from .clock import Clock
    from .network import Network

ALL = slice(None)


class Pass:
    """Buffers for m samples, allocated once. Rules are handed one of these and call it `net`.

    x            the input, (R, m, n_0), or (m, n_0) where all replicas see the same samples
    h[k]         activity of layer k, (R, n_k, m); h[0] is the input
    a[k]         pre-activation (the same buffer as h[k] unless some activation's derivative is written in a)
    sent[k]      what layer k sends on: h[k], after dropout if there is any
    delta[k]     error signal of layer k; delta[L] is e, the error yhat - y
    y            targets, (R, n_L, m)
    W[k], b[k]   parameters; B[k] the rule's fixed feedback, B.stacked all of it by rows
    hidden       range of the hidden layers, 1 .. L-1

    value        the loss of each sample, (R, m), and `missed` whether its largest output is not its largest target

    A training pass is one with a clock: it draws its dropout masks (`dropout` = probabilities for input and hidden
    units) by it, and may keep its slabs, and copies of weights and feedback, in the backend's lower precision.
    """

    def __init__(
        self, net: "Network", m: int, dropout: tuple[float, float] = (0.0, 0.0), clock: "Clock | None" = None
    ) -> None:
        sizes, replicas = net.sizes, len(net.seeds)
        self.m, self.sizes, self.hidden, self.L = m, sizes, sizes.hidden, sizes.L
        self.backend, self.xp, self.dtype, self.seeds = net.backend, net.backend.xp, net.dtype, net.seeds
        self.W, self.b, self.feedback, self.B = net.arena.W, net.arena.b, net.fixed, net.fixed.B
        self.activations, self.loss = net.activations, net.output_loss
        (self.drop_input, self.drop_hidden), self.clock = dropout, clock

        self.slab_dtype = self.backend.slab_dtype(self.dtype) if clock else self.dtype
        self.lowered = self.slab_dtype != self.dtype
        if self.lowered:
            self._lower(net)

        def slab(rows: int) -> Array:
            return self.backend.zeros((replicas, rows, m), self.slab_dtype)

        def layers() -> Layers:
            return Layers.of_slab(slab(sizes.total), sizes)

        self.h, self.delta, self.y = layers(), layers(), slab(sizes.outputs)
        self.a = layers() if any(f.of == "a" for f in self.activations) else self.h
        # With dropout f' must see the activity before the mask, the next layer the activity after it.
        self.sent = layers() if self.drop_hidden else self.h
        self.mask = slab(sizes.hidden_units) if self.drop_hidden else None
        self.x_mask = self.backend.zeros((replicas, m, sizes.inputs), self.slab_dtype) if self.drop_input else None
        self.value = self.backend.zeros((replicas, m), self.dtype)
        self.missed = self.backend.zeros((replicas, m), "bool")
        self._runs: dict[tuple[int, ...], list[tuple[int, int]]] = {}
        self.gates = {k: self._gates(range(k, k + 1)) for k in self.hidden}
        self.gates[0] = self._gates(self.hidden)

    @property
    def e(self) -> Array:
        """delta_L, the error at the output's pre-activation, (R, n_L, m)."""
        return self.delta[self.L]

    def forward(self, x: Array) -> Array:
        """h_k = f(W_k h_{k-1} + b_k), layer by layer; returns the output's pre-activation a_L, (R, n_L, m)."""
        if self.lowered:
            self.backend.lower(self.parameters.flat, out=self.low.flat)
        if self.clock is not None and self.x_mask is not None:
            self.backend.dropout(self.x_mask, self.drop_input, self.seeds, self.clock.step, stream=0)
            self.backend.gate(self.x_mask, [Gate(None, x, x, ALL)])  # the mask becomes mask * x
            x = self.x_mask
        if self.clock is not None and self.mask is not None:
            self.backend.dropout(self.mask, self.drop_hidden, self.seeds, self.clock.step, stream=1)
        self.h[0] = self.sent[0] = x.swapaxes(-1, -2)
        for k, f in enumerate((*self.activations, None), start=1):
            mask = None if self.mask is None or f is None else self.mask[:, self.sizes.rows(k)]
            self.backend.layer(
                self.W[k], self.sent[k - 1], self.b[k], f, a=self.a[k], h=self.h[k], mask=mask, sent=self.sent[k]
            )
        return self.a[self.L]

    def _lower(self, net: "Network") -> None:
        """Copies of weights and feedback in the slabs' precision; biases stay as they are."""
        self.parameters, replicas = net.arena, len(net.seeds)
        self.low = Parameters(self.backend, net.sizes, replicas, self.slab_dtype)
        self.W, self.B = self.low.W, net.fixed.lowered(self.slab_dtype)

    def error(self) -> None:
        """delta_L = e = yhat - y, and `value` and `missed`."""
        self.backend.output_error(self.loss, self.a[self.L], self.y, self.e, self.value, self.missed)

    def inject(self, k: int | Sequence[int], matrix: Array, signal: Array, derivative: bool = True) -> None:
        """delta_k = (matrix @ signal) * f'(a_k), for layer k or, given `net.hidden`, for all hidden layers at once.

        `matrix` is (R, n_k, n) and `signal` (R, n, m). Without `derivative` the factor f' is left out, though not
        dropout's.
        """
        if not isinstance(k, int) and not k:
            return
        out, gates = (self.delta[k], self.gates[k]) if isinstance(k, int) else (self.delta.stacked, self.gates[0])
        if (*matrix.shape[-2:], signal.shape[-1]) != (out.shape[-2], signal.shape[-2], out.shape[-1]):
            raise InvalidValue(
                f"inject can't send a signal {signal.shape} through a matrix {matrix.shape} to layer {k}"
                f" of {out.shape[-2]} units; it takes a matrix (R, n_k, n) and a signal (R, n, m)"
            )
        if not derivative:
            gates = [gate._replace(activation=None) for gate in gates]
        self.backend.feedback_delta(matrix, signal, gates, out=out)

    def gradients(
        self,
        into: Parameters,
        layers: Sequence[int],
        alpha: float | Array,
        beta: float = 0.0,
        replicas: slice = ALL,
    ) -> None:
        """into = alpha * gradient + beta * into, with dW_k = delta_k h_{k-1}^T and db_k = the row sums of delta_k.

        Nothing here depends on anything else, so all of it may run side by side; layers of one shape are one product.
        """
        jobs = []
        for first, last in self._equal_layers(tuple(layers)):
            delta, h = self._block(self.delta, first, last), self._block(self.sent, first - 1, last - 1)
            jobs.append(
                partial(
                    self.backend.gemm,
                    delta[replicas],
                    (h[replicas] if h.ndim == delta.ndim else h).swapaxes(-1, -2),
                    out=into.weights(first, last)[replicas],
                    alpha=alpha,
                    beta=beta,
                )
            )
        stacked = len(layers) == self.L
        for delta, b in [(self.delta.slab, into.b.slab)] if stacked else [(self.delta[k], into.b[k]) for k in layers]:
            jobs.append(partial(self.backend.row_sums, delta[replicas], out=b[replicas], alpha=alpha, beta=beta))
        self.backend.parallel(jobs)

    def _equal_layers(self, layers: tuple[int, ...]) -> list[tuple[int, int]]:
        """Runs (first, last) of layers with weights of one shape, the first of which takes no input of the net."""
        if layers not in self._runs:
            runs: list[tuple[int, int]] = []
            for k in layers:
                shape, below = self.W[k].shape[1:], k - 1
                if runs and runs[-1][1] == below and runs[-1][0] > 1 and self.W[below].shape[1:] == shape:
                    runs[-1] = runs[-1][0], k
                else:
                    runs.append((k, k))
            self._runs[layers] = runs
        return self._runs[layers]

    def _block(self, layers: Layers, first: int, last: int) -> Array:
        """Layer `first`, (R, n, m), or the layers first .. last of equal width, (R, layers, n, m)."""
        if first == last:
            return layers[first]
        rows = slice(self.sizes.rows(first).start, self.sizes.rows(last).stop)
        part = layers.slab[:, rows]
        return part.reshape(len(part), last - first + 1, -1, self.m)

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
