"""The blocks of a net as they stand in a pass: one dense layer as one operation, or any layers one after the other."""

from collections.abc import Sequence

from ...backends.operations.operands import Gate, Signal
from ...basics.arrays import T
from ...basics.errors import InvalidValue
from ...layers.protocol.terms import Carriers, Sums
from ..state.arena import Array
from .layered import LayeredBlock, SteppedBlock
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


def block_of(net: Slabs, k: int) -> DenseBlock | LayeredBlock:
    """Block k, as fast as it can be."""
    if k in net.sizes.layered:
        return SteppedBlock(net, k) if net.every_step and k in net.sizes.ending else LayeredBlock(net, k)
    if k in net.residual:
        return ResidualBlock(net, k)
    return OutputBlock(net, k) if k == net.L else DenseBlock(net, k)
