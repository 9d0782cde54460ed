"""A batch going through a part of the net: in from the process below, on to the one above, the error from nowhere."""

from functools import partial
from typing import Any

from ...backends.operations.operands import Signal
from ...layers.protocol.carrying import write
from ...layers.protocol.terms import Carriers
from ...parallel.ranks import Piece
from ..shape.part import Part
from ..state.arena import Array, Layers
from .passes import Pass


class PartPass(Pass):
    """Of a net whose blocks several processes hold, `ranks`: all of them go through it in the same order.

    What the output block makes, a_L, goes from the last to all, and each makes e of it: that is all that a rule of
    direct feedback asks for, and no process waits for an error from the one above.
    """

    sizes: Part

    def __init__(self, net: Any, *how: Any) -> None:
        self.ranks = net.ranks
        super().__init__(net, *how)
        shape = len(net.seeds), self.sizes[self.sizes.first - 1], self.m
        self.came = None if self.lowest else self.backend.zeros(shape, self.slab_dtype)

    @property
    def lowest(self) -> bool:
        return self.ranks.rank == 0

    @property
    def highest(self) -> bool:
        return self.ranks.rank == self.ranks.size - 1

    def take(self, x: Array) -> None:
        super().take(x)
        if not self.lowest:
            below = self.sizes.first - 1
            self.h[below] = self.sent[below] = self.came

    def again(self) -> Array:
        self._climb()
        self.settle()
        return self.a[self.L]

    def rise(self, x: Array) -> None:
        self.take(x)
        self._climb()

    def settle(self) -> None:
        self.arrive()

    def evaluation(self, rule: Any, x: Array, sums: Array) -> list[Piece]:
        if not rule.feeds:
            return super().evaluation(rule, x, sums)
        own = Piece(partial(self.take, x)), Piece(self._fetch, self.ranks), Piece(self._upwards)
        output = Piece(self._hand_on, self.ranks), Piece(self.settle, self.ranks), Piece(partial(self.error, sums))
        return [*own, *output]

    def _climb(self) -> None:
        self._fetch()
        self._upwards()
        self._hand_on()

    def _fetch(self) -> None:
        if not self.lowest:
            self.ranks.receive(self.backend, self.came, self.ranks.rank - 1)

    def _upwards(self) -> None:
        """Up through the blocks that are here."""
        self._hidden()
        if self.highest:
            self.layer(self.L, self.sent[self.L - 1], self.h[self.L], a=self.a[self.L])

    def _hand_on(self) -> None:
        if not self.highest:
            self.ranks.send(self.backend, self.sent[self.sizes.last], self.ranks.rank + 1)
        self.arrive = self.ranks.spread(self.backend, self.a[self.L], self.ranks.size - 1)

    def feed(self, x: Array) -> Array:
        return self.forward(x)

    def pull(self, k: int, carriers: Carriers = None) -> Signal:
        """As ever; of the first block of the process above, what that hands down."""
        if k in self.blocks:
            return super().pull(k, carriers)
        down = self.array("signal from above", self.sizes[k - 1], self.m)
        self.ranks.receive(self.backend, down, self.ranks.rank + 1)
        return Signal(None, down)

    def hand_down(self) -> None:
        if not self.lowest:
            down = self.array("signal handed down", self.sizes[self.sizes.first - 1], self.m)
            write(self.backend, self.pull(self.sizes.first), out=down)
            self.ranks.send(self.backend, down, self.ranks.rank - 1)

    def with_matrices(self) -> Pass:
        found, first, above = super().with_matrices(), self.sizes.first, self.sizes.last + 1
        mine = {
            name: self.backend.to_host(of[first])
            for name, of in (("W", found.W), ("B", found.B))
            if first < len(of) and self.sizes.one_dense(first) and of[first] is not None
        }
        every = self.ranks.gather(mine)
        if not self.highest:
            for name, array in every[self.ranks.rank + 1].items():
                longer = [*getattr(found, name), *[None] * self.L]
                longer[above] = self.backend.to_device(array)
                setattr(found, name, Layers(longer))
        return found

    def _send(self, k: int, *how: Any) -> None:
        if k in self.blocks:
            super()._send(k, *how)
