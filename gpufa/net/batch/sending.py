"""How a learning rule lets signals arrive at blocks, and go down in them."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ...backends.operations.operands import Signal
from ...basics.errors import InvalidValue
from ...layers.protocol.terms import Carriers
from ..state.arena import Array
from .layered import LayeredBlock
from .slabs import Slabs, partly


class Sending(Slabs):
    """What a Pass does with signals; see there for the names."""

    blocks: dict[int, Any]
    layered: dict[int, LayeredBlock]

    def send(self, k: int | Sequence[int], s: Signal | Array, carriers: Carriers = None) -> None:
        """The signal s, (R, n_k, m), arrives at the output of block k, or, given `net.hidden`, at those of all hidden
        blocks, (R, hidden units, m): delta_k, and what comes of it inside the block by local backprop, through the
        block's own weights or the carriers in place of them.
        """
        signal = s if isinstance(s, Signal) else Signal(None, s)
        if isinstance(k, int):
            self._send(k, signal, carriers)
        elif k:
            self._send_all(signal)

    def reach(self, k: int, s: Signal | Array, carriers: Carriers = None) -> None:
        """As `send`, straight to all units that block k has felt, (R, felt units, m), past what is between them: of a
        block that ends in a recurrent layer those of all its steps, from which nothing goes on to other steps."""
        signal = s if isinstance(s, Signal) else Signal(None, s)
        if k in self.sizes.timed:
            self.layered[k].receive(signal, carriers)
        else:
            self._send(k, signal, carriers)

    def steps(self, k: int) -> Array:
        """What block k makes at all of its steps in time, (R, felt units, m), also where it sends on the last alone; of
        a block without time what it sends on. Raises InvalidValue for a rule that has not said `every_step`."""
        return self._stepped(k).at.y if k in self.sizes.ending else self.sent[k]

    def send_steps(self, k: int, s: Signal | Array, carriers: Carriers = None) -> None:
        """As `send`, of a signal for all that `steps` has."""
        if k in self.sizes.ending:
            self._stepped(k).send_steps(s if isinstance(s, Signal) else Signal(None, s), carriers)
        else:
            self.send(k, s, carriers)

    @contextmanager
    def entering(self, signals: Iterable[tuple[int, int, Signal]]) -> Iterator[None]:
        """Inside, what is sent to block k goes within it as far as its layer i alone: at the output of that, one of
        `sizes.arrivals`, the signal here arrives in place of what comes down."""
        places = [self.layered[k].enter(i, s) for k, i, s in signals]
        try:
            yield
        finally:
            for place in places:
                place.straight = None

    def pull(self, k: int, carriers: Carriers = None) -> Signal:
        """What block k hands down of the signal that it was sent, J_k^T s_k, through its own weights, or through
        carriers: by the names of its matrices, what stands in for their transposes. To be handed to `send`."""
        return self.blocks[k].pull(carriers)

    def hand_down(self) -> None:
        """What the lowest block hands down goes to whoever holds the block below; here nobody does."""

    def along_edges(self, k: int, signal: Array, name: str) -> Array:
        """A signal, (R, n, m), as the layers of block k that go along edges hand it down, each by its own weights and
        whatever else stands there; itself where there are none."""
        edges = [layer for layer, _ in self.sizes.walk(k) if layer.joins]
        for i, layer in enumerate(reversed(edges)):
            out = self.array(f"{name} of block {k} along edges, {i}", signal.shape[1], self.m)
            self.backend.neighbours(signal, self.adjacency(layer.by, layer.selves).down, out=out)
            signal = out
        return signal

    def through(self, matrix: Array, signal: Array) -> Signal:
        """matrix @ signal, (R, n_k, n) and (R, n, m), for `send`: a signal from elsewhere than the block above."""
        return Signal(matrix, signal)

    def inject(
        self, k: int | Sequence[int], matrix: Array, signal: Array, derivative: bool = True, dropout: bool = True
    ) -> None:
        """delta_k = (matrix @ signal) * f'(a_k), for block k or, given `net.hidden`, for all hidden blocks at once.

        `matrix` is (R, n_k, n) and `signal` (R, n, m). Without `derivative` the factor f' is left out, without
        `dropout` the mask of the units that were dropped. Raises InvalidValue for block k below a skip connection or a
        block of several layers, as it can't know whether the signal came down that way.
        """
        if not isinstance(k, int):
            if k:
                self._send_all(Signal(matrix, signal), derivative, dropout)
            return
        if k + 1 in self.residual or k + 1 in self.sizes.layered:
            raise InvalidValue(
                f"inject({k}, matrix, signal) can't know whether the signal comes down from block {k + 1},"
                f" '{self.sizes.blocks[k]}', which hands down more than a product; write net.send({k},"
                f" net.pull({k + 1})) where it does, or net.send({k}, net.through(matrix, signal)) where it doesn't"
            )
        self._send(k, Signal(matrix, signal), None, derivative, dropout)

    def _stepped(self, k: int) -> LayeredBlock:
        if not self.every_step:
            raise InvalidValue(
                f"block {k}, '{self.sizes.blocks[k - 1]}', keeps its last step alone for a rule that asks for no more;"
                " let the rule say every_step = True"
            )
        return self.layered[k]

    def _send(self, k: int, s: Signal, carriers: Carriers, derivative: bool = True, dropout: bool = True) -> None:
        _check(k, s, self.delta[k])
        self.blocks[k].send(s, carriers, derivative, dropout)

    def _send_all(self, s: Signal, derivative: bool = True, dropout: bool = True) -> None:
        stacked = self.delta.stacked
        _check("all hidden blocks", s, stacked)
        if self.sizes.layered:
            for k in self.hidden:
                rows = self.sizes.rows(k)
                own = Signal(None, s.signal[:, rows]) if s.matrix is None else Signal(s.matrix[:, rows], s.signal)
                self.blocks[k].send(own, None, derivative, dropout)
        elif s.matrix is None:
            stacked[...] = s.signal
            self.backend.gate(stacked, partly(self.all_gates, derivative, dropout))
        else:
            self.backend.feedback_delta(s.matrix, s.signal, partly(self.all_gates, derivative, dropout), out=stacked)


def _check(to: int | str, s: Signal, delta: Array) -> None:
    """Raise InvalidValue where a signal does not go with the block that it is sent to."""
    if s.matrix is None:
        if s.signal.shape != delta.shape:
            raise InvalidValue(f"a signal {s.signal.shape} can't arrive at layer {to}, which takes {delta.shape}")
    elif (*s.matrix.shape[-2:], s.signal.shape[-1]) != (delta.shape[-2], s.signal.shape[-2], delta.shape[-1]):
        raise InvalidValue(
            f"a rule can't send a signal {s.signal.shape} through a matrix {s.matrix.shape} to layer {to}"
            f" of {delta.shape[-2]} units; it takes a matrix (R, n_k, n) and a signal (R, n, m)"
        )
