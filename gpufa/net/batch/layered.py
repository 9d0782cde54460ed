"""A block of any layers, one after the other, as it stands in a pass."""

import math
from collections.abc import Sequence
from functools import cached_property
from itertools import count, dropwhile, takewhile

from ...backends.operations.operands import Signal
from ...basics.errors import InvalidValue
from ...layers.chain import Chain
from ...layers.protocol.carrying import write
from ...layers.protocol.layer import At
from ...layers.protocol.terms import Carriers, Shape, Sums
from ...layers.residual import Residual
from ..state.arena import Array
from .slabs import Slabs


class LayeredBlock:
    """Any layers; delta_k is the signal at the block's output, and goes down inside by the layers' own way."""

    stepped = False

    def __init__(self, net: Slabs, k: int, name: str = "") -> None:
        self.net, self.k = net, k
        path, suffixes, streams = f"block {k}{name and f', {name},'}", iter(net.sizes.suffixes(k)), count(1000 * k)
        shape, self.arrived = net.sizes.shapes[k - 1], False
        self.block = self.arranged(net.sizes.blocks[k - 1], shape)
        self.own = bool(name) or len(net.seeds) > 1 or self.stepped  # the slab's rows lie whole for one replica alone
        y = net.array(f"{path} y", math.prod(self.block.out(shape)), net.m) if self.own else net.h[k]
        delta = net.delta[k] if k == net.L and not self.own else None  # where the error stands already
        self.at = At(self.block, net, shape, net.parameters, suffixes, streams, y, delta, path)

    def arranged(self, block: Chain, shape: Shape) -> Chain:
        """Its layers as they stand here, for an input of that shape."""
        return block if self.net.as_said else block.pooled_first.edges_last(shape)

    def forward(self) -> None:
        self.up(self.net.sent[self.k - 1])
        self.leave()

    def leave(self) -> None:
        """What they have made is the pass's h_k."""
        if self.own:
            self.net.h[self.k][...] = self.handed_on(self.at.y)
        if self.net.sent is not self.net.h:
            self.net.sent[self.k][...] = self.handed_on(self.at.y)

    def handed_on(self, y: Array) -> Array:
        """Of what is of the units that they make, (R, units, m), what is of those that the block hands on."""
        return y

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
        self.take(s)
        self.down(carriers)

    def take(self, s: Signal) -> None:
        """The signal at what it hands on."""
        self.at.factors = s.factors if self.arrive(s, self.at.delta) else None

    def down(self, carriers: Carriers) -> None:
        """What has arrived goes down inside."""
        self.tell()
        self.block.send(self.at, carriers)
        self.arrived = True

    def tell(self) -> None:
        """What has arrived is the pass's delta_k."""
        if self.at.delta is not self.net.delta[self.k]:
            self.net.delta[self.k][...] = self.handed_on(self.at.delta)

    def send_steps(self, s: Signal, carriers: Carriers = None) -> None:
        """The signal arrives at all units that they make, of each step."""
        self.arrive(s, self.at.delta)
        self.at.factors = None
        self.down(carriers)

    def receive(self, s: Signal, carriers: Carriers = None) -> None:
        """The signal arrives at all units that are felt."""
        felt = math.prod(self.net.sizes.felt[self.k])
        came = self.net.array(f"signal at all of {self.at.path}", felt, self.net.m)
        self.arrive(s, came)
        self.at.factors = None
        self.block.receive(self.at, came, carriers)
        self.tell()
        self.arrived = True

    def enter(self, i: int, s: Signal) -> At:
        """Put a signal straight to the output of its i-th layer, whose place is returned."""
        place = list(self.at.leaves())[i]
        place.straight = place.array("straight", math.prod(place.out), self.net.m)
        self.arrive(s, place.straight, i)
        return place

    def arrive(self, s: Signal, out: Array, layer: int = -1) -> bool:
        """Write the signal, with 0 at tokens that fill up where nothing goes on from them; whether there are none."""
        write(self.net.backend, s, out=out)
        filled = self.net.fills_up(self.k, layer)
        if filled:
            self.net.blank(out)
        return not filled

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


class SteppedBlock(LayeredBlock):
    """A block that hands on its last step in time alone, with all of its steps at hand: its layers make them, (R, n *
    time, m), and the pass has the last."""

    stepped = True

    def arranged(self, block: Chain, shape: Shape) -> Chain:
        return super().arranged(block, shape).every_step

    def handed_on(self, y: Array) -> Array:
        last: Array = y.reshape(len(y), self.net.sizes[self.k], -1, y.shape[-1])[:, :, -1]
        return last

    def take(self, s: Signal) -> None:
        came = self.net.array(f"signal behind the last step of {self.at.path}", self.net.sizes[self.k], self.net.m)
        write(self.net.backend, s, out=came)
        self.at.factors = None
        self.at.delta.fill(0)
        self.handed_on(self.at.delta)[...] = came


def by_channels(at: At, y: Array) -> Array:
    """An output of that place, (R, channels, places * m); units are channels of one place."""
    return y.reshape(len(y), at.out[0], -1)
