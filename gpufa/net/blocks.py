"""The blocks of a net as they stand in a pass: one dense layer as one operation, or any layers one after the other."""

import math
from collections.abc import Sequence
from functools import cached_property
from itertools import count, dropwhile, takewhile

from ..backends.operands import Gate, Signal
from ..basics.arrays import T
from ..basics.errors import InvalidValue
from ..layers.carrying import write
from ..layers.layer import At
from ..layers.residual import Residual
from ..layers.terms import Carriers, Sums
from .arena import Array
from .slabs import Slabs, partly


class DenseBlock:
    """h_k = f(W_k h_{k-1} + b_k), under dropout's mask if there is any, in the slabs' own rows.

    delta_k is the signal at the pre-activation.
    """

    def __init__(self, net: Slabs, k: int) -> None:
        self.net, self.k, self.backend = net, k, net.backend
        self.delta, self.gates = net.delta[k], net.gates.get(k, [])
        self.name, self.down = f"W{k}", Signal(T(net.W[k]), net.delta[k])
        self.apart = net.sent is not net.h and net.mask is None  # what is sent is not where it is written

    def forward(self) -> None:
        net, k = self.net, self.k
        net.layer(k, net.sent[k - 1], net.h[k], a=net.a[k], sent=net.sent[k])
        if self.apart:
            net.sent[k][...] = net.h[k]

    def send(self, s: Signal, carriers: Carriers, derivative: bool, dropout: bool) -> None:
        """The signal has arrived at the block's output."""
        gates = self.gates if derivative and dropout else partly(self.gates, derivative, dropout)
        if s.matrix is not None and s.plus is None:
            self.backend.feedback_delta(s.matrix, s.signal, gates, out=self.delta)
        else:
            self.take(s, gates, self.net.layers("sent back")[self.k])

    def take(self, s: Signal, gates: list[Gate], came: Array) -> None:
        """The same by way of `came`, where the signal at the output stays."""
        if s.matrix is None:
            came[...] = s.signal
        else:
            self.backend.through(s.matrix, s.signal, out=came)
        if s.plus is not None:
            self.net.xp.add(came, self.net.apart(s.plus), out=came)
        self.delta[...] = came
        self.backend.gate(self.delta, gates)

    def pull(self, carriers: Carriers) -> Signal:
        """What the block hands down."""
        return self.down if carriers is None else Signal(carriers[self.name], self.delta)

    def remember(self, running: Sequence[slice]) -> None:
        """A dense layer measures nothing."""

    def gradients(self, grads: Sums) -> None:
        grads.product(self.name, self.delta, self.net.sent[self.k - 1])
        grads.sums(f"b{self.k}", self.delta)


class OutputBlock(DenseBlock):
    """a_L = W_L h_{L-1} + b_L, whose delta is the error."""

    def send(self, s: Signal, carriers: Carriers, derivative: bool, dropout: bool) -> None:
        if s.signal is not self.delta:  # where it stands already
            super().send(s, carriers, derivative, dropout)


class ResidualBlock(DenseBlock):
    """h_k = f(W_k h_{k-1} + b_k), and h_{k-1} is added to what is sent on."""

    def __init__(self, net: Slabs, k: int) -> None:
        super().__init__(net, k)
        self.arrived = False

    def forward(self) -> None:
        net, k = self.net, self.k
        net.layer(k, net.sent[k - 1], net.h[k], a=net.a[k], sent=net.sent[k])
        self.arrived = False
        masked = net.h[k] if net.mask is None else net.sent[k]
        net.xp.add(masked, net.apart(net.sent[k - 1]), out=net.sent[k])

    def send(self, s: Signal, carriers: Carriers, derivative: bool, dropout: bool) -> None:
        gates = self.gates if derivative and dropout else partly(self.gates, derivative, dropout)
        self.take(s, gates, self.net.layers("sent back")[self.k])
        self.arrived = True

    def pull(self, carriers: Carriers) -> Signal:
        if not self.arrived:
            raise InvalidValue(
                f"block {self.k} hands down what it was sent, too, and nothing was sent to it alone in this pass; call"
                f" net.send({self.k}, ...) before net.pull({self.k})"
            )
        return super().pull(carriers)._replace(plus=self.net.layers("sent back")[self.k])


class LayeredBlock:
    """Any layers; delta_k is the signal at the block's output, and goes down inside by the layers' own way."""

    def __init__(self, net: Slabs, k: int, name: str = "") -> None:
        self.net, self.k = net, k
        path, n, suffixes = f"block {k}{name and f', {name},'}", net.sizes[k], iter(net.sizes.suffixes(k))
        self.own = bool(name) or len(net.seeds) > 1  # the slab's rows lie whole for one replica alone
        y = net.array(f"{path} y", n, net.m) if self.own else net.h[k]
        shape, streams = net.sizes.shapes[k - 1], count(1000 * k)
        block, self.arrived = net.sizes.blocks[k - 1], False
        self.block = block if net.as_said else block.pooled_first.edges_last(shape)
        delta = net.delta[k] if k == net.L and not self.own else None  # where the error stands already
        self.at = At(self.block, net, shape, net.parameters, suffixes, streams, y, delta, path)

    def forward(self) -> None:
        self.up(self.net.sent[self.k - 1])
        self.leave()

    def leave(self) -> None:
        """What they have made is the pass's h_k."""
        if self.own:
            self.net.h[self.k][...] = self.at.y
        if self.net.sent is not self.net.h:
            self.net.sent[self.k][...] = self.at.y

    def up(self, x: Array, more: Signal | None = None) -> Array:
        """What the layers make of x, (R, n_{k-1}, m): (R, n_k, m). In a block where one layer learns, `more`, (R,
        channels, places * m), comes onto what that makes."""
        x = x if self.takes_any_order else self._ordered(x)
        self.at.x, self.arrived = x, False
        if more is None:
            self.block.forward(self.at)
            return self.at.y
        for place in self.at.leaves():
            place.x = x
            place.layer.forward(place)
            if place is self.learning:
                write(self.net.backend, more, out=by_channels(place, place.y), more=True)
            x = place.y
        return self.at.y

    @cached_property
    def takes_any_order(self) -> bool:
        """Whether its lowest layer alone takes the input, whichever way that lies in memory."""
        return next(self.at.leaves()).layer.either_way and not isinstance(self.block, Residual)

    @cached_property
    def learning(self) -> At:
        """Where the first of its layers that learn stands."""
        return next(place for place in self.at.leaves() if place.names)

    @cached_property
    def unpooled(self) -> At:
        """Where the last layer stands that leaves the shape of what the learning one makes as it is: below a pool."""
        above = dropwhile(lambda place: place is not self.learning, self.at.leaves())
        return list(takewhile(lambda place: place.out == self.learning.out, above))[-1]

    def send(self, s: Signal, carriers: Carriers = None, derivative: bool = True, dropout: bool = True) -> None:
        if not (derivative and dropout):
            raise InvalidValue(
                f"block {self.k}, '{self.block}', has no f' or mask at its output that a signal could go past; leave"
                " derivative=False and dropout=False out"
            )
        write(self.net.backend, s, out=self.at.delta)
        if self.at.delta is not self.net.delta[self.k]:
            self.net.delta[self.k][...] = self.at.delta
        self.block.send(self.at, carriers)
        self.arrived = True

    def receive(self, s: Signal, carriers: Carriers = None) -> None:
        """The signal arrives at all units that are felt."""
        felt = math.prod(self.net.sizes.felt[self.k])
        came = self.net.array(f"signal at all of {self.at.path}", felt, self.net.m)
        write(self.net.backend, s, out=came)
        self.block.receive(self.at, came, carriers)
        self.net.delta[self.k][...] = self.at.delta
        self.arrived = True

    def pull(self, carriers: Carriers) -> Signal:
        self._expect("hands down", f"net.pull({self.k})")
        return self.block.pull(self.at, carriers)

    def remember(self, running: Sequence[slice]) -> None:
        """Let the layers bring what they measure up to date."""
        for place in self.at.leaves():
            place.layer.remember(place, running)

    def gradients(self, grads: Sums) -> None:
        self._expect("learns from", "its gradients")
        self.block.gradients(self.at, grads)

    def _ordered(self, x: Array) -> Array:
        """x with sample beside sample in memory."""
        if x.strides[-1] == x.itemsize:
            return x
        own = self.net.kept(f"input of {self.at.path}", lambda: self.net.backend.zeros(x.shape, x.dtype))
        self.net.backend.reorder(x, out=own)
        return own

    def _expect(self, does: str, before: str) -> None:
        """Raise InvalidValue where what the layers hold is of another pass."""
        if not self.arrived:
            raise InvalidValue(
                f"block {self.k} {does} what it was sent, and nothing was sent to it in this pass; call"
                f" net.send({self.k}, ...) before {before}"
            )


def by_channels(at: At, y: Array) -> Array:
    """An output of that place, (R, channels, places * m); units are channels of one place."""
    return y.reshape(len(y), at.out[0], -1)


def block_of(net: Slabs, k: int) -> DenseBlock | LayeredBlock:
    """Block k, as fast as it can be."""
    if k in net.sizes.layered:
        return LayeredBlock(net, k)
    if k in net.residual:
        return ResidualBlock(net, k)
    return OutputBlock(net, k) if k == net.L else DenseBlock(net, k)
